"""Disproportionality against an mpmath oracle, against published figures, and where undefined."""

import numpy as np
import pytest
from mpmath import mpf
from scipy import stats

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures import association
from clinnlp.mine.measures import disproportionality as dp
from tests.unit.mine import oracle

VALUES = ("prr", "ror", "rrr", "chi2_yates", "expected", "ic", "bcpnn")
ENDS = ("prr", "ror", "rrr", "bcpnn")
TABLES = [
    (a, b, c, n - a - b - c)
    for n in range(13)
    for a in range(n + 1)
    for b in range(n + 1 - a)
    for c in range(n + 1 - a - b)
]


def table(cells):
    a, b, c, d = np.asarray(cells, np.int64).T
    return Table2x2(n_ab=a, n_a=a + b, n_b=a + c, n=a + b + c + d)


def random_tables(seed, n=60):
    """Cells over seven orders of magnitude, zeros among them."""
    rng = np.random.default_rng(seed)
    cells = (10 ** rng.uniform(0, 7, (n, 4)) * rng.choice([0.001, 1], (n, 1))).astype(np.int64)
    return [tuple(int(x) for x in row) for row in cells]


def close(got, truth, rtol=1e-9):
    np.testing.assert_allclose(got, [float(x) for x in truth], rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("cells", [TABLES, random_tables(0)], ids=["all to 12", "random"])
@pytest.mark.parametrize("name", VALUES)
def test_value_is_the_oracles(name, cells):
    close(getattr(dp, name)(table(cells)), [getattr(oracle, name)(*row) for row in cells])


@pytest.mark.parametrize("cells", [TABLES, random_tables(1)], ids=["all to 12", "random"])
@pytest.mark.parametrize("name", ENDS)
def test_interval_is_the_oracles(name, cells):
    low, high = getattr(dp, f"{name}_interval")(table(cells))
    truth = [getattr(oracle, f"{name}_ends")(*row) for row in cells]
    close(low, [one for one, _ in truth], rtol=1e-7)
    close(high, [two for _, two in truth], rtol=1e-7)


def test_ic_interval_is_the_oracles():
    cells = [*TABLES[::151], *(row for row in random_tables(2, 16) if row[0] < 5000)]
    low, high = dp.ic_interval(table(cells))
    truth = [oracle.ic_ends(*row) for row in cells]
    close(low, [one for one, _ in truth], rtol=1e-7)
    close(high, [two for _, two in truth], rtol=1e-7)
    np.testing.assert_array_equal(dp.ic025(table(cells)), low)


@pytest.mark.parametrize("side", ["greater", "less"])
def test_mid_p_is_its_definition(side):
    got = association.mid_p(table(TABLES), side=side)
    n_ab, n_a, n_b, n = (getattr(table(TABLES), x) for x in ("n_ab", "n_a", "n_b", "n"))
    law = stats.hypergeom(n, n_a, n_b)
    beyond = law.sf(n_ab) if side == "greater" else law.cdf(n_ab - 1)
    truth = beyond + law.pmf(n_ab) / 2
    np.testing.assert_allclose(got[1:], truth[1:], rtol=1e-9, atol=1e-12)  # SciPy: nan for n = 0
    truth = [oracle.mid_p(*row, side=side) for row in TABLES[::23]]
    close(got[::23], truth)


def test_fisher_less_is_scipys():
    got = association.fisher_p(table(TABLES), side="less")
    truth = [stats.fisher_exact([[a, b], [c, d]], "less").pvalue for a, b, c, d in TABLES[::7]]
    np.testing.assert_allclose(got[::7], truth, rtol=1e-10)


def test_an_unknown_side_is_refused():
    with pytest.raises(ArgumentError, match="side"):
        association.fisher_p(table(TABLES[:1]), side="two-sided")
    with pytest.raises(ArgumentError, match="side"):
        association.mid_p(table(TABLES[:1]), side="upper")


def test_published_figures():
    """pvda 0.0.4, vignette "Disproportionality analysis"; openEBGM 0.9.1, vignette 2."""
    prr = dp.prr_interval(table([(10, 990, 200, 9800)]))
    assert [round(float(x[0]), 3) for x in prr] == [0.266, 0.940]
    ror = dp.ror_interval(table([(10, 20, 200, 10000)]))
    assert [round(float(x[0]), 1) for x in ror] == [11.6, 54.1]
    assert float(dp.ror(table([(10, 20, 200, 10000)]))[0]) == 25
    ic = dp.shrunk_log2_interval(10, 5)
    assert [round(float(ic.low), 4), round(float(ic.high), 2)] == [-0.0973, 1.69]
    assert round(float(dp.shrunk_log2(10, 5)), 3) == 0.933
    products = table([(5, 4, 4, 4), (4, 5, 4, 4), (3, 4, 6, 4), (4, 3, 4, 6), (1, 0, 8, 8)])
    assert dp.expected(products).round(7).tolist() == [
        4.7647059, 4.2352941, 3.7058824, 3.2941176, 0.5294118,
    ]  # fmt: skip
    assert dp.rrr(products).round(2).tolist() == [1.05, 0.94, 0.81, 1.21, 1.89]
    assert dp.prr(products).round(2).tolist() == [1.11, 0.89, 0.71, 1.43, 2.00]


def test_yates_is_scipys():
    cells = [row for row in random_tables(3) if min(row) > 0]
    truth = [stats.chi2_contingency([[a, b], [c, d]])[0] for a, b, c, d in cells]
    np.testing.assert_allclose(dp.chi2_yates(table(cells)), truth, rtol=1e-9)


def test_the_oracle_is_no_copy():
    """Its chi-square is a sum over cells and its lift variance a gradient: other routes."""
    assert float(oracle.chi2_yates(3, 2, 3, 12)) == pytest.approx(1.2698412698)
    assert oracle.over(0, 0) != oracle.over(0, 0)
    assert oracle.over(mpf(1), 0) == oracle.INF
