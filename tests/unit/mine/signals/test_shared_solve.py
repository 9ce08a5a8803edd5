"""Solutions from one inverse against each model's own equations."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.mine.signals.shared_solve import LeftOut, SharedSolve

RIDGE = 1e-6


def models(seed, n, *, alike):
    """Draw rows with a first column of ones, two columns alike or not, and rows to leave out."""
    rng = np.random.default_rng(seed)
    x = (rng.random((400, 30)) < 0.15).astype(float)
    x[:, 0] = 1
    x[0, 29], x[1:, 29] = 1, 0  # a column of one row
    if alike:
        x[:, 8] = x[:, 7]
    out = [np.union1d([0], rng.choice(400, rng.integers(1, 25), replace=False)) for _ in range(n)]
    return rng, x, out


def solved(x, out, sides):
    left = [LeftOut(rows=sparse.csr_matrix(x[z]), times=np.ones(len(z))) for z in out]
    return SharedSolve(x.T @ x, ridge=RIDGE).solve(left, sides)


@pytest.mark.parametrize("n", [1, 3, 40])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_each_models_own_solution(seed, n):
    rng, x, out = models(seed, n, alike=False)
    sides = [rng.normal(size=(30, 3)) for _ in out]
    for z, b, found in zip(out, sides, solved(x, out, sides), strict=True):
        rest = np.delete(x, z, axis=0)[:, :29]
        own = np.linalg.solve(rest.T @ rest + RIDGE * np.eye(29), b[:29])
        np.testing.assert_allclose(found[:29], own, rtol=1e-10, atol=1e-12)
        assert not found[29].any()  # only the rows left out hold it


@pytest.mark.parametrize("n", [1, 40])
def test_what_only_the_ridge_tells_apart_predicts_as_well(n):
    rng, x, out = models(9, n, alike=True)
    sides = [np.delete(x, z, axis=0).T @ rng.random((400 - len(z), 1)) for z in out]
    for z, b, found in zip(out, sides, solved(x, out, sides), strict=True):
        rest = np.delete(x, z, axis=0)
        own = np.linalg.lstsq(rest, np.linalg.lstsq(rest.T, b, rcond=None)[0], rcond=None)[0]
        np.testing.assert_allclose(rest @ found, rest @ own, rtol=1e-6, atol=1e-6)
