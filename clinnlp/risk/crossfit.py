"""Cross-fitting: every tested row gets its risk from models that have not seen its patient.

Per split, on training rows only: features (vocabulary, medians, bins), the choice among settings
and the calibration on inner folds by patient, and the model. The features of a split are checked
against its test patients before they are used.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures
from clinnlp.features.matrix import PatientFeatures
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.explain import (
    Points,
    naive_bayes_points,
    permutation_importance,
    screened_features,
)
from clinnlp.risk.models import Grid, ModelSettings, NaiveBayesSettings, make_model
from clinnlp.risk.splits import Split, check_fitted_on, check_splits, patient_folds

__all__ = ["CrossFit", "Importance", "auroc_of", "cross_fit", "fit_risk_model", "permuted_aurocs"]

Features = PatientFeatures | ColumnFeatures


_INNER_FOLDS = 3
_AS_THEY_COME = {"transform_output": "default"}  # matrices, whatever frames a user has asked for


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
    """Mean fall in AUROC when a concept is shuffled, over the splits in which it was tried."""

    name: str = field(repr=False)  # may hold words of notes
    fall: float
    n_folds: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFit:
    """Risks of one model for rows it was not trained on.

    Parameters
    ----------
    p : array of float64, shape (n,)
        Calibrated probability from the split in which the row was tested; ``nan`` where none.
    auroc_folds : tuple of float
        AUROC within each split, in order.
    top : tuple of Importance
        Largest fall first.
    points : tuple of Points
        Of naive Bayes, means over the splits whose model has the indicator; else none.
    chosen : tuple of ModelSettings
        Per split, the settings that were used.
    n_features : tuple of int
        Per split.
    n_rare : int
        Codes and categories left out of the features as too rare, the most of any split.
    seconds : float
        Choosing, fitting and predicting, all splits, without the features.
    n_flat : int
        Splits where held-out scores fell beyond doubt or were the same: all rows have one risk.
    n_not_rising : int
        Splits where held-out scores did not rise with the outcome, those among them.
    """

    p: Floats = field(repr=False)
    auroc_folds: tuple[float, ...]
    top: tuple[Importance, ...]
    points: tuple[Points, ...]
    chosen: tuple[ModelSettings, ...]
    n_features: tuple[int, ...]
    n_rare: int
    seconds: float
    n_flat: int = 0
    n_not_rising: int = 0


def cross_fit(
    rows: Rows,
    y: ArrayLike,
    splits: Sequence[Split],
    *,
    features: Features,
    models: Mapping[str, Grid],
    method: str = "sigmoid",
    n_top: int = 10,
    seed: int = 0,
) -> dict[str, CrossFit]:
    """Return the risks of tested rows, per model.

    Parameters
    ----------
    rows : Cases or Columns
    y : array of 0 and 1, shape (n,)
    splits : sequence of Split
        Of `splits_of_folds`, `split_by_time` or `splits_by_site`.
    features : PatientFeatures or ColumnFeatures
        Cloned, and fitted on the training rows of each split.
    models : mapping of str to settings to try
        Of several, the one with the best AUROC on inner folds by patient is used.
    method : {"sigmoid", "isotonic"}
        Of calibration.
    n_top : int
        Concepts per split whose permutation importance is measured; 0 skips it.

    Raises
    ------
    LeakageError
        A patient on both sides of a split, or a look-back window that reaches past index.
    ArgumentError
        A class with too few patients to train on, or a split left without any feature.
    """
    y = np.asarray(y, np.int64)
    check_splits(rows.patients, splits)
    made = {name: _Running(len(y)) for name in models}
    for split in splits:
        y_train = y[split.train]
        _check_classes(rows.patients[split.train], y_train, split.name)
        with config_context(**_AS_THEY_COME):
            part = _prepare(rows, split, clone(features))
            for name, grid in models.items():
                started = time.perf_counter()
                settings = _choose(grid, part, y_train, seed)
                model = _calibrated(settings, method, seed, len(y_train))
                model.fit(part.X_train, y_train, groups=part.train_patients)
                made[name].add(model, settings, part, y, split, time.perf_counter() - started)
                if n_top:
                    made[name].explain(model, part, y[split.test], n_top, seed)
    return {name: running.result() for name, running in made.items()}


def permuted_aurocs(
    rows: Rows,
    y: ArrayLike,
    splits: Sequence[Split],
    *,
    features: Features,
    settings: ModelSettings,
    method: str = "sigmoid",
    n_permutations: int = 20,
    seed: int = 0,
) -> Floats:
    """Return the AUROC of tested rows, mean over splits, with outcomes dealt out by chance.

    Each permutation deals the outcomes anew among all rows, trains and tests. Nothing can be
    learned then: a mean that is far from 0.5 against its standard error shows a leak of tested rows
    into training. Facts that were known only through the outcome it cannot see, nor one patient
    under two ids: outcomes by chance are not told by them. The models are calibrated as those of
    `cross_fit` are, so that both rank in the same way.

    Returns
    -------
    array of float64, shape (n_permutations,)

    Raises
    ------
    LeakageError, ArgumentError
        As in `cross_fit`.
    """
    y = np.asarray(y, np.int64)
    check_splits(rows.patients, splits)
    rng = np.random.default_rng(seed)
    dealt = [rng.permutation(y) for _ in range(n_permutations)]
    found = np.empty((n_permutations, len(splits)))
    with config_context(**_AS_THEY_COME):
        for j, split in enumerate(splits):
            part = _prepare(rows, split, clone(features))
            # Features do not look at outcomes, so one set serves all permutations
            for k, outcomes in enumerate(dealt):
                model = _calibrated(settings, method, seed, part.X_train.shape[0])
                model.fit(part.X_train, outcomes[split.train], groups=part.train_patients)
                p = model.predict_proba(part.X_test)[:, 1]
                found[k, j] = auroc_of(outcomes[split.test], p)
    means: Floats = found.mean(axis=1)
    return means


def fit_risk_model(
    rows: Rows,
    y: ArrayLike,
    *,
    features: Features,
    settings: ModelSettings | Grid,
    method: str = "sigmoid",
    seed: int = 0,
) -> Pipeline:
    """Return features and calibrated model as one pipeline, fitted on all rows.

    Its ``predict_proba`` takes `Cases` or `Columns` and gives shape (n, 2). Of several settings,
    the one with the best AUROC on inner folds by patient is used. These folds are dealt by the
    order in which patients first stand in the rows, so that nothing of a kept model depends on ids.
    """
    y = np.asarray(y, np.int64)
    whose = _numbered(rows.patients)
    fitted = clone(features).fit(rows)
    with config_context(**_AS_THEY_COME):
        X = fitted.transform(rows)
    grid = settings if isinstance(settings, tuple) else (settings,)
    part = _Part(
        X_train=X,
        X_test=X[:0],
        train_patients=whose,
        names=fitted.get_feature_names_out(),
        origins=fitted.origins(),
        concepts=fitted.feature_concepts_,
        n_rare=fitted.n_rare_,
    )
    with config_context(**_AS_THEY_COME):
        chosen = _choose(grid, part, y, seed)
        model = _calibrated(chosen, method, seed, len(y)).fit(X, y, groups=whose)
    return Pipeline([("features", fitted), ("model", model)])


def auroc_of(y: Counts, scores: Floats) -> float:
    """Return the AUROC of scores on any scale, ``nan`` where there is one class."""
    # Only the order counts, and `score_risk` wants numbers between 0 and 1
    ranks = np.unique(scores, return_inverse=True)[1]
    return score_risk(y, ranks / max(1, ranks.max()), n_boot=0).auroc.value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Training and test matrix of one split."""

    X_train: sparse.csr_matrix
    X_test: sparse.csr_matrix
    train_patients: Array
    names: Array
    origins: Floats
    concepts: tuple[str, ...]
    n_rare: int


class _Running:
    """Results of one model, gathered split by split."""

    def __init__(self, n: int) -> None:
        self.p = np.full(n, np.nan)
        self.aurocs: list[float] = []
        self.falls: dict[str, list[float]] = {}
        self.points: dict[str, list[tuple[float, float]]] = {}
        self.chosen: list[ModelSettings] = []
        self.n_features: list[int] = []
        self.n_rare = 0
        self.seconds = 0.0
        self.n_flat = self.n_not_rising = 0

    def add(
        self,
        model: GroupCalibrated,
        settings: ModelSettings,
        part: _Part,
        y: Counts,
        split: Split,
        seconds: float,
    ) -> None:
        started = time.perf_counter()
        p = model.predict_proba(part.X_test)[:, 1]
        self.seconds += seconds + time.perf_counter() - started
        self.p[split.test] = p
        self.aurocs.append(auroc_of(y[split.test], p))
        self.chosen.append(settings)
        self.n_features.append(len(part.names))
        self.n_flat += model.flat_
        self.n_not_rising += not model.rises_
        self.n_rare = max(self.n_rare, part.n_rare)
        if isinstance(settings, NaiveBayesSettings):
            named = part.names.tolist()
            for point in naive_bayes_points(model.estimator_, named, origins=part.origins):
                self.points.setdefault(point.name, []).append((point.present, point.absent))

    def explain(
        self, model: GroupCalibrated, part: _Part, y: Counts, n_top: int, seed: int
    ) -> None:
        concepts = np.array(part.concepts, dtype=object)
        ranked = concepts[screened_features(model, part.X_train, len(concepts))]
        tried = list(dict.fromkeys(ranked))[:n_top]
        columns = [np.flatnonzero(concepts == concept) for concept in tried]
        falls = permutation_importance(model, part.X_test, y, columns, seed=seed)
        for name, fall in zip(tried, falls, strict=True):
            self.falls.setdefault(str(name), []).append(float(fall))

    def result(self) -> CrossFit:
        top = [
            Importance(name=name, fall=float(np.mean(falls)), n_folds=len(falls))
            for name, falls in self.falls.items()
        ]
        points = [
            Points(name=name, present=float(present), absent=float(absent))
            for name, pairs in self.points.items()
            for present, absent in (np.mean(pairs, axis=0),)
        ]
        return CrossFit(
            p=self.p,
            auroc_folds=tuple(self.aurocs),
            top=tuple(sorted(top, key=lambda t: (-t.fall, t.name))),
            points=tuple(sorted(points, key=lambda t: (-abs(t.present - t.absent), t.name))),
            chosen=tuple(self.chosen),
            n_features=tuple(self.n_features),
            n_rare=self.n_rare,
            seconds=self.seconds,
            n_flat=self.n_flat,
            n_not_rising=self.n_not_rising,
        )


def _choose(grid: Grid, part: _Part, y: Counts, seed: int) -> ModelSettings:
    """Return the settings with the best mean AUROC on inner folds by patient, the first of equals.

    Inner folds are dealt with another seed than those of the calibration.
    """
    if len(grid) == 1:
        return grid[0]
    folds = patient_folds(part.train_patients, y, n_folds=_INNER_FOLDS, seed=seed + 1)
    means = []
    for settings in grid:
        found = []
        for fold in range(_INNER_FOLDS):
            train = folds != fold
            model = make_model(settings, seed=seed, n_rows=len(y))
            model.fit(part.X_train[train], y[train])
            found.append(auroc_of(y[~train], log_odds(model, part.X_train[~train])))
        means.append(np.mean(found))
    return grid[int(np.argmax(means))]


def _numbered(patients: Array) -> Array:
    """Return the number of each row's patient, in the order in which they first come."""
    _, first, whose = np.unique(patients.astype(str), return_index=True, return_inverse=True)
    numbers: Array = first.argsort().argsort()[whose].astype(str)
    return numbers


def _check_classes(patients: Array, y: Counts, split: str) -> None:
    n_least = min(len(np.unique(patients[y == k].astype(str))) for k in (0, 1))
    if n_least < 2:
        raise ArgumentError(
            "training rows of every split must have at least 2 patients of each class, got "
            f"{n_least} where {split} is tested; use fewer folds or more data"
        )


def _prepare(rows: Rows, split: Split, features: Any) -> _Part:
    train, test = rows.take(split.train), rows.take(split.test)
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
        origins=features.origins(),
        concepts=features.feature_concepts_,
        n_rare=features.n_rare_,
    )


def _calibrated(settings: ModelSettings, method: str, seed: int, n_rows: int) -> GroupCalibrated:
    model = make_model(settings, seed=seed, n_rows=n_rows)
    return GroupCalibrated(model, method=method, seed=seed)
