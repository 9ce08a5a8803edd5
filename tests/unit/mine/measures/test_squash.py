"""Pairs taken together: the same number, the same sums, and parts make what the whole does."""

import numpy as np
import pytest

from clinnlp.mine.measures import squash
from clinnlp.mine.measures.squash import squashed


def naive(n, e):
    cells = {}
    for count, expected in zip(n.tolist(), e.tolist(), strict=True):
        cells.setdefault((count, np.floor(np.log(expected) / 0.01)), []).append(expected)
    return sorted((count, np.mean(each), len(each)) for (count, _), each in cells.items())


@pytest.mark.parametrize("table", [1 << 20, 1000, 1])
def test_cells_are_those_of_a_loop(table, monkeypatch):
    monkeypatch.setattr(squash, "_TABLE", table)
    rng = np.random.default_rng(0)
    n = rng.poisson(2, 3000) * rng.choice([1, 1, 1, 10**8], 3000)
    e = np.exp(rng.normal(0, 1, 3000))
    found = sorted(zip(*(x.tolist() for x in squashed(n, e, np.ones(3000))), strict=True))
    np.testing.assert_allclose(found, naive(n, e), rtol=1e-12)


def test_parts_make_what_the_whole_does():
    rng = np.random.default_rng(1)
    n, e = rng.poisson(3, 5000), np.exp(rng.normal(0, 2, 5000))
    whole = squashed(n, e, np.ones(5000))
    parts = [squashed(n[k::3], e[k::3], np.ones(len(n[k::3]))) for k in range(3)]
    again = squashed(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    assert again[2].sum() == 5000


def test_nothing_stays_nothing():
    assert [len(x) for x in squashed(np.empty(0, int), np.empty(0), np.empty(0))] == [0, 0, 0]
