"""Intervals for the model that is kept: fitted on all rows, scored by models fitted on some.

Cross-validation scores models of K - 1 folds. Their scores estimate those of the kept model within
folds without bias that matters; predictions of two folds are never ranked against each other,
which would take 0.02 to 0.03 from the AUROC of 100 patients. But a bootstrap of the tested rows
holds the models fixed, and the kept model is another draw of training: its true score varies, and
away from the estimate. Two things set that right, chosen by simulation (CHANGELOG, *Risk models*):

1. Intervals are wider by √(1 + n tested / n trained), which is √(K / (K - 1)): what Nadeau and
   Bengio add to the variance of a resampled test for the overlap of training sets.
2. The calibration slope of the kept model is b / a, where b is what its scores deserve and a what
   its calibration map gave them. It errs by a, which was fitted to as many rows as b is estimated
   from, so its interval is symmetric in 1 / slope: from v² / high to v² / low, of the value v and
   the ends that resampling gives it. Where low is not above 0, no upper end can be given: ``inf``.

References
----------
Bates, Hastie and Tibshirani, JASA 2024 (what cross-validation estimates, and nested
cross-validation, three times as dear); Nadeau and Bengio, Machine Learning 2003; LeDell et al.,
Electron J Stat 2015 (AUROC within folds); Noma et al., Stat Med 2021 (intervals of the optimism
bootstrap, hundreds of times as dear).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from clinnlp.core.counts import Estimate
from clinnlp.metrics.risk import SCORES, RiskScores

__all__ = ["differences_of_kept", "of_kept_model", "widened", "widening"]

_WHOLE = (-np.inf, np.inf)
_RANGES = {"brier": (0, 1), "log_loss": (0, np.inf), "calibration_intercept": _WHOLE}
_SLOPE = "calibration_slope"


def widening(n_tested: Sequence[int], n_trained: Sequence[int]) -> float:
    """Return by what intervals are wider, from the rows of each split.

    Examples
    --------
    >>> round(widening([20] * 5, [80] * 5), 3)
    1.118
    """
    return float(np.sqrt(1 + np.mean(np.asarray(n_tested) / np.asarray(n_trained))))


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


def of_kept_model(scores: RiskScores, by: float) -> RiskScores:
    """Return scores of cross-validation with intervals for the model fitted on all rows.

    Parameters
    ----------
    scores : RiskScores
        Of tested rows, the AUROC within folds.
    by : float
        Of `widening`.

    Examples
    --------
    >>> from clinnlp.metrics.risk import score_risk
    >>> p = np.linspace(0.1, 0.9, 40)
    >>> plain = score_risk(np.random.default_rng(0).random(40) < p, p)
    >>> kept = of_kept_model(plain, 1.118)
    >>> kept.auroc.low < plain.auroc.low, kept.auroc.high <= 1
    (True, True)
    """
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
    wide = widened(estimate, by)
    v = wide.value
    if not (np.isfinite(v) and np.isfinite(wide.low) and np.isfinite(wide.high)):
        return wide
    if v <= 0:  # held-out risks fall: nothing bounds the slope from above
        return replace(wide, high=np.inf)
    low, high = v**2 / wide.high, v**2 / wide.low if wide.low > 0 else np.inf
    return replace(wide, low=low, high=high, method=f"{wide.method}, in 1 / slope")


def _told(estimate: Estimate, by: float) -> str:
    if not np.isfinite(estimate.low) or by == 1:
        return estimate.method
    return f"{estimate.method}, widened by {by:.3f} for the model fitted on all rows"
