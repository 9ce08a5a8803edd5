"""What was known about each case before its index time.

A case is a row to predict for: a patient and an index time. Mentions and structured events are
joined to cases by patient and kept only where ``known < index``; everything left out is counted
by reason. The result is long and columnar, so that features can be fitted on any part of it.

A fact is placed by its `known` time alone: the only time that says when it could be used. One that
begins after index is left out too, whatever is said to have been known of it before. A source whose
times all lie at midnight holds days: what it has of the index day may be from after index, and is
left out. Events may come in parts, of which only the facts of these patients stay in memory: 42
bytes each.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.notes import AXES
from clinnlp.core.patients import Patient
from clinnlp.core.tables import LEAVING, EntityTable, EventTable, Outcome
from clinnlp.features.entities import asserted
from clinnlp.features.facts import FactNames
from clinnlp.features.joined import Joined, ranges

__all__ = ["Cases", "collect_cases"]


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
    concepts : tuple of str
        Per code, its name without unit, section and what is said of it.
    n_excluded : mapping of str to int
        Rows of the sources left out, by source and reason; where there are such, of patients whose
        id differs from one asked for in case, blanks, leading zeros or ``.0`` alone, facts that
        begin after index, and those of the index day in a source of days; and
        ``events_value_is_a_limit``: facts that say below or above, whose number is not used.
    n_chronic : int
        Historical mentions that count because the condition is chronic.
    row : array of int64, shape (m,)
        Row of the event, or of the mention, each fact comes from.
    of_note : array of bool, shape (m,)
        Whether that row is one of mentions.
    schema : mapping of str to mapping of str to set of str
        Units per measured code and vocabularies per kind of event; the names of the facts of each.
    n_rolled_up : mapping of str to int
        Of the facts, how many count as an ancestor, and how many stand below none asked for.
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
    concepts: tuple[str, ...]
    n_excluded: Mapping[str, int]
    row: Counts
    of_note: Bools
    schema: Mapping[str, Mapping[str, Collection[str]]] = field(default_factory=dict)
    n_rolled_up: Mapping[str, int] = field(default_factory=dict)
    n_chronic: int = 0

    def __post_init__(self) -> None:
        late = np.flatnonzero(~(self.days < 0))
        if len(late):
            k = late[0]
            raise LeakageError(
                f"facts must be known before the index time, got {len(late)} that are not (first: "
                f"fact {k} of row {self.case[k]}, {self.days[k]:+.2f} days from it)"
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
        facts = ranges(low, high)
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
            row=self.row[facts],
            of_note=self.of_note[facts],
        )


def collect_cases(
    outcome: Outcome,
    patients: Iterable[Patient] = (),
    *,
    events: EventTable | Iterable[EventTable] | None = None,
    entities: EntityTable | None = None,
    strict: bool = False,
    axes: Sequence[str] = AXES,
    changes: Sequence[str] = LEAVING,
    chronic_counts: bool = True,
    by_assertion: bool = False,
    by_section: bool = False,
    roll_up: RollUp | None = None,
) -> Cases:
    """Return the cases of an outcome with what was known before each index time.

    Parameters
    ----------
    outcome : Outcome
        Patients and index times; its values are not looked at.
    patients : iterable of Patient
        Birth dates and sex; a patient absent here has neither.
    events : EventTable, or parts of one, optional
        Of parts, each is read once and let go.
    entities : EntityTable, optional
        Mentions pass the assertion filter first (`strict`, `axes`, `changes`, `chronic_counts`: see
        `asserted`).
    by_assertion : bool
        Keep what is denied, past, hypothetical, stopped, ... as facts of their own, in place of the
        filter; what is chronic is not past where `chronic_counts`.
    by_section : bool
        Tell the same mention in two sections apart.
    roll_up : RollUp, optional
        What a code counts as: an ancestor in its place, or its ancestors beside it. What is counted
        as an ancestor has no value.

    Raises
    ------
    ArgumentError
        An index time is missing, a patient is described twice, or `strict` with `by_assertion`.

    Examples
    --------
    >>> time = np.array(["2024-01-10"], "datetime64[s]")
    >>> outcome = Outcome(patients=np.array(["p1"], object), index=time, values=np.array([1]))
    >>> events = EventTable({
    ...     "patient": ["p1", "p1"],
    ...     "known": ["2024-01-09T00:00", "2024-01-10T00:00"],
    ...     "code": ["metformin", "insulin"],
    ...     "kind": ["drug", "drug"],
    ... })
    >>> cases = collect_cases(outcome, events=events)
    >>> cases.codes, cases.days.tolist(), cases.n_excluded["events_known_at_or_after_index"]
    (('drug:metformin',), [-1.0], 1)
    """
    if np.isnat(outcome.index).any():
        raise ArgumentError("index times of an outcome must not be missing, got a missing one")
    if strict and by_assertion:
        raise ArgumentError("strict filters by assertion, by_assertion does not: choose one")
    people = _people(patients)
    joined, names = Joined(outcome), FactNames(roll_up)
    first = n_chronic = 0
    for part in (events,) if isinstance(events, EventTable) else events or ():
        joined.add(part, "events", partial(names.of_events, part), first=first)
        first += len(part)
    if entities is not None:
        mask, counts = asserted(
            entities, strict=strict, axes=axes, changes=changes, chronic_counts=chronic_counts
        )
        n_chronic = counts.n_chronic
        kept = np.arange(len(entities))
        if not by_assertion:
            joined.left_out("entities", counts.n_excluded)
            kept = np.flatnonzero(mask)
        mentions = entities.take(kept)
        numbers = names.of_mentions(
            mentions,
            by_assertion=by_assertion,
            by_section=by_section,
            chronic_counts=chronic_counts,
        )
        joined.add(mentions, "entities", lambda rows: numbers[rows], kept=kept)
    people_of = [people.get(p) for p in outcome.patients]
    return replace(_cases(outcome, people_of, joined, names), n_chronic=n_chronic)


def _cases(
    outcome: Outcome, people: Sequence[Patient | None], joined: Joined, names: FactNames
) -> Cases:
    """Return the joined facts by case and time, their codes numbered anew."""
    columns, n_rolled_up = _rolled_up(joined.columns(), names)
    case, code, days, value, row, of_note = columns
    order = np.lexsort((days, case))
    used, code = np.unique(code, return_inverse=True)  # names of facts that no case kept are let go
    every = tuple(names.numbers)
    return Cases(
        patients=outcome.patients,
        index=outcome.index,
        age_years=joined.ages(people),
        sex=np.array([None if p is None else p.sex for p in people], dtype=object),
        case=case[order],
        code=code[order],
        days=days[order],
        value=value[order],
        codes=tuple(every[k] for k in used),
        concepts=tuple(names.concepts[k] for k in used),
        n_excluded=joined.n_excluded,
        row=row[order],
        of_note=of_note[order],
        schema=names.schema(),
        n_rolled_up=n_rolled_up,
    )


def _rolled_up(
    columns: tuple[Array, ...], names: FactNames
) -> tuple[tuple[Array, ...], dict[str, int]]:
    """Return the facts as what they count as, and how many of them are another than they were."""
    if not names.counted_as:
        return columns, {}
    counted = [names.counted_as.get(k, (k,)) for k in range(len(names.numbers))]
    ends = np.cumsum([len(each) for each in counted])
    case, code, days, value, row, of_note = columns
    low = (ends - [len(each) for each in counted])[code]
    at = np.repeat(np.arange(len(code)), ends[code] - low)
    made = np.concatenate([np.array(each, np.int64) for each in counted])[ranges(low, ends[code])]
    other = made != code[at]
    n_raised = int(np.isin(code, list(names.counted_as)).sum())
    counts = {"counted as an ancestor": n_raised, "below none": len(code) - n_raised}
    numbers = np.where(other, np.nan, value[at])
    return (case[at], made, days[at], numbers, row[at], of_note[at]), counts


def _people(patients: Iterable[Patient]) -> dict[str, Patient]:
    people: dict[str, Patient] = {}
    for k, patient in enumerate(patients, start=1):
        if patient.id in people:
            raise ArgumentError(
                f"patients must be described once, got one twice (the second as number {k})"
            )
        people[patient.id] = patient
    return people
