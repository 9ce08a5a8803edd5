"""The prior of EBGM: its likelihood, what it claims of planted pairs, and openEBGM's figures."""

import csv
import lzma
from functools import reduce
from operator import add

import numpy as np
import pytest
from mpmath import mp, mpf

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.gps import eb_quantile, ebgm
from clinnlp.mine.measures.prior import PRIORS, fit_gamma_mixture
from clinnlp.study.settings import MineSettings
from tests.unit.mine import oracle
from tests.unit.mine.planted_pairs import EVEN, drawn, outlier, told

PARAMETERS = ("alpha1", "beta1", "alpha2", "beta2", "weight")


@pytest.mark.parametrize("n_pairs", [5, 20, 100, 200])
def test_one_outlier_among_few_pairs_is_not_certain(n_pairs):
    assert max(outlier([7, n_pairs, k], n_pairs) for k in range(3)) <= 5


@pytest.mark.parametrize("n_pairs", [5, 20, 200])
def test_nor_is_one_among_pairs_that_never_meet(n_pairs):
    n, e = np.zeros(n_pairs, int), np.full(n_pairs, 0.5)
    n[0] = 8
    assert float(eb_quantile(n[:1], e[:1], fit_gamma_mixture(n, e), 0.05)[0]) <= 5


def test_a_handful_of_reports_is_shrunk():
    rng = np.random.default_rng(5)
    e = 10 ** rng.uniform(-1, 1, 200)
    n = rng.poisson(e)
    n[0], e[0] = 6, 0.36
    assert float(ebgm(n[:1], e[:1], fit_gamma_mixture(n, e))[0]) < 8


def check_planted(n_pairs, runs, share, background):
    draws = [told([2000, n_pairs, k], n_pairs, share, background, "penalised") for k in range(runs)]
    total = reduce(add, draws)
    assert total.covered >= 0.93
    assert not total.due or total.recall >= 0.8


@pytest.mark.parametrize("background", [EVEN, 5.0])
@pytest.mark.parametrize("share", [0, 0.01, 0.05])
@pytest.mark.parametrize(("n_pairs", "runs"), [(50, 40), (500, 4)])
def test_eb05_is_below_the_true_ratio_and_finds_what_the_true_prior_finds(
    n_pairs, runs, share, background
):
    check_planted(n_pairs, runs, share, background)


@pytest.mark.slow
@pytest.mark.parametrize("background", [EVEN, 5.0])
@pytest.mark.parametrize("share", [0, 0.01, 0.05])
def test_the_same_among_fifty_thousand_pairs(share, background):
    check_planted(50_000, 1, share, background)


@pytest.mark.parametrize(("prior", "least"), [("penalised", 0), ("penalised", 2), ("openebgm", 2)])
def test_the_log_likelihood_is_the_oracles(prior, least):
    n, e, _, _ = drawn(np.random.default_rng(3), 150, 0.1, 5.0)
    n, e = n[n >= least], e[n >= least]
    fitted = fit_gamma_mixture(n, e, least=least, prior=prior)
    a1, b1, a2, b2, w = (mpf(getattr(fitted, name)) for name in PARAMETERS)
    total = mpf(0)
    for count, x in zip(n.tolist(), e.tolist(), strict=True):
        parts = []
        for alpha, beta in ((a1, b1), (a2, b2)):
            chances = [oracle.negative_binomial(k, mpf(x), alpha, beta) for k in range(least)]
            parts.append((oracle.negative_binomial(count, mpf(x), alpha, beta), 1 - sum(chances)))
        (one, seen_one), (two, seen_two) = parts
        if prior == "openebgm":
            total += mp.log(w * one / seen_one + (1 - w) * two / seen_two)
        else:
            total += mp.log((w * one + (1 - w) * two) / (w * seen_one + (1 - w) * seen_two))
    assert fitted.log_likelihood == pytest.approx(float(total), rel=1e-9)
    assert (fitted.fitted_by, fitted.n_pairs) == (prior, len(n))


def test_rare_pairs_kept_for_their_counts_do_not_round_away():
    """At E = 0.0001 the chance of five reports or more is less than rounding of 1."""
    fitted = fit_gamma_mixture([5, 6, 5, 40], [1e-4, 2e-4, 3e-5, 20.0], least=5)
    a1, b1, a2, b2, w = (mpf(getattr(fitted, name)) for name in PARAMETERS)
    total = mpf(0)
    for n, e in ((5, 1e-4), (6, 2e-4), (5, 3e-5), (40, 20.0)):
        chances = [
            w * oracle.negative_binomial(k, mpf(e), a1, b1)
            + (1 - w) * oracle.negative_binomial(k, mpf(e), a2, b2)
            for k in (*range(5), n)
        ]
        total += mp.log(chances[-1] / (1 - sum(chances[:-1])))
    assert fitted.log_likelihood == pytest.approx(float(total), rel=1e-6)


def test_a_fit_says_whether_the_counts_decide_it():
    many = drawn(np.random.default_rng(4), 20_000, 0.1, 5.0)[:2]
    sure = fit_gamma_mixture(*many)
    assert (sure.at_bound, sure.flat) == (False, False)
    assert "decided by the counts" in str(sure)
    even = drawn(np.random.default_rng(4), 400, 0, EVEN)[:2]
    assert fit_gamma_mixture(*even).flat
    bound = fit_gamma_mixture(*even, prior="openebgm")
    assert bound.at_bound
    assert "a parameter lies at its bound" in str(bound)


def test_many_pairs_overrule_the_penalty():
    n, e, _, _ = drawn(np.random.default_rng(6), 50_000, 0.05, 5.0)
    found = fit_gamma_mixture(n, e)
    assert found.weight == pytest.approx(0.05, rel=0.2)
    assert found.alpha1 / found.beta1 == pytest.approx(5, rel=0.1)
    assert found.alpha2 == pytest.approx(5, rel=0.1)


def test_openebgm_gives_that_packages_figures(data_dir):
    path = data_dir("openebgm_caers") / "caers_ebgm.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    n = np.array([int(row["N"]) for row in rows])
    e = np.array([float(row["E"]) for row in rows])
    prior = fit_gamma_mixture(n, e, prior="openebgm")
    printed = (3.25379356, 0.39988854, 2.02612692, 1.90807970, 0.06534557)  # its vignette 4
    assert [getattr(prior, name) for name in PARAMETERS] == pytest.approx(printed, rel=1e-5)
    low = eb_quantile(n, e, prior, 0.05)
    # Its bisection stops within half of the last digit, which it then rounds; the file's prior is
    # of pairs that were not taken together, so that a large EB95 differs by one digit more
    for got, name, by in (
        (ebgm(n, e, prior), "EBGM", 0.0101),
        (low, "q05", 0.0101),
        (eb_quantile(n, e, prior, 0.95), "q95", 0.0201),
    ):
        np.testing.assert_allclose(got, [float(row[name]) for row in rows], atol=by)
    called = np.array([float(row["q05"]) for row in rows]) >= 2
    assert called.sum() == 131
    np.testing.assert_array_equal(low.round(2) >= 2, called)


def test_openebgm_leaves_out_pairs_that_never_meet():
    n, e, _, _ = drawn(np.random.default_rng(8), 300, 0.1, 5.0)
    seen = n > 0
    assert fit_gamma_mixture(n, e, prior="openebgm") == fit_gamma_mixture(
        n[seen], e[seen], prior="openebgm"
    )


def test_another_prior_is_refused():
    for prior in PRIORS:
        assert MineSettings(prior=prior).prior == prior
    with pytest.raises(ArgumentError, match="prior"):
        fit_gamma_mixture([1], [1.0], prior="flat")
    with pytest.raises(ArgumentError, match="prior"):
        MineSettings(prior="flat")
    with pytest.raises(ArgumentError, match="got none"):
        fit_gamma_mixture([0], [1.0], prior="openebgm")
