import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from clinnlp.risk.trees import Trees


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)).astype(np.float32).astype(float)
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


@pytest.mark.parametrize(
    ("model", "score"),
    [
        (RandomForestClassifier(6, random_state=0), lambda m, X: m.predict_proba(X)[:, 1]),
        (HistGradientBoostingClassifier(max_iter=6), lambda m, X: m.decision_function(X)),
    ],
)
def test_the_sum_over_players_is_the_difference_of_two_rows(data, model, score):
    X, y = data
    model.fit(X, y)
    trees = Trees.of(model)
    assert trees.of_probability == isinstance(model, RandomForestClassifier)
    assert len(trees.roots) == 6
    for x, other in zip(X[:10], X[10:20], strict=True):
        values = trees.shapley(x, other, np.arange(6), 6)
        one, two = score(model, np.stack([x, other]))
        assert values.sum() == pytest.approx(one - two, abs=1e-12)
        assert values.shape == (6, 6)
        turned = trees.shapley(other, x, np.arange(6), 6)
        np.testing.assert_allclose(turned, -values, atol=1e-12)


def test_features_of_one_player_get_what_the_player_gets(data):
    X, y = data
    trees = Trees.of(RandomForestClassifier(5, random_state=0).fit(X, y))
    one = trees.shapley(X[0], X[1], np.zeros(6, int), 1).sum(axis=0)
    many = trees.shapley(X[0], X[1], np.arange(6), 6).sum(axis=0)
    assert one[0] == pytest.approx(many.sum())


def test_other_models_have_no_trees(data):
    assert Trees.of(LogisticRegression().fit(*data)) is None
