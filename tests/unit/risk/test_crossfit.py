import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.risk.crossfit import cross_fit, fit_risk_model, permuted_aurocs
from clinnlp.risk.models import NaiveBayesSettings, RandomForestSettings, SvmSettings
from clinnlp.risk.splits import patient_folds, splits_of_folds

MODELS = {
    "naive_bayes": (NaiveBayesSettings(),),
    "random_forest": (RandomForestSettings(n_trees=5, max_features=0.5),),
    "svm": (SvmSettings(),),
}


def cut(rows, folds):
    return splits_of_folds(rows.patients, folds)


@pytest.fixture(scope="module")
def fits(table):
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    return cross_fit(rows, y, cut(rows, folds), features=ColumnFeatures(), models=MODELS, n_top=3)


def test_every_row_gets_a_probability_and_every_fold_a_score(fits):
    for fit in fits.values():
        assert ((fit.p > 0) & (fit.p < 1)).all()
        assert len(fit.auroc_folds) == len(fit.n_features) == 3
        assert np.mean(fit.auroc_folds) > 0.7
        assert fit.top[0].name == "signal"
        assert fit.top[0].fall > 0.1


def test_splits_whose_scores_do_not_rise_are_counted_and_still_rank(table, fits):
    """Outcomes dealt out by chance: by chance again held-out scores do not rise."""
    assert all(fit.n_flat == fit.n_not_rising == 0 for fit in fits.values())
    rows, _ = table
    folds = patient_folds(rows.patients, n_folds=3)
    y = np.random.default_rng(2).permutation(np.arange(len(rows)) % 2)
    found = cross_fit(rows, y, cut(rows, folds), features=ColumnFeatures(), models=MODELS, n_top=0)
    for fit in found.values():
        assert fit.n_flat == 0
        assert all(len(set(fit.p[folds == k].tolist())) > 1 for k in range(3))
    assert sum(fit.n_not_rising for fit in found.values()) > 0


def test_splits_where_nothing_differs_do_not_rise_and_have_the_base_rate(table):
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    same = Columns(patients=rows.patients, values={"same": np.ones(len(rows))})
    models = {"naive_bayes": MODELS["naive_bayes"]}
    [fit] = cross_fit(
        same, y, cut(same, folds), features=ColumnFeatures(), models=models, n_top=0
    ).values()
    assert fit.n_not_rising == 3
    for k in range(3):
        assert fit.auroc_folds[k] == 0.5
        np.testing.assert_allclose(fit.p[folds == k], y[folds != k].mean(), atol=0.01)


def test_a_kept_model_is_the_same_for_the_same_rows_of_patients_of_other_names(table):
    rows, y = table
    named = np.array([f"{(7 * int(p[1:])) % 211:03d}" for p in rows.patients])
    others = Columns(patients=named, values=rows.values)
    grid = (NaiveBayesSettings(alpha=1.0), NaiveBayesSettings(alpha=9.0))
    p, q = (
        fit_risk_model(r, y, features=ColumnFeatures(), settings=grid).predict_proba(rows)
        for r in (rows, others)
    )
    assert p.tolist() == q.tolist()


def test_the_same_seed_gives_the_same_bits(table, fits):
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    again = cross_fit(rows, y, cut(rows, folds), features=ColumnFeatures(), models=MODELS, n_top=0)
    for name, fit in again.items():
        assert fit.p.tolist() == fits[name].p.tolist()
        assert fit.top == ()


def test_a_held_out_row_depends_on_nothing_but_its_features(table, fits):
    """Turn all outcomes and features of fold 0 upside down: fold 0 must come out as before."""
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    out = folds == 0
    others = Columns(
        patients=rows.patients,
        values={
            "signal": np.where(out & (np.cumsum(out) > 5), 1e6, rows.values["signal"]),
            "noise": rows.values["noise"],
            "drug": np.where(out & (np.cumsum(out) > 5), "new", rows.values["drug"]),
        },
    )
    turned = np.where(out, 1 - y, y)
    again = cross_fit(
        others, turned, cut(others, folds), features=ColumnFeatures(), models=MODELS, n_top=0
    )
    first = np.flatnonzero(out)[:5]
    for name, fit in again.items():
        assert fit.p[first].tolist() == fits[name].p[first].tolist()


def test_outcomes_that_mean_nothing_score_nothing(table):
    rows, _ = table
    y = np.random.default_rng(5).integers(0, 2, len(rows))
    folds = patient_folds(rows.patients, y, n_folds=5)
    fits = cross_fit(rows, y, cut(rows, folds), features=ColumnFeatures(), models=MODELS, n_top=0)
    for fit in fits.values():
        assert 0.35 < np.mean(fit.auroc_folds) < 0.65


def test_a_patient_in_two_folds_is_leakage(table):
    rows, y = table
    with pytest.raises(LeakageError, match="one fold"):
        cross_fit(
            rows, y, cut(rows, np.arange(len(y)) % 3), features=ColumnFeatures(), models=MODELS
        )


class Peeking(ColumnFeatures):
    """Fits on everybody, whatever it is given."""

    def fit(self, X, y=None):
        return super().fit(self.everybody)


def test_features_fitted_on_test_patients_are_leakage(table):
    rows, y = table
    Peeking.everybody = rows
    folds = patient_folds(rows.patients, y, n_folds=3)
    with pytest.raises(LeakageError, match="Peeking must be fitted on training patients only"):
        cross_fit(rows, y, cut(rows, folds), features=Peeking(), models=MODELS)


def test_refusals(table):
    rows, y = table
    with pytest.raises(ArgumentError, match="at least 2"):
        cross_fit(rows, y, cut(rows, np.zeros(len(y))), features=ColumnFeatures(), models=MODELS)
    folds = patient_folds(rows.patients, y, n_folds=3)
    with pytest.raises(ArgumentError, match="at least one feature"):
        cross_fit(
            rows, y, cut(rows, folds), features=ColumnFeatures(min_patients=10**6), models=MODELS
        )


def test_a_model_fitted_on_all_rows_predicts_from_rows(table):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    assert model.predict_proba(rows.take(np.arange(4))).shape == (4, 2)


def test_of_several_settings_the_better_is_chosen_inside_each_split(table):
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    grid = (RandomForestSettings(n_trees=1, min_leaf=150), RandomForestSettings(n_trees=20))
    fits = cross_fit(rows, y, cut(rows, folds), features=ColumnFeatures(),
                     models={"forest": grid}, n_top=0)  # fmt: skip
    assert fits["forest"].chosen == (grid[1],) * 3
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=grid)
    assert len(model.named_steps["model"].estimator_[-1].estimators_) == 20


def test_the_choice_does_not_look_at_tested_rows(table):
    """Turn the outcomes of fold 0 around: the choice for fold 0 must stay."""
    rows, y = table
    folds = patient_folds(rows.patients, y, n_folds=3)
    grid = tuple(SvmSettings(c=c) for c in (1e-6, 1e-3, 1.0))
    turned = np.where(folds == 0, 1 - y, y)
    chosen = [
        cross_fit(rows, outcome, cut(rows, folds), features=ColumnFeatures(),
                  models={"svm": grid}, n_top=0)["svm"].chosen[0]
        for outcome in (y, turned)
    ]  # fmt: skip
    assert chosen[0] == chosen[1]


def test_naive_bayes_tells_its_points_and_others_none(fits):
    points = {p.name: p for p in fits["naive_bayes"].points}
    assert points["drug=a"].present > 0 > points["drug=a"].absent
    assert fits["svm"].points == ()


def test_permuted_outcomes_score_a_half_and_a_leak_shows(table):
    rows, y = table
    splits = cut(rows, patient_folds(rows.patients, y, n_folds=3))
    found = permuted_aurocs(rows, y, splits, features=ColumnFeatures(),
                            settings=NaiveBayesSettings(), n_permutations=20)  # fmt: skip
    assert abs(found.mean() - 0.5) < 3 * found.std(ddof=1) / np.sqrt(20)
    once, again = (
        permuted_aurocs(rows, y, splits, features=ColumnFeatures(),
                        settings=NaiveBayesSettings(), n_permutations=2)
        for _ in range(2)
    )  # fmt: skip
    assert once.tolist() == again.tolist() == found[:2].tolist()
