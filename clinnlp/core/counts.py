"""Counts and the ratios derived from them.

Counts are kept, ratios are functions of them; 0/0 is ``nan`` and a true limit stays ``inf``.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.errors import ArgumentError

__all__ = ["PRF", "Estimate", "Table2x2", "ratio"]

_MOST = math.isqrt(2**63 - 1)  # a product of two such counts is an int64


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A reported number with its interval and how it was made.

    Two are equal where all they say is, ``nan`` included, in every version of Python.

    Parameters
    ----------
    value, low, high : float
        The number and the ends of its interval, ``nan`` where there is none.
    level : float
        Coverage of the interval, 0 to 1.
    method : str
        How the interval was made, and over what.

    Examples
    --------
    >>> print(Estimate(value=0.8126, low=0.801, high=0.8239, method="document bootstrap"))
    0.813 [0.801, 0.824]
    >>> print(Estimate(value=0.8126, low=math.nan, high=math.nan))
    0.813
    """

    value: float
    low: float
    high: float
    level: float = 0.95
    method: str = ""

    def _said(self) -> tuple[float | str | None, ...]:
        numbers = (self.value, self.low, self.high, self.level)
        return (*(None if math.isnan(x) else x for x in numbers), self.method)

    def __eq__(self, other: object) -> bool:
        return self._said() == other._said() if isinstance(other, Estimate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._said())

    def __str__(self) -> str:
        if math.isnan(self.low) and math.isnan(self.high):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio(numerator: Any, denominator: Any) -> Floats:
    """Return ``numerator / denominator`` in float64 without warnings: 0/0 nan, x/0 ±inf."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, np.float64) / np.asarray(denominator, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class PRF:
    """True positives, false positives and false negatives, with precision, recall and F1.

    Parameters
    ----------
    tp, fp, fn : int
        Counts of true positives, false positives and false negatives.

    Examples
    --------
    >>> PRF(tp=8, fp=2, fn=0).f1
    0.8888888888888888
    >>> PRF(tp=0, fp=0, fn=0).precision
    nan
    """

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """tp / (tp + fp)."""
        return float(ratio(self.tp, self.tp + self.fp))

    @property
    def recall(self) -> float:
        """tp / (tp + fn)."""
        return float(ratio(self.tp, self.tp + self.fn))

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn)."""
        return float(ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn))

    def __add__(self, other: "PRF") -> "PRF":
        return PRF(tp=self.tp + other.tp, fp=self.fp + other.fp, fn=self.fn + other.fn)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table2x2:
    """Many 2×2 tables at once, by their counts.

    Parameters
    ----------
    n_ab, n_a, n_b, n : arrays of int64, one shape (scalars broadcast)
        Baskets with both, with A, with B, and all.

        n is at most 3,037,000,499, so that a product of two counts is exact.

    Raises
    ------
    ArgumentError
        A cell of some table would be negative, n is too large, or a count is no whole number.

    Examples
    --------
    >>> t = Table2x2(n_ab=3, n_a=5, n_b=6, n=20)
    >>> [int(x) for x in (t.a, t.b, t.c, t.d)]
    [3, 2, 3, 12]
    """

    n_ab: Counts
    n_a: Counts
    n_b: Counts
    n: Counts

    def __post_init__(self) -> None:
        names = ("n_ab", "n_a", "n_b", "n")
        raw = [np.asarray(getattr(self, name)) for name in names]
        for name, values in zip(names, raw, strict=True):
            _check_margin(name, values)
        shape = np.broadcast_shapes(*(values.shape for values in raw))
        for name, values in zip(names, raw, strict=True):
            object.__setattr__(self, name, np.broadcast_to(values.astype(np.int64), shape))
        cells = (self.a, self.b, self.c, self.d)
        if min((cell.min() for cell in cells if cell.size), default=0) < 0:
            raise ArgumentError("cells of a 2x2 table must be at least 0, got a negative one")

    @property
    def a(self) -> Counts:
        """A and B."""
        return self.n_ab

    @property
    def b(self) -> Counts:
        """A without B."""
        return self.n_a - self.n_ab

    @property
    def c(self) -> Counts:
        """B without A."""
        return self.n_b - self.n_ab

    @property
    def d(self) -> Counts:
        """Neither."""
        return self.n - self.n_a - self.n_b + self.n_ab


def _check_margin(name: str, values: np.ndarray[Any, Any]) -> None:
    if values.dtype.kind not in "iu":
        raise ArgumentError(f"{name} of a 2x2 table must be integers, got {values.dtype}")
    if values.size and values.max() > _MOST:
        raise ArgumentError(
            f"{name} of a 2x2 table must be at most {_MOST:,}, got {int(values.max()):,}: "
            "products of larger ones are not exact; count parts of the baskets, or a sample"
        )
