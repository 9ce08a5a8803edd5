"""Columns of times as they come from a file to Arrow times without zone, in UTC.

Text is read as `dates` reads it, a column at a time where Arrow can: cells with a zone become UTC,
cells without stay as they are, and both may stand in one column. Dates with the day in front are
turned round first, so that Arrow reads them as well. Of when something was known, a day without an
hour is its last second (`known_times`).
"""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.cells import MISSING
from clinnlp.core.times import DAY_ONLY, naive_utc
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.dates import TimeReader, time_reader

__all__ = ["TIME", "end_of_days", "known_times", "naive_times"]

TIME = pa.timestamp("us")

_TO_ITS_END = pa.scalar(86_399_000_000, pa.duration("us"))
_FIRST = 100  # cells that tell whether it is worth trying all
_UTC = pa.timestamp("us", tz="UTC")
_FIRST_TIME, _LAST_TIME = np.array([datetime.min, datetime.max], "datetime64[us]").astype(int)
_ZONED = "^.{10}.*[Z+-]"  # a zone comes after the date
_DOTTED = r"^(\d\d)\.(\d\d)\.(\d{4})\b"
_EITHER = r"^(\d\d)[/-](\d\d)[/-](\d{4})\b"


def naive_times(column: pa.ChunkedArray, dialect: Dialect | None = None) -> pa.ChunkedArray:
    """Return a column of text, times or dates as times without zone.

    Raises
    ------
    ValueError
        A cell is no time. The message quotes nothing, and `row_wise` tells its line.

    Examples
    --------
    >>> cells = pa.chunked_array([["2024-03-01T08:00:00+01:00", "2024-03-01 08:00", None]])
    >>> [str(time) for time in naive_times(cells).to_pylist()]
    ['2024-03-01 07:00:00', '2024-03-01 08:00:00', 'None']
    """
    times = _cast(column, dialect or Dialect())
    bounds = pc.min_max(times.cast(pa.int64()))
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is not None and not _FIRST_TIME <= first <= last <= _LAST_TIME:
        raise ValueError("times must lie in the years 1 to 9999 in UTC, got another")
    return times


def known_times(column: pa.ChunkedArray, dialect: Dialect | None = None) -> pa.ChunkedArray:
    """Return a column of when something was known: a day without an hour is its last second.

    Raises
    ------
    ValueError
        As `naive_times`.

    Examples
    --------
    >>> cells = pa.chunked_array([["2024-03-01", "01.03.2024", "2024-03-01 00:00"]])
    >>> [str(time) for time in known_times(cells).to_pylist()]
    ['2024-03-01 23:59:59', '2024-03-01 23:59:59', '2024-03-01 00:00:00']
    """
    times = naive_times(column, dialect)
    if pa.types.is_timestamp(column.type):  # nobody says whether its midnights are days
        return times
    by_day = pc.equal(times, pc.floor_temporal(times, unit="day"))
    if not pa.types.is_date(column.type):
        by_day = pc.and_(by_day, pc.match_substring_regex(column.cast(pa.string()), DAY_ONLY))
    return pc.if_else(by_day, end_of_days(times), times)


def end_of_days(times: pa.Array) -> pa.Array:
    """Return the last second of the day of each time.

    Examples
    --------
    >>> str(end_of_days(pa.array([datetime(2024, 3, 1)], TIME))[0])
    '2024-03-01 23:59:59'
    """
    return pc.add(pc.floor_temporal(times, unit="day"), _TO_ITS_END)


def _cast(column: pa.ChunkedArray, dialect: Dialect) -> pa.ChunkedArray:
    if pa.types.is_temporal(column.type):
        return column.cast(TIME, safe=False)
    text = column.cast(pa.string())
    if not dialect.time_format:
        for every in (TIME, _UTC):  # none has a zone, as in most files, or all have
            times = _as(every, text)
            if times is not None:
                return times
        text = _turned(_without_missing(text), dialect)
        zoned = pc.match_substring_regex(text, _ZONED)
        naive = _as(TIME, pc.if_else(zoned, None, text))
        aware = None if naive is None else _as(_UTC, pc.if_else(zoned, text, None))
        if aware is not None:
            return pc.coalesce(naive, aware)
    return _by_words(_without_missing(column.cast(pa.string())), time_reader(dialect))


def _as(kind: pa.DataType, text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return text that Arrow reads as times of a kind, or None."""
    try:
        text.slice(0, _FIRST).cast(kind)  # one error per cell: a cast in vain is slow
        return text.cast(kind).cast(TIME)
    except pa.ArrowInvalid:
        return None


def _without_missing(text: pa.ChunkedArray) -> pa.ChunkedArray:
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(MISSING)), None, text)


def _turned(text: pa.ChunkedArray, dialect: Dialect) -> pa.ChunkedArray:
    """Return dates of two digits for day and month as ISO 8601 has them."""
    text = pc.replace_substring_regex(text, _DOTTED, r"\3-\2-\1")
    if dialect.day_first is not None:
        turned = r"\3-\2-\1" if dialect.day_first else r"\3-\1-\2"
        text = pc.replace_substring_regex(text, _EITHER, turned)
    return text


def _by_words(text: pa.ChunkedArray, read: TimeReader) -> pa.ChunkedArray:
    """Return times that Arrow cannot read, each word read once, in UTC."""
    words = pc.unique(text)
    try:
        times = [None if word is None else naive_utc(read(word)) for word in words.to_pylist()]
    except (ValueError, OverflowError):  # which quotes the word
        times = None
    if times is None:
        raise ValueError("times must be ISO 8601, got another form")
    return pa.chunked_array([pc.take(pa.array(times, TIME), pc.index_in(text, words))])
