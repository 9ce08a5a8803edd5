"""Columnar tables: mentions, events, features, outcomes and baskets.

Millions of rows are arrays, never objects. A schema names each column's kind; missing is
``None`` in text, ``nan`` in numbers, ``NaT`` in times and -1 in a flag (-1 not assessed, 0 no,
1 yes).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from clinnlp.core.arrays import Array, Ints
from clinnlp.core.arrow import foreign_columns, is_frame, table_to_arrow
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.notes import AXES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "CHANGES",
    "COURSES",
    "DAILY",
    "DOSES",
    "LEAVING",
    "TAKEN",
    "Baskets",
    "EntityTable",
    "EventTable",
    "FeatureMatrix",
    "Outcome",
    "Table",
]

CHANGES = ("start", "stop", "hold", "increase", "decrease", "continue")  # of how a drug is taken
LEAVING = ("stop", "hold")  # those after which a patient does not take it
COURSES = ("ended", "chronic", "unknown")  # of a condition
TAKEN = (  # the words that a note says of how a drug is taken
    *("dose", "strength", "form", "route", "frequency", "duration", "schedule", "indication"),
    "dose_before",
)
DAILY = ("daily_mg", "daily_mg_low", "daily_mg_high")  # the two ends where it is a range
DOSES = tuple(  # the other numbers of a prescription
    f"{name}{end}"
    for name in ("dose_mg", "doses_per_day", "duration_days")
    for end in ("", "_low", "_high")
)

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
_ALLOWED = {
    "int": "whole numbers",
    "float": "numbers",
    "time": "times without zone",
    "flag": "-1, 0 or 1",
}


class Table:
    """Equal-length columns under a schema; the base of `EntityTable` and `EventTable`.

    Parameters
    ----------
    columns : mapping of str to array
        Columns absent here are filled with missing values, where their kind has one.

    Raises
    ------
    ArgumentError
        An unknown column, unequal lengths, or a required column absent.
    """

    SCHEMA: ClassVar[dict[str, str]] = {}

    def __init__(self, columns: Mapping[str, ArrayLike | Sequence[Any]]) -> None:
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
        n = lengths.pop() if lengths else 0
        self._columns = {
            name: made[name] if name in made else self._filled(name, n) for name in self.SCHEMA
        }

    def _filled(self, name: str, n: int) -> Array:
        kind = self.SCHEMA[name]
        if n and kind not in _MISSING:
            raise ArgumentError(f"{type(self).__name__} needs the column {name!r}, got none")
        return np.full(n, _MISSING.get(kind, 0), dtype=_DTYPES[kind])

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
        tables = list(tables)
        if not tables:
            return cls({})
        return cls({name: np.concatenate([t[name] for t in tables]) for name in cls.SCHEMA})

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> Array:
        if name not in self._columns:
            raise ArgumentError(
                f"column of {type(self).__name__} must be one of {', '.join(self.SCHEMA)}, "
                f"got {name!r}"
            )
        return self._columns[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows)"

    def take(self, where: Array) -> Self:
        """Return the rows at a boolean mask or at integer positions."""
        return type(self)({name: values[where] for name, values in self._columns.items()})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dict of plain Python values."""
        names = list(self._columns)
        for values in zip(*(c.tolist() for c in self._columns.values()), strict=True):
            yield dict(zip(names, values, strict=True))

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame; flags become nullable booleans."""
        import pandas as pd

        frame = pd.DataFrame(self._columns, copy=False)
        for name, kind in self.SCHEMA.items():
            if kind == "flag":
                values = self._columns[name]
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
                columns[name] = pd.to_datetime(values).to_numpy("datetime64[s]")
            else:
                columns[name] = values.to_numpy()
        return cls(columns)


class EntityTable(Table):
    """One row per mention.

    `text` is the mention; `concept` the first of its concepts; `n_concepts` how many it has;
    `section` the kind of the section it stands in, `note_kind` that of its note; `name` the
    preferred name of its concept. Assertion axes are flags, ``<axis>_cue`` the words that decided,
    without commas and colons at their ends.
    `change` is what the note says of a drug, one of `CHANGES`; `dose` and the columns behind it are
    the attributes that `Medications` gives; where `daily_mg`, `dose_mg`, `doses_per_day` or
    `duration_days` is a range it is missing, and its ends stand in two columns; `course` is what
    became of a condition, one of `COURSES`. What the note does not say is missing, as is a
    column in tables written before there was one.
    """

    SCHEMA: ClassVar[dict[str, str]] = {
        "note": "text",
        "patient": "text",
        "encounter": "text",
        "time": "time",
        "known": "time",
        "entity": "text",
        "label": "text",
        "start": "int",
        "end": "int",
        "text": "text",
        "concept": "text",
        "n_concepts": "int",
        **dict.fromkeys(AXES, "flag"),
        "change": "text",
        "section": "text",
        "score": "float",
        "source": "text",
        "note_kind": "text",
        "name": "text",
        **dict.fromkeys((f"{axis}_cue" for axis in AXES), "text"),
        **dict.fromkeys(TAKEN, "text"),
        "prn": "flag",
        **dict.fromkeys(DAILY, "float"),
        "course": "text",
        **dict.fromkeys(DOSES, "float"),
    }


class EventTable(Table):
    """One row per structured event of a patient.

    A measurement has a `value`. Where its source only says that it lies below or above one,
    `comparator` is ``<``, ``<=``, ``>`` or ``>=``, and `value` is the limit it names; where it says
    a word, there is no value, and `result` is ``neg``, ``pos``, ``trace`` or ``1+`` to ``4+``.
    `normal_from` and `normal_to` are the range that the source calls normal, in the same unit.
    """

    SCHEMA: ClassVar[dict[str, str]] = {
        "patient": "text",
        "encounter": "text",
        "start": "time",
        "end": "time",
        "known": "time",
        "code": "text",
        "vocabulary": "text",
        "kind": "text",
        "value": "float",
        "unit": "text",
        "dose": "text",
        "source_id": "text",
        "comparator": "text",
        "normal_from": "float",
        "normal_to": "float",
        "result": "text",
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureMatrix:
    """Features by patient.

    Parameters
    ----------
    values : csr_matrix of float64, shape (n_patients, n_features)
    patients : array of str, shape (n_patients,)
    names : tuple of str, length n_features
    n_excluded : mapping of reason to count
        Rows of the sources that were not used, and why.
    """

    values: sparse.csr_matrix
    patients: Array
    names: tuple[str, ...]
    n_excluded: Mapping[str, int]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.patients), len(self.names)):
            raise ArgumentError(
                f"values of a feature matrix must have shape ({len(self.patients)}, "
                f"{len(self.names)}), got {self.values.shape}"
            )

    def __repr__(self) -> str:
        return f"FeatureMatrix({self.values.shape[0]} patients, {self.values.shape[1]} features)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Whom a risk model predicts for: index time and binary outcome per row.

    Parameters
    ----------
    patients : array of str, shape (n,)
        The cluster for splits and intervals; may repeat where a patient has several rows.
    index : array of datetime64[s], shape (n,)
        Nothing known at or after this time may be used.
    values : array of int8, shape (n,)
        0 or 1.
    """

    patients: Array
    index: Array
    values: NDArray[np.int8]

    def __post_init__(self) -> None:
        if not len(self.patients) == len(self.index) == len(self.values):
            raise ArgumentError(
                "patients, index and values of an outcome must be equally long, got "
                f"{len(self.patients)}, {len(self.index)} and {len(self.values)}"
            )
        if not np.isin(self.values, (0, 1)).all():
            raise ArgumentError("values of an outcome must be 0 or 1, got another number")

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        return f"Outcome({len(self)} rows, {int(np.sum(self.values))} positive)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baskets:
    """Sets of items, one set per unit of observation.

    Parameters
    ----------
    matrix : csr_matrix of int8, shape (n_baskets, n_items)
        1 where the basket holds the item.
    ids : array of str, shape (n_baskets,)
    items : tuple of str, length n_items
    kinds : tuple of str, length n_items
        ``"drug"``, ``"outcome"``, ``"condition"`` or a label.
    unit : str
        What a basket is: ``"note"``, ``"encounter"``, ``"patient"``, ...
    evidence : array of int64, shape (n_mentions, 3)
        Sorted rows (basket, item, row of `entities` or else of `events`); empty where the source
        is neither.
    entities : EntityTable or None
        The mentions that evidence points to.
    n_excluded : mapping of str to int
        Mentions left out by each named filter.
    n_unassessed : mapping of str to int
        Mentions that passed an assertion filter only because nobody assessed that axis.
    n_chronic : int
        Historical mentions that passed it because the condition is chronic.
    n_concept, n_text : int
        Mentions whose item is a concept id, and whose item is the folded text.
    events : EventTable or None
        The events that evidence points to, where baskets come from events.
    patients : array of str or None, shape (n_baskets,), optional
        Whose each basket is, where the source says so.
    n_rolled_up : mapping of str to int
        Of the codes, how many count as an ancestor, and how many stand below none asked for.
    """

    matrix: sparse.csr_matrix
    ids: Array
    items: tuple[str, ...]
    kinds: tuple[str, ...]
    unit: str
    evidence: Ints
    entities: EntityTable | None
    n_excluded: Mapping[str, int]
    n_unassessed: Mapping[str, int]
    n_chronic: int = 0
    n_concept: int = 0
    n_text: int = 0
    events: EventTable | None = None
    patients: Array | None = None
    n_rolled_up: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.ids), len(self.items))
        if self.matrix.shape != shape or len(self.kinds) != len(self.items):
            raise ArgumentError(
                f"matrix of baskets must have shape {shape} and one kind per item, "
                f"got {self.matrix.shape} and {len(self.kinds)} kinds"
            )
        if self.patients is not None and len(self.patients) != len(self.ids):
            raise ArgumentError(
                f"patients of baskets must be one per basket, got {len(self.patients)} for "
                f"{len(self.ids)}"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Baskets({len(self)} x {len(self.items)} items, unit={self.unit!r})"

    def rows_behind(self, items: Iterable[str]) -> Ints:
        """Return the rows behind `items` in the baskets that hold all of them.

        The rows are of `entities`, or of `events` where there are no mentions.
        """
        wanted = [self.items.index(item) for item in items]
        columns = self.matrix.tocsc()
        holding = None
        for j in wanted:
            found = columns.indices[columns.indptr[j] : columns.indptr[j + 1]]
            holding = found if holding is None else np.intersect1d(holding, found)
        if holding is None or not len(self.evidence):
            return np.empty(0, np.int64)
        keep = np.isin(self.evidence[:, 0], holding) & np.isin(self.evidence[:, 1], wanted)
        rows: Ints = self.evidence[keep, 2]
        return rows


def _column(values: ArrayLike | Sequence[Any], kind: str, name: str) -> Array:
    if kind == "text":
        if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
            return values.copy()
        rows = list(values)  # type: ignore[arg-type]
        column: Array = np.full(len(rows), None, dtype=object)
        column[:] = rows
        return column
    with instead_of((ValueError, TypeError, OverflowError), partial(_refusal, name, kind)):
        return np.asarray(values, dtype=_DTYPES[kind])


def _refusal(name: str, kind: str, error: Exception) -> ArgumentError:
    """Return what to say of a column; the message of `error` quotes a value, its type does not."""
    return ArgumentError(
        f"column {name!r} must hold {_ALLOWED[kind]}, got another value ({type(error).__name__})"
    )
