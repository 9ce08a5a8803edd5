"""Pair counts against the sparse product XᵀX."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.sets import pairs
from clinnlp.mine.sets.pairs import Across, count_together, pair_counts

HELD = hnp.arrays(
    np.int8, st.tuples(st.integers(0, 12), st.integers(0, 7)), elements=st.integers(0, 1)
)


@settings(max_examples=100, deadline=None)
@given(HELD, st.integers(1, 4), st.sampled_from([1.0, 1e-9, 3e-8]))
def test_pair_counts_are_the_product(held, min_count, band):
    matrix = sparse.csr_matrix(held)
    product = np.triu(held.astype(int).T @ held.astype(int), k=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "MAX_BAND_GB", band)
        found = pair_counts(matrix, min_count=min_count)
    assert found.toarray().tolist() == np.where(product >= min_count, product, 0).tolist()
    assert found.has_sorted_indices


def test_some_rows_and_unsorted_columns():
    rng = np.random.default_rng(2)
    held = (rng.random((60, 9)) < 0.4).astype(np.int8)
    matrix = sparse.csr_matrix(held)
    for t in range(60):
        row = slice(matrix.indptr[t], matrix.indptr[t + 1])
        matrix.indices[row] = matrix.indices[row][::-1].copy()
    matrix.has_sorted_indices = False
    rows = np.array([3, 4, 4, 50])
    found = count_together(matrix, rows)
    product = held[rows].astype(int).T @ held[rows].astype(int)
    first, second = np.triu_indices(9, k=1)
    assert found.of(first, second).tolist() == product[first, second].tolist()
    assert found.singles.tolist() == np.diag(product).tolist()
    assert found.n == 4


def test_a_count_below_one_is_refused():
    with pytest.raises(ArgumentError, match="min_count must be at least 1"):
        pair_counts(sparse.csr_matrix((2, 2)), min_count=0)


@pytest.mark.parametrize("seed", range(5))
def test_counts_across_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    held = rng.random((60, 9)) < rng.random(9)
    strata = rng.integers(0, 3, 60)
    first, second = np.array([0, 2, 5, 8]), np.array([1, 2, 7])
    across = Across(sparse.csr_matrix(held), first, second, strata)
    for low, high in ((0, 4), (1, 3), (2, 2)):
        table = across.of(low, high)
        for s in range(3):
            here = held[strata == s]
            expected = here[:, first[low:high]].T.astype(int) @ here[:, second].astype(int)
            np.testing.assert_array_equal(table[s], expected)
    for s in range(3):
        assert across.n[s] == (strata == s).sum()
        assert (across.n_first[s] == held[strata == s][:, first].sum(axis=0)).all()
        assert (across.n_second[s] == held[strata == s][:, second].sum(axis=0)).all()
