"""Closed and maximal sets: the frequent sets without those that a larger one stands for.

A set is *closed* if no larger set has the same count, *maximal* if no larger set is frequent; each
among the sets given. One item more is enough to look for: if a larger set has the same count, so
has every set between the two.

References
----------
Pasquier, Bastide, Taouil and Lakhal, Discovering frequent closed itemsets, ICDT 1999.
Bayardo, Efficiently mining long patterns from databases, SIGMOD 1998.
"""

import numpy as np

from clinnlp.core.arrays import Ints, Ints32
from clinnlp.mine.sets.query import Group

__all__ = ["closed", "maximal", "positions"]


def closed(groups: list[Group]) -> list[Group]:
    """Return the closed sets of `groups`, the sets of 1, 2, ... items."""
    return _without(groups, same_count=True)


def maximal(groups: list[Group]) -> list[Group]:
    """Return the maximal sets of `groups`, the sets of 1, 2, ... items."""
    return _without(groups, same_count=False)


def positions(wanted: Ints32, members: Ints32) -> Ints:
    """Return where each set of `wanted` stands in `members`, -1 where it does not.

    Sets are looked up by the sum of one random word per item and then compared, so that the answer
    is exact.

    Parameters
    ----------
    wanted, members : array of int32, shape (n, size)
        Rows rising; those of `members` distinct.

    Examples
    --------
    >>> members = np.array([[0, 1], [0, 2], [1, 2]], np.int32)
    >>> positions(np.array([[1, 2], [1, 3]], np.int32), members).tolist()
    [2, -1]
    """
    if not len(members) or not len(wanted):
        return np.full(len(wanted), -1, np.int64)
    n_items = 1 + max(int(members.max()), int(wanted.max()))
    seed = 0
    while True:  # once: two of a million sets share a key with probability 3e-8
        # The key of a set is the sum of a random word per item: the order of its items does not
        # matter
        words = np.random.default_rng(seed).integers(0, 1 << 64, n_items, np.uint64)
        keys = words[members].sum(axis=1, dtype=np.uint64)
        order = np.argsort(keys)
        keys = keys[order]
        if not (keys[1:] == keys[:-1]).any():
            break
        seed += 1
    asked = words[wanted].sum(axis=1, dtype=np.uint64)
    at = order[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)]
    # A set that is not there may still share the key of one that is
    return np.where((members[at] == wanted).all(axis=1), at, -1)


def _without(groups: list[Group], *, same_count: bool) -> list[Group]:
    kept = []
    for size, (members, counts) in enumerate(groups, start=1):
        keep = np.ones(len(members), bool)
        if size < len(groups):
            larger, n_larger = groups[size]
            for dropped in range(size + 1):
                # Leaving out each item in turn reaches all subsets that are one item smaller
                at = positions(np.delete(larger, dropped, axis=1), members)
                found = at >= 0
                if same_count:
                    found &= n_larger == counts[at]
                keep[at[found]] = False
        kept.append((members[keep], counts[keep]))
    return kept
