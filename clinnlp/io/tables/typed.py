"""The columns of a table file by their types, each cell checked, a fault with its line.

CSV is read as this library writes it: what a spreadsheet would run as a formula has lost its
apostrophe again (`core.formulas`), and an empty cell of a number is ``nan``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Floats, Ints
from clinnlp.core.arrow import column_arrays
from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.formulas import unguarded
from clinnlp.core.name_lists import split_names
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.columns import check_columns, columns_named
from clinnlp.io.tables.numbers import TWO_MEANINGS, AmbiguousNumberError
from clinnlp.io.tables.parquet import parquet_facts, parquet_names, parquet_table
from clinnlp.io.tables.rows import column_names, read_rows, table_form

__all__ = ["TypedTable", "read_typed"]

_FLAGS = {"true": True, "false": False}


class TypedTable:
    """Columns of a table file, looked at when they are asked for.

    Parameters
    ----------
    path : Path
    columns : mapping of str to list or array
        Text of CSV; numbers of Parquet as arrays, its other values as they are.
    lines : sequence of int
        Where each row begins.
    facts : mapping of str to value
        What a Parquet file of ours says beside its rows.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Sequence[Any] | Array],
        lines: Sequence[int],
        facts: Mapping[str, Any],
    ) -> None:
        self.path, self.columns, self.lines, self.facts = path, columns, lines, facts

    def __len__(self) -> int:
        return len(self.lines)

    def text(self, name: str) -> Array:
        """Return a column of text."""
        column: Array = self._made(name, "text", _name, object)
        return column

    def whole(self, name: str, read: Callable[[Any], int] | None = None) -> Ints:
        """Return a column of whole numbers from 0; `read` reads those that stand there as text."""
        values = self.columns[name]
        if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
            self.check(values >= 0, f"column {name!r} must hold whole numbers from 0")
            return values.astype(np.int64)
        column: Ints = self._made(name, "whole numbers from 0", read or _whole, np.int64)
        return column

    def real(self, name: str) -> Floats:
        """Return a column of numbers, ``nan`` where a cell is empty."""
        values = self.columns[name]
        if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
            return values.astype(np.float64)
        column: Floats = self._made(name, "numbers", _real, np.float64)
        return column

    def share(self, name: str) -> Floats:
        """Return a column of numbers from 0 to 1, ``nan`` where a cell is empty."""
        values = self.real(name)
        self.check(~((values < 0) | (values > 1)), f"column {name!r} must hold numbers from 0 to 1")
        return values

    def flag(self, name: str) -> Bools:
        """Return a column of True and False."""
        column: Bools = self._made(name, "True or False", _flag, np.bool_)
        return column

    def sets(self, name: str) -> tuple[frozenset[str], ...]:
        """Return a column of sets of names; equal cells share one."""
        known: dict[Any, frozenset[str]] = {}

        def read(value: Any) -> frozenset[str]:
            key = tuple(value) if isinstance(value, list) else value
            if key not in known:
                names = key if isinstance(key, tuple) else split_names(_name(key))
                known[key] = frozenset(map(_name, names))
            return known[key]

        return tuple(self._made(name, "sets of names", read, object).tolist())

    def one(self, name: str, values: Array, default: Any) -> Any:
        """Return what all rows of a column say, as it must be one thing; without rows a default."""
        if not len(values):
            return default
        self.check(values == values[0], f"column {name!r} must hold one value in all rows")
        return values[0].item() if isinstance(values[0], np.generic) else values[0]

    def check(self, right: Bools, said: str) -> None:
        """Raise `DataError` with the line of the first row that is not right."""
        wrong = np.flatnonzero(~np.asarray(right, bool))
        if len(wrong):
            raise self.error(int(wrong[0]), said)

    def error(self, row: int, said: str) -> DataError:
        """Return an error that names the line of a row."""
        return DataError(f"{said}, got another value", path=self.path, line=self.lines[row])

    def _made(self, name: str, said: str, read: Callable[[Any], Any], dtype: Any) -> Any:
        made: list[Any] = []

        def refusal(error: Exception) -> DataError:
            must, row = f"column {name!r} must hold {said}", len(made)
            if isinstance(error, AmbiguousNumberError):
                return DataError(f"{must}, {TWO_MEANINGS}", path=self.path, line=self.lines[row])
            return self.error(row, must)

        with instead_of((ValueError, TypeError, OverflowError), refusal):
            made.extend(map(read, self.columns[name]))  # those before a fault are in it
        column = np.empty(len(made), dtype)
        column[:] = made
        return column


def read_typed(
    path: str | Path,
    wanted: Iterable[str],
    *,
    also: Iterable[str] = (),
    named: Mapping[str, str] | None = None,
    dialect: Dialect | None = None,
    guarded: bool = True,
) -> TypedTable:
    """Return columns of a CSV or Parquet file.

    Parameters
    ----------
    path : path
    wanted, also : iterable of str
        Columns that must be there, and those that are read where they are.
    named : mapping of str to str, optional
        How a wanted column is called in the file.
    dialect : Dialect, optional
        How text is written; as this library writes it by default.
    guarded : bool
        Whether the text of CSV is guarded, as this library writes it.

    Raises
    ------
    DataError
        A column is missing, or the file cannot be read.
    """
    path, called = check_file(path), dict(named or {})
    is_parquet = table_form(path) == "parquet"
    how = dialect or Dialect(sep=",")
    names = parquet_names(path) if is_parquet else column_names(path, dialect=how)
    wanted = list(wanted)
    there = [names[k] for k in check_columns([called.get(n, n) for n in wanted], names, path)]
    keys = dict(zip(wanted, there, strict=True))
    keys |= columns_named([n for n in also if n not in keys], names)
    if is_parquet:
        read = list(keys.values())
        arrays = column_arrays(parquet_table(path, read), read)
        lines = range(1, len(arrays[0]) + 1)
        return TypedTable(
            path, dict(zip(keys, arrays, strict=True)), lines, parquet_facts(path) or {}
        )
    bare = unguarded if guarded else str
    rows = list(read_rows(path, list(keys.values()), dialect=how))
    columns = {name: [bare(row[k]) for _, row in rows] for k, name in enumerate(keys)}
    return TypedTable(path, columns, [line for line, _ in rows], {})


def _whole(value: Any) -> int:
    number = _real(value)
    if not number.is_integer() or not 0 <= number < 2**63:
        raise ValueError
    return int(value) if isinstance(value, str) and value.strip().isdigit() else int(number)


def _real(value: Any) -> float:
    if isinstance(value, str) and "_" in value:  # which Python reads as a number
        raise ValueError
    return float("nan") if value is None or value == "" else float(value)


def _flag(value: Any) -> bool:
    found = value if isinstance(value, bool) else _FLAGS.get(str(value).casefold())
    if found is None:
        raise ValueError
    return found


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
