"""Taking pairs of drug and event together before a prior is fitted to them.

Pairs of one count that are expected about as often say about the same: a few thousand cells stand
for millions of pairs.

References
----------
DuMouchel and Pregibon, Empirical Bayes screening for multi-item associations, KDD 2001. Ihrie and
Canida, openEBGM 0.9.1, vignette 3.
"""

import numpy as np

from clinnlp.core.arrays import Counts, Floats, Ints

__all__ = ["Cells", "binned", "squashed"]

_BIN = 0.01  # of log E
_TABLE = 1 << 20  # counts times bins that are told apart by a table
_BINS = ((1, 50, 100), (2, 10, 50))  # openEBGM: count, pairs of a bin, pairs kept apart
_ENOUGH = 500  # openEBGM: pairs of a count from which on they are taken together

Cells = tuple[Floats, Floats, Floats]  # counts, expectations, how many pairs stand for each


def squashed(n: Counts, e: Floats, times: Floats) -> tuple[Counts, Floats, Floats]:
    """Take pairs of one count whose E differ by less than 1 % together, at their mean.

    What was taken together can be again: parts of the pairs, each squashed, make what all of them
    would.

    Parameters
    ----------
    n, e, times : array, shape (n_pairs,)
        Counts, what is expected, and how many pairs each stands for.

    Examples
    --------
    >>> squashed(np.array([0, 0, 0]), np.array([1.0, 1.004, 2.0]), np.ones(3))
    (array([0, 0]), array([1.002, 2.   ]), array([2., 1.]))
    """
    if not len(n):
        return n, e, times
    bins = np.floor(np.log(e) / _BIN).astype(np.int64)
    bins -= bins.min()
    width = int(bins.max()) + 1
    key = n * width + bins
    # Most pairs have a small count: these are told apart by a table, the others by sorting
    few = n < max(1, _TABLE // width)
    size = width * min(int(n[few].max(initial=-1)) + 1, _TABLE // width + 1)
    parts = [_by_table(key[few], e[few], times[few], size)]
    parts.append(_by_sorting(key[~few], e[~few], times[~few]))
    keys, means, totals = (np.concatenate(column) for column in zip(*parts, strict=True))
    return keys // width, means, totals


def _by_table(key: Ints, e: Floats, times: Floats, size: int) -> tuple[Ints, Floats, Floats]:
    total: Floats = np.bincount(key, weights=times, minlength=size).astype(np.float64)
    there = np.flatnonzero(total).astype(np.int64)
    sums = np.bincount(key, weights=e * times, minlength=size)
    return there, sums[there] / total[there], total[there]


def _by_sorting(key: Ints, e: Floats, times: Floats) -> tuple[Ints, Floats, Floats]:
    different, group = np.unique(key, return_inverse=True)
    total: Floats = np.bincount(group, weights=times, minlength=len(different)).astype(np.float64)
    sums = np.bincount(group, weights=e * times, minlength=len(different))
    return different, sums / total, total


def binned(n: Counts, e: Floats) -> Cells:
    """Take pairs of counts 1 and 2 together as openEBGM does, by the order of their E."""
    alone = np.ones(len(n), bool)
    counts, means, times = [], [], []
    for count, size, apart in _BINS:
        at = np.flatnonzero(n == count)
        if len(at) < _ENOUGH:
            continue
        at = at[np.argsort(e[at])][: len(at) - apart]
        alone[at] = False
        of = np.arange(len(at)) // size
        times.append(np.bincount(of).astype(np.float64))
        means.append(np.bincount(of, weights=e[at]) / times[-1])
        counts.append(np.full(len(times[-1]), float(count)))
    return (
        np.concatenate([n[alone].astype(np.float64), *counts]),
        np.concatenate([e[alone], *means]),
        np.concatenate([np.ones(int(alone.sum())), *times]),
    )
