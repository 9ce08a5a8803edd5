"""Closed and maximal sets against their definitions."""

import numpy as np
import pytest

from clinnlp.mine.sets.closure import Places
from clinnlp.mine.sets.itemsets import mine_itemsets
from tests.unit.mine.sets.test_itemsets import random_baskets


@pytest.mark.parametrize("min_count", [1, 5, 30])
@pytest.mark.parametrize("max_len", [1, 3, None])
def test_closed_and_maximal_are_their_definitions(min_count, max_len):
    for seed in range(3):
        baskets = random_baskets(seed, n=80)
        asked = {"min_count": min_count, "max_len": max_len}
        every = dict(mine_itemsets(baskets, **asked))
        closed = {s: c for s, c in every.items() if not any(s < t and c == every[t] for t in every)}
        maximal = {s: c for s, c in every.items() if not any(s < t for t in every)}
        assert dict(mine_itemsets(baskets, **asked, closed=True)) == closed
        assert dict(mine_itemsets(baskets, **asked, maximal=True)) == maximal


def test_places_are_exact():
    rng = np.random.default_rng(0)
    members = np.unique(
        np.sort(rng.permuted(np.tile(np.arange(30), (500, 1)), axis=1)[:, :3]), axis=0
    )
    members = members.astype(np.int32)
    place = {tuple(row): i for i, row in enumerate(members.tolist())}
    wanted = np.sort(rng.integers(0, 40, (300, 3)), axis=1).astype(np.int32)
    expected = [place.get(tuple(row), -1) for row in wanted.tolist()]
    assert Places(members).of(wanted).tolist() == expected
    assert max(expected) > 0
    assert min(expected) == -1
    assert Places(members).of(wanted[:0]).tolist() == []
    assert Places(members[:0]).of(wanted).tolist() == [-1] * 300


def test_sets_less_each_item_are_looked_up_as_they_are():
    rng = np.random.default_rng(1)
    every = np.unique(np.sort(rng.integers(0, 12, (400, 3)), axis=1), axis=0).astype(np.int32)
    larger = np.sort(rng.integers(0, 15, (50, 4)), axis=1).astype(np.int32)
    places = Places(every)
    for k, at in enumerate(places.without_each(larger)):
        assert at.tolist() == places.of(np.delete(larger, k, axis=1)).tolist()
