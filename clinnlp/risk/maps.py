"""Calibration maps: a sigmoid that always rises, and steps that keep the order within each.

Sigmoid: ``P(y = 1) = 1 / (1 + exp(-(a s + b)))``. Its slope a has a Gamma prior with its mode at
a unit u, ``3 (a/u - 1 - log(a/u))`` beside the negative log likelihood: about the weight of three
rows that speak. In that unit the scores have a standard deviation of 1: without data risks are
spread by one log odds, whatever the scale a model scores on, since naive Bayes counts what is said
twice, and a penalty draws scores together. So a is above 0, near u where data are few, and what the
data say where they are many; the sum is convex in a and b, and its minimum the only one. Few
outcomes leave a uncertain, and risks that are drawn in too far have larger calibration slopes than
those not far enough have smaller ones: the prior brings the mean of slopes near 1, too.

Steps: the rising step function nearest to the outcomes, each step with one row more of the base
rate, so that none is 0 or 1, and a hundredth part of the sigmoid added, so that rows of one step
keep their order.

The held-out scores of a model without a signal fall more often than they rise: who is held out is
missing from the base rate of the others, so the mean score moves against the outcome. A
slope below 0 is never right about a ranking, so none is fitted. Only where the scores fall beyond
doubt is the map level.

References
----------
Platt 1999; Zadrozny and Elkan, KDD 2002; Niculescu-Mizil and Caruana, ICML 2005; Chung et al.,
Psychometrika 2013 (Gamma priors that keep a parameter off its bound).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from clinnlp.core.arrays import Array, Floats

__all__ = ["Rise", "mapped", "rise_of", "sigmoid_map", "step_map", "unit_of"]

_BEYOND_DOUBT = -3.5  # z of the score test at slope 0
_WEIGHT = 3.0  # of the prior of the slope, in rows
_ORDER = 0.01  # share of the sigmoid in a map of steps
_MAX_STEPS = 100  # of Newton's method, which takes about ten
_CLOSE = 1e-10  # expected gain of a step at which it ends, in units of log likelihood


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """How held-out scores go with the outcome.

    Parameters
    ----------
    rises : bool
        Scores of positives are higher in the mean.
    falls_beyond_doubt : bool
        They are lower, by more than chance gives, or all scores are the same.
    """

    rises: bool
    falls_beyond_doubt: bool


def rise_of(scores: Floats, truth: Array, weights: Floats | None = None) -> Rise:
    """Return how scores go with outcomes, by the score test of a slope of 0.

    Examples
    --------
    >>> rise_of(np.arange(20.0), np.arange(20) < 10)
    Rise(rises=False, falls_beyond_doubt=True)
    """
    w = np.ones(len(scores)) if weights is None else weights
    base, centred = np.average(truth, weights=w), scores - np.average(scores, weights=w)
    gradient = float(np.sum(w * (truth - base) * centred))
    spread = float(np.sqrt(base * (1 - base) * np.sum(w * centred**2)))
    if np.ptp(scores) == 0:
        return Rise(rises=False, falls_beyond_doubt=True)
    return Rise(rises=gradient > 0, falls_beyond_doubt=gradient < _BEYOND_DOUBT * spread)


def unit_of(scores: Floats, weights: Floats | None = None) -> float:
    """Return the slope to expect: one log odds for one standard deviation of the scores.

    Examples
    --------
    >>> unit_of(np.array([-2.0, 2.0]))
    0.5
    """
    mean = np.average(scores, weights=weights)
    spread = float(np.sqrt(np.average((scores - mean) ** 2, weights=weights)))
    return 1 / spread if spread else 1.0


def sigmoid_map(
    scores: Floats, truth: Array, weights: Floats | None = None, *, unit: float, level: bool = False
) -> LogisticRegression:
    """Return the sigmoid over scores, as a fitted logistic regression of one column.

    Parameters
    ----------
    scores : array of float, shape (n,)
    truth : array of 0 and 1, shape (n,)
        With both classes.
    weights : array of float, shape (n,), optional
    unit : float
        Mode of the prior of the slope, above 0: of `unit_of`.
    level : bool
        Give the base rate whatever the score.

    Examples
    --------
    >>> made = sigmoid_map(np.arange(20.0), np.arange(20) < 10, unit=1.0)
    >>> bool(0 < made.coef_[0, 0] < 0.1)
    True
    """
    w = np.ones(len(scores)) if weights is None else weights
    centre = float(np.average(scores, weights=w))
    base = float(np.average(truth, weights=w))
    slope, intercept = 0.0, float(logit(base))
    if not level:
        slope, intercept = _likeliest(unit * (scores - centre), np.asarray(truth, float), w)
    made = LogisticRegression()
    made.classes_, made.n_features_in_ = np.array([0, 1]), 1
    made.coef_ = np.array([[slope * unit]])
    made.intercept_ = np.array([intercept - slope * unit * centre])
    made.n_iter_ = np.array([1], np.int32)
    return made


def step_map(scores: Floats, truth: Array, weights: Floats | None = None) -> IsotonicRegression:
    """Return the rising steps over scores, each inside (0, 1).

    Examples
    --------
    >>> made = step_map(np.arange(6.0), np.arange(6) > 2)
    >>> made.predict([0.0, 5.0]).tolist()
    [0.125, 0.875]
    """
    w = np.ones(len(scores)) if weights is None else weights
    base = np.average(truth, weights=w)
    raw = IsotonicRegression(out_of_bounds="clip").fit(scores, truth, sample_weight=w)
    _, step = np.unique(raw.predict(scores), return_inverse=True)
    n, n_positive = np.bincount(step, w), np.bincount(step, w * truth)
    drawn_in = ((n_positive + base) / (n + 1))[step]
    # small steps move further than large ones, so that neighbours may have to be joined
    return IsotonicRegression(out_of_bounds="clip").fit(scores, drawn_in, sample_weight=w)


def mapped(scores: Floats, sigmoid: LogisticRegression, steps: Any = None) -> Floats:
    """Return the probability of each score, by the sigmoid alone or by the steps.

    Examples
    --------
    >>> s, y = np.arange(6.0), np.arange(6) > 2
    >>> p = mapped(s, sigmoid_map(s, y, unit=1.0), step_map(s, y))
    >>> bool((np.diff(p) > 0).all())
    True
    """
    p: Floats = expit(sigmoid.coef_[0, 0] * scores + sigmoid.intercept_[0])
    return p if steps is None else (1 - _ORDER) * steps.predict(scores) + _ORDER * p


def _likeliest(s: Floats, y: Floats, w: Floats) -> tuple[float, float]:
    """Return slope and intercept of scores in their unit, by Newton's method with halved steps."""
    at = np.array([1.0, logit(np.average(y, weights=w))])
    for _ in range(_MAX_STEPS):
        p = expit(at[0] * s + at[1])
        gradient = np.array([w @ ((p - y) * s) + _WEIGHT * (1 - 1 / at[0]), w @ (p - y)])
        v = w * p * (1 - p)
        curve = np.array([[v @ s**2 + _WEIGHT / at[0] ** 2, v @ s], [v @ s, v.sum()]])
        curve[1, 1] += _CLOSE * w.sum()  # where every row is sure of itself
        step = -np.linalg.solve(curve, gradient)
        gain = -float(gradient @ step)
        if gain < _CLOSE:
            break
        at = _downhill(at, step, gain, (s, y, w))
    return float(at[0]), float(at[1])


def _downhill(at: Floats, step: Floats, gain: float, rows: tuple[Floats, Floats, Floats]) -> Floats:
    """Return where the step leads, halved until the loss falls as the gradient promises."""
    here, share = _loss(at, *rows), 1.0
    while share > _CLOSE:
        there: Floats = at + share * step
        if there[0] > 0 and _loss(there, *rows) <= here - 1e-4 * share * gain:
            return there
        share /= 2
    return at


def _loss(at: Floats, s: Floats, y: Floats, w: Floats) -> float:
    z = at[0] * s + at[1]
    return float(w @ (np.logaddexp(0, z) - y * z) + _WEIGHT * (at[0] - 1 - np.log(at[0])))
