"""EBGM: relative reporting ratios shrunk by a prior that is fitted to all pairs at once.

Gamma-Poisson shrinker. Of each pair, N reports where E are expected; N is Poisson with mean λE, λ
from a mixture of two gammas:

    λ ~ P · Gamma(α1, rate β1) + (1 − P) · Gamma(α2, rate β2)

N is then a mixture of two negative binomials, whose likelihood is maximised over the five
parameters. Given N = n, λ is again a mixture, Q_n · Gamma(α1 + n, β1 + E) + (1 − Q_n) ·
Gamma(α2 + n, β2 + E), and

    EBGM = 2 ** E[log2 λ | n],   EB05 and EB95 its 5 % and 95 % quantiles.

Pairs that never meet (n = 0) are part of the table: where the counts hold them, the whole
likelihood is used; where they hold n ≥ `least` only, that of the mixture given n ≥ `least`.
(openEBGM truncates each component by itself; its weight is one among the pairs that were seen.)

References
----------
DuMouchel, Bayesian data mining in large frequency tables, Am Stat 1999;53:177, sections 3 and 4.
DuMouchel and Pregibon, Empirical Bayes screening for multi-item associations, KDD 2001.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError

__all__ = ["GammaMixture", "eb_quantile", "ebgm", "fit_gamma_mixture"]

# α1, β1, α2, β2, P: DuMouchel's start, and others far from it.
_STARTS = (
    (0.2, 0.1, 2.0, 4.0, 1 / 3),
    (0.1, 0.1, 10.0, 10.0, 0.2),
    (0.5, 0.3, 5.0, 5.0, 0.5),
    (2.0, 0.5, 2.0, 2.0, 0.1),
)
_BOUNDS = ((np.log(1e-4), np.log(1e3)),) * 4 + ((-12.0, 12.0),)
_HALVINGS = 64
_WHOLE = 5_000  # pairs up to which none are taken together
_BIN = 0.01  # of log E
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaMixture:
    """The prior of λ: ``weight`` · Gamma(alpha1, beta1) + (1 − weight) · Gamma(alpha2, beta2).

    Raises
    ------
    ArgumentError
        A parameter is not above 0, or the weight not between 0 and 1.
    """

    alpha1: float
    beta1: float
    alpha2: float
    beta2: float
    weight: float

    def __post_init__(self) -> None:
        for name in ("alpha1", "beta1", "alpha2", "beta2"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.weight <= 1:
            raise ArgumentError(f"weight must lie between 0 and 1, got {self.weight}")


def fit_gamma_mixture(observed: ArrayLike, expected: ArrayLike, *, least: int = 0) -> GammaMixture:
    """Return the prior of highest likelihood for the counts of all pairs.

    Parameters
    ----------
    observed : array of int, shape (n_pairs,)
        Reports with both, each at least `least`.
    expected : array of float, shape (n_pairs,)
        Above 0.
    least : int
        The least count that the pairs were kept for: 0 where pairs that never meet are among
        them.

    Raises
    ------
    ArgumentError
        No pairs, unequal lengths, a count below `least`, or an expected count not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> e = rng.uniform(0.1, 5, 4000)
    >>> rate = np.where(rng.random(4000) < 0.1, rng.gamma(4, 2, 4000), rng.gamma(8, 1 / 8, 4000))
    >>> prior = fit_gamma_mixture(rng.poisson(rate * e), e)
    >>> round(prior.weight, 1), round(prior.alpha1 / prior.beta1), round(prior.alpha2 / prior.beta2)
    (0.1, 8, 1)
    """
    check_at_least(least, 0, name="least")
    n, e = _checked(observed, expected)
    if not len(n) or (n < least).any():
        raise ArgumentError(f"observed must hold counts of at least {least}, got none or one below")
    cells = _squashed(n, e)
    # The likelihood has several maxima; which of them is found depends on the start
    found = [
        optimize.minimize(
            _loss, _packed(start), (cells, least), method="L-BFGS-B", jac=True, bounds=_BOUNDS
        )
        for start in _STARTS
    ]
    return _unpacked(min(found, key=lambda one: float(one.fun)).x)


def ebgm(observed: ArrayLike, expected: ArrayLike, prior: GammaMixture) -> Floats:
    """Return EBGM = 2 ** E[log2 λ | n], the geometric mean of the posterior (equation 11).

    Examples
    --------
    >>> prior = GammaMixture(alpha1=3.25379356, beta1=0.39988854, alpha2=2.02612692,
    ...                      beta2=1.90807970, weight=0.06534557)
    >>> float(ebgm([16], [0.40643623], prior)[0].round(2))  # openEBGM, vignette 4: 23.26
    23.26
    """
    n, e = _checked(observed, expected)
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
    n, e = _checked(observed, expected)
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


def _checked(observed: ArrayLike, expected: ArrayLike) -> tuple[Counts, Floats]:
    n, e = np.asarray(observed), np.asarray(expected, np.float64)
    if n.shape != e.shape:
        raise ArgumentError(
            f"observed and expected must have one shape, got {n.shape} and {e.shape}"
        )
    if n.dtype.kind not in "iu" and n.size:
        raise ArgumentError(f"observed must be whole numbers, got {n.dtype}")
    if (n < 0).any() or not (e > 0).all():
        raise ArgumentError("observed must be at least 0 and expected above 0, got another")
    return n.astype(np.int64), e


def _squashed(n: Counts, e: Floats) -> tuple[Floats, Floats, Floats]:
    """Return counts, expectations and how many pairs stand for each.

    Beyond `_WHOLE` pairs, those of one count whose E differ by less than 1 % are taken together at
    their mean (data squashing, DuMouchel and Pregibon 2001).
    """
    if len(n) <= _WHOLE:
        return n.astype(np.float64), e, np.ones(len(n))
    keys = np.stack([n, np.floor(np.log(e) / _BIN).astype(np.int64)])
    _, group, times = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    group = group.ravel()
    means = np.bincount(group, weights=e) / times
    counts = np.bincount(group, weights=n.astype(np.float64)) / times
    return counts, means, times.astype(np.float64)


def _packed(theta: tuple[float, ...]) -> Floats:
    return np.array([*np.log(theta[:4]), special.logit(theta[4])])


def _unpacked(packed: Floats) -> GammaMixture:
    a1, b1, a2, b2 = np.exp(packed[:4]).tolist()
    weight = float(special.expit(packed[4]))
    if a1 / b1 < a2 / b2:  # the component of larger ratios comes first
        a1, b1, a2, b2, weight = a2, b2, a1, b1, 1 - weight
    return GammaMixture(alpha1=a1, beta1=b1, alpha2=a2, beta2=b2, weight=weight)


def _log_negative_binomial(n: Floats, e: Floats, alpha: float, beta: float) -> Floats:
    """Log chance of n where λ ~ Gamma(α, β) and n ~ Poisson(λ e) (equation 4)."""
    # log1p of odds: the logarithm of a chance near 1 would lose digits
    value: Floats = (
        special.gammaln(alpha + n)
        - special.gammaln(alpha)
        - special.gammaln(n + 1)
        - n * np.log1p(beta / e)
        - alpha * np.log1p(e / beta)
    )
    return value


def _loss(packed: Floats, cells: tuple[Floats, Floats, Floats], least: int) -> tuple[float, Floats]:
    """Return the mean negative log likelihood and its gradient."""
    n, e, times = cells
    log_p, slope = _log_marginal(n, e, packed)  # (n_cells,), (5, n_cells)
    if least:
        below = [_log_marginal(np.full_like(e, float(k)), e, packed) for k in range(least)]
        chances = np.stack([np.exp(one) for one, _ in below])  # (least, n_cells)
        # Counts below `least` are never seen: what is seen has the chance of the others
        rest = np.maximum(1 - chances.sum(axis=0), _TINY)
        log_p = log_p - np.log(rest)
        lost = np.sum([c * s for c, (_, s) in zip(chances, below, strict=True)], axis=0)
        slope = slope + lost / rest
    total = times.sum()
    return -float(times @ log_p) / total, -(slope @ times) / total


def _log_marginal(n: Floats, e: Floats, packed: Floats) -> tuple[Floats, Floats]:
    """Return the log chance of each n, and its gradient by the packed parameters."""
    a1, b1, a2, b2 = np.exp(packed[:4]).tolist()
    log_q, log_rest = special.log_expit(packed[4]), special.log_expit(-packed[4])
    first = log_q + _log_negative_binomial(n, e, a1, b1)
    second = log_rest + _log_negative_binomial(n, e, a2, b2)
    log_p: Floats = np.logaddexp(first, second)
    q = np.exp(first - log_p)
    q_before = np.exp(log_q)
    slope = np.stack(
        [*(q * _slopes(n, e, a1, b1)), *((1 - q) * _slopes(n, e, a2, b2)), q - q_before]
    )
    return log_p, slope


def _slopes(n: Floats, e: Floats, alpha: float, beta: float) -> Floats:
    """Return the derivatives of the log negative binomial by log α and log β, shape (2, …)."""
    by_alpha = special.digamma(alpha + n) - special.digamma(alpha) - np.log1p(e / beta)
    # The search is over log alpha and log beta: this one holds its factor beta already
    by_beta = (alpha * e - n * beta) / (beta + e)
    return np.stack([alpha * by_alpha, by_beta])


def _posterior_weight(n: Counts, e: Floats, prior: GammaMixture) -> Floats:
    """Return Q_n, the chance that λ came from the first component (equation 6)."""
    whole = n.astype(np.float64)
    # A weight of 0 or 1 has a logarithm of -inf, which decides as it should
    with np.errstate(divide="ignore"):
        first = np.log(prior.weight) + _log_negative_binomial(whole, e, prior.alpha1, prior.beta1)
        second = np.log1p(-prior.weight) + _log_negative_binomial(
            whole, e, prior.alpha2, prior.beta2
        )
    return np.asarray(special.expit(first - second), np.float64)
