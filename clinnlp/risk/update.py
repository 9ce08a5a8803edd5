"""Risks of a model brought to a new place: a new intercept, or a new intercept and slope.

``logit p' = a + logit p`` and ``logit p' = a + b logit p``, by maximum likelihood. b is never below
0: a model whose order is wrong there gets the base rate, not the reverse.

References
----------
Steyerberg et al., Statistics in Medicine 2004; Cox, Biometrika 1958.
"""

import numpy as np
from scipy.special import expit, logit

from clinnlp.core.arrays import Counts, Floats
from clinnlp.metrics.ties import CLIP, Tied, fit_offset, fit_slope

__all__ = ["new_intercept", "new_line", "updated"]


def new_intercept(y: Counts, p: Floats) -> float:
    """Return what to add to the log odds, so that as many have the outcome as are predicted.

    Examples
    --------
    >>> round(new_intercept(np.array([0, 1]), np.array([0.2, 0.2])), 4)  # ln 4
    1.3863
    """
    tied = Tied(y, p)
    return fit_offset(tied.logit, *tied.weigh(np.ones(len(y))))


def new_line(y: Counts, p: Floats) -> tuple[float, float]:
    """Return a and b of ``a + b logit p``; the base rate and 0 where b would turn the order round.

    Where risks separate the classes b has no bound, and the risks stay as they are: 0 and 1.

    Examples
    --------
    >>> new_line(np.array([1, 1, 0, 0]), np.array([0.1, 0.2, 0.8, 0.9]))
    (0.0, 0.0)
    """
    tied = Tied(y, p)
    a, b = fit_slope(tied.logit, *tied.weigh(np.ones(len(y))))
    if b == np.inf:
        return 0.0, 1.0
    return (a, b) if b > 0 else (float(logit(y.mean())), 0.0)


def updated(y: Counts, p: Floats, folds: Counts) -> dict[str, Floats]:
    """Return risks by a new intercept, and by a new slope too, each fitted on the other folds.

    Returns
    -------
    dict of str to array of float64, shape (n,)
        ``intercept`` and ``slope``.

    Examples
    --------
    >>> y, p = np.arange(40) % 2, np.full(40, 0.1)
    >>> made = updated(y, p, np.arange(40) // 2 % 5)
    >>> made["intercept"].round(3).tolist() == [0.5] * 40
    True
    """
    made = {"intercept": np.empty(len(p)), "slope": np.empty(len(p))}
    x = logit(np.clip(p, CLIP, 1 - CLIP))
    for fold in np.unique(folds):
        here, others = folds == fold, folds != fold
        made["intercept"][here] = expit(new_intercept(y[others], p[others]) + x[here])
        a, b = new_line(y[others], p[others])
        made["slope"][here] = expit(a + b * x[here])
    return made
