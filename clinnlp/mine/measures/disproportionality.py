"""Disproportionality of drug and event, each a small function of the counts of 2×2 tables.

A is the drug, B the event; a both, b the drug alone, c the event alone, d neither, n all reports,
E = n_a n_b / n. Every function takes a `Table2x2` of any shape and returns arrays of that shape;
0/0 is ``nan``, a true limit ``inf``. From spontaneous reports these are contrasts of *reporting*:
nobody knows how many took the drug. EBGM, whose prior is fitted to all pairs, is in
`clinnlp.mine.measures.gps`; the interval of the relative reporting ratio is that of the lift.

References
----------
Evans, Waller and Davis, Pharmacoepidemiol Drug Saf 2001;10:483 (PRR). van Puijenbroek et al.,
Pharmacoepidemiol Drug Saf 2002;11:3 (ROR and a comparison). Bate et al., Eur J Clin Pharmacol
1998;54:315 (BCPNN). Norén, Hopstadius and Bate, Stat Methods Med Res 2013;22:57 (IC).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_level
from clinnlp.core.counts import Table2x2, ratio
from clinnlp.mine.measures.association import lift, lift_interval, odds_ratio, odds_ratio_interval
from clinnlp.mine.measures.intervals import Interval, log_interval, normal_quantile

__all__ = [
    "bcpnn",
    "bcpnn_interval",
    "chi2_yates",
    "expected",
    "ic",
    "ic025",
    "ic_interval",
    "prr",
    "prr_interval",
    "ror",
    "ror_interval",
    "rrr",
    "rrr_interval",
    "shrunk_log2",
    "shrunk_log2_interval",
]

rrr = lift  # relative reporting ratio a / E, DuMouchel 1999
rrr_interval = lift_interval
ror = odds_ratio  # reporting odds ratio
ror_interval = odds_ratio_interval


def expected(t: Table2x2) -> Floats:
    """Return E = n_a n_b / n, the joint reports expected under independence.

    Examples
    --------
    >>> float(expected(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    1.5
    """
    return ratio(t.n_a * t.n_b, t.n)


def prr(t: Table2x2) -> Floats:
    """Proportional reporting ratio, (a / (a + b)) / (c / (c + d)) (Evans et al. 2001).

    Examples
    --------
    >>> float(prr(Table2x2(n_ab=10, n_a=1000, n_b=210, n=11000)))
    0.5
    """
    return ratio(t.a * (t.c + t.d), t.c * (t.a + t.b))


def prr_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the PRR: exp(log PRR ± z √(1/a − 1/(a + b) + 1/c − 1/(c + d))).

    Where a or c is 0, a half is added to all four cells.

    Parameters
    ----------
    level : float
        Coverage of the two-sided interval, strictly between 0 and 1.

    References
    ----------
    Katz, Baptista, Azen and Pike, Biometrics 1978;34:469.

    Examples
    --------
    >>> low, high = prr_interval(Table2x2(n_ab=10, n_a=1000, n_b=210, n=11000))
    >>> round(float(low), 3), round(float(high), 3)  # pvda, vignette: 0.266 and 0.940
    (0.266, 0.94)
    """
    more = 0.5 * ((t.a == 0) | (t.c == 0))
    a, c = t.a + more, t.c + more  # floats from here on
    # A half to each cell: a margin is the sum of two
    n_a, rest = t.n_a + 2 * more, (t.c + t.d) + 2 * more
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(a) - np.log(n_a) - np.log(c) + np.log(rest)
        variance = (n_a - a) / (a * n_a) + (rest - c) / (c * rest)
    return log_interval(prr(t), middle, variance, level=level)


def chi2_yates(t: Table2x2) -> Floats:
    """Chi-square with Yates' correction, n (|ad − bc| − n/2)₊² / (n_a n_b (n − n_a)(n − n_b)).

    Evans et al. call a signal at PRR ≥ 2, chi-square ≥ 4 and a ≥ 3.

    Examples
    --------
    >>> round(float(chi2_yates(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 6)
    1.269841
    """
    # ad − bc in whole numbers; a product of four margins is too large for an int64
    excess = np.abs(t.n * t.n_ab - t.n_a * t.n_b)
    n, n_a, n_b = (x.astype(np.float64) for x in (t.n, t.n_a, t.n_b))
    gap = np.maximum(excess - n / 2, 0.0)
    return ratio(n * gap**2, n_a * n_b * (n - n_a) * (n - n_b))


def shrunk_log2(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """log2((O + ½) / (E + ½)), a ratio shrunk towards 1 as by half a report (Norén et al. 2013).

    Examples
    --------
    >>> float(shrunk_log2(7, 1.375))
    2.0
    """
    o, e = np.asarray(observed, np.float64), np.asarray(expected, np.float64)
    return np.asarray(np.log2((o + 0.5) / (e + 0.5)), np.float64)


def shrunk_log2_interval(
    observed: ArrayLike, expected: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Quantiles of log2 G, G gamma with shape O + ½ and rate E + ½ (Norén et al. 2013).

    Examples
    --------
    >>> low, high = shrunk_log2_interval(10, 5)
    >>> round(float(low), 4), round(float(high), 2)  # pvda, vignette: -0.0973 and 1.69
    (-0.0973, 1.69)
    """
    check_level(level)
    o, e = np.asarray(observed, np.float64), np.asarray(expected, np.float64)
    tail = 0.5 - level / 2
    low, high = (
        np.asarray(np.log2(_gamma_quantile(o + 0.5, p) / (e + 0.5)), np.float64)
        for p in (tail, 1 - tail)
    )
    return Interval(low, high)


def _gamma_quantile(shape: Floats, p: float) -> Floats:
    """Return the quantile for each shape, each different one looked for once."""
    different, at = np.unique(shape, return_inverse=True)
    found: Floats = special.gammaincinv(different, p)[at].reshape(shape.shape)
    return found


def ic(t: Table2x2) -> Floats:
    """Information component log2((a + ½) / (E + ½)), the variant of Norén et al. 2013.

    Examples
    --------
    >>> round(float(ic(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 6)
    0.807355
    """
    return shrunk_log2(t.a, expected(t))


def ic_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the IC by gamma quantiles; exact for the posterior of Norén et al. 2013."""
    return shrunk_log2_interval(t.a, expected(t), level=level)


def ic025(t: Table2x2) -> Floats:
    """Lower 2.5 % limit of the IC; above 0 is the WHO centre's criterion.

    Examples
    --------
    >>> round(float(ic025(Table2x2(n_ab=10, n_a=50, n_b=100, n=1000))), 4)  # E = 5
    -0.0973
    """
    return ic_interval(t).low


def bcpnn(t: Table2x2) -> Floats:
    """Information component of the first BCPNN (Bate et al. 1998), with its beta priors.

    log2((a + γ11)(n + 2)² / ((n + γ)(n_a + 1)(n_b + 1))), γ11 = 1 and
    γ = γ11 (n + 2)² / ((n_a + 1)(n_b + 1)).

    Examples
    --------
    >>> round(float(bcpnn(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 4)
    0.5482
    """
    gamma, n = _bate_gamma(t), t.n.astype(np.float64)
    inside = (t.a + 1) * (n + 2) ** 2 / ((n + gamma) * (t.n_a + 1) * (t.n_b + 1))
    return np.asarray(np.log2(inside), np.float64)


def bcpnn_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of `bcpnn`: mean ± z standard deviations, the latter by the delta method.

    V = (1/log 2)² ((n − a + γ − 1)/((a + 1)(1 + n + γ)) + (n − n_a + 1)/((n_a + 1)(n + 3))
    + (n − n_b + 1)/((n_b + 1)(n + 3))). Bate et al. report the mean less 2 standard deviations.
    """
    gamma, n = _bate_gamma(t), t.n.astype(np.float64)
    variance = (
        (n - t.a + gamma - 1) / ((t.a + 1) * (1 + n + gamma))
        + (n - t.n_a + 1) / ((t.n_a + 1) * (n + 3))
        + (n - t.n_b + 1) / ((t.n_b + 1) * (n + 3))
    ) / np.log(2) ** 2
    half = normal_quantile(level) * np.sqrt(variance)
    middle = bcpnn(t)
    return Interval(middle - half, middle + half)


def _bate_gamma(t: Table2x2) -> Floats:
    return np.asarray((t.n + 2.0) ** 2 / ((t.n_a + 1.0) * (t.n_b + 1.0)), np.float64)
