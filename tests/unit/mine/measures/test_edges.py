"""Every measure on edge tables, up to 3·10⁹ reports, against fractions and mpmath."""

import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

from clinnlp.core.counts import Table2x2
from clinnlp.mine.measures import association, interaction, stratified
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures.additive import additive_null, omega, one_stratum
from tests.unit.mine import oracle

MOST = 3_000_000_000
NAN, INF = math.nan, math.inf


def edge_tables():
    """a, n_a, n_b, n: margins and joint counts at zero, one, all, and where independent."""
    tables = []
    for n in (1, 7, 1000, MOST):
        margins = sorted({x for x in (0, 1, 2, n // 3, n // 2, n - 2, n - 1, n) if x >= 0})
        for n_a in margins:
            for n_b in margins:
                low, high, even = max(0, n_a + n_b - n), min(n_a, n_b), n_a * n_b // n
                some = {low, low + 1, high - 1, high, even - 1, even, even + 1}
                tables += [(a, n_a, n_b, n) for a in sorted(some) if low <= a <= high]
    return tables


TABLES = edge_tables()
CELLS = [(a, n_a - a, n_b - a, n - n_a - n_b + a) for a, n_a, n_b, n in TABLES]


def table():
    a, n_a, n_b, n = np.array(TABLES).T
    return Table2x2(n_ab=a, n_a=n_a, n_b=n_b, n=n)


def close(got, truth, *, atol=0.0):
    np.testing.assert_allclose(got, [float(x) for x in truth], rtol=1e-6, atol=atol)


@pytest.mark.parametrize("name", ["prr", "ror", "rrr", "ic", "bcpnn", "chi2_yates", "expected"])
def test_disproportionality(name):
    close(getattr(dp, name)(table()), [getattr(oracle, name)(*x) for x in CELLS], atol=1e-15)


@pytest.mark.parametrize("name", ["prr", "ror", "rrr", "bcpnn"])
def test_intervals_of_disproportionality(name):
    truth = [getattr(oracle, f"{name}_ends")(*x) for x in CELLS]
    for k, got in enumerate(getattr(dp, f"{name}_interval")(table())):
        close(got, [ends[k] for ends in truth], atol=1e-15)


def test_the_interval_of_the_ic_holds_its_chance():
    low, high = dp.ic_interval(table())
    for at in range(0, len(TABLES), 3):
        a, n_a, n_b, n = TABLES[at]
        e = mpf(n_a) * n_b / n
        for limit, p in ((low[at], 0.025), (high[at], 0.975)):
            shape, x = a + mpf(1) / 2, mpf(2) ** mpf(float(limit)) * (e + mpf(1) / 2)
            if a < 2000:
                assert float(mp.gammainc(shape, 0, x, regularized=True)) == pytest.approx(p, 1e-6)
            else:  # Wilson and Hilferty's cube, whose error falls as 1 / shape
                z = 3 * mp.sqrt(shape) * (mp.cbrt(x / shape) - 1 + 1 / (9 * shape))
                assert float(mp.ncdf(z)) == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("name", ["mh_odds_ratio", "mh_prr"])
def test_strata(name):
    """Each edge table beside a turned one, where the sums stay within what a table may hold."""
    pairs = [
        (one, two)
        for one, two in zip(CELLS, (cells[::-1] for cells in CELLS), strict=True)
        if sum(one) < MOST
    ]
    pairs += [(one, (7, 2, 3, 9)) for one in CELLS if sum(one) == MOST]
    a, b, c, d = np.array(pairs).transpose(2, 1, 0)
    t = Table2x2(n_ab=a, n_a=a + b, n_b=a + c, n=a + b + c + d)
    close(getattr(stratified, name)(t), [getattr(oracle, name)(x) for x in pairs])
    truth = [getattr(oracle, f"{name}_ends")(x) for x in pairs]
    for k, got in enumerate(getattr(stratified, f"{name}_interval")(t)):
        close(got, [ends[k] for ends in truth])


def fraction(top, bottom):
    if bottom == 0:
        return NAN if top == 0 else math.copysign(INF, top)
    return Fraction(top, bottom)


def associations(a, n_a, n_b, n):
    excess = n * a - n_a * n_b
    half = Fraction(1, 2)
    both = [fraction(a, n_a), fraction(a, n_b)]
    return {
        "antecedent_support": fraction(n_a, n),
        "consequent_support": fraction(n_b, n),
        "support": fraction(a, n),
        "confidence": fraction(a, n_a),
        "lift": fraction(n * a, n_a * n_b),
        "leverage": fraction(excess, n * n),
        "conviction": INF if n_a and a == n_a else fraction(n_a * (n - n_b), n * (n_a - a)),
        "zhangs_metric": fraction(excess, max(a * (n - n_a), n_a * (n_b - a))),
        "jaccard": fraction(a, n_a + n_b - a),
        "certainty": fraction(excess, n_a * (n - n_b)),
        "kulczynski": NAN if NAN in both else half * sum(both),
        "representativity": fraction(n, n),
        "odds_ratio": fraction(a * (n - n_a - n_b + a), (n_a - a) * (n_b - a)),
    }


TRUTHS = [associations(*row) for row in TABLES]


@pytest.mark.parametrize("name", sorted(TRUTHS[0]))
def test_association(name):
    close(getattr(association, name)(table()), [truth[name] for truth in TRUTHS])


def tail(a, n_a, n_b, n):
    """P(X ≥ a) for X hypergeometric, summed away from the mode."""
    low, high = max(0, n_a + n_b - n), min(n_a, n_b)
    if a <= low:
        return mpf(1)
    up = a > (n_a + 1) * (n_b + 1) // (n + 2)
    k = a if up else a - 1
    total = term = mp.exp(log_choose(n_a, k) + log_choose(n - n_a, n_b - k) - log_choose(n, n_b))
    while (k < high if up else k > low) and term > total * mpf(10) ** -20:
        step = mpf((n_a - k) * (n_b - k)) / ((k + 1) * (n - n_a - n_b + k + 1))
        if not up:
            step = mpf(k * (n - n_a - n_b + k)) / ((n_a - k + 1) * (n_b - k + 1))
        term, k = term * step, k + 1 if up else k - 1
        total += term
    return total if up else 1 - total


def log_choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


LARGE = [
    (5, 1000, 2_000_000, MOST),
    (1, 1, 1, MOST),
    (3, 5000, 10**6, MOST),
    (40, 10**5, 10**6, MOST),
    (400, 10**5, 10**7, MOST),
    (20, 10**9, 20, MOST),
    (5, MOST, 5, MOST),
    (MOST - 3, MOST - 2, MOST - 2, MOST),
    (12, 10**5, 10**5, 10**9),
    (100, 10**5, 10**5, 10**8),
    (60, 10**4, 10**4, 2 * 10**6),
]


@pytest.mark.parametrize("side", association.SIDES)
def test_fisher_and_mid_p_among_thousands_of_millions(side):
    few = [row for row in TABLES if min(row[1], row[2], row[3] - row[1], row[3] - row[2]) <= 1000]
    rows = [*few, *LARGE]
    a, n_a, n_b, n = np.array(rows).T
    t = Table2x2(n_ab=a, n_a=n_a, n_b=n_b, n=n)
    turned = rows if side == "greater" else [(p - x, p, m - q, m) for x, p, q, m in rows]
    at_least = [tail(*row) for row in turned]
    close(association.fisher_p(t, side=side), at_least)
    beyond = [tail(x + 1, *rest) if x < min(rest[:2]) else mpf(0) for x, *rest in turned]
    half = [(one + two) / 2 for one, two in zip(at_least, beyond, strict=True)]
    close(association.mid_p(t, side=side), half)


# ---- two drugs


def drawn_group(rng):
    """Return y and n: none, all, all but some, one, half, any."""
    n = int(10 ** rng.uniform(0, 9.4)) if rng.random() < 0.5 else int(rng.integers(1, 60))
    some = (0, n, n - 1, 1, n // 2, int(rng.integers(0, n + 1)), max(n - 3, 0))
    return some[int(rng.integers(0, len(some)))], n


def edge_pairs(n_rows):
    rng, rows = np.random.default_rng(0), []
    for k in range(n_rows):
        groups = [drawn_group(rng) for _ in range(4)]  # 11, 10, 01, 00
        if k % 5 == 0:
            groups[1] = groups[2]
        if k % 7 == 0:
            groups[3] = groups[1]
        if k % 11 == 0:  # one fraction, of other counts
            groups[3] = (3 * groups[1][0], 3 * groups[1][1])
        if k % 97 == 0:
            groups[k % 4] = (0, 0)
        rows.append(groups)
    return rows


def exact_expected(groups):
    """E of Norén et al. in fractions; None where the docstring says nan."""
    (_, n11), *rest = groups
    if any(n == 0 for _, n in groups) or rest[2][0] == rest[2][1]:
        return None
    if any(y == n for y, n in rest):
        return Fraction(n11)
    o10, o01, o00 = (Fraction(y, n - y) for y, n in rest)
    joint = max(o00, o10) + max(o00, o01) - o00
    return n11 * joint / (1 + joint)


def exact_chi(y11, e):
    above = y11 - e - Fraction(1, 2)
    return float(above) / math.sqrt(e) if e else math.copysign(INF, above)


def test_omega_and_chi_are_those_of_fractions_at_every_edge():
    rows = edge_pairs(10_000)
    y, n = np.array(rows).transpose(2, 1, 0)
    counts = one_stratum(*y, *n)
    truth = [exact_expected(groups) for groups in rows]
    found = additive_null(counts).expected
    np.testing.assert_array_equal(np.isnan(found), [e is None for e in truth])
    close(found, [NAN if e is None else e for e in truth])
    y11 = y[0]
    close(
        omega(y11, found),
        [
            NAN if e is None else math.log2(x + Fraction(1, 2)) - math.log2(e + Fraction(1, 2))
            for x, e in zip(y11.tolist(), truth, strict=True)
        ],
        atol=1e-9,
    )
    close(
        interaction.chi2_gosho(counts),
        [NAN if e is None else exact_chi(x, e) for x, e in zip(y11.tolist(), truth, strict=True)],
        atol=1e-6,
    )


def fewer_than_most(n_rows):
    """Edge pairs that one 2×2 table may hold, as counts y and n of the four groups."""
    rows = [tuple(zip(*groups, strict=True)) for groups in edge_pairs(10 * n_rows)]
    return [row for row in rows if sum(row[1]) <= MOST][:n_rows]


@pytest.mark.parametrize(
    "name", ["risk_excess", "reri", "interaction_odds_ratio", "combination_risk_ratio"]
)
def test_interaction(name):
    rows = fewer_than_most(300)
    y, n = np.array(rows).transpose(1, 2, 0)
    counts = one_stratum(*y, *n)
    truth = [getattr(oracle, name)(*row) for row in rows]
    close(getattr(interaction, name)(counts), truth, atol=1e-15)
    if name == "combination_risk_ratio":  # its oracle knows no limits
        kept = [k for k, row in enumerate(rows) if min(row[0]) > 0]
    else:
        kept = range(len(rows))
    ends = [getattr(oracle, f"{name}_ends")(*rows[k]) for k in kept]
    for k, got in enumerate(getattr(interaction, f"{name}_interval")(counts)):
        close(got[list(kept)], [one[k] for one in ends], atol=1e-15)


def test_strata_in_which_all_have_the_outcome_are_decided_by_counts():
    """Σ w f / Σ w rounds below 1 in some of these sums though every basket has the outcome."""
    rng = np.random.default_rng(1)
    n = rng.integers(1, 10**6, (4, 3, 500))
    y = n.copy()
    y[3] = rng.integers(0, n[3])  # neither drug: not all
    sums = dict(
        zip(("y11", "y10", "y01", "y00", "n11", "n10", "n01", "n00"), [*y, *n], strict=True)
    )
    null = additive_null(type(one_stratum(*[1] * 8))(**sums))
    np.testing.assert_array_equal(null.expected, n[0].sum(axis=0))
    sums["y00"] = n[3]
    null = additive_null(type(one_stratum(*[1] * 8))(**sums))
    assert np.isnan(null.expected).all()
