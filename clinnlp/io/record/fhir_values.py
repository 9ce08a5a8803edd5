"""Codes, numbers and times of FHIR, as notes and events both take them."""

from calendar import monthrange
from datetime import datetime
from typing import Any

from clinnlp.core.times import end_of_day, naive_utc
from clinnlp.io.files.source import Document
from clinnlp.io.tables.cells import number_of, text_of

__all__ = [
    "Json",
    "coded",
    "display_of",
    "each",
    "first",
    "known_of",
    "number_in",
    "period_of",
    "said_quantity",
    "text_in",
    "time_of",
    "unit_in",
    "utc_of",
]

Json = dict[str, Any]

_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED-CT",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    # https://hl7.org/fhir/R4/terminologies-systems.html
    "urn:oid:2.16.840.1.113883.6.96": "SNOMED-CT",
    "urn:oid:2.16.840.1.113883.6.1": "LOINC",
    "urn:oid:2.16.840.1.113883.6.88": "RxNorm",
    "urn:oid:2.16.840.1.113883.6.90": "ICD-10-CM",
    "urn:oid:2.16.840.1.113883.6.103": "icd-9-cm",
    "urn:oid:2.16.840.1.113883.6.3": "icd-10",
    "urn:oid:2.16.840.1.113883.6.69": "ndc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
}
_SHORTEST_DAY = 10  # characters of a date with its day
_YEAR = 4  # characters of a year
_MONTHS = 12


def each(value: Any) -> list[Any]:
    """Return the values of an element that may be repeated: in XML, one is no list.

    Examples
    --------
    >>> each(None), each("a"), each(["a", "b"])
    ([], ['a'], ['a', 'b'])
    """
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def first(value: Any) -> Json:
    """Return the first object of an element that may be repeated, or an empty one."""
    found: Json = next(iter(each(value)), {})
    return found


def coded(concept: Json | None) -> tuple[str | None, str, str | None]:
    """Return code, vocabulary and what it is called.

    Raises
    ------
    TypeError
        One of them is no text.
    """
    concept = concept or {}
    codings = each(concept.get("coding"))
    coding: Json = next((one for one in codings if one.get("code")), first(codings))
    code = text_in(coding.get("code")) or None
    text = text_in(concept.get("text") or coding.get("display") or code)
    system = str(coding.get("system", ""))
    last = system.rstrip("/").replace(":", "/").rpartition("/")[2]
    return (code, _SYSTEMS.get(system, last), text) if code else (text, "", text)


def display_of(concept: Json | None) -> str | None:
    """Return what a system calls its code, and not the words that somebody wrote for it.

    Raises
    ------
    TypeError
        It is no text.
    """
    codings = each((concept or {}).get("coding"))
    coding: Json = next((one for one in codings if one.get("code")), {})
    return text_in(coding.get("display")) or None


def text_in(value: Any) -> str | None:
    """Return a value that is text or nothing, or raise TypeError."""
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


def number_in(quantity: Json) -> float:
    """Return the number of a quantity; raises `DataError` where it is none."""
    return number_of(quantity["value"], "the value of a quantity")


def unit_in(quantity: Json) -> str | None:
    """Return the unit of a quantity as it is shown, else its code."""
    return text_in(quantity.get("unit")) or text_in(quantity.get("code"))


def said_quantity(quantity: Json | None) -> str:
    """Return a quantity as text, the same however its number was spelled; empty without one.

    Examples
    --------
    >>> said_quantity({"value": 4.10, "comparator": "<", "unit": "mmol/L"})
    '<4.1 mmol/L'
    >>> said_quantity({"value": "2.0"}), said_quantity({"unit": "mg"})
    ('2', '')
    """
    if not quantity or "value" not in quantity:
        return ""
    number = text_of(number_in(quantity))
    compared = text_in(quantity.get("comparator")) or ""
    return f"{compared}{number} {unit_in(quantity) or ''}".strip()


def time_of(value: Any, document: Document) -> datetime | None:
    """Return a time as it stands there; a year or month is its first day.

    Raises
    ------
    DataError
        Another form.
    """
    if value is None:
        return None
    try:
        return datetime.fromisoformat(_day(value))
    except (ValueError, TypeError):
        pass
    raise document.wrong("a time must have the form of FHIR, such as 2024-03-01T08:00:00Z")


def _day(value: str) -> str:
    """Return a date with its month and day."""
    return value + "-01-01"[len(value) - 4 :] if len(value) < _SHORTEST_DAY else value


def utc_of(value: Any, document: Document) -> datetime | None:
    """Return a time without zone, in UTC where it had one; raises as `time_of`."""
    return naive_utc(time_of(value, document))


def known_of(value: Any, document: Document) -> datetime | None:
    """Return when what has this time was certainly known: at the end of a mere day, month or year.

    Raises
    ------
    DataError
        As `time_of`.
    """
    time = utc_of(value, document)
    if time is None or "T" in value:
        return time
    month = time.month if len(value) > _YEAR else _MONTHS
    day = time.day if len(value) >= _SHORTEST_DAY else monthrange(time.year, month)[1]
    return end_of_day(time.replace(month=month, day=day))


def period_of(period: Json | None, document: Document) -> list[datetime | None]:
    """Return the start and end of a period; raises as `time_of`."""
    return [utc_of((period or {}).get(side), document) for side in ("start", "end")]
