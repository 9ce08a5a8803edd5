"""Shapley values of a calibrated model's log odds: one patient against a reference patient.

Each concept in which the two differ is a player; a set of them is worth the risk of a patient who
has these from the one and all others from the other. Its Shapley value is what a concept adds in
the mean over all orders in which the concepts could be taken up, so that the values add up to the
difference between the two patients.

*Trees.* A leaf is reached where some concepts (a of them) come from the patient and others (b)
from the reference, whatever the rest do. So it gives each of the a its value times
``(a-1)! b! / (a+b)!``, and takes its value times ``a! (b-1)! / (a+b)!`` from each of the b: exact,
in one walk per tree. What trees add up is not always log odds: a forest adds probabilities. Its
values are carried over by one factor per patient, the difference in log odds over that in
probability, as DeepLIFT's rescale rule does. Its trees are drawn, and the standard error over them
says how far another seed would lead. The trees of boosting hang on one another, so that none is
known of it: where every feature may be tried at each split, nothing is left to chance.

*Sums of indicators* (naive Bayes, logistic regression, linear SVM): any order gives the same.

*All others* (kernel, network, steps of an isotonic map): the mean over drawn orders, each taken
forwards and backwards, with its standard error. Each order adds up, so their mean does.

References
----------
Shapley 1953; Lundberg et al., Nat Mach Intell 2020 (trees, interventional); Chen, Lundberg and Lee,
Nat Commun 2022 (one reference, and values carried through a link); Mitchell et al., JMLR 2022
(orders and their reverses).
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from clinnlp.core.arrays import Counts, Floats
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.indicators import BestColumns, Indicators
from clinnlp.risk.maps import mapped
from clinnlp.risk.network import Network
from clinnlp.risk.trees import Trees

__all__ = ["Shapley", "ShapleyValues"]

_N_ORDERS = 32  # drawn, each with its reverse
_SAME = 1e-9  # a smaller difference in probability is none: the slope there is taken


class ShapleyValues(NamedTuple):
    """What each concept adds to the log odds of one patient.

    Parameters
    ----------
    base : float
        Log odds of the reference patient.
    values : array of float64, shape (n_players,)
        ``base + values.sum()`` are the log odds of the patient.
    errors : array of float64, shape (n_players,)
        Standard errors: of a forest over its trees, which is what another seed would change; of
        drawn orders over these; else 0.
    """

    base: float
    values: Floats
    errors: Floats


class Shapley:
    """Shapley values by one fitted model, whose trees are read once.

    Parameters
    ----------
    model : GroupCalibrated
    reference : array of float, shape (n_features,)
    player : array of int, shape (n_features,)
        The concept of each feature, numbered from 0.
    seed : int
        Of the orders, where they are drawn.

    Examples
    --------
    >>> from clinnlp.risk.models import RandomForestSettings, make_model
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 20, [0, 0, 1, 1] * 20
    >>> forest = make_model(RandomForestSettings(n_trees=10))
    >>> model = GroupCalibrated(forest, independent_rows=True).fit(X, y)
    >>> shapley = Shapley(model, reference=np.zeros(2), player=np.arange(2))
    >>> base, values, _ = shapley.of(np.ones(2))
    >>> bool(values[0] > values[1])
    True
    >>> p = model.predict_proba([[1.0, 1.0]])[0, 1]
    >>> bool(np.isclose(base + values.sum(), logit(p)))
    True
    """

    def __init__(
        self, model: GroupCalibrated, *, reference: Floats, player: Counts, seed: int = 0
    ) -> None:
        self._model, self._reference, self._player, self._seed = model, reference, player, seed
        pipeline = model.estimator_
        self._trees = None if model.steps_ is not None else Trees.of(pipeline[-1])
        # Steps bend what adds up; a kernel and a network have no columns that do
        self._adds_up = (
            model.steps_ is None
            and len(pipeline) == 2
            and isinstance(pipeline[0], Indicators)
            and not isinstance(pipeline[-1], Network)
        )
        self._columns = np.arange(len(player))
        if isinstance(pipeline[0], BestColumns):
            self._columns = pipeline[0].kept_

    def of(self, x: Floats) -> ShapleyValues:
        """Return the Shapley values of a patient with the features x, shape (n_features,)."""
        ends = self._log_odds(np.stack([self._reference, x]))
        values, errors = np.zeros((2, int(self._player.max(initial=-1)) + 1))
        differ = np.unique(self._player[x != self._reference])
        if self._trees is not None:
            values, errors = self._of_trees(self._trees, x, ends, len(values))
        elif self._adds_up:
            values[differ] = self._in_order(x, differ)
        elif len(differ):
            rng = np.random.default_rng(self._seed)
            orders = [rng.permutation(differ) for _ in range(_N_ORDERS)]
            drawn = np.zeros((_N_ORDERS, len(values)))
            for found, order in zip(drawn, orders, strict=True):
                for turned in (order, order[::-1]):
                    found[turned] += self._in_order(x, turned) / 2
            values, errors = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(_N_ORDERS)
        return ShapleyValues(float(ends[0]), values, errors)

    def _of_trees(self, trees: Trees, x: Floats, ends: Floats, n: int) -> tuple[Floats, Floats]:
        kept, slope = self._columns, self._model.map_.coef_[0, 0]
        by_tree = trees.shapley(x[kept], self._reference[kept], self._player[kept], n)
        values = by_tree.sum(axis=0)
        if not trees.of_probability or not slope:
            return slope * values, np.zeros(n)
        errors = by_tree.std(axis=0, ddof=min(1, len(by_tree) - 1)) * np.sqrt(len(by_tree))
        factor = self._slope_at(ends[0])
        if abs(values.sum()) > _SAME:
            factor = (ends[1] - ends[0]) / values.sum()
        return values * factor, errors * abs(factor)

    def _slope_at(self, log_odds: float) -> float:
        """Return how fast the calibrated log odds rise with a forest's probability."""
        slope, intercept = self._model.map_.coef_[0, 0], self._model.map_.intercept_[0]
        p = expit((log_odds - intercept) / slope)
        return float(slope / (p * (1 - p)))

    def _in_order(self, x: Floats, order: Counts) -> Floats:
        """Return what each player adds when they are taken from x one after the other."""
        place = np.full(int(self._player.max()) + 1, len(order))
        place[order] = np.arange(len(order))
        n_taken = np.arange(len(order) + 1)[:, None]
        rows = np.where(place[self._player] < n_taken, x, self._reference)  # (n + 1, n_features)
        steps: Floats = np.diff(self._log_odds(rows))
        return steps

    def _log_odds(self, rows: Floats) -> Floats:
        """Return the calibrated log odds of rows, shape (n, n_features)."""
        model = self._model
        scores = log_odds(model.estimator_, sparse.csr_matrix(rows))
        if model.steps_ is not None:
            return np.asarray(logit(mapped(scores, model.map_, model.steps_)))
        made: Floats = model.map_.coef_[0, 0] * scores + model.map_.intercept_[0]
        return made
