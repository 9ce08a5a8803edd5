"""Scores of predicted risks: discrimination, accuracy of probabilities, calibration.

All scores are functions of how many positives and negatives share each distinct prediction, so
one sorting serves every bootstrap resample. With positives P, negatives N:

    AUROC       P(p of a positive > p of a negative) + ½ P(equal)
    AUPRC       average precision, Σ (recall step) × precision, thresholds from high to low
    sensitivity share of positives among the alert_rate of rows with the highest p
    Brier       mean (p - y)²
    log loss    mean -[y ln p + (1 - y) ln(1 - p)]; inf where a certain prediction was wrong
    slope       b of  logit P(y = 1) = a + b logit p   (1 is right, < 1 too extreme)
    intercept   a of  logit P(y = 1) = a + logit p     (0 is right, > 0 too low: in the large)

Predictions are kept 1e-6 away from 0 and 1 for slope and intercept only. Under complete
separation the slope's true limit, ±inf, is given.

References
----------
Hanley and McNeil, Radiology 1982; Davis and Goadrich, ICML 2006; Cox, Biometrika 1958;
Van Calster et al., BMC Medicine 2019 (calibration).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.checks import check_at_least, check_fraction, check_level
from clinnlp.core.counts import Estimate, ratio
from clinnlp.metrics.intervals import (
    bootstrap_draws,
    cluster_codes,
    percentile_interval,
    wilson_bounds,
)
from clinnlp.metrics.ties import Tied, check_risks

__all__ = [
    "RANKED",
    "SCORES",
    "CalibrationCurve",
    "PrCurve",
    "RiskScores",
    "RocCurve",
    "calibration_curve",
    "pr_curve",
    "roc_curve",
    "score_risk",
]

RANKED = ("auroc", "auprc", "sensitivity", "brier", "log_loss")
SCORES = (*RANKED, "calibration_slope", "calibration_intercept")
_ONE_CLASS = "undefined: only one class among the outcomes"
_NEED_TWO = frozenset(SCORES) - {"brier", "log_loss"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskScores:
    """Scores of predicted risks, each with its cluster-bootstrap interval.

    Where only one class is present, the scores that need two are ``nan`` and their `method`
    says why.

    Parameters
    ----------
    auroc, auprc, sensitivity, brier, log_loss : Estimate
    calibration_slope, calibration_intercept : Estimate
    n, n_positive, n_groups : int
        Rows, positive rows, clusters.
    alert_rate : float
        Share of rows alerted at, at which `sensitivity` is taken.
    """

    auroc: Estimate
    auprc: Estimate
    sensitivity: Estimate
    brier: Estimate
    log_loss: Estimate
    calibration_slope: Estimate
    calibration_intercept: Estimate
    n: int
    n_positive: int
    n_groups: int
    alert_rate: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per score: score, value, low, high, level, method."""
        return [
            {"score": name, "value": e.value, "low": e.low, "high": e.high}
            | {"level": e.level, "method": e.method}
            for name, e in ((name, getattr(self, name)) for name in SCORES)
        ]


def score_risk(
    y: ArrayLike,
    p: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    strata: ArrayLike | None = None,
    alert_rate: float = 0.1,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> RiskScores:
    """Score predicted probabilities `p` of the outcomes `y`.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    p : array of float, shape (n,)
        Predicted probability of 1.
    groups : sequence of length n, optional
        Patient of each row, drawn together in the bootstrap.
    strata : array of int, shape (n,), optional
        What the AUROC compares within, such as the fold that a row was tested in: predictions of
        two models are not ranked against each other.
    alert_rate : float
        Share of rows with the highest risk at which the sensitivity is taken, in [0, 1]; equal
        predictions are drawn by lot.
    n_boot : int
        Resamples; 0 gives no intervals.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the resampling; equal seeds pair the resamples of two models.

    Returns
    -------
    RiskScores
        AUROC, average precision, Brier score, calibration and sensitivity, each with its interval.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, outcomes other than 0 and 1, probabilities outside [0, 1], or a
        `level` that is not strictly between 0 and 1.

    Examples
    --------
    >>> scores = score_risk([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], n_boot=0)
    >>> scores.auroc.value, round(scores.brier.value, 4)
    (0.75, 0.1581)
    """
    check_fraction(alert_rate, name="alert_rate")
    check_level(level)
    y, p = check_risks(y, p)
    codes, n_groups = cluster_codes(groups, len(y))
    tied = Tied(y, p, None if strata is None else cluster_codes(np.asarray(strata), len(y))[0])
    whole = tied.scores(np.ones(len(y)), alert_rate=alert_rate)
    draws = bootstrap_draws(
        # A resample lies near the whole: its fits begin there and take few steps
        lambda weights: tied.scores(weights[codes], alert_rate=alert_rate, start=whole),
        n_groups,
        n_boot=n_boot,
        seed=seed,
    )
    unit = "row" if groups is None else "group"
    made: dict[str, Estimate] = {}
    for k, name in enumerate(SCORES):
        if name in _NEED_TWO and len(np.unique(y)) < 2:
            made[name] = Estimate(
                value=np.nan, low=np.nan, high=np.nan, level=level, method=_ONE_CLASS
            )
        else:
            of_score = draws[:, k] if len(draws) else ()
            made[name] = percentile_interval(float(whole[k]), of_score, level=level, unit=unit)
    n_positive = int(y.sum())
    return RiskScores(
        n=len(y), n_positive=n_positive, n_groups=n_groups, alert_rate=alert_rate, **made
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RocCurve:
    """Sensitivity against 1 - specificity over falling thresholds; first point (0, 0).

    `fpr`, `tpr`, `threshold` : arrays of float64, one shape. A row is called positive where its
    prediction is at least the threshold; the first threshold is ``inf``.
    """

    fpr: Floats
    tpr: Floats
    threshold: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrCurve:
    """Precision against recall over falling thresholds; arrays of float64, one shape."""

    recall: Floats
    precision: Floats
    threshold: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationCurve:
    """Observed share of positives, with interval, per bin of predictions; arrays, one shape.

    `predicted` is the mean prediction of the bin, `n` its rows, `n_positive` its positives.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    n: Counts
    n_positive: Counts


def roc_curve(y: ArrayLike, p: ArrayLike) -> RocCurve:
    """Return the ROC curve, one point per distinct prediction; ``nan`` where a class is absent.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.fpr.tolist(), curve.tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    tied, tp, fp = _sweep(y, p)
    threshold = np.concatenate([[np.inf], tied.p[::-1]])
    tpr, fpr = (np.concatenate([[0], ratio(k, k[-1])]) for k in (tp, fp))
    return RocCurve(fpr=fpr, tpr=tpr, threshold=threshold)


def pr_curve(y: ArrayLike, p: ArrayLike) -> PrCurve:
    """Return the precision–recall curve, one point per distinct prediction.

    Examples
    --------
    >>> curve = pr_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.recall.tolist(), curve.precision.round(2).tolist()
    ([0.5, 0.5, 1.0, 1.0], [1.0, 0.5, 0.67, 0.5])
    """
    tied, tp, fp = _sweep(y, p)
    return PrCurve(recall=ratio(tp, tp[-1]), precision=ratio(tp, tp + fp), threshold=tied.p[::-1])


def calibration_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    n_bins: int = 10,
    level: float = 0.95,
) -> CalibrationCurve:
    """Return observed against predicted risk in bins of equal mass.

    Equal predictions share a bin, so that there may be fewer than `n_bins`. Intervals are
    Wilson's; with `groups`, at the effective sample size n / deff, where deff ≥ 1 compares the
    variance between clusters with that of independent rows.

    Raises
    ------
    ArgumentError
        See `score_risk`; or `n_bins` below 1.

    Examples
    --------
    >>> curve = calibration_curve([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], n_bins=2)
    >>> curve.predicted.round(2).tolist(), curve.observed.tolist(), curve.n.tolist()
    ([0.2, 0.7], [0.0, 1.0], [2, 2])
    """
    check_at_least(n_bins, 1, name="n_bins")
    check_level(level)
    y, p = check_risks(y, p)
    codes, _ = cluster_codes(groups, len(y))
    _, tie, n_tied = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(n_tied) - (n_tied + 1) / 2  # mean 0-based rank of each distinct prediction
    # By the mean rank of a prediction, so that equal ones are not torn apart
    bins = np.floor(n_bins * (middle + 0.5) / len(y)).clip(0, n_bins - 1)[tie]
    _, bins = np.unique(bins, return_inverse=True)  # empty bins vanish
    n = np.bincount(bins)
    n_positive = np.bincount(bins, y).astype(np.int64)
    deff = _design_effect(y, bins, codes, n, n_positive)
    low, high = wilson_bounds(n_positive / deff, n / deff, level=level)
    return CalibrationCurve(
        predicted=np.bincount(bins, p) / n,
        observed=n_positive / n,
        low=low,
        high=high,
        n=n.astype(np.int64),
        n_positive=n_positive,
    )


def _sweep(y: ArrayLike, p: ArrayLike) -> tuple[Tied, Floats, Floats]:
    """Distinct predictions; true and false positives at each as threshold, from high to low."""
    y, p = check_risks(y, p)
    tied = Tied(y, p)
    positive, negative = tied.weigh(np.ones(len(y)))
    return tied, np.cumsum(positive[::-1]), np.cumsum(negative[::-1])


def _design_effect(y: Counts, bins: Counts, codes: Counts, n: Counts, n_positive: Counts) -> Floats:
    residual = y - (n_positive / n)[bins]
    # One number for each cluster in each bin
    pairs, cell = np.unique(bins * (codes.max() + 1) + codes, return_inverse=True)
    square = np.bincount(cell, residual) ** 2  # of each cluster's sum within its bin
    between = np.bincount(pairs // (codes.max() + 1), square, minlength=len(n))
    # What the variance would be if the rows of a bin were independent
    within = n_positive * (1 - n_positive / n)
    # Below 1 it is chance; clusters never make an interval narrower
    return np.maximum(1, np.where(within > 0, between / np.where(within > 0, within, 1), 1))
