"""Baskets with the same items as one row with a multiplicity, and sums over such rows."""

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Floats, Ints, Ints32
from clinnlp.core.compiled import compiled

__all__ = ["LANES", "distinct_rows", "spreads"]

LANES = 8  # models whose sums are taken together: their numbers stand side by side


def distinct_rows(x: sparse.csr_matrix) -> tuple[sparse.csr_matrix, Ints, Floats]:
    """Return the distinct rows of a 0/1 matrix, which of them each row is, and how often each is.

    Rows are told apart by sums of a random number per column. Where two different rows had one
    sum, which is seen, every row stands for itself.

    Examples
    --------
    >>> x = sparse.csr_matrix(np.array([[1, 0], [1, 1], [1, 0]]))
    >>> rows, row_of, times = distinct_rows(x)
    >>> rows[row_of].toarray().tolist(), sorted(times.tolist())
    ([[1, 0], [1, 1], [1, 0]], [1.0, 2.0])
    """
    x = x.sorted_indices()
    marks = np.random.default_rng(0).integers(0, 1 << 63, size=x.shape[1], dtype=np.uint64)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(marks[x.indices], dtype=np.uint64)])
    keys = sums[x.indptr[1:]] - sums[x.indptr[:-1]]
    _, first, row_of, times = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    rows = x[first]
    again = rows[row_of]
    if not (np.array_equal(again.indptr, x.indptr) and np.array_equal(again.indices, x.indices)):
        rows, row_of, times = x, np.arange(x.shape[0]), np.ones(x.shape[0])
    return rows, row_of.astype(np.int64), times.astype(np.float64)


@compiled
def spreads(
    indptr: Ints,
    items: Ints32,
    times: Floats,
    weights: Array,
    beta: Array,
    rows: Ints,
    lanes: Ints,
    more: Array,
    gone: Bools,
) -> Floats:
    """Return Σ over rows of times · w² p (1 − p) of each lane, w = x·weights, p = x·beta in [0, 1].

    Parameters
    ----------
    indptr, items, times : arrays
        The rows, each with how often it is.
    weights, beta : array of float64, shape (n_columns, LANES)
    rows, lanes : array of int64, shape (n,)
        Places that differ, by rising row.
    more : array of float64, shape (n, 2)
        What is added there to x·weights and x·beta.
    gone : array of bool, shape (n,)
        Whether the row is left out there.
    """
    total, w, risk = np.zeros(LANES), np.empty(LANES), np.empty(LANES)
    at = 0
    for t in range(len(times)):
        w[:] = 0.0
        risk[:] = 0.0
        for k in range(indptr[t], indptr[t + 1]):
            for i in range(LANES):
                w[i] += weights[items[k], i]
                risk[i] += beta[items[k], i]
        while at < len(rows) and rows[at] == t:
            i = lanes[at]
            w[i] = 0.0 if gone[at] else w[i] + more[at, 0]
            risk[i] += more[at, 1]
            at += 1
        for i in range(LANES):
            p = min(max(risk[i], 0.0), 1.0)
            total[i] += times[t] * w[i] * w[i] * p * (1.0 - p)
    return total
