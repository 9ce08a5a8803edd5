"""What is asked of an engine: baskets, the least count, and the shape of the sets wanted.

An engine is a function from a `Query` to groups of sets, one group per length; every engine gives
the same sets with the same counts.

How many sets there are is known only once they are found: a set of k items has 2ᵏ subsets, all as
frequent. So memory is bounded in advance (`Query.limit`), and `proven_sets` looks for one long
frequent set before the search starts: its subsets alone are a proven lower bound, and a query that
must overflow is refused at once, with that figure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Ints, Ints32
from clinnlp.core.errors import ArgumentError

__all__ = ["Group", "Query", "allowed", "check_limit", "ordered", "proven_sets", "quotas"]

BYTES_PER_SET = (
    96  # found (12), copied while it grows (24), members and count (8 + 4 each), sorting
)
LONG = 200  # items of the set that is looked for: 10⁶⁰ subsets settle the matter

Group = tuple[Ints32, Ints]  # members (n_sets, size), each row rising; counts (n_sets,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Query:
    """A query over the columns of a 0/1 matrix.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_baskets, n_items)
        Items that are not wanted have empty columns.
    least : int
        Least count of a set.
    max_len : int
        Most items of a set.
    kinds : array of int32, shape (n_items,)
        Number of the kind of each item.
    quota : array of int64, shape (n_kinds,)
        Most items of each kind in a set.
    targets : array of bool, shape (n_items,), or None
        A set holds at least one of these.
    max_memory_gb : float
        What counting and sets together may take.
    """

    matrix: sparse.csr_matrix
    least: int
    max_len: int
    kinds: Ints32
    quota: Ints
    targets: Bools | None
    max_memory_gb: float

    @property
    def limit(self) -> int:
        """Most sets that fit into the memory allowed."""
        return int(self.max_memory_gb * 1e9 / BYTES_PER_SET)


def allowed(query: Query, members: Ints32) -> Bools:
    """Return which sets have the shape that was asked for, shape (n_sets,)."""
    kinds = query.kinds[members]  # (n_sets, size)
    keep = np.ones(len(members), bool)
    for kind, most in enumerate(query.quota):
        if most < members.shape[1]:
            keep &= (kinds == kind).sum(axis=1) <= most
    if query.targets is not None:
        keep &= query.targets[members].any(axis=1)
    return keep


def ordered(members: Ints32, counts: Ints) -> Group:
    """Return the sets of one length in item order."""
    order = np.arange(len(members))
    small = np.uint16 if members.max(initial=0) < 1 << 16 else np.int32  # 16 bits: a radix sort
    for column in members.T[::-1]:
        order = order[np.argsort(column[order].astype(small), kind="stable")]
    return members[order], counts[order]


def proven_sets(query: Query) -> int:
    """Return how many sets there are at least: the subsets of one long frequent set.

    Only baskets long enough to hold a set that could overflow the memory are looked at, so that
    ordinary data cost next to nothing.
    """
    if query.targets is not None:
        return 0
    # A set of so many items has more subsets than the memory holds
    long = math.ceil(math.log2(query.limit + 2))
    rows = query.matrix[np.flatnonzero(np.diff(query.matrix.indptr) >= long)]
    used, size = np.zeros(len(query.quota), np.int64), 0
    free = np.ones(rows.shape[1], bool)
    while rows.shape[0] >= query.least and size < LONG:
        counts = np.bincount(rows.indices, minlength=rows.shape[1])
        counts[~free | (used >= query.quota)[query.kinds]] = 0
        # Greedy: any long set proves the bound, it need not be the longest
        best = int(np.argmax(counts))
        if counts[best] < query.least:
            break
        size, free[best] = size + 1, False
        used[query.kinds[best]] += 1
        rows = rows[rows[:, [best]].toarray().ravel() > 0]
    return sum(math.comb(size, k) for k in range(1, min(size, query.max_len) + 1))


def check_limit(query: Query, n_sets: int) -> None:
    """Refuse a query of at least so many sets if they do not fit.

    Raises
    ------
    ArgumentError
        They do not fit; the message carries the estimate.
    """
    if n_sets > query.limit:
        raise ArgumentError(
            f"itemsets at min_count={query.least} must fit into max_memory_gb="
            f"{query.max_memory_gb:g}, got at least {n_sets:.3g} itemsets "
            f"({n_sets * BYTES_PER_SET / 1e9:.3g} GB); raise min_count, lower max_len, or raise "
            "max_memory_gb"
        )


def quotas(kinds: Sequence[str], most: dict[str, int] | None) -> tuple[Ints32, Ints]:
    """Return the kind number of each item and the most items of each kind."""
    names = sorted(set(kinds))
    place = {name: k for k, name in enumerate(names)}
    codes = np.fromiter((place[kind] for kind in kinds), np.int32, len(kinds))
    free = np.iinfo(np.int64).max
    return codes, np.array([(most or {}).get(name, free) for name in names] or [free], np.int64)
