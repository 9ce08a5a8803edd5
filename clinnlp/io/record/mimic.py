"""MIMIC-III tables: PATIENTS, ADMISSIONS, DIAGNOSES_ICD, PROCEDURES_ICD, PRESCRIPTIONS.

When a fact counts as known, since the tables mostly do not say:

=============== ====================================================================
admission       at admission
drug            at the end of the day it was begun (its start has no hour)
condition       at discharge: diagnoses are coded then
procedure       at discharge, likewise
=============== ====================================================================

Birth dates of patients over 89 are shifted by the source so that they are 300 years old: their
birth date is missing here. A row without a stay has no time, so it is never known.

References
----------
Johnson et al., Scientific Data 2016 (MIMIC-III); PhysioNet 2019, doi:10.13026/C2HM2Q (demo).
"""

from datetime import datetime, timedelta
from pathlib import Path

from clinnlp.core.errors import DataError, located
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.times import day_after
from clinnlp.core.vocab import fold
from clinnlp.io.record.timelines import EventColumns, Timelines
from clinnlp.io.tables.cells import by_name, table_path, time_of

__all__ = ["read_mimic3"]

_CODED = (("DIAGNOSES_ICD", "condition", "ICD9CM"), ("PROCEDURES_ICD", "procedure", "ICD9PROC"))
_OLDEST = timedelta(days=150 * 365.25)


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
    folder = Path(folder)
    stays, discharged, deaths, ethnicity = _admissions(_needed(folder, "ADMISSIONS"))
    events = EventColumns()
    for stay, kind in stays:
        events.add(
            patient=stay.patient,
            encounter=stay.id,
            start=stay.start,
            known=stay.start,
            code=kind,
            vocabulary="MIMIC-III",
            kind="admission",
        )
    for name, kind, vocabulary in _CODED:
        _add_codes(events, table_path(folder, name), kind, vocabulary, discharged)
    _add_drugs(events, table_path(folder, "PRESCRIPTIONS"))
    encounters = [stay for stay, _ in stays]
    first = {stay.patient: stay.start for stay in reversed(encounters)}
    patients = _patients(_needed(folder, "PATIENTS"), first, ethnicity)
    return Timelines(patients, encounters, events.table(), deaths)


def _needed(folder: Path, name: str) -> Path:
    path = table_path(folder, name) if folder.is_dir() else None
    if path is None:
        raise DataError(f"a MIMIC-III folder must hold the table {name}, got none", path=folder)
    return path


def _admissions(
    path: Path,
) -> tuple[
    list[tuple[Encounter, str | None]],
    dict[str, datetime | None],
    dict[str, datetime],
    dict[str, str],
]:
    names = ("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "admission_type",
             "ethnicity")  # fmt: skip
    stays, discharged, deaths, ethnicity = [], {}, {}, {}
    for line, row in by_name(path, names):
        patient, stay = row["subject_id"], row["hadm_id"]
        if patient is None or stay is None:
            raise DataError("a stay must have subject_id and hadm_id", path=path, line=line)
        start, end, died = (
            time_of(row[n], n, path, line) for n in ("admittime", "dischtime", "deathtime")
        )
        made = Encounter(id=stay, patient=patient, start=start, end=end)
        stays.append((made, row["admission_type"]))
        discharged[stay] = end
        if died is not None:
            deaths[patient] = died
        if row["ethnicity"]:
            ethnicity[patient] = row["ethnicity"]
    return stays, discharged, deaths, ethnicity


def _patients(
    path: Path, first: dict[str, datetime | None], ethnicity: dict[str, str]
) -> list[Patient]:
    made = []
    for line, row in by_name(path, ("subject_id", "gender", "dob")):
        patient = row["subject_id"]
        if patient is None:
            raise DataError("a patient must have a subject_id", path=path, line=line)
        born, seen = time_of(row["dob"], "dob", path, line), first.get(patient)
        shifted = born is not None and seen is not None and seen - born > _OLDEST
        made.append(
            Patient(
                id=patient,
                birth_date=None if born is None or shifted else born.date(),
                sex=row["gender"],
                ethnicity=ethnicity.get(patient),
            )
        )
    return made


def _add_codes(
    events: EventColumns,
    path: Path | None,
    kind: str,
    vocabulary: str,
    discharged: dict[str, datetime | None],
) -> None:
    if path is None:
        return
    for _, row in by_name(path, ("subject_id", "hadm_id", "icd9_code", "row_id")):
        stay = row["hadm_id"]
        events.add(
            patient=row["subject_id"],
            encounter=stay,
            known=discharged.get(stay) if stay else None,
            code=row["icd9_code"],
            vocabulary=vocabulary,
            kind=kind,
            source_id=row["row_id"],
        )


def _add_drugs(events: EventColumns, path: Path | None) -> None:
    if path is None:
        return
    names = (
        *("subject_id", "hadm_id", "startdate", "enddate", "drug"),
        *("dose_val_rx", "dose_unit_rx", "row_id"),
    )
    for line, row in by_name(path, names):
        start = time_of(row["startdate"], "startdate", path, line)
        with located(path, line):
            known = day_after(start)
        dose = " ".join(part for part in (row["dose_val_rx"], row["dose_unit_rx"]) if part)
        events.add(
            patient=row["subject_id"],
            encounter=row["hadm_id"],
            start=start,
            end=time_of(row["enddate"], "enddate", path, line),
            known=known,
            code=fold(row["drug"]) if row["drug"] else None,
            vocabulary="MIMIC-III drug",
            kind="drug",
            dose=dose or None,
            source_id=row["row_id"],
        )
