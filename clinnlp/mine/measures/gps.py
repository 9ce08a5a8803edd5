"""EBGM: relative reporting ratios shrunk by a prior that is fitted to all pairs at once.

Gamma-Poisson shrinker. Of each pair, N reports where E are expected; N is Poisson with mean λE, λ
from a mixture of two gammas, the prior:

    λ ~ P · Gamma(α1, rate β1) + (1 − P) · Gamma(α2, rate β2)

Given N = n, λ is again a mixture, Q_n · Gamma(α1 + n, β1 + E) + (1 − Q_n) ·
Gamma(α2 + n, β2 + E), and

    EBGM = 2 ** E[log2 λ | n],   EB05 and EB95 its 5 % and 95 % quantiles.

The prior is fitted by `clinnlp.mine.measures.prior`, whose names are given here too.

References
----------
DuMouchel, Bayesian data mining in large frequency tables, Am Stat 1999;53:177, sections 3 and 4.
DuMouchel and Pregibon, Empirical Bayes screening for multi-item associations, KDD 2001.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.prior import (
    PRIORS,
    FittedMixture,
    GammaMixture,
    checked_pairs,
    fit_gamma_mixture,
    log_negative_binomial,
)

__all__ = [
    "PRIORS",
    "FittedMixture",
    "GammaMixture",
    "eb_quantile",
    "ebgm",
    "fit_gamma_mixture",
]

_HALVINGS = 64


def ebgm(observed: ArrayLike, expected: ArrayLike, prior: GammaMixture) -> Floats:
    """Return EBGM = 2 ** E[log2 λ | n], the geometric mean of the posterior (equation 11).

    Examples
    --------
    >>> prior = GammaMixture(alpha1=3.25379356, beta1=0.39988854, alpha2=2.02612692,
    ...                      beta2=1.90807970, weight=0.06534557)
    >>> float(ebgm([16], [0.40643623], prior)[0].round(2))  # openEBGM, vignette 4: 23.26
    23.26
    """
    n, e = checked_pairs(observed, expected)
    q = _posterior_weight(n, e, prior)
    logs = [
        special.digamma(alpha + n) - np.log(beta + e)
        for alpha, beta in ((prior.alpha1, prior.beta1), (prior.alpha2, prior.beta2))
    ]
    return np.asarray(np.exp(q * logs[0] + (1 - q) * logs[1]), np.float64)


def eb_quantile(observed: ArrayLike, expected: ArrayLike, prior: GammaMixture, p: float) -> Floats:
    """Return the quantile of the posterior of λ: EB05 at p = 0.05, EB95 at 0.95.

    By bisection between the quantiles of the two components, to double precision.

    Examples
    --------
    >>> prior = GammaMixture(alpha1=3.25379356, beta1=0.39988854, alpha2=2.02612692,
    ...                      beta2=1.90807970, weight=0.06534557)
    >>> [float(eb_quantile([19], [0.89690107], prior, p)[0].round(2)) for p in (0.05, 0.95)]
    [11.65, 23.55]
    """
    if not 0 < p < 1:
        raise ArgumentError(f"p must lie between 0 and 1, got {p}")
    n, e = checked_pairs(observed, expected)
    q = _posterior_weight(n, e, prior)
    shapes = (prior.alpha1 + n, prior.alpha2 + n)
    rates = (prior.beta1 + e, prior.beta2 + e)
    ends = [special.gammaincinv(s, p) / r for s, r in zip(shapes, rates, strict=True)]
    # The quantile of a mixture lies between those of its components: halve what is between
    low, high = np.minimum(*ends), np.maximum(*ends)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = q * special.gammainc(shapes[0], rates[0] * middle)
        below += (1 - q) * special.gammainc(shapes[1], rates[1] * middle)
        low, high = np.where(below < p, middle, low), np.where(below < p, high, middle)
    return np.asarray((low + high) / 2, np.float64)


def _posterior_weight(n: Counts, e: Floats, prior: GammaMixture) -> Floats:
    """Return Q_n, the chance that λ came from the first component (equation 6)."""
    whole = n.astype(np.float64)
    # A weight of 0 or 1 has a logarithm of -inf, which decides as it should
    with np.errstate(divide="ignore"):
        first = np.log(prior.weight) + log_negative_binomial(whole, e, prior.alpha1, prior.beta1)
        second = np.log1p(-prior.weight) + log_negative_binomial(
            whole, e, prior.alpha2, prior.beta2
        )
    return np.asarray(special.expit(first - second), np.float64)
