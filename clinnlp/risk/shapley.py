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

from clinnlp.core.arrays import Bools, Counts, Floats
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.indicators import BestColumns, Indicators
from clinnlp.risk.maps import mapped
from clinnlp.risk.network import Network
from clinnlp.risk.slopes import slopes
from clinnlp.risk.trees import Trees

__all__ = ["Shapley", "ShapleyValues"]

_N_ORDERS = 32  # drawn, each with its reverse
_CELLS_AT_ONCE = 4_000_000  # of features of sets of players
_SAME = 1e-9  # a smaller difference in probability is none: the slope there is taken


class ShapleyValues(NamedTuple):
    """What each concept adds to the log odds of one patient, or of each of some.

    Parameters
    ----------
    base : float
        Log odds of the reference patient.
    values : array of float64, shape (n_players,) or (n, n_players)
        ``base + values.sum()`` are the log odds of the patient.
    errors : array of float64, of the same shape
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
        self._n = int(player.max(initial=-1)) + 1
        self._base = float(self._log_odds(sparse.csr_matrix(reference[None]))[0])

    def of(self, x: Floats) -> ShapleyValues:
        """Return the Shapley values of a patient with the features x, shape (n_features,)."""
        base, values, errors = self.of_rows(sparse.csr_matrix(x[None]))
        return ShapleyValues(base, values[0], errors[0])

    def of_rows(self, X: sparse.csr_matrix) -> ShapleyValues:
        """Return those of many patients, values and errors of shape (n, n_players)."""
        if self._adds_up:
            values = self._of_sums(X)
            return ShapleyValues(self._base, values, np.zeros_like(values))
        rows = X.toarray()
        if self._trees is not None:
            return ShapleyValues(self._base, *self._of_trees(self._trees, rows, self._log_odds(X)))
        values, errors = np.zeros((2, len(rows), self._n))
        for k, x in enumerate(rows):
            values[k], errors[k] = self._of_orders(x)
        return ShapleyValues(self._base, values, errors)

    def _of_sums(self, X: sparse.csr_matrix) -> Floats:
        indicators, last = self._model.estimator_
        of_player = sparse.csr_matrix(
            (slopes(last), (np.arange(len(indicators.source_)), self._player[indicators.source_])),
            shape=(len(indicators.source_), self._n),
        )
        both = sparse.vstack([sparse.csr_matrix(self._reference[None]), X], format="csr")
        added = (indicators.transform(both) @ of_player).toarray()
        made: Floats = self._model.map_.coef_[0, 0] * (added[1:] - added[0])
        return made

    def _of_orders(self, x: Floats) -> tuple[Floats, Floats]:
        values, errors = np.zeros((2, self._n))
        differ = np.unique(self._player[x != self._reference])
        d = len(differ)
        if d:
            rng = np.random.default_rng(self._seed)
            orders = np.stack([rng.permutation(d) for _ in range(_N_ORDERS)])
            place = np.argsort(np.concatenate([orders, orders[:, ::-1]]), axis=1)  # (2 n, d)
            taken = place[:, None] < np.arange(d + 1)[:, None]  # (2 n, d + 1, d)
            steps = np.diff(self._worth(x, differ, taken.reshape(-1, d)).reshape(-1, d + 1))
            there, back = np.split(np.take_along_axis(steps, place, axis=1), 2)
            drawn = (there + back) / 2
            values[differ] = drawn.mean(axis=0)
            errors[differ] = drawn.std(axis=0, ddof=1) / np.sqrt(_N_ORDERS)
        return values, errors

    def _worth(self, x: Floats, differ: Counts, taken: Bools) -> Floats:
        """Return the log odds of sets of the players that differ, shape (n_sets, len(differ)).

        Sets that come again are asked once, and columns of zeros are not written out.
        """
        packed = np.packbits(taken, axis=1)
        _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        shown = np.flatnonzero((x != 0) | (self._reference != 0))
        changed = np.flatnonzero(x[shown] != self._reference[shown])
        of_player = np.searchsorted(differ, self._player[shown[changed]])
        at_once = max(1, _CELLS_AT_ONCE // max(1, len(shown)))
        made = []
        for k in range(0, len(first), at_once):
            from_x = taken[first[k : k + at_once]][:, of_player]
            cells = np.tile(self._reference[shown], (len(from_x), 1))
            cells[:, changed] = np.where(from_x, x[shown[changed]], cells[:, changed])
            rows = sparse.csr_matrix(cells)
            held = (rows.data, shown[rows.indices], rows.indptr)
            made.append(self._log_odds(sparse.csr_matrix(held, shape=(len(cells), len(x)))))
        worth: Floats = np.concatenate(made)[which.ravel()]
        return worth

    def _of_trees(self, trees: Trees, rows: Floats, ends: Floats) -> tuple[Floats, Floats]:
        kept, slope = self._columns, self._model.map_.coef_[0, 0]
        values, errors = trees.shapley(
            rows[:, kept], self._reference[kept], self._player[kept], self._n
        )
        if not trees.of_probability or not slope:
            return slope * values, np.zeros_like(values)
        change = values.sum(axis=1)
        factor = np.full(len(rows), self._slope_at(self._base))
        moved = np.abs(change) > _SAME
        factor[moved] = (ends[moved] - self._base) / change[moved]
        return values * factor[:, None], errors * np.abs(factor)[:, None]

    def _slope_at(self, log_odds: float) -> float:
        """Return how fast the calibrated log odds rise with a forest's probability."""
        slope, intercept = self._model.map_.coef_[0, 0], self._model.map_.intercept_[0]
        p = expit((log_odds - intercept) / slope)
        return float(slope / (p * (1 - p)))

    def _log_odds(self, X: sparse.csr_matrix) -> Floats:
        """Return the calibrated log odds of rows, shape (n, n_features)."""
        model = self._model
        scores = log_odds(model.estimator_, X)
        if model.steps_ is not None:
            return np.asarray(logit(mapped(scores, model.map_, model.steps_)))
        made: Floats = model.map_.coef_[0, 0] * scores + model.map_.intercept_[0]
        return made
