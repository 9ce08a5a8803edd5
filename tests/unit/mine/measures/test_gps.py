"""EBGM: published figures, an mpmath oracle, and a prior that is found again."""

import numpy as np
import pytest
from mpmath import mpf
from scipy import special

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.gps import (
    GammaMixture,
    _posterior_weight,
    eb_quantile,
    ebgm,
    fit_gamma_mixture,
)
from tests.unit.mine import oracle

# openEBGM 0.9.1, vignette 4, the prior that it fits to its CAERS data ...
CAERS = GammaMixture(
    alpha1=3.25379356, beta1=0.39988854, alpha2=2.02612692, beta2=1.90807970, weight=0.06534557
)
# ... and N, E, EBGM, 5 % and 95 % as printed there. Its quantiles come from a bisection that stops
# early: the last digit may differ by one.
PRINTED = [
    (1, 0.0360548272, 2.23, 0.49, 13.85),
    (1, 0.0038736591, 2.58, 0.52, 15.78),
    (1, 0.0002979738, 2.63, 0.52, 16.02),
    (1, 0.0765792610, 1.92, 0.47, 11.77),
    (1, 0.0527413588, 2.09, 0.48, 12.95),
    (16, 0.40643623, 23.26, 15.68, 33.48),
    (19, 0.89690107, 16.78, 11.65, 23.55),
    (6, 0.07866508, 18.28, 10.16, 30.83),
    (8, 0.30482718, 15.25, 9.00, 24.52),
    (11, 0.56317044, 14.28, 8.98, 21.78),
]


def test_published_figures():
    n, e, middle, low, high = (np.array(column) for column in zip(*PRINTED, strict=True))
    np.testing.assert_array_equal(ebgm(n, e, CAERS).round(2), middle)
    np.testing.assert_allclose(eb_quantile(n, e, CAERS, 0.05), low, atol=0.0101)
    np.testing.assert_allclose(eb_quantile(n, e, CAERS, 0.95), high, atol=0.0101)


def random_cases(seed, n=25):
    rng = np.random.default_rng(seed)
    counts, e = rng.integers(0, 60, n), 10 ** rng.uniform(-3, 2, n)
    priors = np.column_stack([*10 ** rng.uniform(-1, 1, (4, n)), rng.random(n)])
    return counts, e, priors


def test_ebgm_and_quantiles_are_the_oracles():
    counts, e, priors = random_cases(0)
    names = ("alpha1", "beta1", "alpha2", "beta2", "weight")
    for n, expected, theta in zip(counts, e, priors, strict=True):
        prior = GammaMixture(**dict(zip(names, theta.tolist(), strict=True)))
        exact = [mpf(float(x)) for x in (expected, *theta)]
        truth = oracle.ebgm(int(n), *exact)
        assert float(ebgm([n], [expected], prior)[0]) == pytest.approx(float(truth), rel=1e-9)
        for p in (0.05, 0.5, 0.95):
            x = float(eb_quantile([n], [expected], prior, p)[0])
            assert float(oracle.eb_below(mpf(x), int(n), *exact)) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_posterior_reaches_p_at_its_quantile(seed):
    rng = np.random.default_rng([3, seed])
    a1, b1, a2, b2 = 10 ** rng.uniform(-2, 3, 4)
    prior = GammaMixture(alpha1=a1, beta1=b1, alpha2=a2, beta2=b2, weight=rng.random())
    n = np.concatenate([rng.integers(0, 10, 200), rng.integers(0, 3 * 10**9, 100)])
    e = 10 ** np.where(n < 10, rng.uniform(-4, 4, 300), rng.uniform(0, 9, 300))
    first = _posterior_weight(n, e, prior)
    for p in (1e-4, 0.05, 0.5, 0.95, 0.9999):
        x = eb_quantile(n, e, prior, p)
        tail = special.gammaincc if p > 0.5 else special.gammainc
        parts = [tail(a + n, (b + e) * x) for a, b in ((a1, b1), (a2, b2))]
        mass = first * parts[0] + (1 - first) * parts[1]
        # A quantile below the least number is given as that
        np.testing.assert_allclose(mass[x > 1e-290], min(p, 1 - p), rtol=1e-8)
        assert (np.isfinite(x) & (x > 0)).all()
    low, high = (eb_quantile(n, e, prior, p) for p in (0.05, 0.95))
    assert (low < high).all()


def drawn(rng, prior, n):
    e = 10 ** rng.uniform(-1, 1.5, n)
    first = rng.random(n) < prior.weight
    alpha = np.where(first, prior.alpha1, prior.alpha2)
    rate = rng.gamma(alpha, 1 / np.where(first, prior.beta1, prior.beta2))
    return rng.poisson(rate * e), e


@pytest.mark.parametrize("least", [0, 1])
def test_the_prior_that_made_the_counts_is_found(least):
    truth = GammaMixture(alpha1=3.0, beta1=0.5, alpha2=6.0, beta2=6.0, weight=0.1)
    counts, e = drawn(np.random.default_rng(1), truth, 20_000)
    kept = counts >= least
    found = fit_gamma_mixture(counts[kept], e[kept], least=least)
    assert found.weight == pytest.approx(0.1, rel=0.15)
    assert found.alpha1 / found.beta1 == pytest.approx(6, rel=0.1)
    assert found.alpha2 / found.beta2 == pytest.approx(1, rel=0.05)


def test_the_fit_is_at_least_as_likely_as_the_truth():
    truth = GammaMixture(alpha1=2.0, beta1=0.5, alpha2=4.0, beta2=4.0, weight=0.2)
    counts, e = drawn(np.random.default_rng(2), truth, 200)

    def likelihood(prior):
        parts = [
            w * np.array([float(oracle.negative_binomial(int(n), mpf(x), mpf(a), mpf(b)))
                          for n, x in zip(counts, e, strict=True)])
            for w, a, b in ((prior.weight, prior.alpha1, prior.beta1),
                            (1 - prior.weight, prior.alpha2, prior.beta2))
        ]  # fmt: skip
        return float(np.log(parts[0] + parts[1]).mean())

    assert likelihood(fit_gamma_mixture(counts, e)) >= likelihood(truth)


def test_shrinkage_lies_between_one_gamma_and_the_ratio():
    one = GammaMixture(alpha1=2.0, beta1=2.0, alpha2=2.0, beta2=2.0, weight=0.5)
    value = float(ebgm([8], [2.0], one)[0])
    assert 1 < value < 4
    low, high = (float(eb_quantile([8], [2.0], one, p)[0]) for p in (0.05, 0.95))
    assert low < value < high


@pytest.mark.parametrize(
    ("observed", "expected"),
    [([1, 2], [1.0]), ([-1], [1.0]), ([1], [0.0]), ([1.5], [1.0]), ([1], [np.nan])],
)
def test_bad_counts_are_refused(observed, expected):
    with pytest.raises(ArgumentError, match="observed"):
        ebgm(observed, expected, CAERS)


def test_bad_arguments_are_refused():
    with pytest.raises(ArgumentError, match="alpha1"):
        GammaMixture(alpha1=0, beta1=1, alpha2=1, beta2=1, weight=0.5)
    with pytest.raises(ArgumentError, match="weight"):
        GammaMixture(alpha1=1, beta1=1, alpha2=1, beta2=1, weight=1.5)
    with pytest.raises(ArgumentError, match="p must"):
        eb_quantile([1], [1.0], CAERS, 1.0)
    with pytest.raises(ArgumentError, match="at least 2"):
        fit_gamma_mixture([1], [1.0], least=2)
