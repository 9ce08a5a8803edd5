"""Tables of text and folders of them, column by column: what nobody has thought of is emptied.

Columns are told by their names, those of OMOP, MIMIC, Synthea and of this library (`role_of`): an
id gets its surrogate, a time of a patient moves with him, codes, numbers and sexes stay. A column
of any other name is emptied and counted, names, addresses and free text among them. A table without
a patient (codes, units, wards) is not copied.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.times import naive_utc
from clinnlp.io.files.packing import plain_name
from clinnlp.io.tables.copied import cell_text, write_rows
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.study.deidentify.dates import date_forms
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.offsets import moved
from clinnlp.study.deidentify.records import born

__all__ = ["CopiedTables", "copy_tables", "gather_tables", "role_of"]

_SUFFIXES = (".csv", ".tsv", ".parquet")
_PEOPLE = ("patient", "person_id", "subject_id")
_WHOLE_FOLDER = ("patients", "encounters")  # of Synthea: there ``Id`` is that of the row

_ROLES = {
    "id": "patient encounter person_id subject_id hadm_id icustay_id stay_id transfer_id "
    "note_id id row_id source_id note provider_id order_provider_id admit_provider_id "
    "caregiver_id care_site_id location_id visit_detail_id preceding_visit_occurrence_id "
    "labevent_id specimen_id micro_specimen_id pharmacy_id poe_id emar_id "
    "drug_exposure_id measurement_id observation_id visit_occurrence_id "
    "condition_occurrence_id procedure_occurrence_id device_exposure_id death_id "
    "person_source_value provider_source_value site organization provider payer cgid "
    "orderid linkorderid observation_period_id entity",
    "time": "start end known time index_time follow_up_end stop date starttime endtime charttime "
    "storetime chartdate admittime dischtime deathtime edregtime edouttime intime outtime "
    "startdate enddate ordercategorytime dod dod_hosp dod_ssn deathdate visit_start "
    "visit_end",
    "birth": "birth_date birthdate dob birth_datetime",
    "age": "age anchor_age age_at_death",
    "stays": "code vocabulary kind value unit dose comparator normal_from normal_to result sex "
    "gender outcome group label race ethnicity marital insurance language seq_num "
    "icd9_code icd_code icd_version itemid drug drug_type drug_name_poe drug_name_generic "
    "formulary_drug_cd gsn ndc prod_strength dose_val_rx dose_unit_rx form_val_disp "
    "form_unit_disp form_rx route doses_per_24_hrs valuenum valueuom flag ref_range_lower "
    "ref_range_upper priority admission_type admission_location discharge_location "
    "hospital_expire_flag expire_flag has_chartevents_data los first_careunit "
    "last_careunit quantity days_supply refills value_as_number range_low range_high "
    "unit_source_value condition_source_value drug_source_value measurement_source_value "
    "procedure_source_value observation_source_value gender_source_value "
    "race_source_value ethnicity_source_value visit_source_value reasoncode "
    "encounterclass units type system negated uncertain hypothetical historical "
    "experiencer n_concepts concept score source",
}
_BY_NAME = {name: role for role, names in _ROLES.items() for name in names.split()}
_BY_END = {"_concept_id": "stays", "_date": "time", "_datetime": "time", "_occurrence_id": "id"}
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_BIRTH_PARTS = ("year_of_birth", "month_of_birth", "day_of_birth")
_OVER = 90


@dataclass(slots=True)
class CopiedTables:
    """What was written.

    Parameters
    ----------
    rows : dict of str to int
        By table.
    emptied : Counter of str
        Columns, by table and name, that were emptied.
    not_copied : list of str
        Tables without a patient, or in another form.
    n_unreadable_times : int
        Cells that were emptied since they hold no time that can be moved.
    """

    rows: dict[str, int] = field(default_factory=dict)
    emptied: Counter[str] = field(default_factory=Counter)
    not_copied: list[str] = field(default_factory=list)
    n_unreadable_times: int = 0


def role_of(column: str) -> str:
    """Return what is done with a column: id, time, birth, age, stays, or emptied.

    Examples
    --------
    >>> role_of("SUBJECT_ID"), role_of("drug_concept_id"), role_of("note_text")
    ('id', 'stays', 'emptied')
    """
    name = column.strip().casefold()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _BIRTH_PARTS:
        return "birth part"
    return next((role for end, role in _BY_END.items() if name.endswith(end)), "emptied")


def gather_tables(source: str | Path, to: Deidentifier) -> dict[str, datetime]:
    """Take the ids of a table or a folder of them, and return when anything is last known of whom.

    Raises
    ------
    DataError
        A table that is broken.
    """
    last: dict[str, datetime] = {}
    for path in _tables(Path(source)):
        header = column_names(path)
        at = _patient_at(path, header)
        if at is None:
            continue
        roles = [role_of(name) for name in header]
        for row in _rows(path, header):
            to.gather_ids(cell for cell, role in zip(row, roles, strict=True) if role == "id")
            for cell, role in zip(row, roles, strict=True):
                when = _iso(cell) if role == "time" else None
                if when is not None:
                    last[row[at]] = max(last.get(row[at], when), when)
    return last


def copy_tables(
    source: str | Path, out: str | Path, by: Deidentifier, last: dict[str, datetime]
) -> CopiedTables:
    """Write a table or a folder of tables with other ids and moved times.

    Parameters
    ----------
    source, out : path
        Both a .csv or .tsv, packed or not, or a .parquet, or both a folder.
    by : Deidentifier
        Which has gathered from it.
    last : dict of str to datetime
        From `gather_tables`.

    Raises
    ------
    DataError
        A table that is broken, or none with patients.
    RunError
        The disk is full or may not be written.
    """
    source, out, done = Path(source), Path(out), CopiedTables()
    for path in _tables(source, done):
        header = column_names(path)
        name = path.name if path == source else path.relative_to(source).as_posix()
        at = _patient_at(path, header)
        if at is None:
            done.not_copied.append(name)
            continue
        target = out if path == source else out / name
        cells = _Cells(header, at, name, by, last, done)
        wide = [column for column in header if role_of(column) == "id"]
        rows = map(cells, _rows(path, header))
        done.rows[name] = write_rows(target, header, rows, like=path, wide=wide)
    if not done.rows:
        raise DataError(
            "tables must have a column patient, person_id or subject_id, got none", path=source
        )
    return done


class _Cells:
    """Makes the cells of a row anew."""

    def __init__(
        self,
        header: Sequence[str],
        at: int,
        table: str,
        by: Deidentifier,
        last: dict[str, datetime],
        done: CopiedTables,
    ) -> None:
        self._at, self._by, self._last, self._done = at, by, last, done
        self._names = [name.casefold() for name in header]
        roles = [role_of(name) for name in header]
        done.emptied.update(f"{table}: {x}" for x in header if role_of(x) == "emptied")
        made: dict[str, Callable[[str, str], str]] = {
            "id": lambda cell, _: by.surrogates.ids(cell),
            "time": self._time,
            "birth": self._birth,
            "age": self._age,
            "stays": lambda cell, _: cell,
        }
        self._make = [made.get(role, _nothing) for role in roles]
        self._parts = [self._names.index(x) for x in _BIRTH_PARTS if x in self._names]

    def __call__(self, row: Sequence[str]) -> list[str]:
        who = row[self._at]
        out = [make(cell, who) if cell else "" for make, cell in zip(self._make, row, strict=True)]
        if self._parts:
            self._put_birth(row, who, out)
        return out

    def _time(self, cell: str, who: str) -> str:
        made = self._moved(cell, who) if who else None
        if made is None:
            self._done.n_unreadable_times += 1
        return made or ""

    def _moved(self, cell: str, who: str) -> str | None:
        how = self._by.settings.dates
        if how == "shift":
            when = _iso(cell)
            if when is not None:
                made = moved(when, self._by.offsets(who))
                return None if made is None else f"{made:%Y-%m-%d}{cell.strip()[10:]}"
            return date_forms("en").moved(cell, self._by.offsets(who))
        year = date_forms("en").year(cell) if how == "year" else None
        return None if year is None else f"{year}-01-01"

    def _birth(self, cell: str, who: str) -> str:
        when = _iso(cell)
        if when is None or not who:
            self._done.n_unreadable_times += 1
            return ""
        made = born(when.date(), self._last.get(who), who, self._by)
        return "" if made is None else f"{made.isoformat()}{cell[10:]}"

    def _age(self, cell: str, _: str) -> str:
        try:
            return str(_OVER) if float(cell) > _OVER - 1 else cell
        except ValueError:
            return ""

    def _put_birth(self, row: Sequence[str], who: str, out: list[str]) -> None:
        """Put a birth date of three columns in, as far as it is said."""
        birth = _day_of([row[k] for k in self._parts])
        made = born(birth, self._last.get(who), who, self._by) if who else None
        if made is not None:
            parts = (made.year, made.month, made.day)
            for k, value in zip(self._parts, parts, strict=False):
                out[k] = str(value) if row[k] else ""


def _nothing(_cell: str, _who: str) -> str:
    return ""


def _day_of(cells: Sequence[str]) -> date | None:
    """Return the day of a year, a month and a day, of which the last ones may be missing."""
    numbers = [int(cell) if cell.strip().isdigit() else 1 for cell in (*cells, "", "")[:3]]
    try:
        return date(*numbers) if cells[0].strip() else None
    except ValueError:
        return None


def _tables(source: Path, done: CopiedTables | None = None) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and plain_name(path).endswith(_SUFFIXES):
            yield path
        elif path.is_file() and done is not None:
            done.not_copied.append(path.relative_to(source).as_posix())


def _patient_at(path: Path, header: Sequence[str]) -> int | None:
    names = [name.casefold() for name in header]
    if "id" in names and plain_name(path) in {f"{n}.csv" for n in _WHOLE_FOLDER[:1]}:
        return names.index("id")
    return next((names.index(name) for name in _PEOPLE if name in names), None)


def _rows(path: Path, header: Sequence[str]) -> Iterator[Sequence[str]]:
    are_ids = [role_of(name) == "id" for name in header]
    for _, row in read_rows(path, header):
        yield [
            cell_text(int(cell) if is_id and _is_whole(cell) else cell)
            for cell, is_id in zip(row, are_ids, strict=True)
        ]


def _is_whole(cell: Any) -> bool:
    """Return whether an id was stored as a float, as pandas does where one is missing."""
    return isinstance(cell, float) and cell.is_integer()


def _iso(cell: str) -> datetime | None:
    if _ISO.fullmatch(cell.strip()) is None:
        return None
    try:
        return naive_utc(datetime.fromisoformat(cell.strip()))
    except ValueError:
        return None
