"""Tables of other programs as columns, and ours as Arrow tables.

polars, DuckDB, Arrow and others hand out their tables by one method, ``__arrow_c_stream__``, so
that none of them has to be known or installed. A pandas DataFrame, whose columns may hold anything,
is read by its own methods. pyarrow is imported where it is needed.

References
----------
Apache Arrow, The Arrow PyCapsule Interface.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from clinnlp.core.arrays import Array, objects
from clinnlp.core.coded import Coded
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.numbers import large_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "arrow_schema",
    "arrow_table",
    "arrow_types",
    "coded_column",
    "column_arrays",
    "column_lists",
    "columns_from_arrow",
    "columns_to_arrow",
    "encoded",
    "foreign_columns",
    "is_frame",
    "lists_to_arrow",
    "names_of",
    "read_once",
    "row_ids",
    "sets_to_arrow",
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
            made.append(objects(values))
    return made


def coded_column(table: Any, name: str) -> Coded:
    """Return a column of a table as codes into its plain values; what is no number is missing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column = coded_column(pa.table({"a": [7, None, 7]}), "a")
    >>> column.values.tolist(), column.codes.tolist()
    ([7], [0, -1, 0])
    """
    if is_frame(table):
        codes, values = table.iloc[:, _positions(table, [name])[0]].factorize()
        listed = values.astype(object).tolist()
        return Coded(values=objects(listed), codes=codes.astype(np.int32))
    import pyarrow as pa
    import pyarrow.compute as pc

    column = arrow_table(table)[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    held = column.dictionary_encode().combine_chunks()
    values = pa.chunked_array([held.dictionary])
    [listed] = column_lists(pa.table({name: values}), [name])
    return Coded(values=objects(listed), codes=_plain_codes(held))


def encoded(values: Array) -> Coded:
    """Return an array of objects as codes into its distinct values; None is missing.

    Examples
    --------
    >>> encoded(np.array(["b", None, "a", "b"], object)).codes.tolist()
    [0, -1, 1, 0]
    """
    import pyarrow as pa

    try:
        column = pa.array(values, pa.string(), from_pandas=False)
    except (pa.ArrowException, TypeError, UnicodeError, OverflowError):  # not text alone
        return Coded.of(values.tolist())
    return _coded(column.dictionary_encode())


def _coded(column: "pa.DictionaryArray") -> Coded:
    return Coded(
        values=column.dictionary.to_numpy(zero_copy_only=False), codes=_plain_codes(column)
    )


def _plain_codes(column: "pa.DictionaryArray") -> Array:
    codes: Array = column.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
    return codes


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


def columns_from_arrow(schema: Mapping[str, str], table: "pa.Table") -> dict[str, Array | Coded]:
    """Return the columns of a schema from an Arrow table of its types, text as codes.

    Raises
    ------
    ArgumentError
        A number that is infinite or beyond 1e100, or a NUL in an id or another name.
    """
    import pyarrow as pa

    columns: dict[str, Array | Coded] = {}
    for name in table.column_names:
        column, how = table[name], schema[name]
        if how == "text":
            columns[name] = _text_column(column, name)
        elif how == "time":
            columns[name] = column.to_numpy().astype("datetime64[s]")
        elif how == "flag":
            values = column.cast(pa.int8()).fill_null(-1)
            columns[name] = values.to_numpy().astype(np.int8)
        else:
            numbers = columns[name] = column.to_numpy()
            if how == "float" and (got := large_rows(numbers)):
                raise ArgumentError(f"column {name!r} must hold finite numbers, got {got}")
    return columns


def foreign_columns(schema: Mapping[str, str], table: Any) -> dict[str, Array | Coded]:
    """Return the columns of a schema from a table of another program, of the same names.

    Raises
    ------
    ArgumentError
        No Arrow interface, or a column that is not of the type of the schema.
    """
    import pyarrow as pa

    arrow, types = arrow_table(table), arrow_types()
    made, written = {}, {}
    for name, how in schema.items():
        if name not in arrow.column_names:
            continue
        if how == "time" and not pa.types.is_timestamp(arrow[name].type):
            written[name] = objects(arrow[name].to_pylist())  # text and days, for the table to read
            continue
        refusal = ArgumentError(f"column {name!r} must be of the type of the schema")
        with instead_of((pa.ArrowException, ValueError), refusal):
            made[name] = arrow[name].cast(types[how], safe=False)
    return {**columns_from_arrow(schema, pa.table(made)), **written}


def columns_to_arrow(columns: Mapping[str, Iterable[Any]]) -> "pa.Table":
    """Return columns of any values as an Arrow table; a set of names is a sorted list.

    Examples
    --------
    >>> columns_to_arrow({"items": [frozenset({"b", "a"})], "n": np.array([3])}).to_pylist()
    [{'items': ['a', 'b'], 'n': 3}]
    """
    import pyarrow as pa

    return pa.table({name: _arrow_column(values) for name, values in columns.items()})


def lists_to_arrow(names: Array, groups: Iterable[Array]) -> "pa.Array":
    """Return sets of names as sorted lists; a group holds the places of sets of one length.

    Examples
    --------
    >>> names = np.array(["b", "a", "c"], object)
    >>> lists_to_arrow(names, [np.array([[2]]), np.array([[0, 1]])]).to_pylist()
    [['c'], ['a', 'b']]
    """
    import pyarrow as pa

    order = np.argsort(names, kind="stable")
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    sets = [np.sort(rank[np.asarray(group, np.int64)], axis=1) for group in groups]
    sizes = [np.full(len(group), group.shape[1], np.int64) for group in sets]
    ends = np.cumsum(np.concatenate([np.zeros(1, np.int64), *sizes]))
    places = np.concatenate([np.zeros(0, np.int64), *(group.ravel() for group in sets)])
    texts = pa.array(names[order].tolist(), pa.string()).take(pa.array(places))
    if len(places) < 2**31:
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), texts)
    return pa.LargeListArray.from_arrays(pa.array(ends), texts)


def _arrow_column(values: Iterable[Any]) -> "pa.Array":
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pa.array(values)
    held = list(values)
    if held and isinstance(held[0], set | frozenset | tuple):
        return sets_to_arrow(held)
    return pa.array(held, None if held else pa.string())


def sets_to_arrow(values: Collection[Any]) -> "pa.Array":
    """Return sets or tuples of names as lists, sets sorted; each that comes again is made once.

    Examples
    --------
    >>> sets_to_arrow([frozenset({"b", "a"}), ("b", "a")]).to_pylist()
    [['a', 'b'], ['b', 'a']]
    """
    import pyarrow as pa

    places: dict[Any, int] = {}
    codes = np.fromiter((places.setdefault(v, len(places)) for v in values), np.int64, len(values))
    lists = [sorted(v) if isinstance(v, set | frozenset) else list(v) for v in places]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(codes))


def _text_column(column: "pa.ChunkedArray", name: str) -> Coded:
    """Return a column of text, or of a dictionary of texts, as codes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type) and column.num_chunks > 1:
        held = column.unify_dictionaries().combine_chunks()
    else:  # or of one dictionary, perhaps with values that no row has
        plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        held = column.cast(plain).dictionary_encode().combine_chunks()
    if name != "text" and pc.any(pc.match_substring(held.dictionary, "\0")).as_py():
        raise ArgumentError(f"column {name!r} must hold no NUL, got one")
    return _coded(held)
