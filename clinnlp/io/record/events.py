"""Events in CSV, TSV and Parquet, with the columns of `EventTable.SCHEMA`.

``patient`` and ``code`` are needed. In CSV and TSV, which may be opened in a spreadsheet, text that
it would run as a formula begins with an apostrophe, which the reader takes off again; a column
``guarded`` then says of each row where it stands (`core.formulas`). An apostrophe in a file of
another program stays.
"""

from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.tables.arrow import read_columns, write_columns

__all__ = ["check_events", "read_events", "write_events"]


def read_events(path: str | Path, **columns: str) -> EventTable:
    """Return the structured events in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    path : str or Path
    **columns : str
        Which column is which of `EventTable.SCHEMA`, such as ``patient="subject_id"``. Absent:
        the columns have the names of the schema, and no others.

    Raises
    ------
    DataError
        A column that is missing, unknown, or of the wrong type; an event without patient or
        code.
    """
    table = read_columns(EventTable, path, columns)
    check_events(table, path)
    return table


def check_events(table: EventTable, path: str | Path) -> None:
    """Raise `DataError` for events without patient or code."""
    for name in ("patient", "code"):
        n_missing = sum(value is None for value in table[name])
        if n_missing:
            raise DataError(f"each event must have a {name}, got {n_missing} without", path=path)


def write_events(table: EventTable, path: str | Path) -> None:
    """Write events as CSV, TSV or Parquet by suffix, or without one as a folder of parts."""
    write_columns(table, path)
