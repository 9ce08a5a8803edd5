"""Items of baskets: one spelling for each term, what a code counts as, and who holds what.

Terms fold alike: "Angioedema", "ANGIOEDEMA" and "angioedema " are one item. Two spellings are one
where they are the same but for case, white space and the form of their characters (Unicode NFC).
Shown is the spelling that most rows have, without blanks around; of several the first in order of
characters: it does not depend on the order of the rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Counts, Ints, Ints32
from clinnlp.core.coded import Coded
from clinnlp.core.vocab import fold_term, squeeze

__all__ = [
    "Spelled",
    "assembled",
    "folded_alike",
    "joined_alike",
    "one_spelling",
    "rolled_up",
    "spelled_alike",
]


class Spelled(NamedTuple):
    """What is shown for each spelling, and what was folded (`Baskets.n_folded`)."""

    names: list[str]
    n_folded: dict[str, int]


def one_spelling(
    names: Coded,
    rows: Ints,
    *,
    owners: Ints32 | None = None,
    least: int = 1,
    roll_up: RollUp | None = None,
) -> tuple[Coded, dict[str, int]]:
    """Return terms with one spelling each, and what was folded.

    Parameters
    ----------
    names : Coded
        Terms of all rows.
    rows : array of int64
        Positions of the rows that count.
    owners : array of int32, optional
        Whose each row is, as numbers.
    least : int
        A spelling that fewer than so many owners have is not shown; where there is no other, the
        folded one is.
    roll_up : RollUp, optional
        A code of its terminology stays as that has it.

    Examples
    --------
    >>> column = Coded.of(["Rash", "rash ", "Rash", "C09AA05"])
    >>> made, n_folded = one_spelling(column, np.arange(4))
    >>> made.array().tolist(), n_folded
    (['Rash', 'Rash', 'Rash', 'C09AA05'], {'spellings': 1, 'rows': 1})
    """
    n_owners = None
    if owners is not None and least > 1:
        wide = len(names.values) + 1
        pairs = np.unique(owners[rows].astype(np.int64) * wide + names.codes[rows] + 1)
        n_owners = np.bincount(pairs % wide, minlength=wide)[1:]
    known = None if roll_up is None else roll_up.ancestors.spelled
    values = [str(value) for value in names.values.tolist()]
    made = spelled_alike(values, names.counts(rows), known=known, n_owners=n_owners, least=least)
    return names.renamed(made.names), made.n_folded


def spelled_alike(
    values: Sequence[str],
    counts: Counts,
    *,
    known: Callable[[str], str | None] | None = None,
    n_owners: Counts | None = None,
    least: int = 1,
) -> Spelled:
    """Return one spelling for each of some terms, by how often each is written.

    `known` gives the code of a terminology that a term is, which stays as it is there; `n_owners`
    how many patients have each spelling, of whom `least` are needed.

    Examples
    --------
    >>> spelled_alike(["rash", "Rash", "RASH"], np.array([2, 3, 1]))
    Spelled(names=['Rash', 'Rash', 'Rash'], n_folded={'spellings': 2, 'rows': 3})
    """
    shown, groups = list(values), dict[str, list[int]]()
    for k in np.flatnonzero(counts).tolist():
        code = None if known is None else known(values[k])
        if code is None:
            groups.setdefault(fold_term(values[k]), []).append(k)
        else:
            shown[k] = code
    for folded, group in groups.items():
        enough = group
        if len(group) > 1 and n_owners is not None:
            enough = [k for k in group if n_owners[k] >= least]
        best = _most_frequent([(squeeze(values[k]), int(counts[k])) for k in enough], folded)
        for k in group:
            shown[k] = best
    return Spelled(shown, _n_folded(values, shown, counts))


def joined_alike(
    items: Sequence[Any], matrix: sparse.csr_matrix
) -> tuple[list[Any], sparse.csr_matrix, dict[str, int]]:
    """Return items and baskets with one column for all spellings of a term, and what was folded.

    It stands where the first of them does. What is no text is no spelling.

    Examples
    --------
    >>> held = sparse.csr_matrix(np.array([[1, 0, 0], [1, 1, 1], [1, 0, 1]], np.int8))
    >>> items, joined, n_folded = joined_alike(["Rash", 7, "rash "], held)
    >>> items, joined.toarray().tolist(), n_folded
    (['Rash', 7], [[1, 0], [1, 1], [1, 0]], {'spellings': 1, 'rows': 2})
    """
    text = [k for k, item in enumerate(items) if isinstance(item, str)]
    counts = np.bincount(matrix.indices, minlength=len(items))[text]
    # An item that no basket holds is one all the same
    made = spelled_alike([items[k] for k in text], counts + 1)
    n_folded = {**made.n_folded, "rows": made.n_folded["rows"] - made.n_folded["spellings"]}
    shown = [*items]
    for k, name in zip(text, made.names, strict=True):
        shown[k] = name
    place: dict[str, int] = {}
    there, onto = list[Any](), list[int]()
    for item in shown:
        at = place.setdefault(item, len(there)) if isinstance(item, str) else len(there)
        there += [item] if at == len(there) else []
        onto.append(at)
    if len(there) == len(items):
        return there, matrix, n_folded
    ones = np.ones(len(items), np.int32)
    join = sparse.csr_matrix((ones, (np.arange(len(items)), onto)), (len(items), len(there)))
    joined = sparse.csr_matrix(matrix.astype(np.int32) @ join)
    joined.sort_indices()
    joined.data = np.ones(joined.nnz, np.int8)
    return there, joined, n_folded


def folded_alike(values: Sequence[str], counts: Counts) -> Spelled:
    """Return the folded form of each of some terms, whichever is written most often."""
    folded = [fold_term(value) for value in values]
    return Spelled(folded, _n_folded(values, folded, counts))


def _n_folded(values: Sequence[str], shown: Sequence[str], counts: Counts) -> dict[str, int]:
    """Return how many spellings count as another one, and in how many rows."""
    there = np.flatnonzero(counts).tolist()
    shared = Counter(shown[k] for k in there)
    joined = [k for k in there if shared[shown[k]] > 1 and values[k] != shown[k]]
    return {"spellings": len(joined), "rows": sum(int(counts[k]) for k in joined)}


def _most_frequent(spellings: Sequence[tuple[str, int]], otherwise: str) -> str:
    """Return the spelling that most rows have, the first in order of several."""
    total = Counter[str]()
    for spelling, n in spellings:
        total[spelling] += n
    return min(total, key=lambda spelling: (-total[spelling], spelling), default=otherwise)


def rolled_up(
    rows: Ints, kinds: Coded, names: Coded, coded: Sequence[bool], roll_up: RollUp | None
) -> tuple[Ints, Coded, Coded, dict[str, int]]:
    """Return rows, kinds and codes with each code as what it counts as, and the counts.

    `coded` says of each value of the names whether it is a code.
    """
    if roll_up is None:
        return rows, kinds, names, {}
    counted = [
        roll_up(value) if is_code else (value,)
        for value, is_code in zip(names.values.tolist(), coded, strict=True)
    ]
    raised = [found != (value,) for found, value in zip(counted, names.values, strict=True)]
    counts = _n_rolled_up(names, raised, coded, roll_up)
    flat = Coded.of([code for found in counted for code in found])
    lengths = np.array([len(found) for found in counted], np.int64)
    begins = (np.cumsum(lengths) - lengths)[names.codes]
    many = lengths[names.codes]
    again = np.repeat(np.arange(len(rows)), many)
    within = np.arange(len(again)) - np.repeat(np.cumsum(many) - many, many)
    codes = flat.codes[np.repeat(begins, many) + within]
    return rows[again], kinds.take(again), Coded(values=flat.values, codes=codes), counts


def _n_rolled_up(
    names: Coded, raised: Sequence[bool], coded: Sequence[bool], roll_up: RollUp
) -> dict[str, int]:
    """Return how many codes count as another one, are what was asked for, and neither."""
    counts = names.counts()
    n_raised = int(np.sum(counts[np.array(raised, bool)]))
    if not roll_up.level:
        return {"counted as an ancestor": n_raised, "below none": len(names) - n_raised}
    held = zip(names.values.tolist(), raised, coded, strict=True)
    own = [is_code and not up and value in (roll_up.to or ()) for value, up, is_code in held]
    n_own = int(np.sum(counts[np.array(own, bool)]))
    return {
        f"counted as its {roll_up.level}": n_raised,
        f"{roll_up.level} itself": n_own,
        "below none": len(names) - n_raised - n_own,
    }


def assembled(ids: Array, where: Ints32, rows: Ints, kinds: Coded, names: Coded) -> dict[str, Any]:
    """Return ids, items, kinds, matrix and evidence of the kinds and names of some rows.

    `where` is the basket of each, `rows` the row of the source that put it there.
    """
    listed, of, items = _items(kinds, names)
    order = _order(rows, items, where, (len(ids), len(listed)))
    where, items = where[order], items[order]
    evidence = np.empty((len(order), 3), np.int64)
    evidence[:, 0], evidence[:, 1], evidence[:, 2] = where, items, rows[order]
    return {
        "ids": ids,
        "items": listed,
        "kinds": of,
        "matrix": _held(where, items, (len(ids), len(listed))),
        "evidence": evidence,
    }


def _held(where: Ints32, items: Ints32, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return ones where a basket holds an item; rows are sorted by basket and item."""
    new = np.ones(len(where), np.bool_)
    new[1:] = (where[1:] != where[:-1]) | (items[1:] != items[:-1])
    columns = items[new]
    indptr = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(where[new], minlength=shape[0]), out=indptr[1:])
    return sparse.csr_matrix((np.ones(len(columns), np.int8), columns, indptr), shape=shape)


def _order(rows: Ints, items: Ints32, where: Ints32, shape: tuple[int, int]) -> Ints32:
    """Return the order by basket, item and row."""
    order = places = np.arange(len(rows), dtype=np.int32)
    if np.any(rows[1:] < rows[:-1]):
        order = np.argsort(rows, kind="stable").astype(np.int32)
        items, where = items[order], where[order]
    if np.all(where[1:] >= where[:-1]):  # as in most files, and then sorting is quick
        return order[np.argsort(where * np.int64(shape[1]) + items, kind="stable")]
    by_item = _counted(items, shape[1], places)
    return order[_counted(where[by_item], shape[0], by_item)]


def _counted(keys: Ints32, n: int, values: Ints32) -> Ints32:
    """Return values in the stable order of their keys, whole numbers from 0 below `n`.

    They are counted and placed, as when a sparse matrix by row, a place in each, becomes one by
    column: faster than sorting where there are millions.
    """
    places = np.arange(len(keys) + 1, dtype=np.int32)
    made = sparse.csr_matrix((values, keys, places), shape=(len(keys), n)).tocsc()
    found: Ints32 = made.data
    return found


def _items(kinds: Coded, names: Coded) -> tuple[tuple[str, ...], tuple[str, ...], Ints32]:
    """Return item names, their kinds, and the item of each row."""
    wide = max(1, len(names.values))
    keys, at = _distinct(
        kinds.codes.astype(np.int64) * wide + names.codes, wide * len(kinds.values)
    )
    pairs = [
        (str(kinds.values[key // wide]), str(names.values[key % wide])) for key in keys.tolist()
    ]
    order = {pair: j for j, pair in enumerate(sorted(set(pairs)))}
    shared = Counter(name for _, name in order)
    # A name of two kinds is two items
    listed = tuple(f"{name} ({kind})" if shared[name] > 1 else name for kind, name in order)
    items = np.array([order[pair] for pair in pairs], np.int32)
    return listed, tuple(kind for kind, _ in order), items[at]


def _distinct(keys: Ints, n: int) -> tuple[Ints, Ints]:
    """Return the distinct ones of whole numbers below `n`, and the place of each."""
    if n > 4 * len(keys) + (1 << 20):
        found, at = np.unique(keys, return_inverse=True)
        return found, at
    there = np.bincount(keys, minlength=n) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[keys]
