"""Tables of other programs as columns, and ours as Arrow tables.

polars, DuckDB, Arrow and others hand out their tables by one method, ``__arrow_c_stream__``, so
that none of them has to be known or installed. A pandas DataFrame, whose columns may hold anything,
is read by its own methods. pyarrow is imported where it is needed.

References
----------
Apache Arrow, The Arrow PyCapsule Interface.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from clinnlp.core.arrays import Array
from clinnlp.core.errors import ArgumentError, instead_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "arrow_schema",
    "arrow_table",
    "arrow_types",
    "column_arrays",
    "column_lists",
    "columns_from_arrow",
    "columns_to_arrow",
    "foreign_columns",
    "is_frame",
    "names_of",
    "read_once",
    "row_ids",
    "table_to_arrow",
]

_NO_TABLE = "a table must be a DataFrame or have the Arrow interface (polars, DuckDB, pyarrow)"


def is_frame(table: Any) -> bool:
    """Return whether a table is a pandas DataFrame."""
    return type(table).__module__.partition(".")[0] == "pandas" and hasattr(table, "columns")


def arrow_table(table: Any) -> "pa.Table":
    """Return the Arrow table of anything that has the Arrow interface.

    Raises
    ------
    ArgumentError
        It has not.

    Examples
    --------
    >>> import pyarrow as pa
    >>> arrow_table(pa.table({"a": [1, 2]})).column_names
    ['a']
    """
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise ArgumentError(f"{_NO_TABLE}, got {type(table).__name__}")
    with instead_of((pa.ArrowException, TypeError), ArgumentError(f"{_NO_TABLE}, got another")):
        return pa.RecordBatchReader.from_stream(table).read_all()


def read_once(table: Any) -> Any:
    """Return a DataFrame as it is, and any other table as one of Arrow: a stream comes once.

    Raises
    ------
    ArgumentError
        It is neither.
    """
    return table if is_frame(table) else arrow_table(table)


def names_of(table: Any) -> list[str]:
    """Return the names of the columns of a table."""
    names = table.columns if is_frame(table) else arrow_table(table).column_names
    return [str(name) for name in names]


def column_lists(table: Any, names: Sequence[str]) -> list[list[Any]]:
    """Return some columns of a table as lists of plain values, None where one is missing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column_lists(pa.table({"a": [1, None], "b": ["x", "y"]}), ["b", "a"])
    [['x', 'y'], [1, None]]
    """
    if is_frame(table):
        columns = [table.iloc[:, k] for k in _positions(table, names)]
        return [c.astype(object).where(c.notna(), None).tolist() for c in columns]
    import pyarrow as pa

    arrow, made = arrow_table(table), []
    for name in names:
        column = arrow[name]
        if pa.types.is_timestamp(column.type):  # finer than Python's times
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        made.append(column.to_pylist())
    return made


def column_arrays(table: Any, names: Sequence[str]) -> list[Array]:
    """Return some columns of a table as arrays: of numbers, or of values with None where missing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column_arrays(pa.table({"a": [1, None], "b": ["x", None]}), ["a", "b"])
    [array([ 1., nan]), array(['x', None], dtype=object)]
    """
    if is_frame(table):
        return [table.iloc[:, k].to_numpy() for k in _positions(table, names)]
    import pyarrow as pa

    arrow, made = arrow_table(table), []
    for name in names:
        column = arrow[name]
        plain = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if plain or (pa.types.is_boolean(column.type) and not column.null_count):
            made.append(column.to_numpy())
        else:
            [values] = column_lists(arrow, [name])
            held = np.full(len(values), None, dtype=object)
            held[:] = values
            made.append(held)
    return made


def _positions(frame: Any, names: Sequence[str]) -> list[int]:
    """Return where the columns stand in a DataFrame, whose names may be other than text."""
    where = {name: k for k, name in enumerate(names_of(frame))}
    return [where[name] for name in names]


def row_ids(table: Any) -> list[Any]:
    """Return the ids of rows: those of a DataFrame, else their numbers from 0."""
    if is_frame(table):
        return list(table.index)
    return list(range(arrow_table(table).num_rows))


# --- our tables ----------------------------------------------------------------------------


class _Columns(Protocol):
    """A table under a schema: the kind of each column by its name (`core.tables`)."""

    SCHEMA: ClassVar[dict[str, str]]

    def __getitem__(self, name: str) -> Array: ...


def arrow_types() -> dict[str, Any]:
    """Return the Arrow type of each kind of column of a schema."""
    import pyarrow as pa

    return {
        "text": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "time": pa.timestamp("us"),
        "flag": pa.bool_(),
    }


def arrow_schema(schema: Mapping[str, str]) -> "pa.Schema":
    """Return the Arrow schema of one of ours."""
    import pyarrow as pa

    types = arrow_types()
    return pa.schema([(name, types[how]) for name, how in schema.items()])


def table_to_arrow(table: _Columns) -> "pa.Table":
    """Return the columns as an Arrow table; missing values become nulls."""
    import pyarrow as pa

    types, columns = arrow_types(), []
    for name, how in table.SCHEMA.items():
        values = table[name]
        missing = values < 0 if how == "flag" else None
        if how == "flag":
            values = values == 1
        if how == "time":
            values = values.astype("datetime64[us]")
        columns.append(pa.array(values, types[how], mask=missing, from_pandas=True))
    return pa.Table.from_arrays(columns, schema=arrow_schema(table.SCHEMA))


def columns_from_arrow(schema: Mapping[str, str], table: "pa.Table") -> dict[str, Array]:
    """Return the columns of a schema from an Arrow table of its types.

    Raises
    ------
    ArgumentError
        An infinite number, or a NUL in an id or another name.
    """
    import pyarrow as pa

    columns = {}
    for name in table.column_names:
        column, how = table[name], schema[name]
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
    return columns


def foreign_columns(schema: Mapping[str, str], table: Any) -> dict[str, Array]:
    """Return the columns of a schema from a table of another program, of the same names.

    Raises
    ------
    ArgumentError
        No Arrow interface, or a column that is not of the type of the schema.
    """
    import pyarrow as pa

    arrow, types = arrow_table(table), arrow_types()
    made = {}
    for name, how in schema.items():
        if name in arrow.column_names:
            refusal = ArgumentError(f"column {name!r} must be of the type of the schema")
            with instead_of((pa.ArrowException, ValueError), refusal):
                made[name] = arrow[name].cast(types[how], safe=False)
    return columns_from_arrow(schema, pa.table(made))


def columns_to_arrow(columns: Mapping[str, Iterable[Any]]) -> "pa.Table":
    """Return columns of any values as an Arrow table; a set of names is a sorted list.

    Examples
    --------
    >>> columns_to_arrow({"items": [frozenset({"b", "a"})], "n": np.array([3])}).to_pylist()
    [{'items': ['a', 'b'], 'n': 3}]
    """
    import pyarrow as pa

    made = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray) and values.dtype != object:
            made[name] = pa.array(values)
        else:
            made[name] = pa.array([_plain(value) for value in values])
    return pa.table(made)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return value.item() if isinstance(value, np.generic) else value


def _texts(chunk: "pa.Array", name: str) -> Array:
    """Return a piece of a column of text; equal texts of a dictionary are one object."""
    import pyarrow as pa
    import pyarrow.compute as pc

    listed = pa.types.is_dictionary(chunk.type)
    values = chunk.dictionary if listed else chunk
    if name != "text" and pc.any(pc.match_substring(values, "\0")).as_py():
        raise ArgumentError(f"column {name!r} must hold no NUL, got one")
    texts = np.array([*values.to_pylist(), None], dtype=object)
    return texts[chunk.indices.fill_null(len(values)).to_numpy()] if listed else texts[:-1]
