"""Tables of whom to predict for: outcomes to learn from, and index times to score at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.tables import Outcome
from clinnlp.features.outcomes import OutcomeRead, outcome_from_columns
from clinnlp.io.tables.rows import column_names, read_rows

__all__ = ["read_index_table", "read_outcome_table"]


def read_outcome_table(path: str | Path) -> OutcomeRead:
    """Return the outcome in a CSV, TSV or Parquet file: patient, index_time, outcome.

    Where there is a column ``time`` (of the outcome), rows whose outcome came at or before their
    index time are left out and counted. A time with a zone becomes UTC; one without stays.

    Raises
    ------
    DataError
        A column that is missing, or a cell that is neither valid nor empty, by file and line.
    """
    names = ["patient", "index_time", "outcome"]
    timed = "time" in column_names(path)
    lines, columns = _columns(path, names + ["time"] * timed)
    return _outcome(path, lines, *columns)


def read_index_table(path: str | Path) -> Outcome:
    """Return whom to score, and from when, in a CSV, TSV or Parquet file: patient, index_time.

    Times are those `read_outcome_table` reads in the same table. Nobody is left out; the values
    are 0.

    Raises
    ------
    DataError
        A column or cell that is missing, or a time of another form, by file and line.
    """
    lines, (whose, index) = _columns(path, ["patient", "index_time"])
    outcome = _outcome(path, lines, whose, index, [0] * len(lines)).outcome
    if len(outcome) == len(lines):
        return outcome
    rows = zip(lines, whose, index, strict=True)
    raise DataError(
        "each row must have a patient and an index_time, got one without",
        path=path,
        line=next(k for k, p, t in rows if not len(outcome_from_columns([p], [t], [0]).outcome)),
    )


def _columns(path: str | Path, names: list[str]) -> tuple[list[int], list[Sequence[Any]]]:
    """Return the line of each row, and the columns."""
    read = list(read_rows(path, names))
    columns: list[Sequence[Any]] = list(zip(*(row for _, row in read), strict=True))
    return [line for line, _ in read], columns or [()] * len(names)


def _outcome(
    path: str | Path,
    lines: Sequence[int],
    patients: Sequence[Any],
    index: Sequence[Any],
    values: Sequence[Any],
    times: Sequence[Any] | None = None,
) -> OutcomeRead:
    def in_file(error: DataError) -> DataError:
        # an error of columns counts rows from 2, below a header
        line = None if error.line is None else lines[error.line - 2]
        return DataError(error.message, path=path, line=line)

    with instead_of(DataError, in_file):
        return outcome_from_columns(patients, index, values, times=times)
