"""OMOP common data model 5.3 and 5.4: the tables of a patient's record (notes: `io.notes.omop`).

A folder holds the tables as CSV, TSV (packed or not) or Parquet, each in a file of its name in
any case.

=========================== ===============================================================
table                       events (`read_omop`): when they count as known
=========================== ===============================================================
PERSON                      patients: birth date where day or date is there, sex by concept
                            (8507 M, 8532 F). A row that is repeated is left out and counted,
                            one of the same id that says something else is refused
VISIT_OCCURRENCE            encounters; an event of kind ``visit``: when it began. A visit that
                            ends before it begins is left out and counted. Repeated rows as in
                            PERSON
DRUG_EXPOSURE               kind ``drug``: when it began
CONDITION_OCCURRENCE        kind ``condition``: when its visit ended (codes are given at
                            discharge), without a visit never
PROCEDURE_OCCURRENCE        kind ``procedure``: when it began
MEASUREMENT                 kind ``measurement``, with value, unit and normal range; the operator
                            concepts of < and > are comparators: when it was made
OBSERVATION                 kind ``observation``, likewise
DEATH                       deaths
=========================== ===============================================================

A code is the concept id (vocabulary ``OMOP``), or where that is 0 (no matching concept) the source
value (``source``), counted in ``n_unmatched``; a row with neither is left out and counted. A result
that is a concept or a word is part of the code, ``code=result``. The model writes a day without
hour as midnight: what has no hour is known at the end of its day. Nothing is known before it began.
DRUG_ERA, CONDITION_ERA, VISIT_DETAIL and DEVICE_EXPOSURE are not read.

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.cells import MISSING
from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.times import end_of_day
from clinnlp.io.record.keys import each_once
from clinnlp.io.record.record_folder import (
    RecordFolder,
    RecordTable,
    by_value,
    later,
)
from clinnlp.io.record.results import coded_words, result_columns
from clinnlp.io.record.timelines import EventColumns, Timelines
from clinnlp.io.tables.arrow_times import TIME, end_of_days
from clinnlp.io.tables.cells import table_path, time_of
from clinnlp.io.tables.omop_rows import NO_CONCEPT, OmopRow, omop_rows, whole
from clinnlp.io.tables.text_batches import TextBatch

__all__ = ["STAYS", "is_omop", "read_omop", "stream_omop"]

STAYS = ("9201", "9203", "262", "8717", "8870", "32037")  # concepts of visits that are stays

_SEX = {"8507": "M", "8532": "F"}
_COMPARATORS = {"4171756": "<", "4171754": "<=", "4172704": ">", "4171755": ">="}
_PERSON = (
    *("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"),
    "birth_datetime",
)
_VISIT = (
    *("visit_occurrence_id", "person_id", "visit_concept_id", "visit_source_value"),
    *("visit_start_date", "visit_start_datetime", "visit_end_date", "visit_end_datetime"),
)
_DEATH = ("person_id", "death_date", "death_datetime")
_RESULT = (
    *("operator_concept_id", "value_as_number", "value_as_concept_id", "value_source_value"),
    *("value_as_string", "unit_source_value", "unit_concept_id", "range_low", "range_high"),
)
_REVERSED = "visit_occurrence that ends before it begins"


class _Events(NamedTuple):
    """A table of events: its kind, what its columns begin with, and whether it has results."""

    kind: str
    named: str
    start: str
    end: str
    results: bool = False


_EVENTS = {
    "drug_exposure": _Events("drug", "drug", "drug_exposure_start", "drug_exposure_end"),
    "condition_occurrence": _Events("condition", "condition", "condition_start", "condition_end"),
    "procedure_occurrence": _Events("procedure", "procedure", "procedure", "procedure_end"),
    "measurement": _Events("measurement", "measurement", "measurement", "", results=True),
    "observation": _Events("observation", "observation", "observation", "", results=True),
}

Ends = Mapping[str, datetime]  # of visits: when what was coded at their end was known


def is_omop(folder: Path) -> bool:
    """Return whether a folder holds an OMOP record."""
    return folder.is_dir() and table_path(folder, "person") is not None


def read_omop(folder: str | Path) -> Timelines:
    r"""Return patients, visits and events of a folder of OMOP tables.

    What does not count is counted in ``n_excluded`` by table and reason.

    Parameters
    ----------
    folder : str or Path
        With PERSON and, where there are, the tables of visits and events, as CSV or Parquet.

    Returns
    -------
    Timelines
        Patients, encounters, an `EventTable`, and what was left out (``n_excluded``).

    Raises
    ------
    DataError
        No table PERSON, a column that is missing, or a value of another form.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = Path(folder.name, "PERSON.csv").write_text("person_id\n1\n")
    >>> drugs = "person_id,drug_concept_id,drug_exposure_start_date\n1,1125315,2024-01-02\n"
    >>> _ = Path(folder.name, "DRUG_EXPOSURE.csv").write_text(drugs)
    >>> record = read_omop(folder.name)
    >>> [patient.id for patient in record.patients], record.events["code"].tolist()
    (['1'], ['1125315'])
    >>> folder.cleanup()
    """
    return stream_omop(folder).timelines()


def stream_omop(folder: str | Path) -> RecordFolder:
    """Return the record of a folder of OMOP tables, its events in parts; raises as `read_omop`."""
    folder = Path(folder)
    person = table_path(folder, "person") if folder.is_dir() else None
    if person is None:
        raise DataError("an OMOP folder must hold the table PERSON, got none", path=folder)
    n_excluded: Counter[str] = Counter()
    patients = _patients(person, n_excluded)
    stays = EventColumns()
    encounters, ends = _visits(table_path(folder, "visit_occurrence"), stays, n_excluded)
    deaths = _deaths(table_path(folder, "death"), n_excluded)
    tables = ((_table(name, how, ends), table_path(folder, name)) for name, how in _EVENTS.items())
    return RecordFolder(
        patients=patients,
        encounters=encounters,
        deaths=deaths,
        stays=stays.table(),
        tables=[(table, path) for table, path in tables if path is not None],
        n_excluded=n_excluded,
    )


# --- events --------------------------------------------------------------------------------


def _table(name: str, how: _Events, ends: Ends) -> RecordTable:
    coded = (f"{how.named}_concept_id", f"{how.named}_source_value", f"{name}_id")
    times = [f"{x}_{unit}" for x in (how.start, how.end) if x for unit in ("datetime", "date")]
    return RecordTable(
        name=name,
        kind=how.kind,
        columns=(
            *("person_id", "visit_occurrence_id", *coded, *times),
            *(_RESULT if how.results else ()),
        ),
        needed=("person_id",),
        events=partial(_events, name=name, how=how, ends=ends),
    )


def _events(batch: TextBatch, *, name: str, how: _Events, ends: Ends) -> dict[str, pa.Array]:
    visit = _whole(batch, "visit_occurrence_id")
    start, known = _when(batch, how.start)
    if how.kind == "condition":
        known = later(by_value(visit, ends.get, TIME), known)
    concept = _concept(batch, f"{how.named}_concept_id")
    code = pc.coalesce(concept, batch.text(f"{how.named}_source_value"))
    made = {
        "patient": _whole(batch, "person_id"),
        "encounter": visit,
        "start": start,
        "known": known,
        "code": code,
        "vocabulary": pc.if_else(pc.is_valid(concept), "OMOP", "source"),
        "source_id": _whole(batch, f"{name}_id"),
        "unmatched": pc.is_null(concept),
    }
    if how.end:
        made["end"] = _times(batch, how.end)[0]
    return made | (_results(batch, code) if how.results else {})


def _results(batch: TextBatch, code: pa.Array) -> dict[str, pa.Array]:
    """Return what a measurement or observation found; its source is asked where no column says."""
    given = batch.numbers("value_as_number")
    answer = _concept(batch, "value_as_concept_id")
    said = pc.coalesce(batch.text("value_as_string"), batch.text("value_source_value"))
    number, comparator, word = result_columns(said)
    asked = pc.and_(pc.is_null(given, nan_is_null=True), pc.is_null(answer))
    value = pc.if_else(asked, number, pc.if_else(pc.is_nan(given), None, given))
    operator = by_value(_concept(batch, "operator_concept_id"), _COMPARATORS.get, pa.string())
    unit = batch.text("unit_source_value"), _concept(batch, "unit_concept_id")
    return {
        "code": coded_words(code, pc.coalesce(answer, pc.if_else(asked, word, None)), value),
        "value": value,
        "comparator": pc.if_else(asked, comparator, operator),
        "unit": pc.coalesce(*unit),
        "normal_from": batch.numbers("range_low"),
        "normal_to": batch.numbers("range_high"),
    }


def _when(batch: TextBatch, named: str) -> tuple[pa.Array, pa.Array]:
    """Return when a fact began, and when it was known: at its hour, or at the end of its day."""
    times, midnight = _times(batch, named)
    return times, pc.if_else(midnight, end_of_days(times), times)


def _times(batch: TextBatch, named: str) -> tuple[pa.Array, pa.Array]:
    """Return times, and whether they are days without hour."""
    times = pc.coalesce(batch.times(f"{named}_datetime"), batch.times(f"{named}_date"))
    return times, pc.equal(times, pc.floor_temporal(times, unit="day"))


def _whole(batch: TextBatch, name: str) -> pa.Array:
    return by_value(batch.text(name), whole, pa.string())


def _concept(batch: TextBatch, name: str) -> pa.Array:
    """Return concept ids; 0 is none."""
    return by_value(batch.text(name), _matching, pa.string())


def _matching(cell: str) -> str | None:
    concept = whole(cell)
    return None if concept in NO_CONCEPT else concept


# --- patients, visits, deaths --------------------------------------------------------------


def _patients(path: Path, n_excluded: Counter[str]) -> list[Patient]:
    rows = omop_rows(path, _PERSON, needed=("person_id",))
    once = each_once(rows, "person_id", table="person", path=path, lost=n_excluded)
    return [_patient(row, path, line) for line, row in once]


def _patient(row: OmopRow, path: Path, line: int) -> Patient:
    if row["person_id"] is None:
        raise DataError("a person must have a person_id", path=path, line=line)
    born = time_of(row["birth_datetime"], "birth_datetime", path, line)
    day = _birth_day(row, path, line) if born is None else born.date()
    return Patient(
        id=row["person_id"], birth_date=day, sex=_SEX.get(row["gender_concept_id"] or "")
    )


def _birth_day(row: OmopRow, path: Path, line: int) -> date | None:
    """Return the day of birth, where all of its parts are there."""
    columns = [f"{unit}_of_birth" for unit in ("year", "month", "day")]
    parts = [_part(row[column] or "", column, path, line) for column in columns]
    refusal = DataError("a birth date must be a day", path=path, line=line)
    with instead_of((ValueError, OverflowError), refusal):
        return date(*map(int, parts)) if all(parts) else None


def _part(cell: str, column: str, path: Path, line: int) -> str:
    """Return a part of a birth date, empty where there is none."""
    part = cell.strip()
    if part.lower() in MISSING:
        return ""
    if not (part.isascii() and part.isdecimal()):
        said = f"{column} must be a whole number, got another value"
        raise DataError(said, path=path, line=line)
    return part


def _visits(
    path: Path | None, events: EventColumns, n_excluded: Counter[str]
) -> tuple[list[Encounter], Ends]:
    """Return visits, and add the event that each is."""
    encounters: list[Encounter] = []
    ends: dict[str, datetime] = {}
    for line, row in _rows_of_visits(path, n_excluded) if path else ():
        name, patient = row["visit_occurrence_id"], row["person_id"]
        if name is None or patient is None:
            raise DataError("a visit must have its id and person_id", path=path, line=line)
        (start, known), (end, ended) = (_moments(row, f"visit_{x}", path, line)
                                        for x in ("start", "end"))  # fmt: skip
        if start is not None and end is not None and end < start:
            end = ended  # on its day, at an hour that nobody says
            if ended is not None and ended < start:
                n_excluded[_REVERSED] += 1
                continue
        concept, source = row["visit_concept_id"], row["visit_source_value"]
        kind = source if concept in NO_CONCEPT else concept
        encounters.append(Encounter(id=name, patient=patient, start=start, end=end, kind=kind))
        if ended is not None:
            ends[name] = ended
        events.add(
            patient=patient,
            encounter=name,
            start=start,
            end=end,
            known=known,
            code=kind,
            vocabulary="source" if concept in NO_CONCEPT else "OMOP",
            kind="visit",
            source_id=name,
        )
    return encounters, ends


def _rows_of_visits(path: Path, n_excluded: Counter[str]) -> Iterator[tuple[int, OmopRow]]:
    rows, key = omop_rows(path, _VISIT, needed=("person_id",)), "visit_occurrence_id"
    return each_once(rows, key, table="visit_occurrence", path=path, lost=n_excluded)


def _deaths(path: Path | None, n_excluded: Counter[str]) -> dict[str, datetime]:
    deaths: dict[str, datetime] = {}
    for line, row in omop_rows(path, _DEATH, needed=("person_id",)) if path else ():
        died, _ = _moments(row, "death", path, line)
        patient = row["person_id"]
        if patient is None or died is None:
            n_excluded["death without a patient or time"] += 1
        elif patient in deaths:
            n_excluded["death of a patient who is dead already"] += 1
        else:
            deaths[patient] = died
    return deaths


def _moments(
    row: OmopRow, column: str, path: Path | None, line: int
) -> tuple[datetime | None, datetime | None]:
    """Return a time, and when it was over: at its hour, or at the end of its day."""
    name = f"{column}_datetime" if row[f"{column}_datetime"] else f"{column}_date"
    when = time_of(row[name], name, path or Path(), line)
    if when is None or when.time() != time():
        return when, when
    return when, end_of_day(when)
