"""What an Observation or a component of one found, by the kind of its value.

============================== ============================================================
value                          event
============================== ============================================================
Quantity, integer              kind ``measurement``: value and unit
Quantity with a comparator     the same, with the comparator: ``<``, ``<=``, ``>=`` or ``>``
Range                          kind ``observation``: ``code=3-5 mmol/L``, ``code=>=3 mmol/L``,
                               ``code=<=5 mmol/L``
Ratio                          ``code=1:128``
Period                         ``code=2024-03-01/2024-03-04``
CodeableConcept                ``code=`` its code, else its text
string, boolean, dateTime,     ``code=`` as it stands
time
SampledData, Attachment,       none, counted
Reference
none, or dataAbsentReason      none, counted
============================== ============================================================
"""

from typing import Any, NamedTuple

from clinnlp.io.record.fhir_values import (
    Json,
    coded,
    number_in,
    said_quantity,
    text_in,
    unit_in,
)
from clinnlp.io.tables.cells import number_of

__all__ = ["Value", "value_of"]

_COMPARED = ("<", "<=", ">=", ">")
_FLAGS = {True: "true", False: "false", "true": "true", "false": "false"}


class Value(NamedTuple):
    """A number with unit and comparator, or what else was found; neither: what it lacks."""

    number: float | None = None
    unit: str | None = None
    comparator: str | None = None
    text: str = ""
    lack: str = "without value"

    @property
    def is_there(self) -> bool:
        """Whether anything was found."""
        return self.number is not None or bool(self.text)


def value_of(part: Json) -> Value:
    """Return what an Observation, or one of its components, says.

    Raises
    ------
    DataError, TypeError, AttributeError
        A value of another form.

    Examples
    --------
    >>> value_of({"valueQuantity": {"value": 4.1, "comparator": "<", "unit": "mmol/L"}})[:3]
    (4.1, 'mmol/L', '<')
    >>> value_of({"dataAbsentReason": {"text": "refused"}}).lack
    'of absent data'
    """
    for key, value in part.items():
        if key.startswith("value") and value is not None:
            read = _READ.get(key.removeprefix("value"))
            return Value(lack="of a value that is no single one") if read is None else read(value)
    return Value(lack="of absent data") if part.get("dataAbsentReason") else Value()


def _quantity(value: Json) -> Value:
    if "value" not in value:
        return Value()
    compared = value.get("comparator") or None
    if compared is not None and compared not in _COMPARED:
        raise TypeError
    return Value(number_in(value), unit_in(value), compared)


def _integer(value: Any) -> Value:
    return Value(number_of(value, "an integer"))


def _concept(value: Json) -> Value:
    return Value(text=coded(value)[0] or "")


def _text(value: Any) -> Value:
    return Value(text=(text_in(value) or "").strip())


def _flag(value: Any) -> Value:
    if value not in _FLAGS:
        raise TypeError
    return Value(text=_FLAGS[value])


def _range(value: Json) -> Value:
    low, high = (said_quantity(value.get(side)) for side in ("low", "high"))
    if low and high:
        unit = unit_in(value["low"])
        same = unit is not None and unit == unit_in(value["high"])
        return Value(text=f"{low.removesuffix(f' {unit}') if same else low}-{high}")
    return Value(text=f">={low}" if low else f"<={high}" if high else "")


def _ratio(value: Json) -> Value:
    above, below = (said_quantity(value.get(side)) for side in ("numerator", "denominator"))
    return Value(text=f"{above}:{below}" if above and below else "")


def _period(value: Json) -> Value:
    start, end = (text_in(value.get(side)) or "" for side in ("start", "end"))
    return Value(text=f"{start}/{end}" if start or end else "")


_READ = {
    "Quantity": _quantity,
    "Integer": _integer,
    "CodeableConcept": _concept,
    "String": _text,
    "DateTime": _text,
    "Time": _text,
    "Boolean": _flag,
    "Range": _range,
    "Ratio": _ratio,
    "Period": _period,
}
