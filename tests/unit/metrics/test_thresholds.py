"""Alerts at thresholds and the decision curve, against their definitions counted row by row."""

import numpy as np
import pytest
from scipy.special import expit

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.thresholds import AT_THRESHOLD, score_thresholds

AT = [0.3, 0.05, 0.5, 0.1]  # in no order


def sample(n=400):
    rng = np.random.default_rng(0)
    x = rng.normal(-1, 1.2, n)
    return (rng.random(n) < expit(x)).astype(int), expit(x).round(2)


def by_definition(y, p, t):
    rows = list(zip(y.tolist(), p.tolist(), strict=True))
    tp = sum(a for a, b in rows if b >= t)
    fp = sum(1 - a for a, b in rows if b >= t)
    n, positive = len(rows), sum(y.tolist())
    harm = t / (1 - t)
    return {
        "alerts": (tp + fp) / n,
        "sensitivity": tp / positive,
        "specificity": 1 - fp / (n - positive),
        "ppv": tp / (tp + fp),
        "n_to_evaluate": (tp + fp) / tp,
        "net_benefit": tp / n - fp / n * harm,
        "net_benefit_all": positive / n - (n - positive) / n * harm,
    }


def test_every_score_is_its_definition_to_the_tenth_digit():
    y, p = sample()
    found = score_thresholds(y, p, AT, n_boot=0)
    assert [s.threshold for s in found] == AT
    for scores in found:
        for name, value in by_definition(y, p, scores.threshold).items():
            assert getattr(scores, name).value == pytest.approx(value, abs=1e-10), name
        assert set(scores.row()) >= set(AT_THRESHOLD)


def test_a_row_at_the_threshold_is_alerted_and_where_nobody_is_there_is_no_ppv():
    at, above = score_thresholds([0, 1, 1], [0.1, 0.5, 0.2], [0.5, 0.6], n_boot=0)
    assert at.alerts.value == pytest.approx(1 / 3)
    assert at.ppv.value == 1
    assert above.alerts.value == above.sensitivity.value == above.net_benefit.value == 0
    assert np.isnan(above.ppv.value)
    assert np.isnan(above.n_to_evaluate.value)


def test_intervals_hold_the_value_and_draw_the_rows_of_a_patient_together():
    y, p = sample()
    one = score_thresholds(y, p, [0.3], n_boot=200)[0]
    five = score_thresholds(
        np.tile(y, 5), np.tile(p, 5), [0.3], groups=np.tile(np.arange(400), 5), n_boot=200
    )[0]
    for name in AT_THRESHOLD:
        mine, theirs = getattr(one, name), getattr(five, name)
        assert mine.low < mine.value < mine.high
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high))
    assert one.ppv.method == "percentile bootstrap by row, 200 resamples"


@pytest.mark.parametrize("t", [0.0, 1.0, float("nan")])
def test_a_threshold_that_is_none_is_refused(t):
    with pytest.raises(ArgumentError, match="thresholds must lie above 0 and below 1"):
        score_thresholds([0, 1], [0.1, 0.2], [t])
