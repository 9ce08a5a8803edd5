"""Drug + drug → outcome against the additive null: Ω, and a p that knows the null is estimated.

Among baskets with both drugs (11), one of them (10, 01) and neither (00), y of n have the
outcome. Without interaction on the additive scale each drug adds to the risk what it adds alone:

    p11 = max(p00, p10) + max(p00, p01) − p00

**Ω** (Norén et al. 2008) compares y11 with its expectation E under additive *odds*, shrunk:

    g11 = 1 − 1 / (max(o00, o10) + max(o00, o01) − o00 + 1),  o = f / (1 − f),  f = y / n
    E = n11 g11,   Ω = log2((y11 + ½) / (E + ½)),   Ω025 = log2(G⁻¹(0.025; y11 + ½) / (E + ½))

with G the gamma distribution of shape y11 + ½ and scale 1 (the 2008 variant with tuning ½).

**p** is one-sided against additive *risks* (above; never less than additive odds, the same for
rare outcomes). E is itself estimated from few reports; a Poisson tail at the estimate would call
too often. So E gets a distribution: each single-drug count its Fay-Feuer confidence
distribution, the gamma of mean w (y + 1) and variance w² (y + 1), w = n11 / n10, which with one
drug alone and rare outcomes is Fisher's exact test. Mean and variance of E add up, and
p = P(N ≥ y11) for N beta-binomial of n11 with them. Simulated false-positive rates under main
effects stay at or below the nominal level, also for expectations below one.

With strata every sum runs over the strata in which all four groups have members, so that the
single-drug risks are standardised to the strata of the pair.

References
----------
Norén, Sundberg, Bate and Edwards, A statistical methodology for drug-drug interaction
surveillance, Stat Med 2008;27:3057. Fay and Feuer, Confidence intervals for directly
standardized rates, Stat Med 1997;16:791. Rothman, Synergy and antagonism in cause-effect
relationships, Am J Epidemiol 1974;99:385.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.counts import ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.disproportionality import shrunk_log2, shrunk_log2_interval
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.measures.tails import beta_binomial_sf

__all__ = [
    "CELLS",
    "Additive",
    "PairCounts",
    "additive_null",
    "additive_p",
    "noren_expected",
    "omega",
    "omega025",
    "omega_interval",
    "one_stratum",
]

CELLS = ("y11", "y10", "y01", "y00", "n11", "n10", "n01", "n00")

_SURE = 1e7  # largest sum of beta parameters; more adds nothing but rounding
_LEAST_MEAN = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairCounts:
    """Baskets with the outcome (y) of baskets in all (n), by exposure to drug 1 and drug 2.

    Parameters
    ----------
    y11, y10, y01, y00, n11, n10, n01, n00 : array of int64, shape (n_strata, n_candidates)

    Raises
    ------
    ArgumentError
        Some y is below 0 or above its n, or the shapes differ.
    """

    y11: Counts
    y10: Counts
    y01: Counts
    y00: Counts
    n11: Counts
    n10: Counts
    n01: Counts
    n00: Counts

    def __post_init__(self) -> None:
        shape = np.shape(self.y11)
        for name in CELLS:
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))
            if getattr(self, name).shape != shape or len(shape) != 2:
                raise ArgumentError(
                    f"{name} must have the shape (n_strata, n_candidates) of all, "
                    f"got {getattr(self, name).shape}"
                )
        for y, n in zip(CELLS[:4], CELLS[4:], strict=True):
            if ((getattr(self, y) < 0) | (getattr(self, y) > getattr(self, n))).any():
                raise ArgumentError(f"{y} must lie between 0 and {n}, got a count outside")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Additive:
    """The additive null for each candidate, shape (n_candidates,) each.

    Parameters
    ----------
    n_joint : array of int64
        Baskets with both drugs and the outcome, in comparable strata.
    n_pair : array of int64
        Baskets with both drugs, in comparable strata.
    expected : array of float64
        Norén's E; ``nan`` where no stratum is comparable or holds the pair, and where all baskets
        without the drugs have the outcome.
    mean, variance : array of float64
        Of the distribution of E under additive risks that `additive_p` uses.
    """

    n_joint: Counts
    n_pair: Counts
    expected: Floats
    mean: Floats
    variance: Floats


def one_stratum(
    y11: Any, y10: Any, y01: Any, y00: Any, n11: Any, n10: Any, n01: Any, n00: Any
) -> PairCounts:
    """Return the counts of one or many pairs, all baskets in one stratum.

    Examples
    --------
    >>> one_stratum(9, 20, 10, 100, 50, 400, 400, 10000).y11.shape
    (1, 1)
    """
    cells = np.broadcast_arrays(y11, y10, y01, y00, n11, n10, n01, n00)
    return PairCounts(
        **{name: np.atleast_1d(cell)[None] for name, cell in zip(CELLS, cells, strict=True)}
    )


def noren_expected(f00: Any, f10: Any, f01: Any) -> Floats:
    """Return g11, the joint reporting fraction without interaction (Norén et al. 2008).

    1 where f10 or f01 is 1 and f00 is not, the limit. Where f00 is 1 the formula is inf − inf and
    g11 is nan, by definition: with an outcome in every basket without the drugs there is nothing
    to compare with (a limit would give 1, and no signal either).

    Examples
    --------
    >>> float(noren_expected(0.01, 0.05, 0.02).round(6))  # odds 0.05263 + 0.02041 − 0.0101
    0.059212
    """
    # a fraction that is 1 may be rounded above it: its odds are still without bound
    o00, o10, o01 = (
        ratio(f, np.maximum(1 - np.asarray(f, np.float64), 0)) for f in (f00, f10, f01)
    )
    return _joint_fraction(o00, o10, o01)


def _joint_fraction(o00: Floats, o10: Floats, o01: Floats) -> Floats:
    """Return g11 from odds."""
    with np.errstate(invalid="ignore"):
        joint_odds = np.maximum(o00, o10) + np.where(o01 <= o00, 0.0, o01 - o00)
    fraction = np.where(np.isposinf(joint_odds), 1.0, ratio(joint_odds, joint_odds + 1))
    return np.where(np.isposinf(o00), np.nan, fraction)


def omega(n_joint: Any, expected: Any) -> Floats:
    """Ω = log2((y11 + ½) / (E + ½)).

    Examples
    --------
    >>> float(omega(7, 1.375))
    2.0
    """
    return shrunk_log2(n_joint, expected)


def omega_interval(n_joint: Any, expected: Any, *, level: float = 0.95) -> Interval:
    """Interval of Ω: log2 of gamma quantiles with shape y11 + ½ over E + ½.

    Takes E as known, as in the paper; see `additive_p` for a test that does not. The paper also
    gives Ω ± 1.96 / (log 2 √y11), an approximation for large counts that is not used here.
    """
    return shrunk_log2_interval(n_joint, expected, level=level)


def omega025(n_joint: Any, expected: Any) -> Floats:
    """Lower 2.5 % limit of Ω; above 0 is the paper's criterion.

    Examples
    --------
    >>> float(omega025(7, 1.375).round(4))
    0.7398
    """
    return omega_interval(n_joint, expected).low


def additive_null(counts: PairCounts) -> Additive:
    """Return what the additive null expects, single-drug risks standardised to the pair's strata.

    ``expected`` is nan where no stratum is comparable, and where all baskets without the drugs
    have the outcome (`noren_expected`); whether all have it, or none, is decided by the counts.

    Examples
    --------
    >>> null = additive_null(one_stratum(9, 20, 10, 100, 50, 400, 400, 10000))
    >>> null.expected.round(2).tolist(), additive_p(null).round(4).tolist()
    ([3.19], [0.0122])
    """
    c = counts
    usable = (c.n10 > 0) & (c.n01 > 0) & (c.n00 > 0)
    n_pair = np.where(usable, c.n11, 0).sum(axis=0)
    n_joint = np.where(usable, c.y11, 0).sum(axis=0)
    (base, no_base, v_base, _), *alone = (
        _standardised(y, n, c.n11, usable)
        for y, n in ((c.y00, c.n00), (c.y10, c.n10), (c.y01, c.n01))
    )
    # Odds from the sums of both sides: 1 − f would be rounding where nearly all have the outcome
    odds = [ratio(base, no_base), *(ratio(total, rest) for total, rest, _, _ in alone)]
    means = [np.maximum(base, total + top) for total, _, _, top in alone]
    return Additive(
        n_joint=n_joint,
        n_pair=n_pair,
        expected=n_pair * _joint_fraction(*odds),
        mean=means[0] + means[1] - base,
        variance=v_base + sum(spread + top**2 for _, _, spread, top in alone),
    )


def additive_p(null: Additive) -> Floats:
    """Return the one-sided p of the additive null, P(N ≥ y11); 1 where nothing is comparable."""
    n = np.maximum(null.n_pair, 1)
    mean = np.clip(null.mean / n, _LEAST_MEAN, 1 - _LEAST_MEAN)
    spread = np.maximum(null.variance / (n.astype(np.float64) ** 2), _LEAST_MEAN**2)
    # The sum of the two beta parameters that give this mean and variance
    sure = np.clip(mean * (1 - mean) / spread - 1, 1e-3, _SURE)
    p = beta_binomial_sf(null.n_joint, null.n_pair, mean * sure, (1 - mean) * sure)
    return np.where((null.n_pair == 0) | (null.mean >= n), 1.0, p)


def _standardised(
    y: Counts, n: Counts, n11: Counts, usable: Any
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return Σ w y, Σ w (n − y), the variance of the first and the largest w, w = n11 / n."""
    at_least_one = np.maximum(n, 1)
    w = np.where(usable, n11 / at_least_one, 0.0)
    no = w * (n - y)
    spread = (w * y * (no / at_least_one)).sum(axis=0)
    return (w * y).sum(axis=0), no.sum(axis=0), spread, w.max(axis=0, initial=0.0)
