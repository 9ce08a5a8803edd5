"""Stratified 2×2 tables: Mantel-Haenszel ratios, the stratified expectation, Simpson's check.

Tables have the shape (n_strata, n_candidates): the same candidates in each stratum (age group, sex,
illness, year). A stratum without both exposed and unexposed, or without both outcomes, says
nothing and weighs nothing.

References
----------
Mantel and Haenszel, J Natl Cancer Inst 1959;22:719. Robins, Breslow and Greenland, Estimators of
the Mantel-Haenszel variance, Biometrics 1986;42:311. Greenland and Robins, Biometrics 1985;41:55.
Simpson, J R Stat Soc B 1951;13:238.
"""

import numpy as np

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.core.counts import Table2x2, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.association import odds_ratio
from clinnlp.mine.measures.intervals import Interval, log_interval

__all__ = [
    "mh_odds_ratio",
    "mh_odds_ratio_interval",
    "mh_prr",
    "mh_prr_interval",
    "pooled",
    "simpson",
    "stratified_expected",
]


def pooled(t: Table2x2) -> Table2x2:
    """Return the tables of all strata together, shape (n_candidates,).

    Raises
    ------
    ArgumentError
        The tables do not have two axes.
    """
    if t.n_ab.ndim != 2:
        raise ArgumentError(
            f"tables must have the shape (n_strata, n_candidates), got {t.n_ab.shape}"
        )
    return Table2x2(
        n_ab=t.n_ab.sum(axis=0), n_a=t.n_a.sum(axis=0), n_b=t.n_b.sum(axis=0), n=t.n.sum(axis=0)
    )


def stratified_expected(t: Table2x2) -> Floats:
    """Return Σ n_a n_b / n, the joint reports expected under independence within each stratum.

    Examples
    --------
    >>> two = Table2x2(n_ab=np.array([[8], [1]]), n_a=np.array([[10], [10]]),
    ...                n_b=np.array([[80], [10]]), n=np.array([[100], [100]]))
    >>> stratified_expected(two).tolist()
    [9.0]
    """
    each = np.where(t.n > 0, t.n_a * t.n_b / np.maximum(t.n, 1), 0.0)
    return np.asarray(each.sum(axis=0), np.float64)


def mh_odds_ratio(t: Table2x2) -> Floats:
    """Mantel-Haenszel odds ratio, Σ (a d / n) / Σ (b c / n).

    Examples
    --------
    >>> two = Table2x2(n_ab=np.array([[8], [1]]), n_a=np.array([[10], [10]]),
    ...                n_b=np.array([[80], [10]]), n=np.array([[100], [100]]))
    >>> mh_odds_ratio(two).tolist()
    [1.0]
    """
    return ratio(_sum(t, t.a * t.d), _sum(t, t.b * t.c))


def mh_odds_ratio_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the Mantel-Haenszel odds ratio (Robins, Breslow and Greenland 1986).

    With R = a d / n, S = b c / n, P = (a + d) / n and Q = (b + c) / n in each stratum,
    V = Σ P R / (2 (Σ R)²) + Σ (P S + Q R) / (2 Σ R Σ S) + Σ Q S / (2 (Σ S)²). nan where the ratio
    is 0 or inf: no variance is defined there.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.
    """
    n = np.maximum(t.n, 1)
    r, s = t.a * t.d / n, t.b * t.c / n
    p, q = (t.a + t.d) / n, (t.b + t.c) / n
    total_r, total_s = r.sum(axis=0), s.sum(axis=0)
    variance = (
        ratio((p * r).sum(axis=0), 2 * total_r**2)
        + ratio((p * s + q * r).sum(axis=0), 2 * total_r * total_s)
        + ratio((q * s).sum(axis=0), 2 * total_s**2)
    )
    return _where_finite(mh_odds_ratio(t), variance, level)


def mh_prr(t: Table2x2) -> Floats:
    """Mantel-Haenszel risk ratio, Σ (a (c + d) / n) / Σ (c (a + b) / n): the stratified PRR."""
    return ratio(_sum(t, t.a * (t.c + t.d)), _sum(t, t.c * (t.a + t.b)))


def mh_prr_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the Mantel-Haenszel risk ratio (Greenland and Robins 1985).

    V = Σ ((n_a (c + d) n_b − a c n) / n²) / (Σ a (c + d) / n · Σ c n_a / n), its top written as
    a d n_a + b c (c + d), without a difference. nan where the ratio is 0 or inf.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.
    """
    n_a, rest = t.n_a.astype(np.float64), (t.n - t.n_a).astype(np.float64)
    square = np.maximum(t.n, 1).astype(np.float64) ** 2
    top = ((t.a * t.d * n_a + t.b * t.c * rest) / square).sum(axis=0)
    variance = ratio(top, _sum(t, t.a * (t.c + t.d)) * _sum(t, t.c * (t.a + t.b)))
    return _where_finite(mh_prr(t), variance, level)


def simpson(t: Table2x2) -> Bools:
    """Return where the direction of an association flips within the strata (Simpson 1951).

    True where the pooled odds ratio lies above 1 and the Mantel-Haenszel one below, or the
    reverse. Such an association is one between the strata, not within them.

    Examples
    --------
    >>> flips = Table2x2(n_ab=np.array([[81], [192]]), n_a=np.array([[87], [263]]),
    ...                  n_b=np.array([[315], [247]]), n=np.array([[357], [343]]))
    >>> simpson(flips).tolist()  # kidney stones, Charig et al. 1986
    [True]
    """
    crude, within = odds_ratio(pooled(t)), mh_odds_ratio(t)
    return np.asarray(((crude > 1) & (within < 1)) | ((crude < 1) & (within > 1)), bool)


def _sum(t: Table2x2, product: Ints) -> Floats:
    # A stratum without baskets adds 0, not 0 / 0
    return np.asarray((product / np.maximum(t.n, 1)).sum(axis=0), np.float64)


def _where_finite(value: Floats, variance: Floats, level: float) -> Interval:
    # Ratios of 0 and inf have no logarithm, and so no interval
    finite = np.isfinite(value) & (value > 0)
    safe = np.where(finite, value, np.nan)
    return log_interval(safe, np.log(safe), np.where(finite, variance, np.nan), level=level)
