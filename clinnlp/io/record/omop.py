"""OMOP common data model 5.4: the tables of a patient's record (notes: `io.notes.omop`).

A folder holds the tables as CSV, TSV (packed or not) or Parquet, each in a file of its name in
any case.

=========================== ===============================================================
table                       events (`read_omop`)
=========================== ===============================================================
PERSON                      patients: birth date where day or date is there, sex by concept
                            (8507 M, 8532 F)
VISIT_OCCURRENCE            encounters; an event of kind ``visit``, known when it began
DRUG_EXPOSURE               kind ``drug``; known when it began
CONDITION_OCCURRENCE        kind ``condition``; known when its visit ended (codes are given at
                            discharge), without a visit never
=========================== ===============================================================

A code is the concept id (vocabulary ``OMOP``), or where that is 0 the source value (``source``).

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.cells import by_name_if_there, table_path, time_of

__all__ = ["read_omop"]

_SEX = {"8507": "M", "8532": "F"}
_NO_CONCEPT = ("", "0", None)
_PERSON = (
    *("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"),
    "birth_datetime",
)
_EVENTS = {
    "drug_exposure": (
        "drug",
        {
            "start": "drug_exposure_start",
            "end": "drug_exposure_end",
            "code": "drug_concept_id",
            "source": "drug_source_value",
            "id": "drug_exposure_id",
        },
    ),
    "condition_occurrence": (
        "condition",
        {
            "start": "condition_start",
            "end": "condition_end",
            "code": "condition_concept_id",
            "source": "condition_source_value",
            "id": "condition_occurrence_id",
        },
    ),
}
_VISIT = {
    "start": "visit_start",
    "end": "visit_end",
    "code": "visit_concept_id",
    "source": "visit_source_value",
    "id": "visit_occurrence_id",
}

OmopRow = dict[str, str | None]


def read_omop(folder: str | Path) -> Timelines:
    """Return patients, visits, drug exposures and conditions of a folder of OMOP tables.

    Raises
    ------
    DataError
        No table PERSON, a column that is missing, or a value of another form.
    """
    folder = Path(folder)
    person = table_path(folder, "person") if folder.is_dir() else None
    if person is None:
        raise DataError("an OMOP folder must hold the table PERSON, got none", path=folder)
    patients = [_patient(row, person, line) for line, row in _rows(person, _PERSON)]
    visits = {
        encounter.id: (encounter, row)
        for encounter, row in _visits(table_path(folder, "visit_occurrence"))
    }
    encounters = [encounter for encounter, _ in visits.values()]
    rows = [_event(row, "visit", "visit_concept_id", "visit_source_value", e.start, e.end, e.start)
            for e, row in visits.values()]  # fmt: skip
    ends = {encounter.id: encounter.end for encounter in encounters}
    for table, (kind, columns) in _EVENTS.items():
        rows += _events(table_path(folder, table), kind, columns, ends)
    return Timelines(patients, encounters, EventTable.from_rows(rows), {})


def _events(
    path: Path | None, kind: str, columns: Mapping[str, str], ends: Mapping[str, datetime | None]
) -> Iterator[dict[str, Any]]:
    """Yield the events of a table; `ends` says of each visit when it ended."""
    for line, row in _rows(path, _columns(columns)) if path else ():
        start, end = (_when(row, columns[x], path, line) for x in ("start", "end"))
        known = start if kind == "drug" else ends.get(row["visit_occurrence_id"] or "")
        yield _event(row, kind, columns["code"], columns["source"], start, end, known)


def _columns(named: Mapping[str, str]) -> tuple[str, ...]:
    times = [f"{named[x]}_{unit}" for x in ("start", "end") for unit in ("datetime", "date")]
    return ("person_id", "visit_occurrence_id", named["code"], named["source"], *times)


def _rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, OmopRow]]:
    return by_name_if_there(path, wanted, needed=("person_id",))


def _visits(path: Path | None) -> Iterator[tuple[Encounter, OmopRow]]:
    for line, row in _rows(path, _columns(_VISIT)) if path else ():
        start, end = (_when(row, _VISIT[x], path, line) for x in ("start", "end"))
        name, patient = row["visit_occurrence_id"], row["person_id"]
        if name is None or patient is None:
            raise DataError("a visit must have its id and person_id", path=path, line=line)
        yield Encounter(id=name, patient=patient, start=start, end=end), row


def _when(row: OmopRow, column: str, path: Path | None, line: int) -> datetime | None:
    name = f"{column}_datetime" if row[f"{column}_datetime"] else f"{column}_date"
    return time_of(row[name], name, path or Path(), line)


def _event(
    row: OmopRow, kind: str, code: str, source: str,
    start: datetime | None, end: datetime | None, known: datetime | None,
) -> dict[str, Any]:  # fmt: skip
    coded = row[code] not in _NO_CONCEPT
    return {
        "patient": row["person_id"],
        "encounter": row["visit_occurrence_id"],
        "start": start,
        "end": end,
        "known": known,
        "code": row[code] if coded else row[source] or "0",
        "vocabulary": "OMOP" if coded else "source",
        "kind": kind,
    }


def _patient(row: OmopRow, path: Path, line: int) -> Patient:
    born = time_of(row["birth_datetime"], "birth_datetime", path, line)
    day = _birth_day(row, path, line) if born is None else born.date()
    return Patient(
        id=row["person_id"] or "", birth_date=day, sex=_SEX.get(row["gender_concept_id"] or "")
    )


def _birth_day(row: OmopRow, path: Path, line: int) -> date | None:
    """Return the day of birth, where all of its parts are there."""
    parts = [row[f"{unit}_of_birth"] or "" for unit in ("year", "month", "day")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    refusal = DataError("a birth date must be a day", path=path, line=line)
    with instead_of((ValueError, OverflowError), refusal):
        return date(*map(int, parts))
