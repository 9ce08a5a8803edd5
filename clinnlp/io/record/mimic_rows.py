"""What the folders of MIMIC-III and MIMIC-IV share: where tables lie, stays, codes, results."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Encounter
from clinnlp.core.tables import EventTable
from clinnlp.core.vocab import fold
from clinnlp.io.files.folders import folders_in
from clinnlp.io.record.keys import each_once
from clinnlp.io.record.record_folder import RecordTable, by_value, constant, later
from clinnlp.io.record.results import coded_words, result_columns
from clinnlp.io.record.timelines import EventColumns
from clinnlp.io.tables.arrow_times import TIME, end_of_days
from clinnlp.io.tables.cells import by_name_if_there, table_path, time_of
from clinnlp.io.tables.omop_rows import whole
from clinnlp.io.tables.text_batches import TextBatch

__all__ = [
    "Stays",
    "coded_table",
    "drug_table",
    "mimic_path",
    "needed_table",
    "own",
    "read_stays",
    "result_table",
    "with_paths",
]

_FOLDERS = ("hosp", "icu", ".")
_OWN = ("subject_id", "hadm_id")
_ADMISSIONS = (
    *(*_OWN, "admittime", "dischtime"),
    *("deathtime", "admission_type", "race", "ethnicity"),
)


class Stays(NamedTuple):
    """Stays and what ADMISSIONS says beside them."""

    encounters: list[Encounter]
    discharged: Mapping[str, datetime]  # by stay
    deaths: Mapping[str, datetime]  # by patient
    ethnicity: Mapping[str, str]  # by patient
    events: EventTable


def mimic_path(folder: Path, name: str) -> Path | None:
    """Return the file of a table, in the folder or in those that MIMIC-IV has in it."""
    found = (table_path(place, name) for place in folders_in(folder, _FOLDERS))
    return next((path for path in found if path is not None), None)


def needed_table(folder: Path, name: str, source: str) -> Path:
    """Return the file of a table, or raise `DataError` where there is none."""
    path = mimic_path(folder, name) if folder.is_dir() else None
    if path is None:
        raise DataError(f"a {source} folder must hold the table {name}, got none", path=folder)
    return path


def read_stays(path: Path, source: str, n_excluded: Counter[str]) -> Stays:
    """Return the stays of ADMISSIONS, each also as an event that is known when it began.

    A row that is repeated is left out and counted in `n_excluded`.

    Raises
    ------
    DataError
        A stay without id or patient, two rows of one stay that say something else, or a time of
        another form.
    """
    encounters, events = [], EventColumns()
    discharged, deaths, ethnicity = {}, {}, {}
    rows = by_name_if_there(path, _ADMISSIONS, needed=_ADMISSIONS[:4])
    for line, row in each_once(rows, "hadm_id", table="admissions", path=path, lost=n_excluded):
        patient, stay = row["subject_id"], row["hadm_id"]
        if patient is None or stay is None:
            raise DataError("a stay must have subject_id and hadm_id", path=path, line=line)
        start, end, died = (
            time_of(row[n], n, path, line) for n in ("admittime", "dischtime", "deathtime")
        )
        kind, group = row["admission_type"], row["race"] or row["ethnicity"]
        encounters.append(Encounter(id=stay, patient=patient, start=start, end=end, kind=kind))
        events.add(
            patient=patient,
            encounter=stay,
            start=start,
            known=start,
            code=kind,
            vocabulary=source,
            kind="admission",
        )
        if end is not None:
            discharged[stay] = end
        if died is not None:
            deaths[patient] = died
        if group:
            ethnicity[patient] = group
    return Stays(encounters, discharged, deaths, ethnicity, events.table())


# --- tables --------------------------------------------------------------------------------


def coded_table(
    name: str,
    kind: str,
    stays: Stays,
    *,
    code: str,
    systems: Mapping[str, str] | str,
    id: str = "",
    when: str = "",
) -> RecordTable:
    """Return a table of codes that are given at discharge, and known then.

    `systems` is the vocabulary, or that of each ``icd_version``.
    """

    def events(batch: TextBatch) -> dict[str, pa.Array]:
        owned = own(batch, id)
        made = {
            **owned,
            "known": by_value(owned["encounter"], stays.discharged.get, TIME),
            "code": batch.text(code),
        }
        if when:
            made["start"] = batch.times(when)
            made["known"] = later(made["known"], end_of_days(made["start"]))
        if isinstance(systems, str):
            return made | {"vocabulary": constant(systems, len(batch))}
        found = by_value(batch.text("icd_version"), systems.get, pa.string())
        other = pc.if_else(pc.is_null(found), "of another icd_version", None)
        return made | {"vocabulary": found, "left_out": other}

    version = () if isinstance(systems, str) else ("icd_version",)
    extra = tuple(column for column in (id, when) if column)
    return RecordTable(name, kind, (*_OWN, code, *version, *extra), (*_OWN, code, *version), events)


def drug_table(source: str, *, start: str, end: str, id: str, by_day: bool) -> RecordTable:
    """Return the table of prescriptions: known when begun, or at the end of that day.

    The name of a drug is case-folded, its dose the number with its unit.
    """

    def events(batch: TextBatch) -> dict[str, pa.Array]:
        begun = batch.times(start)
        parts = [pc.coalesce(batch.text(name), "") for name in ("dose_val_rx", "dose_unit_rx")]
        dose = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))
        return {
            **own(batch, id),
            "start": begun,
            "end": batch.times(end),
            "known": end_of_days(begun) if by_day else begun,
            "code": by_value(batch.text("drug"), fold, pa.string()),
            "vocabulary": constant(f"{source} drug", len(batch)),
            "dose": pc.if_else(pc.equal(dose, ""), None, dose),
        }

    needed = (*_OWN, start, end, "drug")
    columns = (*needed, "dose_val_rx", "dose_unit_rx", id)
    return RecordTable("PRESCRIPTIONS", "drug", columns, needed, events)


def result_table(name: str, source: str, *, id: str, known: str = "") -> RecordTable:
    """Return a table of results: known when they were stored, else at the end of their day.

    A value in words is part of the code, ``<5`` a limit with its comparator.
    """

    def events(batch: TextBatch) -> dict[str, pa.Array]:
        charted = batch.times("charttime")
        stored = batch.times(known) if known else pa.nulls(len(batch), TIME)
        given = batch.numbers("valuenum")
        given = pc.if_else(pc.is_nan(given), None, given)
        number, comparator, word = result_columns(batch.text("value"))
        value = pc.coalesce(given, number)
        return {
            **own(batch, id),
            "start": charted,
            "known": later(pc.coalesce(stored, end_of_days(charted)), charted),
            "code": coded_words(batch.text("itemid"), word, value),
            "vocabulary": constant(source, len(batch)),
            "value": value,
            "comparator": comparator,
            "unit": batch.text("valueuom"),
            "normal_from": batch.numbers("ref_range_lower"),
            "normal_to": batch.numbers("ref_range_upper"),
        }

    needed = ("subject_id", "itemid", "charttime")
    values = ("value", "valuenum", "valueuom", "ref_range_lower", "ref_range_upper")
    columns = tuple(dict.fromkeys((*needed, "hadm_id", *values, id, *((known,) if known else ()))))
    return RecordTable(name, "measurement", columns, needed, events)


def own(batch: TextBatch, id: str) -> dict[str, pa.Array]:
    """Return whose each row is, of which stay, and its id."""
    ids = {
        name: by_value(batch.text(column), whole, pa.string())
        for name, column in zip(("patient", "encounter"), _OWN, strict=True)
    }
    return ids | ({"source_id": batch.text(id)} if id else {})


def with_paths(folder: Path, tables: Sequence[RecordTable]) -> list[tuple[RecordTable, Path]]:
    """Return those of the tables that a folder holds, with their files."""
    found = ((table, mimic_path(folder, table.name)) for table in tables)
    return [(table, path) for table, path in found if path is not None]
