"""Intervals for the model that is kept: fitted on all rows, scored by models fitted on some.

Cross-validation scores models of all folds but one. Ranked within folds, with ten folds of few
patients, their AUROC stands for that of the kept model with a bias below 0.005, and resampling the
tested patients gives it an interval that holds (`tests/unit/metrics/test_kept.py`). Ranked over all
folds together, where predictions of different models meet, it lies 0.02 lower at 100 patients.

The calibration slope needs more. That of the kept model is b / a: b is what its scores deserve, a
what its calibration map gave them, which held-out scores of the same patients gave to other maps.
So its true slope is spread as widely as the estimate's resamples, and away from the estimate. Its
interval is one of a ratio, symmetric in its logarithm, and wider by a quarter: chosen by the
simulation above, among intervals symmetric in slope, in 1 / slope and in its logarithm.

References
----------
Bates, Hastie and Tibshirani, JASA 2024 (what cross-validation estimates, and nested
cross-validation, three times as dear); Nadeau and Bengio, Machine Learning 2003; LeDell et al.,
Electron J Stat 2015 (AUROC within folds); Noma et al., Stat Med 2021 (intervals of the optimism
bootstrap, hundreds of times as dear).
"""

from dataclasses import replace

import numpy as np

from clinnlp.core.counts import Estimate
from clinnlp.metrics.risk import RiskScores

__all__ = ["of_kept_model"]

_WIDER = 1.25
_MOST = 50.0  # half an interval in logarithms; beyond it there is no upper end
_SAID = "as a ratio, wider by a quarter for the model fitted on all rows"


def of_kept_model(scores: RiskScores) -> RiskScores:
    """Return scores of cross-validation with an interval of the slope for the kept model.

    Parameters
    ----------
    scores : RiskScores
        Of tested rows, the AUROC within folds.

    Examples
    --------
    >>> from clinnlp.metrics.risk import score_risk
    >>> p = np.linspace(0.1, 0.9, 40)
    >>> plain = score_risk(np.random.default_rng(0).random(40) < p, p)
    >>> kept = of_kept_model(plain)
    >>> kept.auroc == plain.auroc, kept.calibration_slope.high > plain.calibration_slope.high
    (True, True)
    """
    return replace(scores, calibration_slope=_slope(scores.calibration_slope))


def _slope(plain: Estimate) -> Estimate:
    v, method = plain.value, f"{plain.method}, {_SAID}"
    if np.isnan(v) or np.isnan(plain.low):
        return plain
    if v <= 0 or np.isinf(v):  # held-out risks fall or separate: nothing bounds it from above
        low = v - _WIDER * (v - plain.low) if np.isfinite(v) else plain.low
        return replace(plain, low=low, high=np.inf, method=method)
    half = min(_WIDER * (plain.high - plain.low) / 2 / v, _MOST)
    high = np.inf if half == _MOST else float(v * np.exp(half))
    return replace(plain, low=float(v * np.exp(-half)), high=high, method=method)
