"""Predictions sorted once, so that any reweighting of rows is scored by counting.

Every risk score is a function of the weight of positives and of negatives at each distinct
prediction; formulas in `clinnlp.metrics.risk`. The two logistic fits of calibration are Newton
iterations over those weights.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.counts import ratio
from clinnlp.core.errors import ArgumentError

__all__ = ["CLIP", "Tied", "check_risks", "fit_offset", "fit_slope"]

CLIP = 1e-6  # distance of predictions from 0 and 1 in the calibration fits
_FRESH = (1.0, 0.0, 0.0)  # slope, intercept in the large, intercept of the slope's model
_MAX_STEPS = 50
_CLOSE = 1e-6  # the last Newton step; convergence is quadratic, so the error is far smaller


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
    strata : array of int64, shape (n,), optional
        The AUROC compares rows of one stratum only.
    """

    def __init__(self, y: Counts, p: Floats, strata: Counts | None = None) -> None:
        self.p, tie = np.unique(p, return_inverse=True)  # (n_ties,) ascending, (n,)
        self.logit = logit(np.clip(self.p, CLIP, 1 - CLIP))
        self._square = self.p**2, (1 - self.p) ** 2
        # Predictions of 0 and 1 stand at the ends, and have no finite log loss where they are wrong
        self._inner = slice(int(self.p[0] == 0), len(self.p) - int(self.p[-1] == 1))
        inner = self.p[self._inner]
        self._log = np.log(inner), np.log1p(-inner)
        self._positive = np.flatnonzero(y == 1)
        self._negative = np.flatnonzero(y == 0)
        self._tie_positive = tie[self._positive]
        self._tie_negative = tie[self._negative]
        self._within = None if strata is None else _Within(strata, tie, y)

    def weigh(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weight of positives and of negatives at each distinct prediction."""
        n, up, down = len(self.p), weights[self._positive], weights[self._negative]
        positive = np.bincount(self._tie_positive, up, minlength=n).astype(np.float64)
        negative = np.bincount(self._tie_negative, down, minlength=n).astype(np.float64)
        return positive, negative  # (n_ties,) each

    def scores(
        self, weights: Floats, *, alert_rate: float = 0.1, start: Floats | None = None
    ) -> Floats:
        """Return the values of `SCORES`, then the slope model's intercept, of weighted rows.

        `start` may be what another weighting gave: the iterations then begin there.
        """
        positive, negative = self.weigh(weights)
        ranked = self._ranked(positive, negative, alert_rate, weights)
        if not positive.any() or not negative.any():
            return np.array([*ranked, np.nan, np.nan, np.nan])
        near = _FRESH if start is None or not np.isfinite(start[-3:]).all() else start[-3:]
        a, slope = fit_slope(self.logit, positive, negative, start=(near[2], near[0]))
        in_the_large = fit_offset(self.logit, positive, negative, start=near[1])
        return np.array([*ranked, slope, in_the_large, a])

    def ranked(self, weights: Floats, *, alert_rate: float = 0.1) -> Floats:
        """Return the values of `SCORES` without those of calibration, of weighted rows."""
        return self._ranked(*self.weigh(weights), alert_rate, weights)

    def _ranked(
        self, positive: Floats, negative: Floats, alert_rate: float, weights: Floats
    ) -> Floats:
        total = positive.sum() + negative.sum()
        brier = (negative @ self._square[0] + positive @ self._square[1]) / total
        log_loss = self._log_loss(positive, negative) / total
        if not positive.any() or not negative.any():
            return np.array([np.nan, np.nan, np.nan, brier, log_loss])
        caught = _sensitivity(positive, negative, alert_rate)
        auroc, auprc = _areas(positive, negative)
        auroc = auroc if self._within is None else self._within.auroc(weights)
        return np.array([auroc, auprc, caught, brier, log_loss])

    def _log_loss(self, positive: Floats, negative: Floats) -> float:
        inner, (log_p, log_q) = self._inner, self._log
        if positive[: inner.start].any() or negative[inner.stop :].any():
            return np.inf
        return float(-(positive[inner] @ log_p + negative[inner] @ log_q))


class _Within:
    """Rows sorted by stratum and then by prediction: pairs of one stratum are compared."""

    def __init__(self, strata: Counts, tie: Counts, y: Counts) -> None:
        cells, cell = np.unique(strata * (tie.max() + 1) + tie, return_inverse=True)
        whose = cells // (tie.max() + 1)
        self._begin = np.searchsorted(whose, whose)  # of each cell, the first cell of its stratum
        self._rows = [np.flatnonzero(y == k) for k in (1, 0)]
        self._cells = [cell[rows] for rows in self._rows]
        self._n = len(cells)

    def auroc(self, weights: Floats) -> float:
        """Return the share of pairs in order, over all pairs within strata; ``nan`` without any."""
        up, down = (
            np.bincount(cell, weights[rows], minlength=self._n)
            for rows, cell in zip(self._rows, self._cells, strict=True)
        )
        before = np.cumsum(down) - down
        below = before - before[self._begin]
        of_stratum = np.bincount(self._begin, down, minlength=self._n)[self._begin]
        return float(ratio(up @ (below + down / 2), up @ of_stratum))


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
    # Separated classes: the likelihood rises with the slope for ever
    if down.max() <= up.min():
        return np.nan, np.inf
    if up.max() <= down.min():
        return np.nan, -np.inf
    # A resample may be far from the whole after all; then begin afresh
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
        # Newton's step, or half the bracket where it would leave it
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
        # Nearly singular: the curvature is that of one value of x
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


def _areas(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Return AUROC and average precision."""
    below = np.cumsum(negative) - negative  # negatives with a lower prediction
    auroc = float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))
    tp = np.cumsum(positive[::-1])
    precision = ratio(tp, tp + np.cumsum(negative[::-1]))
    # Average precision: the precision where recall rises, weighted by the rise
    gains = positive[::-1] > 0
    return auroc, float(positive[::-1][gains] @ precision[gains] / positive.sum())


def _sensitivity(positive: Floats, negative: Floats, alert_rate: float) -> float:
    """Return the expected share of positives among the alerts, equal predictions drawn by lot."""
    tp = np.concatenate([[0.0], np.cumsum(positive[::-1])])
    alerts = np.concatenate([[0.0], np.cumsum((positive + negative)[::-1])])
    return float(np.interp(alert_rate * alerts[-1], alerts, tp) / tp[-1])
