"""Rows of a Parquet file, read and written some at a time."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.errors import DataError
from clinnlp.core.files import atomic_path
from clinnlp.core.pipeline import chunks
from clinnlp.io.tables.columns import check_columns

__all__ = ["parquet_names", "parquet_rows", "write_parquet"]

_BATCH = 256  # rows in memory at a time
_CHUNK = 1_000  # rows written at a time


def parquet_names(path: Path) -> list[str]:
    """Return the names of the columns, or raise `DataError` for a file that is damaged."""
    return list(_parquet(path).schema_arrow.names)


def parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield ``(row number from 1, values of the wanted columns)``.

    Raises
    ------
    DataError
        A missing column, or a file that is damaged.
    """
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


def _parquet(path: Path) -> pq.ParquetFile:
    file: pq.ParquetFile | None
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        file = None
    if file is None:
        raise DataError("a Parquet file must be whole, got a damaged or another file", path=path)
    return file
