"""Overlapping exposure: drug episodes from start and end, and the drugs in force together.

An *episode* is a stretch of days on one drug. Prescriptions of the same drug are joined where at
most `gap_days` days lie between them; one without an end lasts `default_days`, or is left out and
counted. A *regimen* of a patient is a set of drugs in force on the same day; as a basket it holds
these drugs, the outcomes that began on a day with just that set (or within `lag_days` after it,
while nothing else began), and the conditions known by its last day.

References
----------
Gardarsdottir et al., Construction of drug treatment episodes from drug-dispensing histories is
influenced by the gap length, J Clin Epidemiol 2010;63:422.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Ints, objects
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least
from clinnlp.core.tables import EventTable
from clinnlp.features.item_names import names_of_baskets
from clinnlp.features.items import assembled, one_spelling

__all__ = ["drug_episodes", "exposure_baskets"]

Episode = tuple[int, int, int, list[int]]  # first day, last day, row of the drug's name, rows

_NEVER = np.iinfo(np.int64).min


def drug_episodes(
    events: EventTable,
    *,
    kind: str = "drug",
    gap_days: int = 0,
    default_days: int | None = None,
    by_dose: bool = False,
) -> tuple[EventTable, Mapping[str, int]]:
    """Return one row per episode of a drug, and how many events were left out and why.

    Parameters
    ----------
    events : EventTable
    kind : str
        Kind of the events that are drugs.
    gap_days : int
        Most days without the drug inside an episode, ≥ 0.
    default_days : int, optional
        Days that an event without an end lasts, ≥ 1; by default it is left out.
    by_dose : bool
        A change of dose begins a new episode.

    Returns
    -------
    episodes : EventTable
        ``start`` and ``end`` (the last day), ``dose`` where it is the same throughout, the rest
        as in the first event of the episode.
    n_excluded : mapping of str to int
        ``no_patient``, ``no_start``, ``no_end``, ``end_before_start``.

    Raises
    ------
    ArgumentError
        `gap_days` below 0, or `default_days` below 1.

    Examples
    --------
    >>> columns = {"patient": ["p"] * 3, "code": ["a"] * 3, "kind": ["drug"] * 3}
    >>> columns["start"] = ["2024-01-01", "2024-01-05", "2024-03-01"]
    >>> columns["end"] = ["2024-01-03", "2024-01-09", "2024-03-02"]
    >>> episodes, _ = drug_episodes(EventTable(columns), gap_days=1)
    >>> episodes["end"].astype("datetime64[D]").tolist()
    [datetime.date(2024, 1, 9), datetime.date(2024, 3, 2)]
    """
    found, n_excluded = _episodes(events, kind, gap_days, default_days, by_dose=by_dose)
    first = np.array([rows[0] for _, _, _, rows in found], np.int64)
    table = events.take(first)
    doses = [{events["dose"][r] for r in rows} for _, _, _, rows in found]
    columns: dict[str, Any] = {name: table[name] for name in EventTable.SCHEMA}
    columns |= {
        "start": _times([low for low, _, _, _ in found]),
        "end": _times([high for _, high, _, _ in found]),
        "dose": [next(iter(held)) if len(held) == 1 else None for held in doses],
    }
    return EventTable(columns), n_excluded


def exposure_baskets(
    events: EventTable,
    *,
    drug_kind: str = "drug",
    outcome_kind: str = "outcome",
    condition_kind: str = "condition",
    gap_days: int = 0,
    default_days: int | None = None,
    lag_days: int = 0,
    fold_terms: bool = True,
    spelling_patients: int = 1,
) -> Baskets:
    """Return one basket per patient and set of drugs that were in force together.

    Parameters
    ----------
    events : EventTable
    drug_kind, outcome_kind, condition_kind : str
        Kinds of the events that are exposures, outcomes and conditions; others are counted.
    gap_days, default_days : int
        As in `drug_episodes`.
    lag_days : int
        Days after the last day of a regimen on which an outcome still counts for it, ≥ 0, if
        no other regimen is in force.
    fold_terms, spelling_patients
        As in `event_baskets`: one drug in two spellings has one row of episodes.

    Returns
    -------
    Baskets
        Ids are ``patient/1``, ``patient/2``, ... in order of the first day of each set of drugs.
        ``n_excluded`` also counts ``outcome_unexposed`` and ``condition_later``.

    Raises
    ------
    ArgumentError
        A number of days is out of range.

    Examples
    --------
    >>> columns = {"patient": ["p"] * 3, "code": ["a", "b", "bleed"]}
    >>> columns["kind"] = ["drug", "drug", "outcome"]
    >>> columns["start"] = ["2024-01-01", "2024-01-05", "2024-01-06"]
    >>> columns["end"] = ["2024-01-07", "2024-01-09", None]
    >>> made = exposure_baskets(EventTable(columns))
    >>> made.items, made.matrix.toarray().tolist()
    (('a', 'b', 'bleed'), [[1, 0, 0], [1, 1, 1], [0, 1, 0]])
    """
    check_at_least(lag_days, 0, name="lag_days")
    kinds = (drug_kind, outcome_kind, condition_kind)
    source, n_folded = events, dict[str, int]()
    if fold_terms:
        names, whose = events.coded("code"), events.coded("patient").codes
        counted = events.coded("kind").holding(lambda kind: kind in kinds) & (names.codes >= 0)
        names, n_folded = one_spelling(
            names, np.flatnonzero(counted), owners=whose, least=spelling_patients
        )
        events = events.replaced({"code": names})
    episodes, n_excluded = _episodes(events, drug_kind, gap_days, default_days, by_dose=False)
    of_patient: dict[str, list[Episode]] = {}
    for episode in episodes:
        of_patient.setdefault(events["patient"][episode[2]], []).append(episode)
    others = _others(events, {outcome_kind, condition_kind}, n_excluded)
    n_excluded["kind"] = int(np.sum(~np.isin(events["kind"].astype(str), kinds)))
    n_excluded |= {"outcome_unexposed": 0, "condition_later": 0}
    ids: list[str] = []
    owners: list[str] = []
    where: list[int] = []
    rows: list[int] = []
    for patient, mine in of_patient.items():
        regimens = _regimens(events["code"], mine)
        for k, (_, behind) in enumerate(regimens):
            ids.append(f"{patient}/{k + 1}")
            where += [len(ids) - 1] * len(behind)
            rows += behind
        owners += [patient] * len(regimens)
        first = len(ids) - len(regimens)
        for day, row in others.pop(patient, ()):
            outcome = events["kind"][row] == outcome_kind
            at = _at(regimens, day, lag_days) if outcome else _from(regimens, day)
            n_excluded["outcome_unexposed" if outcome else "condition_later"] += not at
            where += [first + k for k in at]
            rows += [row] * len(at)
    left = [row for days in others.values() for _, row in days]  # of patients without a drug
    n_outcomes = int(np.sum(events["kind"][left] == outcome_kind))
    n_excluded["outcome_unexposed"] += n_outcomes
    n_excluded["condition_later"] += len(left) - n_outcomes
    held = np.array(rows, np.int64)
    of_kind, codes = (events.coded(name).take(held) for name in ("kind", "code"))
    made = assembled(objects(ids), np.array(where, np.int32), held, of_kind, codes)
    return Baskets(
        **made, unit="exposure", entities=None, events=source, n_excluded=n_excluded,
        n_unassessed={}, patients=objects(owners), n_folded=n_folded,
        names=names_of_baskets(made["items"], made["kinds"], source),
    )  # fmt: skip


Regimen = tuple[list[tuple[int, int]], list[int]]  # its stretches of days, rows of its drugs


def _episodes(
    events: EventTable, kind: str, gap_days: int, default_days: int | None, *, by_dose: bool
) -> tuple[list[Episode], dict[str, int]]:
    check_at_least(gap_days, 0, name="gap_days")
    if default_days is not None:
        check_at_least(default_days, 1, name="default_days")
    start, end = _days(events["start"]), _days(events["end"])
    if default_days is not None:
        end = np.where(end == _NEVER, start + default_days - 1, end)
    usable = (events["kind"].astype(str) == kind) & ~_missing(events["code"])
    n_excluded = {"no_code": int(np.sum((events["kind"].astype(str) == kind) & ~usable))}
    for reason, bad in (
        ("no_patient", _missing(events["patient"])),
        ("no_start", start == _NEVER),
        ("no_end", end == _NEVER),
        ("end_before_start", end < start),
    ):
        n_excluded[reason] = int(np.sum(usable & bad))
        usable &= ~bad
    rows = np.flatnonzero(usable)
    keys = [events["patient"].astype(str), events["code"].astype(str)]
    rows = rows[np.lexsort((end[rows], start[rows], keys[1][rows], keys[0][rows]))]
    found: list[Episode] = []
    for row in rows.tolist():
        if found:
            low, high, first, held = found[-1]
            same = all(key[first] == key[row] for key in keys)
            same &= not by_dose or events["dose"][first] == events["dose"][row]
            if same and start[row] - high - 1 <= gap_days:
                held.append(row)
                found[-1] = (low, max(high, int(end[row])), first, held)
                continue
        found.append((int(start[row]), int(end[row]), row, [row]))
    return found, n_excluded


def _others(
    events: EventTable, kinds: set[str], n_excluded: dict[str, int]
) -> dict[str, list[tuple[int, int]]]:
    """Return day and row of outcomes and conditions by patient."""
    days = _days(events["start"])
    wanted = np.isin(events["kind"].astype(str), list(kinds)) & ~_missing(events["code"])
    usable = wanted & (days != _NEVER) & ~_missing(events["patient"])
    n_excluded["other_no_start_or_patient"] = int(np.sum(wanted & ~usable))
    found: dict[str, list[tuple[int, int]]] = {}
    for row in np.flatnonzero(usable).tolist():
        found.setdefault(events["patient"][row], []).append((int(days[row]), row))
    return found


def _regimens(codes: Array, episodes: list[Episode]) -> list[Regimen]:
    """Return the sets of drugs of one patient, by their first day."""
    found: dict[frozenset[str], tuple[list[tuple[int, int]], dict[int, None]]] = {}
    for low, high, active in _stretches(episodes):
        names = frozenset(str(codes[episode[2]]) for episode in active)
        stretches, rows = found.setdefault(names, ([], {}))
        stretches.append((low, high))
        rows.update((row, None) for episode in active for row in episode[3])
    return [(stretches, list(rows)) for stretches, rows in found.values()]


def _stretches(episodes: list[Episode]) -> Iterator[tuple[int, int, list[Episode]]]:
    """Yield first and last day of each stretch of days with the same episodes in force."""
    # The days on which an episode begins or is over; between two of them nothing changes
    marks = sorted({low for low, _, _, _ in episodes} | {high + 1 for _, high, _, _ in episodes})
    waiting = sorted(episodes, key=lambda episode: episode[0], reverse=True)
    active: list[Episode] = []
    for low, after in zip(marks, marks[1:], strict=False):
        active = [episode for episode in active if episode[1] >= low]
        while waiting and waiting[-1][0] <= low:
            active.append(waiting.pop())
        if active:
            yield low, after - 1, active


def _at(regimens: list[Regimen], day: int, lag_days: int) -> list[int]:
    """Return the regimen in force on a day, or else the last one that ended at most a lag ago."""
    best, last = -1, _NEVER
    for k, (stretches, _) in enumerate(regimens):
        for low, high in stretches:
            if low <= day <= high:
                return [k]
            if last < high < day <= high + lag_days:
                best, last = k, high
    return [] if best < 0 else [best]


def _from(regimens: list[Regimen], day: int) -> list[int]:
    """Return the regimens whose last day is not before a day."""
    return [k for k, (stretches, _) in enumerate(regimens) if stretches[-1][1] >= day]


def _days(times: Array) -> Ints:
    days = times.astype("datetime64[D]")
    return np.where(np.isnat(days), _NEVER, days.astype(np.int64))


def _missing(values: Array) -> Bools:
    return np.array([not value for value in values], bool)


def _times(days: list[int]) -> Array:
    return np.array(days, np.int64).astype("datetime64[D]").astype("datetime64[s]")
