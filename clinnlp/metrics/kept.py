"""Intervals for the model that is kept: fitted on all rows, scored by models fitted on some.

Cross-validation scores models of all folds but one. Ranked within folds, their AUROC stands for
that of the kept model with a bias below 0.005; ranked over all folds together, where predictions of
different models meet, it lies 0.02 lower at 100 patients. But a bootstrap of the tested rows holds
the models fixed, while the kept model is another draw of training: its true scores vary too, and
away from the estimate. Two things set that right, chosen by simulation (`tests/unit/metrics/
test_kept.py`):

1. Intervals are wider by √1.25, what Nadeau and Bengio add to the variance of five folds for the
   overlap of their training sets.
2. The calibration slope of the kept model is b / a: b is what its scores deserve, a what its
   calibration map gave them. Both err by like shares, so the interval of the slope is one of a
   ratio, symmetric in its logarithm.

References
----------
Bates, Hastie and Tibshirani, JASA 2024 (what cross-validation estimates, and nested
cross-validation, three times as dear); Nadeau and Bengio, Machine Learning 2003; LeDell et al.,
Electron J Stat 2015 (AUROC within folds); Noma et al., Stat Med 2021 (intervals of the optimism
bootstrap, hundreds of times as dear).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from clinnlp.core.counts import Estimate
from clinnlp.metrics.risk import SCORES, RiskScores

__all__ = ["WIDER", "differences_of_kept", "of_kept_model", "widened"]

WIDER = 1.25**0.5
_WHOLE = (-np.inf, np.inf)
_RANGES = {"brier": (0, 1), "log_loss": (0, np.inf), "calibration_intercept": _WHOLE}
_SLOPE = "calibration_slope"
_MOST = 50.0  # half an interval in logarithms; beyond it there is no upper end


def widened(
    estimate: Estimate, by: float, *, low: float = -np.inf, high: float = np.inf
) -> Estimate:
    """Return an estimate whose interval is wider, its ends kept between `low` and `high`.

    Examples
    --------
    >>> print(widened(Estimate(value=0.8, low=0.7, high=0.95), 2, high=1))
    0.800 [0.600, 1.000]
    """
    v, ends = estimate.value, np.array([estimate.low, estimate.high])
    with np.errstate(invalid="ignore"):
        ends = np.where(np.isfinite(ends) & np.isfinite(v), v + by * (ends - v), ends)
    at = np.clip(ends, low, high)
    return replace(estimate, low=float(at[0]), high=float(at[1]), method=_told(estimate, by))


def of_kept_model(scores: RiskScores, by: float = WIDER) -> RiskScores:
    """Return scores of cross-validation with intervals for the model fitted on all rows.

    Parameters
    ----------
    scores : RiskScores
        Of tested rows, the AUROC within folds.
    by : float
        What intervals are widened by; 1 leaves them as they are.

    Examples
    --------
    >>> from clinnlp.metrics.risk import score_risk
    >>> p = np.linspace(0.1, 0.9, 40)
    >>> plain = score_risk(np.random.default_rng(0).random(40) < p, p)
    >>> kept = of_kept_model(plain)
    >>> kept.auroc.low < plain.auroc.low, kept.auroc.high <= 1
    (True, True)
    """
    if by == 1:
        return scores
    made = {
        name: widened(e, by, low=_RANGES.get(name, (0, 1))[0], high=_RANGES.get(name, (0, 1))[1])
        for name in SCORES
        if name != _SLOPE
        for e in (getattr(scores, name),)
    }
    return replace(scores, **made, calibration_slope=_slope(scores.calibration_slope, by))


def differences_of_kept(found: Mapping[str, Estimate], by: float) -> dict[str, Estimate]:
    """Return differences between scores with such intervals."""
    return {name: widened(e, by) for name, e in found.items()}


def _slope(estimate: Estimate, by: float) -> Estimate:
    """Return the slope with an interval that is symmetric in its logarithm."""
    wide = widened(estimate, by)
    v = wide.value
    if np.isnan(v) or np.isnan(wide.low):
        return wide
    if v <= 0 or np.isinf(v):  # held-out risks fall or separate: nothing bounds it from above
        return replace(wide, high=np.inf)
    half = min((wide.high - wide.low) / 2 / v, _MOST)
    high = np.inf if half == _MOST else float(v * np.exp(half))
    return replace(
        wide, low=float(v * np.exp(-half)), high=high, method=f"{wide.method}, as a ratio"
    )


def _told(estimate: Estimate, by: float) -> str:
    if not np.isfinite(estimate.low) or by == 1:
        return estimate.method
    return f"{estimate.method}, widened by {by:.3f} for the model fitted on all rows"
