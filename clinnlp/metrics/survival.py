"""Scores of risks at a horizon where not all were followed to it.

    concordance         P(p of who has the outcome first > p of the other) + ½ P(equal), over pairs
                        of which follow-up says who was first; who died never has it (Harrell;
                        Wolbers)
    AUROC, Brier score, slope, intercept    as in `clinnlp.metrics.risk`, each row of which the
                        outcome is known weighted by 1 / P(followed so far) (Graf; `incidence`)
    scaled Brier        1 - Brier / Brier of one risk for all: above 0 better than no model
    observed, expected  Aalen and Johansen's share with the outcome, and the mean risk of all rows

In each resample of patients the weights are made anew. The concordance has its interval from each
patient's influence on it (infinitesimal jackknife), on the scale of log odds.

References
----------
Harrell et al., JAMA 1982; Wolbers et al., Epidemiology 2009; Graf et al., Stat Med 1999;
Gerds and Kattan, Medical Risk Prediction Models, 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.checks import check_at_least, check_level
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import DEATH, END, OUTCOME, Dying, check_horizon
from clinnlp.metrics.incidence import Timed, check_followed, check_times
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval
from clinnlp.metrics.risk import SCORES, CalibrationCurve
from clinnlp.metrics.ties import Tied, check_risks

__all__ = [
    "SURVIVAL_SCORES",
    "SurvivalScores",
    "concordance",
    "horizon_calibration",
    "score_survival",
]

_OF_TIED = ("auroc", "brier", "calibration_slope", "calibration_intercept")
_BY_DRAWS = (*_OF_TIED, "scaled_brier", "observed", "expected", "observed_expected")
SURVIVAL_SCORES = ("concordance", *_BY_DRAWS)
_BLOCK = 2**24  # pairs compared at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalScores:
    """Scores of risks at a horizon, each with its interval by cluster.

    Parameters
    ----------
    concordance, auroc, brier, scaled_brier : Estimate
    calibration_slope, calibration_intercept : Estimate
    observed, expected, observed_expected : Estimate
        Share with the outcome by the horizon, mean risk, and their ratio.
    horizon_days : float
    n, n_outcomes, n_unknown, n_groups : int
        Rows, those with the outcome by the horizon, those lost before it, clusters.
    """

    concordance: Estimate
    auroc: Estimate
    brier: Estimate
    scaled_brier: Estimate
    calibration_slope: Estimate
    calibration_intercept: Estimate
    observed: Estimate
    expected: Estimate
    observed_expected: Estimate
    horizon_days: float
    n: int
    n_outcomes: int
    n_unknown: int
    n_groups: int

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per score: score, value, low, high, level, method."""
        named = ((name, getattr(self, name)) for name in SURVIVAL_SCORES)
        return [
            {"score": name, "value": e.value, "low": e.low, "high": e.high}
            | {"level": e.level, "method": e.method}
            for name, e in named
        ]


def score_survival(
    days: ArrayLike,
    event: ArrayLike,
    p: ArrayLike,
    *,
    horizon_days: float,
    death: Dying = "competing",
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> SurvivalScores:
    """Score risks `p` of the outcome within a horizon, of rows not all followed to it.

    Parameters
    ----------
    days, event : array, shape (n,)
        As in `FollowUp`.
    p : array of float, shape (n,)
        Predicted probability of the outcome by the horizon.
    horizon_days : float
        Above 0.
    death : {"competing", "unknown"}
        Whether who died before is without the outcome, or no longer followed.
    groups : sequence of length n, optional
        Patient of each row, drawn together in the bootstrap.
    n_boot, level, seed
        As in `score_risk`.

    Returns
    -------
    SurvivalScores
        Discrimination, accuracy and calibration at the horizon, each with its interval.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, a negative time, another event, risks outside [0, 1], or nobody
        was followed to the horizon.

    Examples
    --------
    >>> found = score_survival([9, 2, 5, 9, 1], [0, 1, 1, 0, 0], [0.1, 0.8, 0.6, 0.3, 0.2],
    ...                        horizon_days=7, n_boot=0)
    >>> found.concordance.value, round(found.observed.value, 6), found.n_unknown
    (1.0, 0.5, 1)
    """
    check_level(level)
    check_horizon(horizon_days)
    days, event = check_times(days, event)
    if death == "unknown":
        event = np.where(event == DEATH, END, event).astype(np.int8)
    y, p = check_risks((event == OUTCOME) & (days <= horizon_days), p)
    codes, n_groups = cluster_codes(groups, len(y))
    made = _AtHorizon(days, event, y, p, horizon_days)
    whole = made.scores(np.ones(len(y)))
    unit = "row" if groups is None else "group"
    draws = bootstrap_draws(lambda w: made.scores(w[codes]), n_groups, n_boot=n_boot, seed=seed)
    estimates = {
        name: percentile_interval(
            float(whole[k]), draws[:, k] if len(draws) else (), level=level, unit=unit
        )
        for k, name in enumerate(_BY_DRAWS)
    }
    return SurvivalScores(
        concordance=concordance(days, event, p, groups=groups, level=level),
        horizon_days=horizon_days,
        n=len(y),
        n_outcomes=int(y.sum()),
        n_unknown=int(np.sum(~made.known)),
        n_groups=n_groups,
        **estimates,
    )


def concordance(
    days: ArrayLike,
    event: ArrayLike,
    p: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return Harrell's concordance of scores with who has the outcome first.

    A pair counts where one row has the outcome while the other is still seen without it, or has
    died before. Two outcomes of one time are no pair; equal scores count half.

    Parameters
    ----------
    days, event : array, shape (n,)
        As in `FollowUp`.
    p : array of float, shape (n,)
        On any scale: who has the outcome sooner should have more.
    groups : sequence of length n, optional
        Patient of each row; the interval is over patients.
    level : float
        Coverage of the interval.

    Returns
    -------
    Estimate
        Between 0 and 1; 0.5 is chance.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, a negative time, another event, or a score that is no number.

    Examples
    --------
    >>> concordance([1, 2, 3, 4], [1, 1, 0, 1], [0.9, 0.2, 0.4, 0.1]).value
    0.8

    References
    ----------
    Harrell et al., Evaluating the yield of medical tests, JAMA 247, 1982.
    """
    check_level(level)
    days, event = check_times(days, event)
    scores = np.asarray(p, np.float64)
    if scores.shape != days.shape or np.isnan(scores).any():
        raise ArgumentError("p must have one number per row, got another length or nan")
    codes, n_groups = cluster_codes(groups, len(days))
    concordant, pairs = _pairs(np.where(event == DEATH, np.inf, days), event == OUTCOME, scores)
    n = pairs.sum() / 2  # a pair stands with each of its two rows
    value = float(ratio(concordant.sum() / 2, n))
    unit = "row" if groups is None else "group"
    if not n or value in (0, 1):
        why = "undefined: no pair" if not n else "no interval: all pairs agree"
        return Estimate(value=value, low=np.nan, high=np.nan, level=level, method=why)
    influence = np.bincount(codes, (concordant - value * pairs) / n, minlength=n_groups)
    error = float(np.sqrt(influence @ influence)) / (value * (1 - value))
    z = float(ndtri((1 + level) / 2))
    low, high = (float(expit(logit(value) + side * z * error)) for side in (-1, 1))
    method = f"infinitesimal jackknife by {unit}"
    return Estimate(value=value, low=low, high=high, level=level, method=method)


def horizon_calibration(
    days: ArrayLike,
    event: ArrayLike,
    p: ArrayLike,
    *,
    horizon_days: float,
    death: Dying = "competing",
    groups: Sequence[Any] | Array | None = None,
    n_bins: int = 10,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> CalibrationCurve:
    """Return Aalen and Johansen's share with the outcome at a horizon, in bins of equal mass of p.

    Equal predictions share a bin. Intervals are from resamples of patients.

    Parameters
    ----------
    days, event, p, horizon_days, death, groups, n_boot, level, seed
        As in `score_survival`.
    n_bins : int
        At least 1.

    Raises
    ------
    ArgumentError
        As `score_survival`.

    Examples
    --------
    >>> curve = horizon_calibration([9, 9, 5, 2], [0, 0, 1, 1], [0.1, 0.2, 0.6, 0.8],
    ...                             horizon_days=7, n_bins=2, n_boot=0)
    >>> curve.observed.tolist(), curve.predicted.round(2).tolist()
    ([0.0, 1.0], [0.15, 0.7])
    """
    check_at_least(n_bins, 1, name="n_bins")
    check_level(level)
    check_horizon(horizon_days)
    days, event = check_times(days, event)
    if death == "unknown":
        event = np.where(event == DEATH, END, event).astype(np.int8)
    y, p = check_risks((event == OUTCOME) & (days <= horizon_days), p)
    codes, n_groups = cluster_codes(groups, len(y))
    _, tie, n_tied = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(n_tied) - (n_tied + 1) / 2  # mean 0-based rank of each distinct prediction
    bins = np.floor(n_bins * (middle + 0.5) / len(y)).clip(0, n_bins - 1)[tie]
    _, bins = np.unique(bins, return_inverse=True)  # empty bins vanish
    rows = [np.flatnonzero(bins == k) for k in range(bins.max() + 1)]
    timed = [Timed(days[of], event[of]) for of in rows]

    def observed(weights: Floats) -> list[float]:
        pairs = zip(timed, rows, strict=True)
        return [_incidence_at(one, weights[of], horizon_days) for one, of in pairs]

    value = observed(np.ones(len(y)))
    draws = bootstrap_draws(lambda w: observed(w[codes]), n_groups, n_boot=n_boot, seed=seed)
    ends = [
        percentile_interval(v, draws[:, k] if len(draws) else (), level=level)
        for k, v in enumerate(value)
    ]
    n = np.bincount(bins)
    return CalibrationCurve(
        predicted=np.bincount(bins, p) / n,
        observed=np.array(value),
        low=np.array([e.low for e in ends]),
        high=np.array([e.high for e in ends]),
        n=n.astype(np.int64),
        n_positive=np.bincount(bins, y).astype(np.int64),
    )


class _AtHorizon:
    """Risks and follow-up sorted once, so that each resample of patients is scored by counting."""

    def __init__(self, days: Floats, event: Array, y: Counts, p: Floats, horizon: float) -> None:
        self._timed, self._tied, self._p, self._horizon = Timed(days, event), Tied(y, p), p, horizon
        self._soon: Bools = (event != END) & (days <= horizon)
        self.known: Bools = self._soon | (days >= horizon)
        self._start: Floats | None = None  # a resample lies near the whole: its fits begin there
        check_followed(self._weights(np.ones(len(y))), days, horizon)

    def _weights(self, weights: Floats) -> Floats:
        return self._timed.weights(weights, self._horizon, self.known, self._soon)

    def scores(self, weights: Floats) -> Floats:
        """Return the values of `_BY_DRAWS`."""
        weighted = self._weights(weights)
        if np.isnan(weighted).any():
            return np.full(len(_BY_DRAWS), np.nan)
        found = self._tied.scores(weighted, start=self._start)
        self._start = found if self._start is None else self._start
        auroc, brier, *line = (found[SCORES.index(name)] for name in _OF_TIED)
        observed = _incidence_at(self._timed, weights, self._horizon)
        expected = float(weights @ self._p / weights.sum())
        of_all = observed * (1 - observed)
        scaled = 1 - float(ratio(brier, of_all))
        ratio_of = float(ratio(observed, expected))
        return np.array([auroc, brier, *line, scaled, observed, expected, ratio_of])


def _incidence_at(timed: Timed, weights: Floats, horizon: float) -> float:
    """Return the share with the outcome by the horizon, ``nan`` where nobody was followed to it."""
    _, (end, _, _) = timed.weigh(weights)
    if timed.followed(weights)[np.searchsorted(timed.days, horizon, side="left")] == 0 < end.sum():
        return np.nan
    return float(timed.at(timed.incidence(weights), horizon, start=0.0))


def _pairs(times: Floats, has: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return of each row in how many pairs it is, and how many of these are concordant.

    `times` are infinite where the outcome never comes. A tie of scores is half of one.
    """
    n = len(times)
    concordant, pairs = np.zeros(n), np.zeros(n)
    firsts = np.flatnonzero(has)
    for block in np.array_split(firsts, max(1, -(-len(firsts) * n // _BLOCK))):
        t, s = times[block, None], scores[block, None]
        later = (times > t) | ((times == t) & ~has)  # (block, n)
        right = ((scores < s) & later) + 0.5 * ((scores == s) & later)
        for made, found in ((pairs, later), (concordant, right)):
            made[block] += found.sum(axis=1)
            made += found.sum(axis=0)
    return concordant, pairs
