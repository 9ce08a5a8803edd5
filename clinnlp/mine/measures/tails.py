"""Upper tails of two count distributions, for many arguments at once.

P(X ≥ x) is summed from x away from the mode, so that small tails keep their full relative
precision: the first term by log-gamma, each next one by the ratio of neighbouring terms

    hypergeometric   f(k+1) / f(k) = (n_a − k) (n_b − k) / ((k + 1) (n − n_a − n_b + k + 1))
    beta-binomial    f(k+1) / f(k) = (n − k) (k + a) / ((k + 1) (n − k − 1 + b))

until a term no longer counts. `scipy.stats.hypergeom.sf` agrees and is a thousand times slower.
Among more than a million the first term is made of binomial ones (Loader, Fast and accurate
computation of binomial probabilities, 2000). The sums are compiled, one row after the other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from clinnlp.core.arrays import Bools, Floats
from clinnlp.core.compiled import compiled

__all__ = ["beta_binomial_sf", "hypergeometric_sf"]

_NEGLIGIBLE = 1e-17  # relative to the sum so far
_LARGE = 1e6  # above it the logarithms of factorials lose digits when subtracted
_FEW = 15.0  # up to which Stirling's series is not used


def hypergeometric_sf(x: Any, n: Any, n_a: Any, n_b: Any) -> Floats:
    """Return P(X ≥ x), X the overlap of random sets of n_a and n_b among n.

    Examples
    --------
    >>> float(hypergeometric_sf(2, 4, 2, 2).round(12))  # 1 of 6 ways
    0.166666666667
    """
    shape = np.broadcast_shapes(*(np.shape(v) for v in (x, n, n_a, n_b)))
    k, total, a, b = (
        np.broadcast_to(v, shape).astype(np.float64).ravel() for v in (x, n, n_a, n_b)
    )

    low, high = np.maximum(0.0, a + b - total), np.minimum(a, b)
    mode = np.floor((a + 1) * (b + 1) / (total + 2))

    def log_first(k: Floats) -> Floats:
        value: Floats = _log_choose(a, k) + _log_choose(total - a, b - k) - _log_choose(total, b)
        large = np.flatnonzero(total > _LARGE)
        value[large] = _log_of_large(k[large], total[large], a[large], b[large])
        return value

    p = _upper_tail(k, (low, high), mode, log_first, (total, a, b), overlap=True)
    return p.reshape(shape)


def beta_binomial_sf(x: Any, n: Any, a: Any, b: Any) -> Floats:
    """Return P(X ≥ x), X ~ Binomial(n, g) and g ~ Beta(a, b).

    Examples
    --------
    >>> float(beta_binomial_sf(2, 2, 1, 1).round(12))  # uniform on 0, 1, 2
    0.333333333333
    """
    shape = np.broadcast_shapes(*(np.shape(v) for v in (x, n, a, b)))
    k, total, a, b = (np.broadcast_to(v, shape).astype(np.float64).ravel() for v in (x, n, a, b))

    mode = np.floor(total * a / (a + b))

    def log_first(k: Floats) -> Floats:
        value: Floats = (
            _log_choose(total, k) + special.betaln(k + a, total - k + b) - special.betaln(a, b)
        )
        return value

    ends = (np.zeros_like(k), total)
    return _upper_tail(k, ends, mode, log_first, (total, a, b), overlap=False).reshape(shape)


def _log_choose(n: Floats, k: Floats) -> Floats:
    value: Floats = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return value


def _log_of_large(k: Floats, total: Floats, a: Floats, b: Floats) -> Floats:
    """Return the log hypergeometric chance of k: binomial ones of k, of b − k, less that of b."""
    p = b / total
    parts = _log_binomial(k, a, p) + _log_binomial(b - k, total - a, p)
    return parts - _log_binomial(b, total, p)


def _log_binomial(k: Floats, n: Floats, p: Floats) -> Floats:
    """Return the log chance of k of n by deviances, which stay small where factorials do not."""
    q, rest = 1 - p, n - k
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (
            _stirling(n) - _stirling(k) - _stirling(rest)
            - _deviance(k, n * p) - _deviance(rest, n * q)
            + np.log(n / (2 * np.pi * k * rest)) / 2
        )  # fmt: skip
    none, every = special.xlog1py(n, -p), special.xlogy(n, p)
    value: Floats = np.where(k == 0, none, np.where(rest == 0, every, inside))
    return value


def _stirling(n: Floats) -> Floats:
    """Return log n! less log(√(2πn) (n/e)ⁿ)."""
    few = np.clip(n, 1, _FEW)
    exact = special.gammaln(few + 1) - (few + 0.5) * np.log(few) + few - np.log(2 * np.pi) / 2
    at = np.maximum(n, 1)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * at**2)) / at**2) / at**2) / at
    value: Floats = np.where(n <= _FEW, exact, series)
    return value


def _deviance(x: Floats, mean: Floats) -> Floats:
    """Return x log(x / mean) + mean − x."""
    away = (x - mean) / mean
    value: Floats = mean * ((1 + away) * np.log1p(away) - away)
    return value


def _upper_tail(
    x: Floats,
    ends: tuple[Floats, Floats],
    mode: Floats,
    log_first: Callable[[Floats], Floats],
    of: tuple[Floats, Floats, Floats],
    *,
    overlap: bool,
) -> Floats:
    """Return P(X ≥ x) on the support between `ends`, summed up above the mode, else down."""
    low, high = ends
    upwards = x > mode
    # Terms fall away from the mode: above it the tail is summed, below it what is not the tail
    start = np.clip(np.where(upwards, x, x - 1), low, high)
    sums = np.empty_like(start)
    _sum_terms(start, low, high, upwards, *of, overlap, sums)
    with np.errstate(over="ignore"):
        one_side = np.exp(log_first(start)) * sums
    p = np.where(upwards, one_side, 1 - one_side)
    p = np.where(x <= low, 1.0, np.where(x > high, 0.0, p))
    return np.clip(p, 0.0, 1.0)


@compiled
def _sum_terms(
    start: Floats,
    low: Floats,
    high: Floats,
    upwards: Bools,
    total: Floats,
    a: Floats,
    b: Floats,
    overlap: bool,  # noqa: FBT001
    sums: Floats,
) -> None:
    """Set `sums` to Σ f(k) / f(start) over k from `start` to the end of the support."""
    for i in range(len(start)):
        k: Any = start[i]
        term: Any = 1.0
        whole: Any = 1.0
        while k < high[i] if upwards[i] else k > low[i]:
            if upwards[i]:
                term *= _step(k, total[i], a[i], b[i], overlap)
                k += 1
            else:
                k -= 1
                term /= _step(k, total[i], a[i], b[i], overlap)
            whole += term
            if not term > _NEGLIGIBLE * whole:
                break
        sums[i] = whole


@compiled
def _step(k: float, total: float, a: float, b: float, overlap: bool) -> float:  # noqa: FBT001
    """Return f(k + 1) / f(k): neighbours differ by a ratio of small products, no factorials."""
    if overlap:
        return (a - k) * (b - k) / ((k + 1) * (total - a - b + k + 1))
    return (total - k) * (k + a) / ((k + 1) * (total - k - 1 + b))
