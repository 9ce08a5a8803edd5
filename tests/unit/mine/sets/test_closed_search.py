"""The search for closed sets in dense baskets against all frequent sets without the others."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.sets.closed_search import is_dense, mine_closed
from clinnlp.mine.sets.closure import closed, maximal
from clinnlp.mine.sets.engines import run
from clinnlp.mine.sets.query import Query


def query_of(held, least, **changed):
    n_items = held.shape[1]
    settings = {
        "matrix": sparse.csr_matrix(held.astype(np.int8)), "least": least, "max_len": n_items,
        "kinds": np.zeros(n_items, np.int32), "quota": np.array([n_items]), "targets": None,
        "max_memory_gb": 1.0,
    }  # fmt: skip
    return Query(**settings | changed)


def rows_of(groups):
    return [
        (tuple(row), int(n))
        for members, counts in groups
        for row, n in zip(members.tolist(), counts.tolist(), strict=True)
    ]


def drawn(seed):
    """Return dense baskets with items that go together, one in all baskets, and equal rows."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 200)), int(rng.integers(1, 11))
    held = rng.random((n, m)) < rng.random(m)
    if m > 3:
        held[:, 1] = held[:, 0]
        held[:, 2] |= held[:, 3]
    if seed % 3 == 0:
        held[:, -1] = True
    return held[rng.integers(0, n, n)]


@pytest.mark.parametrize("seed", range(60))
def test_closed_and_maximal_are_those_among_all_frequent_sets(seed):
    held = drawn(seed)
    for least in (1, 2, max(1, len(held) // 10), max(1, len(held) // 2), len(held) + 1):
        query = query_of(held, least)
        frequent = run(query, threads=1)
        assert rows_of(mine_closed(query, maximal=False)) == rows_of(closed(frequent))
        assert rows_of(mine_closed(query, maximal=True)) == rows_of(maximal(frequent))


def test_only_sets_of_any_shape_in_dense_baskets_are_searched_so():
    dense = np.ones((40, 5), bool)
    assert is_dense(query_of(dense, 2))
    assert not is_dense(query_of(dense, 2, max_len=3))
    assert not is_dense(query_of(dense, 2, quota=np.array([1])))
    assert not is_dense(query_of(dense, 2, targets=np.ones(5, bool)))
    assert not is_dense(query_of(dense, 2, max_memory_gb=1e-7))
    assert not is_dense(query_of(np.eye(40, dtype=bool), 1))


def test_more_sets_than_fit_are_refused():
    held = ~np.eye(16, dtype=bool)  # every set but the whole is closed
    with pytest.raises(ArgumentError, match="max_memory_gb"):
        mine_closed(query_of(held, 1, max_memory_gb=1e-4), maximal=False)


def test_many_closed_sets_that_frequent_ones_would_not_fit():
    held = np.zeros((60, 40), bool)
    held[:30] = True  # 2⁴⁰ frequent sets, one closed
    found = mine_closed(query_of(held, 20), maximal=False)
    assert rows_of(found) == [(tuple(range(40)), 30)]
