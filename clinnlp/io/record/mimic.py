"""MIMIC-III: PATIENTS, ADMISSIONS, DIAGNOSES_ICD, PROCEDURES_ICD, PRESCRIPTIONS, LABEVENTS.

When a fact counts as known, since the tables mostly do not say:

=============== ====================================================================
admission       at admission
drug            at the end of the day it was begun (its start has no hour)
condition       at discharge: diagnoses are coded then
procedure       at discharge, likewise
measurement     at the end of the day of its specimen (kind of LABEVENTS)
=============== ====================================================================

Birth dates of patients over 89 are shifted by the source so that they are 300 years old: their
birth date is missing here. Deaths are by ``deathtime``, else by the day ``dod``, after discharge
too. A row without a stay has no time, so it is never known; one without
patient or code is left out and counted. NOTEEVENTS is read by `io.notes.mimic`.

References
----------
Johnson et al., Scientific Data 2016 (MIMIC-III); PhysioNet 2019, doi:10.13026/C2HM2Q (demo).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.record.keys import each_once
from clinnlp.io.record.mimic_rows import (
    coded_table,
    drug_table,
    mimic_path,
    needed_table,
    read_stays,
    result_table,
    with_paths,
)
from clinnlp.io.record.record_folder import RecordFolder
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.cells import by_name_if_there, time_of

__all__ = ["is_mimic3", "read_mimic3", "stream_mimic3"]

_SOURCE = "MIMIC-III"
_PERSON = ("subject_id", "gender", "dob", "dod")
_OLDEST = timedelta(days=150 * 365.25)


def is_mimic3(folder: Path) -> bool:
    """Return whether a folder holds the table ADMISSIONS, as MIMIC-III does, and MIMIC-IV."""
    return folder.is_dir() and mimic_path(folder, "ADMISSIONS") is not None


def read_mimic3(folder: str | Path) -> Timelines:
    """Return patients, stays and events of a folder of MIMIC-III tables.

    Parameters
    ----------
    folder : path
        PATIENTS and ADMISSIONS are needed; the other tables are read where they are there. Files
        may be CSV, packed or not, or Parquet, with names and columns in any case.

    Raises
    ------
    DataError
        A table that is needed is missing, lacks a column, or holds a time of another form.
    """
    return stream_mimic3(folder).timelines()


def stream_mimic3(folder: str | Path) -> RecordFolder:
    """Return the record of a folder of MIMIC-III, events in parts; raises as `read_mimic3`."""
    folder = Path(folder)
    n_excluded: Counter[str] = Counter()
    stays = read_stays(needed_table(folder, "ADMISSIONS", _SOURCE), _SOURCE, n_excluded)
    first = {stay.patient: stay.start for stay in reversed(stays.encounters)}
    tables = (
        coded_table("DIAGNOSES_ICD", "condition", stays, code="icd9_code", systems="ICD9CM",
                    id="row_id"),
        coded_table("PROCEDURES_ICD", "procedure", stays, code="icd9_code", systems="ICD9PROC",
                    id="row_id"),
        drug_table(_SOURCE, start="startdate", end="enddate", id="row_id", by_day=True),
        result_table("LABEVENTS", f"{_SOURCE} lab", id="row_id"),
    )  # fmt: skip
    people = needed_table(folder, "PATIENTS", _SOURCE)
    patients, died = _patients(people, first, stays.ethnicity, n_excluded)
    return RecordFolder(
        patients=patients,
        encounters=stays.encounters,
        deaths={**died, **stays.deaths},
        stays=stays.events,
        tables=with_paths(folder, tables),
        n_excluded=n_excluded,
    )


def _patients(
    path: Path,
    first: Mapping[str, datetime | None],
    ethnicity: Mapping[str, str],
    n_excluded: Counter[str],
) -> tuple[list[Patient], dict[str, datetime]]:
    made, deaths = [], {}
    rows = by_name_if_there(path, _PERSON, needed=_PERSON[:3])
    for line, row in each_once(rows, "subject_id", table="patients", path=path, lost=n_excluded):
        patient = row["subject_id"]
        if patient is None:
            raise DataError("a patient must have a subject_id", path=path, line=line)
        born, died = (time_of(row[name], name, path, line) for name in ("dob", "dod"))
        if died is not None:
            deaths[patient] = died
        seen = first.get(patient)
        shifted = born is not None and seen is not None and seen - born > _OLDEST
        made.append(
            Patient(
                id=patient,
                birth_date=None if born is None or shifted else born.date(),
                sex=row["gender"],
                ethnicity=ethnicity.get(patient),
            )
        )
    return made, deaths
