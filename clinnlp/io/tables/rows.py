"""Rows of a CSV, TSV or Parquet file, one at a time, with the line each began on.

CSV follows RFC 4180: fields in double quotes may hold line breaks, kept exactly; how it is written
otherwise is said by a `Dialect` or found by looking (`looks`). A row may end in one separator more
than the header. For Parquet the line is the row number from 1.
"""

import csv
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import UTF_8, byte_lines, decode
from clinnlp.io.files.packing import check_packing, plain_name
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.looks import Look, look_at

__all__ = ["DELIMITERS", "FORMS", "column_names", "read_rows", "table_form", "table_look"]

FORMS = ("csv", "tsv", "parquet")
DELIMITERS = {"csv": ",", "tsv": "\t"}
_LONGEST_FIELD = 2**31 - 1
_QUOTES = (
    "a field with quotes, delimiters or line breaks must stand in double quotes, "
    'inner ones doubled (""), got another form'
)
_LOCK = threading.Lock()

Cells = tuple[Any, ...]


def table_form(path: str | Path, form: str | None = None) -> str:
    """Return `form`, or else ``"csv"``, ``"tsv"`` or ``"parquet"`` by the suffix of `path`.

    Raises
    ------
    ArgumentError
        Another suffix, or Parquet that is packed: it packs its own columns.

    Examples
    --------
    >>> table_form("notes.csv.xz")
    'csv'
    """
    known = form if form in FORMS else plain_name(path).rpartition(".")[2]
    if known not in FORMS:
        raise ArgumentError(f"a table must end in .{', .'.join(FORMS)}, got {path}")
    check_packing(path, packs=known != "parquet")
    return known


def table_look(path: str | Path, form: str | None, dialect: Dialect) -> Look:
    """Return separator and encoding of a table of text, as said or found."""
    return look_at(Path(path), DELIMITERS[table_form(path, form)], dialect)


def column_names(
    path: str | Path,
    *,
    form: str | None = None,
    encoding: str = UTF_8,
    dialect: Dialect | None = None,
) -> list[str]:
    """Return the names of the columns of a table file; none where it has 0 bytes."""
    path = check_file(path)
    if path.stat().st_size == 0:
        return []
    if table_form(path, form) == "parquet":
        from clinnlp.io.tables.parquet import parquet_names

        return parquet_names(path)
    look = table_look(path, form, dialect or Dialect(encoding=encoding))
    _, header, error = next(_records(path, look), (1, [], None))
    if error is not None:
        raise error
    return header


def read_rows(
    path: str | Path,
    wanted: Sequence[str],
    *,
    form: str | None = None,
    encoding: str = UTF_8,
    dialect: Dialect | None = None,
    short: list[DataError] | None = None,
) -> Iterator[tuple[int, Cells]]:
    """Yield ``(line, values of the wanted columns)`` for each row.

    Values are text in CSV and TSV, plain Python values or ``None`` in Parquet. A file of 0 bytes
    has no rows. A row that is bad alone (another length, bytes of another encoding, a quote out of
    place) is raised, or where a list `short` is given its error is put there and the row yielded
    without values. A `dialect` says its own encoding.

    Raises
    ------
    DataError
        A missing column, a row of another length, broken quoting, or another encoding.
    """
    path = check_file(path)
    if path.stat().st_size == 0:
        return
    if table_form(path, form) == "parquet":
        from clinnlp.io.tables.parquet import parquet_rows

        yield from parquet_rows(path, wanted)
        return
    records = _records(path, table_look(path, form, dialect or Dialect(encoding=encoding)))
    _, header, error = next(records, (1, [], None))
    if error is not None:
        raise error
    if not header:
        return
    at = check_columns(wanted, header, path)
    for line, row, fault in records:
        error = fault or _uneven(row, len(header), path, line)
        if error is None:
            yield line, tuple(row[i] for i in at)
        elif short is None:
            raise error
        else:
            short.append(error)
            yield line, ()


def _uneven(row: list[str], n: int, path: Path, line: int) -> DataError | None:
    """Return what is wrong with a row of another length; one more may end in a separator."""
    if len(row) == n or (len(row) == n + 1 and not row[-1]):
        return None
    said = f"a row must have {n} fields as the header has, got {len(row)}"
    return DataError(said, path=path, line=line)


def _records(path: Path, look: Look) -> Iterator[tuple[int, list[str], DataError | None]]:
    """Yield the line on which a row begins, its fields, and what is wrong with this row alone."""
    undecodable: list[DataError] = []
    lines = _lines(path, look, undecodable)
    reader = csv.reader(lines, delimiter=look.sep, strict=True)
    while True:
        began = reader.line_num + 1 + look.n_before
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
        error = undecodable[0] if undecodable else DataError(_QUOTES, path=path, line=began)
        if broken and reader.line_num + look.n_before > began:
            raise error  # a quote that does not end has taken rows with it
        if row is None:
            return
        if row or broken:
            yield began, row, error if broken or undecodable else None
        undecodable.clear()


def _lines(path: Path, look: Look, undecodable: list[DataError]) -> Iterator[str]:
    """Yield lines, those of another encoding with marks for its bytes and with an error."""
    for number, raw in islice(byte_lines(path, look.encoding), look.n_before, None):
        line: str | None = None
        try:
            line = decode(raw, path, number)
        except DataError as error:
            undecodable.append(error)
        yield raw.decode("utf-8", "replace") if line is None else line
