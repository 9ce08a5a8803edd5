"""What can be mined: mentions, events, FAERS quarters, MIMIC and OMOP, wide tables → baskets."""

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.arrays import Bools
from clinnlp.core.baskets import Baskets
from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import LEAVING, EntityTable, EventTable
from clinnlp.core.vocab import fold
from clinnlp.features.baskets import EVENT_KINDS, baskets, event_baskets, frame_baskets
from clinnlp.features.exposure import exposure_baskets
from clinnlp.features.item_names import names_of_items
from clinnlp.io.record.events import read_events
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.faers_files import is_faers
from clinnlp.io.record.folders import record_source, stream_record
from clinnlp.io.record.record_names import record_names
from clinnlp.io.tables.columns import column_summary, columns_named
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.rows import column_names
from clinnlp.io.tables.wide import read_wide
from clinnlp.study.event_columns import event_columns, generic_names
from clinnlp.study.reading import TableReading
from clinnlp.study.roll_up import roll_up_of
from clinnlp.study.settings import MineSettings
from clinnlp.text.drugs import fold_drug

__all__ = ["read_baskets", "read_every_item"]


def read_baskets(
    source: str | Path, settings: MineSettings, reading: TableReading | None = None
) -> Baskets:
    """Return the baskets of a file or folder, told by the settings or by what lies in it.

    =========================== =======================================================
    ``items`` is given          a wide table: a row per basket, a column per item
    ``columns`` is given        a table of events under other column names
    DEMO, DRUG and REAC tables  FAERS or AERS quarters, zipped or not
    ADMISSIONS, or PERSON       a folder of MIMIC-III, MIMIC-IV or OMOP tables
    a column ``entity``         mentions that ``clinnlp extract`` wrote
    ``patient`` and ``code``    events
    =========================== =======================================================

    Raises
    ------
    DataError
        The source is none of these, or cannot be read.
    ArgumentError
        A setting that does not go with the source.
    """
    path, reading = Path(source), reading or TableReading()
    if settings.items:
        return _wide(path, settings, reading)
    if settings.columns:
        return _from_table(path, settings, reading)
    if path.is_dir() and record_source(path) is not None:
        reading.check_unsaid("a record of tables")
        return _from_record(path, settings)
    if (path.is_dir() or path.suffix.lower() == ".zip") and is_faers(path):
        reading.check_unsaid("a release of FAERS")
        return _from_faers(path, settings)
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    dialect = reading.dialect
    # without parts: extracted from no notes
    names = column_names(parts[0], dialect=dialect) if parts else ["entity"]
    if "entity" in names:
        return _from_mentions(read_entity_table(path), settings)
    if names and len(columns_named(("patient", "code"), names)) < 2:
        raise DataError(
            "a table to mine must have the columns of mentions (note, entity, ...) or of events "
            "(patient, code, ...) or of counts (drug, event, a, n_drug, n_event, n), got others; "
            f"{column_summary(names)}; "
            "name them with columns or items",
            path=path,
        )
    return _from_table(path, settings, reading)


def _from_table(path: Path, settings: MineSettings, reading: TableReading) -> Baskets:
    how: dict[str, Any] = event_columns(path, settings, reading.dialect)
    events = read_events(path, dialect=reading.dialect, skipped=reading.errors, **how)
    sets = _from_events(_completed(events, settings), settings)
    return replace(sets, n_excluded={**sets.n_excluded, **reading.take(())})


def read_every_item(
    source: str | Path,
    settings: MineSettings,
    sets: Baskets,
    reading: TableReading | None = None,
) -> Baskets:
    """Return the baskets with the items of all labels, kinds and columns of the source.

    Parameters
    ----------
    source : path
    settings : MineSettings
    sets : Baskets
        What `read_baskets` gives; returned as they are where no item was left out.

    Raises
    ------
    DataError
        The source cannot be read.
    """
    if settings.items:
        again = replace(reading or TableReading(), skipped=[])
        return _wide(Path(source), replace(settings, items=(":",)), again)
    if not (settings.label or sets.n_excluded.get("kind")) or settings.unit == "exposure":
        return sets
    if sets.entities is not None:
        return _from_mentions(sets.entities, replace(settings, label=None))
    assert sets.events is not None
    roll_up = roll_up_of(settings)
    return event_baskets(
        sets.events, unit=settings.unit, kinds=None, roll_up=roll_up, **_spelling(settings)
    )


def _from_mentions(table: EntityTable, settings: MineSettings) -> Baskets:
    if settings.unit == "exposure":
        raise ArgumentError(
            "unit exposure needs events with start and end, got mentions; choose another unit"
        )
    return baskets(
        table,
        label=settings.label,
        unit=settings.unit,
        strict=settings.strict,
        changes=() if settings.with_stopped else LEAVING,
        chronic_counts=settings.chronic_counts,
        roll_up=roll_up_of(settings),
        fold_terms=settings.fold_terms,
    )


def _from_events(events: EventTable, settings: MineSettings) -> Baskets:
    _refuse_mentions(settings)
    if settings.unit == "exposure":
        _refuse_roll_up(settings, "unit exposure")
        return exposure_baskets(
            events,
            drug_kind=settings.drug_kind,
            outcome_kind=settings.outcome_kind,
            gap_days=settings.gap_days,
            default_days=settings.default_days,
            lag_days=settings.lag_days,
            **_spelling(settings),
        )
    kinds = (*EVENT_KINDS, settings.drug_kind, settings.outcome_kind)
    roll_up = roll_up_of(settings)
    return event_baskets(
        events, unit=settings.unit, kinds=kinds, roll_up=roll_up, **_spelling(settings)
    )


def _spelling(settings: MineSettings) -> dict[str, Any]:
    """Return how terms are spelled: what one patient alone has written is not shown of cells."""
    return {"fold_terms": settings.fold_terms, "spelling_patients": max(1, settings.min_cell)}


def _from_record(folder: Path, settings: MineSettings) -> Baskets:
    """Return the baskets of a record, whose events of other kinds, such as results, are let go.

    One of each stay is kept all the same: a stay without items is a basket too.
    """
    record = stream_record(folder)
    wanted = {*EVENT_KINDS, settings.drug_kind, settings.outcome_kind}
    seen: set[tuple[str, str | None]] = set()
    parts, lost = [], Counter[str]()
    for part in record:
        kept = np.fromiter((kind in wanted for kind in part["kind"]), bool, len(part))
        kept |= _first_of_stays(part, ~kept, seen)
        if settings.min_cell:  # what may be shown must not depend on the kinds that are looked at
            kept[:] = True
        homeless = settings.unit == "encounter" and part["encounter"][~kept] == None  # noqa: E711
        n_homeless = int(np.sum(homeless))
        lost.update({"no_encounter": n_homeless, "kind": int(np.sum(~kept)) - n_homeless})
        parts.append(part.take(kept))
    sets = _from_events(EventTable.concat(parts), settings)
    n_excluded = {reason: n + lost[reason] for reason, n in sets.n_excluded.items()}
    lost_rows = {**n_excluded, **record.n_excluded}
    return replace(sets, n_excluded=lost_rows, names={**_named(sets, folder), **sets.names})


def _named(sets: Baskets, folder: Path) -> dict[str, str]:
    """Return the names of the items by the tables of the record itself."""
    each = zip(sets.items, sets.kinds, strict=True)
    codes = {*sets.items, *(item.removesuffix(f" ({kind})") for item, kind in each)}
    return names_of_items(sets.items, sets.kinds, record_names(folder, codes))


def _first_of_stays(part: EventTable, where: Bools, seen: set[tuple[str, str | None]]) -> Bools:
    """Return which of some events are the first of their stay, and add these stays to `seen`."""
    rows = np.flatnonzero(where)[::-1]
    stays = zip(part["patient"][rows], part["encounter"][rows], strict=True)
    first = dict(zip(stays, rows.tolist(), strict=True))
    found = np.zeros(len(part), bool)
    found[[row for stay, row in first.items() if stay not in seen]] = True
    seen.update(first)
    return found


def _from_faers(path: Path, settings: MineSettings) -> Baskets:
    name = partial(fold_drug, language=settings.language) if settings.generic else fold
    reports = read_faers(path, roles=settings.roles, drug_name=name)
    sets = _from_events(reports.events, settings)
    lost = {f"faers_{reason}": n for reason, n in reports.n_excluded.items()}
    return replace(sets, n_excluded={**sets.n_excluded, **lost})


def _wide(path: Path, settings: MineSettings, reading: TableReading) -> Baskets:
    _refuse_mentions(settings)
    _refuse_roll_up(settings, "a wide table")
    named = mapping_of(settings.columns, "columns")
    if set(named) - {"unit"}:
        raise ArgumentError(
            f"columns of a wide table must be unit=..., got {', '.join(sorted(named))}"
        )
    frame = read_wide(
        path,
        settings.items or (),
        unit=named.get("unit"),
        absent=settings.absent,
        dialect=reading.dialect,
        skipped=reading.errors,
    )
    kind = settings.kind or settings.drug_kind
    sets = frame_baskets(frame, kinds=kind, fold_terms=settings.fold_terms)
    lost = {**sets.n_excluded, **reading.take(())}
    return replace(sets, unit=named.get("unit", "row"), n_excluded=lost)


def _completed(events: EventTable, settings: MineSettings) -> EventTable:
    """Return the events with the kind given where they state none, drugs by generic name."""
    kind, code = events.coded("kind"), events.coded("code")
    if settings.kind is not None:
        kind = kind.filled(settings.kind)
    if settings.columns and settings.generic:
        drugs = kind.holding(lambda each: each == settings.drug_kind)
        there = code.counts(drugs) > 0
        known = generic_names(code.values.tolist(), there.tolist(), settings)
        code = code.renamed(known, drugs)
    return events.replaced({"kind": kind, "code": code})


def _refuse_roll_up(settings: MineSettings, got: str) -> None:
    if settings.ancestors:
        raise ArgumentError(
            f"roll_up needs mentions or events by note, encounter or patient, got {got}; "
            "leave out ancestors"
        )


def _refuse_mentions(settings: MineSettings) -> None:
    if settings.label or settings.strict or settings.with_stopped or not settings.chronic_counts:
        raise ArgumentError(
            "chronic_counts, with_stopped, label and strict choose mentions, got a table of "
            "events; leave them out"
        )
