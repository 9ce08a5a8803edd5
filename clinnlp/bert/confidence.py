"""Scores of mentions that mean what they say: of those scored 0.8, four in five are right.

What a network says of a mention, p, is the probability that its words carry just these tags and
that it goes no further; fine-tuned networks are too sure. Per label two numbers, learned on notes
that were kept out of training, put it right:

    score = sigmoid(scale · logit(p) + shift)

`scale` is the inverse of the temperature; `shift` takes up that a mention is right only where
both of its ends are. A penalty of ``(pull (scale - 1)² + shift²) / 2`` keeps a label with few
mentions near what the network said; with none it stays there.

A score that means what it says also tells which mentions to give: F1 is greatest where those are
left out whose probability is below half of the F1 that is reached. Half of the best F1 on the
selection notes is therefore the least score of a label.

References
----------
Platt 1999; Guo et al., On Calibration of Modern Neural Networks, ICML 2017; Lipton, Elkan and
Narayanaswamy, Optimal Thresholding of Classifiers to Maximize F1, ECML 2014 (Theorem 1).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, logit

from clinnlp.core.arrays import Bools, Floats

__all__ = ["Calibration", "calibrated", "fit_calibration", "fit_threshold"]

_TINY = 1e-6  # the farthest a probability is taken from, or put to, 0 and 1


class Calibration(NamedTuple):
    """How the log odds of one label's mentions are stretched and moved."""

    scale: float = 1.0
    shift: float = 0.0


def fit_calibration(
    p: ArrayLike, right: Sequence[bool] | Bools, *, pull: float = 1.0
) -> Calibration:
    """Return the calibration under which `right` is likeliest.

    Parameters
    ----------
    p : array of float, shape (n,)
        What the network said of each mention.
    right : array of bool, shape (n,)
        Whether a gold mention has the same span and label.
    pull : float
        How strongly the scale is pulled towards 1: much where `p` was fitted to such answers
        before, for then a few sure mistakes would make all sure mentions look doubtful.

    Examples
    --------
    A network that is always sure and right four times in five:

    >>> made = fit_calibration([0.99] * 500, [True, True, True, True, False] * 100)
    >>> calibrated([0.99], made).round(2).tolist()
    [0.8]
    """
    z, y, pulls = _log_odds(p), np.asarray(right, np.float64), np.array([pull, 1.0])

    def cost(x: Floats) -> tuple[float, Floats]:
        u = x[0] * z + x[1]
        gap = expit(u) - y
        off = np.array([x[0] - 1, x[1]])
        value = np.logaddexp(0, u).sum() - y @ u + pulls @ off**2 / 2
        return float(value), np.array([gap @ z, gap.sum()]) + pulls * off

    found = minimize(
        cost, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0.05, 5), (None, None)]
    )
    return Calibration(float(found.x[0]), float(found.x[1]))


def calibrated(p: ArrayLike, by: Calibration) -> Floats:
    """Return the calibrated probabilities, in the order of `p` wherever it is not cut off."""
    out: Floats = expit(by.scale * _log_odds(p) + by.shift)
    return np.clip(out, _TINY, 1 - _TINY)


def fit_threshold(scores: ArrayLike, right: Sequence[bool], n_gold: int) -> float:
    """Return the least score to give, half of the best F1 that any such limit reaches.

    Parameters
    ----------
    scores : array of float, shape (n,)
        Calibrated.
    right : sequence of bool, shape (n,)
        Whether a gold mention has the same span and label.
    n_gold : int
        Gold mentions, found or not.

    Examples
    --------
    Of four gold mentions three are found; the best is to leave the last two out (F1 = 0.75 with
    four given, 6 / 7 with three):

    >>> fit_threshold([0.9, 0.8, 0.7, 0.3, 0.2], [True, True, True, False, False], 4).__round__(4)
    0.4286
    """
    if not len(right):
        return 0.0
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    tp = np.cumsum(np.asarray(right, np.float64)[order])
    return float((tp / (np.arange(1, len(tp) + 1) + n_gold)).max())  # F1 = 2 tp / (given + gold)


def _log_odds(p: ArrayLike) -> Floats:
    clipped: Floats = logit(np.clip(np.asarray(p, np.float64), _TINY, 1 - _TINY))
    return clipped
