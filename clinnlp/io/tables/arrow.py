"""Columnar tables to Arrow and back: CSV, TSV, Parquet, and folders of Parquet parts.

Missing text, numbers, times and flags are nulls in Parquet and nothing between two delimiters in
CSV. Times are kept to the second and without time zone; one with a zone is turned into UTC, as
those of notes are in a table of mentions. One without stays as it is, also beside others with.
Text that a spreadsheet would run as a formula is guarded in CSV and read back (`core.formulas`).
"""

import re
from collections.abc import Mapping
from math import isinf
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc
import pyarrow.parquet as pq

from clinnlp.core.arrays import Array
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import atomic_folder, atomic_path
from clinnlp.core.formulas import GUARDED, is_guarded
from clinnlp.core.tables import Table
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import open_bytes, read_lines, write_bytes
from clinnlp.io.tables.arrow_text import guarded_text, plain_text
from clinnlp.io.tables.arrow_times import TIME, check_times, naive_times
from clinnlp.io.tables.columns import check_columns, column_summary
from clinnlp.io.tables.parquet import parquet_table
from clinnlp.io.tables.rows import DELIMITERS, column_names, read_rows, table_form

__all__ = [
    "arrow_schema",
    "csv_options",
    "from_arrow",
    "read_columns",
    "to_arrow",
    "typed",
    "write_columns",
]

T = TypeVar("T", bound=Table)

_TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "time": TIME,
    "flag": pa.bool_(),
}
_SAID = {
    "int": "whole numbers",
    "float": "numbers",
    "flag": "true, false or nothing",
}
_PART_ROWS = 1_000_000
_BLOCK = 1 << 24  # bytes of a CSV file that Arrow takes at a time


def arrow_schema(kind: type[Table]) -> pa.Schema:
    """Return the Arrow schema of a table class."""
    return pa.schema([(name, _TYPES[how]) for name, how in kind.SCHEMA.items()])


def to_arrow(table: Table) -> pa.Table:
    """Return the columns as an Arrow table; missing values become nulls."""
    columns = []
    for name, kind in table.SCHEMA.items():
        values = table[name]
        missing = values < 0 if kind == "flag" else None
        if kind == "flag":
            values = values == 1
        if kind == "time":
            values = values.astype("datetime64[us]")
        columns.append(pa.array(values, _TYPES[kind], mask=missing, from_pandas=True))
    return pa.Table.from_arrays(columns, schema=arrow_schema(type(table)))


def from_arrow(kind: type[T], table: pa.Table) -> T:
    """Return the table class `kind` filled from an Arrow table of its columns.

    Raises
    ------
    ArgumentError
        An infinite number, or a NUL in an id or another name.
    """
    columns = {}
    for name in table.column_names:
        column, how = table[name], kind.SCHEMA[name]
        if how == "text":
            parts = [_texts(chunk, name) for chunk in column.chunks]
            columns[name] = np.concatenate([np.empty(0, dtype=object), *parts])
        elif how == "time":
            columns[name] = column.to_numpy().astype("datetime64[s]")
        elif how == "flag":
            values = column.cast(pa.int8()).fill_null(-1)
            columns[name] = values.to_numpy().astype(np.int8)
        else:
            columns[name] = column.to_numpy()
            if how == "float" and np.isinf(columns[name]).any():
                raise ArgumentError(f"column {name!r} must hold finite numbers, got another")
    return kind(columns)


def _texts(chunk: pa.Array, name: str) -> Array:
    """Return a piece of a column of text; equal texts of a dictionary are one object."""
    listed = pa.types.is_dictionary(chunk.type)
    values = chunk.dictionary if listed else chunk
    if name != "text" and compute.any(compute.match_substring(values, "\0")).as_py():
        raise ArgumentError(f"column {name!r} must hold no NUL, got one")
    texts = np.array([*values.to_pylist(), None], dtype=object)
    return texts[chunk.indices.fill_null(len(values)).to_numpy()] if listed else texts[:-1]


def read_columns(kind: type[T], path: str | Path, renamed: Mapping[str, str]) -> T:
    """Return a table from a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    kind : subclass of Table
    path : str or Path
    renamed : mapping of schema name to column name
        Where given, only these are read; else the columns have the schema's names.

    Raises
    ------
    DataError
        A column that is missing, unknown, or of the wrong type.
    """
    path = Path(path)
    if path.is_dir():
        return kind.concat(read_columns(kind, part, renamed) for part in _parts(path))
    names = column_names(path)
    unknown = [name for name in renamed if name not in kind.SCHEMA]
    if unknown:
        raise ArgumentError(
            f"columns of {kind.__name__} are {', '.join(kind.SCHEMA)}, got {', '.join(unknown)}"
        )
    if not names:
        return kind({})
    if not renamed:
        ours = [name for name in names if name != GUARDED or not is_guarded(names, kind.SCHEMA)]
        _check_known(ours, kind, path)
        renamed = {name: name for name in ours}
    check_columns(list(renamed.values()), names, path)
    with instead_of(ArgumentError, lambda error: DataError(str(error), path=path)):
        read = _parquet if table_form(path) == "parquet" else _csv
        return from_arrow(kind, read(kind, path, renamed))


def _parts(folder: Path) -> list[Path]:
    parts = files_of(folder, folder.glob("*.parquet"))
    if not parts and not (folder / "manifest.json").is_file():  # begun by `parts`, without notes
        raise DataError("a folder of a table must hold Parquet parts, got none", path=folder)
    return parts


def csv_options(
    kind: type[Table], path: Path, renamed: Mapping[str, str]
) -> tuple[pc.ReadOptions, pc.ParseOptions, pc.ConvertOptions]:
    """Return how Arrow reads a CSV file: times as text, for `typed` to convert."""
    types = {column: _TYPES[kind.SCHEMA[name]] for name, column in renamed.items()}
    types |= {column: pa.string() for column, how in types.items() if how == TIME}
    return (
        pc.ReadOptions(use_threads=False, block_size=_BLOCK),
        pc.ParseOptions(delimiter=DELIMITERS[table_form(path)], newlines_in_values=True),
        pc.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def typed(kind: type[Table], table: pa.Table, renamed: Mapping[str, str]) -> pa.Table:
    """Return columns as they were read under the names and with the types of the schema.

    Raises
    ------
    ArrowException, ValueError
        A value that is not of its type.
    """
    return pa.table({name: _typed(kind, name, table[column]) for name, column in renamed.items()})


def write_columns(table: Table, path: str | Path) -> None:
    """Write a table as CSV, TSV or Parquet by suffix, or as a folder of Parquet parts without."""
    path = Path(path)
    form = table_form(path) if path.suffix else ""
    arrow = to_arrow(table)
    if not form:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise ArgumentError(f"a folder to write must be new or empty, got {path}")
        with atomic_folder(path) as folder:
            for k in range(0, max(1, len(table)), _PART_ROWS):
                part = folder / f"part-{k // _PART_ROWS:05d}.parquet"
                pq.write_table(arrow.slice(k, _PART_ROWS), part)
    elif form == "parquet":
        with atomic_path(path) as temporary:
            pq.write_table(arrow, temporary)
    else:
        options = pc.WriteOptions(delimiter=DELIMITERS[form])
        with write_bytes(path) as handle:
            pc.write_csv(guarded_text(arrow), handle, options)


def _check_known(names: list[str], kind: type[Table], path: Path) -> None:
    unknown = [name for name in names if name not in kind.SCHEMA]
    if unknown:
        raise DataError(
            f"columns of {kind.__name__} must be among {', '.join(kind.SCHEMA)}, got "
            f"{len(unknown)} other; name the columns to read, or drop the others; "
            f"{column_summary(unknown)}",
            path=path,
        )


def _parquet(kind: type[Table], path: Path, renamed: Mapping[str, str]) -> pa.Table:
    table = parquet_table(path, list(renamed.values()))
    columns = {}
    for name, column in renamed.items():
        wrong = DataError(f"column {column!r} must be of the type of the schema", path=path)
        with instead_of((pa.ArrowException, ValueError), wrong):
            columns[name] = _typed(kind, name, table[column])
    return pa.table(columns)


def _csv(kind: type[Table], path: Path, renamed: Mapping[str, str]) -> pa.Table:
    said = None
    try:
        with open_bytes(path) as handle:
            table = pc.read_csv(handle, *csv_options(kind, path, renamed))
    except (pa.ArrowException, EOFError) as error:
        said = str(error)
    if said is not None:
        raise _located(said, kind, path, {column: name for name, column in renamed.items()})
    try:
        found = typed(kind, table, renamed)
        _check_finite(kind, found, path, renamed)
        return plain_text(found) if is_guarded(column_names(path), kind.SCHEMA) else found
    except DataError:
        raise
    except ValueError:
        pass  # refused below, by its line
    check_times(path, [renamed[name] for name in renamed if kind.SCHEMA[name] == "time"])
    raise DataError("columns must be of the types of the schema, got another", path=path)


def _check_finite(
    kind: type[Table], table: pa.Table, path: Path, renamed: Mapping[str, str]
) -> None:
    """Raise `DataError` for the first infinite number of a CSV file, by its line."""
    for name, column in renamed.items():
        if kind.SCHEMA[name] == "float" and compute.any(compute.is_inf(table[name])).as_py():
            for line, (cell,) in read_rows(path, [column]):
                if cell.strip() and isinf(float(cell)):
                    said = f"column {column!r} must hold finite numbers, got another"
                    raise DataError(said, path=path, line=line)


def _typed(kind: type[Table], name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        if kind.SCHEMA[name] == "text":
            return column
        column = column.cast(column.type.value_type)
    if kind.SCHEMA[name] == "time":
        return naive_times(column)
    return column.cast(_TYPES[kind.SCHEMA[name]], safe=False)


def _column_of(said: str, path: Path) -> str:
    """Return the column that a message of Arrow is about, or nothing."""
    found = re.search(r"column #(\d+)", said)
    return column_names(path)[int(found[1])] if found else ""


def _located(said: str, kind: type[Table], path: Path, fields: Mapping[str, str]) -> DataError:
    """Keep only numbers of a message of Arrow, which quotes values."""
    for _ in read_lines(path):  # names the line that is not UTF-8, where that is the reason
        pass
    row, names, name = re.search(r"[Rr]ow #(\d+)", said), column_names(path), _column_of(said, path)
    wanted = _SAID.get(kind.SCHEMA.get(fields.get(name, ""), ""), "of the type of the schema")
    return DataError(
        f"column {name!r} must hold {wanted}, got another value"
        if name
        else f"a row must have {len(names)} fields as the header has, got another number",
        path=path,
        line=int(row[1]) if row else None,
    )
