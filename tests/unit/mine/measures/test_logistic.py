"""Penalised logistic regression against scikit-learn, and against the saturated model."""

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.linear_model import LogisticRegression

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.logistic import fit_logistic


def draw(seed, n=3000):
    rng = np.random.default_rng(seed)
    x = (rng.random((n, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.4]).astype(float)
    odds = x @ [1.0, -0.5, 0.3, 0.0, 2.0, 0.0] - 2
    return sparse.csr_matrix(x), (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("ridge", [0.05, 3.0])
def test_it_is_scikit_learns(ridge):
    x, y = draw(0)
    peer = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=2000).fit(x, y)
    fit = fit_logistic(x, y, ridge=ridge)
    np.testing.assert_allclose(fit.beta, peer.coef_[0], atol=1e-5)
    assert fit.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)


def test_one_column_has_woolfs_interval():
    x = sparse.csr_matrix(np.repeat([[1.0], [0.0]], [100, 400], axis=0))
    y = np.concatenate([np.repeat([1.0, 0.0], [30, 70]), np.repeat([1.0, 0.0], [40, 360])])
    fit = fit_logistic(x, y, ridge=1e-9)
    assert fit.odds_ratio[0] == pytest.approx(30 * 360 / (70 * 40), rel=1e-6)
    assert fit.error[0] == pytest.approx(np.sqrt(1 / 30 + 1 / 70 + 1 / 40 + 1 / 360), rel=1e-6)
    low, high = fit.interval()
    assert low[0] < fit.odds_ratio[0] < high[0]
    assert fit.p_greater[0] == pytest.approx(stats.norm.sf(fit.beta[0] / fit.error[0]))


def test_an_item_that_always_meets_the_outcome_stays_finite():
    x = sparse.csr_matrix(np.repeat([[1.0], [0.0]], [20, 400], axis=0))
    y = np.concatenate([np.ones(20), np.repeat([1.0, 0.0], [10, 390])])
    fit = fit_logistic(x, y, ridge=0.1)
    assert 20 < fit.odds_ratio[0] < 1e6
    assert np.isfinite(fit.error).all()


def test_bad_input_is_refused():
    x, y = draw(1, 50)
    with pytest.raises(ArgumentError, match="both 0 and 1"):
        fit_logistic(x, np.ones(50))
    with pytest.raises(ArgumentError, match="ridge"):
        fit_logistic(x, y, ridge=0)
