"""Counting drug + drug → outcome: which candidates there are, and in how many baskets.

Pairs are counted over all baskets and over those with the outcome (`clinnlp.mine.sets.pairs`);
every other cell follows by inclusion and exclusion. A candidate is decided by margins alone: the
outcome, the pair, and each drug without the other must have enough baskets; how often all three
meet is not looked at. So their number is the true m of the screen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Counts, Ints
from clinnlp.mine.measures.additive import CELLS, PairCounts
from clinnlp.mine.sets.pairs import Together, count_together

__all__ = ["Candidates", "candidates", "count_triplets"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Pairs of columns of the drugs and columns of the outcomes whose margins pass.

    Parameters
    ----------
    first, second : array of int64, shape (n_pairs,)
        Columns of the drug matrix, ``first < second``.
    outcomes : array of int64, shape (n_outcomes,)
        Columns of the outcome matrix.
    """

    first: Ints
    second: Ints
    outcomes: Ints

    @property
    def m(self) -> int:
        """Number of candidates: every pair with every outcome."""
        return len(self.first) * len(self.outcomes)


def candidates(
    drugs: sparse.csr_matrix, outcomes: sparse.csr_matrix, *, min_margin: int
) -> Candidates:
    """Return the candidates of 0/1 matrices of shape (n_baskets, n_drugs) and (…, n_outcomes)."""
    alone = count_together(drugs)
    first, second = np.triu_indices(drugs.shape[1], k=1)
    both = alone.pairs
    kept = both >= min_margin
    # Each drug without the other as well: the null needs the risk of either alone
    kept &= (alone.singles[first] - both >= min_margin) & (
        alone.singles[second] - both >= min_margin
    )
    totals = np.asarray(outcomes.sum(axis=0, dtype=np.int64)).ravel()
    return Candidates(
        first=first[kept].astype(np.int64),
        second=second[kept].astype(np.int64),
        outcomes=np.flatnonzero(totals >= min_margin).astype(np.int64),
    )


def count_triplets(
    drugs: sparse.csr_matrix,
    outcomes: sparse.csr_matrix,
    found: Candidates,
    *,
    min_count: int,
    strata: Ints,
) -> Iterator[tuple[int, Ints, PairCounts]]:
    """Yield, for each outcome, the pairs that meet it at least `min_count` times, and all counts.

    Parameters
    ----------
    strata : array of int64, shape (n_baskets,)
        Stratum of each basket, from 0.

    Yields
    ------
    outcome : int
        Column of the outcome matrix.
    pairs : array of int64
        Positions in `found`.
    counts : PairCounts
        Each of shape (n_strata, len(pairs)).
    """
    n_strata = int(strata.max(initial=0)) + 1
    rows = [np.flatnonzero(strata == s) for s in range(n_strata)]
    totals = [_cells(count_together(drugs, at), found.first, found.second) for at in rows]
    columns = outcomes.tocsc()
    for j in found.outcomes.tolist():
        has = np.zeros(drugs.shape[0], bool)
        has[columns.indices[columns.indptr[j] : columns.indptr[j + 1]]] = True
        events = [count_together(drugs, at[has[at]]) for at in rows]
        joint = np.sum([e.of(found.first, found.second) for e in events], axis=0)
        pairs = np.flatnonzero(joint >= min_count)
        a, b = found.first[pairs], found.second[pairs]
        y = [_cells(e, a, b) for e in events]
        n = [cells[:, pairs] for cells in totals]
        y_cells, n_cells = np.stack(y, axis=1), np.stack(n, axis=1)  # (4, n_strata, n_found)
        cells = dict(zip(CELLS, (*y_cells, *n_cells), strict=True))
        yield j, pairs, PairCounts(**cells)


def _cells(found: Together, a: Ints, b: Ints) -> Counts:
    """Return baskets with both, only a, only b, neither: shape (4, n_pairs)."""
    both, with_a, with_b = found.of(a, b), found.singles[a], found.singles[b]
    return np.stack([both, with_a - both, with_b - both, found.n - with_a - with_b + both])
