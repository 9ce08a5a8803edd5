"""The prior of EBGM, a mixture of two gammas, fitted to the counts of all pairs.

Of each pair, N reports where E are expected; N is Poisson with mean λE, and N given the prior of λ
a mixture of two negative binomials (`clinnlp.mine.measures.gps`). Two ways to fit it:

``"penalised"``, the default
    Highest likelihood less a penalty. By likelihood alone the prior of few pairs, or of many
    without a signal, makes one outlier its first component and 6 reports certain. So the
    logarithms of both shapes and both means and the logit of the weight are held near

        α1 = 4, α1/β1 = 2, α2 = 3, α2/β2 = 1, P = 0.02

    by normal distributions (`_SPREADS`). Of one mean that is worth what 2 to 5 pairs with many
    reports tell; 50,000 pairs overrule it. Pairs that never meet (N = 0) count where they are
    held; where the counts hold N ≥ `least` only, the mixture is taken given N ≥ `least`.
``"openebgm"``
    As that R package: pairs with N ≥ 1 (or `least`), each component truncated by itself, so that
    its weight is one among the pairs that were seen; nothing penalised; pairs with N = 1 and 2
    taken together as its vignettes do (bins of 50 and of 10, the 100 and 50 of largest E apart).
    On its CAERS data: its printed prior, and its EBGM, EB05 and EB95 to their rounding.

On planted Poisson counts (E log-uniform from 0.1 to 20; ratios of true signals gamma of mean 5, of
the others all 1, or gamma of shape 5 and mean 1; seeds other than those the penalty was chosen on),
the share of pairs whose EB05 is at most the true ratio, and the same among those with EB05 > 1,
5 % true signals. ``"penalised"`` is the better calibrated one where pairs are few:

    others       pairs    penalised        openebgm         the true prior
    all 1           50    0.993, 0.78      0.811, 0.11      0.950, 0.97
    all 1          500    0.999, 0.95      0.998, 0.93      0.948, 0.98
    all 1       50,000    0.999, 0.96      0.999, 0.96      0.950, 0.96
    shape 5         50    0.952, 0.95      0.842, 0.70      0.947, 0.95
    shape 5        500    0.947, 0.96      0.946, 0.95      0.950, 0.95
    shape 5     50,000    0.950, 0.95      0.948, 0.95      0.950, 0.95

Of the true signals with EB05 > 1 under the true prior, both find at least 0.95. One pair with
N = 8, E = 0.5 among 20 without a signal: EB05 4.1 and 15.0. ``scripts/bench ebgm`` prints all.

References
----------
DuMouchel, Bayesian data mining in large frequency tables, Am Stat 1999;53:177, sections 3 and 4.
DuMouchel and Pregibon, Empirical Bayes screening for multi-item associations, KDD 2001. Ihrie and
Canida, openEBGM 0.9.1, vignettes 3 and 4.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_at_least, check_one_of
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.squash import Cells, binned, squashed

__all__ = [
    "PRIORS",
    "WHOLE",
    "FittedMixture",
    "GammaMixture",
    "checked_pairs",
    "fit_gamma_mixture",
    "log_negative_binomial",
]

PRIORS = ("penalised", "openebgm")
# α1, β1, α2, β2, P: DuMouchel's start, and others far from it.
_STARTS = (
    (0.2, 0.1, 2.0, 4.0, 1 / 3),
    (0.1, 0.1, 10.0, 10.0, 0.2),
    (0.5, 0.3, 5.0, 5.0, 0.5),
    (2.0, 0.5, 2.0, 2.0, 0.1),
)
_BOUNDS = ((np.log(1e-4), np.log(1e3)),) * 4 + ((-12.0, 12.0),)
_EXACTLY = {"ftol": 1e-14, "gtol": 1e-9}  # without a penalty the surface is flatter
_NEAR = 1e-3  # to a bound
_STEP = 1e-4  # of the packed parameters, for the curvature
# What is held is log α1, log α1/β1, log α2, log α2/β2, logit P, each a row over the packed ones
_HELD = np.array(
    [[1, 0, 0, 0, 0], [1, -1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, -1, 0], [0, 0, 0, 0, 1]]
)
_CENTRES = np.array([*np.log([4.0, 2.0, 3.0, 1.0]), special.logit(0.02)])
_SPREADS = np.array([0.5, 0.35, 0.7, 0.25, 1.0])
_PULL = _HELD / _SPREADS[:, None]
WHOLE = 5_000  # pairs up to which none are taken together
_SMALL = 1e-6  # chance of a count that is kept, below which it is summed itself
_TERMS = 40
_TINY = 1e-300

ChanceOf = Callable[[Floats, Floats], tuple[Floats, Floats]]  # of n and E: log chance, gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaMixture:
    """The prior of λ: ``weight`` · Gamma(alpha1, beta1) + (1 − weight) · Gamma(alpha2, beta2).

    Raises
    ------
    ArgumentError
        A parameter is not above 0, or the weight not between 0 and 1.
    """

    alpha1: float
    beta1: float
    alpha2: float
    beta2: float
    weight: float

    def __post_init__(self) -> None:
        for name in ("alpha1", "beta1", "alpha2", "beta2"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.weight <= 1:
            raise ArgumentError(f"weight must lie between 0 and 1, got {self.weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedMixture(GammaMixture):
    """A prior with how it was fitted.

    Parameters
    ----------
    fitted_by : {"penalised", "openebgm"}
    n_pairs : int
        Pairs that it was fitted to.
    log_likelihood : float
        Of their counts, without the penalty; of counts taken together, at their mean.
    at_bound : bool
        A parameter lies at a bound of the search (shapes and rates 0.0001 to 1,000).
    flat : bool
        In some direction of the parameters the counts tell less than the penalty does (or would,
        for ``"openebgm"``): other priors are nearly as likely.
    """

    fitted_by: str
    n_pairs: int
    log_likelihood: float
    at_bound: bool
    flat: bool

    def __str__(self) -> str:
        names = ("alpha1", "beta1", "alpha2", "beta2", "weight")
        said = ", ".join(f"{name} {getattr(self, name):.4g}" for name in names)
        doubts = [
            text
            for doubt, text in (
                (self.at_bound, "a parameter lies at its bound"),
                (self.flat, "the counts leave a direction of its parameters open"),
            )
            if doubt
        ]
        return (
            f"{self.fitted_by}, fitted to {self.n_pairs:,} pairs: {said}; log likelihood "
            f"{self.log_likelihood:,.1f}; {' and '.join(doubts) or 'decided by the counts'}"
        )


def fit_gamma_mixture(
    observed: ArrayLike,
    expected: ArrayLike,
    *,
    least: int = 0,
    prior: str = "penalised",
    times: ArrayLike | None = None,
) -> FittedMixture:
    """Return the prior that is fitted to the counts of all pairs.

    Parameters
    ----------
    observed : array of int, shape (n_pairs,)
        Reports with both, each at least `least`.
    expected : array of float, shape (n_pairs,)
        Above 0.
    least : int
        The least count that the pairs were kept for: 0 where pairs that never meet are among
        them.
    prior : {"penalised", "openebgm"}
        How it is fitted; ``"openebgm"`` leaves pairs that never meet out.
    times : array of int, shape (n_pairs,), optional
        How many pairs each stands for (`squashed`); one by default, and one where
        ``"openebgm"`` is asked for.

    Raises
    ------
    ArgumentError
        No pairs, unequal lengths, a count below `least`, an expected count not above 0, or
        another `prior`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> e = rng.uniform(0.1, 5, 4000)
    >>> rate = np.where(rng.random(4000) < 0.1, rng.gamma(4, 2, 4000), rng.gamma(8, 1 / 8, 4000))
    >>> prior = fit_gamma_mixture(rng.poisson(rate * e), e)
    >>> round(prior.weight, 1), round(prior.alpha1 / prior.beta1), round(prior.alpha2 / prior.beta2)
    (0.1, 8, 1)
    >>> prior.at_bound, prior.flat
    (False, False)
    """
    check_at_least(least, 0, name="least")
    check_one_of(prior, PRIORS, name="prior")
    n, e = checked_pairs(observed, expected)
    each = np.ones(len(n)) if times is None else np.asarray(times, np.float64)
    if (n < least).any():
        raise ArgumentError(f"observed must hold counts of at least {least}, got one below")
    apart = prior == "openebgm"
    if apart:
        least = max(least, 1)
        n, e, each = n[n >= least], e[n >= least], each[n >= least]
    if not len(n):
        raise ArgumentError(f"observed must hold counts of at least {least}, got none")
    cells = binned(n, e) if apart else _squashed(n, e, each)
    x = _best(cells, least, apart=apart)
    loss, _ = _loss(x, cells, least, apart=apart)
    low, high = np.transpose(_BOUNDS)
    return FittedMixture(
        **_unpacked(x),
        fitted_by=prior,
        n_pairs=int(each.sum()),
        log_likelihood=-loss,
        at_bound=bool(((x < low + _NEAR) | (x > high - _NEAR)).any()),
        flat=_is_flat(x, cells, least, apart=apart),
    )


def checked_pairs(observed: ArrayLike, expected: ArrayLike) -> tuple[Counts, Floats]:
    """Return counts and expectations as arrays of one shape, or say what is wrong with them."""
    n, e = np.asarray(observed), np.asarray(expected, np.float64)
    if n.shape != e.shape:
        raise ArgumentError(
            f"observed and expected must have one shape, got {n.shape} and {e.shape}"
        )
    if n.dtype.kind not in "iu" and n.size:
        raise ArgumentError(f"observed must be whole numbers, got {n.dtype}")
    if (n < 0).any() or not (e > 0).all():
        raise ArgumentError("observed must be at least 0 and expected above 0, got another")
    return n.astype(np.int64), e


def log_negative_binomial(n: Floats, e: Floats, alpha: float, beta: float) -> Floats:
    """Log chance of n where λ ~ Gamma(α, β) and n ~ Poisson(λ e) (DuMouchel 1999, equation 4)."""
    # log1p of odds: the logarithm of a chance near 1 would lose digits
    value: Floats = (
        _of_counts(lambda k: special.gammaln(alpha + k) - special.gammaln(alpha), n)
        - _of_counts(lambda k: special.gammaln(k + 1), n)
        - n * np.log1p(beta / e)
        - alpha * np.log1p(e / beta)
    )
    return value


def _of_counts(function: Callable[[Floats], Floats], n: Floats) -> Floats:
    """Return a function of each count, found once for neighbours that are equal."""
    flat = n.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=np.nan) != 0)
    found = np.repeat(function(flat[starts]), np.diff(starts, append=len(flat)))
    return np.asarray(found.reshape(n.shape), np.float64)


def _best(cells: Cells, least: int, *, apart: bool) -> Floats:
    """Return the packed parameters of the best fit."""
    total = cells[2].sum()

    def mean_loss(x: Floats) -> tuple[float, Floats]:
        loss, slope = _loss(x, cells, least, apart=apart)
        if not apart:
            away = _PULL @ x - _CENTRES / _SPREADS
            loss, slope = loss + float(away @ away) / 2, slope + _PULL.T @ away
        return loss / total, slope / total

    # The likelihood has several maxima; which of them is found depends on the start
    found = [
        optimize.minimize(
            mean_loss,
            _packed(start),
            method="L-BFGS-B",
            jac=True,
            bounds=_BOUNDS,
            options=_EXACTLY if apart else {},
        )
        for start in _STARTS
    ]
    return np.asarray(min(found, key=lambda one: float(one.fun)).x, np.float64)


def _is_flat(x: Floats, cells: Cells, least: int, *, apart: bool) -> bool:
    """Tell whether the counts curve less than the penalty in some direction."""
    steps = _STEP * np.eye(len(x))
    slopes = [
        _loss(x + step, cells, least, apart=apart)[1]
        - _loss(x - step, cells, least, apart=apart)[1]
        for step in steps
    ]
    curvature = np.stack(slopes) / (2 * _STEP)
    back = np.linalg.inv(_PULL)  # where the penalty curves by 1 in every direction
    seen = back.T @ (curvature + curvature.T) @ back / 2
    return bool(np.linalg.eigvalsh(seen)[0] < 1)


def _squashed(n: Counts, e: Floats, times: Floats) -> Cells:
    """Return pairs as they are, squashed where there are more than `WHOLE`."""
    if times.sum() > WHOLE:
        n, e, times = squashed(n, e, times)
    return n.astype(np.float64), e, times


def _packed(theta: tuple[float, ...]) -> Floats:
    return np.array([*np.log(theta[:4]), special.logit(theta[4])])


def _unpacked(packed: Floats) -> dict[str, float]:
    a1, b1, a2, b2 = np.exp(packed[:4]).tolist()
    weight = float(special.expit(packed[4]))
    if a1 / b1 < a2 / b2:  # the component of larger ratios comes first
        a1, b1, a2, b2, weight = a2, b2, a1, b1, 1 - weight
    return {"alpha1": a1, "beta1": b1, "alpha2": a2, "beta2": b2, "weight": weight}


def _loss(packed: Floats, cells: Cells, least: int, *, apart: bool) -> tuple[float, Floats]:
    """Return the negative log likelihood and its gradient."""
    n, e, times = cells
    log_p, slope = _log_marginal(n, e, packed, least if apart else 0)  # (n_cells,), (5, n_cells)
    if least and not apart:
        lost, by = _log_rest(lambda n, e: _log_marginal(n, e, packed, 0), e, least)
        log_p, slope = log_p - lost, slope - by
    return -float(times @ log_p), -(slope @ times)


def _log_marginal(n: Floats, e: Floats, packed: Floats, least: int) -> tuple[Floats, Floats]:
    """Return the log chance of each n, and its gradient by the packed parameters.

    With `least`, each component is that of counts of at least `least`.
    """
    a1, b1, a2, b2 = np.exp(packed[:4]).tolist()
    first, by_first = _component(n, e, a1, b1, least)
    second, by_second = _component(n, e, a2, b2, least)
    first, second = first + special.log_expit(packed[4]), second + special.log_expit(-packed[4])
    log_p: Floats = np.logaddexp(first, second)
    q = np.exp(first - log_p)
    slope = np.stack([*(q * by_first), *((1 - q) * by_second), q - special.expit(packed[4])])
    return log_p, slope


def _component(
    n: Floats, e: Floats, alpha: float, beta: float, least: int
) -> tuple[Floats, Floats]:
    """Return the log chance of n in one component, and its slopes by log α and log β."""
    log_p, slope = log_negative_binomial(n, e, alpha, beta), _slopes(n, e, alpha, beta)
    if least:
        lost, by = _log_rest(lambda n, e: _component(n, e, alpha, beta, 0), e, least)
        log_p, slope = log_p - lost, slope - by
    return log_p, slope


def _log_rest(chance_of: ChanceOf, e: Floats, least: int) -> tuple[Floats, Floats]:
    """Return the log chance of counts of at least `least`, and its gradient."""
    below, by_below = _summed(chance_of, e, range(least))
    rest, by = 1 - below, -by_below
    # A small rest of 1 is rounding: there the first counts of it are summed themselves
    few = np.flatnonzero(rest < _SMALL)
    if len(few):
        rest[few], by[:, few] = _summed(chance_of, e[few], range(least, least + _TERMS))
    rest = np.maximum(rest, _TINY)
    return np.log(rest), by / rest


def _summed(chance_of: ChanceOf, e: Floats, counts: range) -> tuple[Floats, Floats]:
    """Return the chance of some counts, and its gradient."""
    parts = [chance_of(np.full_like(e, float(k)), e) for k in counts]
    chances = [np.exp(log_p) for log_p, _ in parts]
    by = [chance * slope for chance, (_, slope) in zip(chances, parts, strict=True)]
    return np.sum(chances, axis=0), np.sum(by, axis=0)


def _slopes(n: Floats, e: Floats, alpha: float, beta: float) -> Floats:
    """Return the derivatives of the log negative binomial by log α and log β, shape (2, …)."""
    by_alpha = (
        _of_counts(lambda k: special.digamma(alpha + k), n)
        - special.digamma(alpha)
        - np.log1p(e / beta)
    )
    # The search is over log alpha and log beta: this one holds its factor beta already
    by_beta = (alpha * e - n * beta) / (beta + e)
    return np.stack([alpha * by_alpha, by_beta])
