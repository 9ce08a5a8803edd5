"""The rows of a risk study: what was known of whom before when, or a table as it is given.

`risk_rows` makes them of patients, events and notes, `rows_of_table` of one row per case.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Counts
from clinnlp.core.arrow import column_arrays, is_frame, names_of, read_once
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.entities import entity_table
from clinnlp.features.events import Cases, collect_cases
from clinnlp.features.inputs import plain_table
from clinnlp.features.matrix import PatientFeatures, check_windows, n_outside
from clinnlp.features.outcomes import OutcomeRead, check_one_outcome
from clinnlp.metrics.compare import age_bands
from clinnlp.risk.copies import Signatures, signatures_of_mentions
from clinnlp.risk.crossfit import Features
from clinnlp.study.roll_up import told
from clinnlp.study.settings import RiskRowSettings, plain_settings

__all__ = ["OF_CASES", "RiskRows", "risk_rows", "rows_of_table"]

# Settings that decide what becomes a fact
OF_CASES = ("strict", "chronic_counts", "by_assertion", "by_section")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskRows:
    """What a study trains and tests on.

    Parameters
    ----------
    rows : Cases or Columns
    y : array of int64, shape (n,)
    features : PatientFeatures or ColumnFeatures
        Unfitted.
    subgroups : mapping of str to array, shape (n,) each
    signed : sequence of (patient, hash)
        One per note, to find copies.
    n_excluded : mapping of str to int
    settings : mapping
        How the rows were made: plain values.
    n_chronic : int
        Historical mentions that count because the condition is chronic.

    Examples
    --------
    >>> who = np.array(["a", "b", "b"])
    >>> rows = rows_of_table({"age": np.array([50, 60, 61])}, outcome=[0, 1, 1], groups=who)
    >>> rows.y.tolist(), rows.settings["sources"]
    ([0, 1, 1], ['table'])
    """

    rows: Cases | Columns
    y: Counts
    features: Features
    subgroups: Mapping[str, Array]
    signed: Sequence[tuple[str | None, bytes]]
    n_excluded: Mapping[str, int]
    settings: Mapping[str, Any]
    n_chronic: int = 0

    @property
    def by_time(self) -> bool:
        """Whether features tell how long ago a thing was known."""
        made = self.features
        return isinstance(made, PatientFeatures) and (made.recency or len(made.windows) > 1)


def risk_rows(
    patients: Iterable[Patient] = (),
    *,
    outcome: Outcome | OutcomeRead,
    events: EventTable | Iterable[EventTable] | None = None,
    notes: EntityTable | Iterable[Note] | None = None,
    windows: Sequence[TimeWindow] | None = None,
    settings: RiskRowSettings | None = None,
    roll_up: RollUp | None = None,
) -> RiskRows:
    """Return what was known before each index time, as the rows of a study.

    Parameters
    ----------
    patients : iterable of Patient
        Birth dates and sex, beside `events` and `notes`.
    outcome : Outcome or OutcomeRead
        Patients, index times, 0 or 1.
    events : EventTable, or parts of one, optional
        Structured events; those without `known`, or known at or after index, are counted out.
    notes : EntityTable or iterable of Note, optional
        Mentions; those negated, uncertain, hypothetical, historical (and not chronic) or of another
        person are counted out, and with ``strict`` those not assessed too.
    windows : sequence of TimeWindow, optional
        Look-back windows in days before index; one of ``look_back_days`` by default.
    settings : RiskRowSettings, optional
    roll_up : RollUp, optional
        What codes count as: as ancestors, or with their ancestors beside them.

    Returns
    -------
    RiskRows
        One row per index time of a patient, and what was left out of them.

    Raises
    ------
    LeakageError
        A window reaches past index.
    ArgumentError
        The outcome has no index times or is of one class, has two values for one patient and
        index time, or nothing at all is known before them.

    Examples
    --------
    >>> who = np.array(["a", "b"], dtype=object)
    >>> index = np.full(2, "2024-01-10", "datetime64[s]")
    >>> events = EventTable({
    ...     "patient": who,
    ...     "known": np.array(["2024-01-01", "2024-02-01"], "datetime64[s]"),
    ...     "code": ["x", "x"],
    ...     "kind": ["drug"] * 2,
    ... })
    >>> outcome = Outcome(patients=who, index=index, values=np.array([0, 1]))
    >>> rows = risk_rows(outcome=outcome, events=events)
    >>> len(rows.rows.case), rows.n_excluded["events_known_at_or_after_index"]
    (1, 1)
    """
    settings = settings or RiskRowSettings()
    if windows is None:
        windows = (TimeWindow(start_days=-settings.look_back_days, end_days=0),)
    check_windows(windows)
    if isinstance(patients, Columns | Mapping):
        raise ArgumentError("patients must be Patient values, got a table; use rows_of_table")
    read = _with_times(outcome)
    people = list(patients)
    mentions, signed = _mentions(notes)
    options = {name: getattr(settings, name) for name in OF_CASES}
    cases = collect_cases(
        read.outcome, people, events=events, entities=mentions, roll_up=roll_up, **options
    )
    _check_facts(cases)
    outside = {"facts_outside_windows": n_outside(cases, windows)}
    return RiskRows(
        rows=cases,
        y=_check_outcome(read.outcome.values, len(cases)),
        features=PatientFeatures(
            tuple(windows), min_patients=settings.min_patients, recency=settings.recency
        ),
        subgroups=_attributes(cases, people),
        signed=signed,
        n_excluded={**read.n_excluded, **cases.n_excluded, **outside},
        settings=_how(settings, windows, {"events": events, "notes": notes}, roll_up),
        n_chronic=cases.n_chronic,
    )


def rows_of_table(
    table: Columns | Mapping[str, Array] | Any,
    *,
    outcome: ArrayLike,
    groups: Array | None = None,
    min_patients: int = 5,
) -> RiskRows:
    """Return a table with one row per case as the rows of a study.

    All of the table must have been known before index: nobody can check that.

    Parameters
    ----------
    table : Columns, or mapping of str to array, shape (n,) each, or a table
        Arrays of numbers are numbers, any other array holds categories (str or None). A table is
        one with the Arrow interface (polars, DuckDB, pyarrow), or a DataFrame.
    outcome : array of 0 and 1, shape (n,)
    groups : array of str, shape (n,)
        Patient of each row; needed unless the table is `Columns`.
    min_patients : int
        A feature needs this many training patients.

    Returns
    -------
    RiskRows
        One row per row of the table.

    Raises
    ------
    ArgumentError
        No patients, a row without one, a column with infinity, times, lists or complex numbers,
        two columns of one name,
        an outcome that is no array of 0 and 1 of the same length, or one whose index is that of
        the DataFrame in another order.

    Examples
    --------
    >>> who = np.array(["a", "b", "b"])
    >>> rows_of_table({"age": np.array([50, 60, 61])}, outcome=[0, 1, 1], groups=who).y.tolist()
    [0, 1, 1]
    """
    if not isinstance(table, Columns):
        if groups is None:
            raise ArgumentError("groups must give the patient of each row, got none")
        for name, other in (("outcome", outcome), ("groups", groups)):
            _check_order(table, other, name)
        table = Columns(patients=np.asarray(groups), values=_columns_of(table))
    table = plain_table(table)
    return RiskRows(
        rows=table,
        y=_check_outcome(outcome, len(table)),
        features=ColumnFeatures(min_patients=min_patients),
        subgroups={},
        signed=(),
        n_excluded=dict(table.n_excluded),
        settings={"sources": ["table"], "min_patients": min_patients},
    )


def _columns_of(table: Any) -> Mapping[str, Array]:
    """Return the columns of a table by name."""
    if isinstance(table, Mapping):
        return table
    if not is_frame(table) and not hasattr(table, "__arrow_c_stream__"):
        raise ArgumentError(
            "table must be a mapping of names to arrays, a DataFrame or a table with the Arrow "
            f"interface, got {type(table).__name__}"
        )
    table = read_once(table)
    names = names_of(table)
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise ArgumentError(f"each column must have a name of its own, got two called {twice!r}")
    if is_frame(table):
        return {name: table.iloc[:, k] for k, name in enumerate(names)}
    return dict(zip(names, column_arrays(table, names), strict=True))


def _check_order(table: Any, other: Any, name: str) -> None:
    """Refuse a Series of pandas with the rows of a DataFrame in another order."""
    if not (is_frame(table) and hasattr(other, "index") and hasattr(other, "loc")):
        return
    ours, theirs = table.index, other.index
    if ours.equals(theirs):
        return
    if len(ours) == len(theirs) and ours.sort_values().equals(theirs.sort_values()):
        raise ArgumentError(
            f"{name} must have its rows in the order of the table, got the same rows in another "
            f"order; align it, as by {name}.loc[table.index]"
        )


def _with_times(outcome: Any) -> OutcomeRead:
    read = outcome if isinstance(outcome, OutcomeRead) else OutcomeRead(outcome, {})
    if not isinstance(read.outcome, Outcome):
        raise ArgumentError(
            "an outcome of patients must have index times (Outcome or OutcomeRead), got "
            f"{type(outcome).__name__}; a plain array goes with a table of columns"
        )
    check_one_outcome(read.outcome)
    return read


def _how(
    settings: RiskRowSettings,
    windows: Sequence[TimeWindow],
    sources: Mapping[str, Any],
    roll_up: RollUp | None,
) -> dict[str, Any]:
    """Return how rows were made: windows and sources by name, and the other settings."""
    raised = {} if roll_up is None else {"roll_up": told(roll_up)}
    others = plain_settings(settings, RiskRowSettings, without=("look_back_days",))
    given = [name for name, source in sources.items() if source is not None]
    return {"windows": [w.name for w in windows], "sources": given, **others, **raised}


def _mentions(
    notes: EntityTable | Iterable[Note] | None,
) -> tuple[EntityTable | None, Sequence[tuple[str | None, bytes]]]:
    """Return the mentions, and patient and signature of each note."""
    if notes is None:
        return None, ()
    if isinstance(notes, EntityTable):
        return notes, signatures_of_mentions(notes)
    passed = Signatures(notes)
    return entity_table(passed), passed.signed


def _attributes(cases: Cases, people: Sequence[Patient]) -> dict[str, Array]:
    """Return age band, sex and ethnicity of each case, those that anybody has."""
    ethnicity = {p.id: p.ethnicity for p in people}
    attributes = {
        "age band": age_bands(cases.age_years),
        "sex": cases.sex,
        "ethnicity": np.array([ethnicity.get(p) for p in cases.patients], dtype=object),
    }
    return {
        name: values for name, values in attributes.items() if any(v is not None for v in values)
    }


def _check_facts(cases: Cases) -> None:
    """Refuse cases of which nothing at all is known, naming why the facts were left out."""
    if not len(cases) or len(cases.case) or any(cases.sex) or np.isfinite(cases.age_years).any():
        return
    lost = [f"{reason} {n}" for reason, n in cases.n_excluded.items() if n]
    raise ArgumentError(
        "some fact of a patient must be known before the index time, got none; left out: "
        f"{', '.join(lost) or 'nothing, the sources are empty'}"
    )


def _check_outcome(y: Any, n: int) -> Counts:
    if isinstance(y, Outcome | OutcomeRead):
        raise ArgumentError("the outcome of a table must be an array of 0 and 1, got index times")
    values = np.asarray(y)
    if values.shape != (n,):
        raise ArgumentError(f"outcomes must be one per row, got shape {values.shape} for {n} rows")
    if not np.isin(values, (0, 1)).all():
        raise ArgumentError("outcomes must be 0 or 1, got another value")
    if len(np.unique(values)) < 2:
        got = f"one class only, {int(values[0])} in all rows" if len(values) else "no row"
        raise ArgumentError(f"a risk study needs both outcomes, got {got}")
    return values.astype(np.int64)
