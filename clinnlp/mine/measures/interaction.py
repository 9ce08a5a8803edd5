"""Measures of interaction of two drugs on an outcome, each a small function of the counts.

Of n baskets with both drugs (11), the first alone (10), the second alone (01) and neither (00), y
have the outcome; p = y / n, odds o = y / (n − y). Every function takes `PairCounts` and sums their
strata: these are crude measures. The estimand is named in each: *additive* (does the pair add more
cases than the two drugs apart?), *multiplicative* (is its ratio larger than the product of
theirs?), or the *pair against the stronger drug*. For Ω and a test of additivity see
`clinnlp.mine.measures.additive`. 0/0 is ``nan``, a true limit ``inf``.

References
----------
Rothman, Am J Epidemiol 1974;99:385. VanderWeele and Knol, A tutorial on interaction, Epidemiol
Methods 2014;3:33. Noguchi, Tachi and Teramachi, Review of statistical methodologies for detecting
drug-drug interactions using spontaneous reporting systems, Front Pharmacol 2019;10:1319.
"""

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.counts import Table2x2, ratio
from clinnlp.mine.measures.additive import CELLS, PairCounts, additive_null
from clinnlp.mine.measures.disproportionality import prr
from clinnlp.mine.measures.intervals import (
    Interval,
    half_where_empty,
    log_interval,
    normal_quantile,
)

__all__ = [
    "chi2_gosho",
    "combination_risk_ratio",
    "combination_risk_ratio_interval",
    "interaction_odds_ratio",
    "interaction_odds_ratio_interval",
    "reri",
    "reri_interval",
    "risk_excess",
    "risk_excess_interval",
]


def risk_excess(counts: PairCounts) -> Floats:
    """Additive: p11 − p10 − p01 + p00, cases per basket with both drugs beyond the two apart.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> counts = one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000)
    >>> float(risk_excess(counts)[0].round(4))
    0.115
    """
    p11, p10, p01, p00 = _risks(counts)
    return np.asarray(p11 - p10 - p01 + p00, np.float64)


def risk_excess_interval(counts: PairCounts, *, level: float = 0.95) -> Interval:
    """Interval of `risk_excess`: ± z √Σ p (1 − p) / n over the four groups (Wald).

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.
    """
    half = normal_quantile(level) * np.sqrt(sum(_variances(counts)))
    value = risk_excess(counts)
    return Interval(value - half, value + half)


def reri(counts: PairCounts) -> Floats:
    """Additive: relative excess risk due to interaction, RR11 − RR10 − RR01 + 1 (Rothman 1986).

    RR = p / p00; `risk_excess` in units of the risk without either drug.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> counts = one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000)
    >>> float(reri(counts)[0].round(4))
    11.5
    """
    p11, p10, p01, p00 = _risks(counts)
    return ratio(p11 - p10 - p01 + p00, p00)


def reri_interval(counts: PairCounts, *, level: float = 0.95) -> Interval:
    """Interval of the RERI by the delta method (Hosmer and Lemeshow 1992).

    V = (v11 + v10 + v01) / p00² + (p11 − p10 − p01)² v00 / p00⁴ with v = p (1 − p) / n. nan where
    p00 is 0.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.

    References
    ----------
    Hosmer and Lemeshow, Confidence interval estimation of interaction, Epidemiology 1992;3:452.
    """
    p11, p10, p01, p00 = _risks(counts)
    v11, v10, v01, v00 = _variances(counts)
    base = np.where(p00 > 0, p00, np.nan)
    # RERI is apart + 1: its slope in p00 is -apart / p00, in the others ±1 / p00
    apart = (p11 - p10 - p01) / base
    variance = (v11 + v10 + v01 + apart**2 * v00) / base**2
    half = normal_quantile(level) * np.sqrt(variance)
    value = reri(counts)
    return Interval(value - half, value + half)


def interaction_odds_ratio(counts: PairCounts) -> Floats:
    """Multiplicative: o11 o00 / (o10 o01), exp of the product term of the saturated logistic model.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> counts = one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000)
    >>> float(interaction_odds_ratio(counts)[0].round(4))
    1.0908
    """
    y11, y10, y01, y00, r11, r10, r01, r00 = _yes_no(counts)
    return ratio(y11 * r10 * r01 * y00, r11 * y10 * y01 * r00)


def interaction_odds_ratio_interval(counts: PairCounts, *, level: float = 0.95) -> Interval:
    """Interval of the interaction odds ratio: V the sum of the inverses of its eight cells.

    Where a cell is 0, a half is added to all eight.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.
    """
    cells = half_where_empty(*_yes_no(counts))
    y11, y10, y01, y00, r11, r10, r01, r00 = (np.log(cell) for cell in cells)
    middle = (y11 - r11) - (y10 - r10) - (y01 - r01) + (y00 - r00)
    variance = np.sum([1 / cell for cell in cells], axis=0)
    return log_interval(interaction_odds_ratio(counts), middle, variance, level=level)


def combination_risk_ratio(counts: PairCounts) -> Floats:
    """Pair against the stronger drug: PRR of both drugs over the larger PRR of one.

    The PRR of one drug counts all its reports, those with the other drug too, against all others;
    that of the pair all reports with both against all others. Above 2, with at least 3 joint
    reports and the pair's PRR and chi-square above 2 and 4, is the criterion of its authors.

    References
    ----------
    Susuta and Takahashi, Safety risk evaluation methodology in detecting the medicine concomitant
    use risk which might cause critical drug rash, Jpn J Pharmacoepidemiol 2014;19:39.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> counts = one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000)
    >>> float(combination_risk_ratio(counts)[0].round(4))
    2.0769
    """
    pair, one, two = _tables(counts)
    return ratio(prr(pair), _larger(prr(one), prr(two)))


def combination_risk_ratio_interval(counts: PairCounts, *, level: float = 0.95) -> Interval:
    """Interval of the combination risk ratio by the delta method, the stronger drug as found.

    The reports with both drugs are part of those with either; the gradient over the four groups
    counts them once. Where the log is not finite, a half is added to all eight cells. The choice
    of the stronger drug is taken as given.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.
    """
    value = combination_risk_ratio(counts)
    _, one, two = _tables(counts)
    # From here on "one" is the drug of the larger PRR, the one that the pair is compared with
    second = ~(prr(one) >= prr(two)) & ~np.isnan(prr(two))
    y11, y10, y01, y00, r11, r10, r01, r00 = _yes_no(counts)
    y_one, y_two = np.where(second, y01, y10), np.where(second, y10, y01)
    r_one, r_two = np.where(second, r01, r10), np.where(second, r10, r01)
    empty = 0.5 * ~((y11 > 0) & (y_one + y_two + y00 > 0) & (y_two + y00 > 0))
    cells = (y11, y_one, y_two, y00, r11, r_one, r_two, r00)
    a, b, c, d, ra, rb, rc, rd = (x + empty for x in cells)
    n_a, n_b, n_c, n_d = a + ra, b + rb, c + rc, d + rd
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (
            np.log(a / n_a * (n_b + n_c + n_d) / (b + c + d))
            - np.log((a + b) / (n_a + n_b) * (n_c + n_d) / (c + d))
        )  # fmt: skip
        # The two PRRs share cells, so each cell's slope in their difference is taken whole
        by_b = -1 / (b + c + d) - 1 / (a + b)
        by_rest = -1 / (b + c + d) + 1 / (c + d)
        variance = (
            (1 / a - 1 / (a + b)) ** 2 * a * ra / n_a
            + by_b**2 * _spread(b, n_b)
            + by_rest**2 * (_spread(c, n_c) + _spread(d, n_d))
        )
    return log_interval(value, middle, variance, level=level)


def chi2_gosho(counts: PairCounts) -> Floats:
    """Additive: χ = (y11 − E − ½) / √E, E as for Ω (Gosho et al. 2017); above 2 is a signal.

    nan where E is nan (`clinnlp.mine.measures.additive.noren_expected`). Where E is 0, χ is its
    limit, inf with a joint report and −inf without.

    A statistic, with no interval of its own; `clinnlp.mine.measures.additive.additive_p` is the
    test that also counts the error of E.

    References
    ----------
    Gosho, Maruo, Tada and Hirakawa, Utilization of chi-square statistics for screening adverse
    drug-drug interactions in spontaneous reporting systems, Eur J Clin Pharmacol 2017;73:779.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> counts = one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000)
    >>> float(chi2_gosho(counts)[0].round(4))
    3.9128
    """
    crude = _crude(counts)
    null = additive_null(crude)
    return ratio(crude.y11[0] - null.expected - 0.5, np.sqrt(null.expected))


def _crude(counts: PairCounts) -> PairCounts:
    return PairCounts(**{name: getattr(counts, name).sum(axis=0)[None] for name in CELLS})


def _risks(counts: PairCounts) -> list[Floats]:
    c = _crude(counts)
    pairs = ((c.y11, c.n11), (c.y10, c.n10), (c.y01, c.n01), (c.y00, c.n00))
    return [ratio(y[0], n[0]) for y, n in pairs]


def _variances(counts: PairCounts) -> list[Floats]:
    c = _crude(counts)
    totals = (c.n11[0], c.n10[0], c.n01[0], c.n00[0])
    return [ratio(p * (1 - p), n) for p, n in zip(_risks(counts), totals, strict=True)]


def _yes_no(counts: PairCounts) -> list[Floats]:
    """Return the eight cells: with the outcome, then without, in the order 11, 10, 01, 00."""
    c = _crude(counts)
    yes = [c.y11[0], c.y10[0], c.y01[0], c.y00[0]]
    totals = [c.n11[0], c.n10[0], c.n01[0], c.n00[0]]
    return [
        x.astype(np.float64) for x in (*yes, *(n - y for n, y in zip(totals, yes, strict=True)))
    ]


def _tables(counts: PairCounts) -> tuple[Table2x2, Table2x2, Table2x2]:
    """Return the 2×2 tables of the outcome with the pair, with drug 1 and with drug 2."""
    c = _crude(counts)
    y11, y10, y01, y00 = c.y11[0], c.y10[0], c.y01[0], c.y00[0]
    n11, n10, n01, n00 = c.n11[0], c.n10[0], c.n01[0], c.n00[0]
    n_b, n = y11 + y10 + y01 + y00, n11 + n10 + n01 + n00
    return (
        Table2x2(n_ab=y11, n_a=n11, n_b=n_b, n=n),
        Table2x2(n_ab=y11 + y10, n_a=n11 + n10, n_b=n_b, n=n),
        Table2x2(n_ab=y11 + y01, n_a=n11 + n01, n_b=n_b, n=n),
    )


def _larger(one: Floats, two: Floats) -> Floats:
    """Return the larger of two, the one that is defined where the other is not."""
    return np.asarray(np.fmax(one, two), np.float64)


def _spread(y: Floats, n: Floats) -> Floats:
    """Binomial variance n p (1 − p); 0 where there are none."""
    return np.where(n > 0, y * (n - y) / np.where(n > 0, n, 1), 0.0)
