"""Columns of numbers and of laboratory results as they come from a file to Arrow columns.

A column is cast at once where its cells are plain numbers, else each different cell is read once,
as `numbers` reads it.
"""

from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.numbers import measurement_of

__all__ = ["measurements", "plain_numbers"]

_KINDS = {"value": pa.float64(), "comparator": pa.string(), "result": pa.string()}


def plain_numbers(column: pa.ChunkedArray, dialect: Dialect, sep: str) -> pa.ChunkedArray | None:
    """Return a column as numbers where all of its cells are plain ones, else None.

    Examples
    --------
    >>> cells = pa.chunked_array([["7,5", "12", None]])
    >>> plain_numbers(cells, Dialect(), ";").to_pylist()
    [7.5, 12.0, None]
    """
    if not pa.types.is_string(column.type):
        return column.cast(pa.float64(), safe=False)
    if dialect.decimal == "," or (dialect.decimal is None and sep == ";"):
        if pc.any(pc.match_substring(column, ".")).as_py():  # of thousands, or of decimals
            return None
        column = pc.replace_substring(column, ",", ".", max_replacements=1)
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def measurements(column: pa.ChunkedArray, dialect: Dialect, sep: str) -> dict[str, pa.ChunkedArray]:
    """Return values, comparators and results of a column, by their names in `EventTable`.

    Raises
    ------
    ValueError
        A cell is neither a number nor a result. The message quotes nothing, and `row_wise` tells
        its line.

    Examples
    --------
    >>> cells = pa.chunked_array([["<5", "7.5", "neg"]])
    >>> [made.to_pylist() for made in measurements(cells, Dialect(), ",").values()]
    [[5.0, 7.5, None], ['<', None, None], [None, None, 'neg']]
    """
    plain = plain_numbers(column, dialect, sep)
    if plain is not None:
        return {"value": plain}
    words = pc.unique(column)
    read = partial(measurement_of, decimal=dialect.decimal, sep=sep)
    found: list[Any] = [read(word or "") for word in words.to_pylist()]
    at = pc.index_in(column, words)
    made = {name: [getattr(one, name) for one in found] for name in _KINDS}
    return {
        name: pa.chunked_array([pc.take(pa.array(made[name], kind, from_pandas=True), at)])
        for name, kind in _KINDS.items()
    }
