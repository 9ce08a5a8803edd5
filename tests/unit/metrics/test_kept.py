"""Intervals of the kept model: their form, and by simulation that they hold its true scores."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from clinnlp.metrics.kept import of_kept_model
from clinnlp.metrics.risk import SCORES, score_risk
from clinnlp.metrics.ties import Tied, fit_slope
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.models import LogisticSettings, NaiveBayesSettings, make_model
from clinnlp.risk.splits import patient_folds


def scored(n, **how):
    rng = np.random.default_rng(0)
    x = rng.normal(-1, 1, n)
    y = (rng.random(n) < expit(x)).astype(int)
    return y, expit(x), score_risk(y, expit(x), n_boot=100, **how)


def test_the_slope_has_an_interval_symmetric_in_its_logarithm_and_the_rest_stays():
    y, p, plain = scored(200)
    kept = of_kept_model(plain)
    for name in set(SCORES) - {"calibration_slope"}:
        assert getattr(kept, name) == getattr(plain, name)
    one, two = plain.calibration_slope, kept.calibration_slope
    assert two.value == one.value
    assert two.value / two.low == pytest.approx(two.high / two.value)
    assert np.log(two.high / two.value) == pytest.approx(
        1.25 * (one.high - one.low) / 2 / one.value
    )
    assert "for the model fitted on all rows" in two.method
    none = score_risk(y, p, n_boot=0)
    assert of_kept_model(none) == none


def test_a_slope_that_falls_or_has_no_bound_has_no_upper_end():
    y, p, _ = scored(200)
    falls = of_kept_model(score_risk(y, 1 - p, n_boot=50)).calibration_slope
    assert falls.low < falls.value < 0
    assert falls.high == np.inf
    apart = score_risk([0] * 9 + [1] * 9, np.linspace(0.1, 0.9, 18), n_boot=50)
    assert of_kept_model(apart).calibration_slope.high == np.inf


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
