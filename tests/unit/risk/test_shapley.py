"""Shapley values equal their definition, add up, and say how sure they are."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logit

from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.models import (
    BoostingSettings,
    LogisticSettings,
    MlpSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    RbfSvmSettings,
    SvmSettings,
    make_model,
)
from clinnlp.risk.shapley import Shapley

PLAYER = np.array([0, 1, 1, 2, 3])
REFERENCE = np.array([0.0, 0, 0, 0.5, 0])
EXACT = {
    "naive Bayes": NaiveBayesSettings(),
    "complement": NaiveBayesSettings(kind="complement"),
    "logistic": LogisticSettings(),
    "svm": SvmSettings(),
    "boosting": BoostingSettings(n_rounds=10, min_leaf=5, n_columns=4),
}
FOREST = RandomForestSettings(n_trees=8, min_leaf=3, max_samples=1.0)
DRAWN = {"kernel": RbfSvmSettings(n_landmarks=10), "network": MlpSettings(n_hidden=3, penalty=0.1)}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random((160, 3)) < 0.5, rng.normal(size=(160, 2)).round(1)]) * 1.0
    y = (X[:, 0] + X[:, 1] * X[:, 3] + 0.7 * rng.normal(size=160) > 0.5).astype(int)
    return X, y


@pytest.fixture(scope="module")
def fitted(data):
    made = {}

    def of(settings, method="sigmoid"):
        key = (settings, method)
        if key not in made:
            model = GroupCalibrated(make_model(settings), method=method, independent_rows=True)
            made[key] = model.fit(*data)
        return made[key]

    return of


def by_definition(worth, x, n=4):
    """Return Shapley values from all sets of players."""
    values = np.zeros(n)
    for j in range(n):
        for size in range(n):
            for others in combinations([k for k in range(n) if k != j], size):
                without, with_it = (
                    np.where(np.isin(PLAYER, players), x, REFERENCE)
                    for players in (others, (*others, j))
                )
                values[j] += (worth(with_it) - worth(without)) / (n * comb(n - 1, size))
    return values


def odds_of(model):
    return lambda x: logit(model.predict_proba(x[None])[0, 1])


@pytest.mark.parametrize("name", EXACT)
def test_values_of_sums_and_of_boosting_equal_the_definition(fitted, data, name):
    model = fitted(EXACT[name])
    shapley = Shapley(model, reference=REFERENCE, player=PLAYER)
    for x in data[0][:2]:
        base, values, errors = shapley.of(x)
        np.testing.assert_allclose(values, by_definition(odds_of(model), x), atol=1e-8)
        assert base == pytest.approx(odds_of(model)(REFERENCE))
        assert not errors.any()


def test_those_of_a_forest_are_those_of_its_probability_carried_by_one_factor(fitted, data):
    model = fitted(FOREST)
    forest = model.estimator_
    shapley = Shapley(model, reference=REFERENCE, player=PLAYER)
    for x in data[0][:2]:
        base, values, errors = shapley.of(x)
        wanted = by_definition(lambda z: forest.predict_proba(z[None])[0, 1], x)
        change = odds_of(model)(x) - base
        np.testing.assert_allclose(values, wanted * change / wanted.sum(), atol=1e-8)
        assert (errors[np.abs(values) > 1e-9] > 0).all()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("settings", [*EXACT.values(), FOREST, *DRAWN.values()])
def test_base_line_and_values_add_up_to_the_log_odds(fitted, data, settings, method):
    model = fitted(settings, method)
    shapley = Shapley(model, reference=REFERENCE, player=PLAYER)
    for x in data[0][:1]:
        base, values, _ = shapley.of(x)
        assert base + values.sum() == pytest.approx(odds_of(model)(x), abs=1e-6)
    base, values, errors = shapley.of(REFERENCE)
    assert (values.tolist(), errors.tolist()) == ([0.0] * 4, [0.0] * 4)


@pytest.mark.parametrize("settings", DRAWN.values())
def test_drawn_values_lie_within_their_errors_of_the_definition(fitted, data, settings):
    model = fitted(settings)
    shapley = Shapley(model, reference=REFERENCE, player=PLAYER)
    for x in data[0][:1]:
        _, values, errors = shapley.of(x)
        wanted = by_definition(odds_of(model), x)
        assert (np.abs(values - wanted) <= 5 * errors + 1e-9).all()


def test_where_the_model_is_level_nothing_adds_anything(data):
    rng = np.random.default_rng(1)
    model = GroupCalibrated(make_model(FOREST), independent_rows=True)
    model.fit(data[0], rng.integers(0, 2, 160))
    model.map_.coef_ = np.zeros((1, 1))
    _, values, errors = Shapley(model, reference=REFERENCE, player=PLAYER).of(data[0][0])
    assert not values.any()
    assert not errors.any()


def test_where_changes_cancel_the_slope_carries_them(fitted, data):
    """A patient at the risk of the reference has reasons for and against, none beyond bounds."""
    model = fitted(FOREST)
    shapley = Shapley(model, reference=REFERENCE, player=PLAYER)
    p = odds_of(model)(REFERENCE)
    same = [x for x in data[0] if abs(odds_of(model)(x) - p) < 1e-9 and (x != REFERENCE).any()]
    for x in [*same, *data[0][:20]]:
        assert np.abs(shapley.of(x).values).max() < 30


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("settings", [*EXACT.values(), FOREST, *DRAWN.values()])
def test_many_rows_get_what_each_gets_alone(fitted, data, settings, method, monkeypatch):
    """However many are asked for at once, and however many sets of players fit into memory."""
    shapley = Shapley(fitted(settings, method), reference=REFERENCE, player=PLAYER)
    rows = data[0][:3]
    base, values, errors = shapley.of_rows(sparse.csr_matrix(rows))
    monkeypatch.setattr("clinnlp.risk.shapley._CELLS_AT_ONCE", 10)
    for x, found, error in zip(rows, values, errors, strict=True):
        alone = shapley.of(x)
        assert alone.base == base
        np.testing.assert_allclose(alone.values, found, atol=1e-12)
        np.testing.assert_allclose(alone.errors, error, atol=1e-12)
