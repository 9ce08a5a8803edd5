"""Intervals of ratios on the log scale, with one rule for empty cells.

A ratio R of counts gets exp(log R ± z √V), V from the delta method. Where a cell that V divides by
is 0, the caller adds a half to the cells (Haldane 1956) and gives the ratio and V of those; the
limit on the side of an estimate of 0 or inf is then 0 or inf itself. nan where R is nan.

References
----------
Woolf, Ann Hum Genet 1955;19:251. Haldane, Ann Hum Genet 1956;20:309.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_level

__all__ = ["Interval", "half_where_empty", "log_interval", "normal_quantile"]


class Interval(NamedTuple):
    """Lower and upper limits, arrays of one shape."""

    low: Floats
    high: Floats


def normal_quantile(level: float) -> float:
    """Return z of a two-sided interval of coverage `level`.

    Raises
    ------
    ArgumentError
        `level` is not strictly between 0 and 1.

    Examples
    --------
    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    check_level(level)
    return float(special.ndtri(0.5 + level / 2))


def half_where_empty(*cells: ArrayLike) -> list[Floats]:
    """Return the cells as floats, with ½ added to all where one of them is 0.

    Examples
    --------
    >>> [x.tolist() for x in half_where_empty([0, 2], [3, 4])]
    [[0.5, 2.0], [3.5, 4.0]]
    """
    stacked = np.stack([np.asarray(cell, np.float64) for cell in cells])
    return list(stacked + 0.5 * (stacked == 0).any(axis=0))


def log_interval(value: Floats, middle: Floats, variance: Floats, *, level: float) -> Interval:
    """Return exp(middle ± z √variance), open on the side where `value` is 0 or inf.

    Parameters
    ----------
    value : array of float64
        The estimate as reported.
    middle, variance : array of float64
        Of its logarithm, finite where the estimate is defined.
    level : float
        Coverage of the two-sided interval, strictly between 0 and 1.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        half = normal_quantile(level) * np.sqrt(variance)
        low, high = np.exp(middle - half), np.exp(middle + half)
    undefined = np.isnan(value)
    low = np.where(undefined, np.nan, np.where(value == 0, 0.0, low))
    high = np.where(undefined, np.nan, np.where(np.isposinf(value), np.inf, high))
    return Interval(low, high)
