"""Patients from a table: id, birth date, sex."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from clinnlp.core.cells import MISSING
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.patients import Patient
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.dates import TimeReader, time_fault, time_reader
from clinnlp.io.tables.rows import column_names, read_rows

__all__ = ["read_patients"]

_COLUMNS = ("patient", "birth_date", "sex", "ethnicity")
_OTHERS = ("site",)  # which a split by site reads
_SAID = "patient ids must be unique, got a {} one"


def read_patients(
    path: str | Path,
    *,
    dialect: Dialect | None = None,
    skipped: list[DataError] | None = None,
    **columns: str,
) -> list[Patient]:
    """Return the patients in a CSV, TSV or Parquet file with a column ``patient``.

    ``birth_date``, ``sex`` and ``ethnicity`` are read where the columns are there; a missing value
    stays missing. Other columns are ignored.

    Parameters
    ----------
    path : str or Path
    dialect : Dialect, optional
        How text is written; absent: as found by looking, in UTF-8.
    skipped : list, optional
        Rows that are wrong are left out and their errors put here; else the first is raised.
    **columns : str
        Which column is ``patient``, ``birth_date``, ``sex``, ``ethnicity``; absent: those called
        so.

    Raises
    ------
    ArgumentError
        A column is named that patients have not.
    DataError
        No column ``patient``, an empty or repeated id, or a birth date of another form.
    """
    dialect = dialect or Dialect()
    unknown = sorted(set(columns) - {*_COLUMNS, *_OTHERS})
    if unknown:
        raise ArgumentError(f"columns of patients are {', '.join(_COLUMNS)}, got {unknown[0]}")
    there = columns_named(_COLUMNS, column_names(path, dialect=dialect))
    wanted = {"patient": "patient", **there, **columns}
    wanted = {name: wanted[name] for name in _COLUMNS if name in wanted}
    short: list[DataError] | None = None if skipped is None else []
    out: dict[str, Patient] = {}
    read = partial(_patient, list(wanted), list(wanted.values()), time_reader(dialect), path)
    for line, row in read_rows(path, list(wanted.values()), dialect=dialect, short=short):
        try:
            if short:
                raise short.pop()
            one = read(row, line)
            if one.id in out:
                raise DataError(_SAID.format("repeated"), path=path, line=line)
        except DataError as error:
            if skipped is None:
                raise
            skipped.append(error)
        else:
            out[one.id] = one
    return list(out.values())


def _patient(
    fields: Sequence[str],
    columns: Sequence[str],
    read_time: TimeReader,
    path: str | Path,
    row: Sequence[Any],
    line: int,
) -> Patient:
    cells = zip(fields, row, strict=True)
    values = {name: cell for name, cell in cells if cell not in (None, "")}
    name = str(values.get("patient", ""))
    if not name:
        raise DataError(_SAID.format("empty"), path=path, line=line)
    column = columns[fields.index("birth_date")] if "birth_date" in fields else ""
    refusal = partial(_wrong_date, column, path, line)
    with instead_of(ValueError, refusal):  # which quotes the value
        born = _date(values.get("birth_date"), read_time)
    others = {key: str(values[key]) for key in ("sex", "ethnicity") if key in values}
    return Patient(id=name, birth_date=born, **others)


def _wrong_date(column: str, path: str | Path, line: int, error: ValueError) -> DataError:
    said = time_fault(error, "birth_date must be ISO 8601", column)
    return DataError(said, path=path, line=line)


def _date(value: object, read_time: TimeReader) -> date | None:
    if value is None or str(value).strip().lower() in MISSING:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else read_time(str(value)).date()
