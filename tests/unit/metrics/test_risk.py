"""Risk scores: limits, clusters, curves, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.risk import (
    SCORES,
    calibration_curve,
    pr_curve,
    roc_curve,
    score_risk,
)


def sample(n=500, seed=0, slope=1.0, shift=0.0):
    """Outcomes drawn from known risks; predictions distorted by 1 / slope and -shift."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.2, n)
    return (rng.random(n) < expit(x)).astype(int), expit((x - shift) / slope)


def test_auroc_equals_its_definition_by_pairs():
    y, p = sample(80)
    p = p.round(1)
    up, down = p[y == 1][:, None], p[y == 0][None, :]
    wins = (up > down).mean() + (up == down).mean() / 2
    assert score_risk(y, p, n_boot=0).auroc.value == pytest.approx(wins)


def test_calibration_recovers_a_planted_distortion():
    y, p = sample(40_000, slope=0.5)
    assert score_risk(y, p, n_boot=0).calibration_slope.value == pytest.approx(0.5, abs=0.02)
    y, p = sample(40_000, shift=0.7)
    scores = score_risk(y, p, n_boot=20)
    assert scores.calibration_intercept.value == pytest.approx(0.7, abs=0.05)
    assert scores.calibration_slope.value == pytest.approx(1, abs=0.05)
    assert scores.calibration_intercept.low < 0.7 < scores.calibration_intercept.high


def test_one_class_is_nan_with_the_reason():
    scores = score_risk([0, 0, 0], [0.1, 0.2, 0.3])
    assert np.isnan(scores.auroc.value)
    assert "only one class" in scores.auroc.method
    assert "only one class" in scores.calibration_slope.method
    assert scores.brier.value == pytest.approx(0.14 / 3)
    assert scores.brier.low <= scores.brier.value <= scores.brier.high
    assert [row["score"] for row in scores.rows()] == list(SCORES)


def test_resamples_with_one_class_are_left_out_and_counted():
    scores = score_risk([1, 0, 0], [0.4, 0.2, 0.6], n_boot=200)
    assert "undefined left out" in scores.auroc.method
    assert "undefined" not in scores.brier.method


def test_limits_stay_infinite():
    apart = score_risk([0, 0, 1], [0.1, 0.2, 0.9], n_boot=0)
    assert apart.calibration_slope.value == np.inf
    assert score_risk([1, 1, 0], [0.1, 0.2, 0.9], n_boot=0).calibration_slope.value == -np.inf
    wrong = score_risk([1, 0, 1], [0.0, 0.2, 0.9], n_boot=0)
    assert wrong.log_loss.value == np.inf
    assert np.isfinite(wrong.calibration_intercept.value)
    assert score_risk([0, 1], [0.0, 1.0], n_boot=0).log_loss.value == 0


def test_equal_predictions_have_no_slope():
    scores = score_risk([0, 1, 1], [0.5, 0.5, 0.5], n_boot=10)
    assert np.isnan(scores.calibration_slope.value)
    assert scores.auroc.value == 0.5
    assert scores.calibration_intercept.value == pytest.approx(np.log(2))


def test_clusters_are_drawn_together():
    y, p = sample(200)
    one = score_risk(y, p, n_boot=200)
    five = score_risk(np.tile(y, 5), np.tile(p, 5), groups=list(range(200)) * 5, n_boot=200)
    assert five.n_groups == 200
    assert five.n == 1000
    for name in SCORES:
        ours, theirs = getattr(one, name), getattr(five, name)
        assert (ours.value, ours.low, ours.high) == pytest.approx(
            (theirs.value, theirs.low, theirs.high), rel=1e-6
        )


def test_a_seed_repeats_and_another_differs():
    y, p = sample(100)
    first = score_risk(y, p, n_boot=50, seed=1)
    assert first == score_risk(y, p, n_boot=50, seed=1)
    assert first.auroc.low != score_risk(y, p, n_boot=50, seed=2).auroc.low


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])),
        min_size=1,
        max_size=30,
    )
)
def test_scores_never_crash_and_keep_their_ranges(rows):
    y, p = zip(*rows, strict=True)
    scores = score_risk(y, p, n_boot=3)
    for name in ("auroc", "auprc", "brier"):
        value = getattr(scores, name).value
        assert np.isnan(value) or -1e-12 <= value <= 1 + 1e-12
    flipped = score_risk(y, 1 - np.array(p), n_boot=0).auroc.value
    assert np.isnan(flipped) or flipped == pytest.approx(1 - scores.auroc.value)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([], [], "not empty"),
        ([0, 1], [0.1], "equally long"),
        ([[0, 1]], [[0.1, 0.2]], "one-dimensional"),
        ([0, 2], [0.1, 0.2], "0 and 1 only"),
        (["0", "1"], [0.1, 0.2], "0 and 1 only"),
        ([0, 1], [0.1, 1.2], "between 0 and 1"),
        ([0, 1], [0.1, np.nan], "between 0 and 1"),
    ],
)
def test_unusable_input_is_refused(y, p, message):
    with pytest.raises(ArgumentError, match=message):
        score_risk(y, p)


def test_curves_start_and_end_where_they_must():
    y, p = sample(300)
    roc = roc_curve(y, p)
    assert (roc.fpr[0], roc.tpr[0], roc.fpr[-1], roc.tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(roc.fpr) >= 0).all()
    assert (np.diff(roc.tpr) >= 0).all()
    assert np.trapezoid(roc.tpr, roc.fpr) == pytest.approx(score_risk(y, p, n_boot=0).auroc.value)
    pr = pr_curve(y, p)
    assert pr.recall[-1] == 1
    assert pr.precision[-1] == pytest.approx(y.mean())
    assert np.isnan(roc_curve([1, 1], [0.1, 0.2]).fpr[1:]).all()


def test_calibration_bins_have_equal_mass_and_keep_ties_together():
    y, p = sample(1000)
    curve = calibration_curve(y, p, n_bins=10)
    assert curve.n.tolist() == [100] * 10
    assert (np.diff(curve.predicted) > 0).all()
    assert curve.n_positive.sum() == y.sum()
    assert (curve.low <= curve.observed).all()
    assert (curve.observed <= curve.high).all()
    tied = calibration_curve([0, 1, 0, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.9], n_bins=4)
    assert tied.n.tolist() == [4, 1]


def test_calibration_intervals_widen_with_the_clusters():
    y, p = sample(400)
    once = calibration_curve(y, p, n_bins=4)
    four = calibration_curve(
        np.repeat(y, 4), np.repeat(p, 4), groups=np.repeat(np.arange(400), 4), n_bins=4
    )
    assert four.low == pytest.approx(once.low)
    assert four.high == pytest.approx(once.high)
    with pytest.raises(ArgumentError, match="n_bins"):
        calibration_curve(y, p, n_bins=0)


def test_clusters_that_differ_less_than_chance_make_no_bin_surer():
    """Each patient has one row with the outcome and one without: the design effect stays 1."""
    y, p = np.tile([0, 1], 40), np.full(80, 0.5)
    apart = calibration_curve(y, p, n_bins=1)
    together = calibration_curve(y, p, groups=np.repeat(np.arange(40), 2), n_bins=1)
    assert (together.low, together.high) == (apart.low, apart.high)


def test_within_strata_the_auroc_is_that_of_pairs_of_one_stratum():
    y, p = sample(120)
    p, strata = p.round(1), np.arange(120) % 7
    shifted = np.clip(p + strata / 100, 0, 1)  # models that say different things
    up, down = p[y == 1][:, None], p[y == 0][None, :]
    same = strata[y == 1][:, None] == strata[y == 0][None, :]
    wins = ((up > down) + (up == down) / 2)[same].mean()
    for risks in (p, shifted):
        found = score_risk(y, risks, strata=strata, n_boot=50)
        assert found.auroc.value == pytest.approx(wins)
        assert found.auroc.low < wins < found.auroc.high
    alone = score_risk(y, p, strata=np.zeros(120, int), n_boot=20)
    assert alone == score_risk(y, p, n_boot=20)
    assert np.isnan(score_risk([0, 1], [0.2, 0.7], strata=[0, 1], n_boot=0).auroc.value)
