"""Rows of a CSV, TSV or Parquet file, one at a time, with the line each began on.

CSV follows RFC 4180: fields in double quotes may hold line breaks, kept exactly. For Parquet the
line is the row number from 1. A column that is missing is refused by naming those that exist,
unless one of them looks like a cell: then the file may lack its header, and nothing of it is
shown.
"""

import csv
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.lines import UTF_8, read_lines

__all__ = ["DELIMITERS", "FORMS", "check_columns", "column_names", "read_rows", "table_form"]

FORMS = ("csv", "tsv", "parquet")
_PACKED = (".gz", ".xz")
DELIMITERS = {"csv": ",", "tsv": "\t"}
_BATCH = 256  # rows of a Parquet file in memory at a time
_LONGEST_FIELD = 2**31 - 1
_LONGEST_NAME = 64
_MOST_WORDS = 4  # of the name of a column
_LOCK = threading.Lock()

Row = tuple[Any, ...]


def table_form(path: str | Path, form: str | None = None) -> str:
    """Return `form`, or else ``"csv"``, ``"tsv"`` or ``"parquet"`` by the suffix of `path`.

    Raises
    ------
    ArgumentError
        Another suffix.

    Examples
    --------
    >>> table_form("notes.csv.xz")
    'csv'
    """
    if form in FORMS:
        return form
    name = Path(path).name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    suffix = name.rpartition(".")[2]
    if suffix not in FORMS:
        raise ArgumentError(f"a table must end in .{', .'.join(FORMS)}, got {path}")
    return suffix


def column_names(path: str | Path, *, form: str | None = None, encoding: str = UTF_8) -> list[str]:
    """Return the names of the columns of a table file; none where it has 0 bytes."""
    path = check_file(path)
    if path.stat().st_size == 0:
        return []
    if table_form(path, form) == "parquet":
        return list(_parquet(path).schema_arrow.names)
    return next((list(row) for _, row in _records(path, form, encoding)), [])


def read_rows(
    path: str | Path,
    wanted: Sequence[str],
    *,
    form: str | None = None,
    encoding: str = UTF_8,
    short: list[DataError] | None = None,
) -> Iterator[tuple[int, Row]]:
    """Yield ``(line, values of the wanted columns)`` for each row.

    Values are text in CSV and TSV, plain Python values or ``None`` in Parquet. A file of 0 bytes
    has no rows. A row of another length is raised, or where a list `short` is given its error is
    put there and the row yielded without values.

    Raises
    ------
    DataError
        A missing column, a row of another length, broken quoting, or not UTF-8.
    """
    path = check_file(path)
    if path.stat().st_size == 0:
        return
    if table_form(path, form) == "parquet":
        yield from _parquet_rows(path, wanted)
        return
    records = _records(path, form, encoding)
    _, header = next(records, (1, []))
    if not header:
        return
    at = check_columns(wanted, header, path)
    for line, row in records:
        if len(row) != len(header):
            error = DataError(
                f"a row must have {len(header)} fields as the header has, got {len(row)}",
                path=path,
                line=line,
            )
            if short is None:
                raise error
            short.append(error)
            yield line, ()
        else:
            yield line, tuple(row[i] for i in at)


def check_columns(
    wanted: Sequence[str], names: Sequence[str], path: str | Path | None = None
) -> list[int]:
    """Return the position of each wanted column.

    Raises
    ------
    DataError
        One is missing or stands there twice; names the columns that exist.
    """
    for name in wanted:
        if names.count(name) != 1:
            n = "none" if name not in names else "several"
            raise DataError(f"one column must be named {name!r}, got {n}; {told(names)}", path=path)
    return [names.index(name) for name in wanted]


def told(names: Sequence[str]) -> str:
    """Return the names of columns for a message, unless they may be cells of a first row.

    A name begins with a letter and has at most four words; a row of a table without header
    nearly always has a cell that is empty, a number, a date or a sentence.
    """
    named = names[1:] if len(names) > 1 and not names[0] else names  # pandas: an unnamed index
    if not all(map(_looks_like_name, named)):
        return f"the first line has {len(names)} fields that do not look like a header"
    hint = "; fields must be separated by commas" if len(names) == 1 and ";" in names[0] else ""
    return f"columns are {', '.join(repr(name) for name in names)}{hint}"


def _looks_like_name(name: str) -> bool:
    return (
        name[:1].isalpha()
        and len(name) <= _LONGEST_NAME
        and name.isprintable()
        and len(name.split()) <= _MOST_WORDS
    )


def _records(path: Path, form: str | None, encoding: str) -> Iterator[tuple[int, list[str]]]:
    lines = (line for _, line in read_lines(path, encoding))
    reader = csv.reader(lines, delimiter=DELIMITERS[table_form(path, form)], strict=True)
    while True:
        began = reader.line_num + 1
        row: list[str] | None = []
        with _LOCK:  # the limit belongs to the whole csv module: lift it for one row only
            limit = csv.field_size_limit(_LONGEST_FIELD)
            try:
                row = next(reader, None)
                broken = False
            except csv.Error:
                broken = True
            finally:
                csv.field_size_limit(limit)
        if broken:
            raise DataError(
                "a field with quotes, delimiters or line breaks must stand in double quotes, "
                'inner ones doubled (""), got another form',
                path=path,
                line=began,
            )
        if row is None:
            return
        if row:
            yield began, row


def _parquet(path: Path) -> pq.ParquetFile:
    file: pq.ParquetFile | None
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        file = None
    if file is None:
        raise DataError("a Parquet file must be whole, got a damaged or another file", path=path)
    return file


def _parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, Row]]:
    with _parquet(path) as file:
        check_columns(wanted, list(file.schema_arrow.names), path)
        batches = file.iter_batches(batch_size=_BATCH, columns=list(wanted))
        line, failed = 0, False
        while not failed:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError):
                failed = True
            if failed or batch is None:
                break
            columns = [batch.column(name).to_pylist() for name in wanted]
            for row in zip(*columns, strict=True):
                line += 1
                yield line, row
    if failed:
        said = "a Parquet file must be whole, got a damaged one"
        raise DataError(said, path=path, line=line + 1)
