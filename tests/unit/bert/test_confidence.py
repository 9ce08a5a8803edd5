"""Calibration of mention scores: what it recovers, and that it keeps the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from clinnlp.bert.confidence import Calibration, calibrated, fit_calibration, fit_threshold


def test_a_known_distortion_is_undone():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 4, 20_000)
    right = rng.random(len(z)) < expit(0.4 * z - 0.5)
    made = fit_calibration(expit(z), right)
    assert made == pytest.approx((0.4, -0.5), abs=0.05)
    p = calibrated(expit(z), made)
    for low in np.arange(0.1, 0.9, 0.2):
        inside = (p >= low) & (p < low + 0.2)
        assert right[inside].mean() == pytest.approx(p[inside].mean(), abs=0.03)


def test_few_mentions_change_little_and_none_nothing():
    assert fit_calibration([], []) == Calibration(1.0, 0.0)
    one = fit_calibration([0.9], [False])
    assert 0.3 < calibrated([0.9], one)[0] < 0.9


@given(
    p=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    scale=st.floats(0.05, 5),
    shift=st.floats(-3, 3),
)
def test_order_is_kept_and_probabilities_stay_inside(p, scale, shift):
    out = calibrated(sorted(p), Calibration(scale, shift))
    assert np.all(np.diff(out) >= 0)
    assert np.all((out > 0) & (out < 1))


def test_all_right_or_all_wrong_has_a_finite_answer():
    for answer in (True, False):
        made = fit_calibration([0.5, 0.9, 1.0, 0.0], [answer] * 4)
        assert np.isfinite(made).all()


@given(
    mentions=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=12),
    n_missed=st.integers(0, 5),
)
def test_the_least_score_is_half_of_the_best_f1(mentions, n_missed):
    n_gold = sum(right for _, right in mentions) + n_missed
    best = 0.0
    for limit, _ in mentions:
        kept = [right for score, right in mentions if score >= limit]
        best = max(best, 2 * sum(kept) / (len(kept) + n_gold))
    scores, right = zip(*mentions, strict=True)
    made = fit_threshold(scores, right, n_gold)
    # among equal scores the limit may fall anywhere
    assert best / 2 <= made + 1e-12
    if len(set(scores)) == len(scores):
        assert made == pytest.approx(best / 2)


def test_leaving_out_what_scores_less_raises_the_f1_of_other_mentions():
    rng = np.random.default_rng(0)
    p = rng.beta(0.6, 0.5, 20_000)
    right = rng.random(len(p)) < p
    n_gold = int(right[:10_000].sum() * 1.1)
    least = fit_threshold(p[:10_000], right[:10_000], n_gold)

    def f1(limit):
        kept = p[10_000:] >= limit
        return 2 * right[10_000:][kept].sum() / (kept.sum() + n_gold)

    best = max(f1(limit) for limit in np.linspace(0, 1, 101))
    assert f1(0) + 0.01 < f1(least)
    assert f1(least) == pytest.approx(best, abs=0.003)


def test_with_no_mention_found_nothing_is_left_out():
    assert fit_threshold([], [], 3) == 0.0
