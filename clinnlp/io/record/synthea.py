"""Synthea CSV: patients, encounters, conditions, medications, observations, procedures.

When a fact counts as known: an encounter, a medication and an observation at their time, a
procedure when it was over, a condition at the end of the day it began (it has no hour). Numeric
observations are measurements with a unit; others are facts named ``code=value``.

References
----------
Walonoski et al., JAMIA 2018.
"""

from datetime import datetime
from pathlib import Path

from clinnlp.core.errors import DataError, located
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.times import end_of_day, is_day
from clinnlp.core.vocab import fold
from clinnlp.io.record.timelines import EventColumns, Timelines
from clinnlp.io.tables.cells import by_name, number_of, table_path, time_of

__all__ = ["read_synthea"]

# table: kind, vocabulary, column that says when it was known; else at the end of its first day
_CODED = {
    "conditions": ("condition", "SNOMED-CT", None),
    "medications": ("drug", "RxNorm", "START"),
    "procedures": ("procedure", "SNOMED-CT", "STOP"),
}


def read_synthea(folder: str | Path) -> Timelines:
    """Return patients, encounters and events of a folder of Synthea's CSV files.

    Parameters
    ----------
    folder : path
        ``patients`` and ``encounters`` are needed, the other tables are read where they are
        there; the folder above ``csv`` does as well.

    Raises
    ------
    DataError
        A table that is needed is missing, lacks a column, or holds a value of another form.
    """
    folder = Path(folder)
    if (folder / "csv").is_dir():
        folder = folder / "csv"
    patients, deaths = _patients(_needed(folder, "patients"))
    events = EventColumns()
    encounters = _encounters(_needed(folder, "encounters"), events)
    for name, (kind, vocabulary, known) in _CODED.items():
        _add_codes(events, table_path(folder, name), kind, vocabulary, known)
    _add_observations(events, table_path(folder, "observations"))
    return Timelines(patients, encounters, events.table(), deaths)


def _needed(folder: Path, name: str) -> Path:
    path = table_path(folder, name) if folder.is_dir() else None
    if path is None:
        raise DataError(f"a Synthea folder must hold the table {name}, got none", path=folder)
    return path


def _patients(path: Path) -> tuple[list[Patient], dict[str, datetime]]:
    made, deaths = [], {}
    names = ("Id", "BIRTHDATE", "DEATHDATE", "RACE", "GENDER")
    for line, row in by_name(path, names):
        if row["Id"] is None:
            raise DataError("a patient must have an Id", path=path, line=line)
        born = time_of(row["BIRTHDATE"], "BIRTHDATE", path, line)
        died = time_of(row["DEATHDATE"], "DEATHDATE", path, line)
        made.append(
            Patient(
                id=row["Id"],
                birth_date=born and born.date(),
                sex=row["GENDER"],
                ethnicity=row["RACE"],
            )
        )
        if died is not None:
            deaths[row["Id"]] = died
    return made, deaths


def _encounters(path: Path, events: EventColumns) -> list[Encounter]:
    made = []
    names = ("Id", "START", "STOP", "PATIENT", "ENCOUNTERCLASS")
    for line, row in by_name(path, names):
        if row["Id"] is None or row["PATIENT"] is None:
            raise DataError("an encounter must have Id and PATIENT", path=path, line=line)
        start, end = (time_of(row[name], name, path, line) for name in ("START", "STOP"))
        made.append(
            Encounter(
                id=row["Id"],
                patient=row["PATIENT"],
                start=start,
                end=end,
                kind=row["ENCOUNTERCLASS"],
            )
        )
        events.add(
            patient=row["PATIENT"],
            encounter=row["Id"],
            start=start,
            known=_known(row["START"], start),
            code=row["ENCOUNTERCLASS"],
            vocabulary="Synthea",
            kind="encounter",
        )
    return made


def _add_codes(
    events: EventColumns, path: Path | None, kind: str, vocabulary: str, known: str | None
) -> None:
    if path is None:
        return
    for line, row in by_name(path, ("PATIENT", "ENCOUNTER", "CODE", "START", "STOP")):
        times = {name: time_of(row[name], name, path, line) for name in ("START", "STOP")}
        when = _known(row[known or "START"], times[known or "START"], by_day=not known)
        events.add(
            patient=row["PATIENT"],
            encounter=row["ENCOUNTER"],
            start=times["START"],
            end=times["STOP"],
            known=when,
            code=row["CODE"],
            vocabulary=vocabulary,
            kind=kind,
        )


def _add_observations(events: EventColumns, path: Path | None) -> None:
    if path is None:
        return
    names = ("DATE", "PATIENT", "ENCOUNTER", "CODE", "VALUE", "UNITS", "TYPE")
    for line, row in by_name(path, names):
        time = time_of(row["DATE"], "DATE", path, line)
        numeric = row["TYPE"] == "numeric"
        code = row["CODE"]
        if code and not numeric and row["VALUE"]:
            code = f"{code}={fold(row['VALUE'])}"
        events.add(
            patient=row["PATIENT"],
            encounter=row["ENCOUNTER"],
            start=time,
            known=_known(row["DATE"], time),
            code=code,
            vocabulary="LOINC",
            kind="measurement" if numeric else "observation",
            value=_number(row["VALUE"], path, line) if numeric else float("nan"),
            unit=row["UNITS"] if numeric else None,
        )


def _known(cell: str | None, time: datetime | None, *, by_day: bool = False) -> datetime | None:
    """Return when a fact of a time was known: at its hour, or at the end of its day."""
    return end_of_day(time) if by_day or is_day(cell or "") else time


def _number(cell: str | None, path: Path, line: int) -> float:
    with located(path, line):
        return float("nan") if cell is None else number_of(cell, "VALUE of a numeric observation")
