"""What was known about each case before its index time.

A case is a row to predict for: a patient and an index time. Mentions and structured events are
joined to cases by patient and kept only where ``known < index``; everything left out is counted
by reason. The result is long and columnar, so that features can be fitted on any part of it.

A fact is placed by its `known` time alone: the only time that says when it could be used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.counts import Counts, Floats
from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.notes import AXES
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.entities import asserted, item_of

__all__ = ["Cases", "collect_cases"]

Array = NDArray[Any]

_DAY = np.timedelta64(86_400, "s")
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """Cases to predict for, with the facts known before each index time.

    Parameters
    ----------
    patients : array of str, shape (n,)
    index : array of datetime64[s], shape (n,)
    age_years : array of float64, shape (n,)
        At index; ``nan`` where the birth date is missing.
    sex : array of str or None, shape (n,)
    case : array of int64, shape (m,)
        Row of the case each fact belongs to, in rising order.
    code : array of int64, shape (m,)
        Position in `codes`.
    days : array of float64, shape (m,)
        Known time minus index time in days, below 0.
    value : array of float64, shape (m,)
        Number of a measurement, else ``nan``.
    codes : tuple of str
        Names of the facts, such as ``"drug:metformin"`` or ``"note:Problem:fever"``.
    n_excluded : mapping of str to int
        Rows of the sources left out, by source and reason.
    """

    patients: Array
    index: Array
    age_years: Floats
    sex: Array
    case: Counts
    code: Counts
    days: Floats
    value: Floats
    codes: tuple[str, ...]
    n_excluded: Mapping[str, int]

    def __post_init__(self) -> None:
        late = np.flatnonzero(~(self.days < 0))
        if len(late):
            k = late[0]
            raise LeakageError(
                f"facts must be known before the index time, got {self.codes[self.code[k]]!r} of "
                f"patient {self.patients[self.case[k]]!r} {self.days[k]:+.2f} days from it"
            )

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        return f"Cases({len(self)} rows, {len(self.case)} facts, {len(self.codes)} codes)"

    def take(self, rows: Array) -> "Cases":
        """Return the cases at a boolean mask or at integer positions, with their facts."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        low = np.searchsorted(self.case, rows, side="left")
        high = np.searchsorted(self.case, rows, side="right")
        facts = _ranges(low, high)
        return replace(
            self,
            patients=self.patients[rows],
            index=self.index[rows],
            age_years=self.age_years[rows],
            sex=self.sex[rows],
            case=np.repeat(np.arange(len(rows)), high - low),
            code=self.code[facts],
            days=self.days[facts],
            value=self.value[facts],
        )


def collect_cases(
    outcome: Outcome,
    patients: Iterable[Patient] = (),
    *,
    events: EventTable | None = None,
    entities: EntityTable | None = None,
    strict: bool = False,
    axes: Sequence[str] = AXES,
) -> Cases:
    """Return the cases of an outcome with what was known before each index time.

    Parameters
    ----------
    outcome : Outcome
        Patients and index times; its values are not looked at.
    patients : iterable of Patient
        Birth dates and sex; a patient absent here has neither.
    events, entities : EventTable, EntityTable, optional
        Mentions pass the assertion filter first (`strict`, `axes`: see `asserted`).

    Raises
    ------
    ArgumentError
        An index time is missing, or a patient is described twice.

    Examples
    --------
    >>> time = np.array(["2024-01-10"], "datetime64[s]")
    >>> outcome = Outcome(patients=np.array(["p1"], object), index=time, values=np.array([1]))
    >>> events = EventTable({
    ...     "patient": ["p1", "p1"],
    ...     "known": ["2024-01-09", "2024-01-10"],
    ...     "code": ["metformin", "insulin"],
    ...     "kind": ["drug", "drug"],
    ... })
    >>> cases = collect_cases(outcome, events=events)
    >>> cases.codes, cases.days.tolist(), cases.n_excluded["events_known_at_or_after_index"]
    (('drug:metformin',), [-1.0], 1)
    """
    if np.isnat(outcome.index).any():
        raise ArgumentError("index times of an outcome must not be missing, got a missing one")
    people = _people(patients)
    n_excluded: dict[str, int] = {}
    names: dict[str, int] = {}
    parts = []
    if events is not None:
        parts.append(_join(outcome, events, _event_names(events), names, n_excluded, "events"))
    if entities is not None:
        kept, counts = asserted(entities, strict=strict, axes=axes)
        n_excluded |= {f"entities_{axis}": n for axis, n in counts.n_excluded.items()}
        said = entities.take(kept)
        parts.append(_join(outcome, said, _entity_names(said), names, n_excluded, "entities"))
    case, code, days, value = _stacked(parts)
    order = np.lexsort((days, case))
    used, code = np.unique(code, return_inverse=True)
    every = tuple(names)
    found = [people.get(p) for p in outcome.patients]
    return Cases(
        patients=outcome.patients,
        index=outcome.index,
        age_years=_ages(found, outcome.index),
        sex=np.array([None if p is None else p.sex for p in found], dtype=object),
        case=case[order],
        code=code[order],
        days=days[order],
        value=value[order],
        codes=tuple(every[k] for k in used),
        n_excluded=n_excluded,
    )


def _join(
    outcome: Outcome,
    table: EventTable | EntityTable,
    row_names: list[str | None],
    names: dict[str, int],
    n_excluded: dict[str, int],
    source: str,
) -> tuple[Array, Array, Array, Array]:
    """Pair table rows with cases of the same patient; keep pairs known before index.

    The first reason counts table rows, "known at or after index" counts pairs.
    """
    codes = np.array([-1 if n is None else names.setdefault(n, len(names)) for n in row_names], int)
    positions: dict[str, int] = {}
    whose = np.array([positions.setdefault(p, len(positions)) for p in outcome.patients], int)
    rows_of = np.array([positions.get(p, -1) for p in table["patient"]], int)
    known = table["known"]
    usable = np.ones(len(table), bool)
    for reason, bad in (
        ("other_patient", rows_of < 0),
        ("code_missing", codes < 0),
        ("known_missing", np.isnat(known)),
    ):
        n_excluded[f"{source}_{reason}"] = int(np.sum(usable & bad))
        usable &= ~bad
    rows = np.flatnonzero(usable)
    by_patient = np.argsort(whose, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(whose, minlength=len(positions)))])
    low, high = bounds[rows_of[rows]], bounds[rows_of[rows] + 1]
    case = by_patient[_ranges(low, high)]
    row = np.repeat(rows, high - low)
    days = (known[row] - outcome.index[case]) / _DAY
    before = days < 0
    n_excluded[f"{source}_known_at_or_after_index"] = int(np.sum(~before))
    value = table["value"][row] if isinstance(table, EventTable) else np.full(len(row), np.nan)
    return case[before], codes[row[before]], days[before], value[before]


def _event_names(events: EventTable) -> list[str | None]:
    columns = (events[name] for name in ("code", "kind", "vocabulary", "unit", "value"))
    made: list[str | None] = []
    for code, kind, vocabulary, unit, value in zip(*columns, strict=True):
        name = f"{kind or vocabulary or 'event'}:{code}" if code else None
        made.append(f"{name} [{unit}]" if name and unit and np.isfinite(value) else name)
    return made


def _entity_names(entities: EntityTable) -> list[str | None]:
    items = item_of(entities).names
    return [f"note:{k}:{i}" if i else None for k, i in zip(entities["label"], items, strict=True)]


def _people(patients: Iterable[Patient]) -> dict[str, Patient]:
    people: dict[str, Patient] = {}
    for patient in patients:
        if patient.id in people:
            raise ArgumentError(f"patients must be described once, got {patient.id!r} twice")
        people[patient.id] = patient
    return people


def _ages(people: Sequence[Patient | None], index: Array) -> Floats:
    born = np.array([None if p is None else p.birth_date for p in people], "datetime64[D]")
    days = (index.astype("datetime64[D]") - born) / np.timedelta64(1, "D")
    ages: Floats = np.asarray(days, np.float64) / _DAYS_PER_YEAR
    return ages


def _stacked(parts: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    if not parts:
        empty = np.empty(0, np.int64)
        return empty, empty, np.empty(0), np.empty(0)
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _ranges(low: Array, high: Array) -> Counts:
    """Return ``low[0], ..., high[0] - 1, low[1], ...`` as one array."""
    lengths = high - low
    ends = np.cumsum(lengths)
    offsets: Counts = np.repeat(low - (ends - lengths), lengths)
    return offsets + np.arange(len(offsets))
