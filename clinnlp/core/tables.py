"""Columnar tables: mentions, events, features and outcomes.

Millions of rows are arrays, never objects (`core.columnar`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clinnlp.core.arrays import Array
from clinnlp.core.columnar import Table
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES

__all__ = [
    "CHANGES",
    "COURSES",
    "DAILY",
    "DOSES",
    "LEAVING",
    "TAKEN",
    "EntityTable",
    "EventTable",
    "FeatureMatrix",
    "Outcome",
    "RelationTable",
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


class RelationTable(Table):
    """One row per pair of ends that a relation joins.

    Made by `clinnlp.relation_table`. A flag is -1 where nobody assessed it, 0 no, 1 yes.

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
    relation : text
        Id of the relation within its note; one of several ends makes several rows.
    label : text
        Class of the relation.
    first_role, second_role : text
        The roles of the two ends.
    first, second : text
        Ids of the mentions; missing where an end is a concept.
    first_label, second_label : text
        Classes of the mentions.
    first_text, second_text : text
        The mentions themselves.
    first_concept, second_concept : text
        The first concepts of the mentions, or the ends themselves.
    start, end : int
        From the beginning of the first to the end of the last of the two mentions; of concepts the
        whole note.
    negated, uncertain, hypothetical, historical, experiencer : flag
        What the note says of it, or of an end where it says nothing of the relation itself.
    rule : text
        The row of a table of rules that found it.
    score : float
        Probability in [0, 1] where a model made it.
    source : text
        Which pipe made it; missing for what was read.

    Examples
    --------
    >>> row = {"note": "n1", "label": "causes", "start": 0, "end": 23}
    >>> RelationTable.from_rows([row])["negated"].tolist()
    [-1]
    """

    SCHEMA: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("note", "patient", "encounter"), "text"),
        **dict.fromkeys(("time", "known"), "time"),
        **dict.fromkeys(("relation", "label"), "text"),
        **{
            f"{end}{what}": "text"
            for end in ("first", "second")
            for what in ("_role", "", "_label", "_text", "_concept")
        },
        "start": "int",
        "end": "int",
        **dict.fromkeys(AXES, "flag"),
        "rule": "text",
        "score": "float",
        "source": "text",
    }
    DISPLAYED: ClassVar[tuple[str, ...]] = (
        *("note", "time", "label", "first_role", "first_concept", "second_role", "second_concept"),
        *("start", "end", *AXES, "rule", "score", "source"),
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
    FINITE: ClassVar[tuple[str, ...]] = ("value", "normal_from", "normal_to")
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
        n = sum(patient is None or patient != patient for patient in self.patients.tolist())
        if n:
            raise ArgumentError(f"each row of an outcome must have a patient, got {n:,} without")

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        return f"Outcome({len(self)} rows, {int(np.sum(self.values))} positive)"
