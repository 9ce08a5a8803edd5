"""The rows of a risk study: what was known of whom before when, or a table as it is given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.counts import Counts
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.entities import entity_table
from clinnlp.features.events import Cases, collect_cases
from clinnlp.features.matrix import PatientFeatures, check_windows, n_outside
from clinnlp.features.outcomes import OutcomeRead
from clinnlp.metrics.compare import age_bands
from clinnlp.risk.copies import Signatures, signatures_of_mentions
from clinnlp.risk.crossfit import Features

__all__ = ["LOOK_BACK", "RiskRows", "risk_rows", "rows_of_table"]

LOOK_BACK = (TimeWindow(start_days=-3650, end_days=0),)


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
    """

    rows: Cases | Columns
    y: Counts
    features: Features
    subgroups: Mapping[str, NDArray[Any]]
    signed: Sequence[tuple[str | None, bytes]]
    n_excluded: Mapping[str, int]
    settings: Mapping[str, Any]


def risk_rows(
    patients: Iterable[Patient] = (),
    *,
    outcome: Any,
    events: EventTable | Iterable[EventTable] | None = None,
    notes: EntityTable | Iterable[Note] | None = None,
    windows: Sequence[TimeWindow] = LOOK_BACK,
    min_patients: int = 5,
    strict: bool = False,
    by_assertion: bool = False,
    by_section: bool = False,
    recency: bool = False,
) -> RiskRows:
    """Return what was known before each index time, as the rows of a study.

    Parameters are those of `risk_study`.

    Raises
    ------
    LeakageError
        A window reaches past index.
    ArgumentError
        The outcome has no index times, or nothing at all is known before them.
    """
    check_windows(windows)
    read = outcome if isinstance(outcome, OutcomeRead) else OutcomeRead(outcome, {})
    if not isinstance(read.outcome, Outcome):
        raise ArgumentError(
            "an outcome of patients must have index times (Outcome or OutcomeRead), got "
            f"{type(outcome).__name__}; a plain array goes with a table of columns"
        )
    people = list(patients)
    mentions, signed = _mentions(notes)
    cases = collect_cases(
        read.outcome,
        people,
        events=events,
        entities=mentions,
        strict=strict,
        by_assertion=by_assertion,
        by_section=by_section,
    )
    _check_facts(cases)
    outside = {"facts_outside_windows": n_outside(cases, windows)}
    told = {"windows": [w.name for w in windows], "strict": strict, "recency": recency}
    told |= {"by_assertion": by_assertion, "by_section": by_section}
    told |= {"sources": [n for n, t in (("events", events), ("notes", notes)) if t is not None]}
    return RiskRows(
        rows=cases,
        y=_check_outcome(read.outcome.values, len(cases)),
        features=PatientFeatures(tuple(windows), min_patients=min_patients, recency=recency),
        subgroups=_attributes(cases, people),
        signed=signed,
        n_excluded={**read.n_excluded, **cases.n_excluded, **outside},
        settings={**told, "min_patients": min_patients},
    )


def rows_of_table(
    table: Columns | Mapping[str, NDArray[Any]],
    outcome: Any,
    groups: NDArray[Any] | None,
    min_patients: int,
) -> RiskRows:
    """Return a table with one row per case as the rows of a study.

    Raises
    ------
    ArgumentError
        No patients, or an outcome that is no array of 0 and 1 of the same length.
    """
    if not isinstance(table, Columns):
        if groups is None:
            raise ArgumentError("groups must give the patient of each row, got none")
        table = Columns(patients=np.asarray(groups), values=table)
    return RiskRows(
        rows=table,
        y=_check_outcome(outcome, len(table)),
        features=ColumnFeatures(min_patients=min_patients),
        subgroups={},
        signed=(),
        n_excluded=dict(table.n_excluded),
        settings={"sources": ["table"], "min_patients": min_patients},
    )


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


def _attributes(cases: Cases, people: Sequence[Patient]) -> dict[str, NDArray[Any]]:
    """Return age band, sex and ethnicity of each case, those that anybody has."""
    ethnicity = {p.id: p.ethnicity for p in people}
    found = {
        "age band": age_bands(cases.age_years),
        "sex": cases.sex,
        "ethnicity": np.array([ethnicity.get(p) for p in cases.patients], dtype=object),
    }
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


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
        got = "one class only" if len(values) else "no row"
        raise ArgumentError(f"a risk study needs both outcomes, got {got}")
    return values.astype(np.int64)
