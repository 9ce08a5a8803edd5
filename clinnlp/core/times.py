"""Times without zone: one that has a zone is turned into UTC, whoever reads it.

A time that is written without a zone stays as it is. Beside times with a zone it therefore
counts as UTC: a table that mixes the two should say its zone everywhere.
"""

from datetime import datetime, timedelta
from typing import Any, overload

import numpy as np

from clinnlp.core.errors import DataError, instead_of

__all__ = ["day_after", "naive_utc", "time_from_text", "to_second"]

_OUTSIDE = "a time must lie in the years 1 to 9999 in UTC, got another"


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


def to_second(time: Any) -> np.datetime64:
    """Return a time in any form (ISO 8601, datetime, date, datetime64) to the second, in UTC.

    Raises
    ------
    ValueError
        As `time_from_text`.

    Examples
    --------
    >>> str(to_second("2024-03-01T08:00:00.5+01:00"))
    '2024-03-01T07:00:00'
    """
    if isinstance(time, np.datetime64):
        seconds: np.datetime64 = time.astype("datetime64[s]")
        return seconds
    naive = naive_utc(time) if isinstance(time, datetime) else time_from_text(str(time))
    return np.datetime64(naive, "s")


def day_after(time: datetime | None) -> datetime | None:
    """Return the end of the day: when what has a date but no hour was certainly known.

    Raises
    ------
    DataError
        No day comes after 9999-12-31, which some systems write for "never".
    """
    if time is None:
        return None
    said = "what happened must have a day that another follows, got 9999-12-31; leave it empty"
    with instead_of(OverflowError, lambda _: DataError(said)):
        return datetime(time.year, time.month, time.day) + timedelta(days=1)
