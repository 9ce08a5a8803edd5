"""Counts of drug + drug → outcome against a loop over baskets."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from clinnlp.mine.measures.additive import CELLS
from clinnlp.mine.signals.triplets import candidates, count_triplets

RNG = np.random.default_rng(3)
DRUGS = RNG.random((400, 6)) < [0.6, 0.5, 0.4, 0.3, 0.1, 0.02]
EVENTS = RNG.random((400, 3)) < [0.3, 0.1, 0.01]
STRATA = RNG.integers(0, 3, 400)


def cells_of(at, a, b, j):
    first, second, has = DRUGS[at, a], DRUGS[at, b], EVENTS[at, j]
    groups = (first & second, first & ~second, ~first & second, ~first & ~second)
    return [int((g & has).sum()) for g in groups] + [int(g.sum()) for g in groups]


def test_candidates_pass_margins_alone():
    found = candidates(sparse.csr_matrix(DRUGS), sparse.csr_matrix(EVENTS), min_margin=20)
    everywhere = np.arange(400)
    expected = [
        (a, b)
        for a, b in combinations(range(6), 2)
        if min(cells_of(everywhere, a, b, 0)[4:7]) >= 20
    ]
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected
    assert found.outcomes.tolist() == [j for j in range(3) if EVENTS[:, j].sum() >= 20]
    assert found.m == len(expected) * len(found.outcomes)
    assert 0 < len(expected) < 15


def test_counts_by_stratum_are_the_naive_ones():
    drugs, events = sparse.csr_matrix(DRUGS), sparse.csr_matrix(EVENTS)
    found = candidates(drugs, events, min_margin=1)
    n_seen = 0
    for j, pairs, counts in count_triplets(drugs, events, found, min_count=2, strata=STRATA):
        for k, pair in enumerate(pairs):
            a, b = int(found.first[pair]), int(found.second[pair])
            for s in range(3):
                expected = cells_of(np.flatnonzero(s == STRATA), a, b, j)
                assert [int(getattr(counts, name)[s, k]) for name in CELLS] == expected
            n_seen += 1
    joint = sum(
        cells_of(np.arange(400), a, b, j)[0] >= 2
        for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True)
        for j in found.outcomes.tolist()
    )
    assert n_seen == joint


BOTH, FIRST, SECOND = [1, 1], [1, 0], [0, 1]


@pytest.mark.parametrize(
    ("short", "n"),
    [(None, 1), (BOTH, 0), (FIRST, 0), (SECOND, 0), ("outcome", 0)],
)
def test_each_margin_must_be_reached_and_just_reached_is_enough(short, n):
    baskets = [each for each in (BOTH, FIRST, SECOND) for _ in range(2 - (each == short))]
    events = np.zeros((len(baskets), 1), int)
    events[: 2 - (short == "outcome")] = 1
    found = candidates(sparse.csr_matrix(baskets), sparse.csr_matrix(events), min_margin=2)
    assert found.m == n
