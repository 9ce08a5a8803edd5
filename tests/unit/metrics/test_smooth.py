"""The smooth calibration curve, against a fit of the same splines made in another way."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import expit, logit

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.smooth import smooth_calibration


def sample(n=600, seed=0, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.2, n)
    return (rng.random(n) < expit(slope * x + shift)).astype(int), expit(x)


def by_natural_splines(y, p):
    """Return the curve at p: natural splines that are 1 at one knot each, fitted by BFGS."""
    x = logit(p)
    knots = np.quantile(x, [0.05, 0.35, 0.65, 0.95])
    columns = []
    for k in range(4):
        spline = CubicSpline(knots, np.eye(4)[k], bc_type="natural")
        inside = np.clip(x, knots[0], knots[-1])
        columns.append(spline(inside) + spline(inside, 1) * (x - inside))
    basis = np.column_stack(columns)

    def loss(b):
        z = basis @ b
        return np.sum(np.logaddexp(0, z) - y * z), basis.T @ (expit(z) - y)

    found = minimize(loss, np.zeros(4), jac=True, options={"gtol": 1e-9, "maxiter": 10_000})
    return expit(basis @ found.x)


@pytest.mark.parametrize("how", [{}, {"slope": 0.4}, {"shift": 1.0}])
def test_ici_and_expected_over_observed_equal_an_independent_fit(how):
    y, p = sample(**how)
    found = smooth_calibration(y, p, n_boot=0)
    far = np.abs(p - by_natural_splines(y, p))
    assert found.ici.value == pytest.approx(far.mean(), abs=1e-6)
    assert found.e50.value == pytest.approx(np.quantile(far, 0.5, method="inverted_cdf"), abs=1e-6)
    assert found.e90.value == pytest.approx(np.quantile(far, 0.9, method="inverted_cdf"), abs=1e-6)
    assert found.expected_observed.value == pytest.approx(p.sum() / y.sum(), abs=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "n", "seed"), [(0.1, 0.2, 40, 1), (0.1, 0.2, 100, 15), (0.01, 0.05, 300, 0)]
)
def test_risks_in_a_narrow_range_have_the_ici_of_an_unpenalised_fit(low, high, n, seed):
    """There the columns of the spline nearly are sums of each other."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.uniform(low, high, n), 3)
    y = (rng.random(n) < 1.5 * p).astype(int)
    found = smooth_calibration(y, p, n_boot=0)
    assert found.ici.value == pytest.approx(np.abs(p - by_natural_splines(y, p)).mean(), abs=1e-6)


def test_the_curve_finds_a_planted_distortion_and_its_band_holds_the_truth():
    y, p = sample(5000, slope=0.5, shift=0.3)
    found = smooth_calibration(y, p, n_boot=100)
    truth = expit(0.5 * logit(found.predicted) + 0.3)
    middle = slice(3, 40)  # few rows lie at the ends
    assert np.abs(found.observed - truth)[middle].max() < 0.05
    assert np.mean((found.low < truth) & (truth < found.high)) > 0.8
    assert (found.low <= found.observed).all()
    assert (found.observed <= found.high).all()
    right = smooth_calibration(*sample(5000), n_boot=100)
    assert right.ici.high < found.ici.low


def test_one_step_of_a_resample_is_near_its_refit():
    """The spread of E/O needs no curve; that of the ICI is compared with whole refits."""
    y, p = sample(slope=0.5)
    found = smooth_calibration(y, p, n_boot=60)
    rng = np.random.default_rng(0)
    refits = []
    for _ in range(60):  # the same resamples
        rows = np.repeat(np.arange(600), np.bincount(rng.integers(0, 600, 600), minlength=600))
        refits.append(smooth_calibration(y[rows], p[rows], n_boot=0).ici.value)
    low, high = np.quantile(refits, [0.025, 0.975])
    assert (found.ici.low, found.ici.high) == pytest.approx((low, high), abs=0.01)


def test_rows_of_a_patient_are_drawn_together():
    y, p = sample(300)
    one = smooth_calibration(y, p, n_boot=50)
    three = smooth_calibration(
        np.tile(y, 3), np.tile(p, 3), groups=np.tile(np.arange(300), 3), n_boot=50
    )
    ours, theirs = one.expected_observed, three.expected_observed
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert one.low == pytest.approx(three.low, abs=0.01)  # quantiles of copies lie elsewhere


def test_equal_predictions_one_class_and_separation_have_a_curve_or_none():
    flat = smooth_calibration([0, 1, 1, 0, 1], [0.5] * 5, n_boot=20)
    assert flat.ici.value == pytest.approx(0.1, abs=1e-6)
    nothing = smooth_calibration([0, 0, 0], [0.1, 0.2, 0.3])
    assert np.isnan(nothing.ici.value)
    assert nothing.expected_observed.value == np.inf
    apart = smooth_calibration([0] * 20 + [1] * 20, np.linspace(0.1, 0.9, 40), n_boot=20)
    assert np.isfinite(apart.observed).all()
    with pytest.raises(ArgumentError, match="n_knots must be 3, 4 or 5, got 2"):
        smooth_calibration([0, 1], [0.1, 0.9], n_knots=2)
