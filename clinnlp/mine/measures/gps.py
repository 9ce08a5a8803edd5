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

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Counts, Floats, Ints
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

_NEAR = 1e-5  # a step of log λ, in standard deviations, after which the next is below rounding
_MOST_STEPS = 200
_ROUNDING = 1e-15
_LEAST = 1e-300  # a quantile below it is as good as 0
_ROOT = 0.2  # Wilson and Hilferty's cube root below which it is not used
_NOTHING = 1e-17  # weight of a component, relative to the tail, that changes no digit
_FAR = 16.0


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

    By Halley's steps within a bracket that shrinks, to a relative error of some 1e-14.

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
    flat = n.ravel()
    posterior = _Posterior(
        weights=np.stack([q, 1 - q]).reshape(2, -1),
        shapes=np.stack([prior.alpha1 + flat, prior.alpha2 + flat]),
        rates=np.stack([prior.beta1 + e, prior.beta2 + e]).reshape(2, -1),
    )
    return _quantile(posterior, p).reshape(n.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Posterior:
    """Mixtures of two gammas, each array of shape (2, n)."""

    weights: Floats
    shapes: Floats
    rates: Floats

    def take(self, at: Ints) -> "_Posterior":
        return _Posterior(
            weights=self.weights[:, at], shapes=self.shapes[:, at], rates=self.rates[:, at]
        )


def _quantile(posterior: _Posterior, p: float) -> Floats:
    """Return where the mixtures reach `p`: Halley's steps for the log of the nearer tail."""
    upper = p > 0.5
    tail, sign = (1 - p, -1.0) if upper else (p, 1.0)
    x = _start(posterior, p)
    low, high = np.zeros_like(x), np.full_like(x, np.inf)
    near = _NEAR / np.sqrt(posterior.shapes.max(axis=0, initial=1.0))
    running = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        if not len(running):
            break
        part, at = posterior.take(running), x[running]
        mass, slope, bend = _tail_of(part, at, tail, upper=upper)
        below = (mass < tail) == (sign > 0)  # the quantile lies above
        low[running] = np.where(below, at, low[running])
        high[running] = np.where(below, high[running], at)
        with np.errstate(all="ignore"):
            step = sign * np.log(mass / tail) * mass / slope
            step /= np.clip(1 - step * (bend / slope - sign * slope / mass) / 2, 0.5, 2.0)
            new = np.maximum(at * np.exp(-step), _LEAST)
        found = np.abs(step) < near[running]
        found |= high[running] <= np.maximum(low[running] * (1 + _ROUNDING), _LEAST)
        inside = (new > low[running]) & (new < high[running])
        x[running] = np.where(found | inside, new, _between(low[running], high[running]))
        running = running[~found]
    return x


def _start(posterior: _Posterior, p: float) -> Floats:
    """Return the quantiles of the components, their logarithms weighed (Wilson and Hilferty)."""
    shapes = posterior.shapes
    root = 1 - 1 / (9 * shapes) + special.ndtri(p) / (3 * np.sqrt(shapes))
    small = (np.log(p) + special.gammaln(shapes + 1)) / shapes  # the first term of the series
    cubic = np.log(shapes) + 3 * np.log(np.maximum(root, _ROOT))
    logs = np.where(root > _ROOT, cubic, small) - np.log(posterior.rates)
    log_x = np.clip((posterior.weights * logs).sum(axis=0), np.log(_LEAST), -np.log(_LEAST))
    return np.asarray(np.exp(log_x), np.float64)


def _tail_of(
    posterior: _Posterior, x: Floats, tail: float, *, upper: bool
) -> tuple[Floats, Floats, Floats]:
    """Return the mass of a tail at x, and the density of log λ there with its slope."""
    mass, slope, bend = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    below = special.gammaincc if upper else special.gammainc
    for weights, shapes, rates in zip(
        posterior.weights, posterior.shapes, posterior.rates, strict=True
    ):
        at = np.flatnonzero(weights > _NOTHING * tail)
        shape, scaled = shapes[at], rates[at] * x[at]
        with np.errstate(divide="ignore"):
            log_density = shape * np.log(scaled) - scaled - special.gammaln(shape)
        density = weights[at] * np.exp(log_density)
        mass[at] += weights[at] * below(shape, scaled)
        slope[at] += density
        bend[at] += density * (shape - scaled)
    return mass, slope, bend


def _between(low: Floats, high: Floats) -> Floats:
    """Return a point between two ends, the lower of which may be 0, the upper one inf."""
    with np.errstate(over="ignore", invalid="ignore"):
        middle = np.sqrt(low) * np.sqrt(high)
    middle = np.where(np.isinf(high), _FAR * low, middle)
    return np.asarray(np.where(low == 0, high / _FAR, middle), np.float64)


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
