"""Pairs whose true ratio is known: what EB05 claims, against it."""

from dataclasses import dataclass

import numpy as np

from clinnlp.mine.measures.gps import GammaMixture, eb_quantile, fit_gamma_mixture

SIGNALS = (4.0, 0.8)  # gamma of the true signals' ratios: mean 5
EVEN = 1e6  # shape of a background whose ratios are all 1


@dataclass(frozen=True)
class Told:
    """Of the pairs of many draws: how many, and of how many EB05 says what is so."""

    pairs: int
    below: int  # EB05 is at most the true ratio
    called: int
    called_below: int
    due: int  # true signals that the true prior calls
    found: int

    def __add__(self, other):
        return Told(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def values(self):
        return (self.pairs, self.below, self.called, self.called_below, self.due, self.found)

    @property
    def covered(self):
        return self.below / self.pairs

    @property
    def called_covered(self):
        return self.called_below / self.called if self.called else np.nan

    @property
    def recall(self):
        return self.found / self.due if self.due else np.nan


def drawn(rng, n_pairs, share, background):
    """Return counts, expectations, true ratios and which are signals."""
    e = 10 ** rng.uniform(-1, 1.3, n_pairs)
    is_signal = rng.random(n_pairs) < share
    rest = rng.gamma(background, 1 / background, n_pairs)
    ratio = np.where(is_signal, rng.gamma(SIGNALS[0], 1 / SIGNALS[1], n_pairs), rest)
    return rng.poisson(ratio * e), e, ratio, is_signal


def true_prior(share, background):
    a, b = SIGNALS
    return GammaMixture(alpha1=a, beta1=b, alpha2=background, beta2=background, weight=share)


def told(seed, n_pairs, share, background, prior):
    """Return what EB05 of one draw is worth; `prior` a name of one, or "true"."""
    n, e, ratio, is_signal = drawn(np.random.default_rng(seed), n_pairs, share, background)
    truth = true_prior(share, background)
    fitted = truth if prior == "true" else fit_gamma_mixture(n, e, prior=prior)
    low = eb_quantile(n, e, fitted, 0.05)
    due = is_signal & (eb_quantile(n, e, truth, 0.05) > 1)
    called, below = low > 1, low <= ratio
    parts = (below, called, called & below, due, due & called)
    return Told(n_pairs, *(int(x.sum()) for x in parts))


def outlier(seed, n_pairs, prior="penalised"):
    """Return EB05 of one pair with N = 8, E = 0.5 among others without a signal."""
    rng = np.random.default_rng(seed)
    e = 10 ** rng.uniform(-1, 1.3, n_pairs)
    n = rng.poisson(e)
    n[0], e[0] = 8, 0.5
    return float(eb_quantile(n[:1], e[:1], fit_gamma_mixture(n, e, prior=prior), 0.05)[0])
