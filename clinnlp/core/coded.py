"""Columns of text as codes: a whole number per row, and each distinct value once.

Millions of rows hold few different codes, kinds and patients. Whoever counts looks at each value
once and at the rows as arrays of numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Counts, Ints, Ints32, objects

__all__ = ["Coded", "first_seen"]

_FEW = 1024  # values that need no tidying


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """A column of values that repeat.

    Parameters
    ----------
    values : array of objects, shape (n_values,)
        Distinct; some may stand in no row.
    codes : array of int32, shape (n_rows,)
        Which of the values stands in a row; -1 where it is missing.

    Examples
    --------
    >>> column = Coded.of(["b", None, "a", "b"])
    >>> column.values.tolist(), column.codes.tolist()
    (['b', 'a'], [0, -1, 1, 0])
    >>> column.array().tolist(), column.counts().tolist()
    (['b', None, 'a', 'b'], [2, 1])
    """

    values: Array
    codes: Ints32

    @classmethod
    def of(cls, rows: Iterable[Any]) -> "Coded":
        """Return the column of some values in order of first sight; None is missing."""
        seen: dict[Any, int] = {}
        codes = [-1 if row is None else seen.setdefault(row, len(seen)) for row in rows]
        return cls(values=objects(list(seen)), codes=np.array(codes, np.int32))

    @classmethod
    def missing(cls, n: int) -> "Coded":
        """Return a column of so many rows without a value."""
        return cls(values=objects([]), codes=np.broadcast_to(np.int32(-1), (n,)))

    @classmethod
    def concat(cls, parts: Sequence["Coded"]) -> "Coded":
        """Return the rows of all parts, in order."""
        seen: dict[Any, int] = {}
        codes = [np.empty(0, np.int32)]
        for part in parts:
            of = [seen.setdefault(value, len(seen)) for value in part.values.tolist()]
            codes.append(np.array([*of, -1], np.int32)[part.codes])
        return cls(values=objects(list(seen)), codes=np.concatenate(codes))

    def __len__(self) -> int:
        return len(self.codes)

    def array(self) -> Array:
        """Return the value of each row, None where it is missing."""
        return np.append(self.values, _NONE)[self.codes]

    def take(self, where: Array) -> "Coded":
        """Return the rows at a boolean mask or at integer positions."""
        codes = self.codes[where]
        if len(self.values) <= max(_FEW, 2 * len(codes)):
            return Coded(values=self.values, codes=codes)
        held, at = np.unique(codes, return_inverse=True)  # of many values few are left
        lost = int(len(held) > 0 and held[0] < 0)
        return Coded(values=self.values[held[lost:]], codes=(at - lost).astype(np.int32))

    def counts(self, where: Array | None = None) -> Counts:
        """Return how many rows hold each value, of all rows or of those at a mask or positions."""
        codes = self.codes if where is None else self.codes[where]
        return np.bincount(codes + 1, minlength=len(self.values) + 1)[1:]

    def holding(self, test: Callable[[Any], Any]) -> Bools:
        """Return which rows have a value that a test lets pass; a missing one does not."""
        passed = [bool(test(value)) for value in self.values.tolist()]
        rows: Bools = np.array([*passed, False], np.bool_)[self.codes]
        return rows

    def present(self) -> Bools:
        """Return which rows have a value that is true; empty text and 0 are not."""
        rows: Bools = np.append(self.values.astype(np.bool_), False)[self.codes]
        return rows

    def renamed(self, names: Sequence[Any], where: Bools | None = None) -> "Coded":
        """Return the column with other values in place of its own, in all rows or those at a mask.

        `names` gives one of each value; equal ones become one value.

        Examples
        --------
        >>> column = Coded.of(["A", "a", "b"]).renamed(["a", "a", "b"])
        >>> column.values.tolist(), column.codes.tolist()
        (['a', 'b'], [0, 0, 1])
        """
        old = [] if where is None else self.values.tolist()
        seen = {value: k for k, value in enumerate(old)}
        of = [seen.setdefault(name, len(seen)) for name in names]
        codes = np.array([*of, -1], np.int32)[self.codes]
        if where is not None:
            codes = np.where(where, codes, self.codes)
        return Coded(values=objects(list(seen)), codes=codes)

    def filled(self, value: Any) -> "Coded":
        """Return the column with a value where it is missing."""
        seen = {each: k for k, each in enumerate(self.values.tolist())}
        code = np.int32(seen.setdefault(value, len(seen)))
        codes = np.where(self.codes < 0, code, self.codes)
        return Coded(values=objects(list(seen)), codes=codes)


def first_seen(codes: Array, n: int) -> tuple[Ints32, Ints]:
    """Return codes below `n` as numbers in order of first sight, and which code each number is.

    Examples
    --------
    >>> numbers, order = first_seen(np.array([4, 2, 4, 0]), 5)
    >>> numbers.tolist(), order.tolist()
    ([0, 1, 0, 2], [4, 2, 0])
    """
    first = np.full(n, len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # of several the last stays
    held = np.flatnonzero(first < len(codes))
    order = held[np.argsort(first[held])]
    number = np.empty(n, np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[codes], order


_NONE = np.full(1, None, dtype=object)
