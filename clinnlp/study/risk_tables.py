"""Tables of whom to predict for: outcomes to learn from, and index times to score at.

Where a table of whom to score has a column ``outcome``, the scores can be validated on it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.cells import MISSING
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.tables import Outcome
from clinnlp.core.times import naive_utc
from clinnlp.features.follow_up import COLUMNS
from clinnlp.features.outcomes import (
    OutcomeRead,
    Whom,
    index_from_columns,
    known_outcomes,
    outcome_from_columns,
)
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.dates import TimeReader, time_fault, time_reader
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.study.reading import TableReading

__all__ = ["NewCases", "read_index_table", "read_new_cases", "read_outcome_table"]

_FIELDS = COLUMNS[:4]
_TIMES = {"index_time": "index", "time": "time"}


def read_outcome_table(path: str | Path, reading: TableReading | None = None) -> OutcomeRead:
    """Return the outcome in a CSV, TSV or Parquet file: patient, index_time, outcome.

    Where there is a column ``time`` (of the outcome), rows whose outcome came at or before their
    index time are left out and counted, as are rows that repeat another. A time with a zone becomes
    UTC; one without stays.

    Raises
    ------
    ArgumentError
        A column is named that such a table has not.
    DataError
        A column that is missing, a cell that is neither valid nor empty, or two outcomes of one
        patient and index time, by file and line.
    """
    reading = reading or TableReading()
    named = _named(path, reading, needed=_FIELDS[:3])
    lines, columns = _columns(path, named, reading)
    return _outcome(path, lines, columns)


def read_index_table(path: str | Path, reading: TableReading | None = None) -> Outcome:
    """Return whom to score, and from when, in a CSV, TSV or Parquet file: patient, index_time.

    Times are those `read_outcome_table` reads in the same table. Nobody is left out, unless it is
    said that rows that are wrong are; the values are 0.

    Raises
    ------
    ArgumentError
        A column is named that such a table has not.
    DataError
        A column or cell that is missing, or a time of another form, by file and line.
    """
    reading = reading or TableReading()
    named = _named(path, reading, needed=_FIELDS[:2])
    lines, (whose, index) = _columns(path, named, reading)
    return _index(path, lines, whose, index, reading)


class NewCases(NamedTuple):
    """Whom to score, and what became of them, as far as it is known.

    Parameters
    ----------
    cases : Outcome
        Patients and index times; its values are 0.
    outcomes : array of float or None
        ``nan`` where it is not known; None where the table says of nobody.
    n_before : int
        Outcomes that came at or before their index time, and are not used.
    """

    cases: Outcome
    outcomes: Floats | None
    n_before: int = 0


def read_new_cases(path: str | Path, reading: TableReading | None = None) -> NewCases:
    """Return whom to score, as `read_index_table`, and the outcomes where there is such a column.

    Raises
    ------
    ArgumentError, DataError
        As `read_index_table`, or two outcomes of one patient and index time.
    """
    reading = reading or TableReading()
    named = _named(path, reading, needed=_FIELDS[:3])
    names = column_names(path, dialect=reading.dialect)
    if "outcome" not in reading.outcome_columns and not columns_named(("outcome",), names):
        return NewCases(read_index_table(path, reading), None)
    lines, columns = _columns(path, named, reading)
    whose, index, values, *times = columns
    whom = _index(path, lines, whose, index, reading)
    _outcome(path, lines, columns)  # refuses what is no outcome, and contrary ones
    there = [len(index_from_columns([p], [t])) > 0 for p, t in zip(whose, index, strict=True)]
    known, n_before = known_outcomes(index, values, times[0] if times else None)
    known = known[np.array(there, bool)]
    return NewCases(whom, known if np.isfinite(known).any() else None, n_before)


def _index(
    path: str | Path,
    lines: Sequence[int],
    whose: Sequence[Any],
    index: Sequence[Any],
    reading: TableReading,
) -> Outcome:
    with instead_of(DataError, partial(_in_file, path, lines)):
        outcome = index_from_columns(whose, index)
    if len(outcome) == len(lines):
        return outcome
    rows = zip(lines, whose, index, strict=True)
    without = [k for k, p, t in rows if not len(index_from_columns([p], [t]))]
    said = "each row must have a patient and an index_time, got one without"
    if reading.errors is None:
        raise DataError(said, path=path, line=without[0])
    reading.errors.extend(DataError(said, path=path, line=line) for line in without)
    return outcome


def _named(path: str | Path, reading: TableReading, *, needed: Sequence[str]) -> dict[str, str]:
    """Return which column is which; the time of an outcome, where there is one, stands last."""
    given = reading.outcome_columns
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise ArgumentError(f"columns of outcomes are {', '.join(COLUMNS)}, got {unknown[0]}")
    names = column_names(path, dialect=reading.dialect)
    wanted = {name: given.get(name, name) for name in needed}
    timed = "time" in given or "time" in columns_named(("time",), names)
    return wanted | ({"time": given.get("time", "time")} if timed and len(needed) > 2 else {})


def _columns(
    path: str | Path, named: Mapping[str, str], reading: TableReading
) -> tuple[list[int], list[Sequence[Any]]]:
    """Return the line of each row, and the columns, their times read."""
    read_time = time_reader(reading.dialect)
    short: list[DataError] | None = None if reading.errors is None else []
    lines, rows = [], []
    seen: dict[Whom, int] = {}
    for line, row in read_rows(path, list(named.values()), dialect=reading.dialect, short=short):
        try:
            if short:
                raise short.pop()
            cells = _with_times(dict(zip(named, row, strict=True)), named, read_time, path, line)
            if reading.errors is not None and "outcome" in cells:
                _outcome(path, [line], [[cell] for cell in cells.values()], seen)
        except DataError as error:
            if reading.errors is None:
                raise
            reading.errors.append(error)
        else:
            lines.append(line)
            rows.append(tuple(cells.values()))
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    return lines, columns or [()] * len(named)


def _with_times(
    cells: dict[str, Any], named: Mapping[str, str], read: TimeReader, path: str | Path, line: int
) -> dict[str, Any]:
    for name in _TIMES.keys() & cells.keys():
        cell = cells[name]
        if isinstance(cell, str) and cell.strip().lower() not in MISSING:
            must = f"{_TIMES[name]} must be a time in ISO 8601"
            wrong = partial(_wrong, must, named[name], path, line)
            with instead_of(ValueError, wrong):  # which quotes the cell
                cells[name] = naive_utc(read(cell))
    return cells


def _wrong(must: str, column: str, path: str | Path, line: int, error: ValueError) -> DataError:
    return DataError(time_fault(error, must, column), path=path, line=line)


def _outcome(
    path: str | Path,
    lines: Sequence[int],
    columns: Sequence[Sequence[Any]],
    seen: dict[Whom, int] | None = None,
) -> OutcomeRead:
    patients, index, values, *times = columns
    with instead_of(DataError, partial(_in_file, path, lines)):
        return outcome_from_columns(
            patients, index, values, times=times[0] if times else None, seen=seen
        )


def _in_file(path: str | Path, lines: Sequence[int], error: DataError) -> DataError:
    # an error of columns counts rows from 2, below a header
    line = None if error.line is None else lines[error.line - 2]
    return DataError(error.message, path=path, line=line)
