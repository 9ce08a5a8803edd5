"""Columns of times as they come from a file to Arrow times without zone, in UTC.

Text is read as `core.times` reads it, a column at a time where Arrow can: cells with a zone
become UTC, cells without stay as they are, and both may stand in one column.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.times import time_from_text
from clinnlp.io.tables.rows import read_rows

__all__ = ["SAID", "TIME", "check_times", "naive_times"]

TIME = pa.timestamp("us")
SAID = "ISO 8601 times such as 2024-03-01T08:00:00 or 2024-03-01T08:00:00+01:00"

_FIRST = 100  # cells that tell whether it is worth trying all
_UTC = pa.timestamp("us", tz="UTC")
_FIRST_TIME, _LAST_TIME = np.array([datetime.min, datetime.max], "datetime64[us]").astype(int)
_ZONED = "^.{10}.*[Z+-]"  # a zone comes after the date


def naive_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of text, times or dates as times without zone.

    Raises
    ------
    ValueError
        A cell is no time. The message quotes nothing, and `check_times` tells its line.

    Examples
    --------
    >>> cells = pa.chunked_array([["2024-03-01T08:00:00+01:00", "2024-03-01 08:00", None]])
    >>> [str(time) for time in naive_times(cells).to_pylist()]
    ['2024-03-01 07:00:00', '2024-03-01 08:00:00', 'None']
    """
    times = _cast(column)
    bounds = pc.min_max(times.cast(pa.int64()))
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is not None and not _FIRST_TIME <= first <= last <= _LAST_TIME:
        raise ValueError("times must lie in the years 1 to 9999 in UTC, got another")
    return times


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_temporal(column.type):
        return column.cast(TIME, safe=False)
    text = column.cast(pa.string())
    for every in (TIME, _UTC):  # none has a zone, as in most files, or all have
        try:
            text.slice(0, _FIRST).cast(every)  # one error per cell: a cast in vain is slow
            return text.cast(every).cast(TIME)
        except pa.ArrowInvalid:
            pass
    text = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.equal(text, ""), None, text)
    zoned = pc.match_substring_regex(text, _ZONED)
    try:
        naive = pc.if_else(zoned, None, text).cast(TIME)
        return pc.coalesce(naive, pc.if_else(zoned, text, None).cast(_UTC).cast(TIME))
    except pa.ArrowInvalid:
        pass
    return pa.chunked_array([_one_by_one(text.to_pylist())])


def check_times(path: Path, columns: Iterable[str]) -> None:
    """Raise for the first cell of some columns of a CSV file that is no time, by its line.

    Raises
    ------
    DataError
    """
    for name in columns:
        said = f"column {name!r} must hold {SAID}, got another value"
        for line, (cell,) in read_rows(path, [name]):
            with instead_of(ValueError, DataError(said, path=path, line=line)):
                if cell.strip():  # a ValueError quotes the cell
                    time_from_text(cell)


def _one_by_one(cells: list[str | None]) -> pa.Array:
    """Return times that Arrow cannot read, such as 20240301 or one with nanoseconds."""
    try:
        times = [None if cell is None else time_from_text(cell) for cell in cells]
    except ValueError:
        times = None
    if times is None:
        raise ValueError("times must be ISO 8601, got another form")
    return pa.array(times, TIME)
