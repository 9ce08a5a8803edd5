"""Named columns of a table as text, some rows at a time, to be computed on by the column.

A table of laboratory results has 120 million rows: they are never objects, and never in memory
together. Text becomes times and numbers a column at a time; where a cell is neither, its line is
looked for then. What Arrow cannot read, such as UTF-16, is read row by row.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.numbers import LARGEST
from clinnlp.core.times import time_from_text
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import BROKEN, open_bytes, read_lines
from clinnlp.io.tables.arrow_times import naive_times
from clinnlp.io.tables.cells import by_name_if_there, number_of, plain_name
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.parquet import parquet_batches
from clinnlp.io.tables.rows import column_names, table_form, table_look

__all__ = ["TextBatch", "tabbed_batches", "text_batches"]

_BLOCK = 1 << 20  # bytes of a CSV file that Arrow takes at a time; it reads 32 ahead
_ROWS = 1 << 16  # rows at a time where Arrow does not read
_EXACT = 2.0**53  # below which a float holds each whole number


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
            A cell is no number, or one that is infinite or beyond 1e100.
        """
        column = self.text(name)
        try:
            numbers = column.cast(pa.float64())
            if not pc.any(pc.greater(pc.abs(numbers), LARGEST)).as_py():
                return numbers
        except pa.ArrowInvalid:
            pass
        said = f"{name} must be a finite number up to {LARGEST:g}, got another value"
        raise self._at_first(column, lambda cell: number_of(cell, name), said)

    def _at_first(self, column: pa.Array, check: Callable[[str], Any], said: str) -> DataError:
        """Return the error of the first cell that a check refuses."""
        for k, cell in enumerate(column.to_pylist()):
            try:
                if cell is not None:
                    check(cell)
            except ValueError:
                return DataError(said, path=self._path, line=self._line(k))
        return DataError(said, path=self._path)

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
    names = _names(path, column_names(path), wanted, needed)
    read = _parquet if table_form(path) == "parquet" else _csv
    return _batches(path, wanted, read(path, names) if names else ())


def tabbed_batches(
    path: Path, wanted: Sequence[str], *, needed: Sequence[str]
) -> Iterator[TextBatch]:
    """Yield as `text_batches` the rows of a file separated by tabs, in which quotes are text."""
    head = next((line for _, line in read_lines(path)), "")
    names = _names(path, head.rstrip("\r\n").split("\t"), wanted, needed)
    return _batches(path, wanted, _tabbed(path, names))


def _names(
    path: Path, columns: Sequence[str], wanted: Sequence[str], needed: Sequence[str]
) -> dict[str, str]:
    """Return how columns are written in the file, of those that are there; none of no table."""
    if not columns:
        return {}
    there = {plain_name(name): name for name in columns}
    names = {name: there.get(name, name) for name in wanted if name in there or name in needed}
    check_columns(list(names.values()), columns, path)
    return names


def _batches(
    path: Path, wanted: Sequence[str], parts: Iterable[dict[str, pa.Array]]
) -> Iterator[TextBatch]:
    first = 0
    for columns in parts:
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
        if pc.all(
            pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _EXACT))
        ).as_py():
            column = column.cast(pa.int64())
    return column.cast(pa.string())


def _csv(path: Path, names: Mapping[str, str]) -> Iterator[dict[str, pa.Array]]:
    parsed = csv.ParseOptions(
        delimiter=table_look(path, None, Dialect()).sep, newlines_in_values=True
    )
    rows = by_name_if_there(path, tuple(names), needed=())
    return _arrow(path, names, parsed, ([row[name] for name in names] for _, row in rows))


def _tabbed(path: Path, names: Mapping[str, str]) -> Iterator[dict[str, pa.Array]]:
    parsed = csv.ParseOptions(delimiter="\t", quote_char=False)
    return _arrow(path, names, parsed, _tabbed_rows(path, list(names.values())))


def _arrow(
    path: Path,
    names: Mapping[str, str],
    parsed: csv.ParseOptions,
    rows: Iterable[Sequence[str | None]],
) -> Iterator[dict[str, pa.Array]]:
    """Yield columns as Arrow reads them, and behind what it cannot read those of `rows`.

    These say where the file is broken, if it is. A quote that does not end is no error for Arrow,
    which takes all that follows for one cell.
    """
    n = 0
    options = _options(list(names.values()))
    try:
        with open_bytes(path) as handle:
            counted = _Counted(handle)
            with csv.open_csv(counted, parse_options=parsed, **options) as found:
                for batch in found:
                    yield {name: batch.column(column) for name, column in names.items()}
                    n += batch.num_rows
        if not parsed.quote_char or counted.n_quotes % 2 == 0:
            return
    except (pa.ArrowException, *BROKEN):
        pass
    left = islice(rows, n, None)
    while part := list(islice(left, _ROWS)):
        columns = zip(*part, strict=True)
        yield {
            name: pa.array(cells, pa.string()) for name, cells in zip(names, columns, strict=True)
        }


class _Counted(io.RawIOBase):
    """Bytes of a file, with the number of quotes in those that were read."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self.n_quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._handle.read(size)
        self.n_quotes += data.count(b'"')
        return data


def _tabbed_rows(path: Path, columns: Sequence[str]) -> Iterator[Sequence[str | None]]:
    names: list[str] = []
    for line, text in read_lines(path):
        cells = text.rstrip("\r\n").split("\t")
        if not names:
            names = cells
        elif len(cells) == len(names):
            yield [cells[names.index(name)] or None for name in columns]
        elif text.strip():
            said = f"a row must have {len(names)} cells, got {len(cells)}"
            raise DataError(said, path=path, line=line)


def _options(columns: list[str]) -> dict[str, Any]:
    return {
        "read_options": csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    }
