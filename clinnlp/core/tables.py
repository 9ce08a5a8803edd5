"""Columnar tables: mentions, events, features, outcomes and baskets.

Millions of rows are arrays, never objects (`core.columnar`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clinnlp.core.arrays import Array, Ints
from clinnlp.core.columnar import Table
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.item_names import shown_items
from clinnlp.core.notes import AXES

if TYPE_CHECKING:
    import pandas as pd

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
    "NamedItems",
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


class EntityTable(Table):
    """One row per mention.

    Made by `clinnlp.entity_table` and `clinnlp.read_entity_table`. What a note does not say is
    missing, as is a column in tables written before there was one. A flag is -1 where nobody
    assessed it, 0 no, 1 yes.

    Parameters
    ----------
    columns : mapping of str to array, shape (n_rows,) each
        By name, from those below; absent ones are missing values.

    Columns
    -------
    note, patient, encounter : text
        Ids of the note, of whom it is about, and of the stay.
    time, known : time
        What time the note speaks of, and when it could first be read (UTC, seconds).
    entity : text
        Id of the mention within its note.
    label : text
        Class of the mention.
    start, end : int
        Where it stands: code points from the beginning of the note, `end` not in it.
    text : text
        The mention itself.
    concept : text
        The first of its concepts.
    n_concepts : int
        How many concepts it has.
    negated, uncertain, hypothetical, historical, experiencer : flag
        What the note says of it; `experiencer` is 1 where it is someone else's.
    change : text
        How the taking of a drug changes: start, stop, hold, increase, decrease or continue.
    section : text
        Kind of the innermost section that holds the whole mention.
    score : float
        Probability in [0, 1] where a model made the mention.
    source : text
        Which pipe made it; missing for what was read.
    note_kind : text
        Kind of the note.
    name : text
        Preferred name of its concept.
    negated_cue, uncertain_cue, hypothetical_cue, historical_cue, experiencer_cue : text
        The words that decided the axis, without commas and colons at their ends.
    dose, strength, form, route, frequency, duration, schedule, indication, dose_before : text
        What the note says of how a drug is taken, in its own words; `dose_before` is the dose
        before a change.
    prn : flag
        Whether it is taken as needed.
    daily_mg, daily_mg_low, daily_mg_high : float
        Milligrams a day; of a range `daily_mg` is missing, its ends stand in the others.
    course : text
        What became of a condition: ended, chronic or unknown.
    dose_mg, dose_mg_low, dose_mg_high : float
        Milligrams taken at a time, and the ends of a range.
    doses_per_day, doses_per_day_low, doses_per_day_high : float
        Times a day, and the ends of a range.
    duration_days, duration_days_low, duration_days_high : float
        Days, and the ends of a range.

    Examples
    --------
    >>> row = {"note": "n1", "label": "Drug", "start": 0, "end": 7, "n_concepts": 0}
    >>> table = EntityTable.from_rows([row])
    >>> table["label"].tolist(), table["negated"].tolist()
    (['Drug'], [-1])
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
    DISPLAYED: ClassVar[tuple[str, ...]] = (
        *("note", "time", "label", "start", "end", "concept", "name", *AXES),
        *("change", "course", "daily_mg", "score", "source"),
    )


class EventTable(Table):
    """One row per structured event of a patient.

    Made by `clinnlp.read_events`, `clinnlp.stream_record` and the readers of records. A
    measurement has a `value`; where its source says a word in place of a number, a `result`.

    Parameters
    ----------
    columns : mapping of str to array, shape (n_rows,) each
        By name, from those below; absent ones are missing values.

    Columns
    -------
    patient, encounter : text
        Ids of whom it is about, and of the stay.
    start, end, known : time
        From when to when, and when it could first be read (UTC, seconds); an event without `known`
        is not used for prediction.
    code, vocabulary : text
        What happened, and whose code that is.
    name : text
        What the source calls its code.
    kind : text
        Such as drug, condition, outcome or measurement.
    value : float
        Number of a measurement, or the limit that `comparator` is about.
    unit : text
        Of `value`, as its source writes it.
    dose : text
        Of a drug.
    source_id : text
        Id of the row or resource it was read from.
    comparator : text
        ``<``, ``<=``, ``>`` or ``>=`` where the source only says on which side of `value` it lies.
    normal_from, normal_to : float
        The range that the source calls normal, in `unit`.
    result : text
        A result in a word: neg, pos, trace, or 1+ to 4+.

    Examples
    --------
    >>> table = EventTable({"patient": ["p1"], "code": ["718-7"], "value": [9.1], "unit": ["g/dL"]})
    >>> table["value"].tolist(), table["known"].tolist()
    ([9.1], [None])
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
        "name": "text",
    }
    DISPLAYED: ClassVar[tuple[str, ...]] = (
        *("start", "end", "known", "kind", "code", "vocabulary", "comparator", "value", "unit"),
    )


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

    Examples
    --------
    >>> values = sparse.csr_matrix([[1.0, 0.0], [1.0, 1.0]])
    >>> who = np.array(["p1", "p2"], dtype=object)
    >>> FeatureMatrix(values=values, patients=who, names=("a", "b"), n_excluded={})
    FeatureMatrix(2 patients, 2 features)
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

    Examples
    --------
    >>> index = np.array(["2024-01-10", "2024-02-01"], "datetime64[s]")
    >>> Outcome(patients=np.array(["p1", "p2"]), index=index, values=np.array([0, 1], np.int8))
    Outcome(2 rows, 1 positive)
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


class NamedItems:
    """Items that may have names; the base of `Baskets` and of what is known of them in a file."""

    __slots__ = ()
    names: Mapping[str, str]

    def called(self, item: str) -> str:
        """Return an item as a reader is told of it: its name, and its code in brackets.

        Examples
        --------
        >>> from clinnlp.features.baskets import event_baskets
        >>> columns = {"patient": ["p"], "code": ["DB01050"], "name": ["Ibuprofen"]}
        >>> sets = event_baskets(EventTable(columns | {"kind": ["drug"]}), unit="patient")
        >>> sets.called("DB01050")
        'Ibuprofen (DB01050)'
        """
        return f"{self.names[item]} ({item})" if item in self.names else str(item)

    def names_in_order(self, items: Iterable[str]) -> tuple[str, ...]:
        """Return the names of some items in the order of their codes; the item where it has none.

        Examples
        --------
        >>> from clinnlp.features.baskets import event_baskets
        >>> columns = {"patient": ["p", "p"], "code": ["d2", "d1"], "name": ["Ibuprofen", None]}
        >>> sets = event_baskets(EventTable(columns | {"kind": ["drug"] * 2}), unit="patient")
        >>> sets.names_in_order({"d2", "d1"})
        ('d1', 'Ibuprofen')
        """
        return tuple(self.names.get(item, str(item)) for item in sorted(items))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baskets(NamedItems):
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
    names : mapping of str to str
        The preferred name of each item that is a code and has one.
    n_folded : mapping of str to int
        How many ``spellings`` of items count as another spelling, and in how many ``rows``; empty
        where terms are not folded.

    Examples
    --------
    >>> matrix = sparse.csr_matrix(np.array([[1, 1], [0, 1]], np.int8))
    >>> drugs = Baskets(
    ...     matrix=matrix, ids=np.array(["p1", "p2"], dtype=object), items=("aspirin", "iron"),
    ...     kinds=("drug", "drug"), unit="patient", evidence=np.empty((0, 3), np.int64),
    ...     entities=None, n_excluded={}, n_unassessed={},
    ... )
    >>> drugs, drugs.matrix.sum(axis=0).tolist()
    (Baskets(2 x 2 items, unit='patient'), [[1, 2]])
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
    names: Mapping[str, str] = field(default_factory=dict)
    n_folded: Mapping[str, int] = field(default_factory=dict)

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

    def to_pandas(self, *, sparse: bool = False) -> "pd.DataFrame":
        """Return a one-hot DataFrame of bool as mlxtend takes it: a row per basket, by id.

        Parameters
        ----------
        sparse : bool
            Whether columns hold what is there alone: of many items that takes far less memory.

        Examples
        --------
        >>> from clinnlp.features.one_hot import as_baskets
        >>> as_baskets([["milk", "bread"], ["milk"]]).to_pandas().values.tolist()
        [[True, True], [False, True]]
        """
        import pandas as pd

        columns = pd.Index(list(self.items), tupleize_cols=False)
        labels: dict[str, Any] = {"index": pd.Index(self.ids), "columns": columns}
        if not sparse:
            return pd.DataFrame(self.matrix.toarray().astype(bool), **labels)
        held = self.matrix.astype(bool)
        return pd.DataFrame.sparse.from_spmatrix(held, **labels).astype(pd.SparseDtype(bool, False))

    @property
    def shown_items(self) -> tuple[str, ...]:
        """Names that may be shown unasked: words of fewer than 5 baskets are numbered instead."""
        concepts = None if self.entities is None else self.entities["concept"]
        return shown_items(self.items, self.matrix, self.evidence, concepts)

    def _repr_html_(self) -> str:
        counts = np.bincount(self.matrix.indices, minlength=len(self.items))
        first = np.argsort(-counts, kind="stable")[:N_ROWS].tolist()
        names = self.shown_items
        left_out = ", ".join(f"{reason} {n:,}" for reason, n in self.n_excluded.items() if n)
        return display_html(
            "Baskets",
            facts={"baskets": len(self), "unit": self.unit, "items": len(self.items)},
            columns={
                "item": [names[j] for j in first],
                "kind": [self.kinds[j] for j in first],
                "baskets": counts[first].tolist(),
            },
            n_rows=len(self.items),
            notes=[f"Left out: {left_out}."] if left_out else [],
        )

    def rows_behind(self, items: Iterable[str]) -> Ints:
        """Return the rows behind `items` in the baskets that hold all of them.

        The rows are of `entities`, or of `events` where there are no mentions.
        """
        wanted = [self.items.index(item) for item in items]
        if not wanted or not len(self.evidence):
            return np.empty(0, np.int64)
        holding = reduce(partial(np.intersect1d, assume_unique=True), map(self._holding, wanted))
        # Sorted by basket, so only the rows of those baskets are looked at
        first, after = (_lower_bound(self.evidence[:, 0], holding + k) for k in (0, 1))
        sizes = after - first
        ends = np.cumsum(sizes)
        at = np.repeat(after - ends, sizes) + np.arange(int(sizes.sum()))
        at = at[np.isin(self.evidence[at, 1], wanted)]
        rows: Ints = self.evidence[at, 2]
        return rows

    def _holding(self, j: int) -> Ints:
        """Return the baskets that hold an item, rising."""
        at = np.flatnonzero(self.matrix.indices == j)
        rows = np.searchsorted(self.matrix.indptr, at, side="right") - 1
        return rows[np.diff(rows, prepend=-1) > 0]


def _lower_bound(rising: Array, values: Array) -> Ints:
    """Return where each value stands, as `np.searchsorted`, without a copy of a column of rows."""
    low, high = np.zeros(len(values), np.int64), np.full(len(values), len(rising), np.int64)
    while (open_ := low < high).any():
        middle = (low + high) // 2
        below = open_ & (rising[np.minimum(middle, len(rising) - 1)] < values)
        low, high = np.where(below, middle + 1, low), np.where(open_ & ~below, middle, high)
    return low
