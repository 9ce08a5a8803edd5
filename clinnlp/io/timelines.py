"""Patients, stays and events as one thing, and the columns of events gathered row by row."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.core.times import time_from_text
from clinnlp.io.rows import column_names, read_rows

__all__ = ["EventColumns", "Timelines", "by_name", "day_after", "table_path", "time_of"]

_SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".parquet")


class Timelines(NamedTuple):
    """Patients, their stays, and what happened when."""

    patients: list[Patient]
    encounters: list[Encounter]
    events: EventTable
    deaths: Mapping[str, datetime]  # by patient
    n_excluded: Mapping[str, int] = {}  # by reason: what was read but does not count


class EventColumns:
    """The columns of an `EventTable`, filled row by row; a column not given is missing."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in EventTable.SCHEMA}

    def add(self, **values: Any) -> None:
        """Add one event."""
        for name, column in self._columns.items():
            column.append(values.get(name, float("nan") if name == "value" else None))

    def table(self) -> EventTable:
        """Return the events."""
        return EventTable(self._columns)


def table_path(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder, in any case and packing, else None."""
    wanted = {f"{name}{suffix}".lower() for suffix in _SUFFIXES}
    found = [path for path in folder.iterdir() if path.name.lower() in wanted]
    return min(found) if found else None


def by_name(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield the line and the named cells of each row, empty ones as None; case of names is free.

    Raises
    ------
    DataError
        A column that is missing, or as `read_rows`.
    """
    named = {name.lower(): name for name in column_names(path)}
    for line, row in read_rows(path, [named.get(name.lower(), name) for name in wanted]):
        cells = (None if cell in (None, "") else str(cell) for cell in row)
        yield line, dict(zip(wanted, cells, strict=True))


def time_of(cell: str | None, column: str, path: Path, line: int) -> datetime | None:
    """Return a time without zone: one with a zone is turned into UTC.

    Raises
    ------
    DataError
        Not ISO 8601.
    """
    if cell is None:
        return None
    try:
        return time_from_text(cell)
    except ValueError:
        pass  # raised below, outside: the ValueError quotes the cell
    raise DataError(f"{column} must be a time in ISO 8601, got another form", path=path, line=line)


def day_after(time: datetime | None) -> datetime | None:
    """Return the end of the day: when what has a date but no hour was certainly known."""
    if time is None:
        return None
    return datetime(time.year, time.month, time.day) + timedelta(days=1)
