"""Patients, stays and events as one thing, and the columns of events gathered row by row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable

__all__ = ["EventColumns", "Timelines"]


class Timelines(NamedTuple):
    """Patients, their stays, and what happened when."""

    patients: list[Patient]
    encounters: list[Encounter]
    events: EventTable
    deaths: Mapping[str, datetime]  # by patient
    n_excluded: Mapping[str, int] = {}  # by reason: what was read but does not count
    n_unmatched: Mapping[str, int] = {}  # by table: what has a code of its source only


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
