"""Counts of baskets that are not in memory, wherever they lie: in blocks on the disk, or on Spark.

What is counted is the same; who counts differs. Signals and interactions take their counts from
here, and measures, priors, p and q are those of baskets in memory.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Counts, Ints, Ints32
from clinnlp.core.basket_blocks import BasketBlocks
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import CELLS, PairCounts
from clinnlp.mine.sets.spark_baskets import SparkBaskets, StoredBaskets
from clinnlp.mine.signals.blocks import across_blocks, block_triplets
from clinnlp.mine.signals.running import RunningCounts
from clinnlp.mine.signals.triplets import Candidates, candidates_of, cells_of

__all__ = ["AcrossStored", "check_asked", "stored_triplets"]

_WHERE = {BasketBlocks: "in blocks", SparkBaskets: "on Spark", RunningCounts: "that were counted"}
_BLOCK = 200_000  # triplets that are handed out at once


class AcrossStored:
    """Counts of each of some items with each of others, as `mine.sets.pairs.Across`.

    Parameters
    ----------
    baskets : BasketBlocks, SparkBaskets or RunningCounts
    first, second : array of int64
        Columns, rising.
    """

    def __init__(self, baskets: StoredBaskets | RunningCounts, first: Ints, second: Ints) -> None:
        if isinstance(baskets, BasketBlocks):
            self._joint = across_blocks(baskets, first, second)
        else:
            self._joint = baskets.across(first, second)
        self.n: Counts = np.array([len(baskets)], np.int64)
        self.n_first = baskets.n_each[first][None].astype(np.int64)
        self.n_second = baskets.n_each[second][None].astype(np.int64)

    def of(self, low: int, high: int) -> Ints32:
        """Return the counts of the first items low:high, shape (1, high - low, n_second)."""
        found: Ints32 = self._joint[low:high].toarray()[None]
        return found


def check_asked(baskets: Any, **asked: Any) -> None:
    """Raise `ArgumentError` for what needs baskets in memory, where they are not."""
    said = [name for name, value in asked.items() if value is not None and value is not False]
    if isinstance(baskets, StoredBaskets | RunningCounts) and said:
        where = next(said for kind, said in _WHERE.items() if isinstance(baskets, kind))
        raise ArgumentError(
            f"baskets {where} must be mined without {', '.join(said)}, got it; make baskets in "
            "memory for it, or leave it out (adjust=False)"
        )


def stored_triplets(
    baskets: StoredBaskets,
    is_drug: Bools,
    is_outcome: Bools,
    *,
    min_count: int,
    min_margin: int,
    max_memory_gb: float,
) -> tuple[Candidates, Iterator[tuple[Ints, Ints, PairCounts]]]:
    """Return the candidates, and those that meet at least `min_count` times with their counts.

    Raises
    ------
    ArgumentError
        Of blocks: there are so many pairs that `max_memory_gb` would not do.
    """
    limits = {"min_count": min_count, "min_margin": min_margin}
    if isinstance(baskets, BasketBlocks):
        return block_triplets(baskets, is_drug, is_outcome, **limits, max_memory_gb=max_memory_gb)
    met = baskets.pairs(is_drug, min_count=min_margin)
    margins = baskets.n_each[is_drug], baskets.n_each[is_outcome]
    found = candidates_of(met, *margins, min_margin=min_margin)
    return found, _of_spark(baskets, found, is_drug, is_outcome, met, min_count)


def _of_spark(
    baskets: SparkBaskets,
    found: Candidates,
    is_drug: Bools,
    is_outcome: Bools,
    met: sparse.csr_matrix,
    min_count: int,
) -> Iterator[tuple[Ints, Ints, PairCounts]]:
    """Yield the triplets in blocks, every other cell by inclusion and exclusion."""
    if not found.m:
        return
    drugs, columns = np.flatnonzero(is_drug), np.flatnonzero(is_outcome)[found.outcomes]
    first, second = drugs[found.first], drugs[found.second]
    pair, column, together = baskets.triplets(first, second, columns, min_count=min_count)
    target = np.searchsorted(columns, column)
    order = np.lexsort((pair, target))
    used = np.unique(np.concatenate([first, second]))
    alone = baskets.across(used, columns)
    n_each = baskets.n_each
    for low in range(0, len(order), _BLOCK):
        at = order[low : low + _BLOCK]
        p, t, both = pair[at], target[at], together[at]
        one, two = (
            np.asarray(alone[np.searchsorted(used, side[p]), t]).ravel().astype(np.int64)
            for side in (first, second)
        )
        y = np.stack([both, one - both, two - both, n_each[columns[t]] - one - two + both])
        pairs = np.asarray(met[found.first[p], found.second[p]]).ravel().astype(np.int64)
        n = cells_of(pairs, n_each[first[p]], n_each[second[p]], len(baskets))
        counts = PairCounts(**dict(zip(CELLS, (*y[:, None], *n[:, None]), strict=True)))
        yield found.outcomes[t], p, counts
