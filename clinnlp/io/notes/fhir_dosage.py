"""What a note says of how a drug is taken, as a Dosage of FHIR R4.

============================== ===========================================================
attributes of a drug mention   Dosage
============================== ===========================================================
all below, in this order       ``text``: strength, dose, form, route, frequency, duration,
                               schedule, "as needed", "for" and the indication
dose_mg, or both ends of it    ``doseAndRate``: a quantity or a range in mg
dose, such as "1-2 tablets"    the same with the words of the note, where they have no
                               milligrams and the numbers are in digits
route                          ``route.text``
frequency                      ``timing.code.text``
doses_per_day, or both ends    ``timing.repeat``: so often in the shortest whole period
duration_days                  ``timing.repeat.boundsDuration``
prn, indication                ``asNeededCodeableConcept`` with the indication, else
                               ``asNeededBoolean``
============================== ===========================================================

A dose that changes over the day or by a taper (``schedule``) stands in ``text`` alone: one Dosage
would tell of its first step only.

References
----------
https://hl7.org/fhir/R4/dosage.html, https://hl7.org/fhir/R4/datatypes.html#Timing
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from math import lcm

from clinnlp.core.notes import Attribute
from clinnlp.io.notes.fhir_elements import Json, text_of, with_value

__all__ = ["dosage", "said"]

_SAID = ("strength", "dose", "form", "route", "frequency", "duration", "schedule")
_UCUM = "http://unitsofmeasure.org"
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?"
_DOSE = re.compile(rf"{_NUMBER}(?:\s?(?:-|–|to)\s?{_NUMBER})?\s?([^\W\d].*)")
_MASS = re.compile(r"(?:mcg|µg|ug|mg|g|kg|gm|gr|[a-z]*grams?)\b", re.IGNORECASE)
_MOST = 1_000_000  # of a dose, a number of days or of doses a day
_LONGEST, _MONTH = 365, 31  # days of a period
_NEAR = 1e-6  # the computed numbers are rounded


def said(attributes: Mapping[str, Attribute], name: str) -> str:
    """Return an attribute that is text as FHIR may hold it, empty where there is none."""
    value = attributes.get(name)
    return text_of(value) if isinstance(value, str) else ""


def dosage(attributes: Mapping[str, Attribute]) -> Json:
    """Return the Dosage of a drug mention, empty where the note does not say how it is taken.

    Examples
    --------
    >>> made = dosage({"dose": "40 mg", "dose_mg": 40.0, "doses_per_day": 2.0, "route": "p.o."})
    >>> made["text"], made["doseAndRate"][0]["doseQuantity"]["value"], made["timing"]["repeat"]
    ('40 mg p.o.', 40, {'frequency': 2, 'period': 1, 'periodUnit': 'd'})
    """
    made: Json = {"text": _text(attributes)}
    if "schedule" not in attributes:
        made["timing"] = with_value({"repeat": _repeat(attributes), "code": _code(attributes)})
    indication = said(attributes, "indication")
    if attributes.get("prn") is True:
        needed = {"asNeededCodeableConcept": {"text": indication}}
        made |= needed if indication else {"asNeededBoolean": True}
    made["route"] = with_value({"text": said(attributes, "route")})
    if "schedule" not in attributes:
        dose = _dose(attributes)
        made["doseAndRate"] = [dose] if dose else []
    return with_value(made)


def _text(attributes: Mapping[str, Attribute]) -> str:
    named = [n for n in _SAID if n != "form" or not _has_form(attributes)]
    words = [word for word in (said(attributes, name) for name in named) if word]
    words += ["as needed"] if attributes.get("prn") is True else []
    indication = said(attributes, "indication")
    return " ".join([*words, f"for {indication}" if words and indication else ""]).strip()


def _has_form(attributes: Mapping[str, Attribute]) -> bool:
    """Return whether the dose says the form too: "2 tablets"."""
    return said(attributes, "dose").endswith(said(attributes, "form"))


def _code(attributes: Mapping[str, Attribute]) -> Json:
    return with_value({"text": said(attributes, "frequency")})


def _ends(attributes: Mapping[str, Attribute], name: str) -> tuple[float, float] | None:
    """Return a number or the ends of a range, None where they are not there."""
    values = [attributes.get(name, attributes.get(f"{name}_{end}")) for end in ("low", "high")]
    low, high = map(_positive, values)
    return (low, high) if low and high else None


def _positive(value: Attribute) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0 < value < _MOST else 0  # type: ignore[operator, return-value]


def _dose(attributes: Mapping[str, Attribute]) -> Json:
    ends, unit = _ends(attributes, "dose_mg"), "mg"
    if ends is None:
        match = _DOSE.fullmatch(said(attributes, "dose"))
        if match is None:
            return {}
        ends = _number(match[1], match[2]), _number(match[3] or match[1], match[4] or match[2])
        unit = match[5]
        if ends[0] != ends[1] and (ends[0] > ends[1] or _MASS.match(unit)):
            return {}  # "25-100 mg" of two drugs in one
    low, high = (_quantity(value, unit) for value in ends)
    return {"doseQuantity": low} if low == high else {"doseRange": {"low": low, "high": high}}


def _number(whole: str, part: str | None) -> float:
    return float(whole.replace(",", "") + (part or ""))


def _quantity(value: float, unit: str) -> Json:
    made: Json = {"value": int(value) if value == int(value) else value, "unit": unit}
    return made | {"system": _UCUM, "code": unit} if unit == "mg" else made


def _repeat(attributes: Mapping[str, Attribute]) -> Json:
    made: Json = {}
    days = _ends(attributes, "duration_days")
    if days:
        low, high = (_days(value) for value in days)
        made["boundsRange"] = {"low": low, "high": high}
        if low == high:
            made = {"boundsDuration": low}
    per_day = _ends(attributes, "doses_per_day")
    return made | (_often(*per_day) if per_day else {})


def _days(value: float) -> Json:
    return _quantity(value, "days") | {"system": _UCUM, "code": "d"}


def _often(low: float, high: float) -> Json:
    """Return so many times in a period; nothing where no such period has whole numbers."""
    few, many = map(_fraction, (low, high))
    period = lcm(few.denominator, many.denominator)
    if not few or not many or period > _LONGEST:
        return {}
    made: Json = {"frequency": int(few * period)}
    made |= {"frequencyMax": int(many * period)} if many > few else {}
    weeks, rest = divmod(period, 7)
    unit = {"period": period, "periodUnit": "d"} if rest else {"period": weeks, "periodUnit": "wk"}
    return made | unit


def _fraction(value: float) -> Fraction:
    """Return the fraction that a rounded number stands for, or 0.

    It is one in so many days, or a few in a month.
    """
    once = Fraction(1, max(1, round(1 / value))) if value * _LONGEST >= 1 else Fraction(0)
    tried = (once, Fraction(value).limit_denominator(_MONTH))
    return next((one for one in tried if abs(one - value) < _NEAR), Fraction(0))
