"""Risks at a horizon from models of time to event, of rows whose patients they have not seen.

    per split, on training rows: features → indicators → the columns that tell most
                                 → penalty by inner folds → Cox models of outcome and death
    beside it, the risk that all share: Aalen and Johansen's of the training rows

The penalty with the largest cross-validated partial likelihood is used: of each inner fold, how
much more likely all training rows are than those it was fitted on.

References
----------
Verweij and van Houwelingen, Statistics in Medicine 1993.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import OUTCOME, FollowUp
from clinnlp.metrics.incidence import aalen_johansen
from clinnlp.metrics.survival import concordance
from clinnlp.risk.cox import fit_cox, fit_horizon_risk, likelihood_of, needs_statsmodels
from clinnlp.risk.crossfit import Features, Rows
from clinnlp.risk.indicators import BestColumns, Indicators
from clinnlp.risk.splits import Split, check_fitted_on, check_splits, patient_folds

__all__ = ["CoxSettings", "HazardRatio", "SurvivalFit", "cross_fit_survival"]

_INNER_FOLDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxSettings:
    """Cox's model over presence of features and of quantile bins."""

    penalties: tuple[float, ...] = option(
        (3.0, 30.0), "penalties of squared coefficients to choose from on inner folds, above 0"
    )
    n_bins: int = option(5, "quantile bins per number, at least 2")
    n_columns: int = option(
        100, "columns used, those whose means differ most with the outcome, at least 1"
    )

    def __post_init__(self) -> None:
        if not self.penalties or not all(p > 0 for p in self.penalties):
            raise ArgumentError("penalties must be one or more, each above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRatio:
    """Of an indicator, the ratio of hazards with it to those without, mean of logs over splits."""

    name: str = field(repr=False)  # may hold words of notes
    ratio: float
    n_folds: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalFit:
    """Risks of rows from models that were not trained on their patients.

    Parameters
    ----------
    p : array of float64, shape (n,)
        Of Cox's models; ``nan`` where no split tests the row.
    p_shared : array of float64, shape (n,)
        The risk that all rows share, of the training rows of the split.
    concordance_folds : tuple of float
        Within each split.
    penalties : tuple of float
        The one chosen, per split.
    ratios : tuple of HazardRatio
        Farthest from 1 first.
    n_rare : int
        Codes left out of the features as too rare, the most of any split.
    """

    p: Floats
    p_shared: Floats
    concordance_folds: tuple[float, ...]
    penalties: tuple[float, ...]
    ratios: tuple[HazardRatio, ...]
    n_rare: int


def cross_fit_survival(
    rows: Rows,
    follow_up: FollowUp,
    splits: Sequence[Split],
    *,
    features: Features,
    horizon_days: float,
    settings: CoxSettings | None = None,
    seed: int = 0,
) -> SurvivalFit:
    """Return the risk at a horizon of tested rows.

    Parameters
    ----------
    rows : Cases or Columns
    follow_up : FollowUp
        Of the same rows, in the same order.
    splits : sequence of Split
    features : PatientFeatures or ColumnFeatures
        Cloned, and fitted on the training rows of each split.
    horizon_days : float
    settings : CoxSettings, optional
    seed : int
        Of the inner folds.

    Raises
    ------
    LeakageError
        A patient on both sides of a split.
    ArgumentError
        A split without any feature, or nobody with the outcome among its training rows.
    MissingExtra
        statsmodels is not installed.
    """
    needs_statsmodels()
    settings = settings or CoxSettings()
    check_splits(rows.patients, splits)
    p, shared = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    folds, chosen, logs, n_rare = [], [], dict[str, list[float]](), 0
    for split in splits:
        seen, tested = follow_up.take(split.train), follow_up.take(split.test)
        with config_context(transform_output="default"):
            X, X_test, names, rare = _matrices(rows, split, seen, clone(features), settings)
        penalty = _choose(X, seen, settings.penalties, seed)
        model = fit_horizon_risk(X, seen.days, seen.event, penalty=penalty)
        p[split.test] = model.at(X_test, horizon_days)
        curve = aalen_johansen(seen.days, seen.event, at=[horizon_days], n_boot=0)
        shared[split.test] = curve.value[0]
        folds.append(concordance(tested.days, tested.event, p[split.test]).value)
        chosen.append(penalty)
        n_rare = max(n_rare, rare)
        for name, b in zip(names.tolist(), model.outcome.coefficients.tolist(), strict=True):
            logs.setdefault(str(name), []).append(b)
    ratios = [
        HazardRatio(name=name, ratio=float(np.exp(np.mean(found))), n_folds=len(found))
        for name, found in logs.items()
    ]
    return SurvivalFit(
        p=p,
        p_shared=shared,
        concordance_folds=tuple(folds),
        penalties=tuple(chosen),
        ratios=tuple(sorted(ratios, key=lambda r: (-abs(np.log(r.ratio)), r.name))),
        n_rare=n_rare,
    )


def _matrices(
    rows: Rows, split: Split, seen: FollowUp, features: Any, settings: CoxSettings
) -> tuple[Floats, Floats, Array, int]:
    """Return training and test matrix of a split, names of columns, and codes that are too rare."""
    train, test = rows.take(split.train), rows.take(split.test)
    features.fit(train)
    check_fitted_on(features, test.patients)
    if not len(features.get_feature_names_out()):
        raise ArgumentError(
            "at least one feature must be found in the training rows of every fold, got none; "
            "lower min_patients or widen the windows"
        )
    has = seen.event == OUTCOME
    if not 0 < has.sum() < len(has):
        raise ArgumentError(
            "training rows of every split must have outcomes and others, got one of them only "
            f"where {split.name} is tested"
        )
    made = Pipeline(
        [
            ("indicators", Indicators(n_bins=settings.n_bins)),
            ("columns", BestColumns(n_columns=settings.n_columns)),
        ]
    )
    X = made.fit_transform(features.transform(train), has.astype(np.int64))
    names = made[0].names_from(features.get_feature_names_out(), features.origins())
    X_test = made.transform(features.transform(test))
    return X.toarray(), X_test.toarray(), names[made[1].kept_], features.n_rare_


def _choose(X: Floats, seen: FollowUp, penalties: Sequence[float], seed: int) -> float:
    """Return the penalty with the largest cross-validated likelihood, the first of equals."""
    if len(penalties) == 1:
        return float(penalties[0])
    has = seen.event == OUTCOME
    folds = patient_folds(seen.patients, has, n_folds=_INNER_FOLDS, seed=seed + 1)
    gains = [sum(_gain(X, seen, folds != k, penalty) for k in range(_INNER_FOLDS))
             for penalty in penalties]  # fmt: skip
    return float(penalties[int(np.argmax(gains))])


def _gain(X: Floats, seen: FollowUp, train: ArrayLike, penalty: float) -> float:
    of: Counts = np.flatnonzero(train)
    model = fit_cox(X[of], seen.days[of], seen.event[of], penalty=penalty)
    return likelihood_of(model, X, seen.days, seen.event) - model.log_likelihood
