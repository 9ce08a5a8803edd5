"""Counting drug + drug → outcome: which candidates there are, and in how many baskets.

Pairs come from sparse products DᵀD over all baskets and over those with the outcome; every other
cell follows by inclusion and exclusion. A candidate is decided by margins alone: the outcome,
the pair, and each drug without the other must have enough baskets; how often all three meet is
not looked at. So their number is the true m of the screen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clinnlp.core.counts import Counts
from clinnlp.mine.additive import CELLS, PairCounts

__all__ = ["Candidates", "candidates", "count_triplets"]

Ints = NDArray[np.int64]


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
    together = _pairs(drugs)  # (n_drugs, n_drugs)
    alone = np.diag(together)
    kept = np.triu(together >= min_margin, k=1)
    kept &= (alone[:, None] - together >= min_margin) & (alone[None, :] - together >= min_margin)
    first, second = np.nonzero(kept)
    totals = np.asarray(outcomes.sum(axis=0, dtype=np.int64)).ravel()
    return Candidates(
        first=first.astype(np.int64),
        second=second.astype(np.int64),
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
    totals = [_pairs(drugs[at]) for at in rows]
    columns = outcomes.tocsc()
    for j in found.outcomes.tolist():
        has = np.zeros(drugs.shape[0], bool)
        has[columns.indices[columns.indptr[j] : columns.indptr[j + 1]]] = True
        events = [_pairs(drugs[at[has[at]]]) for at in rows]
        joint = np.sum([e[found.first, found.second] for e in events], axis=0)
        pairs = np.flatnonzero(joint >= min_count)
        a, b = found.first[pairs], found.second[pairs]
        y = [_cells(e, int(has[at].sum()), a, b) for e, at in zip(events, rows, strict=True)]
        n = [_cells(t, len(at), a, b) for t, at in zip(totals, rows, strict=True)]
        y_cells, n_cells = np.stack(y, axis=1), np.stack(n, axis=1)  # (4, n_strata, n_found)
        cells = dict(zip(CELLS, (*y_cells, *n_cells), strict=True))
        yield j, pairs, PairCounts(**cells)


def _pairs(drugs: sparse.csr_matrix) -> Counts:
    """Return DᵀD, dense: baskets with both drugs, each drug alone on the diagonal."""
    counted = drugs.astype(np.int32)
    product: Counts = (counted.T @ counted).toarray().astype(np.int64)
    return product


def _cells(together: Counts, n: int, a: Ints, b: Ints) -> Counts:
    """Return baskets with both, only a, only b, neither: shape (4, n_pairs)."""
    both, with_a, with_b = together[a, b], together[a, a], together[b, b]
    return np.stack([both, with_a - both, with_b - both, n - with_a - with_b + both])
