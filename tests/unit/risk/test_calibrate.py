import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.crossfit import auroc_of
from clinnlp.risk.indicators import Dense
from clinnlp.risk.models import (
    MODELS,
    LogisticSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    SvmSettings,
    make_model,
)
from clinnlp.risk.splits import patient_folds


@pytest.fixture(scope="module")
def doubled():
    """Ten copies of each of three features: naive Bayes is far too sure of itself."""
    rng = np.random.default_rng(0)
    X = (rng.random((4000, 3)) < 0.5).astype(float)
    y = (rng.random(4000) < expit(X @ [1.0, -1.0, 0.5] - 1)).astype(int)
    return sparse.csr_matrix(np.repeat(X, 10, axis=1)), y


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_probabilities_of_new_rows_become_calibrated(doubled, method):
    X, y = doubled
    train = np.arange(4000) < 2000
    model = make_model(NaiveBayesSettings())
    raw = model.fit(X[train], y[train]).predict_proba(X[~train])[:, 1]
    assert score_risk(y[~train], raw, n_boot=0).calibration_slope.value < 0.5
    fitted = GroupCalibrated(model, method=method, independent_rows=True).fit(X[train], y[train])
    scores = score_risk(y[~train], fitted.predict_proba(X[~train])[:, 1], n_boot=0)
    assert 0.8 < scores.calibration_slope.value < 1.2
    assert abs(scores.calibration_intercept.value) < 0.15


class Witness(ClassifierMixin, BaseEstimator):
    """Remembers on which rows it was fitted and scored: X holds row numbers."""

    seen: tuple = ()

    def fit(self, X, y):
        self.rows_ = set(X[:, 0].tolist())
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        Witness.seen = (*Witness.seen, (self.rows_, set(X[:, 0].tolist())))
        return X[:, 0]


def test_the_map_is_fitted_on_scores_of_held_out_patients():
    Witness.seen = ()
    X = np.arange(40.0)[:, None]
    groups = np.array([f"p{k // 2}" for k in range(40)])
    GroupCalibrated(Witness(), n_folds=4).fit(X, np.arange(40) % 3 == 0, groups=groups)
    assert len(Witness.seen) == 4
    for fitted, scored in Witness.seen:
        assert not {k // 2 for k in fitted} & {k // 2 for k in scored}
    assert set().union(*(scored for _, scored in Witness.seen)) == set(range(40))


@pytest.mark.parametrize(("n", "n_folds", "made"), [(40, None, 10), (400, None, 3), (40, 4, 4)])
def test_models_of_few_patients_are_calibrated_on_more_folds(n, n_folds, made):
    """Of 400 rows 200 have either outcome, of 40 only 20."""
    Witness.seen = ()
    X = np.arange(float(n))[:, None]
    GroupCalibrated(Witness(), n_folds=n_folds, independent_rows=True).fit(X, np.arange(n) % 2)
    assert len(Witness.seen) == made


def test_the_refitted_model_has_seen_all_rows():
    X = np.arange(40.0)[:, None]
    model = GroupCalibrated(Witness(), independent_rows=True).fit(X, np.arange(40) % 3 == 0)
    assert model.estimator_.rows_ == set(range(40))


def test_a_forest_that_is_certain_has_finite_log_odds():
    X = np.array([[0.0], [0.0], [1.0], [1.0]] * 5)
    y = X.ravel().astype(int)
    forest = make_model(RandomForestSettings(n_trees=3, min_leaf=1, max_samples=1.0)).fit(X, y)
    scores = log_odds(forest, X)
    assert np.isfinite(scores).all()
    assert scores[2] > 10 > -10 > scores[0]


class Given(ClassifierMixin, BaseEstimator):
    """Gives the first column as its score, whatever it is fitted on."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X[:, 0]


@st.composite
def scored(draw):
    """Draw scores and outcomes of rows, two at least of each class."""
    n = draw(st.integers(4, 40))
    y = np.array([0, 0, 1, 1, *draw(st.lists(st.integers(0, 1), min_size=n - 4, max_size=n - 4))])
    step = draw(st.sampled_from([0.25, 1.0, 3.0]))  # with ties
    scores = draw(st.lists(st.integers(-8, 8), min_size=n, max_size=n))
    return step * np.array(scores, float), y


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@settings(deadline=None)
@given(drawn=scored())
def test_the_map_never_falls_and_turns_no_ranking_upside_down(method, drawn):
    scores, y = drawn
    model = GroupCalibrated(Given(), method=method, independent_rows=True).fit(scores[:, None], y)
    grid = np.linspace(-30, 30, 601)[:, None]
    p = model.predict_proba(grid)[:, 1]
    assert (np.diff(p) >= 0).all()
    assert model.flat_ == bool(np.ptp(p) == 0)
    if model.flat_:
        np.testing.assert_allclose(p, y.mean(), rtol=1e-9)
    else:
        near = model.predict_proba(np.unique(scores)[:, None])[:, 1]
        assert (np.diff(near) > 0).all()
        assert ((near > 0) & (near < 1)).all()


def few_positives(seed):
    """Return a matrix of 250 rows with 25 positives, one column of 60 tells a little."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(250) < 25).astype(int)
    X = (rng.random((250, 60)) < 0.1).astype(float)
    X[:, 0] = rng.random(250) < np.where(y == 1, 0.35, 0.1)
    return X, y


def folds_with_few_positives(seed, settings, **options):
    """Yield calibrated models of folds, with the features and outcomes they are tested on."""
    X, y = few_positives(seed)
    folds = patient_folds(np.arange(250).astype(str), y, n_folds=5)
    for k in range(5):
        train = folds != k
        model = GroupCalibrated(make_model(settings), independent_rows=True, **options)
        yield model.fit(X[train], y[train]), X[~train], y[~train]


def test_out_of_bag_scores_of_few_positives_do_not_fall_by_whom_they_leave_out():
    """All five were level: trees without a patient of the outcome saw a lower base rate."""
    models = [model for model, *_ in folds_with_few_positives(1, RandomForestSettings())]
    assert not any(model.flat_ for model in models)
    assert any(model.rises_ for model in models)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_with_few_positives_a_fold_ranks_as_its_model_does(method):
    """Of these 30 folds 8 had a best map that falls: once upside down, then all rows alike."""
    n_not_rising = 0
    for seed in range(6):
        for model, X, y in folds_with_few_positives(seed, NaiveBayesSettings(), method=method):
            p = model.predict_proba(X)[:, 1]
            assert model.map_.coef_[0, 0] > 0
            assert not model.flat_
            assert auroc_of(y, p) == auroc_of(y, log_odds(model.estimator_, X))
            n_not_rising += not model.rises_
    assert 3 < n_not_rising < 15


@pytest.mark.long
@pytest.mark.parametrize("settings", [kind() for kind in MODELS.values()])
def test_1600_small_fits_have_no_map_that_falls_and_keep_their_ranking(settings):
    before, after = [], []
    for seed in range(54):
        for model, X, y in folds_with_few_positives(seed, settings):
            assert model.map_.coef_[0, 0] >= 0
            before.append(auroc_of(y, log_odds(model.estimator_, X)))
            after.append(auroc_of(y, model.predict_proba(X)[:, 1]))
    assert len(before) == 270  # of each model
    assert abs(np.mean(before) - np.mean(after)) < 0.001


def rare_outcome(rng, n, effects):
    """Return codes of n patients, half of whom have more of them, and an outcome of about 1 %."""
    share = np.linspace(0.03, 0.3, len(effects)) * np.where(rng.random((n, 1)) < 0.5, 1.6, 0.4)
    X = (rng.random((n, len(effects))) < share).astype(float)
    return X, (rng.random(n) < expit(X @ effects - X.mean(axis=0) @ effects - 5)).astype(int)


@pytest.mark.long
@pytest.mark.parametrize(
    "settings", [NaiveBayesSettings(), LogisticSettings(), SvmSettings(), RandomForestSettings()]
)
def test_risks_of_a_rare_outcome_are_calibrated_in_the_mean(settings, record_property):
    """50 times 5,000 patients, about 50 with the outcome; the slope is that of 40,000 others.

    Folds and prior were chosen on seeds 0 to 49.
    """
    slopes = []
    for seed in range(1000, 1050):
        rng = np.random.default_rng(seed)
        effects = rng.normal(0, 0.4, 40)
        X, y = rare_outcome(rng, 5000, effects)
        model = GroupCalibrated(make_model(settings), independent_rows=True)
        other, outcome = rare_outcome(rng, 40_000, effects)
        p = model.fit(sparse.csr_matrix(X), y).predict_proba(sparse.csr_matrix(other))[:, 1]
        slopes.append(score_risk(outcome, p, n_boot=0).calibration_slope.value)
    record_property("mean slope", round(float(np.mean(slopes)), 4))
    assert 0.85 < np.mean(slopes) < 1.15


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize(
    ("scores", "flat"),
    [
        (np.arange(20.0), False),  # perfect separation
        (-np.arange(20.0), True),  # perfect separation, upside down
        (np.zeros(20), True),  # nothing but ties
        (np.tile([1.0, 2.0], 10), False),  # ties across classes
    ],
)
def test_separation_and_ties(method, scores, flat):
    y = np.arange(20) >= 10
    model = GroupCalibrated(Given(), method=method, independent_rows=True).fit(scores[:, None], y)
    p = model.predict_proba(scores[:, None])[:, 1]
    assert model.flat_ is flat
    assert model.rises_ is bool(scores[0] < scores[-1] - 5)
    if flat:
        np.testing.assert_allclose(p, 0.5, rtol=1e-12)
    elif model.rises_:
        assert p[y].mean() > 0.8
        assert p[y].min() > p[~y].max()
    else:
        assert np.ptp(p) < 0.3  # of 20 rows


def test_refusals():
    X = np.arange(6.0)[:, None]
    with pytest.raises(ArgumentError, match="at least 2 patients of each class, got 1"):
        GroupCalibrated(LogisticRegression(), independent_rows=True).fit(X, [0, 0, 0, 0, 0, 1])
    with pytest.raises(ArgumentError, match=r"got 1 class$"):
        GroupCalibrated(LogisticRegression(), independent_rows=True).fit(X, [0] * 6)
    with pytest.raises(ArgumentError, match="method"):
        GroupCalibrated(LogisticRegression(), method="beta", independent_rows=True).fit(
            X, [0, 1] * 3
        )


# ---- groups: who is whose --------------------------------------------------------------------


def pairs(n=60):
    """Return a column, outcomes and the patients of rows, two of each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(int)
    return X, y, np.array([f"p{k // 2}" for k in range(n)])


def test_a_fit_without_groups_warns_unless_rows_are_said_to_be_independent():
    X, y, groups = pairs()
    with pytest.warns(UserWarning, match="fitted without groups.*calibration then leaks"):
        alone = GroupCalibrated(LogisticRegression()).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = GroupCalibrated(LogisticRegression(), independent_rows=True).fit(X, y)
        GroupCalibrated(LogisticRegression()).fit(X, y, groups=groups)
    assert said.predict_proba(X).tolist() == alone.predict_proba(X).tolist()


def test_groups_of_a_cross_validation_that_do_not_reach_the_fit_are_told():
    """``groups=`` of `cross_val_score` deals its own folds; without routing it goes no further."""
    X, y, groups = pairs()
    model, cv = GroupCalibrated(LogisticRegression()), GroupKFold(3)
    with pytest.warns(UserWarning, match="set_fit_request"):
        cross_val_score(model, X, y, groups=groups, cv=cv)
    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError):
            cross_val_score(model, X, y, params={"groups": groups}, cv=cv)
        routed = make_pipeline(StandardScaler(), Grouped().set_fit_request(groups=True))
        Grouped.seen = ()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cross_val_score(routed, X, y, params={"groups": groups}, cv=cv)
    assert len(Grouped.seen) == 3
    assert all(set(np.unique(part, return_counts=True)[1]) == {2} for part in Grouped.seen)


class Grouped(GroupCalibrated):
    """Remembers which groups reached it."""

    seen: tuple = ()

    def __init__(self, estimator=None):
        super().__init__(estimator)

    def fit(self, X, y, groups=None):
        Grouped.seen = (*Grouped.seen, groups)
        self.estimator = LogisticRegression()
        return super().fit(X, y, groups=groups)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "b", "c"], r"groups must name the patient of each of the 60 rows, got shape \(3,\)"),
        (np.full((60, 2), "a"), r"each of the 60 rows, got shape \(60, 2\)"),
        (np.array(["a"] * 58 + [None, np.nan], object), "of each row, got 2 missing"),
    ],
)
def test_groups_that_do_not_name_each_row_are_refused(groups, message):
    X, y, _ = pairs()
    with pytest.raises(ArgumentError, match=message):
        GroupCalibrated(LogisticRegression()).fit(X, y, groups=groups)


# ---- weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize(
    "inner", [LogisticRegression(C=1e3, tol=1e-8), make_model(LogisticSettings(n_bins=2))]
)
def test_a_weight_is_that_many_rows_of_the_same_patient(inner, method):
    X, y, groups = pairs()
    X = (X > 0).astype(float)  # weights do not reach the bins of a pipeline
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = GroupCalibrated(inner, method=method).fit(X, y, groups, sample_weight=weights)
    rows = np.repeat(np.arange(len(y)), weights)
    copied = GroupCalibrated(inner, method=method).fit(X[rows], y[rows], groups=groups[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), rtol=1e-3)
    plain = GroupCalibrated(inner, method=method).fit(X, y, groups=groups)
    assert abs(plain.predict_proba(X) - weighted.predict_proba(X)).max() > 0.01


def test_the_base_rate_of_a_flat_map_is_weighted():
    x, y = np.zeros((20, 1)), np.arange(20) % 2
    weights = np.where(y == 1, 3.0, 1.0)
    model = GroupCalibrated(Weighed(), independent_rows=True).fit(x, y, sample_weight=weights)
    assert model.flat_
    np.testing.assert_allclose(model.predict_proba(x)[:, 1], 0.75)


class Weighed(Given):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)


def test_weights_of_one_are_no_weights():
    X, y, groups = pairs()
    one = GroupCalibrated(LogisticRegression()).fit(X, y, groups, sample_weight=np.ones(60))
    none = GroupCalibrated(LogisticRegression()).fit(X, y, groups)
    np.testing.assert_allclose(one.predict_proba(X), none.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"one number for each of the 60 rows, got shape \(1,\)"),
        ([-1.0] * 60, "at least 0"),
        ([np.nan] * 60, "finite"),
        ([0.0] * 60, "above 0 for some row, got zero"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    X, y, groups = pairs()
    with pytest.raises(ArgumentError, match=message):
        GroupCalibrated(LogisticRegression()).fit(X, y, groups, sample_weight=weights)


def test_a_model_that_takes_no_weights_is_refused_by_name():
    X, y, groups = pairs()
    with pytest.raises(ArgumentError, match="got KNeighborsClassifier, which does not"):
        GroupCalibrated(KNeighborsClassifier()).fit(X, y, groups, sample_weight=np.ones(60))


# ---- frames ----------------------------------------------------------------------------------


def test_a_frame_reaches_a_column_transformer_by_name():
    X, y, groups = pairs()
    frame = pd.DataFrame({"age": X[:, 0], "ward": np.where(X[:, 1] > 0, "a", "b")}, index=groups)
    columns = ColumnTransformer(
        [("age", StandardScaler(), ["age"]), ("ward", OneHotEncoder(), ["ward"])]
    )
    model = GroupCalibrated(make_pipeline(columns, LogisticRegression()))
    model.fit(frame, y, groups=groups)
    assert model.feature_names_in_.tolist() == ["age", "ward"]
    by_hand = GroupCalibrated(LogisticRegression()).fit(
        columns.fit_transform(frame), y, groups=groups
    )
    assert model.predict_proba(frame).shape == (60, 2)
    np.testing.assert_allclose(
        model.predict_proba(frame), by_hand.predict_proba(columns.transform(frame)), atol=0.05
    )
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["ward", "age"]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(frame, y[:-1], groups=groups)


def test_missing_numbers_pass_where_the_model_takes_them():
    X, y, groups = pairs()
    X[::7, 1] = np.nan
    model = GroupCalibrated(HistGradientBoostingClassifier(max_iter=3)).fit(X, y, groups)
    assert np.isfinite(model.predict_proba(X)).all()
    with pytest.raises(ValueError, match="NaN"):
        GroupCalibrated(LogisticRegression()).fit(X, y, groups)


def test_its_tags_are_those_of_its_model():
    boosting = HistGradientBoostingClassifier()
    for inner, takes in (
        (boosting, False),
        (LogisticRegression(), True),
        (make_pipeline(Dense(), boosting), True),
        (make_pipeline(StandardScaler(with_mean=False), boosting), False),
    ):
        assert get_tags(GroupCalibrated(inner)).input_tags.sparse is takes


def test_one_saved_before_it_had_every_option_still_has_them():
    model = GroupCalibrated(LogisticRegression())
    state = model.__getstate__()
    del state["independent_rows"]
    old = GroupCalibrated.__new__(GroupCalibrated)
    old.__setstate__(state)
    assert old.get_params()["independent_rows"] is False


def test_steps_reach_neither_none_nor_all_and_a_wrong_one_costs_no_more_than_its_rows_say():
    x = np.r_[np.zeros(30), np.ones(30)][:, None] + np.random.default_rng(3).normal(
        0, 0.01, (60, 1)
    )
    y = np.r_[np.zeros(30, int), np.ones(30, int)]
    model = GroupCalibrated(LogisticRegression(), method="isotonic", independent_rows=True).fit(
        x, y
    )
    p = model.predict_proba(np.r_[x, [[-100.0], [100.0]]])[:, 1]
    assert 0.005 < p.min() < 0.03
    assert 0.97 < p.max() < 0.995
