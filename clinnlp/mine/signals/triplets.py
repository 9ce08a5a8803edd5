"""Counting drug + drug → outcome: which candidates there are, and in how many baskets.

Pairs are counted over all baskets (`clinnlp.mine.sets.pairs`), and, basket by basket, over those
with the outcome; every other cell follows by inclusion and exclusion. A candidate is decided by
margins alone: the outcome, the pair, and each drug without the other must have enough baskets; how
often all three meet is not looked at. So their number is the true m of the screen. What meets often
enough comes in blocks, so that memory does not grow with their number. Pairs that never meet are
not listed; what those that pass will take is told before, and refused where it is too much.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Counts, Ints, Ints32
from clinnlp.core.compiled import compiled
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import CELLS, PairCounts
from clinnlp.mine.sets.pairs import Together, count_together, pair_counts, starts_of

__all__ = [
    "MAX_MEMORY_GB",
    "Candidates",
    "candidates",
    "candidates_of",
    "cells_of",
    "count_triplets",
    "meetings",
    "used_drugs",
]

MAX_MEMORY_GB = 8.0

_log = logging.getLogger(__name__)

_BLOCK = 200_000  # triplets and strata that are handed out at once, or the pairs of one outcome
_PER_PAIR = 400  # bytes of a pair beside its counts by stratum: places, and columns of a block


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
    met = pair_counts(drugs, min_count=min_margin)
    singles = np.bincount(drugs.indices, minlength=drugs.shape[1])
    totals = np.asarray(outcomes.sum(axis=0, dtype=np.int64)).ravel()
    return candidates_of(met, singles, totals, min_margin=min_margin)


def candidates_of(
    met: sparse.csr_matrix, singles: Counts, totals: Counts, *, min_margin: int
) -> Candidates:
    """Return the candidates of margins.

    Parameters
    ----------
    met : csr_matrix, shape (n_drugs, n_drugs)
        Baskets of the pairs that meet `min_margin` times: the upper triangle, sorted.
    singles, totals : array of int, shape (n_drugs,) and (n_outcomes,)
        Baskets with each drug, and with each outcome.
    """
    first, second, both = met.tocoo().coords[0], met.indices, met.data
    # Each drug without the other as well: the null needs the risk of either alone
    kept = np.minimum(singles[first], singles[second]) - both >= min_margin
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
    max_memory_gb: float = MAX_MEMORY_GB,
) -> Iterator[tuple[Ints, Ints, PairCounts]]:
    """Yield, in blocks, the triplets that meet at least `min_count` times, and all their counts.

    Parameters
    ----------
    min_count : int
        At least 1.
    strata : array of int64, shape (n_baskets,)
        Stratum of each basket, from 0.
    max_memory_gb : float
        What counting may take, in GB (10⁹ bytes).

    Raises
    ------
    ArgumentError
        There are so many pairs that `max_memory_gb` would not do.

    Yields
    ------
    targets : array of int64, shape (n,)
        Columns of the outcome matrix, rising.
    pairs : array of int64, shape (n,)
        Positions in `found`, rising within an outcome.
    counts : PairCounts
        Each of shape (n_strata, n).
    """
    n_strata = int(strata.max(initial=0)) + 1
    used, first, second = used_drugs(found, n_strata, max_memory_gb)
    narrow = drugs[:, used].sorted_indices()
    rows = [np.flatnonzero(strata == s) for s in range(n_strata)]
    totals = np.stack(
        [_cells(count_together(narrow, at), first, second) for at in rows], axis=1
    )  # (4, n_strata, n_pairs)
    held = (*_walked(narrow), *_walked(outcomes.tocsc()))
    yield from meetings(held, (first, second), found.outcomes, totals, strata, min_count=min_count)


def used_drugs(
    found: Candidates, n_strata: int = 1, max_memory_gb: float = MAX_MEMORY_GB
) -> tuple[Ints, Ints, Ints]:
    """Return the drugs of some pair, and which of them each pair's are.

    Of these alone is the triangle of all pairs made, so that it is no larger than it must be.

    Raises
    ------
    ArgumentError
        There are so many pairs that `max_memory_gb` would not do.
    """
    used, at = np.unique(np.stack([found.first, found.second]), return_inverse=True)
    first, second = at.reshape(2, -1)
    _announce(found, len(used), n_strata, max_memory_gb)
    return used, first, second


def meetings(
    held: tuple[Ints, Ints32, Ints, Ints32],
    pairs_of: tuple[Ints, Ints],
    outcomes: Ints,
    totals: Counts,
    strata: Ints,
    *,
    min_count: int,
) -> Iterator[tuple[Ints, Ints, PairCounts]]:
    """Yield what `count_triplets` does, of the baskets with some outcomes.

    Parameters
    ----------
    held : starts and entries of the drugs by basket, and of the baskets by outcome
    pairs_of : array of int64, shape (n_pairs,), twice
        The two drugs of each candidate, as columns of `held`.
    outcomes : array of int64
        Those to look at, rising.
    totals : array of int64, shape (4, n_strata, n_pairs)
        All baskets with both drugs, with one alone, and with neither.
    strata : array of int64, shape (n_baskets,)
    min_count : int
    """
    first, second = pairs_of
    n_strata = totals.shape[1]
    place = _places(first, second, int(max(first.max(initial=-1), second.max(initial=-1))) + 1)
    room = max(min(_BLOCK // n_strata, len(first) * len(outcomes)), len(first))
    done = 0
    while done < len(outcomes):
        targets, pairs = np.empty(room, np.int64), np.empty(room, np.int64)
        done, n = _meeting(*held, *place, outcomes, done, min_count, targets, pairs)
        targets, pairs = targets[:n], pairs[:n]
        cells = np.zeros((4, n_strata, n), np.int64)
        _fill(*held, *place, strata, targets, pairs, first, second, cells)
        # Of the outcome, with the first drug and with the second: what is left of them
        both, one, two, every = cells
        y = (both, one - both, two - both, every - one - two + both)
        counts = PairCounts(**dict(zip(CELLS, (*y, *totals[:, :, pairs]), strict=True)))
        yield targets, pairs, counts


def _announce(found: Candidates, n_drugs: int, n_strata: int, max_memory_gb: float) -> None:
    """Log the bytes that counting will take, or refuse it if they are too many."""
    n_pairs = len(found.first)
    # Two triangles of all pairs of drugs; counts by stratum, with and without the outcome, of each
    # pair and of a block of at least as many triplets; their numbers and columns
    need = 8 * n_drugs * n_drugs / 2 + n_pairs * (64 * n_strata + _PER_PAIR)
    _log.info(
        "counting %d candidates, %d pairs of %d drugs: %.3g GB",
        found.m, n_pairs, n_drugs, need / 1e9,
    )  # fmt: skip
    if need > max_memory_gb * 1e9:
        raise ArgumentError(
            f"counting {n_pairs} pairs of {n_drugs} drugs must fit into max_memory_gb="
            f"{max_memory_gb:g}, got an estimate of {need / 1e9:.3g} GB; raise min_margin, or "
            "max_memory_gb of clinnlp.mine_interactions"
        )


def _walked(matrix: sparse.csr_matrix | sparse.csc_matrix) -> tuple[Ints, Ints32]:
    """Return the starts and the entries of a matrix, by row or by column."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)


def _cells(found: Together, a: Ints, b: Ints) -> Counts:
    """Return baskets with both, only a, only b, neither: shape (4, n_pairs)."""
    return cells_of(found.of(a, b), found.singles[a], found.singles[b], found.n)


def cells_of(both: Counts, with_a: Counts, with_b: Counts, n: int) -> Counts:
    """Return baskets with both, only a, only b, neither, of counts: shape (4, n_pairs)."""
    return np.stack([both, with_a - both, with_b - both, n - with_a - with_b + both])


def _places(first: Ints, second: Ints, n_drugs: int) -> tuple[Ints, Ints32]:
    """Return where each row of the triangle of pairs starts, and which candidate each pair is."""
    starts = starts_of(n_drugs)
    place = np.full(int(starts[-1]), -1, np.int32)
    place[starts[first] + second - first - 1] = np.arange(len(first))
    return starts, place


@compiled
def _meeting(
    indptr: Ints,
    items: Ints32,
    outcome_starts: Ints,
    rows: Ints32,
    starts: Ints,
    place: Ints32,
    outcomes: Ints,
    done: int,
    least: int,
    targets: Ints,
    pairs: Ints,
) -> tuple[int, int]:
    """Fill in the triplets of outcomes from `done` on that meet often enough, while there is room.

    Returns the outcome that had no room, and how many triplets there are.
    """
    n_pairs = place.max() + 1 if len(place) else 0
    counts, met = np.zeros(n_pairs, np.int32), np.empty(n_pairs, np.int32)
    n = 0
    while done < len(outcomes):
        j = outcomes[done]
        n_met = _count(
            indptr, items, rows[outcome_starts[j] : outcome_starts[j + 1]],
            starts, place, counts, met,
        )  # fmt: skip
        n_kept = 0
        for i in range(n_met):
            k = met[i]
            if counts[k] >= least:
                met[n_kept] = k
                n_kept += 1
            counts[k] = 0
        if n + n_kept > len(pairs):
            break
        pairs[n : n + n_kept] = np.sort(met[:n_kept])
        targets[n : n + n_kept] = j
        n += n_kept
        done += 1
    return done, n


@compiled
def _count(
    indptr: Ints,
    items: Ints32,
    rows: Ints32,
    starts: Ints,
    place: Ints32,
    counts: Ints32,
    met: Ints32,
) -> int:
    """Count the candidate pairs in some baskets and list those there are; return how many."""
    n_met = 0
    for row in rows:
        for x in range(indptr[row], indptr[row + 1]):
            base = starts[items[x]] - items[x] - 1
            for y in range(x + 1, indptr[row + 1]):
                k = place[base + items[y]]
                if k >= 0:
                    if counts[k] == 0:
                        met[n_met] = k
                        n_met += 1
                    counts[k] += 1
    return n_met


@compiled
def _fill(
    indptr: Ints,
    items: Ints32,
    outcome_starts: Ints,
    rows: Ints32,
    starts: Ints,
    place: Ints32,
    strata: Ints,
    targets: Ints,
    pairs: Ints,
    first: Ints,
    second: Ints,
    cells: Counts,
) -> None:
    """Count by stratum the baskets with the outcome of each triplet: shape (4, n_strata, n).

    Those with both drugs, with the first, with the second, and all.
    """
    slot = np.full(place.max() + 1 if len(place) else 0, -1, np.int32)
    singles = np.zeros((cells.shape[1], len(starts) - 1), np.int64)
    totals = np.zeros(cells.shape[1], np.int64)
    start = 0
    while start < len(targets):
        j, stop = targets[start], start
        while stop < len(targets) and targets[stop] == j:
            slot[pairs[stop]] = stop
            stop += 1
        singles[:] = 0
        totals[:] = 0
        for row in rows[outcome_starts[j] : outcome_starts[j + 1]]:
            s = strata[row]
            totals[s] += 1
            mine = items[indptr[row] : indptr[row + 1]]
            _add(mine, starts, place, slot, singles[s], cells[0, s])
        for i in range(start, stop):
            slot[pairs[i]] = -1
            cells[1, :, i] = singles[:, first[pairs[i]]]
            cells[2, :, i] = singles[:, second[pairs[i]]]
            cells[3, :, i] = totals
        start = stop


@compiled
def _add(
    items: Ints32, starts: Ints, place: Ints32, slot: Ints32, singles: Counts, both: Counts
) -> None:
    """Add one basket to the counts of its drugs and of the pairs that have a slot."""
    for x in range(len(items)):
        singles[items[x]] += 1
        base = starts[items[x]] - items[x] - 1
        for y in range(x + 1, len(items)):
            k = place[base + items[y]]
            if k >= 0 and slot[k] >= 0:
                both[slot[k]] += 1
