"""Scores of predicted risks: discrimination, accuracy of probabilities, calibration.

All scores are functions of how many positives and negatives share each distinct prediction, so
one sorting serves every bootstrap resample. With positives P, negatives N:

    AUROC       P(p of a positive > p of a negative) + ½ P(equal)
    AUPRC       average precision, Σ (recall step) × precision, thresholds from high to low
    Brier       mean (p - y)²
    log loss    mean -[y ln p + (1 - y) ln(1 - p)]; inf where a certain prediction was wrong
    slope       b of  logit P(y = 1) = a + b logit p   (1 is right, < 1 too extreme)
    intercept   a of  logit P(y = 1) = a + logit p     (0 is right, > 0 too low: in the large)

Predictions are kept `CLIP` away from 0 and 1 for slope and intercept only. Under complete
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
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from clinnlp.core.counts import Counts, Estimate, Floats, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval

__all__ = ["CLIP", "SCORES", "RiskScores", "score_risk"]

CLIP = 1e-6
SCORES = ("auroc", "auprc", "brier", "log_loss", "calibration_slope", "calibration_intercept")
_ONE_CLASS = "undefined: only one class among the outcomes"
_NEED_TWO = frozenset(SCORES) - {"brier", "log_loss"}
_FRESH = np.array([np.nan, np.nan, np.nan, np.nan, 1.0, 0.0, 0.0])  # as `Tied.scores`
_MAX_STEPS = 50
_CLOSE = 1e-6  # the last Newton step; convergence is quadratic, so the error is far smaller


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskScores:
    """Scores of predicted risks, each with its cluster-bootstrap interval.

    Where only one class is present, the scores that need two are ``nan`` and their `method`
    says why.

    Parameters
    ----------
    auroc, auprc, brier, log_loss, calibration_slope, calibration_intercept : Estimate
    n, n_positive, n_groups : int
        Rows, positive rows, clusters.
    """

    auroc: Estimate
    auprc: Estimate
    brier: Estimate
    log_loss: Estimate
    calibration_slope: Estimate
    calibration_intercept: Estimate
    n: int
    n_positive: int
    n_groups: int

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
    groups: Sequence[Any] | NDArray[Any] | None = None,
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
    n_boot : int
        Resamples; 0 gives no intervals.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the resampling; equal seeds pair the resamples of two models.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, outcomes other than 0 and 1, or probabilities outside [0, 1].

    Examples
    --------
    >>> scores = score_risk([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], n_boot=0)
    >>> scores.auroc.value, round(scores.brier.value, 4)
    (0.75, 0.1581)
    """
    y, p = check_risks(y, p)
    codes, n_groups = cluster_codes(groups, len(y))
    tied = Tied(y, p)
    whole = tied.scores(np.ones(len(y)))
    draws = bootstrap_draws(
        lambda weights: tied.scores(weights[codes], start=whole),
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
    return RiskScores(**made, n=len(y), n_positive=int(y.sum()), n_groups=n_groups)


def check_risks(y: ArrayLike, p: ArrayLike) -> tuple[Counts, Floats]:
    """Return outcomes as int64 and probabilities as float64 where both are usable.

    Raises
    ------
    ArgumentError
        See `score_risk`.
    """
    outcomes, risks = np.asarray(y), np.asarray(p)
    if outcomes.ndim != 1 or outcomes.shape != risks.shape or not len(outcomes):
        raise ArgumentError(
            "y and p must be equally long, one-dimensional and not empty, "
            f"got shapes {outcomes.shape} and {risks.shape}"
        )
    if outcomes.dtype.kind not in "biuf" or not np.isin(outcomes, (0, 1)).all():
        raise ArgumentError("y must hold 0 and 1 only, got another value")
    if risks.dtype.kind not in "biuf" or not ((risks >= 0) & (risks <= 1)).all():
        raise ArgumentError(
            "p must hold probabilities between 0 and 1, got another value; "
            "calibrate decision scores first"
        )
    return outcomes.astype(np.int64), risks.astype(np.float64)


class Tied:
    """Rows sorted once by prediction, so that each reweighting is two counts and two sums.

    Parameters
    ----------
    y : array of int64, shape (n,)
    p : array of float64, shape (n,)
    """

    def __init__(self, y: Counts, p: Floats) -> None:
        self.p, tie = np.unique(p, return_inverse=True)  # (n_ties,) ascending, (n,)
        self.logit = logit(np.clip(self.p, CLIP, 1 - CLIP))
        self._square = self.p**2, (1 - self.p) ** 2
        self._inner = slice(int(self.p[0] == 0), len(self.p) - int(self.p[-1] == 1))
        inner = self.p[self._inner]
        self._log = np.log(inner), np.log1p(-inner)
        self._positive = np.flatnonzero(y == 1)
        self._negative = np.flatnonzero(y == 0)
        self._tie_positive = tie[self._positive]
        self._tie_negative = tie[self._negative]

    def weigh(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weight of positives and of negatives at each distinct prediction."""
        n, up, down = len(self.p), weights[self._positive], weights[self._negative]
        positive = np.bincount(self._tie_positive, up, minlength=n).astype(np.float64)
        negative = np.bincount(self._tie_negative, down, minlength=n).astype(np.float64)
        return positive, negative  # (n_ties,) each

    def scores(self, weights: Floats, *, start: Floats | None = None) -> Floats:
        """Return the values of `SCORES`, then the slope model's intercept, of weighted rows.

        `start` may be what another weighting gave: the iterations then begin there.
        """
        positive, negative = self.weigh(weights)
        total = weights.sum()
        brier = (negative @ self._square[0] + positive @ self._square[1]) / total
        log_loss = self._log_loss(positive, negative) / total
        if not positive.any() or not negative.any():
            return np.array([np.nan, np.nan, brier, log_loss, np.nan, np.nan, np.nan])
        near = start if start is not None and np.isfinite(start[4:]).all() else _FRESH
        a, slope = fit_slope(self.logit, positive, negative, start=(near[6], near[4]))
        in_the_large = fit_offset(self.logit, positive, negative, start=near[5])
        first = [_auroc(positive, negative), _auprc(positive, negative)]
        return np.array([*first, brier, log_loss, slope, in_the_large, a])

    def _log_loss(self, positive: Floats, negative: Floats) -> float:
        inner, (log_p, log_q) = self._inner, self._log
        if positive[: inner.start].any() or negative[inner.stop :].any():
            return np.inf
        return float(-(positive[inner] @ log_p + negative[inner] @ log_q))


def fit_slope(
    x: Floats, positive: Floats, negative: Floats, *, start: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Return (a, b) of the maximum-likelihood model ``logit P = a + b x`` over weighted counts.

    `x` ascends. One distinct `x` gives ``nan``; separated classes give ``b = ±inf``.
    """
    used = positive + negative > 0
    if used.sum() < 2:
        return np.nan, np.nan
    up, down = x[positive > 0], x[negative > 0]
    if down.max() <= up.min():
        return np.nan, np.inf
    if up.max() <= down.min():
        return np.nan, -np.inf
    found = _newton(x, positive, negative, start)
    return found if found is not None else _newton(x, positive, negative, None) or (np.nan, np.nan)


def fit_offset(x: Floats, positive: Floats, negative: Floats, *, start: float = 0.0) -> float:
    """Return a of the maximum-likelihood model ``logit P = a + x`` over weighted counts."""
    n, n_positive, a = positive + negative, positive.sum(), start
    low, high = -60.0, 60.0  # |logit p| is bounded by CLIP, and so is a for up to 1e19 rows
    for _ in range(_MAX_STEPS):
        mu = _expit(a + x)
        n_mu = n * mu
        gradient = n_positive - n_mu.sum()
        low, high = (a, high) if gradient > 0 else (low, a)
        step = gradient / max(n_mu.sum() - n_mu @ mu, 1e-300)
        step = step if low < a + step < high else (low + high) / 2 - a
        a = a + step
        if abs(step) < _CLOSE:
            break
    return float(a)


def _newton(
    x: Floats, positive: Floats, negative: Floats, start: tuple[float, float] | None
) -> tuple[float, float] | None:
    n, n_positive, x_positive = positive + negative, positive.sum(), positive @ x
    a, b = start or (float(np.log(n_positive / negative.sum())), 0.0)
    for _ in range(_MAX_STEPS):
        mu = _expit(a + b * x)
        n_mu = n * mu
        g0, g1 = n_positive - n_mu.sum(), x_positive - n_mu @ x
        v = n_mu - n_mu * mu
        vx = v * x
        h00, h01, h11 = v.sum(), vx.sum(), vx @ x
        det = h00 * h11 - h01**2
        if not np.isfinite(det) or det <= 1e-12 * h00 * h11:
            return None
        da, db = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        a, b = a + da, b + db
        if max(abs(da), abs(db)) < _CLOSE:
            return float(a), float(b)
    return None


def _expit(t: Floats) -> Floats:
    made: Floats = 1 / (1 + np.exp(-np.clip(t, -500, 500)))  # faster than scipy's on long arrays
    return made


def _auroc(positive: Floats, negative: Floats) -> float:
    below = np.cumsum(negative) - negative  # negatives with a lower prediction
    return float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))


def _auprc(positive: Floats, negative: Floats) -> float:
    tp = np.cumsum(positive[::-1])
    fp = np.cumsum(negative[::-1])
    precision = ratio(tp, tp + fp)
    gains = positive[::-1] > 0
    return float(positive[::-1][gains] @ precision[gains] / positive.sum())
