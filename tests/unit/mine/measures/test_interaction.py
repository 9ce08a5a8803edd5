"""Interaction measures against an mpmath oracle whose variances are numerical gradients."""

from itertools import product

import numpy as np
import pytest
from mpmath import mp

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures import interaction
from clinnlp.mine.measures.additive import additive_null, omega, omega_interval, one_stratum
from tests.unit.mine import oracle

VALUES = ("risk_excess", "reri", "interaction_odds_ratio", "combination_risk_ratio", "chi2_gosho")
ENDS = ("risk_excess", "reri", "interaction_odds_ratio")


def small():
    """Every two drugs and outcome table with at most two baskets per group."""
    cells = [(y, n) for n in range(3) for y in range(n + 1)]
    return [
        (tuple(y for y, _ in groups), tuple(n for _, n in groups))
        for groups in product(cells, repeat=4)
    ]


def random_pairs(seed, n=60):
    rng = np.random.default_rng(seed)
    totals = (10 ** rng.uniform([0, 1, 1, 2], [3, 4, 4, 6], (n, 4))).astype(int) + 1
    y = rng.binomial(totals, 10 ** rng.uniform(-3, -0.2, (n, 1)))
    return [(tuple(a), tuple(b)) for a, b in zip(y.tolist(), totals.tolist(), strict=True)]


def counts(pairs):
    y, n = (np.array(side).T for side in zip(*pairs, strict=True))
    return one_stratum(*y, *n)


def close(got, truth, rtol=1e-9):
    np.testing.assert_allclose(got, [float(x) for x in truth], rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("pairs", [small(), random_pairs(0)], ids=["small", "random"])
@pytest.mark.parametrize("name", VALUES)
def test_value_is_the_oracles(name, pairs):
    got = getattr(interaction, name)(counts(pairs))
    close(got, [getattr(oracle, name)(y, n) for y, n in pairs])


@pytest.mark.parametrize("pairs", [small()[::3], random_pairs(1)], ids=["small", "random"])
@pytest.mark.parametrize("name", ENDS)
def test_interval_is_the_oracles(name, pairs):
    low, high = getattr(interaction, f"{name}_interval")(counts(pairs))
    truth = [getattr(oracle, f"{name}_ends")(y, n) for y, n in pairs]
    close(low, [one for one, _ in truth], rtol=1e-8)
    close(high, [two for _, two in truth], rtol=1e-8)


def test_interval_of_the_combination_risk_ratio():
    pairs = [(y, n) for y, n in random_pairs(2) if min(y) > 0]
    low, high = interaction.combination_risk_ratio_interval(counts(pairs))
    truth = [oracle.combination_risk_ratio_ends(y, n) for y, n in pairs]
    close(low, [one for one, _ in truth], rtol=1e-8)
    close(high, [two for _, two in truth], rtol=1e-8)


def test_interval_of_the_combination_risk_ratio_at_the_ends():
    pairs = small()
    value = interaction.combination_risk_ratio(counts(pairs))
    low, high = interaction.combination_risk_ratio_interval(counts(pairs))
    np.testing.assert_array_equal(np.isnan(low), np.isnan(value))
    np.testing.assert_array_equal(np.isnan(high), np.isnan(value))
    assert (low[value == 0] == 0).all()
    assert (high[value == np.inf] == np.inf).all()
    assert np.isfinite(low[~np.isnan(value)]).all()


def test_omega_is_the_oracles():
    pairs = [*small()[::61], *random_pairs(3, 8)]
    null = additive_null(counts(pairs))
    close(null.expected, [oracle.noren_joint(y, n) for y, n in pairs])
    y11 = np.array([y[0] for y, _ in pairs])
    close(omega(y11, null.expected), [oracle.omega(y, n) for y, n in pairs])
    low, high = omega_interval(y11, null.expected)
    truth = [oracle.omega_ends(y, n) for y, n in pairs]
    close(low, [one for one, _ in truth], rtol=1e-7)
    close(high, [two for _, two in truth], rtol=1e-7)


def test_strata_are_summed():
    one = counts(random_pairs(4))
    halves = type(one)(**{k: np.concatenate([getattr(one, k)] * 2) for k in one.__slots__})
    doubled = type(one)(**{k: 2 * getattr(one, k) for k in one.__slots__})
    for name in VALUES:
        measure = getattr(interaction, name)
        np.testing.assert_allclose(measure(halves), measure(doubled))


def test_swapping_the_drugs_changes_nothing():
    pairs = random_pairs(5)
    swapped = [((y[0], y[2], y[1], y[3]), (n[0], n[2], n[1], n[3])) for y, n in pairs]
    for name in VALUES:
        measure = getattr(interaction, name)
        np.testing.assert_allclose(measure(counts(pairs)), measure(counts(swapped)))
    ends = interaction.combination_risk_ratio_interval
    np.testing.assert_allclose(ends(counts(pairs)).low, ends(counts(swapped)).low)


def test_a_level_outside_zero_and_one_is_refused():
    for name in (*ENDS, "combination_risk_ratio"):
        with pytest.raises(ArgumentError, match="level"):
            getattr(interaction, f"{name}_interval")(counts(random_pairs(6, 3)), level=95)


def test_published_figures():
    """Rothman, Epidemiology: An Introduction, and Hosmer and Lemeshow 1992, oral cancer.

    Smoking and alcohol: 225 cases and 166 controls with both, 8 and 18 alcohol alone, 6 and 12
    smoking alone, 3 and 20 neither. The odds ratios they print: 9.04, 3.33, 2.96.
    """
    cells = one_stratum(225, 8, 6, 3, 391, 26, 18, 23)
    odds = [float(oracle.over(a, b)) for a, b in ((225, 166), (8, 18), (6, 12), (3, 20))]
    assert [round(x / odds[3], 2) for x in odds[:3]] == [9.04, 2.96, 3.33]
    both = float(interaction.interaction_odds_ratio(cells)[0])
    assert both == pytest.approx(9.036 / (2.963 * 3.333), rel=1e-3)
    assert mp.isnan(oracle.reri((0, 0, 0, 0), (0, 1, 1, 1)))
