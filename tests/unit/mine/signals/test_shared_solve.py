"""Solutions from one inverse against each model's own equations."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.mine.signals import shared_solve
from clinnlp.mine.signals.shared_solve import Border, LeftOut, SharedSolve

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


def with_terms(seed, n, *, alike):
    """Draw models with four terms, which some share; each leaves out all rows of one of them."""
    rng, x, out = models(seed, n, alike=False)
    made = []
    for k, z in enumerate(out):
        if k % 3 == 0:
            terms = (rng.random((400, 4)) < 0.1).astype(float)
            terms[:, 3] = terms[:, 2] if alike else terms[:, 3]
            border = Border(cross=x.T @ terms, gram=terms.T @ terms)
        gone = np.union1d(z, np.flatnonzero(terms[:, k % 2]))
        both = np.concatenate([x, terms], axis=1)
        left = LeftOut(rows=sparse.csr_matrix(both[gone]), times=np.ones(len(gone)))
        made.append((np.delete(both, gone, axis=0), left, border))
    return rng, x, made


@pytest.mark.parametrize("n", [1, 40])  # one is factorized, many are solved beside each other
@pytest.mark.parametrize("seed", range(3))
def test_terms_are_as_columns_of_the_models_own(seed, n):
    rng, x, made = with_terms(seed, n, alike=False)
    sides = [rng.normal(size=(34, 3)) for _ in made]
    rests, left, borders = zip(*made, strict=True)
    found = SharedSolve(x.T @ x, ridge=RIDGE).solve(left, sides, borders)
    for rest, b, each in zip(rests, sides, found, strict=True):
        held = rest.any(axis=0)
        assert not held.all()
        own = rest[:, held]
        own = np.linalg.solve(own.T @ own + RIDGE * np.eye(held.sum()), b[held])
        np.testing.assert_allclose(each[held], own, rtol=1e-9, atol=1e-11)
        assert not each[~held].any()


def test_terms_that_only_the_ridge_tells_apart_predict_as_well():
    rng, x, made = with_terms(5, 12, alike=True)
    rests, left, borders = zip(*made, strict=True)
    sides = [rest.T @ rng.random((len(rest), 1)) for rest in rests]
    found = SharedSolve(x.T @ x, ridge=RIDGE).solve(left, sides, borders)
    for rest, b, each in zip(rests, sides, found, strict=True):
        own = np.linalg.lstsq(rest, np.linalg.lstsq(rest.T, b, rcond=None)[0], rcond=None)[0]
        np.testing.assert_allclose(rest @ each, rest @ own, rtol=1e-6, atol=1e-6)


def test_what_does_not_come_near_in_time_is_factorized(monkeypatch):
    rng, x, out = models(3, 8, alike=False)
    sides = [rng.normal(size=(30, 2)) for _ in out]
    right = solved(x, out, sides)
    monkeypatch.setattr(shared_solve, "_MOST", 1)
    for one, other in zip(right, solved(x, out, sides), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
