"""Calibration as a smooth curve, and numbers read off it.

The observed risk is a logistic regression of the outcome on a restricted cubic spline of the log
odds predicted: a cubic between knots at quantiles, a line beyond the outer two. With c(p) the curve
at a prediction p:

    ICI     mean |p - c(p)| over the rows: integrated calibration index
    E50, E90  median and 90 % quantile of |p - c(p)|
    E/O     Σ p / Σ y: expected over observed (1 is right, above 1 too high)

Resamples of patients take one Newton step from the whole sample's fit, which is what a refit gives
up to terms of second order, and cannot run away where a resample separates the classes.

References
----------
Harrell, Regression Modeling Strategies, 2nd ed. 2015, §2.4 (spline, places of knots); Austin and
Steyerberg, Stat Med 2019 (ICI, E50, E90); Van Calster et al., J Clin Epidemiol 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.checks import check_level
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import bootstrap_weights, cluster_codes, percentile_interval
from clinnlp.metrics.ties import CLIP, check_risks

__all__ = ["SmoothCalibration", "smooth_calibration"]

_KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
_N_POINTS = 50  # of the curve
_RIDGE = 1e-7  # keeps the curve finite where classes are separated, and moves no 7th digit else
_ALIKE = 1e-9  # size of a column, beside the largest, below which it is the sum of the others
_MAX_STEPS = 100
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmoothCalibration:
    """A smooth calibration curve with its band, and how far predictions lie from it.

    Parameters
    ----------
    predicted, observed, low, high : array of float64, one shape
        The curve from the lowest to the highest prediction, with pointwise intervals.
    ici, e50, e90 : Estimate
        Mean, median and 90 % quantile of the distance of predictions from the curve.
    expected_observed : Estimate
        Sum of predictions over number of positives.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    ici: Estimate
    e50: Estimate
    e90: Estimate
    expected_observed: Estimate


def smooth_calibration(
    y: ArrayLike,
    p: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    n_knots: int = 4,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> SmoothCalibration:
    """Return the smooth calibration curve of predicted probabilities.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    p : array of float, shape (n,)
        Predicted probability of 1.
    n_knots : int
        Of the spline, 3 to 5; fewer where quantiles coincide, and a line where two are left.
    groups, n_boot, level, seed
        As in `score_risk`.

    Returns
    -------
    SmoothCalibration
        All ``nan`` where there is one class only.

    Raises
    ------
    ArgumentError
        As in `score_risk`, or another number of knots.

    Examples
    --------
    >>> p = np.linspace(0.05, 0.95, 2000)
    >>> found = smooth_calibration(np.random.default_rng(0).random(2000) < p, p, n_boot=0)
    >>> found.ici.value < 0.05
    True
    """
    check_level(level)
    if n_knots not in _KNOTS:
        raise ArgumentError(f"n_knots must be 3, 4 or 5, got {n_knots}")
    y, p = check_risks(y, p)
    codes, n_groups = cluster_codes(groups, len(y))
    x = logit(np.clip(p, CLIP, 1 - CLIP))
    knots = np.unique(np.quantile(x, _KNOTS[n_knots]))
    grid = np.linspace(p.min(), p.max(), _N_POINTS)
    basis, turn = _whitened(_basis(x, knots))
    at_grid = _basis(logit(np.clip(grid, CLIP, 1 - CLIP)), knots) @ turn
    if len(np.unique(y)) < 2:
        fit, curves = None, np.empty((0, 0))
        values, draws = np.full(4, np.nan), np.empty((0, 4))
        values[3] = float(ratio(p.sum(), y.sum()))
    else:
        fit = _fit(basis, y)
        values = _numbers(basis @ fit, p, y, np.ones(len(y)))
        steps = _resampled(basis, y, fit, codes, n_groups, n_boot, seed)
        curves = np.array([expit(at_grid @ b) for _, b in steps])
        draws = np.array([_numbers(basis @ b, p, y, w[codes]) for w, b in steps])
    unit = "row" if groups is None else "group"
    ends = (1 - level) / 2, (1 + level) / 2
    low, high = (
        np.quantile(curves, ends, axis=0) if len(curves) else np.full((2, _N_POINTS), np.nan)
    )
    made = [
        percentile_interval(
            float(values[k]), draws[:, k] if len(draws) else (), level=level, unit=unit
        )
        for k in range(4)
    ]
    return SmoothCalibration(
        predicted=grid,
        observed=np.full(_N_POINTS, np.nan) if fit is None else expit(at_grid @ fit),
        low=low, high=high, ici=made[0], e50=made[1], e90=made[2], expected_observed=made[3],
    )  # fmt: skip


def _basis(x: Floats, knots: Floats) -> Floats:
    """Return constant, line, and the cubic terms that are lines beyond the outer knots."""
    columns = [np.ones(len(x)), x]
    if len(knots) > 2:
        last, before, width = knots[-1], knots[-2], (knots[-1] - knots[0]) ** 2
        cube = [np.maximum(x - knot, 0) ** 3 for knot in knots]
        for j in range(len(knots) - 2):
            tail = (cube[-2] * (last - knots[j]) - cube[-1] * (before - knots[j])) / (last - before)
            columns.append((cube[j] - tail) / width)
    elif len(knots) == 1:  # one prediction for everybody
        columns = columns[:1]
    return np.column_stack(columns)


def _whitened(basis: Floats) -> tuple[Floats, Floats]:
    """Return the basis turned to uncorrelated columns of mean square 1, and what turns it.

    The columns of a spline nearly are sums of each other: the ridge, which is small beside columns
    of one size, would be large beside what is left of theirs.
    """
    _, size, right = np.linalg.svd(basis / np.sqrt(len(basis)), full_matrices=False)
    kept = size > _ALIKE * size[0]
    turn: Floats = right[kept].T / size[kept]
    return basis @ turn, turn


def _fit(basis: Floats, y: Counts) -> Floats:
    """Return the coefficients of greatest likelihood, by Newton's method with halved steps."""
    b: Floats = np.linalg.lstsq(basis, np.full(len(y), logit(y.mean())), rcond=None)[0]
    loss = _loss(basis, y, b)
    for _ in range(_MAX_STEPS):
        gradient, curve = _derivatives(basis, y, b)
        step = np.linalg.solve(curve, gradient)
        share = 1.0
        while share > _CLOSE and not _loss(basis, y, b + share * step) <= loss:
            share /= 2
        b = b + share * step
        loss = _loss(basis, y, b)
        if gradient @ step < _CLOSE:
            break
    return b


def _loss(basis: Floats, y: Counts, b: Floats) -> float:
    z = basis @ b
    return float(np.sum(np.logaddexp(0, z) - y * z) + _RIDGE * b @ b / 2)


def _derivatives(basis: Floats, y: Counts, b: Floats) -> tuple[Floats, Floats]:
    p = expit(basis @ b)
    curve = (basis * (p * (1 - p))[:, None]).T @ basis + _RIDGE * np.eye(len(b))
    return basis.T @ (y - p) - _RIDGE * b, curve


def _resampled(
    basis: Floats, y: Counts, b: Floats, codes: Counts, n_groups: int, n_boot: int, seed: int
) -> list[tuple[Floats, Floats]]:
    """Return the weights of clusters and the coefficients of each resample."""
    p = expit(basis @ b)
    score = np.zeros((n_groups, len(b)))
    np.add.at(score, codes, basis * (y - p)[:, None])
    inverse = np.linalg.inv(_derivatives(basis, y, b)[1])
    weights = bootstrap_weights(n_groups, n_boot=n_boot, seed=seed)
    return [(w, b + inverse @ ((w - 1) @ score)) for w in weights]


def _numbers(z: Floats, p: Floats, y: Counts, w: Floats) -> Floats:
    """Return ICI, E50, E90 and E/O of weighted rows, whose curve lies at log odds z."""
    far = np.abs(p - expit(z))
    order = np.argsort(far)
    share = np.cumsum(w[order]) / w.sum()
    at = np.minimum(np.searchsorted(share, (0.5, 0.9)), len(p) - 1)
    e50, e90 = far[order][at]
    return np.array([w @ far / w.sum(), e50, e90, float(ratio(w @ p, w @ y))])
