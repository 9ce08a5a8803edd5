"""MIMIC-IV: tables of ``hosp`` and ``icu`` (its notes: `io.notes.mimic`).

=============== ============================== =====================================
table           events                         when they count as known
=============== ============================== =====================================
patients        patients, deaths               see below
admissions      encounters, ``admission``      at admission
diagnoses_icd   ``condition``                  at discharge: diagnoses are coded then
procedures_icd  ``procedure``                  at discharge, likewise
prescriptions   ``drug``                       when begun
emar            ``administration``             when stored, else at the end of its day
labevents       ``measurement``                when stored, else at the end of the day
icustays        ``icu``                        when it began
=============== ============================== =====================================

**Ages.** Years are shifted for each patient; ``anchor_age`` is the age in ``anchor_year``, so a
patient is born in the year that is so much earlier, and counts from its first day, as in the
tables derived by the authors. Those over 89 have 91 as their age: their birth date is missing.
**Deaths** are by ``deathtime``, else by the day ``dod``, which is known for a year after discharge.
**Codes** of diagnoses are of ICD-9 or ICD-10 by ``icd_version``. **Results** like ``<5`` keep their
comparator, words are part of the code (``itemid=word``). **Doses given** (emar) count where the
record says so: what was held, refused or not given is left out and counted. Rows without patient
or code are left out and counted.

chartevents, inputevents, pharmacy, microbiology and the other tables are not read.

References
----------
Johnson et al., Scientific Data 2023; https://mimic.mit.edu/docs/iv/
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.patients import Patient
from clinnlp.core.vocab import fold
from clinnlp.io.record.keys import each_once
from clinnlp.io.record.mimic_rows import (
    coded_table,
    drug_table,
    mimic_path,
    needed_table,
    own,
    read_stays,
    result_table,
    with_paths,
)
from clinnlp.io.record.record_folder import RecordFolder, RecordTable, by_value, constant, later
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.arrow_times import end_of_days
from clinnlp.io.tables.cells import by_name, plain_names, time_of
from clinnlp.io.tables.text_batches import TextBatch

__all__ = ["is_mimic4", "read_mimic4", "stream_mimic4"]

_SOURCE = "MIMIC-IV"
_OVER_89 = 90  # ages from here on are one group
_PERSON = ("subject_id", "gender", "anchor_age", "anchor_year", "dod")
_CONDITIONS = {"9": "ICD9CM", "10": "ICD10CM"}
_PROCEDURES = {"9": "ICD9PROC", "10": "ICD10PCS"}
_NOT_GIVEN = frozenset(  # what is not named here is counted without being quoted
    (
        *(
            "not given",
            "not given per sliding scale",
            "hold dose",
            "delayed",
            "delayed not started",
        ),
        *("not applied", "not started", "not confirmed", "delayed not confirmed", "not assessed"),
        *("not flushed", "not removed", "not read", "stopped", "stopped - unscheduled", "removed"),
        *("flushed", "delayed flushed", "assessed", "rate change", "infusion reconciliation"),
    )
)
_GIVEN = re.compile(r"\b(administered|applied|started|restarted|confirmed)\b")


def is_mimic4(folder: Path) -> bool:
    """Return whether a folder holds tables of MIMIC-IV: its patients have an anchor."""
    path = mimic_path(folder, "patients") if folder.is_dir() else None
    return path is not None and "anchor_age" in plain_names(path)


def read_mimic4(folder: str | Path) -> Timelines:
    """Return patients, stays and events of a folder of MIMIC-IV; raises as `stream_mimic4`.

    All events are held in memory: of the whole of MIMIC-IV, read them in parts.
    """
    return stream_mimic4(folder).timelines()


def stream_mimic4(folder: str | Path) -> RecordFolder:
    """Return patients and stays of a folder of MIMIC-IV, and its events in parts.

    Parameters
    ----------
    folder : path
        Holds ``hosp`` and perhaps ``icu``, or the tables themselves: patients and admissions, the
        others where they are there, as CSV, packed or not, or Parquet.

    Raises
    ------
    DataError
        A table that is needed is missing, lacks a column, or holds a value of another form.
    """
    folder = Path(folder)
    n_excluded: Counter[str] = Counter()
    stays = read_stays(needed_table(folder, "admissions", _SOURCE), _SOURCE, n_excluded)
    people = needed_table(folder, "patients", _SOURCE)
    patients, died = _patients(people, stays.ethnicity, n_excluded)
    tables = (
        coded_table("diagnoses_icd", "condition", stays, code="icd_code", systems=_CONDITIONS),
        coded_table("procedures_icd", "procedure", stays, code="icd_code", systems=_PROCEDURES,
                    when="chartdate"),
        drug_table(_SOURCE, start="starttime", end="stoptime", id="pharmacy_id", by_day=False),
        _EMAR,
        _ICU,
        result_table("labevents", f"{_SOURCE} lab", id="labevent_id", known="storetime"),
    )  # fmt: skip
    return RecordFolder(
        patients=patients,
        encounters=stays.encounters,
        deaths={**died, **stays.deaths},
        stays=stays.events,
        tables=with_paths(folder, tables),
        n_excluded=n_excluded,
    )


def _patients(
    path: Path, ethnicity: Mapping[str, str], n_excluded: Counter[str]
) -> tuple[list[Patient], dict[str, datetime]]:
    made, deaths = [], {}
    rows = by_name(path, _PERSON)
    for line, row in each_once(rows, "subject_id", table="patients", path=path, lost=n_excluded):
        patient = row["subject_id"]
        if patient is None:
            raise DataError("a patient must have a subject_id", path=path, line=line)
        died = time_of(row["dod"], "dod", path, line)
        if died is not None:
            deaths[patient] = died
        made.append(
            Patient(
                id=patient,
                birth_date=_born(row["anchor_age"], row["anchor_year"], path, line),
                sex=row["gender"],
                ethnicity=ethnicity.get(patient),
            )
        )
    return made, deaths


def _born(age: str | None, year: str | None, path: Path, line: int) -> date | None:
    if age is None or year is None:
        return None
    said = "anchor_age and anchor_year must be whole numbers, got another value"
    with instead_of((ValueError, OverflowError), DataError(said, path=path, line=line)):
        return None if int(age) >= _OVER_89 else date(int(year) - int(age), 1, 1)


# --- tables that MIMIC-III has otherwise or not --------------------------------------------


def _administrations(batch: TextBatch) -> dict[str, pa.Array]:
    given = batch.times("charttime")
    stored = pc.coalesce(batch.times("storetime"), end_of_days(given))
    return {
        **own(batch, "emar_id"),
        "start": given,
        "known": later(stored, given),
        "code": by_value(batch.text("medication"), fold, pa.string()),
        "vocabulary": constant(f"{_SOURCE} emar", len(batch)),
        "left_out": by_value(pc.coalesce(batch.text("event_txt"), ""), _not_given, pa.string()),
    }


def _not_given(said: str) -> str | None:
    """Return why a dose does not count, or None where the record says that it was given."""
    word = fold(said)
    if _GIVEN.search(word) and "not" not in word.split():
        return None
    if not word:
        return "without event_txt"
    return f"event {word}" if word in _NOT_GIVEN else "event of another kind"


def _icu_stays(batch: TextBatch) -> dict[str, pa.Array]:
    begun = batch.times("intime")
    return {
        **own(batch, "stay_id"),
        "start": begun,
        "end": batch.times("outtime"),
        "known": begun,
        "code": batch.text("first_careunit"),
        "vocabulary": constant(_SOURCE, len(batch)),
    }


_EMAR = RecordTable(
    name="emar",
    kind="administration",
    columns=("subject_id", "hadm_id", "emar_id", "charttime", "storetime", "medication",
             "event_txt"),
    needed=("subject_id", "charttime", "medication", "event_txt"),
    events=_administrations,
)  # fmt: skip
_ICU = RecordTable(
    name="icustays",
    kind="icu",
    columns=("subject_id", "hadm_id", "stay_id", "first_careunit", "intime", "outtime"),
    needed=("subject_id", "stay_id", "intime"),
    events=_icu_stays,
)
