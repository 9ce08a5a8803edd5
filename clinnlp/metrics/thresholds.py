"""What a risk is good for once somebody acts on it: scores at thresholds, and the decision curve.

Who has at least the threshold t is alerted. With TP and FP among n rows, P of them positive:

    sensitivity         TP / P
    PPV                 TP / (TP + FP); its inverse is the number needed to evaluate per case found
    net benefit         TP / n - FP / n · t / (1 - t)
    of treating all     P / n - (n - P) / n · t / (1 - t);  of treating none 0

The odds t / (1 - t) are what one false alert costs in cases found: whoever acts from a risk of 10 %
on takes nine false alerts for one case. A model is of use at t where its net benefit is above both.

References
----------
Vickers and Elkin, Med Decis Making 2006 (net benefit); Vickers et al., BMC Med Inform Decis Mak
2008 (intervals); Romero-Brufau et al., Crit Care 2015 (number needed to evaluate).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.checks import check_level
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval
from clinnlp.metrics.ties import check_risks

__all__ = ["AT_THRESHOLD", "ThresholdScores", "score_thresholds"]

AT_THRESHOLD = (
    *("alerts", "sensitivity", "specificity", "ppv", "n_to_evaluate"),
    *("net_benefit", "net_benefit_all"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdScores:
    """Scores of alerting whoever has at least a threshold, each with its interval.

    Parameters
    ----------
    threshold : float
        Risk from which on a row is alerted, above 0 and below 1.
    alerts : Estimate
        Share of rows.
    sensitivity, specificity, ppv : Estimate
        PPV is ``nan`` where nobody is alerted.
    n_to_evaluate : Estimate
        Alerts per case found: 1 / PPV.
    net_benefit, net_benefit_all : Estimate
        Of alerting by the model, and of alerting everybody.
    """

    threshold: float
    alerts: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    n_to_evaluate: Estimate
    net_benefit: Estimate
    net_benefit_all: Estimate

    def row(self) -> dict[str, float]:
        """Return one plain row: threshold, and each score with both ends of its interval."""
        made = {"threshold": self.threshold}
        for name in AT_THRESHOLD:
            e = getattr(self, name)
            made |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
        return made


def score_thresholds(
    y: ArrayLike,
    p: ArrayLike,
    thresholds: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[ThresholdScores, ...]:
    """Return what alerting from each threshold on gives; over many thresholds the decision curve.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    p : array of float, shape (n,)
        Predicted probability of 1.
    thresholds : array of float, shape (k,)
        Each above 0 and below 1.
    groups, n_boot, level, seed
        As in `score_risk`.

    Raises
    ------
    ArgumentError
        A threshold that is not between 0 and 1, or as in `score_risk`.

    Examples
    --------
    >>> found = score_thresholds([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.2], n_boot=0)[0]
    >>> found.sensitivity.value, round(found.ppv.value, 3), round(found.net_benefit.value, 4)
    (1.0, 0.667, 0.4375)
    """
    check_level(level)
    y, p = check_risks(y, p)
    at = np.atleast_1d(np.asarray(thresholds, np.float64))
    if not ((at > 0) & (at < 1)).all():
        raise ArgumentError("thresholds must lie above 0 and below 1, got another number")
    codes, n_groups = cluster_codes(groups, len(y))
    counts = _counts(y, p, at, codes, n_groups)  # (n_groups, 2 k + 2)

    def scores(weights: Floats) -> Floats:
        return _scores(weights @ counts, at).ravel()

    whole = _scores(counts.sum(axis=0), at)
    draws = bootstrap_draws(scores, n_groups, n_boot=n_boot, seed=seed)
    draws = draws.reshape(n_boot, *whole.shape) if n_boot else np.empty((0, *whole.shape))
    unit = "row" if groups is None else "group"
    return tuple(
        ThresholdScores(
            threshold=float(t),
            **{
                name: percentile_interval(
                    float(whole[j, k]), draws[:, j, k], level=level, unit=unit
                )
                for j, name in enumerate(AT_THRESHOLD)
            },
        )
        for k, t in enumerate(at)
    )


def _counts(y: Array, p: Floats, at: Floats, codes: Array, n_groups: int) -> Floats:
    """Return per cluster its true and false positives at each threshold, positives, negatives."""
    columns = []
    for outcome in (1, 0):
        rows = y == outcome
        # how many thresholds, in rising order, each row reaches
        reached = np.searchsorted(np.sort(at), p[rows], side="right")
        cells = np.zeros((n_groups, len(at) + 1))
        np.add.at(cells, (codes[rows], reached), 1)
        # a row is alerted at every threshold it reaches, and counts in all below that
        columns.append(cells[:, ::-1].cumsum(axis=1)[:, ::-1])
    rank = np.argsort(np.argsort(at, kind="stable"), kind="stable") + 1
    return np.hstack([columns[0][:, rank], columns[1][:, rank], *(c[:, :1] for c in columns)])


def _scores(sums: Floats, at: Floats) -> Floats:
    """Return the values of `AT_THRESHOLD` from counts, shape (7, k)."""
    k = len(at)
    tp, fp, positive, negative = sums[:k], sums[k : 2 * k], sums[2 * k], sums[2 * k + 1]
    n, odds = positive + negative, at / (1 - at)
    ppv = ratio(tp, tp + fp)
    return np.array([
        ratio(tp + fp, n),
        ratio(tp, positive),
        ratio(negative - fp, negative),
        ppv,
        ratio(1, ppv),
        ratio(tp - fp * odds, n),
        ratio(positive - negative * odds, n),
    ])  # fmt: skip
