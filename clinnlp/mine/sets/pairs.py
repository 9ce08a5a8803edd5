"""How often every two items stand in one basket: counted basket by basket into a triangle.

Each basket adds one to the cell of each of its pairs. The triangle of m items has m (m - 1) / 2
cells of four bytes; where it would be too large it is filled in bands of rows, one pass over the
baskets each.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Counts, Ints, Ints32
from clinnlp.core.checks import check_at_least
from clinnlp.core.compiled import compiled

__all__ = ["Across", "Together", "count_together", "pair_counts", "starts_of"]

MAX_BAND_GB = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """Counts of all items and pairs in some baskets.

    Parameters
    ----------
    n : int
        Baskets.
    singles : array of int64, shape (n_items,)
    pairs : array of int32, shape (n_items (n_items - 1) / 2,)
        The upper triangle, row by row.
    """

    n: int
    singles: Ints
    pairs: Ints32

    def of(self, first: Ints, second: Ints) -> Counts:
        """Return the baskets with both items, for arrays with ``first < second``."""
        at = starts_of(len(self.singles))[first] + second - first - 1
        found: Counts = self.pairs[at].astype(np.int64)
        return found


def count_together(matrix: sparse.csr_matrix, rows: Ints | None = None) -> Together:
    """Return the counts of all items and pairs in some rows of a 0/1 matrix, all by default.

    Examples
    --------
    >>> held = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], np.int8))
    >>> found = count_together(held)
    >>> found.singles.tolist(), found.pairs.tolist()
    ([2, 2, 2], [2, 1, 1])
    >>> found.of(np.array([0]), np.array([1])).tolist()
    [2]
    """
    m = matrix.shape[1]
    if rows is None:
        rows = np.arange(matrix.shape[0])
    singles, starts = np.zeros(m, np.int64), starts_of(m)
    pairs = np.zeros(int(starts[-1]), np.int32)
    _count(*_csr(matrix), rows, starts, 0, m, singles, pairs)
    return Together(n=len(rows), singles=singles, pairs=pairs)


def pair_counts(matrix: sparse.csr_matrix, *, min_count: int = 1) -> sparse.csr_matrix:
    """Return the baskets of every pair of items in at least `min_count` of them.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_baskets, n_items)
        0/1.
    min_count : int
        Least number of baskets, ≥ 1; items below it are not looked at.

    Returns
    -------
    csr_matrix of int32, shape (n_items, n_items)
        The upper triangle without the diagonal.

    Examples
    --------
    >>> held = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], np.int8))
    >>> pair_counts(held).toarray().tolist()
    [[0, 2, 1], [0, 0, 1], [0, 0, 0]]
    """
    check_at_least(min_count, 1, name="min_count")
    n_items = matrix.shape[1]
    kept = np.flatnonzero(np.bincount(matrix.indices, minlength=n_items) >= min_count)
    csr, rows = _csr(matrix, kept), np.arange(matrix.shape[0])
    starts, unused = starts_of(len(kept)), np.zeros(len(kept), np.int64)
    lengths, found, counts = np.zeros(n_items, np.int64), [], []
    low = 0
    while low < len(kept):
        # As many rows as fit into the memory of one band, at least one
        room = starts[low] + int(MAX_BAND_GB * 1e9 / 4)
        high = max(low + 1, int(np.searchsorted(starts, room, side="right")) - 1)
        table = np.zeros(int(starts[high] - starts[low]), np.int32)
        _count(*csr, rows, starts, low, high, unused, table)
        partners, held, per_row = _found(table, starts, low, high, min_count)
        lengths[kept[low:high]] = per_row
        found.append(kept[partners])
        counts.append(held)
        low = high
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    empty = np.empty(0, np.int32)
    parts = (np.concatenate([empty, *counts]), np.concatenate([empty, *found]), indptr)
    return sparse.csr_matrix(parts, shape=(n_items, n_items))


class Across:
    """Counts of each of some items with each of others, a few of the first at a time.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_baskets, n_items)
        0/1.
    first, second : array of int64
        Columns of the matrix.
    strata : array of int64, shape (n_baskets,)
        Stratum of each basket, from 0.

    Examples
    --------
    >>> held = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], np.int8))
    >>> across = Across(held, np.array([0, 1]), np.array([2]), np.array([0, 0, 1]))
    >>> across.of(0, 2).tolist(), across.n.tolist(), across.n_second.tolist()
    ([[[1], [1]], [[0], [0]]], [2, 1], [[1], [1]])
    """

    def __init__(self, matrix: sparse.csr_matrix, first: Ints, second: Ints, strata: Ints) -> None:
        n_strata = int(strata.max(initial=0)) + 1
        sides = matrix[:, first], matrix[:, second]
        self._sides = [
            (side.indptr.astype(np.int64), side.indices.astype(np.int32)) for side in sides
        ]
        self._strata = strata
        self._shape = (n_strata, len(second))
        self.n: Counts = np.bincount(strata, minlength=n_strata).astype(np.int64)
        self.n_first, self.n_second = (_by_stratum(side, strata, n_strata) for side in sides)

    def of(self, low: int, high: int) -> Ints32:
        """Return the counts of the first items low:high, shape (n_strata, high - low, n_second)."""
        table = np.zeros((self._shape[0], high - low, self._shape[1]), np.int32)
        _count_across(*self._sides[0], *self._sides[1], self._strata, low, table)
        return table


def _by_stratum(matrix: sparse.csr_matrix, strata: Ints, n_strata: int) -> Counts:
    """Return the baskets with each column by stratum, shape (n_strata, n_columns)."""
    m = matrix.shape[1]
    of = np.repeat(strata, np.diff(matrix.indptr)) * m + matrix.indices
    return np.bincount(of, minlength=n_strata * m).reshape(n_strata, m).astype(np.int64)


@compiled
def _count_across(
    indptr: Ints,
    items: Ints32,
    other_indptr: Ints,
    others: Ints32,
    strata: Ints,
    low: int,
    table: Array,
) -> None:
    """Add up, basket by basket, the items of one side from `low` on with those of the other."""
    high = low + table.shape[1]
    for t in range(len(indptr) - 1):
        for k in range(indptr[t], indptr[t + 1]):
            if low <= items[k] < high:
                counts = table[strata[t], items[k] - low]
                for i in range(other_indptr[t], other_indptr[t + 1]):
                    counts[others[i]] += 1


def starts_of(m: int) -> Ints:
    """Return where each row of the triangle starts, and its size; shape (m + 1,)."""
    row = np.arange(m + 1)
    # Row x holds the pairs of x with each later item, m - 1 - x cells
    starts: Ints = row * m - row * (row + 1) // 2
    starts[m] = m * (m - 1) // 2
    return starts


def _csr(matrix: sparse.csr_matrix, kept: Ints | None = None) -> tuple[Ints, Ints32]:
    """Return sorted rows, items renumbered among those `kept` (-1 for others)."""
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    indptr, items = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)
    if kept is not None and len(kept) < matrix.shape[1]:
        code = np.full(matrix.shape[1], -1, np.int32)
        code[kept] = np.arange(len(kept))
        items = code[items]
    return indptr, items


@compiled
def _count(
    indptr: Ints,
    items: Ints32,
    rows: Ints,
    starts: Ints,
    low: int,
    high: int,
    singles: Ints,
    pairs: Ints32,
) -> None:
    """Add the pairs whose first item lies in ``low:high`` to their band of the triangle."""
    for t in rows:
        for a in range(indptr[t], indptr[t + 1]):
            x = items[a]
            if x < low or x >= high:
                continue
            singles[x] += 1
            # So that base + y is the cell of (x, y) in this band
            base = starts[x] - starts[low] - x - 1
            for b in range(a + 1, indptr[t + 1]):
                if items[b] >= 0:
                    pairs[base + items[b]] += 1


@compiled
def _found(
    table: Ints32, starts: Ints, low: int, high: int, least: int
) -> tuple[Ints32, Ints32, Ints]:
    """Return partners and counts of the cells of a band that hold enough, and how many per row."""
    n = 0
    for cell in table:
        n += cell >= least
    partners, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    per_row, k = np.zeros(high - low, np.int64), 0
    for x in range(low, high):
        base = starts[x] - starts[low]
        for y in range(starts[x + 1] - starts[x]):
            if table[base + y] >= least:
                partners[k], counts[k] = x + 1 + y, table[base + y]
                per_row[x - low] += 1
                k += 1
    return partners, counts, per_row
