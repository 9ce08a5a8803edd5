"""Baskets from what users of mlxtend hold: a one-hot table, or lists of items.

Items keep their type: a column named 7 is the item 7 and not "7", and nothing is folded. A table
with a row per occurrence, or of mentions or events, needs to be told what a basket is: that is what
`clinnlp.frame_baskets`, `clinnlp.baskets` and `clinnlp.event_baskets` are for.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Ints, objects
from clinnlp.core.arrow import column_arrays, is_frame, names_of, read_once, row_ids
from clinnlp.core.baskets import Baskets
from clinnlp.core.columnar import Table
from clinnlp.core.errors import ArgumentError, instead_of

__all__ = ["as_baskets"]

_NO_BASKETS = "baskets must be Baskets, a table of bool or 0 and 1, or a list of lists of items"
_MINED = {"itemsets", "support"}  # columns of a table of itemsets, in mlxtend and here


def as_baskets(data: Any) -> Baskets:
    """Return baskets as they are, and those of a one-hot table or of lists of items.

    Parameters
    ----------
    data : Baskets, DataFrame, table with the Arrow interface, or iterable of iterables
        A table has a row per basket, a column per item, and holds bool or 0 and 1; columns of a
        DataFrame may be sparse. Of lists, each is a basket, in which an item counts once; items
        are any values that can be hashed, and are put in order where they can be.

    Raises
    ------
    ArgumentError
        Something else, or a cell that is neither 0 nor 1.

    Examples
    --------
    >>> made = as_baskets([["milk", "bread"], ["milk"], []])
    >>> made, made.items, made.matrix.toarray().tolist()
    (Baskets(3 x 2 items, unit='row'), ('bread', 'milk'), [[1, 1], [0, 1], [0, 0]])
    """
    if isinstance(data, Baskets):
        return data
    if isinstance(data, Table):
        raise ArgumentError(
            f"{type(data).__name__} has a row per occurrence: make baskets of it first, with "
            "clinnlp.baskets (mentions) or clinnlp.event_baskets (events)"
        )
    is_column = hasattr(data, "dtype")  # a Series, which may hold lists
    if is_frame(data) or (hasattr(data, "__arrow_c_stream__") and not is_column):
        return _of_table(read_once(data))
    if sparse.issparse(data) or (isinstance(data, np.ndarray) and data.ndim != 1):
        raise ArgumentError(
            "an array has no names of items: give a DataFrame of it, or lists of items, got "
            f"{type(data).__name__}"
        )
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise ArgumentError(f"{_NO_BASKETS}, got {type(data).__name__}")
    return _of_lists(list(data))


def _of_table(table: Any) -> Baskets:
    names = names_of(table)
    if set(names) >= _MINED:
        raise ArgumentError(
            "rules are mined from the baskets and not from itemsets; give the one-hot table, with "
            "min_support or min_count"
        )
    if len(set(names)) != len(names):
        raise ArgumentError("items of a one-hot table must be unique, got a repeated one")
    items = tuple(table.columns.tolist()) if is_frame(table) else tuple(names)
    rows = [
        _held(column, name) for column, name in zip(column_arrays(table, names), names, strict=True)
    ]
    columns = [np.full(len(row), k, np.int64) for k, row in enumerate(rows)]
    ids = [str(each) for each in row_ids(table)]
    return _made(np.concatenate([_none(), *rows]), np.concatenate([_none(), *columns]), ids, items)


def _of_lists(rows: Sequence[Any]) -> Baskets:
    where: list[int] = []
    held: list[Hashable] = []
    for k, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping) or not isinstance(row, Iterable):
            raise ArgumentError(
                f"basket {k} of a list must be a list of items, got {type(row).__name__}"
            )
        each = list(row)
        where += [k] * len(each)
        held += each
    with instead_of(TypeError, ArgumentError("items must be text, numbers or other fixed values")):
        known = dict.fromkeys(item for item in held if item is not None)
    try:
        items = tuple(sorted(known))  # type: ignore[type-var]
    except TypeError:  # of several types: as they come
        items = tuple(known)
    at = {item: k for k, item in enumerate(items)}
    kept = [(k, at[item]) for k, item in zip(where, held, strict=True) if item is not None]
    pairs = np.array(kept, np.int64).reshape(-1, 2)
    return _made(pairs[:, 0], pairs[:, 1], [str(k) for k in range(len(rows))], items)


def _made(where: Ints, held: Ints, ids: list[str], items: tuple[Any, ...]) -> Baskets:
    shape = (len(ids), len(items))
    matrix = sparse.csr_matrix((np.ones(len(where), np.int32), (where, held)), shape=shape)
    matrix.sum_duplicates()
    matrix.data = np.ones(matrix.nnz, np.int8)
    return Baskets(
        matrix=matrix,
        ids=objects(ids),
        items=items,
        kinds=("item",) * len(items),
        unit="row",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
    )


def _held(column: Array, name: str) -> Ints:
    """Return the rows that hold an item."""
    with instead_of((TypeError, ValueError), _refusal(name)):
        numbers = np.asarray(column, np.float64)
    there: Bools = numbers == 1
    if not (there | (numbers == 0)).all():
        raise _refusal(name)
    return np.flatnonzero(there)


def _refusal(name: str) -> ArgumentError:
    return ArgumentError(
        f"column {name!r} of a one-hot table must hold bool or 0 and 1, got another value; write "
        "table > 0 for counts; a table with a row per occurrence goes through "
        "clinnlp.frame_baskets(table, item=..., unit=...)"
    )


def _none() -> Ints:
    return np.zeros(0, np.int64)
