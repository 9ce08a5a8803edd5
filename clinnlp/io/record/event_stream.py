"""Structured events part by part, so that memory does not grow with the number of events."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.tables import EventTable
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.folders import files_of
from clinnlp.io.record.events import check_events
from clinnlp.io.tables.arrow import columns_of_schema, csv_parts, from_arrow, read_columns, typed
from clinnlp.io.tables.parquet import parquet_batches
from clinnlp.io.tables.rows import table_form

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
    dialect : Dialect, optional
        How text is written; absent: as found by looking, in UTF-8.
    skip_bad : bool
        Leave out rows that are wrong; after a pass, `skipped` has their errors.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        columns: Mapping[str, str],
        n_rows: int,
        dialect: Dialect | None = None,
        skip_bad: bool = False,
    ) -> None:
        check_at_least(n_rows, 1, name="n_rows")
        self.path = Path(path)
        self.columns = dict(columns)
        self.n_rows = n_rows
        self.dialect = dialect or Dialect()
        self.skip_bad = skip_bad
        self.skipped: list[DataError] = []

    def __repr__(self) -> str:
        return f"EventStream({str(self.path)!r})"

    def __iter__(self) -> Iterator[EventTable]:
        folder = self.path.is_dir()
        files = files_of(self.path, self.path.glob("*.parquet")) if folder else [self.path]
        if not files:
            raise DataError("a folder of events must hold Parquet parts, got none", path=self.path)
        self.skipped = []
        skipped = self.skipped if self.skip_bad else None
        for path in files:
            with instead_of(ArgumentError, partial(_in_file, path)):
                check = partial(
                    check_events, dialect=self.dialect, skipped=skipped, seen=dict[str, list[int]]()
                )
                for part in self._parts(path, skipped):
                    yield check(part, path, self.columns)

    def _parts(self, path: Path, skipped: list[DataError] | None) -> Iterator[EventTable]:
        wanted = columns_of_schema(EventTable, path, self.columns, self.dialect)
        if not wanted:
            return
        if table_form(path) != "parquet":
            yield from csv_parts(EventTable, path, wanted, dialect=self.dialect, skipped=skipped)
            return
        try:
            for batch in parquet_batches(path, list(wanted.values()), n_rows=self.n_rows):
                table = pa.Table.from_batches([batch])
                yield from_arrow(EventTable, typed(EventTable, table, wanted, self.dialect))
            failed = False
        except DataError:
            raise
        except (pa.ArrowException, ValueError):
            failed = True
        if failed:
            read_columns(EventTable, path, wanted, dialect=self.dialect)  # refuses, by column
            raise DataError("events must be a whole table, got a damaged one", path=path)


def _in_file(path: Path, error: ArgumentError) -> DataError:
    return DataError(str(error), path=path)


def stream_events(
    path: str | Path,
    *,
    n_rows: int = 250_000,
    dialect: Dialect | None = None,
    skip_bad: bool = False,
    **columns: str,
) -> EventStream:
    r"""Return the events in a CSV, TSV or Parquet file, or a folder of Parquet parts, in parts.

    Parameters
    ----------
    path : str or Path
    n_rows : int
        Most rows of a part from Parquet; CSV goes by 16 MiB.
    dialect, skip_bad, **columns
        As in `read_events`; what was left out stands in `EventStream.skipped` after a pass.

    Returns
    -------
    EventStream
        Each ``iter()`` reads the file anew, as parts of an `EventTable`.

    Raises
    ------
    DataError
        When iterated: a column that is missing, unknown or of the wrong type; an event without
        patient or code.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "events.csv")
    >>> _ = path.write_text("subject_id,code,value\np1,718-7,9.1\np2,718-7,<5\n")
    >>> stream = stream_events(path, patient="subject_id", code="code", value="value")
    >>> [part["patient"].tolist() for part in stream]
    [['p1', 'p2']]
    >>> folder.cleanup()
    """
    return EventStream(path, columns=columns, n_rows=n_rows, dialect=dialect, skip_bad=skip_bad)
