"""Closed and maximal sets against their definitions."""

import numpy as np
import pytest

from clinnlp.mine.sets.closure import positions
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


def test_positions_are_exact():
    rng = np.random.default_rng(0)
    members = np.unique(
        np.sort(rng.permuted(np.tile(np.arange(30), (500, 1)), axis=1)[:, :3]), axis=0
    )
    members = members.astype(np.int32)
    place = {tuple(row): i for i, row in enumerate(members.tolist())}
    wanted = np.sort(rng.integers(0, 40, (300, 3)), axis=1).astype(np.int32)
    expected = [place.get(tuple(row), -1) for row in wanted.tolist()]
    assert positions(wanted, members).tolist() == expected
    assert max(expected) > 0
    assert min(expected) == -1
    assert positions(wanted[:0], members).tolist() == []
    assert positions(wanted, members[:0]).tolist() == [-1] * 300
