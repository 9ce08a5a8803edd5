"""Codes and times of FHIR, as notes and events both take them."""

from datetime import datetime
from typing import Any

from clinnlp.core.times import naive_utc
from clinnlp.io.files.source import Document

__all__ = ["Json", "coded", "period_of", "text_in", "time_of", "utc_of"]

Json = dict[str, Any]

_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED-CT",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
}
_SHORTEST_DAY = 10  # characters of a date with its day


def coded(concept: Json | None) -> tuple[str | None, str, str | None]:
    """Return code, vocabulary and what it is called.

    Raises
    ------
    TypeError
        One of them is no text.
    """
    coding = ((concept or {}).get("coding") or [{}])[0]
    code = text_in(coding.get("code"))
    text = text_in((concept or {}).get("text") or coding.get("display") or code)
    system = str(coding.get("system", ""))
    last = system.rstrip("/").replace(":", "/").rpartition("/")[2]
    return (code, _SYSTEMS.get(system, last), text) if code else (text, "", text)


def text_in(value: Any) -> str | None:
    """Return a value that is text or nothing, or raise TypeError."""
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


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


def period_of(period: Json | None, document: Document) -> list[datetime | None]:
    """Return the start and end of a period; raises as `time_of`."""
    return [utc_of((period or {}).get(side), document) for side in ("start", "end")]
