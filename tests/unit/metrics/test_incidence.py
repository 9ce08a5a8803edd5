"""Kaplan–Meier, Aalen–Johansen and weights of follow-up, against exact fractions and R.

The fractions are made by the definition, patient by patient. R's values are those that
``summary(survfit(Surv(time, status) ~ x, data = aml))`` prints (package survival; data of Miller,
Survival Analysis, 1981, p. 49).
"""

from fractions import Fraction

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.incidence import aalen_johansen, horizon_weights, kaplan_meier

MAINTAINED = (
    [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161],
    [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0],
)
OTHERS = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])
R = {
    "maintained": (
        MAINTAINED,
        {9: 0.909, 13: 0.818, 18: 0.716, 23: 0.614, 31: 0.491, 34: 0.368, 48: 0.184},
    ),
    "others": (
        OTHERS,
        {5: 0.8333, 8: 0.6667, 12: 0.5833, 23: 0.4861, 27: 0.3889, 30: 0.2917},
    ),
}


def exact(days, event, *, dying):
    """Return the curve by its definition, in fractions: {time of an outcome: value}."""
    rows, free, had, made = list(zip(days, event, strict=True)), Fraction(1), Fraction(0), {}
    for t in sorted(set(days)):
        at_risk = sum(d >= t for d, _ in rows)
        outcomes = sum(d == t and e == 1 for d, e in rows)
        deaths = sum(d == t and e == 2 for d, e in rows)
        had += free * Fraction(outcomes, at_risk)
        free *= 1 - Fraction(outcomes + deaths * dying, at_risk)
        if outcomes:
            made[t] = had if dying else free
    return made


@pytest.mark.parametrize("name", R)
def test_kaplan_and_meier_are_those_that_r_prints(name):
    (days, event), printed = R[name]
    curve = kaplan_meier(days, event, n_boot=0)
    found = dict(zip(curve.days.tolist(), curve.value.tolist(), strict=True))
    for day, value in printed.items():
        assert found[day] == pytest.approx(value, abs=5.1e-4 if name == "maintained" else 5.1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_curves_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    days, event = rng.integers(1, 12, 40), rng.choice([0, 1, 2], 40)
    for curve, dying in ((kaplan_meier, False), (aalen_johansen, True)):
        found = curve(days, event, n_boot=0)
        wanted = exact(days.tolist(), event.tolist(), dying=dying)
        assert found.days.tolist() == list(wanted)
        assert found.value == pytest.approx([float(v) for v in wanted.values()], abs=1e-12)
        assert found.n_at_risk.tolist() == [int(np.sum(days >= t)) for t in wanted]


@pytest.mark.parametrize("seed", range(20))
def test_weights_sum_to_the_rows_and_give_aalen_and_johansen(seed):
    rng = np.random.default_rng(seed)
    days, event = rng.integers(1, 12, 60), rng.choice([0, 1, 2], 60)
    weights = horizon_weights(days, event, horizon_days=6)
    assert weights.sum() == pytest.approx(60, abs=1e-9)
    assert not weights[(days < 6) & (event == 0)].any()
    had = weights[(days <= 6) & (event == 1)].sum() / 60
    assert had == pytest.approx(aalen_johansen(days, event, at=[6], n_boot=0).value[0], abs=1e-12)


def test_without_loss_of_follow_up_the_curves_are_shares():
    days, event = [1, 2, 3, 9, 9], [1, 2, 1, 0, 0]
    assert aalen_johansen(days, event, at=[0, 5], n_boot=0).value == pytest.approx([0, 0.4])
    assert horizon_weights(days, event, horizon_days=5).tolist() == [1.0] * 5


def test_intervals_draw_patients_and_hold_the_value():
    days, event = np.repeat(MAINTAINED[0], 4), np.repeat(MAINTAINED[1], 4)
    whose = np.repeat(np.arange(11), 4)
    of_rows = kaplan_meier(days, event, at=[20], n_boot=200)
    of_patients = kaplan_meier(days, event, at=[20], n_boot=200, groups=whose)
    assert of_patients.low[0] < of_rows.low[0] < of_rows.value[0] < of_rows.high[0]
    assert "by group" in of_patients.method


@pytest.mark.parametrize(
    ("days", "event", "horizon", "says"),
    [
        ([5, 6], [0, 0], 9, "to the horizon of 9 days, got nobody: the longest follow-up has 6"),
        ([5, -1], [0, 0], 3, "days must be 0 or more"),
        ([5, 6], [0, 7], 3, "event must be 0"),
        ([], [], 3, "not empty"),
    ],
)  # fmt: skip
def test_what_has_no_curve_is_refused(days, event, horizon, says):
    with pytest.raises(ArgumentError, match=says):
        horizon_weights(days, event, horizon_days=horizon)
