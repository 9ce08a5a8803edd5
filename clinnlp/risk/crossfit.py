"""Cross-fitting: every row gets its risk from models that have not seen its patient.

Per fold, on training rows only: features (vocabulary, medians, bins), model, and calibration on
inner folds by patient. The features of a fold are checked against its test patients before they
are used.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from clinnlp.core.counts import Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures
from clinnlp.features.matrix import PatientFeatures
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.explain import permutation_importance, screened_features
from clinnlp.risk.models import ModelSettings, make_model
from clinnlp.risk.splits import check_fitted_on, check_folds

__all__ = ["CrossFit", "Importance", "cross_fit", "fit_risk_model"]

Array = NDArray[Any]


class Rows(Protocol):
    """What features are made from: `Cases` or `Columns`."""

    @property
    def patients(self) -> Array:
        """Patient of each row."""
        ...

    def __len__(self) -> int: ...
    def take(self, rows: Array) -> Self:
        """Return some rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Mean fall in AUROC when a feature is shuffled, over the folds in which it was tried."""

    name: str = field(repr=False)  # may hold words of notes
    fall: float
    n_folds: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFit:
    """Out-of-fold risks of one model.

    Parameters
    ----------
    p : array of float64, shape (n,)
        Calibrated probability from the fold in which the row was held out.
    auroc_folds : tuple of float
        AUROC within each fold, in order of fold id.
    top : tuple of Importance
        Largest fall first.
    n_features : tuple of int
        Per fold.
    seconds : float
        Fitting and predicting, all folds, without the features.
    """

    p: Floats = field(repr=False)
    auroc_folds: tuple[float, ...]
    top: tuple[Importance, ...]
    n_features: tuple[int, ...]
    seconds: float


def cross_fit(
    rows: Rows,
    y: ArrayLike,
    folds: ArrayLike,
    *,
    features: PatientFeatures | ColumnFeatures,
    models: Mapping[str, ModelSettings],
    method: str = "sigmoid",
    n_top: int = 10,
    seed: int = 0,
) -> dict[str, CrossFit]:
    """Return out-of-fold risks per model.

    Parameters
    ----------
    rows : Cases or Columns
    y : array of 0 and 1, shape (n,)
    folds : array of int, shape (n,)
        All rows of a patient in one fold.
    features : PatientFeatures or ColumnFeatures
        Cloned, and fitted on the training rows of each fold.
    models : mapping of str to settings
    method : {"sigmoid", "isotonic"}
        Of calibration.
    n_top : int
        Features per fold whose permutation importance is measured; 0 skips it.

    Raises
    ------
    LeakageError
        A patient in two folds, or a look-back window that reaches past index.
    ArgumentError
        One fold only, a class with too few patients, or a fold left without any feature.
    """
    y, folds = np.asarray(y, np.int64), np.asarray(folds)
    check_folds(rows.patients, folds)
    names = np.unique(folds)
    if len(names) < 2:
        raise ArgumentError("folds must be at least 2, got one for all rows")
    made = {name: _Running(len(y)) for name in models}
    for fold in names:
        held_out = folds == fold
        _check_classes(rows.patients[~held_out], y[~held_out], fold)
        part = _prepare(rows, held_out, clone(features))
        for name, settings in models.items():
            started = time.perf_counter()
            model = _calibrated(settings, method, seed)
            model.fit(part.X_train, y[~held_out], groups=part.train_patients)
            made[name].add(model, part, y, held_out, time.perf_counter() - started)
            if n_top:
                made[name].explain(model, part, y[held_out], n_top, seed)
    return {name: running.result() for name, running in made.items()}


def fit_risk_model(
    rows: Rows,
    y: ArrayLike,
    *,
    features: PatientFeatures | ColumnFeatures,
    settings: ModelSettings,
    method: str = "sigmoid",
    seed: int = 0,
) -> Pipeline:
    """Return features and calibrated model as one pipeline, fitted on all rows.

    Its ``predict_proba`` takes `Cases` or `Columns` and gives shape (n, 2).
    """
    y = np.asarray(y, np.int64)
    fitted = clone(features).fit(rows)
    model = _calibrated(settings, method, seed)
    model.fit(fitted.transform(rows), y, groups=rows.patients)
    return Pipeline([("features", fitted), ("model", model)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Training and held-out matrix of one fold."""

    X_train: sparse.csr_matrix
    X_test: sparse.csr_matrix
    train_patients: Array
    names: Array


class _Running:
    """Results of one model, gathered fold by fold."""

    def __init__(self, n: int) -> None:
        self.p = np.full(n, np.nan)
        self.aurocs: list[float] = []
        self.falls: dict[str, list[float]] = {}
        self.n_features: list[int] = []
        self.seconds = 0.0

    def add(
        self, model: GroupCalibrated, part: _Part, y: Counts, held_out: Array, seconds: float
    ) -> None:
        started = time.perf_counter()
        p = model.predict_proba(part.X_test)[:, 1]
        self.seconds += seconds + time.perf_counter() - started
        self.p[held_out] = p
        self.aurocs.append(score_risk(y[held_out], p, n_boot=0).auroc.value)
        self.n_features.append(len(part.names))

    def explain(
        self, model: GroupCalibrated, part: _Part, y: Counts, n_top: int, seed: int
    ) -> None:
        tried = screened_features(model, part.X_train, n_top)
        falls = permutation_importance(model, part.X_test, y, tried, seed=seed)
        for name, fall in zip(part.names[tried], falls, strict=True):
            self.falls.setdefault(str(name), []).append(float(fall))

    def result(self) -> CrossFit:
        top = [
            Importance(name=name, fall=float(np.mean(falls)), n_folds=len(falls))
            for name, falls in self.falls.items()
        ]
        return CrossFit(
            p=self.p,
            auroc_folds=tuple(self.aurocs),
            top=tuple(sorted(top, key=lambda t: (-t.fall, t.name))),
            n_features=tuple(self.n_features),
            seconds=self.seconds,
        )


def _check_classes(patients: Array, y: Counts, fold: Any) -> None:
    n_least = min(len(np.unique(patients[y == k].astype(str))) for k in (0, 1))
    if n_least < 2:
        raise ArgumentError(
            "training rows of every fold must have at least 2 patients of each class, got "
            f"{n_least} where fold {fold} is held out; use fewer folds or more data"
        )


def _prepare(rows: Rows, held_out: Array, features: Any) -> _Part:
    train, test = rows.take(~held_out), rows.take(held_out)
    features.fit(train)
    check_fitted_on(features, test.patients)
    names = features.get_feature_names_out()
    if not len(names):
        raise ArgumentError(
            "at least one feature must be found in the training rows of every fold, got none; "
            "lower min_patients or widen the windows"
        )
    return _Part(
        X_train=features.transform(train),
        X_test=features.transform(test),
        train_patients=train.patients,
        names=names,
    )


def _calibrated(settings: ModelSettings, method: str, seed: int) -> GroupCalibrated:
    return GroupCalibrated(make_model(settings, seed=seed), method=method, seed=seed)
