"""Penalised logistic regression over baskets: the odds ratio of each item, the others held.

    log odds(outcome) = β0 + Σ β_k x_k,   penalty λ/2 Σ β_k²

by Newton's method on sparse 0/1 columns. The penalty (a normal prior of variance 1/λ on each log
odds ratio) keeps an item that always or never meets the outcome finite; the interval is that of the
posterior's normal approximation, β ± z √(H⁻¹)_kk.

References
----------
Le Cessie and van Houwelingen, Ridge estimators in logistic regression, Appl Stat 1992;41:191.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse, special

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.intervals import Interval, normal_quantile

__all__ = ["LogisticFit", "fit_logistic"]

_STEPS = 50
_CONVERGED = 1e-8
_LONGEST_STEP = 5.0  # of a log odds ratio


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogisticFit:
    """Log odds ratios and their standard errors, one per column; the intercept apart.

    Parameters
    ----------
    intercept : float
    beta, error : array of float64, shape (n_columns,)
    """

    intercept: float
    beta: Floats
    error: Floats

    @property
    def odds_ratio(self) -> Floats:
        """exp β."""
        return np.asarray(np.exp(self.beta), np.float64)

    def interval(self, *, level: float = 0.95) -> Interval:
        """Return exp(β ± z SE)."""
        half = normal_quantile(level) * self.error
        return Interval(np.exp(self.beta - half), np.exp(self.beta + half))

    @property
    def p_greater(self) -> Floats:
        """One-sided Wald p of each odds ratio above 1."""
        return np.asarray(special.ndtr(-self.beta / self.error), np.float64)


def fit_logistic(x: sparse.csr_matrix, y: Floats, *, ridge: float = 0.1) -> LogisticFit:
    """Return the fit of a 0/1 outcome on the columns of a sparse matrix.

    Parameters
    ----------
    x : csr_matrix, shape (n_baskets, n_columns)
    y : array of 0 and 1, shape (n_baskets,)
    ridge : float
        λ, above 0; the intercept is not penalised.

    Raises
    ------
    ArgumentError
        λ is not above 0, or `y` holds one value only.

    Examples
    --------
    >>> x = sparse.csr_matrix(np.array([[1], [0]] * 200))
    >>> y = np.array([1, 0, 0, 0] * 50 + [0, 0, 0, 1] + [0] * 196, float)
    >>> fit_logistic(x, y, ridge=0.001).odds_ratio.round(0).tolist()  # 50 of 200, 1 of 200
    [66.0]
    """
    check_at_least(ridge, 1e-12, name="ridge")
    if len(np.unique(y)) != 2:
        raise ArgumentError("y of a logistic regression must hold both 0 and 1, got one of them")
    full = sparse.hstack([sparse.csr_matrix(np.ones((x.shape[0], 1))), x], format="csr")
    full = full.astype(np.float64)
    penalty = np.full(full.shape[1], ridge)
    # The intercept is free; this only keeps the matrix from being singular
    penalty[0] = 1e-9
    beta = np.zeros(full.shape[1])
    beta[0] = special.logit(y.mean())
    for _ in range(_STEPS):
        p = special.expit(full @ beta)
        curvature = (full.T @ full.multiply((p * (1 - p))[:, None]).tocsr()).toarray()
        curvature[np.diag_indices_from(curvature)] += penalty
        factor = linalg.cho_factor(curvature)
        step = linalg.cho_solve(factor, full.T @ (p - y) + penalty * beta)
        # Far from the maximum a whole step may overshoot
        beta = beta - np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step).max() < _CONVERGED:
            break
    error = np.sqrt(np.diag(linalg.cho_solve(factor, np.eye(len(beta)))))
    return LogisticFit(intercept=float(beta[0]), beta=beta[1:], error=error[1:])
