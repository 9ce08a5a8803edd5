"""A table of equally long columns under a schema: what tables of mentions and events share.

A schema names each column's kind; missing is ``None`` in text, ``nan`` in numbers, ``NaT`` in times
and -1 in a flag (-1 not assessed, 0 no, 1 yes). Text may be held as codes into its distinct values
(`core.coded`), and becomes an array of objects where one is asked for. Times are read as all others
(`core.times`); when something was `known` on a mere day, that is the last second of the day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, objects
from clinnlp.core.arrow import encoded, foreign_columns, is_frame, table_to_arrow
from clinnlp.core.coded import Coded
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.numbers import large_rows
from clinnlp.core.times import known_from, to_second

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["KNOWN", "Table"]

KNOWN = "known"
"""The column that says when something could first be read."""

_DTYPES: dict[str, Any] = {
    "text": object,
    "int": np.int64,
    "float": np.float64,
    "time": "datetime64[s]",
    "flag": np.int8,
}
_MISSING: dict[str, Any] = {
    "text": None,
    "float": np.nan,
    "time": np.datetime64("NaT", "s"),
    "flag": -1,
}
_TO_ITS_END = np.timedelta64(86_399, "s")
_ALLOWED = {
    "int": "whole numbers",
    "float": "numbers",
    "time": "times",
    "flag": "-1, 0 or 1",
}


class Table:
    """Equal-length columns under a schema; the base of `EntityTable` and `EventTable`.

    Parameters
    ----------
    columns : mapping of str to array, or of text to `Coded`
        Columns absent here hold missing values, where their kind has one.

    Raises
    ------
    ArgumentError
        An unknown column, unequal lengths, a required column absent, or infinity or a number beyond
        1e100 where a number must be finite.
    """

    SCHEMA: ClassVar[dict[str, str]] = {}
    FINITE: ClassVar[tuple[str, ...]] = ()  # numbers that may not be infinite, nor beyond 1e100
    DISPLAYED: ClassVar[tuple[str, ...]] = ()  # in a notebook, unasked: no text and no patient

    def __init__(self, columns: Mapping[str, ArrayLike | Sequence[Any] | Coded]) -> None:
        unknown = set(columns) - set(self.SCHEMA)
        if unknown:
            raise ArgumentError(
                f"columns of {type(self).__name__} must be among {', '.join(self.SCHEMA)}, "
                f"got {', '.join(sorted(unknown))}"
            )
        made = {name: _column(columns[name], self.SCHEMA[name], name) for name in columns}
        lengths = {len(values) for values in made.values()}
        if len(lengths) > 1:
            raise ArgumentError(
                f"columns of {type(self).__name__} must be equally long, got {sorted(lengths)}"
            )
        _check_finite(made, self.FINITE)
        self._n = lengths.pop() if lengths else 0
        needed = [n for n, kind in self.SCHEMA.items() if n not in made and kind not in _MISSING]
        if self._n and needed:
            raise ArgumentError(f"{type(self).__name__} needs the column {needed[0]!r}, got none")
        # A column that is absent, or given as codes, becomes an array when it is asked for
        self._coded = {name: held for name, held in made.items() if isinstance(held, Coded)}
        self._columns = {name: h for name, h in made.items() if not isinstance(h, Coded)}

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Return the table of an iterable of mappings; absent keys are missing values."""
        columns: dict[str, list[Any]] = {name: [] for name in cls.SCHEMA}
        missing = {name: _MISSING.get(kind) for name, kind in cls.SCHEMA.items()}
        for row in rows:
            for name, values in columns.items():
                values.append(row.get(name, missing[name]))
        for name, kind in cls.SCHEMA.items():
            if kind == "int" and None in columns[name]:
                raise ArgumentError(f"each row of {cls.__name__} needs {name!r}, got one without")
        return cls(columns)

    @classmethod
    def concat(cls, tables: Iterable[Self]) -> Self:
        """Return the rows of all tables, in order."""
        tables = [table for table in tables if len(table)]
        held = [name for name in cls.SCHEMA if any(table._holds(name) for table in tables)]
        made: dict[str, Any] = {}
        for name in held:
            if all(name not in table._columns for table in tables):
                made[name] = Coded.concat([table.coded(name) for table in tables])
            else:
                made[name] = np.concatenate([table[name] for table in tables])
        return cls(made)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, name: str) -> Array:
        self._check_name(name)
        if name not in self._columns:
            if name in self._coded:
                self._columns[name] = self._coded[name].array()
            else:
                kind = self.SCHEMA[name]
                self._columns[name] = np.full(self._n, _MISSING.get(kind, 0), _DTYPES[kind])
        return self._columns[name]

    def coded(self, name: str) -> Coded:
        """Return a column of text as codes into its distinct values.

        Examples
        --------
        >>> from clinnlp.core.tables import EventTable
        >>> EventTable({"patient": ["p", "p"], "code": ["a", "b"]}).coded("patient").codes.tolist()
        [0, 0]
        """
        self._check_name(name)
        if name not in self._coded:
            if name not in self._columns:
                return Coded.missing(self._n)
            self._coded[name] = encoded(self._columns[name])
        return self._coded[name]

    def replaced(self, columns: Mapping[str, ArrayLike | Sequence[Any] | Coded]) -> Self:
        """Return the table with some columns in place of its own."""
        kept = {name: held for name, held in self._given().items() if name not in columns}
        return type(self)({**kept, **columns})

    def _check_name(self, name: str) -> None:
        if name not in self.SCHEMA:
            raise ArgumentError(
                f"column of {type(self).__name__} must be one of {', '.join(self.SCHEMA)}, "
                f"got {name!r}"
            )

    def _holds(self, name: str) -> bool:
        """Return whether a column was given or made."""
        return name in self._columns or name in self._coded

    def _given(self) -> dict[str, Any]:
        """Return the columns there are, those of text as codes where these are known."""
        return {**self._columns, **self._coded}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows)"

    def _repr_html_(self) -> str:
        first = self.take(np.arange(min(len(self), N_ROWS)))
        columns = {name: first._displayed(name) for name in self.DISPLAYED}
        told = {n: values for n, values in columns.items() if any(v is not None for v in values)}
        rest = f"{len(self.SCHEMA)} columns, all of them in to_pandas(); no text is shown here."
        facts = {"rows": len(self)}
        return display_html(
            type(self).__name__, facts=facts, columns=told, n_rows=len(self), notes=[rest]
        )

    def _displayed(self, name: str) -> list[Any]:
        """Return a column as plain values, None where missing."""
        values, kind = self[name].tolist(), self.SCHEMA[name]
        if kind == "flag":
            return [None if v < 0 else v == 1 for v in values]
        return [None if v is None or v != v or v == "" else v for v in values]

    def take(self, where: Array) -> Self:
        """Return the rows at a boolean mask or at integer positions."""
        given = self._given().items()
        return type(self)(
            {name: v.take(where) if isinstance(v, Coded) else v[where] for name, v in given}
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dict of plain Python values."""
        names = list(self.SCHEMA)
        for values in zip(*(self[name].tolist() for name in names), strict=True):
            yield dict(zip(names, values, strict=True))

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame; flags become nullable booleans."""
        import pandas as pd

        frame = pd.DataFrame({name: self[name] for name in self.SCHEMA}, copy=False)
        for name, kind in self.SCHEMA.items():
            if kind == "flag":
                values = self[name]
                frame[name] = pd.array(np.where(values < 0, None, values == 1), dtype="boolean")
        return frame

    def to_arrow(self) -> "pa.Table":
        """Return a pyarrow Table, which polars, DuckDB and others take; missing values are null."""
        return table_to_arrow(self)

    @classmethod
    def from_pandas(cls, frame: Any) -> Self:
        """Return the table of a DataFrame whose columns are named as in the schema.

        Any other table with the Arrow interface (polars, DuckDB, pyarrow) is taken too.

        Raises
        ------
        ArgumentError
            No such table, or a column that is not of the type of the schema.
        """
        if not is_frame(frame):
            return cls(foreign_columns(cls.SCHEMA, frame))
        import pandas as pd

        columns: dict[str, Any] = {}
        for name in (str(c) for c in frame.columns if c in cls.SCHEMA):
            values = frame[name]
            kind = cls.SCHEMA[name]
            if kind == "flag":
                columns[name] = values.astype("boolean").astype("Int8").fillna(-1).to_numpy(np.int8)
            elif kind == "text":
                columns[name] = values.astype(object).where(values.notna(), None).to_numpy(object)
            elif kind == "time":
                # other than text and days they have a type that numpy knows
                plain = pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values)
                held = values.astype(object).where(values.notna(), None)
                columns[name] = held.tolist() if plain else _utc(values)
            else:
                columns[name] = values.to_numpy()
        return cls(columns)


def _utc(values: Any) -> Array:
    """Return a column of times of pandas, in UTC where it has a zone."""
    import pandas as pd

    times: Array = pd.to_datetime(values).to_numpy("datetime64[s]")
    return times


def _column(values: ArrayLike | Sequence[Any] | Coded, kind: str, name: str) -> Array | Coded:
    if isinstance(values, Coded):
        return values if kind == "text" else _column(values.array(), kind, name)
    if kind == "text":
        if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
            return values.copy()
        return objects(values)  # type: ignore[arg-type]
    with instead_of((ValueError, TypeError, OverflowError), partial(_refusal, name, kind)):
        return _times(values, name) if kind == "time" else np.asarray(values, dtype=_DTYPES[kind])


def _check_finite(columns: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if name in columns and (got := large_rows(columns[name])):
            raise ArgumentError(f"column {name!r} must hold finite numbers, got {got}")


def _times(values: Any, name: str) -> Array:
    """Return times to the second; one with a zone is turned into UTC."""
    kind = values.dtype.kind if isinstance(values, np.ndarray) else "O"
    if kind in "OUT" and any(map(_is_written, values)):
        read = known_from if name == KNOWN else to_second
        made = [_MISSING["time"] if _is_none(v) else read(v) for v in values]
        return np.array(made, _DTYPES["time"])
    times = np.asarray(values, _DTYPES["time"])
    days = kind == "M" and name == KNOWN and np.datetime_data(values.dtype)[0] == "D"
    return times + _TO_ITS_END if days else times


def _is_written(value: Any) -> bool:
    """Return whether a time is text, a mere day, or has a zone."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return isinstance(value, str | date)


def _is_none(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and value in ("", "NaT"))


def _refusal(name: str, kind: str, error: Exception) -> ArgumentError:
    """Return what to say of a column; the message of `error` quotes a value, its type does not."""
    return ArgumentError(
        f"column {name!r} must hold {_ALLOWED[kind]}, got another value ({type(error).__name__})"
    )
