"""Measures of association, each a small function of the counts of 2×2 tables.

For a rule A → B over n baskets, P(A) = n_a / n, P(B) = n_b / n and P(A, B) = n_ab / n. Every
function takes a `Table2x2` of any shape and returns an array of that shape. Numerators and
denominators are whole numbers (int64, exact for every n that a table may hold), so that 0/0 is
exactly ``nan`` and a true limit exactly ``inf``.

mlxtend 0.25 gives 0 for 0/0 in two places: `zhangs_metric` where A is in all baskets, and
`certainty` where B is.

References
----------
Tan, Kumar and Srivastava, Selecting the right objective measure, Inf Syst 2004;29:293.
Hahsler, A probabilistic comparison of commonly used interest measures for association rules.
"""

import numpy as np

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_one_of
from clinnlp.core.counts import Table2x2, ratio
from clinnlp.mine.measures.intervals import Interval, half_where_empty, log_interval
from clinnlp.mine.measures.tails import hypergeometric_sf

__all__ = [
    "SIDES",
    "Interval",
    "antecedent_support",
    "certainty",
    "confidence",
    "consequent_support",
    "conviction",
    "fisher_and_mid_p",
    "fisher_p",
    "jaccard",
    "kulczynski",
    "leverage",
    "lift",
    "lift_interval",
    "mid_p",
    "odds_ratio",
    "odds_ratio_interval",
    "representativity",
    "support",
    "zhangs_metric",
]


SIDES = ("greater", "less")


def antecedent_support(t: Table2x2) -> Floats:
    """P(A) = n_a / n."""
    return ratio(t.n_a, t.n)


def consequent_support(t: Table2x2) -> Floats:
    """P(B) = n_b / n."""
    return ratio(t.n_b, t.n)


def support(t: Table2x2) -> Floats:
    """P(A, B) = n_ab / n (Agrawal, Imieliński and Swami 1993).

    Examples
    --------
    >>> float(support(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.15
    """
    return ratio(t.n_ab, t.n)


def confidence(t: Table2x2) -> Floats:
    """P(B | A) = n_ab / n_a (Agrawal, Imieliński and Swami 1993).

    Examples
    --------
    >>> float(confidence(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.6
    """
    return ratio(t.n_ab, t.n_a)


def lift(t: Table2x2) -> Floats:
    """P(A, B) / (P(A) P(B)) = n n_ab / (n_a n_b) (Brin, Motwani, Ullman and Tsur 1997).

    Examples
    --------
    >>> float(lift(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    2.0
    """
    return ratio(t.n * t.n_ab, t.n_a * t.n_b)


def lift_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the lift: exp(log lift ± z √V), by the delta method for multinomial counts.

    V = 1/n_ab − 1/n_a − 1/n_b + (2 lift − 1)/n. Where n_ab is 0, V is that of a table with a half
    added to each of its four cells (Haldane 1956), and the lower limit is 0.

    Parameters
    ----------
    level : float
        Coverage of the two-sided interval, strictly between 0 and 1.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.

    Examples
    --------
    >>> low, high = lift_interval(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))
    >>> round(float(low), 3), round(float(high), 3)
    (1.024, 3.906)
    """
    more = 0.5 * (t.n_ab == 0)
    # A half to each cell: a margin is the sum of two cells, n of four
    both, n_a, n_b, n = t.n_ab + more, t.n_a + 2 * more, t.n_b + 2 * more, t.n + 4 * more
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(both) + np.log(n) - np.log(n_a) - np.log(n_b)
        variance = 1 / both - 1 / n_a - 1 / n_b + (2 * np.exp(middle) - 1) / n
    return log_interval(lift(t), middle, np.maximum(variance, 0.0), level=level)


def leverage(t: Table2x2) -> Floats:
    """P(A, B) − P(A) P(B) (Piatetsky-Shapiro 1991).

    Examples
    --------
    >>> float(leverage(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.075
    """
    return ratio(_excess(t), t.n * t.n)


def conviction(t: Table2x2) -> Floats:
    """P(A) P(not B) / P(A, not B) (Brin, Motwani, Ullman and Tsur 1997).

    A rule without exception has conviction inf by definition, also where B is in all baskets.

    Examples
    --------
    >>> float(conviction(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    1.75
    """
    defined = ratio(t.n_a * (t.n - t.n_b), t.n * t.b)
    return np.where((t.n_a > 0) & (t.b == 0), np.inf, defined)


def zhangs_metric(t: Table2x2) -> Floats:
    """Leverage over its largest value in that direction, in [−1, 1] (Zhang 2000).

    (P(A, B) − P(A) P(B)) / max(P(A, B) (1 − P(A)), P(A) (P(B) − P(A, B))).

    Examples
    --------
    >>> float(zhangs_metric(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.6666666666666666
    """
    return ratio(_excess(t), np.maximum(t.n_ab * (t.n - t.n_a), t.n_a * t.c))


def jaccard(t: Table2x2) -> Floats:
    """P(A, B) / P(A or B) = n_ab / (n_a + n_b − n_ab).

    Examples
    --------
    >>> float(jaccard(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.375
    """
    return ratio(t.n_ab, t.n_a + t.n_b - t.n_ab)


def certainty(t: Table2x2) -> Floats:
    """(P(B | A) − P(B)) / (1 − P(B)), the certainty factor where A favours B (Shortliffe 1975).

    Examples
    --------
    >>> round(float(certainty(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 6)
    0.428571
    """
    return ratio(_excess(t), t.n_a * (t.n - t.n_b))


def kulczynski(t: Table2x2) -> Floats:
    """Mean of P(B | A) and P(A | B) (Kulczyński 1927).

    Examples
    --------
    >>> float(kulczynski(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    0.55
    """
    return (ratio(t.n_ab, t.n_a) + ratio(t.n_ab, t.n_b)) / 2


def representativity(t: Table2x2) -> Floats:
    """Share of baskets in which neither A nor B is missing; 1, as baskets know no missing item.

    nan where there are no baskets.
    """
    return ratio(t.n, t.n)


def odds_ratio(t: Table2x2) -> Floats:
    """Sample odds ratio a d / (b c).

    Examples
    --------
    >>> float(odds_ratio(Table2x2(n_ab=3, n_a=5, n_b=6, n=20)))
    6.0
    """
    return ratio(t.a * t.d, t.b * t.c)


def odds_ratio_interval(t: Table2x2, *, level: float = 0.95) -> Interval:
    """Interval of the odds ratio: exp(log OR ± z √(1/a + 1/b + 1/c + 1/d)) (Woolf 1955).

    Where a cell is 0, a half is added to all four (Haldane 1956); the limit on the side of an
    estimate of 0 or inf is then 0 or inf itself. nan where the odds ratio is nan.

    Parameters
    ----------
    level : float
        Coverage of the two-sided interval, strictly between 0 and 1.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.

    Examples
    --------
    >>> low, high = odds_ratio_interval(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))
    >>> round(float(low), 3), round(float(high), 2)
    (0.671, 53.68)
    """
    a, b, c, d = half_where_empty(t.a, t.b, t.c, t.d)
    middle = np.log(a) + np.log(d) - np.log(b) - np.log(c)
    return log_interval(odds_ratio(t), middle, 1 / a + 1 / b + 1 / c + 1 / d, level=level)


def fisher_p(t: Table2x2, *, side: str = "greater") -> Floats:
    """One-sided p of Fisher's exact test.

    With X hypergeometric given the table's margins, ``"greater"`` is P(X ≥ n_ab), against more
    joint baskets than under independence (an odds ratio above 1), ``"less"`` is P(X ≤ n_ab).

    Parameters
    ----------
    side : {"greater", "less"}

    References
    ----------
    Fisher, The Design of Experiments, 1935.

    Examples
    --------
    >>> round(float(fisher_p(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 6)
    0.131321
    """
    check_one_of(side, SIDES, name="side")
    return _upper(t, 0) if side == "greater" else _upper(_without(t), 0)


def mid_p(t: Table2x2, *, side: str = "greater") -> Floats:
    """One-sided mid-p: Fisher's p less half the chance of the table itself.

    P(X > n_ab) + ½ P(X = n_ab) for ``"greater"``, P(X < n_ab) + ½ P(X = n_ab) for ``"less"``. Less
    cautious than Fisher's p: on average right, in a single table it may exceed its level a little.

    Parameters
    ----------
    side : {"greater", "less"}

    References
    ----------
    Lancaster, Significance tests in discrete distributions, J Am Stat Assoc 1961;56:223.

    Examples
    --------
    >>> round(float(mid_p(Table2x2(n_ab=3, n_a=5, n_b=6, n=20))), 6)
    0.072626
    """
    check_one_of(side, SIDES, name="side")
    table = t if side == "greater" else _without(t)
    # The mean of P(X >= x) and P(X > x) leaves half of P(X = x)
    return (_upper(table, 0) + _upper(table, 1)) / 2


def fisher_and_mid_p(t: Table2x2) -> tuple[Floats, Floats]:
    """Return `fisher_p` and `mid_p`, both ``"greater"``, for the work of two tails."""
    p = fisher_p(t)
    return p, (p + _upper(t, 1)) / 2


def _upper(t: Table2x2, beyond: int) -> Floats:
    """P(X ≥ n_ab + beyond)."""
    return hypergeometric_sf(t.n_ab + beyond, t.n, t.n_a, t.n_b)


def _without(t: Table2x2) -> Table2x2:
    """Return the tables of A and not-B, whose upper tail is the lower one of A and B."""
    return Table2x2(n_ab=t.b, n_a=t.n_a, n_b=t.n - t.n_b, n=t.n)


def _excess(t: Table2x2) -> Counts:
    """n² times the leverage, a whole number."""
    excess: Counts = t.n * t.n_ab - t.n_a * t.n_b
    return excess
