"""The trees of a fitted model as flat arrays, and what each concept adds to their sum."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from clinnlp.core.arrays import Array, Bools, Counts, Floats

__all__ = ["Trees"]

_LEAF = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trees:
    """All nodes of all trees, one after the other; the sum of their leaves is the score.

    Parameters
    ----------
    roots : array of int64, shape (n_trees,)
    left, right : array of int64, shape (n_nodes,)
        Children, ``-1`` of a leaf; left where the feature is at most the threshold.
    feature : array of int64, shape (n_nodes,)
    threshold : array of float64, shape (n_nodes,)
    value : array of float64, shape (n_nodes,)
        What a leaf adds: a share of a forest's probability, log odds of boosting.
    of_probability : bool
        They add up to a forest's probability; else, boosting's, to log odds.

    Examples
    --------
    >>> X, y = [[0.0], [1.0]] * 10, [0, 1] * 10
    >>> forest = RandomForestClassifier(3, bootstrap=False).fit(X, y)
    >>> Trees.of(forest).shapley(np.ones(1), np.zeros(1), np.zeros(1, int), 1).sum(axis=0).tolist()
    [1.0]
    """

    roots: Counts
    left: Counts
    right: Counts
    feature: Counts
    threshold: Floats
    value: Floats
    of_probability: bool

    @classmethod
    def of(cls, model: Any) -> Self | None:
        """Return the trees of a fitted forest or boosting; None of any other model."""
        if isinstance(model, RandomForestClassifier):
            trees = [_of_forest(tree.tree_) for tree in model.estimators_]
            return cls._joined(trees, of_probability=True)
        if isinstance(model, HistGradientBoostingClassifier):
            trees = [_of_boosting(tree.nodes) for (tree,) in model._predictors]
            return cls._joined(trees, of_probability=False)
        return None

    @classmethod
    def _joined(cls, trees: list[tuple[Array, ...]], *, of_probability: bool) -> Self:
        sizes = np.array([len(tree[0]) for tree in trees])
        roots = np.cumsum(sizes) - sizes
        left, right, feature, threshold, value = map(np.concatenate, zip(*trees, strict=True))
        inner, shift = left != _LEAF, np.repeat(roots, sizes)
        return cls(
            roots=roots,
            left=np.where(inner, left + shift, _LEAF),
            right=np.where(inner, right + shift, _LEAF),
            feature=feature,
            threshold=threshold,
            value=value / len(trees) if of_probability else value,
            of_probability=of_probability,
        )

    def shapley(self, x: Floats, reference: Floats, player: Counts, n: int) -> Floats:
        """Return the Shapley values by tree, for a row against a reference: shape (n_trees, n).

        Parameters
        ----------
        x, reference : array of float, shape (n_features,)
        player : array of int, shape (n_features,)
            Whose each feature is; features of one player change together.
        """
        of_x, of_reference = self._next(x).tolist(), self._next(reference).tolist()
        of_node, value = player[self.feature].tolist(), self.value.tolist()
        values = np.zeros((len(self.roots), n))
        for of_tree, root in zip(values, self.roots.tolist(), strict=True):
            for leaf, ours, theirs in _reached(root, of_x, of_reference, of_node):
                a, b = ours.bit_count(), theirs.bit_count()
                for j in _members(ours):
                    of_tree[j] += value[leaf] * _weight(a - 1, b)
                for j in _members(theirs):
                    of_tree[j] -= value[leaf] * _weight(a, b - 1)
        return values

    def _next(self, row: Floats) -> Counts:
        """Return where a row goes from each node, -1 from a leaf."""
        # Both kinds get float32 rows (`Dense`), and compare them with thresholds in float64
        is_left: Bools = row.astype(np.float32)[self.feature] <= self.threshold
        return np.where(is_left, self.left, self.right)


def _reached(
    root: int, of_x: list[int], of_reference: list[int], player: list[int]
) -> Iterator[tuple[int, int, int]]:
    """Yield the leaves that some mixture of two rows reaches, and whose features decide it.

    A set of players is the bits of a number: those who must be as in x, those as in the reference.
    """
    waiting = [(root, 0, 0)]
    while waiting:
        node, ours, theirs = waiting.pop()
        x, reference = of_x[node], of_reference[node]
        while x == reference != _LEAF:
            node = x
            x, reference = of_x[node], of_reference[node]
        if x == _LEAF:
            yield node, ours, theirs
            continue
        one = 1 << player[node]
        if not theirs & one:
            waiting.append((x, ours | one, theirs))
        if not ours & one:
            waiting.append((reference, ours, theirs | one))


def _members(players: int) -> Iterator[int]:
    while players:
        lowest = players & -players
        yield lowest.bit_length() - 1
        players ^= lowest


@cache
def _weight(before: int, after: int) -> float:
    """Return the share of orders in which one stands behind `before` others and before `after`."""
    return factorial(before) * factorial(after) / factorial(before + after + 1)


def _of_forest(tree: Any) -> tuple[Array, ...]:
    share = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
    feature = np.maximum(0, tree.feature)
    return tree.children_left, tree.children_right, feature, tree.threshold, share


def _of_boosting(nodes: Array) -> tuple[Array, ...]:
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, _LEAF, nodes["left"].astype(np.int64))
    right = np.where(leaf, _LEAF, nodes["right"].astype(np.int64))
    return left, right, nodes["feature_idx"], nodes["num_threshold"], nodes["value"]
