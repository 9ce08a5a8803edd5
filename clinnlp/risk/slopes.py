"""What an indicator that is there adds to the log odds of naive Bayes and of linear models."""

from typing import Any

import numpy as np
from sklearn.naive_bayes import BernoulliNB, ComplementNB

from clinnlp.core.arrays import Floats
from clinnlp.core.errors import ArgumentError

__all__ = ["is_bayes", "likelihood_ratios", "slopes"]


def is_bayes(model: Any) -> bool:
    """Return whether a fitted model is naive Bayes over indicators."""
    return isinstance(model, BernoulliNB | ComplementNB)


def likelihood_ratios(bayes: Any) -> tuple[Floats, Floats]:
    """Return the log likelihood ratios of naive Bayes where an indicator is there, and where not.

    Raises
    ------
    ArgumentError
        Another model.

    Examples
    --------
    >>> bayes = BernoulliNB().fit([[1], [1], [0], [0]], [1, 1, 0, 0])
    >>> [ratios.round(3).tolist() for ratios in likelihood_ratios(bayes)]
    [[1.099], [-1.099]]
    """
    if not is_bayes(bayes):
        raise ArgumentError(f"points need naive Bayes, got {type(bayes).__name__}")
    log_p = bayes.feature_log_prob_
    present = log_p[1] - log_p[0]  # complement's are -log P(x | other class): the same ratio
    if isinstance(bayes, ComplementNB):
        return present, np.zeros_like(present)
    log_q = np.log1p(-np.exp(log_p))
    return present, log_q[1] - log_q[0]


def slopes(model: Any) -> Floats:
    """Return by how much each column raises the log odds of naive Bayes or of a linear model.

    Examples
    --------
    >>> slopes(BernoulliNB().fit([[1], [1], [0], [0]], [1, 1, 0, 0])).round(3).tolist()
    [2.197]
    """
    if is_bayes(model):
        return np.subtract(*likelihood_ratios(model))
    made: Floats = model.coef_.ravel()
    return made
