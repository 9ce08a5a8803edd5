"""The trees of a fitted model as flat arrays, and what each concept adds to their sum."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from clinnlp.core.arrays import Array, Bools, Counts, Floats

__all__ = ["Trees"]

_LEAF = -1
_NODES_AT_ONCE = 2_000_000  # of the trees, by row


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
    >>> values, _ = Trees.of(forest).shapley(np.ones((1, 1)), np.zeros(1), np.zeros(1, int), 1)
    >>> values.tolist()
    [[1.0]]
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

    def shapley(
        self, X: Floats, reference: Floats, player: Counts, n: int
    ) -> tuple[Floats, Floats]:
        """Return the Shapley values of rows against a reference, and their standard errors.

        Parameters
        ----------
        X : array of float, shape (n_rows, n_features)
        reference : array of float, shape (n_features,)
        player : array of int, shape (n_features,)
            Whose each feature is; features of one player change together.
        n : int
            Players.

        Returns
        -------
        values, errors : array of float64, shape (n_rows, n)
            Sums over the trees, and how far another draw of as many trees would lead.
        """
        at_once = max(1, _NODES_AT_ONCE // len(self.left))
        values, errors = np.zeros((2, len(X), n))
        for k in range(0, len(X), at_once):
            part = slice(k, k + at_once)
            values[part], errors[part] = self._of_some(X[part], reference, player, n)
        return values, errors

    def _of_some(
        self, X: Floats, reference: Floats, player: Counts, n: int
    ) -> tuple[Floats, Floats]:
        ended = self._walked(X, reference, player[self.feature])
        keys, shares = map(
            np.concatenate, zip(*(self._shares(walk, n) for walk in ended), strict=True)
        )
        key, which = np.unique(keys, return_inverse=True)  # of row, tree and player
        by_tree = np.bincount(which, shares, minlength=len(key)).astype(np.float64)
        n_trees = len(self.roots)
        at = key // (n_trees * n) * n + key % n  # of row and player
        return _over_trees(by_tree, at, n_trees, (len(X), n))

    def _walked(self, X: Floats, reference: Floats, player: Counts) -> Iterator["_Walk"]:
        """Yield the leaves that mixtures of each row and the reference reach.

        All rows walk down all trees together, and `player` is that of each node. Where a row and
        the reference part, both ways are gone: the row's, if its player is not the reference's
        already, and the other the other way round.
        """
        # Both kinds get float32 rows (`Dense`), and compare them with thresholds in float64
        rows, other = X.astype(np.float32), reference.astype(np.float32)
        to_other = np.where(other[self.feature] <= self.threshold, self.left, self.right)
        m = len(X) * len(self.roots)
        walk = _Walk(
            row=np.repeat(np.arange(len(X)), len(self.roots)),
            node=np.tile(self.roots, len(X)),
            who=np.empty((m, 0), np.int32),
            is_ours=np.empty((m, 0), bool),
        )
        while len(walk.node):
            to_row = self._parted(walk, rows, to_other)
            yield walk.at(to_row == _LEAF)
            walk, to_row = walk.at(to_row != _LEAF), to_row[to_row != _LEAF]
            walk = _Walk.both(walk, player[walk.node], to_row, to_other[walk.node])

    def _parted(self, walk: "_Walk", rows: Array, to_other: Counts) -> Counts:
        """Walk on until row and reference part or a leaf is reached; return where the row goes."""
        to_row = np.full(len(walk.node), _LEAF)
        going = np.arange(len(walk.node))
        while len(going):
            node = walk.node[going]
            is_left = rows[walk.row[going], self.feature[node]] <= self.threshold[node]
            to = np.where(is_left, self.left[node], self.right[node])
            same = (to == to_other[node]) & (to != _LEAF)
            to_row[going[~same]] = to[~same]
            walk.node[going[same]] = to[same]
            going = going[same]
        return to_row

    def _shares(self, walk: "_Walk", n: int) -> tuple[Counts, Floats]:
        """Return row, tree and player as one number, and what leaves give to or take from each."""
        n_ours = walk.is_ours.sum(axis=1)
        n_theirs = (walk.who >= 0).sum(axis=1) - n_ours
        value, weight = self.value[walk.node], _weights(walk.who.shape[1])
        # Where nobody is of a side its weight, at -1, is taken by nobody
        gives = value * weight[n_ours - 1, n_theirs]
        takes = -value * weight[n_ours, n_theirs - 1]
        leaf, place = np.nonzero(walk.who >= 0)
        share = np.where(walk.is_ours[leaf, place], gives[leaf], takes[leaf])
        tree = np.searchsorted(self.roots, walk.node, side="right") - 1
        of_tree = walk.row * len(self.roots) + tree
        return of_tree[leaf] * n + walk.who[leaf, place], share


class _Walk(NamedTuple):
    """Where rows are in trees, and which players decided that they are there."""

    row: Counts  # (m,)
    node: Counts  # (m,)
    who: Array  # (m, n), -1 where nobody was added
    is_ours: Bools  # (m, n): as in the row, else as in the reference

    def at(self, where: Bools) -> "_Walk":
        return _Walk(self.row[where], self.node[where], self.who[where], self.is_ours[where])

    @classmethod
    def both(cls, walk: "_Walk", whose: Counts, to_row: Counts, to_other: Counts) -> "_Walk":
        """Return the walks that go the way of the row, and those that go that of the reference."""
        held = walk.who == whose[:, None]
        added = np.where(held.any(axis=1), -1, whose).astype(np.int32)[:, None]
        ways = []
        for is_ours, to in ((True, to_row), (False, to_other)):
            free = ~(held & (walk.is_ours != is_ours)).any(axis=1)
            going, more = walk.at(free), added[free]
            ways.append(
                going._replace(
                    node=to[free],
                    who=np.hstack([going.who, more]),
                    is_ours=np.hstack([going.is_ours, (more >= 0) & is_ours]),
                )
            )
        made: list[Any] = [np.concatenate(parts) for parts in zip(*ways, strict=True)]
        return cls(*made)


def _over_trees(
    by_tree: Floats, at: Counts, n_trees: int, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return sums over the trees, and standard errors; a tree that is not there gives 0."""
    size = shape[0] * shape[1]
    values = np.bincount(at, by_tree, minlength=size).astype(np.float64)
    mean = values / n_trees
    around = np.bincount(at, (by_tree - mean[at]) ** 2, minlength=size)
    squares = around + (n_trees - np.bincount(at, minlength=size)) * mean**2
    errors: Floats = np.sqrt(squares / max(1, n_trees - 1) * n_trees)
    return values.reshape(shape), errors.reshape(shape)


@cache
def _weights(n: int) -> Floats:
    """Return the share of orders in which one stands behind a others and before b, of each pair."""
    return np.array([[_weight(a, b) for b in range(n + 1)] for a in range(n + 1)])


def _weight(before: int, after: int) -> float:
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
