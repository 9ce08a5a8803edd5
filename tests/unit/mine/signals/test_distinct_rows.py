"""Distinct rows against numpy's, and sums over them against dense arithmetic."""

import numpy as np
from scipy import sparse

from clinnlp.mine.signals.distinct_rows import LANES, distinct_rows, spreads


def test_rows_are_numpys():
    held = np.random.default_rng(0).random((500, 7)) < 0.3
    rows, row_of, times = distinct_rows(sparse.csr_matrix(held))
    expected, counts = np.unique(held, axis=0, return_counts=True)
    assert (rows[row_of].toarray() == held).all()
    assert rows.shape == expected.shape
    assert sorted(times.tolist()) == sorted(counts.tolist())


def test_no_rows_and_no_columns_are_fine():
    for shape in ((0, 3), (4, 0), (0, 0)):
        rows, row_of, times = distinct_rows(sparse.csr_matrix(shape))
        assert rows.shape == (min(shape[0], 1), shape[1])
        assert (len(row_of), times.sum()) == (shape[0], shape[0])


def test_spreads_are_the_dense_sums():
    rng = np.random.default_rng(1)
    x = sparse.csr_matrix((rng.random((60, 5)) < 0.4).astype(float))
    times, weights = rng.integers(1, 9, 60).astype(float), rng.normal(size=(5, LANES))
    beta = rng.normal(size=(5, LANES))
    rows, lanes = np.array([3, 3, 40]), np.array([0, 2, 0])
    more, gone = rng.normal(size=(3, 2)), np.array([False, True, False])
    w, p = x @ weights, x @ beta
    w[rows, lanes] += more[:, 0]
    p[rows, lanes] += more[:, 1]
    w[3, 2], p = 0, np.clip(p, 0, 1)
    of_rows = x.indptr.astype(np.int64), x.indices.astype(np.int32), times
    found = spreads(*of_rows, weights, beta, rows, lanes, more, gone)
    np.testing.assert_allclose(found, times @ (w**2 * p * (1 - p)), rtol=1e-12)
