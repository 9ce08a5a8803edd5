"""Patients, stays and events with the ids and the days of their notes, so that both still join.

Who is above 89 at the last thing that is known of him gets the birth date of someone who is 90.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array
from clinnlp.core.coded import Coded
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.record.timelines import Timelines
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.names import plain, words_of_names

__all__ = [
    "born",
    "deidentify_events",
    "deidentify_timelines",
    "gather_timelines",
    "people",
    "smallest_group",
]

_IDS = ("patient", "encounter", "source_id")
_TIMES = ("start", "end", "known")
_OLDEST = 90


def gather_timelines(record: Timelines, to: Deidentifier) -> None:
    """Take the ids of a record, before anything is replaced."""
    to.gather_ids(patient.id for patient in record.patients)
    to.gather_ids(stay.id for stay in record.encounters)
    to.gather_ids(record.deaths)
    for name in _IDS:
        to.gather_ids(record.events.coded(name).values.tolist())


def deidentify_timelines(record: Timelines, by: Deidentifier) -> Timelines:
    """Return a record with other ids, and with its times moved as those of the notes are."""
    ids, times = by.surrogates.ids, by.replacing.time
    last = _last_known(record)
    patients = [
        replace(
            one,
            id=ids(one.id),
            birth_date=born(one.birth_date, last.get(one.id), one.id, by),
        )
        for one in record.patients
    ]
    encounters = [
        replace(
            one,
            id=ids(one.id),
            patient=ids(one.patient),
            start=times(one.start, one.patient),
            end=times(one.end, one.patient),
        )
        for one in record.encounters
    ]
    moved = {ids(who): times(when, who) for who, when in record.deaths.items()}
    return record._replace(
        patients=patients,
        encounters=encounters,
        events=deidentify_events(record.events, by),
        deaths={who: when for who, when in moved.items() if when is not None},
    )


def deidentify_events(events: EventTable, by: Deidentifier) -> EventTable:
    """Return events with other ids, and with their times moved as those of the notes are."""
    ids = by.surrogates.ids
    patients = events.coded("patient")
    made: dict[str, Any] = {}
    for name in _IDS:
        column = events.coded(name)
        names = [ids(str(value)) for value in column.values.tolist()]
        made[name] = Coded(values=np.array(names, object), codes=column.codes)
    codes = events.coded("code")
    told = [_without_names(str(value), by) for value in codes.values.tolist()]
    made["code"] = Coded(values=np.array(told, object), codes=codes.codes)
    for name in _TIMES:
        made[name] = _times(events[name], patients, by)
    return events.replaced(made)


def _without_names(code: str, by: Deidentifier) -> str:
    """Return a code without a result in words that names somebody of the collection."""
    head, _, result = code.partition("=")
    words = {plain(word) for word in words_of_names(result)}
    return head if words & by.originals.words else code


def born(birth: date | None, last: datetime | None, patient: str, by: Deidentifier) -> date | None:
    """Return a birth date as it is told: no earlier than that of someone who is 90 at the end."""
    if birth is None:
        return None
    if last is not None and last.year - birth.year >= _OLDEST:
        birth = max(birth, date(max(1, last.year - _OLDEST), 1, 1))
    made = by.replacing.time(datetime.combine(birth, time()), patient)
    return None if made is None else made.date()


def smallest_group(rows: Iterable[tuple[Any, ...]]) -> tuple[int, int]:
    """Return how many share the rarest values, and how many stand in groups as small.

    It is the k of k-anonymity over what was given; 0 of nobody.

    Examples
    --------
    >>> smallest_group([("F", 1950), ("F", 1950), ("M", 1950), ("M", 1931)])
    (1, 2)
    """
    counts: dict[tuple[Any, ...], int] = {}
    for row in rows:
        counts[row] = counts.get(row, 0) + 1
    k = min(counts.values(), default=0)
    return k, sum(n for n in counts.values() if n == k)


def people(patients: Iterable[Patient]) -> Iterable[tuple[Any, ...]]:
    """Yield of each patient what others may know of him too: birth year, sex, ethnicity."""
    for one in patients:
        yield (one.birth_date and one.birth_date.year, one.sex, one.ethnicity)


def _last_known(record: Timelines) -> Mapping[str, datetime]:
    """Return the last time that anything is known of each patient."""
    last: dict[str, datetime] = dict(record.deaths)
    for stay in record.encounters:
        _take(last, stay)
    patients = record.events.coded("patient")
    for name in _TIMES:
        column = record.events[name]
        there = ~np.isnat(column) & (patients.codes >= 0)
        latest = np.full(len(patients.values), np.datetime64("0001-01-01", "s"))
        np.maximum.at(latest, patients.codes[there], column[there])
        for who, when in zip(patients.values.tolist(), latest.tolist(), strict=True):
            last[who] = max(last.get(who, when), when)
    return last


def _take(last: dict[str, datetime], stay: Encounter) -> None:
    for when in (stay.start, stay.end):
        if when is not None:
            last[stay.patient] = max(last.get(stay.patient, when), when)


def _times(column: Array, patients: Coded, by: Deidentifier) -> Array:
    """Return times moved by the days of their patients; those of nobody are missing."""
    none = np.datetime64("NaT", "s")
    if by.settings.dates == "mask":
        return np.full(len(column), none)
    if by.settings.dates == "year":
        made = column.astype("datetime64[Y]").astype("datetime64[s]")
    else:
        days = [by.offsets(str(who)) for who in patients.values.tolist()]
        made = column + np.array([*days, 0], "timedelta64[D]")[patients.codes]
    made[patients.codes < 0] = none
    return made
