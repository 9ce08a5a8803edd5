"""Rows of a Parquet file, read and written some at a time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.files import atomic_path
from clinnlp.core.pipeline import chunks
from clinnlp.io.files.lines import most_unpacked
from clinnlp.io.tables.columns import check_columns

__all__ = [
    "parquet_batches",
    "parquet_facts",
    "parquet_names",
    "parquet_rows",
    "parquet_table",
    "write_arrow",
    "write_parquet",
]

_FACTS = b"clinnlp"  # the key under which our own files say more than their rows

_BATCH = 256  # rows in memory at a time
_CHUNK = 1_000  # rows written at a time
_MANY = 1 << 16  # rows read at a time where all are kept,
_MORE = 1 << 20  # and where they are small: text as a dictionary, numbers, times
_SMALL = 512  # bytes of a row that is small, on average of each group of rows
_CELL = 4  # bytes in memory at least of a value that takes none in the file
# what Arrow raises for a file made to be wrong, and Python for a time or a text of such a file
_FOREIGN = (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError, TypeError)


def parquet_names(path: Path) -> list[str]:
    """Return the names of the columns, or raise `DataError` for a file that is damaged."""
    return list(_parquet(path).schema_arrow.names)


def parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield ``(row number from 1, values of the wanted columns)``.

    Raises
    ------
    DataError
        A missing column, a value that Python has no like of, or a file that is damaged.
    """
    names = parquet_names(path)
    wanted = [names[k] for k in check_columns(wanted, names, path)]
    line = 0
    for batch in _batches(path, wanted, _few(path)):
        said = "a column must hold text, numbers or times, got another value"
        with instead_of(_FOREIGN, DataError(said, path=path, line=line + 1)):
            columns = [batch.column(name).to_pylist() for name in wanted]
        for row in zip(*columns, strict=True):
            line += 1
            yield line, row


def parquet_batches(path: Path, wanted: Sequence[str], *, n_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file, at most `n_rows` rows at a time, text as Arrow dictionaries.

    Raises
    ------
    DataError
        A file that is damaged, or holds more than it may.
    """
    schema = _parquet(path).schema_arrow
    text = [name for name in wanted if pa.types.is_string(schema.field(name).type)]
    yield from _batches(path, wanted, n_rows, read_dictionary=text)


def parquet_table(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Return some columns of a whole file; raises as `parquet_batches`."""
    batches = list(parquet_batches(path, wanted, n_rows=_rows_at_once(path, wanted)))
    if batches:
        return pa.Table.from_batches(batches)
    there = _parquet(path).schema_arrow
    return pa.schema([there.field(name) for name in wanted]).empty_table()


def _rows_at_once(path: Path, wanted: Sequence[str]) -> int:
    """Return how many rows to read at a time: each batch of text comes with a whole dictionary."""
    file = _parquet(path)
    groups = (file.metadata.row_group(k) for k in range(file.metadata.num_row_groups))
    small = all(group.total_byte_size <= _SMALL * group.num_rows for group in groups)
    small &= all(_is_small(file.schema_arrow.field(name).type) for name in wanted)
    return _MORE if small else _MANY


def _is_small(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    plain = pa.types.is_primitive(kind) or pa.types.is_null(kind)
    return bool(plain or pa.types.is_string(kind))


def _batches(
    path: Path, wanted: Sequence[str], n_rows: int, **options: Any
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file that holds no more than it may.

    A text that stands once in a file may be named by each of a million rows, and a row may take no
    byte at all. So all rows together may hold what a packed file may (`most_unpacked`).
    """
    most = most_unpacked(path)
    too_much = DataError(f"a Parquet file of its size must hold {most} bytes at most", path=path)
    with _parquet(path, **options) as file:
        if _claimed(file.metadata) > most:
            raise too_much
        batches = file.iter_batches(n_rows, columns=list(wanted))
        n, n_bytes = 0, 0
        while True:
            said = "a Parquet file must be whole, got a damaged one"
            with instead_of(_FOREIGN, DataError(said, path=path, line=n + 1)):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            n, n_bytes = n + batch.num_rows, n_bytes + sum(map(_n_bytes, batch.columns))
            if n_bytes > most:
                raise too_much
            yield batch


def _claimed(said: pq.FileMetaData) -> int:
    groups = (said.row_group(k) for k in range(said.num_row_groups))
    n_bytes = sum(group.total_byte_size for group in groups)
    return int(max(n_bytes, said.num_rows * said.num_columns * _CELL))


def _n_bytes(column: pa.Array) -> int:
    """Return the bytes of a column, where each row has its own text."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary)
    return int(column.indices.nbytes) + int(pc.sum(pc.take(lengths, column.indices)).as_py() or 0)


def write_parquet(
    rows: Iterable[dict[str, Any]], path: Path, columns: Sequence[str], *, times: Sequence[str]
) -> int:
    """Write rows whose columns are text, but for the `times`, and return how many.

    The file appears under its name only when whole.
    """
    kinds = {name: pa.timestamp("us") if name in times else pa.string() for name in columns}
    schema = pa.schema(list(kinds.items()))
    n = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for chunk in chunks(rows, _CHUNK):
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            n += len(chunk)
    return n


def write_arrow(parts: Iterable[pa.Table], path: str | Path, *, facts: dict[str, Any]) -> None:
    """Write Arrow tables of the same columns, one part after the other, and facts about them all.

    The file appears under its name only when whole.
    """
    writer: pq.ParquetWriter | None = None
    with atomic_path(path) as temporary:
        try:
            for part in parts:
                if writer is None:
                    said = {_FACTS: json.dumps(facts).encode()}
                    schema = _typed(part.schema).with_metadata(said)
                    writer = pq.ParquetWriter(temporary, schema, compression="zstd")
                writer.write_table(part.cast(schema))
        finally:
            if writer is not None:
                writer.close()


def _typed(schema: pa.Schema) -> pa.Schema:
    """Return the schema, a column that holds nothing as text."""
    kinds = [pa.string() if pa.types.is_null(field.type) else field.type for field in schema]
    return pa.schema(list(zip(schema.names, kinds, strict=True)))


def parquet_facts(path: Path) -> dict[str, Any] | None:
    """Return the facts that `write_arrow` wrote; None where the file is another's."""
    with _parquet(path) as file:
        said = (file.schema_arrow.metadata or {}).get(_FACTS)
    with suppress(ValueError):
        facts = json.loads(said or b"")
        return facts if isinstance(facts, dict) else None
    return None


def _few(path: Path) -> int:
    """Return how many rows at a time are few, though each may name the longest text there is."""
    said = _parquet(path).metadata
    groups = (said.row_group(k) for k in range(said.num_row_groups))
    columns = (group.column(k) for group in groups for k in range(group.num_columns))
    longest = max((column.total_uncompressed_size for column in columns), default=0)
    return max(1, min(_BATCH, most_unpacked(path) // max(1, longest)))


def _parquet(path: Path, **options: Any) -> pq.ParquetFile:
    file: pq.ParquetFile | None
    try:
        file = pq.ParquetFile(path, **options)
    except _FOREIGN:
        file = None
    if file is None:
        raise DataError("a Parquet file must be whole, got a damaged or another file", path=path)
    return file
