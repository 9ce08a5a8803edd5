"""What the record says of patients, from a table: searched for in their notes, also misspelled."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.times import read_time
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.text.identifiers import KnownPatient

__all__ = ["KNOWN_COLUMNS", "read_known", "values_of"]

_FIELDS = {  # column: what it tells
    "name": "names",
    "clinician": "clinicians",
    "relative": "relatives",
    "address": "addresses",
    "place": "places",
    "phone": "phones",
    "email": "emails",
}
_IDS = ("MRN", "SSN", "ACCOUNT", "HEALTH_PLAN", "ENCOUNTER", "LICENCE")
KNOWN_COLUMNS = ("patient", *_FIELDS, "birth_date", "date", *(name.lower() for name in _IDS))
"""Columns that are read; a patient may have several rows."""


def read_known(path: str | Path) -> dict[str, KnownPatient]:
    """Return what a CSV, TSV or Parquet says of patients, by patient.

    Parameters
    ----------
    path : path
        With a column ``patient``, and any others of `KNOWN_COLUMNS`.

    Raises
    ------
    DataError
        No such columns, or a date of another form.
    """
    header = column_names(path)
    wanted = [name for name in header if name.lower() in KNOWN_COLUMNS]
    names = [name.lower() for name in wanted]
    if "patient" not in names or len(names) < 2:
        raise DataError(
            f"a table of what is known must have patient and some of "
            f"{', '.join(KNOWN_COLUMNS[1:])}, got other columns",
            path=path,
        )
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for line, row in read_rows(path, wanted):
        cells = dict(zip(names, row, strict=True))
        who = found[str(cells.pop("patient") or "").strip()]
        for name, cell in cells.items():
            _tell(who[name], name, str(cell or "").strip(), path, line)
    found.pop("", None)
    return {patient: _known(told) for patient, told in found.items()}


def values_of(known: Mapping[str, KnownPatient]) -> dict[str, tuple[str, ...]]:
    """Return by patient the names and numbers that must stand in no text of theirs."""
    return {
        patient: (
            *(word for name in each.names for word in name.split()),
            *(number for numbers in each.ids.values() for number in numbers),
            *each.phones,
            *each.emails,
            *each.addresses,
        )
        for patient, each in known.items()
    }


def _tell(told: list[Any], name: str, cell: str, path: str | Path, line: int) -> None:
    if cell:
        told.append(_date(cell, path, line) if name in ("birth_date", "date") else cell)


def _known(told: Mapping[str, list[Any]]) -> KnownPatient:
    fields = {field: tuple(told.get(name, ())) for name, field in _FIELDS.items()}
    ids = {name: tuple(told[name.lower()]) for name in _IDS if told.get(name.lower())}
    births: Iterable[Any] = told.get("birth_date", ())
    return KnownPatient(
        birth_date=next(iter(births), None), dates=tuple(told.get("date", ())), ids=ids, **fields
    )


def _date(cell: str, path: str | Path, line: int) -> Any:
    made: datetime | None = None
    try:
        made = read_time(cell)
    except (ValueError, ArgumentError):
        made = None
    if made is None:
        raise DataError("a date of what is known must be ISO 8601", path=path, line=line)
    return made.date()
