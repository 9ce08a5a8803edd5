"""What an outcome is at a horizon, of a table that says when it came and how long each was seen.

    table ─▶ follow-up ─▶ (again at each visit) ─▶ 0, 1 or unknown at the horizon

A horizon is stated where it was used alone: of a table without times none is.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.follow_up import DEATH, UNKNOWN, FollowUp
from clinnlp.core.times import is_day
from clinnlp.features.follow_up import COLUMNS, FollowUpRead, FollowUpRows, outcome_at
from clinnlp.features.landmarks import landmarks
from clinnlp.features.outcomes import OutcomeRead, is_missing
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.dates import TimeReader, time_fault, time_reader
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.metrics.incidence import aalen_johansen
from clinnlp.study.reading import TableReading
from clinnlp.study.risk_tables import NewCases, read_index_table, read_outcome_table
from clinnlp.study.settings import DEFAULT_HORIZON, RiskSettings

__all__ = [
    "AtHorizon",
    "known_at_horizon",
    "outcome_of_table",
    "read_follow_up",
    "with_landmarks",
]

_SEEN = ("follow_up_end", "death")


class AtHorizon(NamedTuple):
    """An outcome, the horizon that was used, if any, and what to say of it."""

    outcome: OutcomeRead
    horizon_days: float | None
    said: Mapping[str, Any] = {}  # for the card
    cautions: tuple[str, ...] = ()


def outcome_of_table(
    path: str | Path, settings: RiskSettings, reading: TableReading | None = None
) -> AtHorizon:
    """Return the outcome in a table: as it is, or where there are times, at the horizon.

    Raises
    ------
    ArgumentError
        A horizon is needed and not given, or given and of no use; or visits without follow-up.
    DataError
        As `read_follow_up` and `read_outcome_table`.
    """
    reading = reading or TableReading()
    names = _names(path, reading)
    seen = any(name in names for name in _SEEN)
    horizon = _horizon(settings, timed="time" in names, seen=seen)
    if horizon is None or "time" not in names:
        return AtHorizon(read_outcome_table(path, reading), horizon)
    read = read_follow_up(path, reading, taken_as_seen=None if seen else horizon)
    read = with_landmarks(read, settings.landmarks, reading)
    found = outcome_at(read, horizon, death=settings.death)
    dying = "death before it is 0" if settings.death == "competing" else "death ends follow-up"
    said: dict[str, Any] = {"outcome": f"1 = within {horizon:g} days after index, 0 = not; {dying}"}
    said |= {"horizon_days": horizon, "death": settings.death}
    cautions = _cautions(read.follow_up, settings, horizon, taken=not seen)
    return AtHorizon(found, horizon, said, cautions)


def _horizon(settings: RiskSettings, *, timed: bool, seen: bool) -> float | None:
    """Return the horizon to use, if any, of a table with times of outcomes, and of follow-up."""
    horizon, by_time = settings.horizon_days, settings.split == "time"
    if settings.landmarks is not None and not seen:
        raise ArgumentError("landmarks need a table with follow_up_end, got one without")
    if horizon is None and seen:
        raise ArgumentError(
            "horizon_days must be given (--horizon-days) where a table says until when each was "
            "seen, got none: the outcome counts up to it"
        )
    if horizon is not None and not timed and not by_time:
        raise ArgumentError(
            "horizon_days must be left out where the table has no column time of the outcome, got "
            f"{horizon:g}: nobody can tell what came within it"
        )
    # of a split by time, training rows end before the cut
    return DEFAULT_HORIZON if horizon is None and by_time else horizon


def known_at_horizon(
    path: str | Path, given: NewCases, rows: Mapping[str, Any], reading: TableReading
) -> NewCases:
    """Return new cases with their outcomes at the horizon of a model, where the table has times.

    Parameters
    ----------
    path : path
        The table that the cases come from.
    given : NewCases
        Of `read_new_cases`.
    rows : mapping
        What the card of the model says of its rows: ``horizon_days`` and ``death``, if it has one.
    reading : TableReading

    Raises
    ------
    DataError
        As `read_follow_up`.
    """
    names, horizon = _names(path, reading), rows.get("horizon_days")
    if horizon is None or "time" not in names or not {"outcome", *_SEEN} & names.keys():
        return given
    anew = TableReading(
        dialect=reading.dialect, skip_bad=reading.skip_bad, outcome_columns=reading.outcome_columns
    )
    seen = any(name in names for name in _SEEN)
    read = read_follow_up(path, anew, taken_as_seen=None if seen else horizon)
    there = read.follow_up
    values = there.at(horizon, death=rows.get("death", "competing"))
    found = dict(zip(zip(there.patients.tolist(), there.index, strict=True), values, strict=True))
    whom = zip(given.cases.patients.tolist(), given.cases.index, strict=True)
    known = np.array([found.get((str(who), when), UNKNOWN) for who, when in whom], np.float64)
    known[known == UNKNOWN] = np.nan
    n_before = read.n_excluded["outcome_before_index"]
    return NewCases(given.cases, known if np.isfinite(known).any() else None, n_before)


def read_follow_up(
    path: str | Path, reading: TableReading | None = None, *, taken_as_seen: float | None = None
) -> FollowUpRead:
    """Return the follow-up in a CSV, TSV or Parquet file.

    Its columns are ``patient``, ``index_time``, ``time`` (of the outcome), ``follow_up_end``, and
    perhaps ``death`` and ``outcome``, which are empty where they are not known.

    Parameters
    ----------
    path : path
    reading : TableReading, optional
        How the table is written and what its columns are called, that of outcomes.
    taken_as_seen : float, optional
        Days that a row whose outcome is 0 counts as seen where it does not say until when.

    Raises
    ------
    DataError
        A missing column, a cell that is neither valid nor empty, or times that contradict each
        other, by file and line.
    """
    reading = reading or TableReading()
    names = _names(path, reading)
    lacks = [n for n in ("time", "follow_up_end") if n not in names]
    if "time" in lacks or (lacks and taken_as_seen is None and "death" not in names):
        raise DataError(
            f"a table of time to event must have a column {lacks[0]}, got none: without it nobody "
            "knows when the outcome came, or until when somebody was seen without it; "
            "--outcome-columns says what it is called",
            path=path,
        )
    rows, read = FollowUpRows(taken_as_seen), time_reader(reading.dialect)
    short: list[DataError] | None = None if reading.errors is None else []
    for line, cells in read_rows(path, list(names.values()), dialect=reading.dialect, short=short):
        try:
            if short:
                raise short.pop()
            with instead_of(DataError, partial(_in_file, path, line)):
                rows.add(_row(dict(zip(names, cells, strict=True)), names, read), line)
        except DataError as error:
            if reading.errors is None:
                raise
            reading.errors.append(error)
    return rows.read()


def with_landmarks(
    read: FollowUpRead, visits: str | Path | None, reading: TableReading
) -> FollowUpRead:
    """Return a follow-up that begins again at each visit in a table, where there is one."""
    if visits is None:
        return read
    found = read_index_table(visits, TableReading(dialect=reading.dialect))
    again = landmarks(read.follow_up, found.patients, found.index)
    return FollowUpRead(again.follow_up, {**read.n_excluded, **again.n_excluded})


def _names(path: str | Path, reading: TableReading) -> dict[str, str]:
    """Return what the columns of time to event are called that a table has."""
    given = reading.outcome_columns
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise ArgumentError(f"columns of outcomes are {', '.join(COLUMNS)}, got {unknown[0]}")
    there = columns_named(COLUMNS, column_names(path, dialect=reading.dialect))
    needed = {"patient": "patient", "index_time": "index_time"}
    return {n: w for n in COLUMNS for w in [given.get(n) or there.get(n) or needed.get(n)] if w}


def _row(cells: dict[str, Any], names: dict[str, str], read: TimeReader) -> dict[str, Any]:
    """Return cells whose times are read: a mere day as a date, a zone kept."""
    for name in cells.keys() - {"patient", "outcome"}:
        cell = cells[name]
        if isinstance(cell, str) and not is_missing(cell):
            wrong = partial(_wrong, f"{name} must be a time in ISO 8601", names[name])
            with instead_of(ValueError, wrong):  # which quotes the cell
                made = read(cell)
            cells[name] = made.date() if is_day(cell) else made
    return cells


def _wrong(must: str, column: str, error: ValueError) -> DataError:
    return DataError(time_fault(error, must, column))


def _in_file(path: str | Path, line: int, error: DataError) -> DataError:
    return DataError(error.message, path=path, line=line)


def _cautions(
    seen: FollowUp, settings: RiskSettings, horizon: float, *, taken: bool
) -> tuple[str, ...]:
    """Return how many are unknown or died, and what that does to the share with the outcome."""
    values = seen.at(horizon, death=settings.death)
    n_unknown, known = int(np.sum(values == UNKNOWN)), values[values != UNKNOWN]
    n_died = int(np.sum((seen.event == DEATH) & (seen.days <= horizon)))
    told = []
    if taken:
        told.append(
            "the table has no follow_up_end: rows whose outcome is 0 are taken as seen for "
            f"{horizon:g} days"
        )
    if n_died:
        dying = "count as 0" if settings.death == "competing" else "are left out"
        told.append(
            f"{n_died:,} rows whose patient died before the outcome and the horizon {dying}"
        )
    if n_unknown and len(known):
        event = seen.event if settings.death == "competing" else np.where(seen.event == 1, 1, 0)
        share = aalen_johansen(seen.days, event, at=[horizon], n_boot=0).value[0]
        told.append(
            f"{n_unknown:,} of {len(seen):,} rows were not seen to the horizon of {horizon:g} days "
            f"and are left out: of the others {np.mean(known):.1%} have the outcome, of all, "
            f"follow-up counted (Aalen–Johansen), {share:.1%}"
        )
    return tuple(told)
