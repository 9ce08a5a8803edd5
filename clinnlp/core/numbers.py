"""What no number of a table may be: infinite, or larger than any that means something.

The largest number that a computer knows stands for missing in some programs, and what is made of
it (a mean, a bin, a square) is infinite.
"""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["LARGEST", "TOO_LARGE", "TooLargeError", "check_size", "large_rows"]

LARGEST = 1e100
TOO_LARGE = f"got infinity or one beyond {LARGEST:g}; leave the cell empty"


class TooLargeError(ValueError):
    """A number is infinite, or beyond `LARGEST`."""


def check_size(number: float) -> float:
    """Return a number that is no larger than `LARGEST`; nan stays.

    Raises
    ------
    TooLargeError
        It is, or is infinite; the message does not quote it.

    Examples
    --------
    >>> check_size(-7.5)
    -7.5
    """
    if abs(number) > LARGEST:
        raise TooLargeError(f"a number must be finite and at most {LARGEST:g}, got another")
    return number


def large_rows(numbers: ArrayLike) -> str:
    """Return what numbers hold that none may be, and where, or nothing.

    Examples
    --------
    >>> large_rows([1.0, float("inf"), float("nan")]), large_rows([1e200, 1.0, 1e300])
    ('infinity in 1 rows (first: row 1)', 'one beyond 1e+100 in 2 rows (first: row 0)')
    >>> large_rows([1.0, float("nan")])
    ''
    """
    values = np.asarray(numbers, np.float64)
    rows = np.flatnonzero(np.abs(values) > LARGEST)
    if not len(rows):
        return ""
    what = "infinity" if np.isinf(values).any() else f"one beyond {LARGEST:g}"
    return f"{what} in {len(rows):,} rows (first: row {rows[0]})"
