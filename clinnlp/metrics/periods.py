"""Whether means of some quantities have moved between a reference and a period, by patient.

Of each quantity the mean per note is a ratio, the sum over patients over their notes, and its
variance is that of a ratio over patients, so that patients with many notes do not pass for many
patients. The difference of period and reference is compared with Student's t at the degrees of
freedom of Welch; with patients in both it is more careful. A period has a warning where the p of
some quantity is below α over the number of quantities looked at (Bonferroni): so where nothing has
changed, at most a share α of the periods has one. Each period is compared with the same reference;
of n periods in which nothing changes, n α are warned of on average.

A quantity that too few patients have, in both together, is not looked at: its p could not be
trusted.

References
----------
Cochran, Sampling Techniques, 3rd ed. 1977, §6.4 (variance of a ratio). Welch, Biometrika
1947;34:28.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from clinnlp.core.arrays import Bools, Floats, Ints

__all__ = ["MIN_PATIENTS", "Moved", "moved"]

MIN_PATIENTS = 20  # with a quantity, in reference and period together, and notes of each


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moved:
    """Means of quantities in a period and in the reference, each of shape (n_quantities,).

    Parameters
    ----------
    value, reference : array of float64
        Means per note; nan where there is none.
    low, high : array of float64
        Interval of their difference at the level 1 - α, unadjusted.
    p : array of float64
        Two-sided; nan of a quantity that is not looked at.
    warned : array of bool
        Where p is below α over the number of quantities looked at.
    """

    value: Floats
    reference: Floats
    low: Floats
    high: Floats
    p: Floats
    warned: Bools


def moved(
    values: Floats, patients: Ints, of_period: Bools, of_reference: Bools, *, alpha: float
) -> Moved:
    """Compare the notes of a period with those of the reference.

    Parameters
    ----------
    values : array of float64, shape (n_notes, n_quantities)
        nan where a note has no such number; it then does not count for that quantity.
    patients : array of int64, shape (n_notes,)
        Of whom each note is, from 0.
    of_period, of_reference : array of bool, shape (n_notes,)
    alpha : float
        Share of periods that have a warning though nothing has changed.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> values = np.stack([draw.poisson(3, 400), draw.poisson([2] * 200 + [4] * 200)], axis=1)
    >>> late = np.arange(400) >= 200
    >>> moved(values.astype(float), np.arange(400), late, ~late, alpha=0.01).warned.tolist()
    [False, True]
    """
    one, other = (_means(values[of], patients[of]) for of in (of_period, of_reference))
    enough = (one.n_having + other.n_having >= MIN_PATIENTS) & (
        np.minimum(one.n_patients, other.n_patients) >= MIN_PATIENTS
    )
    difference, variance = one.mean - other.mean, one.variance + other.variance
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / (
            one.variance**2 / (one.n_patients - 1) + other.variance**2 / (other.n_patients - 1)
        )
        p = 2 * student.sf(np.abs(difference) / np.sqrt(variance), freedom)
        wide = student.ppf(1 - alpha / 2, freedom) * np.sqrt(variance)
    still = variance == 0  # all notes of each are alike: the same, or surely not
    p = np.where(still, np.where(difference == 0, 1.0, 0.0), p)
    wide = np.where(still, 0.0, wide)
    p = np.where(enough, p, np.nan)
    return Moved(
        value=one.mean,
        reference=other.mean,
        low=np.where(enough, difference - wide, np.nan),
        high=np.where(enough, difference + wide, np.nan),
        p=p,
        warned=enough & (p < alpha / max(1, int(enough.sum()))),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Means:
    mean: Floats
    variance: Floats
    n_patients: Ints  # with a note that has the number
    n_having: Ints  # with one that is not zero


def _means(values: Floats, patients: Ints) -> _Means:
    """Return means per note and their variances over patients, shape (n_quantities,) each."""
    _, codes = np.unique(patients, return_inverse=True)
    m = int(codes.max(initial=-1)) + 1
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    sums, counts = np.zeros((m, values.shape[1])), np.zeros((m, values.shape[1]))
    np.add.at(sums, codes, filled)
    np.add.at(counts, codes, known.astype(float))
    n_patients, n = (counts > 0).sum(axis=0), counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums.sum(axis=0) / n
        spread = ((sums - mean * counts) ** 2).sum(axis=0)
        variance = n_patients / (n_patients - 1) * spread / n**2
    return _Means(
        mean=mean, variance=variance, n_patients=n_patients, n_having=(sums != 0).sum(axis=0)
    )
