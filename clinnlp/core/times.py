"""Times without zone: one that has a zone is turned into UTC, whoever reads it.

A time that is written without a zone stays as it is. Beside times with a zone it therefore
counts as UTC: a table that mixes the two should say its zone everywhere.

One reader serves tables, streams, outcomes and index times (`read_time`), and one rule serves days
without an hour: what happened on a day was certainly known at its last second (`end_of_day`), and
an index time that is a day is its first.
"""

import re
from datetime import date, datetime
from typing import Any, overload

import numpy as np

from clinnlp.core.errors import DataError, instead_of

__all__ = [
    "DAY_ONLY",
    "AmbiguousTimeError",
    "end_of_day",
    "is_day",
    "known_from",
    "naive_utc",
    "read_time",
    "time_from_text",
    "to_second",
]

DAY_ONLY = "^[^0-9:]*(?:[0-9][^0-9:]*){1,8}$"
"""What a time without hour looks like: up to eight digits, and no colon."""

_OUTSIDE = "a time must lie in the years 1 to 9999 in UTC, got another"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS = r"(?:[T: ,]*(\d{1,2})[:.h](\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?(?:uhr)?)?"
_DOTTED = re.compile(rf"(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}){_HOURS}", re.IGNORECASE)
_YEAR_FIRST = re.compile(rf"(\d{{4}})[/.](\d{{1,2}})[/.](\d{{1,2}}){_HOURS}", re.IGNORECASE)
_NAMED = re.compile(rf"(\d{{1,2}})[- ]?([a-z]{{3}})[- ]?(\d{{4}}){_HOURS}", re.IGNORECASE)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?([+-]\d{4})?")  # of HL7
_EITHER = re.compile(rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}){_HOURS}", re.IGNORECASE)
_TO_ITS_END = np.timedelta64(86_399, "s")
_ZONE_APART = re.compile(r"(.*\d[T :]\d.*?)(?:\s*(utc|gmt|z)|\s+([+-]\d\d:?\d\d))", re.IGNORECASE)
_LONGEST = 64  # characters of a time in any form


class AmbiguousTimeError(ValueError):
    """A time does not say which of its numbers is the day."""


@overload
def naive_utc(time: None) -> None: ...
@overload
def naive_utc(time: datetime) -> datetime: ...
def naive_utc(time: datetime | None) -> datetime | None:
    """Return a time without zone: one with a zone is turned into UTC.

    Raises
    ------
    DataError
        In UTC the time lies before the year 1 or after 9999.

    Examples
    --------
    >>> str(naive_utc(datetime.fromisoformat("2024-03-01T08:00:00+05:30")))
    '2024-03-01 02:30:00'
    """
    offset = None if time is None else time.utcoffset()
    if time is None or offset is None:
        return time
    with instead_of(OverflowError, lambda _: DataError(_OUTSIDE)):
        return time.replace(tzinfo=None) - offset


def time_from_text(text: str) -> datetime:
    """Return a time in ISO 8601 without zone: one with a zone is turned into UTC.

    Raises
    ------
    ValueError
        Not ISO 8601. Its message may quote the text: raise another with `instead_of`.

    Examples
    --------
    >>> str(time_from_text("2024-03-01 08:00+01:00")), str(time_from_text("2024-03-01"))
    ('2024-03-01 07:00:00', '2024-03-01 00:00:00')
    """
    return naive_utc(datetime.fromisoformat(text.strip()))


def read_time(text: str, *, day_first: bool | None = None) -> datetime:
    """Return a time as tables of several countries and programs write it, with its zone if it has.

    Beside ISO 8601 these are 01.03.2024 8:30, 2024/03/01, 01MAR2024, 20240301083000+0100 of HL7,
    and a zone that stands apart, as in ``2024-03-01 07:00:00 UTC`` or ``... +01:00``.

    Parameters
    ----------
    text : str
    day_first : bool, optional
        Whether 03/04/2024 is the third of April; None: it is refused.

    Raises
    ------
    AmbiguousTimeError
        A time of two meanings.
    ValueError
        Another form. Its message may quote the text: raise another with `instead_of`.

    Examples
    --------
    >>> str(read_time("01.03.2024 8:30")), str(read_time("2024-03-01 08:30 +01:00"))
    ('2024-03-01 08:30:00', '2024-03-01 08:30:00+01:00')
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise ValueError
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    apart = _ZONE_APART.fullmatch(text)
    if apart is not None:
        return datetime.fromisoformat(apart[1] + (apart[3] or "+00:00"))
    for pattern, (y, m, d) in ((_DOTTED, (3, 2, 1)), (_YEAR_FIRST, (1, 2, 3))):
        found = pattern.fullmatch(text)
        if found is not None:
            return _made(found[y], found[m], found[d], found)
    found = _COMPACT.fullmatch(text)
    if found is not None:
        day, hour, zone = "-".join(found.groups()[:3]), f"{found[4]}:{found[5]}", found[7] or ""
        return datetime.fromisoformat(f"{day}T{hour}:{found[6] or '00'}{zone}")
    return _with_month(text, day_first)


def _with_month(text: str, day_first: bool | None) -> datetime:  # noqa: FBT001
    """Return a time whose month is a word, or stands before or behind the day."""
    found = _NAMED.fullmatch(text)
    if found is not None and found[2].lower() in _MONTHS:
        return _made(found[3], str(_MONTHS.index(found[2].lower()) + 1), found[1], found)
    found = _EITHER.fullmatch(text)
    if found is None:
        raise ValueError
    if day_first is None:
        raise AmbiguousTimeError
    day, month = (found[1], found[2]) if day_first else (found[2], found[1])
    return _made(found[3], month, day, found)


def _made(year: str, month: str, day: str, found: re.Match[str]) -> datetime:
    hour, minute, second, half = found.groups()[3:]
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half[0].lower() == "p" else 0)
    return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))


def to_second(time: Any) -> np.datetime64:
    """Return a time in any form (text, datetime, date, datetime64) to the second, in UTC.

    Raises
    ------
    ValueError
        As `read_time`.

    Examples
    --------
    >>> str(to_second("2024-03-01T08:00:00.5+01:00"))
    '2024-03-01T07:00:00'
    """
    if isinstance(time, np.datetime64):
        seconds: np.datetime64 = time.astype("datetime64[s]")
        return seconds
    naive = naive_utc(time if isinstance(time, datetime) else read_time(str(time)))
    return np.datetime64(naive, "s")


def is_day(text: str) -> bool:
    """Return whether a time that is written is a mere day, without an hour.

    Examples
    --------
    >>> is_day("01.03.2024"), is_day("2024-03-01 00:00")
    (True, False)
    """
    return re.match(DAY_ONLY, text.strip()) is not None


def known_from(time: Any) -> np.datetime64:
    """Return when what has this time was certainly known: at it, or at the end of a mere day.

    Raises
    ------
    ValueError
        As `read_time`.

    Examples
    --------
    >>> str(known_from("2024-03-01")), str(known_from("2024-03-01T08:00"))
    ('2024-03-01T23:59:59', '2024-03-01T08:00:00')
    """
    made = to_second(time)
    if isinstance(time, np.datetime64):
        by_day = np.datetime_data(time.dtype)[0] == "D"
    else:
        mere = isinstance(time, date) and not isinstance(time, datetime)
        by_day = mere or is_day(str(time))
    return made + _TO_ITS_END if by_day and made.astype("datetime64[D]") == made else made


@overload
def end_of_day(time: None) -> None: ...
@overload
def end_of_day(time: datetime) -> datetime: ...
def end_of_day(time: datetime | None) -> datetime | None:
    """Return the last second of the day: when what has a date but no hour was certainly known.

    It lies before the next day, so that an index time at midnight sees the day before.

    Examples
    --------
    >>> str(end_of_day(datetime(2024, 3, 1)))
    '2024-03-01 23:59:59'
    """
    return None if time is None else datetime(time.year, time.month, time.day, 23, 59, 59)
