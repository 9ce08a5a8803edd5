"""A table written as another was read: its separator, its packing, whole or not at all.

Cells are text; in Parquet each column gets the type of the table that was read again, and a cell
that is none of that type is empty. For databases and programs, not for spreadsheets: a cell that
one would run as a formula stays.
"""

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.files import atomic_path
from clinnlp.core.pipeline import chunks
from clinnlp.io.files.lines import write_bytes
from clinnlp.io.tables.rows import DELIMITERS, table_form

__all__ = ["cell_text", "write_rows"]

_ROWS = 10_000  # of Parquet, written at a time


def cell_text(cell: Any) -> str:
    """Return a cell of a table as text: a time as ISO 8601, what is missing as nothing.

    Examples
    --------
    >>> cell_text(None), cell_text(date(2019, 3, 12)), cell_text(7), cell_text("x")
    ('', '2019-03-12', '7', 'x')
    """
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def write_rows(
    path: str | Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    like: str | Path | None = None,
    wide: Collection[str] = (),
) -> int:
    """Write rows of text as CSV, TSV or Parquet by suffix, packed as it says; return how many.

    Parameters
    ----------
    path : path
        Ends in .csv, .tsv (perhaps in .gz or .xz behind it) or .parquet.
    header : sequence of str
    rows : iterable of sequence of str
    like : path, optional
        A table with these columns whose types a Parquet file gets; else all is text.
    wide : collection of str
        Columns whose whole numbers may be larger than theirs there: they get 64 bits.

    Raises
    ------
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_rows(f"{folder.name}/a.csv", ["id", "word"], [["1", "a, b"]])
    1
    >>> Path(folder.name, "a.csv").read_text()
    'id,word\\n1,"a, b"\\n'
    >>> folder.cleanup()
    """
    if table_form(path) == "parquet":
        return _write_parquet(path, _schema(header, like, wide), rows)
    n = 0
    with write_bytes(path) as raw:
        text = io.TextIOWrapper(raw, "utf-8", newline="")
        try:
            writer = csv.writer(text, delimiter=DELIMITERS[table_form(path)], lineterminator="\n")
            writer.writerow(header)
            for row in rows:
                writer.writerow(row)
                n += 1
            text.flush()
        finally:
            text.detach()  # who opened it closes it
    return n


def _write_parquet(path: str | Path, schema: pa.Schema, rows: Iterable[Sequence[str]]) -> int:
    n = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for part in chunks(rows, _ROWS):
            columns = zip(*part, strict=True)
            arrays = [_typed(cells, one.type) for cells, one in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            n += len(part)
    return n


def _schema(
    header: Sequence[str], like: str | Path | None, wide: Collection[str] = ()
) -> pa.Schema:
    """Return the columns with the types of a Parquet file, where it is one; lists are text."""
    types: dict[str, pa.DataType] = {}
    if like is not None and table_form(like) == "parquet":
        said = DataError("a table must be a Parquet file, got another", path=Path(like))
        with instead_of((pa.ArrowException, OSError), said):
            types = {one.name: one.type for one in pq.read_schema(like)}
    flat = {k: t for k, t in types.items() if pa.types.is_primitive(t)}
    for name in wide:
        if pa.types.is_integer(flat.get(name, pa.null())) and flat[name].bit_width < 64:
            flat[name] = pa.int64()
    return pa.schema([(name, flat.get(name, pa.string())) for name in header])


def _typed(cells: Sequence[str], kind: pa.DataType) -> pa.Array:
    """Return text as a type; what is none of it is missing."""
    text = pa.array([cell or None for cell in cells], pa.string())
    try:
        return pc.cast(text, kind)
    except pa.ArrowException:
        each = [_one(cell, kind) for cell in text]
        return pa.chunked_array([pa.concat_arrays(each)]).combine_chunks()


def _one(cell: pa.Scalar, kind: pa.DataType) -> pa.Array:
    try:
        return pc.cast(pa.array([cell.as_py()], pa.string()), kind)
    except pa.ArrowException:
        return pa.nulls(1, kind)
