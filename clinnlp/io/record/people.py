"""Patients from a table: id, birth date, sex."""

from datetime import date
from pathlib import Path

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.patients import Patient
from clinnlp.io.tables.rows import column_names, read_rows

__all__ = ["read_patients"]

_COLUMNS = ("patient", "birth_date", "sex", "ethnicity")


def read_patients(path: str | Path) -> list[Patient]:
    """Return the patients in a CSV, TSV or Parquet file with a column ``patient``.

    ``birth_date`` (ISO 8601), ``sex`` and ``ethnicity`` are read where the columns are there; a
    missing value stays missing. Other columns are ignored.

    Raises
    ------
    DataError
        No column ``patient``, an empty or repeated id, or a birth date of another form.
    """
    present = column_names(path)
    wanted = [name for name in _COLUMNS if name in {"patient", *present}]
    out: dict[str, Patient] = {}
    for line, row in read_rows(path, wanted):
        cells = zip(wanted, row, strict=True)
        values = {name: cell for name, cell in cells if cell not in (None, "")}
        name = str(values.get("patient", ""))
        if not name or name in out:
            what = "repeated" if name else "empty"
            raise DataError(f"patient ids must be unique, got a {what} one", path=path, line=line)
        born = _date(values.get("birth_date"), path, line)
        others = {key: str(values[key]) for key in ("sex", "ethnicity") if key in values}
        out[name] = Patient(id=name, birth_date=born, **others)
    return list(out.values())


def _date(value: object, path: str | Path, line: int) -> date | None:
    if value is None:
        return None
    refusal = DataError("birth_date must be ISO 8601, got another form", path=path, line=line)
    with instead_of(ValueError, refusal):  # which quotes the value
        return date.fromisoformat(str(value)[:10])
