"""Bootstrap weights, percentile intervals and Wilson's interval."""

import numpy as np
import pytest
from scipy.stats import binomtest

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import (
    bootstrap_draws,
    bootstrap_weights,
    cluster_codes,
    percentile_interval,
    wilson_bounds,
    wilson_interval,
)


def test_clusters_are_numbered_in_order_and_missing_ones_stand_alone():
    codes, n = cluster_codes(np.array(["b", None, "a", "b", None], object), 5)
    assert codes.tolist() == [0, 1, 2, 0, 3]
    assert n == 4
    codes, n = cluster_codes(np.array([1.0, np.nan, 1.0, np.nan]), 4)
    assert codes.tolist() == [0, 1, 0, 2]
    assert cluster_codes(None, 3)[0].tolist() == [0, 1, 2]


def test_clusters_of_another_length_are_refused():
    with pytest.raises(ArgumentError, match="one entry per row, got 2 for 3"):
        cluster_codes(["a", "b"], 3)


def test_weights_sum_to_the_clusters_and_repeat_under_one_seed():
    first = list(bootstrap_weights(7, n_boot=5, seed=1))
    again = list(bootstrap_weights(7, n_boot=5, seed=1))
    other = list(bootstrap_weights(7, n_boot=5, seed=2))
    assert all(w.sum() == 7 for w in first)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bootstrap_of_a_mean_has_its_standard_error():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    draws = bootstrap_draws(lambda w: w @ x / 400, 400, n_boot=2000, seed=0)
    assert draws.shape == (2000, 1)
    assert draws.std() == pytest.approx(x.std() / 20, rel=0.1)
    estimate = percentile_interval(x.mean(), draws)
    assert estimate.low == pytest.approx(x.mean() - 1.96 * x.std() / 20, abs=0.02)
    assert estimate.high == pytest.approx(x.mean() + 1.96 * x.std() / 20, abs=0.02)


def test_undefined_draws_are_left_out_and_counted():
    estimate = percentile_interval(0.5, [0.4, np.nan, 0.6], unit="patient")
    assert (estimate.low, estimate.high) == (pytest.approx(0.405), pytest.approx(0.595))
    assert estimate.method == "percentile bootstrap by patient, 3 resamples (1 undefined left out)"


def test_infinite_draws_stay_infinite():
    estimate = percentile_interval(2.0, [1.0, 2.0, np.inf, np.inf])
    assert (estimate.low, estimate.high) == (1.0, np.inf)


@pytest.mark.parametrize(("value", "draws"), [(0.5, []), (0.5, [np.nan]), (np.nan, [0.4, 0.6])])
def test_without_a_value_or_draws_the_ends_are_nan(value, draws):
    estimate = percentile_interval(value, draws)
    assert np.isnan(estimate.low)
    assert np.isnan(estimate.high)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (3, 7), (50, 50), (1, 1000)])
def test_wilson_equals_scipy(k, n):
    ours, theirs = wilson_interval(k, n), binomtest(k, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_wilson_of_no_trials_is_nan_and_of_too_many_successes_refused():
    assert np.isnan(wilson_bounds([0], [0])).all()
    with pytest.raises(ArgumentError, match="got 3 of 2"):
        wilson_interval(3, 2)


@pytest.mark.parametrize("level", [0, 1, 1.2, float("nan")])
def test_a_level_outside_the_open_interval_is_refused(level):
    with pytest.raises(ArgumentError, match="level must lie strictly between 0 and 1"):
        wilson_interval(1, 2, level=level)
    with pytest.raises(ArgumentError, match="n_boot must be at least 0"):
        bootstrap_draws(np.sum, 3, n_boot=-1, seed=0)


def test_a_negative_seed_is_refused():
    with pytest.raises(ArgumentError, match="seed must be at least 0, got -1"):
        bootstrap_draws(lambda w: w.sum(), 3, n_boot=1, seed=-1)
