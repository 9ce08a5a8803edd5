"""How the tables of a flow are read: how they are written, what their columns are called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.files.dialect import Dialect, check_unsaid
from clinnlp.io.record.event_stream import EventStream, stream_events
from clinnlp.io.record.people import read_patients
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.rows import column_names

__all__ = ["TableReading", "check_sources", "events_of", "people_of"]

_USUAL = ("patient", "code", "known", "kind", "vocabulary", "value", "unit")  # of events


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReading:
    """How tables of events, patients and outcomes are read, and what was left out of them.

    Parameters
    ----------
    dialect : Dialect
        How text is written; what it does not say is found by looking.
    skip_bad : bool
        Leave out rows that are wrong, and put their errors into `skipped`.
    columns, patient_columns, outcome_columns : mapping of str to str
        Which column is which, of events (`EventTable`), patients (``patient, birth_date, sex,
        ethnicity, site``) and outcomes (``patient, index_time, outcome, time``).
    skipped : list of DataError
        Filled by the flow.
    """

    dialect: Dialect = field(default_factory=Dialect)
    skip_bad: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    patient_columns: Mapping[str, str] = field(default_factory=dict)
    outcome_columns: Mapping[str, str] = field(default_factory=dict)
    skipped: list[DataError] = field(default_factory=list)

    @property
    def errors(self) -> list[DataError] | None:
        """Where the errors of rows go; None: the first is raised."""
        return self.skipped if self.skip_bad else None

    def check_unsaid(self, what: str) -> None:
        """Raise `ArgumentError` where anything was said, of what has a form of its own."""
        named = ("columns", "patient_columns", "outcome_columns", "skip_bad")
        check_unsaid([*self.dialect.said, *(n for n in named if getattr(self, n))], what)

    def take(self, skipped: Sequence[DataError]) -> dict[str, int]:
        """Take the errors of a stream too, and return the count of all rows left out."""
        self.skipped.extend(skipped)
        return {"rows_that_are_wrong": len(self.skipped)} if self.skip_bad else {}

    def provenance(self) -> dict[str, Any]:
        """Return what was said of tables, for a report; nothing where nothing was."""
        said = {"text": self.dialect, "columns": self.columns}
        said |= {"patient columns": self.patient_columns, "outcome columns": self.outcome_columns}
        usual: tuple[Any, ...] = (Dialect(), Dialect(encoding=None), {})
        told = {name: value for name, value in said.items() if value not in usual}
        told |= {"skip_bad": True} if self.skip_bad else {}
        plain = {k: asdict(v) if isinstance(v, Dialect) else v for k, v in told.items()}
        return {"tables": plain} if plain else {}


def check_sources(events: object, entities: object) -> None:
    """Raise `DataError` where a study has nothing to learn from.

    Raises
    ------
    DataError
        Then.
    """
    if events is None and entities is None:
        raise DataError(
            "risk models need events, entities or both, got neither: other columns of the table of "
            "outcomes are not read; rows_of_table takes a table of one row per case in Python"
        )


def events_of(path: str | Path | None, reading: TableReading) -> EventStream | None:
    """Return the events of a file, where there is one, read as it was said."""
    if path is None:
        return None
    how: dict[str, Any] = _event_columns(path, reading)
    return stream_events(path, dialect=reading.dialect, skip_bad=reading.skip_bad, **how)


def _event_columns(path: str | Path, reading: TableReading) -> dict[str, str]:
    """Return which column is which: where some are named, the usual ones too, by their names.

    Nothing is returned where none is named: then a table has the columns of `EventTable` alone.
    """
    named, path = dict(reading.columns), Path(path)
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not (named and parts):
        return named
    there = columns_named(_USUAL, column_names(parts[0], dialect=reading.dialect))
    taken = {*named.values()}
    return {name: column for name, column in there.items() if column not in taken} | named


def people_of(path: str | Path | None, reading: TableReading) -> list[Patient]:
    """Return the patients of a file, where there is one, read as it was said."""
    if path is None:
        return []
    how: dict[str, Any] = dict(reading.patient_columns)
    return read_patients(path, dialect=reading.dialect, skipped=reading.errors, **how)
