"""Itemsets: sets of items that stand together in at least so many baskets, counted exactly.

Pairs come from one sparse product XᵀX. Deeper sets by depth-first search over a vertical layout
(Eclat): each item is a row of packed bits, one bit per basket; the baskets of a larger set are
the bitwise *and* of its parts', their number a population count. A set is only extended by items
that are frequent together with its other parts (Apriori: no set is more frequent than its
subsets).

References
----------
Zaki, Scalable algorithms for association mining, IEEE Trans Knowl Data Eng 2000;12:372.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clinnlp.core.checks import check_at_least
from clinnlp.core.counts import Counts, Floats, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import Baskets

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Itemsets", "min_count_of", "mine_itemsets"]

MAX_ITEMSETS = 5_000_000  # about 1 GB with their names

Bits = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Itemsets:
    """Frequent itemsets with their counts, short ones first, then in item order.

    Parameters
    ----------
    members : tuple of tuple of int
        Positions of the items of each set in the baskets' `items`, rising.
    counts : array of int64, shape (n_itemsets,)
        Baskets that hold the whole set.
    baskets : Baskets
        What was mined.
    min_count : int
        The least count kept.
    """

    members: tuple[tuple[int, ...], ...]
    counts: Counts
    baskets: Baskets
    min_count: int

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"Itemsets({len(self)} in {len(self.baskets)} baskets, min_count={self.min_count})"

    def __iter__(self) -> Iterator[tuple[frozenset[str], int]]:
        """Yield each set of item names with its count."""
        names = self.baskets.items
        for members, count in zip(self.members, self.counts.tolist(), strict=True):
            yield frozenset(names[j] for j in members), count

    @property
    def support_fraction(self) -> Floats:
        """Count over the number of baskets."""
        return ratio(self.counts, len(self.baskets))

    def to_pandas(self) -> "pd.DataFrame":
        """Return mlxtend's columns ``support`` (a fraction) and ``itemsets``, and ``count``."""
        import pandas as pd

        itemsets = pd.Series([names for names, _ in self], dtype=object)
        columns = {"support": self.support_fraction, "itemsets": itemsets, "count": self.counts}
        return pd.DataFrame(columns)


def mine_itemsets(
    baskets: Baskets,
    *,
    min_count: int | None = None,
    min_support: float | None = None,
    max_len: int | None = None,
    kinds: Sequence[str] | None = None,
    max_itemsets: int = MAX_ITEMSETS,
) -> Itemsets:
    """Return every itemset in at least `min_count` baskets.

    Parameters
    ----------
    baskets : Baskets
    min_count : int
        Least number of baskets, ≥ 1. Give it or `min_support`.
    min_support : float
        Least fraction of baskets, above 0 and at most 1.
    max_len : int, optional
        Longest set wanted, ≥ 1; no bound by default.
    kinds : sequence of str, optional
        Only items of these kinds.
    max_itemsets : int
        Stop with an error once more sets than this are found.

    Raises
    ------
    ArgumentError
        Both or neither of `min_count` and `min_support`, one out of range, an unknown kind, or
        more than `max_itemsets` sets.

    Examples
    --------
    >>> from clinnlp.features.baskets import frame_baskets
    >>> import pandas as pd
    >>> milk = frame_baskets(pd.DataFrame({"milk": [1, 1, 0], "bread": [1, 1, 1]}))
    >>> [(sorted(names), count) for names, count in mine_itemsets(milk, min_count=2)]
    [(['milk'], 2), (['bread'], 3), (['bread', 'milk'], 2)]
    """
    least = min_count_of(len(baskets), min_count=min_count, min_support=min_support)
    if max_len is not None:
        check_at_least(max_len, 1, name="max_len")
    matrix = baskets.matrix.astype(np.int32).tocsc()
    singles = np.asarray(matrix.sum(axis=0), np.int64).ravel()
    frequent = np.flatnonzero((singles >= least) & _of_kinds(baskets, kinds))
    found: dict[tuple[int, ...], int] = {(int(j),): int(singles[j]) for j in frequent}
    if max_len != 1 and len(frequent) > 1:
        search = _Search(least=least, max_len=max_len or len(frequent), limit=max_itemsets)
        search.run(matrix[:, frequent], frequent, found)
    _check_size(len(found), max_itemsets, least)
    members = sorted(found, key=lambda m: (len(m), m))
    counts = np.fromiter((found[m] for m in members), np.int64, len(members))
    return Itemsets(members=tuple(members), counts=counts, baskets=baskets, min_count=least)


def min_count_of(n: int, *, min_count: int | None, min_support: float | None) -> int:
    """Return the least count c that is at least `min_count`, or with c / n ≥ `min_support`.

    Raises
    ------
    ArgumentError
        Both or neither given, or out of range.

    Examples
    --------
    >>> min_count_of(100, min_count=None, min_support=0.07)
    7
    """
    if (min_count is None) == (min_support is None):
        raise ArgumentError("give either min_count or min_support, got both or neither")
    if min_count is not None:
        check_at_least(min_count, 1, name="min_count")
        return min_count
    assert min_support is not None
    if not 0 < min_support <= 1:
        raise ArgumentError(f"min_support must lie above 0 and at most 1, got {min_support}")
    least = max(1, math.ceil(min_support * n))
    while least > 1 and (least - 1) / n >= min_support:  # 0.07 * 100 is a little above 7
        least -= 1
    return least


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    least: int
    max_len: int
    limit: int

    def run(
        self, matrix: sparse.csc_matrix, items: NDArray[np.int64], found: dict[tuple[int, ...], int]
    ) -> None:
        """Add all sets of two and more items; `matrix` holds only the frequent `items`."""
        pairs = sparse.triu(matrix.T @ matrix, k=1).tocoo()
        keep = pairs.data >= self.least
        rows, columns, counts = pairs.row[keep], pairs.col[keep], pairs.data[keep]
        _check_size(len(found) + len(rows), self.limit, self.least)
        for a, b, count in zip(items[rows].tolist(), items[columns].tolist(), counts, strict=True):
            found[a, b] = int(count)
        if self.max_len == 2:
            return
        used, codes = np.unique(np.concatenate([rows, columns]), return_inverse=True)
        bits = _packed(matrix[:, used])
        tails: dict[int, list[int]] = {}
        for a, b in zip(codes[: len(rows)].tolist(), codes[len(rows) :].tolist(), strict=True):
            tails.setdefault(a, []).append(b)
        names = items[used]
        for first, tail in tails.items():
            tail.sort()
            rows_ = bits[first] & bits[tail]
            self._deeper((int(names[first]),), names[tail].tolist(), rows_, found)

    def _deeper(
        self,
        prefix: tuple[int, ...],
        tail: list[int],
        rows: Bits,
        found: dict[tuple[int, ...], int],
    ) -> None:
        """Extend ``prefix + one of tail`` by a later one; `rows` are the baskets of those sets."""
        for i in range(len(tail) - 1):
            both = rows[i] & rows[i + 1 :]  # (len(tail) - i - 1, n_words)
            counts = np.bitwise_count(both).sum(axis=1, dtype=np.int64)
            kept = np.flatnonzero(counts >= self.least)
            if not len(kept):
                continue
            longer = (*prefix, tail[i])
            names = [tail[i + 1 + k] for k in kept.tolist()]
            for name, count in zip(names, counts[kept].tolist(), strict=True):
                found[(*longer, name)] = count
            _check_size(len(found), self.limit, self.least)
            if len(longer) + 1 < self.max_len and len(names) > 1:
                self._deeper(longer, names, both[kept], found)


def _packed(matrix: sparse.csc_matrix) -> Bits:
    """Return one row of bits per column of `matrix`, padded to whole words of 64."""
    n_rows, n_columns = matrix.shape
    n_words = (n_rows + 63) // 64
    out = np.zeros((n_columns, n_words * 8), np.uint8)
    for j in range(n_columns):
        column = np.zeros(n_words * 64, bool)
        column[matrix.indices[matrix.indptr[j] : matrix.indptr[j + 1]]] = True
        out[j] = np.packbits(column)
    return out.view(np.uint64)


def _of_kinds(baskets: Baskets, kinds: Sequence[str] | None) -> NDArray[np.bool_]:
    if kinds is None:
        return np.ones(len(baskets.items), bool)
    unknown = sorted(set(kinds) - set(baskets.kinds))
    if unknown and baskets.kinds:
        known = ", ".join(sorted(set(baskets.kinds)))
        raise ArgumentError(f"kinds must be among {known}, got {', '.join(unknown)}")
    return np.isin(np.array(baskets.kinds, dtype=str), list(kinds))


def _check_size(n_found: int, limit: int, least: int) -> None:
    if n_found > limit:
        raise ArgumentError(
            f"itemsets at min_count={least} must be at most {limit}, got more; "
            "raise min_count, lower max_len, or raise max_itemsets"
        )
