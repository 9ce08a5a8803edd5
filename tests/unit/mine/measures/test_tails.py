"""The two upper tails against scipy, on random arguments and at the ends of the support."""

import numpy as np
import pytest
from scipy import stats

from clinnlp.mine.measures.tails import beta_binomial_sf, hypergeometric_sf


def test_beta_binomial_is_scipys():
    rng = np.random.default_rng(0)
    n = rng.integers(1, 150, 400)
    x = rng.integers(0, n + 1)
    a, b = rng.uniform(0.2, 40, 400), rng.uniform(0.2, 400, 400)
    expected = stats.betabinom.sf(x - 1, n, a, b)
    np.testing.assert_allclose(beta_binomial_sf(x, n, a, b), expected, rtol=1e-7, atol=1e-10)


def test_hypergeometric_is_scipys():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 3000, 200)
    n_a, n_b = rng.integers(0, n + 1), rng.integers(0, n + 1)
    x = rng.integers(0, np.minimum(n_a, n_b) + 2)
    expected = stats.hypergeom.sf(x - 1, n, n_a, n_b)
    np.testing.assert_allclose(hypergeometric_sf(x, n, n_a, n_b), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("x", "p"), [(-1, 1.0), (0, 1.0), (6, 0.0)])
def test_outside_the_support(x, p):
    assert beta_binomial_sf(x, 5, 2.0, 3.0) == p
    assert hypergeometric_sf(x, 20, 5, 8) == p


def test_shapes_broadcast():
    assert beta_binomial_sf(np.arange(3)[:, None], 5, np.ones(4), 1.0).shape == (3, 4)
    assert hypergeometric_sf(np.array([], int), 5, 2, 2).shape == (0,)
