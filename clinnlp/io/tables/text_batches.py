"""Named columns of a table as text, some rows at a time, to be computed on by the column.

A table of laboratory results has 120 million rows: they are never objects, and never in memory
together. Text becomes times and numbers a column at a time; where a cell is neither, its line is
looked for then. What Arrow cannot read, such as UTF-16, is read row by row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.times import day_after, time_from_text
from clinnlp.io.files.lines import BROKEN, open_bytes
from clinnlp.io.tables.arrow_times import TIME, naive_times
from clinnlp.io.tables.cells import by_name_if_there, number_of, plain_names
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.parquet import parquet_batches
from clinnlp.io.tables.rows import DELIMITERS, column_names, table_form

__all__ = ["TextBatch", "text_batches"]

_BLOCK = 1 << 23  # bytes of a CSV file that Arrow takes at a time
_ROWS = 1 << 16  # rows at a time where Arrow does not read
_DAY = pa.scalar(86_400 * 10**6, pa.duration("us"))


class TextBatch:
    """Some rows of a table, by small names of columns; one that is not there is missing.

    Parameters
    ----------
    path : path
    first : int
        Rows of the table before these.
    columns : mapping of str to Arrow array of text
    """

    def __init__(self, path: Path, first: int, columns: Mapping[str, pa.Array]) -> None:
        self._path, self._first, self._columns = path, first, columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def text(self, name: str) -> pa.Array:
        """Return a column without blanks around its cells; empty ones are null."""
        trimmed = pc.utf8_trim_whitespace(self._columns[name])
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)

    def times(self, name: str) -> pa.Array:
        """Return a column of times without zone.

        Raises
        ------
        DataError
            A cell is no time in ISO 8601.
        """
        column = self.text(name)
        try:
            return naive_times(pa.chunked_array([column])).combine_chunks()
        except ValueError:
            pass  # which quotes the cell
        said = f"{name} must be a time in ISO 8601, got another form"
        raise self._at_first(column, time_from_text, said)

    def numbers(self, name: str) -> pa.Array:
        """Return a column of numbers.

        Raises
        ------
        DataError
            A cell is no number, or infinite.
        """
        column = self.text(name)
        try:
            numbers = column.cast(pa.float64())
            if not pc.any(pc.is_inf(numbers)).as_py():
                return numbers
        except pa.ArrowInvalid:
            pass
        said = f"{name} must be a finite number, got another value"
        raise self._at_first(column, lambda cell: number_of(cell, name), said)

    def days_after(self, times: pa.Array) -> pa.Array:
        """Return the end of the day of each time: when what has no hour was certainly known.

        Raises
        ------
        DataError
            No day comes after one of them.
        """
        last = pa.scalar(datetime(9999, 12, 31), TIME)
        late = pc.index(pc.fill_null(pc.greater_equal(times, last), False), True).as_py()
        if late >= 0:
            with self._located(late):
                day_after(times[late].as_py())
        return pc.add(pc.floor_temporal(times, unit="day"), _DAY)

    def _at_first(self, column: pa.Array, check: Callable[[str], Any], said: str) -> DataError:
        """Return the error of the first cell that a check refuses."""
        for k, cell in enumerate(column.to_pylist()):
            try:
                if cell is not None:
                    check(cell)
            except ValueError:
                return DataError(said, path=self._path, line=self._line(k))
        return DataError(said, path=self._path)

    def _located(self, k: int) -> instead_of:
        return instead_of(DataError, lambda error: error.at(self._path, self._line(k)))

    def _line(self, k: int) -> int | None:
        rows = by_name_if_there(self._path, (), needed=())
        return next((line for line, _ in islice(rows, self._first + k, None)), None)


def text_batches(
    path: Path, wanted: Sequence[str], *, needed: Sequence[str]
) -> Iterator[TextBatch]:
    """Yield the rows of a CSV, TSV or Parquet file in parts; case of names is free.

    Parameters
    ----------
    path : path
    wanted : sequence of str
        Small names of columns.
    needed : sequence of str
        Those among them that must be there; of the others all cells may be missing.

    Raises
    ------
    DataError
        A needed column that is missing, or stands there twice; a row that is broken.
    """
    there = plain_names(path)
    if not there:
        return
    names = {name: there.get(name, name) for name in wanted if name in there or name in needed}
    check_columns(list(names.values()), column_names(path), path)
    read = _parquet if table_form(path) == "parquet" else _csv
    first = 0
    for columns in read(path, names):
        n = len(next(iter(columns.values())))
        missing = pa.nulls(n, pa.string())
        if n:
            yield TextBatch(path, first, {name: columns.get(name, missing) for name in wanted})
        first += n


def _parquet(path: Path, names: Mapping[str, str]) -> Iterator[dict[str, pa.Array]]:
    said = "a column must hold text, numbers or times, got another value"
    for batch in parquet_batches(path, list(names.values()), n_rows=_ROWS):
        with instead_of(pa.ArrowException, DataError(said, path=path)):
            columns = {name: _as_text(batch.column(column)) for name, column in names.items()}
        yield columns


def _as_text(column: pa.Array) -> pa.Array:
    """Return a column as text: what is not a number is missing, a whole one has no point."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column.cast(pa.string())


def _csv(path: Path, names: Mapping[str, str]) -> Iterator[dict[str, pa.Array]]:
    n = 0
    try:
        with open_bytes(path) as handle, csv.open_csv(handle, *_options(path, names)) as reader:
            for batch in reader:
                yield {name: batch.column(column) for name, column in names.items()}
                n += batch.num_rows
        return
    except (pa.ArrowException, *BROKEN):
        pass
    yield from _row_by_row(path, tuple(names), n)  # or says where it is broken


def _options(
    path: Path, names: Mapping[str, str]
) -> tuple[csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
    columns = list(names.values())
    return (
        csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        csv.ParseOptions(delimiter=DELIMITERS[table_form(path)], newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _row_by_row(path: Path, wanted: Sequence[str], n_before: int) -> Iterator[dict[str, pa.Array]]:
    rows = islice(by_name_if_there(path, wanted, needed=()), n_before, None)
    while part := [row for _, row in islice(rows, _ROWS)]:
        yield {name: pa.array([row[name] for row in part], pa.string()) for name in wanted}
