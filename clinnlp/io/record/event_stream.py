"""Structured events part by part, so that memory does not grow with the number of events."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import DataError
from clinnlp.core.formulas import GUARDED, is_guarded
from clinnlp.core.tables import EventTable
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import open_bytes
from clinnlp.io.record.events import check_events
from clinnlp.io.tables.arrow import csv_options, from_arrow, read_columns, typed
from clinnlp.io.tables.arrow_text import plain_text
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.parquet import parquet_batches
from clinnlp.io.tables.rows import column_names, table_form

__all__ = ["EventStream", "stream_events"]


class EventStream:
    """Events of a file or folder, read anew by each ``iter()``, as parts of an `EventTable`.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet, or a folder of Parquet parts.
    columns : mapping of str to str
        Which column is which of `EventTable.SCHEMA`; empty: those of the same names.
    n_rows : int
        Most rows of a part from Parquet.
    """

    def __init__(self, path: str | Path, *, columns: dict[str, str], n_rows: int) -> None:
        check_at_least(n_rows, 1, name="n_rows")
        self.path = Path(path)
        self.columns = columns
        self.n_rows = n_rows

    def __repr__(self) -> str:
        return f"EventStream({str(self.path)!r})"

    def __iter__(self) -> Iterator[EventTable]:
        folder = self.path.is_dir()
        files = files_of(self.path, self.path.glob("*.parquet")) if folder else [self.path]
        if not files:
            raise DataError("a folder of events must hold Parquet parts, got none", path=self.path)
        for path in files:
            for part in self._parts(path):
                check_events(part, path)
                yield part

    def _parts(self, path: Path) -> Iterator[EventTable]:
        names = column_names(path)
        if not names:
            return
        known = {name: name for name in EventTable.SCHEMA if name in names}
        wanted = self.columns or known
        if not self.columns and {*names} - {*known} - {GUARDED}:
            read_columns(EventTable, path, {})  # refuses, by naming the unknown columns
        check_columns(list(wanted.values()), names, path)
        form = table_form(path)
        try:
            for batch in self._parquet(path, wanted) if form == "parquet" else _csv(path, wanted):
                yield from_arrow(EventTable, batch)
            failed = False
        except DataError:
            raise
        except (pa.ArrowException, EOFError, ValueError):
            failed = True
        if failed:
            read_columns(EventTable, path, self.columns)  # refuses, by file and line
            raise DataError("events must be a whole table, got a damaged one", path=path)

    def _parquet(self, path: Path, wanted: dict[str, str]) -> Iterator[pa.Table]:
        for batch in parquet_batches(path, list(wanted.values()), n_rows=self.n_rows):
            yield typed(EventTable, pa.Table.from_batches([batch]), wanted)


def stream_events(path: str | Path, *, n_rows: int = 250_000, **columns: str) -> EventStream:
    """Return the events in a CSV, TSV or Parquet file, or a folder of Parquet parts, in parts.

    Parameters
    ----------
    path : str or Path
    n_rows : int
        Most rows of a part from Parquet; CSV goes by 16 MiB.
    **columns : str
        As in `read_events`.

    Raises
    ------
    DataError
        When iterated: a column that is missing, unknown or of the wrong type; an event without
        patient or code.
    """
    return EventStream(path, columns=columns, n_rows=n_rows)


def _csv(path: Path, wanted: dict[str, str]) -> Iterator[pa.Table]:
    options = csv_options(EventTable, path, wanted)
    guarded = is_guarded(column_names(path), EventTable.SCHEMA)
    with open_bytes(path) as handle, pc.open_csv(handle, *options) as reader:
        for batch in reader:
            table = typed(EventTable, pa.Table.from_batches([batch]), wanted)
            yield plain_text(table) if guarded else table
