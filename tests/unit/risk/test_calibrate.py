import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.models import NaiveBayesSettings, RandomForestSettings, make_model


@parametrize_with_checks(
    [
        GroupCalibrated(LogisticRegression(), n_folds=2),
        GroupCalibrated(make_model(NaiveBayesSettings()), method="isotonic", n_folds=2),
    ]
)
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


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
    fitted = GroupCalibrated(model, method=method).fit(X[train], y[train])
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


def test_the_refitted_model_has_seen_all_rows():
    X = np.arange(40.0)[:, None]
    model = GroupCalibrated(Witness()).fit(X, np.arange(40) % 3 == 0)
    assert model.estimator_.rows_ == set(range(40))


def test_a_forest_that_is_certain_has_finite_log_odds():
    X = np.array([[0.0], [0.0], [1.0], [1.0]] * 5)
    y = X.ravel().astype(int)
    forest = make_model(RandomForestSettings(n_trees=3, min_leaf=1, max_samples=1.0)).fit(X, y)
    scores = log_odds(forest, X)
    assert np.isfinite(scores).all()
    assert scores[2] > 10 > -10 > scores[0]


def test_refusals():
    X = np.arange(6.0)[:, None]
    with pytest.raises(ArgumentError, match="at least 2 patients of each class, got 1"):
        GroupCalibrated(LogisticRegression()).fit(X, [0, 0, 0, 0, 0, 1])
    with pytest.raises(ArgumentError, match=r"got 1 class$"):
        GroupCalibrated(LogisticRegression()).fit(X, [0] * 6)
    with pytest.raises(ArgumentError, match="method"):
        GroupCalibrated(LogisticRegression(), method="beta").fit(X, [0, 1] * 3)
