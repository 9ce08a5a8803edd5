"""Baskets from what users of mlxtend hold: a one-hot table, or lists of items.

Items keep their type: a column named 7 is the item 7 and not "7". Spellings of text fold as in
every other source (`clinnlp.features.items`). A table with a row per occurrence, or of mentions or
events, needs to be told what a basket is: that is what `clinnlp.frame_baskets`, `clinnlp.baskets`
and `clinnlp.event_baskets` are for.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Ints, objects
from clinnlp.core.arrow import column_arrays, is_frame, names_of, read_once, row_ids
from clinnlp.core.baskets import Baskets
from clinnlp.core.columnar import Table
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.features.items import joined_alike, spelled_alike

__all__ = ["as_baskets"]

_NO_BASKETS = "baskets must be Baskets, a table of bool or 0 and 1, or a list of lists of items"
_MINED = {"itemsets", "support"}  # columns of a table of itemsets, in mlxtend and here


def as_baskets(data: Any, *, fold_terms: bool = True) -> Baskets:
    """Return baskets as they are, and those of a one-hot table or of lists of items.

    Parameters
    ----------
    data : Baskets, DataFrame, table with the Arrow interface, or iterable of iterables
        A table has a row per basket, a column per item, and holds bool or 0 and 1; columns of a
        DataFrame may be sparse. Of lists, each is a basket, in which an item counts once; items
        are any values that can be hashed, and are put in order where they can be.
    fold_terms : bool
        Take as one item texts that differ only in case, white space or the composition of
        characters, as in `clinnlp.frame_baskets`; ``Baskets.n_folded`` counts them. ``False``
        takes them as they are. Of Baskets it says nothing: they were folded as they were made.

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
        return _of_table(read_once(data), fold_terms=fold_terms)
    if sparse.issparse(data) or (isinstance(data, np.ndarray) and data.ndim != 1):
        raise ArgumentError(
            "an array has no names of items: give a DataFrame of it, or lists of items, got "
            f"{type(data).__name__}"
        )
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise ArgumentError(f"{_NO_BASKETS}, got {type(data).__name__}")
    return _of_lists(list(data), fold_terms=fold_terms)


def _of_table(table: Any, *, fold_terms: bool) -> Baskets:
    names = names_of(table)
    if set(names) >= _MINED:
        raise ArgumentError(
            "rules are mined from the baskets and not from itemsets; give the one-hot table, with "
            "min_support or min_count"
        )
    if len(set(names)) != len(names):
        raise ArgumentError("items of a one-hot table must be unique, got a repeated one")
    items: list[Any] = table.columns.tolist() if is_frame(table) else names
    rows = [
        _held(column, name) for column, name in zip(column_arrays(table, names), names, strict=True)
    ]
    columns = [np.full(len(row), k, np.int64) for k, row in enumerate(rows)]
    ids = [str(each) for each in row_ids(table)]
    matrix = _held_by(
        np.concatenate([_none(), *rows]), np.concatenate([_none(), *columns]), ids, items
    )
    n_folded: dict[str, int] = {}
    if fold_terms:
        items, matrix, n_folded = joined_alike(items, matrix)
    return _made(matrix, ids, items, n_folded)


def _of_lists(rows: Sequence[Any], *, fold_terms: bool) -> Baskets:
    where, held = _flat(rows)
    with instead_of(TypeError, ArgumentError("items must be text, numbers or other fixed values")):
        known = Counter(held)
    n_folded: dict[str, int] = {}
    if fold_terms:
        held, n_folded = _spelled(held, known)
    items = _in_order(held)
    at = {item: k for k, item in enumerate(items)}
    columns = np.array([at[item] for item in held], np.int64)
    ids = [str(k) for k in range(len(rows))]
    matrix = _held_by(np.array(where, np.int64), columns, ids, items)
    return _made(matrix, ids, items, n_folded)


def _flat(rows: Sequence[Any]) -> tuple[list[int], list[Hashable]]:
    """Return the basket of each item and the item, those that are there."""
    where: list[int] = []
    held: list[Hashable] = []
    for k, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping) or not isinstance(row, Iterable):
            raise ArgumentError(
                f"basket {k} of a list must be a list of items, got {type(row).__name__}"
            )
        each = [item for item in row if item is not None]
        where += [k] * len(each)
        held += each
    return where, held


def _in_order(held: Sequence[Any]) -> list[Any]:
    """Return each item once, in order where they have one."""
    known = dict.fromkeys(held)
    try:
        return sorted(known)
    except TypeError:  # of several types: as they come
        return list(known)


def _spelled(
    held: Sequence[Hashable], known: Mapping[Hashable, int]
) -> tuple[list[Hashable], dict[str, int]]:
    """Return items with one spelling of each text, and what was folded."""
    text = {item: n for item, n in known.items() if isinstance(item, str)}
    made = spelled_alike([*text], np.array([*text.values()], np.int64))
    alias = dict(zip(text, made.names, strict=True))
    folded = [alias.get(item, item) if isinstance(item, str) else item for item in held]
    return folded, made.n_folded


def _held_by(
    where: Ints, held: Ints, ids: Sequence[str], items: Sequence[Any]
) -> sparse.csr_matrix:
    """Return ones where a basket holds an item, once or more often."""
    shape = (len(ids), len(items))
    matrix = sparse.csr_matrix((np.ones(len(where), np.int32), (where, held)), shape=shape)
    matrix.sum_duplicates()
    matrix.data = np.ones(matrix.nnz, np.int8)
    return matrix


def _made(
    matrix: sparse.csr_matrix, ids: list[str], items: Sequence[Any], n_folded: dict[str, int]
) -> Baskets:
    return Baskets(
        matrix=matrix,
        ids=objects(ids),
        items=tuple(items),
        kinds=("item",) * len(items),
        unit="row",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
        n_folded=n_folded,
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
