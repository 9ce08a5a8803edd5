"""Closed and maximal sets: the frequent sets without those that a larger one stands for.

A set is *closed* if no larger set has the same count, *maximal* if no larger set is frequent; each
among the sets given. One item more is enough to look for: if a larger set has the same count, so
has every set between the two.

References
----------
Pasquier, Bastide, Taouil and Lakhal, Discovering frequent closed itemsets, ICDT 1999.
Bayardo, Efficiently mining long patterns from databases, SIGMOD 1998.
"""

from collections.abc import Iterator

import numpy as np

from clinnlp.core.arrays import Bits, Ints, Ints32
from clinnlp.core.compiled import compiled
from clinnlp.mine.sets.query import Group

__all__ = ["Places", "closed", "maximal"]


def closed(groups: list[Group]) -> list[Group]:
    """Return the closed sets of `groups`, the sets of 1, 2, ... items."""
    return _without(groups, same_count=True)


def maximal(groups: list[Group]) -> list[Group]:
    """Return the maximal sets of `groups`, the sets of 1, 2, ... items."""
    return _without(groups, same_count=False)


class Places:
    """Where sets stand among some of the same size.

    Sets are looked up by the sum of one random word per item and then compared, so that the answer
    is exact. The sums are sorted once, and since they are random, the first bits of a sum say
    about where it stands.

    Parameters
    ----------
    members : array of int32, shape (n, size)
        Distinct rows, each rising.

    Examples
    --------
    >>> places = Places(np.array([[0, 1], [0, 2], [1, 2]], np.int32))
    >>> places.of(np.array([[1, 2], [1, 3]], np.int32)).tolist()
    [2, -1]
    """

    def __init__(self, members: Ints32) -> None:
        self._members = np.ascontiguousarray(members)
        n_items = int(members.max(initial=-1)) + 1
        # The order of the items does not matter, and less an item it is the sum less its word
        self._words = np.random.default_rng(0).integers(0, 1 << 64, n_items + 1, np.uint64)
        keys = self._words[members].sum(axis=1, dtype=np.uint64)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._n_bits = max(1, len(keys).bit_length())
        begun = (self._keys >> np.uint64(64 - self._n_bits)).astype(np.int64)
        n_begun = np.bincount(begun, minlength=1 << self._n_bits)
        self._starts = np.cumsum(n_begun) - n_begun

    def of(self, wanted: Ints32) -> Ints:
        """Return the row of each set, -1 where it is none of them."""
        return self._found(wanted, -1)

    def without_each(self, larger: Ints32) -> Iterator[Ints]:
        """Yield the row of each set less its first item, less its second, ..., as `of` does."""
        for k in range(larger.shape[1]):
            yield self._found(larger, k)

    def _found(self, wanted: Ints32, left_out: int) -> Ints:
        if not len(self._keys):
            return np.full(len(wanted), -1, np.int64)
        sums = (self._keys, self._order, self._starts, self._n_bits, self._words)
        rows = np.ascontiguousarray(wanted)
        return np.asarray(_find(*sums, self._members, rows, left_out), np.int64)


@compiled
def _find(
    keys: Bits, order: Ints, starts: Ints, n_bits: int, words: Bits,
    members: Ints32, wanted: Ints32, left_out: int,
) -> Ints:  # fmt: skip
    """Return the row of `members` with the items of each row of `wanted`, less one of them."""
    found = np.full(len(wanted), -1, np.int64)
    for i in range(len(wanted)):
        key = np.uint64(0)
        for k in range(wanted.shape[1]):
            if k != left_out:
                key += words[min(wanted[i, k], len(words) - 1)]
        at = starts[np.int64(key >> np.uint64(64 - n_bits))]
        while at < len(keys) and keys[at] < key:
            at += 1
        # Two sets may share a key, and one that is not there that of one that is
        while at < len(keys) and keys[at] == key and found[i] < 0:
            if _alike(members[order[at]], wanted[i], left_out):
                found[i] = order[at]
            at += 1
    return found


@compiled
def _alike(row: Ints32, other: Ints32, left_out: int) -> bool:
    same = True
    for k in range(len(row)):
        same = same and row[k] == other[k + (0 <= left_out <= k)]
    return same


def _without(groups: list[Group], *, same_count: bool) -> list[Group]:
    kept = []
    for size, (members, counts) in enumerate(groups, start=1):
        keep = np.ones(len(members), bool)
        if size < len(groups):
            larger, n_larger = groups[size]
            # Leaving out each item in turn reaches all subsets that are one item smaller
            for at in Places(members).without_each(larger):
                found = at >= 0
                if same_count:
                    found &= n_larger == counts[at]
                keep[at[found]] = False
        kept.append((members[keep], counts[keep]))
    return kept
