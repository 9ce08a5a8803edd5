"""Every way to cut an itemset into two sides, as flat arrays, with the counts of all its parts.

The sets of one length are the rows of an array; one cut of all of them takes the same columns of
each row. Counts of parts are looked up by the bytes of their rows, so that a hundred thousand rules
take a fraction of a second.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, repeat

import numpy as np

from clinnlp.core.arrays import Counts, Floats, Ints, Ints32
from clinnlp.core.counts import Table2x2, ratio
from clinnlp.mine.measures.association import fisher_and_mid_p, fisher_p
from clinnlp.mine.sets.itemsets import Itemsets

__all__ = ["Sets", "Split", "counts_by_set", "n_candidates", "splits"]

Sets = Mapping[bytes, int]  # an itemset's rising positions, as bytes of int32, to its count


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One cut of all itemsets of a length: antecedents and consequents as rows of positions.

    Parameters
    ----------
    left, right : array of int32, shape (n_rules, n_left) and (n_rules, n_right)
    table : Table2x2
        Counts, each of shape (n_rules,).
    p_fisher, p_mid : array of float64, shape (n_rules,)
        One-sided, for more joint baskets than by chance.
    improvement : array of float64, shape (n_rules,)
        Confidence less the largest of any rule with fewer items on the left, none included.
    p_productive : array of float64, shape (n_rules,)
        Largest one-sided Fisher p of any left item, given the others.
    """

    left: Ints32
    right: Ints32
    table: Table2x2
    p_fisher: Floats
    p_mid: Floats
    improvement: Floats
    p_productive: Floats


def counts_by_set(found: Itemsets, *, below: int | None = None) -> Sets:
    """Return the count of each set of a mining, or of the groups before one."""
    keys = [key for group in found.groups[:below] for key in _keys(group)]
    return dict(zip(keys, found.counts[: len(keys)].tolist(), strict=True))


def splits(joint: Itemsets, left: Sets, right: Sets) -> Iterator[Split]:
    """Yield every cut whose two sides are among `left` and `right`.

    Parameters
    ----------
    joint : Itemsets
        The sets to cut; with each of them all its parts.
    left, right : mapping of bytes to int
        The sets that may be an antecedent or a consequent, with their counts.
    """
    known = counts_by_set(joint, below=len(joint.groups) - 1)  # the longest are parts of none
    n = len(joint.baskets)
    start = 0
    for group in joint.groups:
        counts = joint.counts[start : start + len(group)]
        start += len(group)
        places = range(group.shape[1])
        for size in range(1, group.shape[1]):
            for chosen in combinations(places, size):
                rest = tuple(k for k in places if k not in chosen)
                yield _split(group, counts, chosen, rest, (left, right, known), n)


def _split(
    group: Ints32,
    counts: Counts,
    chosen: tuple[int, ...],
    rest: tuple[int, ...],
    sets: tuple[Sets, Sets, Sets],
    n: int,
) -> Split:
    left, right, known = sets
    n_a, n_b = _look_up(left, group[:, chosen]), _look_up(right, group[:, rest])
    kept = (n_a >= 0) & (n_b >= 0)
    group, n_ab, n_a, n_b = group[kept], counts[kept], n_a[kept], n_b[kept]
    table = Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=np.array(n, np.int64))
    p, p_mid = fisher_and_mid_p(table)
    improvement = np.full(len(n_ab), np.inf)
    p_productive = p if len(chosen) == 1 else np.zeros(len(n_ab))
    confidence = ratio(n_ab, n_a)
    # Against each smaller left side, the empty one too, whose confidence is P(B)
    for size in range(len(chosen)):
        for part in combinations(chosen, size):
            smaller = _look_up(known, group[:, part]) if part else np.full(len(n_ab), n, np.int64)
            with_right = _look_up(known, group[:, tuple(sorted((*part, *rest)))])
            improvement = np.minimum(improvement, confidence - ratio(with_right, smaller))
            # What the one item left out adds, among the baskets that hold the others
            if part and size == len(chosen) - 1:
                within = Table2x2(n_ab=n_ab, n_a=n_a, n_b=with_right, n=smaller)
                p_productive = np.maximum(p_productive, fisher_p(within))
    return Split(
        left=group[:, chosen],
        right=group[:, rest],
        table=table,
        p_fisher=p,
        p_mid=p_mid,
        improvement=improvement,
        p_productive=p_productive,
    )


def n_candidates(left: Itemsets, right: Itemsets, max_len: int) -> int:
    """Count the disjoint pairs of an antecedent and a consequent of at most `max_len` items."""
    total = 0
    for group in left.groups:
        room = max_len - group.shape[1]
        facing = [other for other in right.groups if other.shape[1] <= room]
        total += _n_disjoint(group, facing)
    return total


def _n_disjoint(left: Ints32, right: list[Ints32]) -> int:
    """Count disjoint pairs by inclusion and exclusion over the subsets that both hold."""
    shared = 0
    for size in range(1, left.shape[1] + 1):
        holding: Counter[bytes] = Counter()
        for group in right:
            for part in combinations(range(group.shape[1]), size):
                holding.update(_keys(group[:, part]))
        sign = 1 if size % 2 else -1
        for part in combinations(range(left.shape[1]), size):
            shared += sign * sum(map(holding.__getitem__, _keys(left[:, part])))
    return len(left) * sum(len(group) for group in right) - shared


def _look_up(sets: Sets, rows: Ints32) -> Counts:
    """Return the count of each row; −1 where it is not among the sets."""
    if rows.shape[1] == 1 and len(rows):  # each item is asked for once, not in each row
        items = np.flatnonzero(np.bincount(rows[:, 0]))
        known = np.full(items[-1] + 1, -1, np.int64)
        known[items] = _counts(sets, items[:, None])
        return known[rows[:, 0]]
    return _counts(sets, rows)


def _counts(sets: Sets, rows: Ints | Ints32) -> Counts:
    return np.fromiter(map(sets.get, _keys(rows), repeat(-1)), np.int64, len(rows))


def _keys(rows: Ints | Ints32) -> list[bytes]:
    if not rows.size:
        return []
    # As bytes a set is hashed and compared at once, not number by number
    packed = np.ascontiguousarray(rows, np.int32)
    keys: list[bytes] = packed.view(f"V{4 * packed.shape[1]}").ravel().tolist()
    return keys
