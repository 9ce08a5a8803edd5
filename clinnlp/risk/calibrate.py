"""Calibrated probabilities on folds by patient.

The scores a calibration map is fitted to come from held-out folds: each inner fold is scored by
a model that has not seen its patients; one map is fitted to all of them, unweighted; then the
model is refitted on everything. Sigmoid: ``P(y = 1) = 1 / (1 + exp(-(a s + b)))`` over log odds
or decision values s, with a slope a that is not below 0. Isotonic: the rising step function
nearest to the outcomes.

A map that falls would turn the model's ranking upside down, on the word of a few held-out
positives. The likelihood is concave in a and b: where the best slope of all is below 0, the best
that is not is 0, and the best map the base rate of the calibration rows, the same for every row.
It lies inside (0, 1), since both classes are there, so no target needs to be smoothed.

References
----------
Platt 1999; Zadrozny and Elkan, KDD 2002; Niculescu-Mizil and Caruana, ICML 2005.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError
from clinnlp.risk.splits import patient_folds

__all__ = ["METHODS", "GroupCalibrated", "log_odds"]


METHODS = ("sigmoid", "isotonic")

_CERTAIN = 1e-6  # a forest's 0 or 1 counts as this far from it
_WEAK = 1e6  # inverse penalty of the sigmoid: none to speak of


class GroupCalibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A binary classifier with probabilities calibrated on inner folds by group.

    Parameters
    ----------
    estimator : classifier
        With ``decision_function`` or ``predict_proba``.
    method : {"sigmoid", "isotonic"}
    n_folds : int
        Inner folds, at least 2; fewer where a class has fewer groups.
    seed : int
        Of the inner folds.

    Attributes
    ----------
    classes_ : array, shape (2,)
    estimator_ : classifier
        Fitted on all rows.
    map_ : LogisticRegression or IsotonicRegression
    flat_ : bool
        Held-out scores did not rise with the outcome: every row is given the base rate.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0, 0, 1, 1] * 5
    >>> model = GroupCalibrated(GaussianNB()).fit(X, y, groups=[str(k // 2) for k in range(20)])
    >>> model.predict([[0.0], [3.0]]).tolist()
    [0, 1]
    """

    def __init__(
        self, estimator: Any, *, method: str = "sigmoid", n_folds: int = 3, seed: int = 0
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit estimator and calibration map.

        Parameters
        ----------
        X : array or csr_matrix, shape (n, n_features)
        y : array, shape (n,)
            Two classes; the second in sorted order is the positive one.
        groups : array of str, shape (n,), optional
            Patient of each row; without, each row is its own.

        Raises
        ------
        ArgumentError
            Fewer than two patients of a class: nothing to calibrate on.
        """
        check_one_of(self.method, METHODS, name="method")
        X, y = validate_data(self, X, y, accept_sparse="csr")
        check_classification_targets(y)
        self.classes_, truth = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ArgumentError(
                "Only binary classification is supported: a risk model needs 2 classes, "
                f"got {len(self.classes_)} class" + "es" * (len(self.classes_) != 1)
            )
        rows = np.arange(len(truth)).astype(str) if groups is None else np.asarray(groups)
        scores = self._held_out(X, truth, rows)
        self.estimator_ = clone(self.estimator).fit(X, truth)
        self.map_, self.flat_ = _fit_map(self.method, scores, truth)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return the calibrated probabilities of both classes, shape (n, 2)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        scores = log_odds(self.estimator_, X)
        if self.method == "sigmoid":
            both: Floats = self.map_.predict_proba(scores[:, None])
            return both
        p = self.map_.predict(scores)
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> Array:
        """Return the likelier class of each row."""
        positive = self.predict_proba(X)[:, 1] > 0.5
        classes: Array = self.classes_[positive.astype(int)]
        return classes

    def _held_out(self, X: Any, truth: Array, groups: Array) -> Floats:
        n_least = min(len(np.unique(groups[truth == k])) for k in (0, 1))
        if n_least < 2:
            raise ArgumentError(
                "calibration needs at least 2 patients of each class, got "
                f"{n_least}; use more data or fewer folds"
            )
        n_folds = min(self.n_folds, n_least)
        folds = patient_folds(groups, truth, n_folds=n_folds, seed=self.seed)
        scores = np.empty(len(truth))
        for fold in range(n_folds):
            test = folds == fold
            model = clone(self.estimator).fit(X[~test], truth[~test])
            scores[test] = log_odds(model, X[test])
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags


def log_odds(model: Any, X: Any) -> Floats:
    """Return decision values where a model has them, else the log odds of class 1.

    Infinite log odds (a forest whose every leaf agrees) are drawn in to those of 1e-6.
    """
    if hasattr(model, "decision_function"):
        values: Floats = np.asarray(model.decision_function(X), np.float64)
        return values
    with np.errstate(divide="ignore"):
        log_p = model.predict_log_proba(X)
    scores: Floats = log_p[:, 1] - log_p[:, 0]
    # A forest whose trees all agree is sure without bound; a map cannot be fitted to that
    return np.where(np.isinf(scores), np.copysign(-logit(_CERTAIN), scores), scores)


def _fit_map(method: str, scores: Floats, truth: Array) -> tuple[Any, bool]:
    """Return the calibration map, and whether it is the same for all scores."""
    if method == "isotonic":
        rising = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(scores, truth)
        return rising, bool(np.ptp(rising.y_thresholds_) == 0)
    sigmoid = LogisticRegression(C=_WEAK).fit(scores[:, None], truth)
    # the best slope has the sign of this difference; the solver knows it up to its tolerance only
    rises = scores[truth == 1].mean() > scores[truth == 0].mean()
    flat = not (rises and sigmoid.coef_[0, 0] > 0)
    if flat:
        sigmoid.coef_ = np.zeros((1, 1))
        sigmoid.intercept_ = logit(truth.mean(keepdims=True))
    return sigmoid, flat
