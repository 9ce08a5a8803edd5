"""The additive null: Norén's formula, agreement with Fisher, and false-positive rates."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import (
    CELLS,
    PairCounts,
    additive_null,
    additive_p,
    noren_expected,
    omega,
    omega025,
)
from clinnlp.mine.measures.association import fisher_p


def counts_of(*cells):
    """One stratum: y11, y10, y01, y00, n11, n10, n01, n00, each a number or an array."""
    made = np.broadcast_arrays(*cells)
    return PairCounts(**{name: np.atleast_2d(cell) for name, cell in zip(CELLS, made, strict=True)})


def test_noren_expected_by_hand():
    # odds: f00 0.2 → 0.25, f10 0.5 → 1, f01 1/3 → 0.5; joint 1 + 0.5 − 0.25 = 1.25
    assert float(noren_expected(0.2, 0.5, 1 / 3)) == pytest.approx(1.25 / 2.25)
    # a drug below the base counts as the base: 0.25 + 1 − 0.25
    assert float(noren_expected(0.2, 0.5, 0.1)) == pytest.approx(0.5)
    assert float(noren_expected(0.0, 0.0, 0.0)) == 0
    assert float(noren_expected(0.1, 1.0, 0.1)) == 1
    assert np.isnan(noren_expected(1.0, 1.0, 0.1))


def test_where_every_report_of_a_single_drug_has_the_outcome_all_of_the_pair_are_expected():
    null = additive_null(counts_of(22, 21, 10, 500, 23, 21, 400, 20500))
    assert null.expected.tolist() == [23.0]
    assert float(omega025(null.n_joint, null.expected)[0]) == pytest.approx(-0.73, abs=0.005)


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 8), min_size=1, max_size=4))
def test_expected_is_that_of_fractions_without_rounding(strata):
    y10, y01, y00, rest10, rest01, rest00, y11, rest11 = np.transpose(strata)
    rest10, rest01 = rest10 * (rest10 % 2), rest01 * (rest01 % 2)  # often all have the outcome
    n10, n01, n00, n11 = y10 + rest10 + 1, y01 + rest01 + 1, y00 + rest00 + 1, y11 + rest11
    y10, y01 = np.where(rest10, y10, n10), np.where(rest01, y01, n01)
    cells = (y11, y10, y01, y00, n11, n10, n01, n00)
    null = additive_null(PairCounts(**{k: v[:, None] for k, v in zip(CELLS, cells, strict=True)}))
    n = int(n11.sum())
    if n == 0:
        assert np.isnan(null.expected[0])
        return
    f00, f10, f01 = (
        sum(Fraction(int(a) * int(b), int(c)) for a, b, c in zip(y, n11, m, strict=True)) / n
        for y, m in ((y00, n00), (y10, n10), (y01, n01))
    )
    g11 = Fraction(1)
    if 1 not in (f10, f01):  # f00 < 1, since one in each stratum has not the outcome
        o00, o10, o01 = (f / (1 - f) for f in (f00, f10, f01))
        joint = max(o00, o10) + max(o00, o01) - o00
        g11 = joint / (joint + 1)
    assert null.expected[0] == pytest.approx(float(n * g11), rel=1e-9)


def test_omega_and_its_lower_limit():
    assert float(omega(3, 0.375)) == pytest.approx(2.0)
    # as in the paper: the gamma quantile solves P(G ≤ x) = 0.025
    low = 2 ** float(omega025(3, 0.375)) * 0.875
    assert stats.gamma.cdf(low, 3.5) == pytest.approx(0.025)


def test_one_guilty_drug_and_rare_outcomes_give_fisher():
    y11, n11, y10, n10 = 7, 60, 20, 900
    p = additive_p(additive_null(counts_of(y11, y10, 0, 0, n11, n10, 10**7, 10**8)))
    table = Table2x2(n_ab=y11, n_a=n11, n_b=y11 + y10, n=n11 + n10)
    assert float(p[0]) == pytest.approx(float(fisher_p(table)), rel=0.03)


def test_equal_strata_are_one():
    one = (9, 20, 10, 100, 50, 400, 400, 10000)
    whole = additive_null(counts_of(*(2 * x for x in one)))
    halves = additive_null(
        PairCounts(**{k: np.array([[v], [v]]) for k, v in zip(CELLS, one, strict=True)})
    )
    assert halves.n_joint == whole.n_joint
    assert halves.expected == pytest.approx(whole.expected)
    assert halves.mean == pytest.approx(whole.mean)
    assert additive_p(halves) == pytest.approx(additive_p(whole), rel=1e-6)


def test_a_stratum_without_comparison_is_left_out():
    one = (9, 20, 10, 100, 50, 400, 400, 10000)
    lonely = (5, 0, 1, 1, 6, 0, 10, 10)  # drug 1 never without drug 2
    both = PairCounts(
        **{k: np.array([[a], [b]]) for k, a, b in zip(CELLS, one, lonely, strict=True)}
    )
    assert additive_p(additive_null(both)) == additive_p(additive_null(counts_of(*one)))
    alone = additive_null(counts_of(*lonely))
    assert additive_p(alone).tolist() == [1.0]
    assert np.isnan(alone.expected).all()


def test_mean_and_variance_are_those_of_the_module_docstring():
    """Standardised by hand, stratum by stratum; drug 2 alone is safer than no drug at all."""
    strata = [
        (5, 8, 0, 30, 40, 100, 50, 600),
        (2, 3, 1, 50, 20, 50, 60, 500),
        (9, 1, 1, 0, 9, 5, 5, 0),
    ]
    null = additive_null(
        PairCounts(**{k: v[:, None] for k, v in zip(CELLS, np.transpose(strata), strict=True)})
    )
    total, spread, top = np.zeros(3), np.zeros(3), np.zeros(3)
    for _, y10, y01, y00, n11, n10, n01, n00 in strata[:2]:  # the third has nobody without a drug
        for k, (y, n) in enumerate(((y00, n00), (y10, n10), (y01, n01))):
            total[k] += n11 / n * y
            spread[k] += (n11 / n) ** 2 * y * (1 - y / n)
            top[k] = max(top[k], n11 / n)
    least = [max(total[0], total[k] + top[k]) for k in (1, 2)]
    assert least[1] == total[0]
    assert (null.n_joint, null.n_pair) == (7, 60)
    assert null.mean == pytest.approx(sum(least) - total[0])
    assert null.variance == pytest.approx(spread.sum() + top[1] ** 2 + top[2] ** 2)


def test_a_certain_outcome_is_no_surprise():
    p = additive_p(additive_null(counts_of(20, 30, 30, 5, 20, 40, 40, 100)))
    assert p.tolist() == [1.0]


@pytest.mark.parametrize(
    ("p00", "ratio_1", "ratio_2", "totals"),
    [
        (0.02, 3, 3, (100, 1000, 1000, 18000)),
        (0.02, 3, 1, (100, 1000, 1000, 18000)),
        (0.02, 1, 1, (100, 1000, 1000, 18000)),
        (0.02, 3, 3, (500, 200, 200, 5000)),  # fewer with one drug than with both
        (0.002, 3, 1, (100, 1000, 1000, 18000)),  # expects less than one
        (0.01, 5, 5, (20, 30, 30, 1000)),
        (0.1, 3, 3, (50, 60, 60, 200)),
        (0.3, 2, 1, (100, 300, 300, 2000)),
        (0.001, 3, 3, (2000, 20000, 20000, 900000)),
    ],
)
def test_false_positive_rate_under_additive_main_effects(p00, ratio_1, ratio_2, totals):
    n_runs = 4000
    rng = np.random.default_rng(11)
    risks = (p00 * (ratio_1 + ratio_2 - 1), p00 * ratio_1, p00 * ratio_2, p00)
    cells = [rng.binomial(n, p, n_runs) for n, p in zip(totals, risks, strict=True)]
    p = additive_p(additive_null(counts_of(*cells, *totals)))
    assert (p < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_power_is_near_that_of_a_known_expectation():
    """Joint risk twice the additive one: at least nine tenths of the power with E known."""
    n_runs, totals, risks = 2000, (100, 1000, 1000, 18000), (0.2, 0.06, 0.06, 0.02)
    rng = np.random.default_rng(12)
    cells = [rng.binomial(n, p, n_runs) for n, p in zip(totals, risks, strict=True)]
    found = (additive_p(additive_null(counts_of(*cells, *totals))) < 0.05).mean()
    known = (stats.binom.sf(cells[0] - 1, 100, 0.1) < 0.05).mean()
    assert found >= 0.9 * known


@pytest.mark.parametrize("at", range(8))
def test_impossible_counts_are_refused(at):
    good = [1, 1, 1, 1, 2, 2, 2, 2]
    good[at] = -1
    with pytest.raises(ArgumentError, match="between 0 and n"):
        counts_of(*good)


def test_other_shapes_are_refused():
    cells = {name: np.ones((1, 3), int) for name in CELLS}
    with pytest.raises(ArgumentError, match="shape"):
        PairCounts(**cells | {"n01": np.ones((1, 2), int)})
