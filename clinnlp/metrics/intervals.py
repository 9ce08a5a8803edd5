"""Intervals: the cluster bootstrap, its percentile interval, and Wilson's for a proportion.

Rows of one cluster (a patient, else a document) are drawn together: each resample draws as many
clusters as there are, with replacement, and every row weighs as often as its cluster was drawn.
An interval so made covers the sampling of the test set; it does not cover retraining.

References
----------
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 (percentile interval).
Davison and Hinkley, Bootstrap Methods and their Application, 1997, §3.8 (clusters).
Wilson, J Am Stat Assoc 1927; Korn and Graubard, Surv Methodol 1998 (effective sample size).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.checks import check_at_least, check_level
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.errors import ArgumentError

__all__ = [
    "bootstrap_draws",
    "bootstrap_weights",
    "cluster_codes",
    "percentile_interval",
    "wilson_bounds",
    "wilson_interval",
]


def cluster_codes(groups: Sequence[Any] | Array | None, n: int) -> tuple[Counts, int]:
    """Return the cluster of each of `n` rows as 0, 1, ..., and how many clusters there are.

    Parameters
    ----------
    groups : sequence of length n, optional
        Cluster of each row; a row whose cluster is missing (``None``, ``nan``), and every row
        where `groups` is absent, is a cluster of its own.
    n : int
        Rows.

    Raises
    ------
    ArgumentError
        `groups` is not as long as the rows.

    Examples
    --------
    >>> codes, n_clusters = cluster_codes(["p1", "p2", "p1", None], 4)
    >>> codes.tolist(), n_clusters
    ([0, 1, 0, 2], 3)
    """
    if groups is None:
        return np.arange(n, dtype=np.int64), n
    if len(groups) != n:
        raise ArgumentError(
            f"groups must have one entry per row, got {len(groups)} for {n} rows; "
            "pass the patient of each row"
        )
    values = groups.tolist() if isinstance(groups, np.ndarray) else groups
    codes = np.empty(n, np.int64)
    seen: dict[Any, int] = {}
    for i, value in enumerate(values):
        missing = value is None or value != value  # nan is the value unequal to itself
        # Two rows without a group are not of one group
        codes[i] = seen.setdefault(object() if missing else value, len(seen))
    return codes, len(seen)


def bootstrap_weights(n_clusters: int, *, n_boot: int, seed: int) -> Iterator[Floats]:
    """Yield, `n_boot` times, how often each cluster was drawn; each sums to `n_clusters`.

    Two calls with the same arguments yield the same weights, so that differences between two
    scores of the same clusters are paired.

    Examples
    --------
    >>> [w.sum() for w in bootstrap_weights(5, n_boot=2, seed=0)]
    [np.float64(5.0), np.float64(5.0)]
    """
    rng = np.random.default_rng(seed)
    for _ in range(n_boot):
        drawn = rng.integers(0, n_clusters, n_clusters)
        yield np.bincount(drawn, minlength=n_clusters).astype(np.float64)  # (n_clusters,)


def bootstrap_draws(
    statistic: Callable[[Floats], ArrayLike], n_clusters: int, *, n_boot: int, seed: int
) -> Floats:
    """Return `statistic` of each resample.

    Parameters
    ----------
    statistic : callable
        From cluster weights of shape (n_clusters,) to k numbers, ``nan`` where undefined.
    n_clusters, n_boot, seed : int
        Clusters, resamples (≥ 0), seed of the generator.

    Returns
    -------
    array of float64, shape (n_boot, k)
    """
    check_at_least(n_boot, 0, name="n_boot")
    check_at_least(seed, 0, name="seed")
    weights = bootstrap_weights(n_clusters, n_boot=n_boot, seed=seed)
    draws = [np.atleast_1d(np.asarray(statistic(w), np.float64)) for w in weights]
    return np.stack(draws) if draws else np.empty((0, 1))


def percentile_interval(
    value: float, draws: ArrayLike, *, level: float = 0.95, unit: str = "row"
) -> Estimate:
    """Return `value` with the percentile interval of its bootstrap draws.

    Undefined draws (``nan``) are left out, and `method` says how many. Without draws, or for an
    undefined value, both ends are ``nan``.

    Parameters
    ----------
    value : float
        The statistic of the sample itself.
    draws : array of float, shape (n_boot,)
    level : float
        Coverage, between 0 and 1.
    unit : str
        What was drawn, for `method`.

    Examples
    --------
    >>> print(percentile_interval(0.5, [0.3, 0.4, 0.5, 0.6, 0.7], level=0.5))
    0.500 [0.400, 0.600]
    """
    check_level(level)
    draws = np.asarray(draws, np.float64).ravel()
    kept = draws[~np.isnan(draws)]
    if not len(draws):
        return Estimate(value=value, low=np.nan, high=np.nan, level=level, method="no interval")
    method = f"percentile bootstrap by {unit}, {len(draws)} resamples"
    if len(kept) < len(draws):
        method += f" ({len(draws) - len(kept)} undefined left out)"
    if not len(kept) or np.isnan(value):
        return Estimate(value=value, low=np.nan, high=np.nan, level=level, method=method)
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    if np.isfinite(kept).all():
        low, high = np.quantile(kept, ends)
    else:  # inf cannot be interpolated
        low, high = np.quantile(kept, ends, method="inverted_cdf")
    return Estimate(value=value, low=float(low), high=float(high), level=level, method=method)


def wilson_bounds(k: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends of Wilson's interval of ``k / n``; ``nan`` where n is 0.

    `k` and `n` broadcast, and may be fractional (an effective sample size).
    """
    check_level(level)
    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    z = float(ndtri((1 + level) / 2))
    p = ratio(k, n)
    centre = ratio(p + ratio(z**2, 2 * n), 1 + ratio(z**2, n))
    with np.errstate(invalid="ignore"):
        half = ratio(z * np.sqrt(ratio(p * (1 - p), n) + ratio(z**2, 4 * n**2)), 1 + ratio(z**2, n))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def wilson_interval(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return the proportion ``k / n`` with Wilson's interval.

    Raises
    ------
    ArgumentError
        Not ``0 <= k <= n``.

    Examples
    --------
    >>> print(wilson_interval(8, 10))
    0.800 [0.490, 0.943]
    """
    if not 0 <= k <= n:
        raise ArgumentError(f"k must lie between 0 and n, got {k} of {n}")
    low, high = wilson_bounds(k, n, level=level)
    return Estimate(
        value=float(ratio(k, n)), low=float(low), high=float(high), level=level, method="Wilson"
    )
