"""Intervals of the kept model: their form, and by simulation that they hold its true scores."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from clinnlp.core.counts import Estimate
from clinnlp.metrics.kept import WIDER, of_kept_model, widened
from clinnlp.metrics.risk import SCORES, score_risk
from clinnlp.metrics.ties import Tied, fit_slope
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.models import LogisticSettings, NaiveBayesSettings, make_model
from clinnlp.risk.splits import patient_folds


def test_intervals_are_wider_about_the_same_value_and_stay_in_range():
    rng = np.random.default_rng(0)
    x = rng.normal(-1, 1, 60)
    y, p = (rng.random(60) < expit(x)).astype(int), expit(x)
    plain = score_risk(y, p, n_boot=200)
    kept = of_kept_model(plain)
    for name in SCORES:
        one, two = getattr(plain, name), getattr(kept, name)
        assert two.value == one.value
        assert two.high >= one.high or name == "calibration_slope"
        assert "widened by 1.118 for the model fitted on all rows" in two.method
    assert kept.auroc.high - kept.auroc.value == pytest.approx(
        min(1 - plain.auroc.value, WIDER * (plain.auroc.high - plain.auroc.value))
    )
    assert of_kept_model(plain, 1.0) == plain
    assert of_kept_model(score_risk(y, p, n_boot=0)).brier.method == "no interval"


def test_the_slope_has_an_interval_symmetric_in_its_logarithm():
    rng = np.random.default_rng(0)
    x = rng.normal(-1, 1, 200)
    y, p = (rng.random(200) < expit(x)).astype(int), expit(x)
    plain = score_risk(y, p, n_boot=200).calibration_slope
    slope = of_kept_model(score_risk(y, p, n_boot=200)).calibration_slope
    assert slope.value / slope.low == pytest.approx(slope.high / slope.value)
    half = WIDER * (plain.high - plain.low) / 2
    assert np.log(slope.high / slope.value) == pytest.approx(half / slope.value)
    falls = of_kept_model(score_risk(y, 1 - p, n_boot=50)).calibration_slope
    assert falls.value < 0
    assert falls.low < falls.value
    assert falls.high == np.inf
    apart = score_risk([0] * 9 + [1] * 9, np.linspace(0.1, 0.9, 18), n_boot=50)
    assert of_kept_model(apart).calibration_slope.high == np.inf


def test_ends_stay_in_their_range_and_no_interval_stays_none():
    near = Estimate(value=0.9, low=0.7, high=0.99, method="m")
    assert widened(near, 2, low=0, high=1).high == 1
    assert widened(near, 2, low=0, high=1).low == pytest.approx(0.5)
    none = Estimate(value=0.9, low=np.nan, high=np.nan)
    assert widened(none, 2) == none


# ---- what the intervals hold -------------------------------------------------------------------

EFFECTS = np.random.default_rng(7).normal(0, 0.4, 40)
SHARES = np.linspace(0.05, 0.35, 40)
MODELS = {"naive_bayes": NaiveBayesSettings(), "logistic": LogisticSettings()}


def patients_of(rng, n):
    """Return 40 codes of n patients, half of whom have more of them, and a risk of about 30 %."""
    share = SHARES * np.where(rng.random((n, 1)) < 0.5, 1.6, 0.4)
    X = (rng.random((n, 40)) < share).astype(float)
    return X, expit((X - SHARES) @ EFFECTS - 1)


def true_scores(risk, p):
    """Return AUROC and slope of predictions where each row is positive in its share."""
    tied = Tied(np.repeat([1, 0], len(p)), np.tile(p, 2))
    weights = np.concatenate([risk, 1 - risk])
    _, slope = fit_slope(tied.logit, *tied.weigh(weights))
    return tied.ranked(weights)[0], slope


def one_study(settings, n, rng, others):
    """Return the scores a study of n patients reports, and the true ones of its kept model."""
    X, risk = patients_of(rng, n)
    y = (rng.random(n) < risk).astype(int)
    who = np.arange(n).astype(str)
    folds, p = patient_folds(who, y, n_folds=10), np.empty(n)

    def fitted(rows):
        kept = X[rows].sum(axis=0) >= 5  # as features are chosen
        model = GroupCalibrated(make_model(settings))
        return kept, model.fit(sparse.csr_matrix(X[rows][:, kept]), y[rows], groups=who[rows])

    for fold in range(10):
        kept, model = fitted(folds != fold)
        test = folds == fold
        p[test] = model.predict_proba(sparse.csr_matrix(X[test][:, kept]))[:, 1]
    scores = score_risk(y, p, groups=who, strata=folds, n_boot=200)
    kept, model = fitted(np.ones(n, bool))
    new, true_risk = others
    told = model.predict_proba(sparse.csr_matrix(new[:, kept]))[:, 1]
    return of_kept_model(scores), true_scores(true_risk, told)


@pytest.mark.long
@pytest.mark.parametrize("n", [100, 240])
@pytest.mark.parametrize("name", list(MODELS))
def test_intervals_hold_the_true_scores_of_the_kept_model(name, n, record_property):
    """200 studies: AUROC without bias and held in 92 %, slope held in 90 %."""
    others = patients_of(np.random.default_rng(99), 10_000)
    errors, held_auroc, held_slope = [], [], []
    for seed in range(200):
        found, (auroc, slope) = one_study(MODELS[name], n, np.random.default_rng([1, seed]), others)
        errors.append(found.auroc.value - auroc)
        held_auroc.append(found.auroc.low <= auroc <= found.auroc.high)
        held_slope.append(found.calibration_slope.low <= slope <= found.calibration_slope.high)
    for said, value in (
        ("bias of the AUROC", np.mean(errors)),
        ("its standard error", np.std(errors) / np.sqrt(200)),
        ("AUROC held", np.mean(held_auroc)),
        ("slope held", np.mean(held_slope)),
    ):
        record_property(said, round(float(value), 4))
    assert np.mean(held_auroc) >= 0.92
    assert np.mean(held_slope) >= 0.90
    assert abs(np.mean(errors)) < 0.005 + np.std(errors) / np.sqrt(200)  # which chance alone gives
