"""Calibrated probabilities on folds by patient.

The scores a calibration map is fitted to come from held-out folds: each inner fold is scored by
a model that has not seen its patients; one map is fitted to all of them, unweighted; then the
model is refitted on everything. A forest needs no folds: each patient is scored by those of its
trees that have not seen him. The map is one of `clinnlp.risk.maps`: a sigmoid over log odds or
decision values, or rising steps. Both rise with the score, so that a model ranks calibrated as it
does by itself; where held-out scores fall beyond doubt, every row has the base rate.
"""

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from clinnlp.core.arrays import Array, Bools, Floats
from clinnlp.core.arrow import is_frame
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError
from clinnlp.risk.forest import out_of_bag
from clinnlp.risk.indicators import Dense
from clinnlp.risk.maps import mapped, rise_of, sigmoid_map, step_map, unit_of
from clinnlp.risk.splits import patient_folds

__all__ = ["METHODS", "GroupCalibrated", "log_odds"]


METHODS = ("sigmoid", "isotonic")

_FOLDS = 3
_FEW, _FOLDS_OF_FEW = 100, 10  # of groups of the class that has fewer, and folds then
_CERTAIN = 1e-6  # a forest's 0 or 1 counts as this far from it

_UNGROUPED = (
    "GroupCalibrated was fitted without groups, so each row counts as a patient of its own; where "
    "a patient has several rows, calibration then leaks. Pass groups= to fit (model__groups= "
    "through a Pipeline; in cross-validation set_fit_request(groups=True), "
    "sklearn.set_config(enable_metadata_routing=True) and params={'groups': ...}), or say "
    "independent_rows=True where no patient has two"
)


class GroupCalibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A binary classifier with probabilities calibrated on inner folds by group.

    Parameters
    ----------
    estimator : classifier
        With ``decision_function`` or ``predict_proba``. A frame reaches it as it is, so that it
        may begin with a ``ColumnTransformer``.
    method : {"sigmoid", "isotonic"}
    n_folds : int, optional
        Inner folds, at least 2; 3 by default, and 10 where a class has fewer than 100 groups:
        models learn much from each of few, so those of 3 folds are too unlike the one of all rows.
        Fewer where a class has fewer groups. Without a number, a random forest is scored out of
        bag instead, where enough of its trees have seen no row of a group.
    seed : int
        Of the inner folds.
    independent_rows : bool
        That no patient has two rows, so that none has to be named: without it, a fit without
        groups warns.

    Attributes
    ----------
    classes_ : array, shape (2,)
    estimator_ : classifier
        Fitted on all rows.
    map_ : LogisticRegression
        Sigmoid over the scores of `estimator_`.
    steps_ : IsotonicRegression or None
        Rising steps, of method isotonic.
    rises_ : bool
        Held-out scores rose with the outcome. Where they did not, by chance or because there is
        nothing to learn, risks lie near the base rate.
    flat_ : bool
        They fell beyond doubt, or were all the same: every row is given the base rate.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0, 0, 1, 1] * 5
    >>> model = GroupCalibrated(GaussianNB()).fit(X, y, groups=[str(k // 2) for k in range(20)])
    >>> model.predict([[0.0], [3.0]]).tolist()
    [0, 1]
    """

    def __init__(
        self,
        estimator: Any,
        *,
        method: str = "sigmoid",
        n_folds: int | None = None,
        seed: int = 0,
        independent_rows: bool = False,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.n_folds = n_folds
        self.seed = seed
        self.independent_rows = independent_rows

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what was saved, also before there was every option."""
        super().__setstate__({"independent_rows": False, **state})

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit estimator and calibration map.

        Parameters
        ----------
        X : array, csr_matrix or DataFrame, shape (n, n_features)
        y : array, shape (n,)
            Two classes; the second in sorted order is the positive one.
        groups : array of str, shape (n,), optional
            Patient of each row; without, each row is its own.
        sample_weight : array of float, shape (n,), optional
            How many rows each row stands for, at least 0, in the model and in the calibration map.
            A row of weight 0 counts as absent. The steps before the last one of a ``Pipeline``
            learn from all other rows alike.

        Warns
        -----
        UserWarning
            Without groups, unless `independent_rows`: a patient with several rows would be on both
            sides of an inner fold.

        Raises
        ------
        ArgumentError
            Fewer than two patients of a class: nothing to calibrate on; or groups or weights that
            are not one per row.
        """
        check_one_of(self.method, METHODS, name="method")
        X, labels = self._checked(X, y)
        check_classification_targets(labels)
        if groups is None and not self.independent_rows:
            warnings.warn(_UNGROUPED, UserWarning, stacklevel=2)
        weights = _weights(sample_weight, len(labels))
        rows = None if groups is None else _groups(groups, len(labels))
        if weights is not None and not weights.all():
            there = weights > 0
            X, labels, weights = _rows_at(X, there), labels[there], weights[there]
            rows = None if rows is None else rows[there]
        self.classes_, truth = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ArgumentError(
                "Only binary classification is supported: a risk model needs 2 classes, "
                f"got {len(self.classes_)} class" + "es" * (len(self.classes_) != 1)
            )
        rows = np.arange(len(truth)).astype(str) if rows is None else rows
        self.estimator_ = _fitted(self.estimator, X, truth, weights)
        scores = self._held_out(X, truth, rows, weights)
        self._fit_map(scores, truth, weights)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return the calibrated probabilities of both classes, shape (n, 2)."""
        check_is_fitted(self)
        X = self._checked(X)
        p = mapped(log_odds(self.estimator_, X), self.map_, self.steps_)
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> Array:
        """Return the likelier class of each row."""
        positive = self.predict_proba(X)[:, 1] > 0.5
        classes: Array = self.classes_[positive.astype(int)]
        return classes

    def _checked(self, X: Any, y: Any = "no_validation") -> Any:
        """Return X, and y to fit on, as scikit-learn checks them; of a frame only the names."""
        fits = not isinstance(y, str)
        if is_frame(X):
            validate_data(self, X, reset=fits, skip_check_array=True)
            if fits:
                y = column_or_1d(y, warn=True)
                check_consistent_length(X, y)
            return (X, y) if fits else X
        finite = "allow-nan" if get_tags(self).input_tags.allow_nan else True
        form = {"accept_sparse": "csr", "ensure_all_finite": finite}
        return validate_data(self, X, y, **form, reset=fits)

    def _held_out(self, X: Any, truth: Array, groups: Array, weights: Floats | None) -> Floats:
        n_least = min(len(np.unique(groups[truth == k])) for k in (0, 1))
        if n_least < 2:
            raise ArgumentError(
                "calibration needs at least 2 patients of each class, got "
                f"{n_least}; use more data or fewer folds"
            )
        p = None if self.n_folds else out_of_bag(self.estimator_, X, groups)
        if p is not None:
            return _finite(logit(p)) + _moved(truth, groups, weights)
        n_folds = min(self.n_folds or (_FOLDS_OF_FEW if n_least < _FEW else _FOLDS), n_least)
        folds = patient_folds(groups, truth, n_folds=n_folds, seed=self.seed)
        scores = np.empty(len(truth))
        for fold in range(n_folds):
            test = folds == fold
            kept = None if weights is None else weights[~test]
            model = _fitted(self.estimator, _rows_at(X, ~test), truth[~test], kept)
            scores[test] = log_odds(model, _rows_at(X, test))
        return scores

    def _fit_map(self, scores: Floats, truth: Array, weights: Floats | None) -> None:
        rise = rise_of(scores, truth, weights)
        unit = unit_of(scores, weights)
        level = rise.falls_beyond_doubt
        self.map_ = sigmoid_map(scores, truth, weights, unit=unit, level=level)
        wants_steps = self.method == "isotonic" and not level
        self.steps_ = step_map(scores, truth, weights) if wants_steps else None
        self.rises_, self.flat_ = rise.rises, level

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        given = getattr(self, "estimator", None)
        inner = get_tags(given) if hasattr(given, "fit") else tags
        tags.input_tags.sparse = _takes_sparse(given) if inner is not tags else True
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
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
    return _finite(log_p[:, 1] - log_p[:, 0])


def _finite(scores: Floats) -> Floats:
    # A forest whose trees all agree is sure without bound; a map cannot be fitted to that
    return np.where(np.isinf(scores), np.copysign(-logit(_CERTAIN), scores), scores)


def _moved(truth: Array, groups: Array, weights: Floats | None) -> Floats:
    """Return how far the log odds of the base rate lie above those without each row's patient.

    Trees that drew none of a patient with the outcome saw a lower base rate, and those of one
    without it a higher: by that alone scores out of bag fall with the outcome.
    """
    w = np.ones(len(truth)) if weights is None else weights
    whose = np.unique(groups, return_inverse=True)[1]
    with_it, all_ = np.bincount(whose, w * truth), np.bincount(whose, w)
    without: Floats = logit((with_it.sum() - with_it) / (all_.sum() - all_))
    moved: Floats = (logit(with_it.sum() / all_.sum()) - without)[whose]
    return moved


def _fitted(estimator: Any, X: Any, y: Array, weights: Floats | None) -> Any:
    """Return a clone, fitted; of a pipeline the last step takes the weights."""
    model = clone(estimator)
    if weights is None:
        return model.fit(X, y)
    name, last = "sample_weight", estimator
    while isinstance(last, Pipeline):
        step, last = last.steps[-1]
        name = f"{step}__{name}"
    if not has_fit_parameter(last, "sample_weight"):
        raise ArgumentError(
            "estimator must take sample_weight where rows are weighted, got "
            f"{type(last).__name__}, which does not"
        )
    with config_context(enable_metadata_routing=False):  # the weights are ours to hand on
        return model.fit(X, y, **{name: weights})


def _takes_sparse(estimator: Any) -> bool:
    """Return whether it takes sparse rows: of a pipeline, each step as far as one makes them dense.

    scikit-learn asks it of all steps.
    """
    if not isinstance(estimator, Pipeline):
        return bool(get_tags(estimator).input_tags.sparse)
    for _, step in estimator.steps:
        if isinstance(step, Dense):
            return True
        if hasattr(step, "fit") and not _takes_sparse(step):
            return False
    return True


def _rows_at(X: Any, where: Bools) -> Any:
    return X.loc[where] if is_frame(X) else X[where]


def _groups(groups: ArrayLike, n: int) -> Array:
    given = np.asarray(groups)
    if given.shape != (n,):
        raise ArgumentError(
            f"groups must name the patient of each of the {n} rows, got shape {given.shape}"
        )
    n_missing = sum(group is None or group != group for group in given.tolist())
    if n_missing:
        raise ArgumentError(f"groups must name the patient of each row, got {n_missing} missing")
    return given


def _weights(sample_weight: ArrayLike | None, n: int) -> Floats | None:
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (n,):
        raise ArgumentError(
            f"sample_weight must hold one number for each of the {n} rows, got shape "
            f"{weights.shape}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ArgumentError("sample_weight must be finite and at least 0, got another number")
    if not weights.any():
        raise ArgumentError("sample_weight must be above 0 for some row, got zero for each")
    return weights
