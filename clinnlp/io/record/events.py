"""Events in CSV, TSV and Parquet, with the columns of `EventTable.SCHEMA`.

``patient`` and ``code`` are needed. In CSV and TSV, which may be opened in a spreadsheet, text that
it would run as a formula begins with an apostrophe, which the reader takes off again; a column
``guarded`` then says of each row where it stands (`core.formulas`). An apostrophe in a file of
another program stays.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.arrow import read_columns, write_columns
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.rows import column_names, read_rows

__all__ = ["check_events", "read_events", "write_events"]


def read_events(
    path: str | Path,
    *,
    dialect: Dialect | None = None,
    skipped: list[DataError] | None = None,
    **columns: str,
) -> EventTable:
    r"""Return the structured events in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    A value may be a number, or a result such as ``<5``, ``1+`` or ``neg`` (see `EventTable`).

    Parameters
    ----------
    path : str or Path
    dialect : Dialect, optional
        How text is written; absent: as found by looking, in UTF-8.
    skipped : list, optional
        Events that are wrong are left out and their errors put here; else the first is raised.
    **columns : str
        Which column is which of `EventTable.SCHEMA`, such as ``patient="subject_id"``. Absent:
        the columns have the names of the schema, and no others.

    Returns
    -------
    EventTable
        In the order of the file.

    Raises
    ------
    DataError
        A column that is missing, unknown, or of the wrong type; an event without patient or
        code.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "events.csv")
    >>> _ = path.write_text("subject_id,code,value\np1,718-7,9.1\np2,718-7,<5\n")
    >>> events = read_events(path, patient="subject_id", code="code", value="value")
    >>> events["value"].tolist(), events["comparator"].tolist()
    ([9.1, 5.0], [None, '<'])
    >>> folder.cleanup()
    """
    table = read_columns(EventTable, path, columns, dialect=dialect, skipped=skipped)
    return check_events(table, path, columns, dialect=dialect, skipped=skipped)


def check_events(
    table: EventTable,
    path: str | Path,
    columns: Mapping[str, str],
    *,
    dialect: Dialect | None = None,
    skipped: list[DataError] | None = None,
    seen: dict[str, list[int]] | None = None,
) -> EventTable:
    """Return the events, or raise `DataError` for some without patient or code.

    Where there is a list `skipped`, those are left out, with an error for each. Where columns are
    named, but not that of patients or codes, `ArgumentError` says how to name it. What the parts of
    one file share in `seen` is looked for once.
    """
    seen = {} if seen is None else seen
    for name in ("patient", "code"):
        without = _blank(table, name)
        n, said = int(without.sum()), f"each event must have a {name}, got {{}} without"
        if n and columns and name not in columns:
            raise ArgumentError(_unnamed(name, columns))
        if n and name not in seen:
            seen[name] = _lines_without(path, columns.get(name, name), dialect)
        lines = seen.get(name, [])
        if n and skipped is None:
            raise DataError(said.format(n), path=path, line=lines[0] if lines else None)
        if n and skipped is not None:
            # Of rows that are wrong in two ways or lie in several parts, no line is guessed
            told: Sequence[int | None] = lines if len(lines) == n else [None] * n
            skipped.extend(DataError(said.format("one"), path=path, line=line) for line in told)
            table = table.take(~without)
    return table


def _blank(table: EventTable, name: str) -> np.ndarray:
    """Return which rows of a column have no value, or one of white space alone."""
    column = table.coded(name)
    return (column.codes < 0) | column.holding(lambda each: not str(each).strip())


def _unnamed(name: str, columns: Mapping[str, str]) -> str:
    """Return what to do where the columns that are named are not enough."""
    said = f"columns must name the {name} of each event, got {', '.join(columns)}"
    if name == "patient" and "encounter" in columns:
        said += (
            f"; where the table has reports or stays and no patients, each is one: "
            f"patient={columns['encounter']}"
        )
    return said


def _lines_without(path: str | Path, column: str, dialect: Dialect | None) -> list[int]:
    """Return the lines of the rows of a file without a value in a column, if it has that."""
    if Path(path).is_dir() or not columns_named((column,), column_names(path, dialect=dialect)):
        return []
    rows = read_rows(path, [column], dialect=dialect, short=[])
    return [line for line, cells in rows if len(cells) == 1 and not (cells[0] or "").strip()]


def write_events(table: EventTable, path: str | Path) -> None:
    """Write events as CSV, TSV or Parquet by suffix, or without one as a folder of parts."""
    write_columns(table, path)
