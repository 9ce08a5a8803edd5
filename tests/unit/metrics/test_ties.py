"""The two logistic fits behind calibration slope and intercept, beside scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clinnlp.metrics.ties import Tied, fit_offset, fit_slope


@pytest.mark.parametrize("seed", range(8))
def test_slope_equals_unpenalised_logistic_regression(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.normal(rng.uniform(-6, 2), rng.uniform(0.3, 4), 60))
    y = rng.random(60) < 1 / (1 + np.exp(-(0.4 * x + 1)))
    y[:2], y[-2:] = (True, False), (False, True)
    weights = rng.integers(0, 4, 60).astype(float) + 1
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
    model.fit(x[:, None], y, sample_weight=weights)
    a, b = fit_slope(x, weights * y, weights * ~y)
    assert (a, b) == (
        pytest.approx(model.intercept_[0], abs=1e-4),
        pytest.approx(model.coef_[0, 0], abs=1e-4),
    )


@pytest.mark.parametrize("start", [0.0, 40.0, -40.0])
def test_offset_solves_its_equation_from_any_start(start):
    x = np.linspace(-13, 13, 50)
    positive, negative = np.ones(50), np.full(50, 9.0)
    a = fit_offset(x, positive, negative, start=start)
    assert (10 / (1 + np.exp(-(a + x)))).sum() == pytest.approx(50)


def test_a_weight_is_a_repetition():
    y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.2, 0.6, 0.9])
    times = np.array([3, 1, 2, 2])
    weighted = Tied(y, p).scores(times.astype(float))
    repeated = Tied(np.repeat(y, times), np.repeat(p, times)).scores(np.ones(8))
    assert weighted == pytest.approx(repeated)
