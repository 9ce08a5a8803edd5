import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.forest import Forest, out_of_bag
from clinnlp.risk.indicators import Dense
from clinnlp.risk.models import RandomForestSettings, make_model


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.poisson(0.03, size=(300, 40)).astype(float)
    X[:, 0] = rng.poisson(1, size=300)
    return X, (X[:, 0] + rng.normal(size=300) > 1).astype(int), np.arange(300) // 2


def test_threads_change_no_bit(data):
    X, y, _ = data
    usual = RandomForestClassifier(30, random_state=0).fit(X, y).predict_proba(X)
    for n_jobs in (1, 2):
        forest = Forest(30, n_jobs=n_jobs, random_state=0).fit(X, y)
        assert all((forest.predict_proba(X) == usual).all() for _ in range(5))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_row_is_scored_by_the_trees_that_drew_none_of_its_patient(data, form):
    X, y, groups = data
    model = make_pipeline(Dense(least_share=0.5), Forest(90, max_samples=0.3, random_state=0))
    model.fit(form(X), y)
    found = out_of_bag(model, form(X), groups)
    drawn = [set(groups[rows]) for rows in model[-1].estimators_samples_]
    by_tree = [tree.predict_proba(X)[:, 1] for tree in model[-1].estimators_]
    for row in range(0, 300, 7):
        told = [p[row] for p, seen in zip(by_tree, drawn, strict=True) if groups[row] not in seen]
        assert 20 <= len(told) < 90
        assert found[row] == pytest.approx(np.mean(told), abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_rows_of_a_frame_are_scored_as_those_of_an_array(data):
    X, y, groups = data
    frame = pd.DataFrame(X).add_prefix("x")
    forests = [Forest(90, max_samples=0.3, random_state=0).fit(rows, y) for rows in (frame, X)]
    of_frame, of_array = map(out_of_bag, forests, (frame, X), (groups, groups))
    assert (of_frame == of_array).all()


def test_others_than_forests_and_patients_in_nearly_every_tree_are_not_scored(data):
    X, y, groups = data
    forest = Forest(90, max_samples=0.3, random_state=0)
    assert out_of_bag(forest.fit(X, y), X, np.arange(300) // 30) is None
    assert out_of_bag(LogisticRegression().fit(X, y), X, groups) is None
    whole = Forest(90, bootstrap=False, random_state=0).fit(X, y)
    assert out_of_bag(whole, X, groups) is None
    # The choice of columns has seen the outcomes of all rows
    chosen = make_pipeline(SelectKBest(k=5), forest).fit(X, y)
    assert out_of_bag(chosen, X, groups) is None


def test_a_forest_is_calibrated_on_what_it_says_out_of_bag_unless_folds_are_asked_for(data):
    X, y, groups = data
    forest = make_model(RandomForestSettings(n_trees=100))
    model = GroupCalibrated(forest).fit(X, y, groups=groups)
    p = out_of_bag(model.estimator_, X, groups)
    others = np.array([y[groups != one].mean() for one in groups])  # the base rate without each
    by_hand = GroupCalibrated(forest)
    by_hand._fit_map(logit(p) - logit(others) + logit(y.mean()), y, None)
    assert model.map_.coef_ == pytest.approx(by_hand.map_.coef_)
    on_folds = GroupCalibrated(forest, n_folds=3).fit(X, y, groups=groups)
    assert model.map_.coef_ != on_folds.map_.coef_


def test_what_is_mostly_zero_stays_sparse_and_grows_the_same_trees(data):
    X, y, _ = data
    thin = sparse.csr_matrix(X)
    assert sparse.issparse(Dense(least_share=0.5).fit_transform(thin))
    assert isinstance(Dense(least_share=0.01).fit_transform(thin), np.ndarray)
    p = [
        make_pipeline(Dense(least_share=share), Forest(20, random_state=0))
        .fit(thin, y)
        .predict_proba(thin)
        for share in (0.5, 0.01)
    ]
    assert (p[0] == p[1]).all()
    old = {"max_cells": 10}  # saved before there was a share
    made = Dense.__new__(Dense)
    made.__setstate__(old)
    assert made.least_share == 0


@pytest.mark.parametrize(
    ("n_rows", "made"), [(999, (500, 3, 1)), (1000, (100, 10, 1)), (10_000, (100, 10, -1))]
)
def test_trees_leaves_and_threads_follow_the_number_of_rows_unless_they_are_given(n_rows, made):
    def of(settings):
        forest = make_model(settings, n_rows=n_rows)[-1]
        return forest.n_estimators, forest.min_samples_leaf, forest.n_jobs

    assert of(RandomForestSettings()) == made
    assert of(RandomForestSettings(n_trees=7, min_leaf=2, n_jobs=3)) == (7, 2, 3)
