"""Which epoch is kept: the last, unless an earlier one is better beyond chance.

By the last epoch the rate has fallen to nothing, so before anything is scored it is the best
guess; and on few selection notes the highest of several scores is mostly luck. An epoch is
therefore as good as the highest-scored one where it lies at most one standard error of their
difference below it, and of those that are as good the last is kept. Both are scored on the same
notes, so the error is that of the difference note by note (patient by patient), each score taken
as linear in what a note adds to it.

References
----------
Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 3.4.3 (the
one-standard-error rule); Cochran, Sampling Techniques, 1977, section 6.4 (errors of ratios).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.notes import Note
from clinnlp.metrics.intervals import cluster_codes

__all__ = ["Score", "error_of_difference", "is_as_good", "mean_of_ratios", "patients_of"]


class Score(NamedTuple):
    """A selection score, and how far each patient (or note) pulls it up or down."""

    value: float
    shares: list[float]  # they sum to 0


def mean_of_ratios(hits: ArrayLike, sizes: ArrayLike, groups: Sequence[str] | None = None) -> Score:
    """Return the mean over columns of ``Σ hits / Σ sizes``; columns without any size are left out.

    Parameters
    ----------
    hits, sizes : arrays, shape (n_notes, n_columns)
        For micro F1 one column with twice the true positives, and gold and found together.
    groups : sequence of str, length n_notes, optional
        Notes of one group are one unit of the error; by default each is one.

    Examples
    --------
    >>> mean_of_ratios([[2], [0]], [[2], [2]])
    Score(value=0.5, shares=[0.25, -0.25])
    """
    top, bottom = (np.asarray(each, np.float64) for each in (hits, sizes))
    codes, n_groups = cluster_codes(groups, len(top))
    seen = bottom.sum(0) > 0
    if not seen.any():
        return Score(0.0, [0.0] * n_groups)
    top, bottom = top[:, seen], bottom[:, seen]
    ratios = top.sum(0) / bottom.sum(0)
    shares = ((top - ratios * bottom) / bottom.sum(0)).mean(1)
    return Score(float(ratios.mean()), np.bincount(codes, shares, n_groups).tolist())


def is_as_good(score: Score, best: Score) -> bool:
    """Return whether `score` is not more than one standard error of the difference below `best`.

    Examples
    --------
    >>> is_as_good(Score(0.5, [0.25, -0.25]), Score(0.6, [0.2, -0.2]))
    True
    >>> is_as_good(Score(0.5, [0.25, -0.25]), Score(0.6, [0.24, -0.24]))
    False
    """
    if len(best.shares) < 2:
        return True
    return best.value - score.value <= error_of_difference(score, best)


def error_of_difference(one: Score, other: Score) -> float:
    """Return the standard error of the difference of two scores on the same notes; nan of one note.

    Examples
    --------
    >>> error_of_difference(Score(0.5, [0.25, -0.25]), Score(0.6, [0.2, -0.2])).__round__(3)
    0.1
    """
    n = len(one.shares)
    if n < 2:
        return math.nan
    gaps = np.subtract(other.shares, one.shares)
    return float(np.sqrt(gaps @ gaps * n / (n - 1)))


def patients_of(notes: Sequence[Note]) -> list[str]:
    """Return the patient of each note, or its id where there is none."""
    return [note.patient or note.id for note in notes]
