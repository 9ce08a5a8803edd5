"""Counts of drug + drug → outcome against a loop over baskets."""

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import CELLS
from clinnlp.mine.sets import pairs as counted_pairs
from clinnlp.mine.signals import triplets
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
    for js, pairs, counts in count_triplets(drugs, events, found, min_count=2, strata=STRATA):
        for k, (j, pair) in enumerate(zip(js.tolist(), pairs.tolist(), strict=True)):
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


def counted(drugs, events, strata):
    found = candidates(drugs, events, min_margin=1)
    each = count_triplets(drugs, events, found, min_count=1, strata=strata)
    blocks = [(j, k, *(getattr(c, name) for name in CELLS)) for j, k, c in each]
    return len(blocks), [np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_blocks_together_hold_what_one_block_does(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    drugs = sparse.csr_matrix(rng.random((300, 12)) < rng.random(12) / 2)
    events = sparse.csr_matrix(rng.random((300, 20)) < rng.random(20) / 2)
    strata = rng.integers(0, 2, 300)
    n_one, one = counted(drugs, events, strata)
    monkeypatch.setattr(triplets, "_BLOCK", 1)
    n_many, many = counted(drugs, events, strata)
    assert n_one == 1 < n_many
    for x, y in zip(one, many, strict=True):
        np.testing.assert_array_equal(x, y)
    ordered = np.lexsort((one[1], one[0]))
    assert (ordered == np.arange(len(ordered))).all()


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


def test_pairs_that_never_meet_take_no_memory(monkeypatch):
    monkeypatch.setattr(counted_pairs, "MAX_BAND_GB", 0.002)
    n_drugs, few = 4000, np.zeros((20, 60), np.int8)  # of 8 million pairs few meet
    few[np.arange(60) // 2 % 10, np.arange(60)] = 1
    few[10:] = np.arange(60) % 10 == np.arange(10)[:, None]
    meeting = sparse.csr_matrix(few)
    meeting.resize(20, n_drugs)
    drugs = sparse.vstack([meeting, sparse.identity(n_drugs, np.int8)], format="csr")
    events = sparse.csr_matrix(np.ones((20 + n_drugs, 1), np.int8))
    candidates(drugs[:, :50], events, min_margin=1)  # what is compiled does not count
    tracemalloc.start()
    found = candidates(drugs, events, min_margin=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < found.m == (np.triu(few.T.astype(int) @ few, 1) > 0).sum()
    assert peak < 8e6  # four bytes of each pair would be 32


def test_what_counting_takes_is_told_and_refused_before(caplog):
    drugs, events = sparse.csr_matrix(DRUGS), sparse.csr_matrix(EVENTS)
    found = candidates(drugs, events, min_margin=1)
    asked = {"min_count": 1, "strata": STRATA}
    with caplog.at_level("INFO", logger="clinnlp"):
        next(count_triplets(drugs, events, found, **asked))
    assert f"counting {found.m} candidates, {len(found.first)} pairs of " in caplog.text
    with pytest.raises(ArgumentError, match=r"estimate of [\d.]+e-0[56] GB; raise min_margin"):
        next(count_triplets(drugs, events, found, **asked, max_memory_gb=1e-7))
