import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from clinnlp.risk.maps import Rise, mapped, rise_of, sigmoid_map, step_map, unit_of


def lost(scores, y, slope, shift, unit):
    """Return what the sigmoid minimises, from its definition."""
    p = expit(slope * scores + shift)
    prior = 3 * (slope / unit - 1 - np.log(slope / unit))
    return -np.sum(np.log(np.where(y, p, 1 - p))) + prior


@pytest.mark.parametrize("unit", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_no_sigmoid_is_likelier_under_the_prior(seed, unit):
    """Against a grid of slopes and intercepts; positives stand above at first, then below."""
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 4 == 0
    scores = rng.normal(size=40) + (0.5 - 0.25 * seed) * y
    made = sigmoid_map(scores, y, unit=unit)
    found = lost(scores, y, made.coef_[0, 0], made.intercept_[0], unit)
    for slope in np.geomspace(0.01, 10, 61):
        for shift in np.linspace(-4, 2, 61):
            assert lost(scores, y, slope, shift, unit) >= found - 1e-9


def test_without_a_signal_risks_are_spread_by_less_than_one_log_odds():
    """With as little as 20 rows, and with more by less."""
    spreads = []
    for n in (20, 200, 2000):
        rng = np.random.default_rng(n)
        maps = [
            sigmoid_map(s, rng.permutation(n) < n // 4, unit=unit_of(s)).coef_[0, 0]
            for s in rng.normal(size=(50, n))
        ]
        spreads.append(np.mean(maps))
    assert 1 > spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 0.15


def test_many_rows_overrule_the_prior():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000)
    y = rng.random(20_000) < expit(0.3 * scores - 1)
    made = sigmoid_map(scores, y, unit=1.0)
    free = LogisticRegression(C=1e9, tol=1e-9).fit(scores[:, None], y)
    np.testing.assert_allclose(made.coef_, free.coef_, atol=0.003)
    np.testing.assert_allclose(made.intercept_, free.intercept_, atol=0.003)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 10_000), height=st.sampled_from([1e-6, 1.0, 1e6]), shift=st.floats(-9, 9)
)
def test_scale_and_origin_of_decision_values_change_nothing(seed, height, shift):
    rng = np.random.default_rng(seed)
    s, y = rng.normal(size=30), np.arange(30) % 3 == 0
    other = height * (s + shift)
    p, q = (mapped(x, sigmoid_map(x, y, unit=unit_of(x))) for x in (s, other))
    np.testing.assert_allclose(q, p, rtol=1e-5)


@pytest.mark.parametrize("height", [1e-9, 1.0, 1e3, 1e9])
def test_extreme_scores_give_a_finite_map_that_rises(height):
    """Naive Bayes over many codes is sure by thousands of log odds."""
    scores = height * np.arange(-10.0, 10.0)
    for y in (scores >= 0, scores < 0, np.arange(20) == 13):
        made = sigmoid_map(scores, y, unit=1.0)
        assert np.isfinite([made.coef_[0, 0], made.intercept_[0]]).all()
        assert made.coef_[0, 0] > 0


def test_the_score_test_is_that_of_a_logistic_slope():
    rng = np.random.default_rng(1)
    s, y = rng.normal(size=200), rng.random(200) < 0.3
    assert rise_of(s, y).rises == (np.cov(s, y)[0, 1] > 0)
    assert rise_of(s - 3 * y, y) == Rise(rises=False, falls_beyond_doubt=True)
    assert rise_of(s + 3 * y, y) == Rise(rises=True, falls_beyond_doubt=False)
    assert rise_of(np.zeros(200), y).falls_beyond_doubt


def test_chance_alone_is_no_fall_beyond_doubt():
    rng = np.random.default_rng(2)
    y = np.arange(250) < 25
    found = [rise_of(rng.normal(size=250), y) for _ in range(1000)]
    assert sum(rise.falls_beyond_doubt for rise in found) < 8
    assert 400 < sum(rise.rises for rise in found) < 600


def test_steps_rise_and_stay_inside_with_weights_and_ties():
    rng = np.random.default_rng(3)
    for _ in range(50):
        s, y = rng.integers(0, 8, 30).astype(float), rng.random(30) < 0.2
        y[0] = True
        w = rng.integers(1, 4, 30)
        p = step_map(s, y, w.astype(float)).predict(np.arange(8.0))
        assert (np.diff(p) >= 0).all()
        assert ((p > 0) & (p < 1)).all()
        rows = np.repeat(np.arange(30), w)
        np.testing.assert_allclose(step_map(s[rows], y[rows]).predict(np.arange(8.0)), p)
