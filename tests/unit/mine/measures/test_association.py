"""Every measure equals its definition, written in fractions, on every 2×2 table up to N = 12."""

from fractions import Fraction
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from scipy import stats

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures import association

TABLES = [
    (n_ab, n_a, n_b, n)
    for n in range(13)
    for n_a in range(n + 1)
    for n_b in range(n + 1)
    for n_ab in range(max(0, n_a + n_b - n), min(n_a, n_b) + 1)
]


def divide(top, bottom):
    """0/0 is nan, x/0 the limit."""
    if bottom == 0:
        return nan if top == 0 else inf
    return top / bottom


def definitions(n_ab, n_a, n_b, n):
    a, b, c, d = n_ab, n_a - n_ab, n_b - n_ab, n - n_a - n_b + n_ab
    out = {
        "odds_ratio": divide(Fraction(a * d), Fraction(b * c)),
        "jaccard": divide(Fraction(a), Fraction(a + b + c)),
        "representativity": nan if n == 0 else 1,
        "confidence": divide(Fraction(a), Fraction(n_a)),
    }
    backwards = divide(Fraction(a), Fraction(n_b))
    either_nan = isnan(out["confidence"]) or isnan(backwards)
    out["kulczynski"] = nan if either_nan else (out["confidence"] + backwards) / 2
    if n == 0:
        names = "support lift leverage conviction zhangs_metric certainty"
        return out | dict.fromkeys(
            [*names.split(), "antecedent_support", "consequent_support"], nan
        )
    pa, pb, pab = Fraction(n_a, n), Fraction(n_b, n), Fraction(n_ab, n)
    excess = pab - pa * pb
    confident = out["confidence"]
    return out | {
        "antecedent_support": pa,
        "consequent_support": pb,
        "support": pab,
        "lift": divide(pab, pa * pb),
        "leverage": excess,
        "conviction": nan if n_a == 0 else inf if confident == 1 else (1 - pb) / (1 - confident),
        "zhangs_metric": divide(excess, max(pab * (1 - pa), pa * (pb - pab))),
        "certainty": nan if n_a == 0 else divide(confident - pb, 1 - pb),
    }


@pytest.fixture(scope="module")
def table():
    n_ab, n_a, n_b, n = np.array(TABLES).T
    return Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)


@pytest.fixture(scope="module")
def truth():
    return [definitions(*counts) for counts in TABLES]


@pytest.mark.parametrize("name", list(definitions(1, 2, 2, 4)))
def test_measure_is_its_definition(name, table, truth):
    got = getattr(association, name)(table)
    expected = np.array([float(row[name]) for row in truth])
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-15)


def test_fisher_p_is_scipys(table):
    got = association.fisher_p(table)
    for p, (n_ab, n_a, n_b, n) in zip(got, TABLES, strict=True):
        cells = [[n_ab, n_a - n_ab], [n_b - n_ab, n - n_a - n_b + n_ab]]
        assert p == pytest.approx(stats.fisher_exact(cells, "greater").pvalue, rel=1e-12)


def test_fisher_p_of_small_tails_keeps_its_digits():
    t = Table2x2(n_ab=60, n_a=100, n_b=1000, n=1_000_000)
    expected = stats.hypergeom.sf(59, 1_000_000, 1000, 100)
    assert expected < 1e-100
    assert float(association.fisher_p(t)) == pytest.approx(expected, rel=1e-7)


def test_odds_ratio_interval_is_woolfs():
    low, high = association.odds_ratio_interval(Table2x2(n_ab=10, n_a=30, n_b=40, n=100), level=0.9)
    # a, b, c, d = 10, 20, 30, 40
    half = stats.norm.ppf(0.95) * sqrt(1 / 10 + 1 / 20 + 1 / 30 + 1 / 40)
    middle = np.log(10 * 40 / (20 * 30))
    assert np.log([float(low), float(high)]) == pytest.approx([middle - half, middle + half])


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((3, 3, 5, 10), 0.4, inf),  # no A without B: the estimate is inf
        ((0, 3, 5, 10), 0.0, 3.0),  # never together: the estimate is 0
        ((0, 0, 5, 10), nan, nan),  # no A at all
    ],
)
def test_odds_ratio_interval_with_an_empty_cell(counts, low, high):
    n_ab, n_a, n_b, n = counts
    t = Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)
    got_low, got_high = (float(x) for x in association.odds_ratio_interval(t))
    value = float(association.odds_ratio(t))
    if isnan(value):
        assert isnan(got_low)
        assert isnan(got_high)
        return
    assert got_low <= value <= got_high
    a, b, c, d = (float(x) + 0.5 for x in (t.a, t.b, t.c, t.d))
    half = stats.norm.ppf(0.975) * sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    haldane = np.log(a * d / (b * c)) + np.array([-half, half])
    assert got_low == (0.0 if value == 0 else pytest.approx(np.exp(haldane[0])))
    assert got_high == (inf if value == inf else pytest.approx(np.exp(haldane[1])))


def test_a_level_outside_zero_and_one_is_refused():
    with pytest.raises(ArgumentError, match="level"):
        association.odds_ratio_interval(Table2x2(n_ab=1, n_a=2, n_b=2, n=4), level=95)
