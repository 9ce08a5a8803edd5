"""How much may be left: an upper bound for leaks in notes, from a sample that was reviewed.

Notes are drawn within strata. In one of N notes of which n were reviewed and k leak, the share that
leaks is below the upper Clopper-Pearson bound, a quantile of Beta(k + 1, n - k). Taken as a
distribution (each level is a bound that holds as often), the bounds of several strata are joined by
drawing from each and adding them up as the strata are large: the melded interval of Fay, Proschan
and Brittain, which holds its level. A stratum that was reviewed whole is known.

Characters are the mean of a bounded number: each note counts by its share of the most that a note
may leak, which is said beside the bound, since of notes that were not drawn nothing else is known.
Gaffke's bound weighs the n values that were seen, and the most, by Dirichlet(1, ..., 1); of values
that are 0 or 1 it is the bound of Clopper and Pearson, so that one way of drawing serves both.

References
----------
Clopper and Pearson, Biometrika 1934; Fay, Proschan and Brittain, Biometrics 2015; Gaffke, Math.
Methods Statist. 2005; Learned-Miller and Thomas, arXiv:1905.06208, 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_level
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError

__all__ = ["LeakBound", "ReviewedStratum", "leak_bound"]

_N_DRAWS = 10_000
_METHOD = "melded Clopper-Pearson by strata, upper bound"
_BY_CHARACTERS = "melded Gaffke by strata, upper bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedStratum:
    """Notes of which some were drawn at random and reviewed.

    Parameters
    ----------
    n_notes : int
        All of it.
    leaked : sequence of int
        Characters of identifiers that were left, by note reviewed; 0 where there are none.

    Raises
    ------
    ArgumentError
        More notes reviewed than there are, or none of some, or fewer characters than 0.

    Examples
    --------
    >>> len(ReviewedStratum(n_notes=900, leaked=[0, 0, 12]).leaked)
    3
    """

    n_notes: int
    leaked: Sequence[int]

    def __post_init__(self) -> None:
        n = len(self.leaked)
        if n > self.n_notes or (self.n_notes and not n):
            raise ArgumentError(
                f"of a stratum of {self.n_notes:,} notes some must be reviewed, and not more than "
                f"all, got {n:,}"
            )
        if any(chars < 0 for chars in self.leaked):
            raise ArgumentError("characters that were left must be at least 0, got fewer")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakBound:
    """What may be left in all notes.

    Parameters
    ----------
    share : Estimate
        Of the notes that hold an identifier; `high` is the bound.
    per_10k_words : Estimate
        Characters of identifiers in 10,000 words; `high` is the bound.
    most_chars : int
        That a note which leaks was taken to leak at most.
    n_reviewed, n_leaking : int
        Notes.
    """

    share: Estimate
    per_10k_words: Estimate
    most_chars: int
    n_reviewed: int
    n_leaking: int

    def __str__(self) -> str:
        return (
            f"at most {100 * self.share.high:.2g} % of notes "
            f"({self.per_10k_words.high:.2g} characters per 10,000 words, where a note leaks "
            f"at most {self.most_chars}) still hold an identifier, {self.share.level:.0%}"
        )


def leak_bound(
    strata: Sequence[ReviewedStratum],
    *,
    n_words: int,
    most_chars: int = 100,
    level: float = 0.95,
    seed: int = 0,
) -> LeakBound:
    """Return an upper bound for the notes that leak, and for the characters that are left.

    Parameters
    ----------
    strata : sequence of ReviewedStratum
    n_words : int
        Of all notes.
    most_chars : int
        That a note leaks at most; the most that was seen, where that is more.
    level : float
        How often the bound is to hold.
    seed : int
        Of the draws by which strata are joined.

    Returns
    -------
    LeakBound
        Estimates whose `high` is the bound, `low` being 0.

    Raises
    ------
    ArgumentError
        No notes, no words, or `level` not strictly between 0 and 1.

    Examples
    --------
    One stratum, nothing found in 300 notes: the rule of three.

    >>> bound = leak_bound([ReviewedStratum(n_notes=100_000, leaked=[0] * 300)], n_words=10**7)
    >>> round(bound.share.high, 2)
    0.01
    """
    check_level(level)
    there = [stratum for stratum in strata if stratum.n_notes]
    n_notes = sum(stratum.n_notes for stratum in there)
    if min(n_notes, n_words) < 1:
        raise ArgumentError(f"there must be notes and words, got {n_notes:,} and {n_words:,}")
    most = max(most_chars, *(max(s.leaked) for s in there))
    leaks = [_is_left(stratum) for stratum in there]
    taints = [[chars / most for chars in stratum.leaked] for stratum in there]
    share, chars = (_joined(values, there, level, seed) for values in (leaks, taints))
    by_words = most * n_notes / n_words * 10_000
    seen, left = (_mean(values, there) for values in (leaks, taints))
    return LeakBound(
        share=Estimate(value=seen, low=0.0, high=share, level=level, method=_METHOD),
        per_10k_words=Estimate(
            value=by_words * left,
            low=0.0,
            high=by_words * chars,
            level=level,
            method=_BY_CHARACTERS,
        ),
        most_chars=most,
        n_reviewed=sum(map(len, leaks)),
        n_leaking=int(sum(map(sum, leaks))),
    )


def _is_left(stratum: ReviewedStratum) -> list[float]:
    return [float(chars > 0) for chars in stratum.leaked]


def _mean(taints: Sequence[Sequence[float]], strata: Sequence[ReviewedStratum]) -> float:
    """Return the mean over all notes as it is estimated from those that were reviewed."""
    pairs = zip(taints, strata, strict=True)
    whole = sum(s.n_notes * sum(values) / len(values) for values, s in pairs)
    return whole / sum(stratum.n_notes for stratum in strata)


def _joined(
    taints: Sequence[Sequence[float]], strata: Sequence[ReviewedStratum], level: float, seed: int
) -> float:
    """Return the quantile of the sum of the bounds of strata, by their share of the notes."""
    rng = np.random.default_rng(seed)
    n_notes = sum(stratum.n_notes for stratum in strata)
    whole = np.zeros(_N_DRAWS)
    for values, stratum in zip(taints, strata, strict=True):
        is_known = len(values) == stratum.n_notes
        mean = float(np.mean(values)) if is_known else _drawn_means(values, rng)
        whole += stratum.n_notes / n_notes * mean
    return float(np.quantile(whole, level))


def _drawn_means(values: Sequence[float], rng: np.random.Generator) -> Floats:
    """Draw means of n values in [0, 1] and of 1, weighed by Dirichlet(1, ..., 1).

    Values of 0 have one weight together: a sum of exponentials is a gamma.
    """
    left = np.array([1.0, *(value for value in values if value > 0)])
    n_zero = len(values) + 1 - len(left)
    weights = rng.exponential(size=(len(left), _N_DRAWS))
    rest = rng.gamma(n_zero, size=_N_DRAWS) if n_zero else 0.0
    means: Floats = left @ weights / (weights.sum(axis=0) + rest)
    return means
