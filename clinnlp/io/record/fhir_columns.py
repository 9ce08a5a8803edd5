"""Rows as columns, of which some are filled in or taken back later; kept small in memory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["Columns"]

_CALLED = "name"  # of a code: another system may write another one
_OWN = "source_id"  # which no two rows share


class Columns:
    """Columns by name; a value not given is missing.

    Parameters
    ----------
    names : iterable of str
    missing : mapping of str to object
        What stands for a missing value, where that is not None.
    """

    def __init__(self, names: Iterable[str], missing: Mapping[str, Any]) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in names}
        self._missing = {name: missing.get(name) for name in self._columns}
        self._n = 0
        self._dropped: set[int] = set()
        self._words: dict[str, str] = {}  # each text once: a patient has thousands of rows

    def add(self, rows: Sequence[Mapping[str, Any]]) -> range:
        """Add rows, and return where they stand."""
        for row in rows:
            for name, column in self._columns.items():
                value = row.get(name, self._missing[name])
                if type(value) is str and name != _OWN:
                    value = self._words.setdefault(value, value)
                column.append(value)
        self._n += len(rows)
        return range(self._n - len(rows), self._n)

    def put(self, rows: range, **values: Any) -> None:
        """Fill in values, the same in all `rows`."""
        for name, value in values.items():
            self._columns[name][rows.start : rows.stop] = [value] * len(rows)

    def drop(self, rows: range) -> bool:
        """Take rows back, and return whether they were still there."""
        there = bool(rows) and rows.start not in self._dropped
        self._dropped.update(rows)
        return there

    def equal(self, rows: range, others: Sequence[Mapping[str, Any]]) -> bool:
        """Return whether rows that are there say the same as others."""
        if len(rows) != len(others) or not rows or rows.start in self._dropped:
            return False
        return all(
            _same(column[at], other.get(name, self._missing[name]))
            for at, other in zip(rows, others, strict=True)
            for name, column in self._columns.items()
            if name != _CALLED
        )

    def kept(self) -> dict[str, list[Any]]:
        """Return the columns of the rows that were not taken back."""
        if not self._dropped:
            return self._columns
        at = [i for i in range(self._n) if i not in self._dropped]
        return {name: [column[i] for i in at] for name, column in self._columns.items()}

    def rows(self) -> Iterable[dict[str, Any]]:
        """Yield what `kept` holds, row by row."""
        columns = self.kept()
        return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _same(value: Any, other: Any) -> bool:
    return bool(value == other or (value != value and other != other))
