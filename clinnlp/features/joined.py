"""Rows of tables paired with the cases of their patients, where they were known before index.

Everything left out is counted by reason, the names of which begin with that of the source:

=======================================  =========================================================
reason                                   rows
=======================================  =========================================================
``..._other_patient``                    of nobody who was asked for
``..._patient_id_in_another_spelling``   as well, but for case, blanks, leading zeros or ``.0``
``..._code_missing, ..._known_missing``  without a name, or a time
``..._known_at_or_after_index``          pairs of a row and a case, as the next ones
``events_begin_after_index``             said to be known before index, and beginning after it
``..._of_the_index_day_without_hour``    of a source whose times all lie at midnight: they are days,
                                         and what happened on the day may have been after index
=======================================  =========================================================
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.facts import are_limits

__all__ = ["BEGINS_LATER", "DAY_OF_INDEX", "SPELLED", "Joined", "ranges", "spelling"]

BEGINS_LATER = "events_begin_after_index"
DAY_OF_INDEX = "_of_the_index_day_without_hour"  # behind the name of a source, as the next
SPELLED = "_patient_id_in_another_spelling"

_DAY = np.timedelta64(86_400, "s")
_BY_DAY = "datetime64[D]"
_DAYS_PER_YEAR = 365.25


class Joined:
    """Table rows paired with cases of the same patient, part by part, known before index."""

    def __init__(self, outcome: Outcome) -> None:
        self.n_excluded: dict[str, int] = {}
        self._index = outcome.index
        self._position: dict[str, int] = {}
        place = self._position
        whose = np.array([place.setdefault(p, len(place)) for p in outcome.patients], int)
        self._spellings = {spelling(p) for p in place}
        self._has_hours: dict[bool, bool] = {}  # of events, of notes: whether any time has one
        self._by_patient = np.argsort(whose, kind="stable")
        self._bounds = np.append(0, np.cumsum(np.bincount(whose, minlength=len(place))))
        self._parts: list[tuple[Array, ...]] = []

    def add(
        self,
        table: EventTable | EntityTable,
        source: str,
        numbers_of: Callable[[Array], Counts],
        *,
        first: int = 0,
        kept: Array | None = None,
    ) -> None:
        """Join a table; the first reasons count its rows, "known at or after index" pairs."""
        rows_of, spelled = self._whose(table)
        known = table["known"]
        rows = np.arange(len(table))
        if spelled.any():
            rows = self._without(f"{source}{SPELLED}", spelled, rows)
        rows = self._without(f"{source}_other_patient", rows_of < 0, rows)
        code = table["code"] if isinstance(table, EventTable) else numbers_of(np.arange(len(table)))
        nameless = ~code.astype(bool) if code.dtype == object else code < 0
        rows = self._without(f"{source}_code_missing", nameless, rows)
        rows = self._without(f"{source}_known_missing", np.isnat(known), rows)
        of_note = not isinstance(table, EventTable)
        self._has_hours[of_note] = self._has_hours.get(of_note, False) or _have_hours(known[rows])
        # A row meets every case of its patient
        low, high = self._bounds[rows_of[rows]], self._bounds[rows_of[rows] + 1]
        case = self._by_patient[ranges(low, high)]
        row = np.repeat(rows, high - low)
        days = (known[row] - self._index[case]) / _DAY
        before = days < 0
        self._count(f"{source}_known_at_or_after_index", int(np.sum(~before)))
        if isinstance(table, EventTable):
            before = self._begun(table["start"][row], case, before)
        case, row, days = case[before], row[before], days[before]
        value = np.full(len(row), np.nan)
        if isinstance(table, EventTable):
            value = self._numbers(table, row)
        origin = row + first if kept is None else kept[row]
        same = self._index[case].astype(_BY_DAY) == known[row]  # at the midnight before index
        notes = np.full(len(row), of_note)
        self._parts.append((case, numbers_of(row), days, value, origin, notes, same))

    def _whose(self, table: EventTable | EntityTable) -> tuple[Counts, Bools]:
        """Return the number of each row's patient, -1 for another; and which are but spelled so."""
        held = table.coded("patient")
        numbers = [self._position.get(v, -1) for v in held.values.tolist()]
        spelled = [
            number < 0 and spelling(v) in self._spellings
            for v, number in zip(held.values.tolist(), numbers, strict=True)
        ]
        return np.array([*numbers, -1])[held.codes], np.array([*spelled, False])[held.codes]

    def _begun(self, start: Array, case: Counts, before: Bools) -> Bools:
        """Return which facts had begun by index; how many had not is counted."""
        later = before & (start > self._index[case])
        if later.any():
            self._count(BEGINS_LATER, int(later.sum()))
        return before & ~later

    def _numbers(self, events: EventTable, row: Counts) -> Floats:
        """Return the values that are measurements; how many limits were met is counted."""
        limits = are_limits(events)[row]
        if limits.any():
            self._count("events_value_is_a_limit", int(limits.sum()))
        numbers: Floats = np.where(limits, np.nan, events["value"][row])
        return numbers

    def left_out(self, source: str, reasons: Mapping[str, int]) -> None:
        """Count rows of a source that were left out before it was joined."""
        self.n_excluded |= {f"{source}_{why}": n for why, n in reasons.items()}

    def ages(self, people: Sequence[Patient | None]) -> Floats:
        """Return ages at index; of who is born later it is missing, and counted."""
        born = np.array([None if p is None else p.birth_date for p in people], "datetime64[D]")
        days = (self._index.astype("datetime64[D]") - born) / np.timedelta64(1, "D")
        ages: Floats = np.asarray(days, np.float64) / _DAYS_PER_YEAR
        unborn = ages < 0
        if unborn.any():
            self._count("birth_date_after_index", int(unborn.sum()))
            ages[unborn] = np.nan
        return ages

    def columns(self) -> tuple[Array, ...]:
        """Return case, code, days, value, row and of_note of all facts."""
        if not self._parts:
            n = np.empty(0, np.int64)
            return n, n, np.empty(0), np.empty(0), n, np.empty(0, bool)
        columns = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
        *facts, of_note, same = columns
        for notes, source in ((False, "events"), (True, "entities")):
            days = same & (of_note == notes) & (not self._has_hours.get(notes, True))
            if days.any():
                self._count(f"{source}{DAY_OF_INDEX}", int(days.sum()))
                facts, of_note, same = [f[~days] for f in facts], of_note[~days], same[~days]
        return (*facts, of_note)

    def _without(self, reason: str, bad: Array, rows: Array) -> Array:
        self._count(reason, int(np.sum(bad[rows])))
        return rows[~bad[rows]]

    def _count(self, reason: str, n: int) -> None:
        self.n_excluded[reason] = self.n_excluded.get(reason, 0) + n


def spelling(patient: object) -> str:
    """Return an id without what programs change of it: case, blanks, leading zeros, a last ``.0``.

    Examples
    --------
    >>> spelling(" P01 "), spelling("0042"), spelling("42.0")
    ('p01', '42', '42')
    """
    plain = " ".join(str(patient).split()).casefold()
    whole, _, rest = plain.partition(".")
    if whole.isdecimal() and not rest.strip("0"):
        return whole.lstrip("0")
    return plain.lstrip("0")


def ranges(low: Array, high: Array) -> Counts:
    """Return ``low[0], ..., high[0] - 1, low[1], ...`` as one array."""
    lengths = high - low
    ends = np.cumsum(lengths)
    offsets: Counts = np.repeat(low - (ends - lengths), lengths)
    return offsets + np.arange(len(offsets))


def _have_hours(times: Array) -> bool:
    return bool((times.astype(_BY_DAY) != times).any())
