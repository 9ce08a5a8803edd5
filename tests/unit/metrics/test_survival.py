"""Scores at a horizon against their definitions: pairs one by one, weights row by row."""

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.incidence import horizon_weights
from clinnlp.metrics.risk import score_risk
from clinnlp.metrics.survival import concordance, horizon_calibration, score_survival


def drawn(seed, n=60):
    rng = np.random.default_rng(seed)
    p = rng.choice(np.linspace(0.05, 0.95, 12), n)
    days = np.ceil(rng.exponential(10 / p))
    event = rng.choice([0, 1, 1, 2], n)
    return days, event, p


def by_pairs(days, event, p):
    won = pairs = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            has_it_later = event[j] == 2 or days[j] > days[i]
            if event[i] == 1 and (has_it_later or (days[j] == days[i] and event[j] == 0)):
                pairs += 1
                won += (p[i] > p[j]) + 0.5 * (p[i] == p[j])
    return won / pairs


@pytest.mark.parametrize("seed", range(5))
def test_the_concordance_is_that_of_all_pairs(seed):
    days, event, p = drawn(seed)
    found = concordance(days, event, p)
    assert found.value == pytest.approx(by_pairs(days, event, p), abs=1e-12)
    assert found.low < found.value < found.high


def test_its_interval_is_that_of_leaving_patients_out():
    days, event, p = drawn(1, 120)
    whose = np.arange(120) // 2
    left = [concordance(*(v[whose != k] for v in (days, event, p))).value for k in range(60)]
    error = np.sqrt(59 / 60 * np.sum((left - np.mean(left)) ** 2))
    found = concordance(days, event, p, groups=whose)
    assert (found.high - found.low) / (2 * 1.959964) == pytest.approx(error, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("death", ["competing", "unknown"])
def test_the_brier_score_is_that_of_graf(seed, death):
    days, event, p = drawn(seed)
    found = score_survival(days, event, p, horizon_days=9, death=death, n_boot=0)
    ends = np.where(event == 2, 0, event) if death == "unknown" else event
    weights = horizon_weights(days, ends, horizon_days=9)
    y = (ends == 1) & (days <= 9)
    assert found.brier.value == pytest.approx(np.mean(weights * (y - p) ** 2), abs=1e-9)
    assert found.observed.value == pytest.approx(np.mean(weights * y), abs=1e-12)
    pairs = np.outer(weights * y, weights * ~y)
    won = (p[:, None] > p) + 0.5 * (p[:, None] == p)
    assert found.auroc.value == pytest.approx(np.sum(pairs * won) / pairs.sum(), abs=1e-9)
    assert found.n_unknown == np.sum((days < 9) & (ends == 0))


def test_where_all_are_followed_it_is_the_usual_score():
    days, event, p = drawn(4, 200)
    event = np.where(event == 0, 1, event)
    y = (event == 1) & (days <= 20)
    found = score_survival(days, event, p, horizon_days=20, n_boot=20, groups=np.arange(200) // 2)
    usual = score_risk(y, p, n_boot=20, groups=np.arange(200) // 2)
    for name in ("auroc", "brier", "calibration_slope", "calibration_intercept"):
        ours, theirs = getattr(found, name), getattr(usual, name)
        assert (ours.value, ours.low, ours.high) == pytest.approx(
            (theirs.value, theirs.low, theirs.high), abs=1e-6
        )
    assert found.observed_expected.value == pytest.approx(y.mean() / p.mean())
    assert [row["score"] for row in found.rows()][:2] == ["concordance", "auroc"]


def test_calibration_is_aalen_and_johansen_in_each_bin():
    days, event, p = drawn(2, 300)
    curve = horizon_calibration(days, event, p, horizon_days=9, n_bins=3, n_boot=30)
    assert curve.n.sum() == 300
    assert len(curve.n) == 3
    assert ((curve.low <= curve.observed) & (curve.observed <= curve.high)).all()
    assert np.all(np.diff(curve.predicted) > 0)


def test_a_horizon_nobody_reached_is_refused():
    with pytest.raises(ArgumentError, match="somebody must be followed to the horizon of 400 days"):
        score_survival([10, 20, 30], [0, 1, 0], [0.1, 0.2, 0.3], horizon_days=400)
    with pytest.raises(ArgumentError, match="p must have one number per row"):
        concordance([1, 2], [1, 0], [0.1])
