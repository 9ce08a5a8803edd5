"""Columnar tables to Arrow and back: CSV, TSV, Parquet, and folders of Parquet parts.

Missing text, numbers, times and flags are nulls in Parquet and nothing between two delimiters in
CSV. Times are kept to the second and without time zone; one with a zone is turned into UTC, as
those of notes are in a table of mentions. One without stays as it is, also beside others with.
Text that a spreadsheet would run as a formula is guarded in CSV and read back (`core.formulas`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from clinnlp.core.arrow import arrow_types, columns_from_arrow, table_to_arrow
from clinnlp.core.columnar import KNOWN, Table
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import atomic_folder, atomic_path
from clinnlp.core.formulas import GUARDED, is_guarded
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import open_utf8, write_bytes
from clinnlp.io.tables.arrow_numbers import measurements
from clinnlp.io.tables.arrow_text import guarded_text, plain_text
from clinnlp.io.tables.arrow_times import TIME, known_times, naive_times
from clinnlp.io.tables.columns import check_columns, column_summary, columns_named
from clinnlp.io.tables.looks import Look
from clinnlp.io.tables.parquet import parquet_table
from clinnlp.io.tables.row_wise import row_wise
from clinnlp.io.tables.rows import DELIMITERS, column_names, table_form, table_look

__all__ = [
    "columns_of_schema",
    "csv_parts",
    "from_arrow",
    "read_columns",
    "typed",
    "write_columns",
]

T = TypeVar("T", bound=Table)

_TYPES = arrow_types()
_PART_ROWS = 1_000_000
_BLOCK = 1 << 24  # bytes of a CSV file that Arrow takes at a time


def from_arrow(kind: type[T], table: pa.Table) -> T:
    """Return the table class `kind` filled from an Arrow table of its columns.

    Raises
    ------
    ArgumentError
        A number that is infinite or beyond 1e100, or a NUL in an id or another name.
    """
    return kind(columns_from_arrow(kind.SCHEMA, table))


def read_columns(
    kind: type[T],
    path: str | Path,
    renamed: Mapping[str, str],
    *,
    dialect: Dialect | None = None,
    skipped: list[DataError] | None = None,
) -> T:
    """Return a table from a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    kind : subclass of Table
    path : str or Path
    renamed : mapping of schema name to column name
        Where given, only these are read; else the columns have the schema's names.
    dialect : Dialect, optional
        How text is written; absent: as found by looking, in UTF-8.
    skipped : list, optional
        Rows that are wrong are left out and their errors put here; else the first is raised.

    Raises
    ------
    DataError
        A column that is missing, unknown, or of the wrong type.
    """
    path, dialect = Path(path), dialect or Dialect()
    if path.is_dir():
        parts = _parts(path)
        return kind.concat(read_columns(kind, part, renamed, dialect=dialect) for part in parts)
    renamed = columns_of_schema(kind, path, renamed, dialect)
    if not renamed:
        return kind({})
    with instead_of(ArgumentError, lambda error: DataError(str(error), path=path)):
        if table_form(path) == "parquet":
            return from_arrow(kind, _parquet(kind, path, renamed, dialect))
        return kind.concat(csv_parts(kind, path, renamed, dialect=dialect, skipped=skipped))


def columns_of_schema(
    kind: type[Table], path: Path, renamed: Mapping[str, str], dialect: Dialect
) -> dict[str, str]:
    """Return which column, as it is written, is which of the schema; empty for an empty file.

    Raises
    ------
    ArgumentError
        A name that the schema has not.
    DataError
        A column that is missing, stands there twice, or, where none is named, is not known.
    """
    unknown = [name for name in renamed if name not in kind.SCHEMA]
    if unknown:
        raise ArgumentError(
            f"columns of {kind.__name__} are {', '.join(kind.SCHEMA)}, got {', '.join(unknown)}"
        )
    names = column_names(path, dialect=dialect)
    if not names:
        return {}
    if not renamed:
        renamed = columns_named(tuple(kind.SCHEMA), names)
        ours = {GUARDED} if is_guarded(names, kind.SCHEMA) else set()
        others = [name for name in names if name and name not in {*renamed.values(), *ours}]
        if others or not renamed:
            _refuse_unknown(others, kind, path)
    at = check_columns(list(renamed.values()), names, path)
    return {name: names[k] for name, k in zip(renamed, at, strict=True)}


def _parts(folder: Path) -> list[Path]:
    parts = files_of(folder, folder.glob("*.parquet"))
    if not parts and not (folder / "manifest.json").is_file():  # begun by `parts`, without notes
        raise DataError("a folder of a table must hold Parquet parts, got none", path=folder)
    return parts


def csv_parts(
    kind: type[T],
    path: Path,
    renamed: Mapping[str, str],
    *,
    dialect: Dialect,
    skipped: list[DataError] | None = None,
) -> Iterator[T]:
    """Yield the rows of a CSV or TSV file in parts of 16 MiB, columns named as in the schema.

    What Arrow cannot read is read again row by row, from where it stopped: a fault is raised with
    its line and column, or where there is a list `skipped` put there and its row left out.

    Raises
    ------
    DataError
        A row or a cell that is wrong.
    """
    look = table_look(path, None, dialect)
    guards = is_guarded(column_names(path, dialect=dialect), kind.SCHEMA)
    n = 0
    try:
        with open_utf8(path, look.encoding) as handle:
            for batch in pa_csv.open_csv(handle, *_csv_options(kind, renamed, look)):
                found = typed(kind, pa.Table.from_batches([batch]), renamed, dialect, look.sep)
                part = from_arrow(kind, plain_text(found) if guards else found)
                yield part
                n += len(part)
        return
    except (pa.ArrowException, EOFError, ValueError):  # which may quote a cell
        pass
    yield from row_wise(
        kind, path, renamed, dialect=dialect, sep=look.sep, guards=guards, skipped=skipped, first=n
    )


def _csv_options(
    kind: type[Table], renamed: Mapping[str, str], look: Look
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    """Return how Arrow reads a CSV file: times and numbers as text, for `typed` to convert."""
    types = {column: _TYPES[kind.SCHEMA[name]] for name, column in renamed.items()}
    types |= {c: pa.string() for c, how in types.items() if how in (TIME, _TYPES["float"])}
    return (
        pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK, skip_rows=look.n_before),
        pa_csv.ParseOptions(delimiter=look.sep, newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def typed(
    kind: type[Table],
    table: pa.Table,
    renamed: Mapping[str, str],
    dialect: Dialect | None = None,
    sep: str = ",",
) -> pa.Table:
    """Return columns as they were read under the names and with the types of the schema.

    Raises
    ------
    ArrowException, ValueError
        A value that is not of its type.
    """
    made: dict[str, pa.ChunkedArray] = {}
    for name, column in renamed.items():
        _add(made, _typed(kind, name, table[column], dialect or Dialect(), sep))
    return pa.table(made)


def write_columns(table: Table, path: str | Path) -> None:
    """Write a table as CSV, TSV or Parquet by suffix, or as a folder of Parquet parts without."""
    path = Path(path)
    form = table_form(path) if path.suffix else ""
    arrow = table_to_arrow(table)
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
        options = pa_csv.WriteOptions(delimiter=DELIMITERS[form])
        with write_bytes(path) as handle:
            pa_csv.write_csv(guarded_text(arrow), handle, options)


def _refuse_unknown(unknown: list[str], kind: type[Table], path: Path) -> None:
    raise DataError(
        f"columns of {kind.__name__} must be among {', '.join(kind.SCHEMA)}, got "
        f"{len(unknown)} other; name the columns to read, or drop the others; "
        f"{column_summary(unknown)}",
        path=path,
    )


def _parquet(
    kind: type[Table], path: Path, renamed: Mapping[str, str], dialect: Dialect
) -> pa.Table:
    table = parquet_table(path, list(renamed.values()))
    columns: dict[str, pa.ChunkedArray] = {}
    for name, column in renamed.items():
        wrong = DataError(f"column {column!r} must be of the type of the schema", path=path)
        with instead_of((pa.ArrowException, ValueError), wrong):
            _add(columns, _typed(kind, name, table[column], dialect, ","))
    return pa.table(columns)


def _typed(
    kind: type[Table], name: str, column: pa.ChunkedArray, dialect: Dialect, sep: str
) -> dict[str, pa.ChunkedArray]:
    how = kind.SCHEMA[name]
    if pa.types.is_dictionary(column.type):
        if how == "text" and pa.types.is_string(column.type.value_type):
            return {name: column}
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if how == "time":
        return {name: (known_times if name == KNOWN else naive_times)(column, dialect)}
    if how == "float":
        found = measurements(column, dialect, sep)
        if len(found) > 1 and name == "value" and "comparator" in kind.SCHEMA:
            return found
        if any(one.null_count < len(one) for key, one in found.items() if key != "value"):
            raise ValueError("a number must have no comparator and be no word, got another")
        return {name: found["value"]}
    return {name: column.cast(_TYPES[how], safe=False)}


def _add(columns: dict[str, pa.ChunkedArray], found: dict[str, pa.ChunkedArray]) -> None:
    """Add columns; one that stands there and is said by the cells of another too is of both."""
    for name, column in found.items():
        columns[name] = pc.coalesce(columns[name], column) if name in columns else column
