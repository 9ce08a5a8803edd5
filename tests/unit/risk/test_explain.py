import numpy as np
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.explain import naive_bayes_points, permutation_importance, screened_features
from clinnlp.risk.models import NaiveBayesSettings, RandomForestSettings, SvmSettings, make_model

SETTINGS = [
    NaiveBayesSettings(),
    NaiveBayesSettings(kind="complement"),
    RandomForestSettings(n_trees=10, max_samples=1.0, max_features=1.0),
    SvmSettings(),
]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = (rng.random((400, 5)) < 0.4).astype(float)
    X[:, 4] = rng.normal(size=400)
    y = (X[:, 2] + 0.5 * rng.normal(size=400) > 0.5).astype(int)
    return sparse.csr_matrix(X), y


def test_points_and_prior_add_up_to_the_log_odds(data):
    X, y = data
    model = make_model(NaiveBayesSettings()).fit(X, y)
    names = [f"x{j}" for j in range(5)]
    points = {p.name: p for p in naive_bayes_points(model, names)}
    indicators = model[0].transform(X).toarray()
    told = model[0].get_feature_names_out(np.array(names, dtype=object))
    sums = np.full(X.shape[0], np.log(y.mean() / (1 - y.mean())))
    for column, name in zip(indicators.T, told, strict=True):
        sums += np.where(column > 0, points[name].present, points[name].absent)
    log_p = model.predict_log_proba(X)
    np.testing.assert_allclose(sums, log_p[:, 1] - log_p[:, 0])


@pytest.mark.parametrize("kind", ["bernoulli", "complement"])
def test_the_strongest_comes_first_and_points_upwards(data, kind):
    X, y = data
    model = make_model(NaiveBayesSettings(kind=kind)).fit(X, y)
    first = naive_bayes_points(model, list("abcde"))[0]
    assert first.name == "c"
    assert first.present > 0 >= first.absent


def test_points_need_naive_bayes(data):
    with pytest.raises(ArgumentError, match="got LinearSVC"):
        naive_bayes_points(make_model(SvmSettings()).fit(*data), list("abcde"))


@pytest.mark.parametrize("settings", SETTINGS)
def test_importance_finds_the_column_that_tells(data, settings):
    X, y = data
    model = GroupCalibrated(make_model(settings), independent_rows=True).fit(X[:200], y[:200])
    columns = screened_features(model, X[:200], 3)
    assert columns[0] == 2
    assert len(columns) == 3
    falls = permutation_importance(model, X[200:], y[200:], columns, seed=1)
    assert falls[0] > 0.2
    assert np.abs(falls[1:]).max() < 0.1
    assert (
        falls.tolist() == permutation_importance(model, X[200:], y[200:], columns, seed=1).tolist()
    )
