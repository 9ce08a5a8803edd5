"""A cohort: whom to predict for, from when, and what came of it; each exclusion with its count.

    stays ─▶ index time: the end of each stay that was survived
          ─▶ outcome: another stay begins within the horizon after index
          ─▶ left out and counted: no times, died in the stay, not followed to the horizon

What is not seen is not "no": a stay whose horizon reaches past the last day of the source, or past
the death of the patient without a return, has no known outcome.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.patients import Encounter
from clinnlp.core.tables import Outcome
from clinnlp.features.outcomes import OutcomeRead

__all__ = ["last_day", "readmissions"]

_REASONS = (
    "other_kind_of_stay",
    "stay_without_times",
    "stay_ends_before_it_begins",
    "died_in_the_stay",
    "next_stay_begins_before_index",
    "not_followed_to_the_horizon",
)


def readmissions(
    encounters: Sequence[Encounter],
    *,
    horizon_days: float = 30.0,
    kinds: Collection[str] | None = None,
    deaths: Mapping[str, datetime] | None = None,
    last_day: datetime | None = None,
) -> OutcomeRead:
    """Return whether another stay began within the horizon after the end of each.

    Parameters
    ----------
    encounters : sequence of Encounter
    horizon_days : float
        Above 0.
    kinds : collection of str, optional
        Kinds of stay that count, as index and as return; all by default.
    deaths : mapping of patient to time, optional
        A patient who died in a stay cannot return from it; one who died within the horizon
        without a return has no known outcome.
    last_day : datetime, optional
        End of the source; a horizon that reaches past it leaves the outcome unknown. Each
        patient's record is taken as complete where absent.

    Returns
    -------
    OutcomeRead
        Rows in order of patient and time; counts of what was left out by reason.

    Raises
    ------
    ArgumentError
        A horizon that is not above 0.

    Examples
    --------
    >>> stays = [
    ...     Encounter(id="1", patient="p", start=datetime(2024, 1, 1), end=datetime(2024, 1, 5)),
    ...     Encounter(id="2", patient="p", start=datetime(2024, 1, 20), end=datetime(2024, 1, 22)),
    ... ]
    >>> readmissions(stays).outcome.values.tolist()
    [1, 0]
    """
    check_at_least(horizon_days, 0, name="horizon_days")
    if horizon_days == 0:
        raise ArgumentError("horizon_days must be above 0, got 0")
    horizon, deaths = timedelta(days=horizon_days), deaths or {}
    stays = _by_reason(encounters, kinds, deaths)
    n_excluded = {reason: len(stays[reason]) for reason in _REASONS}
    survived = sorted(stays[""], key=lambda stay: (stay.patient, _start(stay), stay.id))
    # a stay one dies in is a return all the same
    starts = _starts([*survived, *stays["died_in_the_stay"]])
    rows = []
    for stay in survived:
        ends = [t for t in (last_day, deaths.get(stay.patient)) if t is not None]
        returned, reason = _returned(stay, starts[stay.patient], horizon, ends)
        if reason:
            n_excluded[reason] += 1
        else:
            rows.append((stay.patient, _end(stay), returned))
    return OutcomeRead(_outcome(rows), n_excluded)


def last_day(encounters: Iterable[Encounter]) -> datetime | None:
    """Return the last time that stays speak of: the end of what their source has seen.

    Examples
    --------
    >>> stay = Encounter(id="1", patient="p", start=datetime(2024, 1, 1), end=datetime(2024, 1, 5))
    >>> str(last_day([stay]))
    '2024-01-05 00:00:00'
    """
    return max((t for e in encounters for t in (e.start, e.end) if t is not None), default=None)


def _by_reason(
    encounters: Iterable[Encounter],
    kinds: Collection[str] | None,
    deaths: Mapping[str, datetime],
) -> Mapping[str, list[Encounter]]:
    """Return the stays by the reason against them as index; under nothing, those without any."""
    stays: defaultdict[str, list[Encounter]] = defaultdict(list)
    for stay in encounters:
        stays[_why_not(stay, kinds, deaths.get(stay.patient))].append(stay)
    return stays


def _starts(stays: Iterable[Encounter]) -> dict[str, list[datetime]]:
    """Return when the stays of each patient begin, in order."""
    starts: dict[str, list[datetime]] = {}
    for stay in sorted(stays, key=_start):
        starts.setdefault(stay.patient, []).append(_start(stay))
    return starts


def _outcome(rows: Sequence[tuple[str, datetime, bool]]) -> Outcome:
    patients, index, values = zip(*rows, strict=True) if rows else ((), (), ())
    return Outcome(
        patients=np.array(patients, dtype=object),
        index=np.array(index, dtype="datetime64[s]"),
        values=np.array(values, dtype=np.int8),
    )


def _why_not(stay: Encounter, kinds: Collection[str] | None, died: datetime | None) -> str:
    """Return the first reason against a stay as index, else nothing."""
    if kinds is not None and stay.kind not in kinds:
        return "other_kind_of_stay"
    if stay.start is None or stay.end is None:
        return "stay_without_times"
    if stay.end < stay.start:
        return "stay_ends_before_it_begins"
    if died is not None and died <= stay.end:
        return "died_in_the_stay"
    return ""


def _returned(
    stay: Encounter, starts: Sequence[datetime], horizon: timedelta, ends: Sequence[datetime]
) -> tuple[bool, str]:
    """Return whether a later stay began within the horizon, or else the reason against this one.

    `starts` are those of all stays of the patient, in order; `ends` are of what was seen of them.
    """
    index = _end(stay)
    n_begun = bisect_right(starts, index)
    # another stay began in this one: the patient was not at home at the index time
    if n_begun > bisect_right(starts, _start(stay)):
        return False, "next_stay_begins_before_index"
    if n_begun < len(starts) and starts[n_begun] <= index + horizon:
        return True, ""
    # nobody saw the whole horizon, so that no return in it is not "no"
    if any(end < index + horizon for end in ends):
        return False, "not_followed_to_the_horizon"
    return False, ""


def _start(stay: Encounter) -> datetime:
    assert stay.start is not None  # stays without are left out first
    return stay.start


def _end(stay: Encounter) -> datetime:
    assert stay.end is not None
    return stay.end
