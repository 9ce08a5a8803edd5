from math import comb

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
        values, errors = trees.shapley(x[None], other, np.arange(6), 6)
        one, two = score(model, np.stack([x, other]))
        assert values.sum() == pytest.approx(one - two, abs=1e-12)
        assert values.shape == errors.shape == (1, 6)
        turned, as_sure = trees.shapley(other[None], x, np.arange(6), 6)
        np.testing.assert_allclose(turned, -values, atol=1e-12)
        np.testing.assert_allclose(as_sure, errors, atol=1e-12)


def walked(trees, x, other, player, n):
    """Return the values by tree as one walk per tree and row gives them, shape (n_trees, n)."""
    values = np.zeros((len(trees.roots), n))
    for of_tree, root in zip(values, trees.roots, strict=True):
        waiting = [(root, frozenset(), frozenset())]
        while waiting:
            node, ours, theirs = waiting.pop()
            if trees.left[node] < 0:
                a, b = len(ours), len(theirs)
                for j in ours:
                    of_tree[j] += trees.value[node] / ((a + b) * comb(a + b - 1, b))
                for j in theirs:
                    of_tree[j] -= trees.value[node] / ((a + b) * comb(a + b - 1, a))
                continue
            feature, threshold = trees.feature[node], trees.threshold[node]
            to_x, to_other = (
                (trees.left if np.float32(row[feature]) <= threshold else trees.right)[node]
                for row in (x, other)
            )
            one = {player[feature]}
            if to_x == to_other:
                waiting.append((to_x, ours, theirs))
                continue
            if not one & theirs:
                waiting.append((to_x, ours | one, theirs))
            if not one & ours:
                waiting.append((to_other, ours, theirs | one))
    return values


@pytest.mark.parametrize("at_once", [1, 10**6])
@pytest.mark.parametrize(
    "model", [RandomForestClassifier(7, random_state=0), HistGradientBoostingClassifier(max_iter=5)]
)
def test_all_rows_together_get_what_each_gets_alone(data, model, at_once, monkeypatch):
    monkeypatch.setattr("clinnlp.risk.trees._NODES_AT_ONCE", at_once)
    X, y = data
    trees, player = Trees.of(model.fit(X, y)), np.array([0, 1, 1, 3, 2, 3])
    values, errors = trees.shapley(X[:8], X[9], player, 5)
    for x, found, error in zip(X[:8], values, errors, strict=True):
        by_tree = walked(trees, x, X[9], player, 5)
        np.testing.assert_allclose(found, by_tree.sum(axis=0), atol=1e-12)
        of_trees = by_tree.std(axis=0, ddof=1) * np.sqrt(len(by_tree))
        np.testing.assert_allclose(error, of_trees, atol=1e-12)


def test_no_row_and_one_tree_are_taken(data):
    trees = Trees.of(RandomForestClassifier(1, random_state=0).fit(*data))
    assert trees.shapley(np.empty((0, 6)), np.zeros(6), np.arange(6), 6)[0].shape == (0, 6)
    assert not trees.shapley(data[0][:3], data[0][4], np.arange(6), 6)[1].any()


def test_features_of_one_player_get_what_the_player_gets(data):
    X, y = data
    trees = Trees.of(RandomForestClassifier(5, random_state=0).fit(X, y))
    one, _ = trees.shapley(X[:1], X[1], np.zeros(6, int), 1)
    many, _ = trees.shapley(X[:1], X[1], np.arange(6), 6)
    assert one[0, 0] == pytest.approx(many.sum())


def test_other_models_have_no_trees(data):
    assert Trees.of(LogisticRegression().fit(*data)) is None
