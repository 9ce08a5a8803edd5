"""A folder of tables as the record of patients: who, which stays, and events part by part.

Patients and stays are read at once. Events are read by the column and in parts, anew by each
``iter()``, so that memory does not grow with a table; what a row becomes is said for each table
by a `RecordTable`. What does not count is counted by table and reason, so that

    rows of tables = patients + stays + events (but those of stays) + deaths + left out
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.arrow import arrow_schema
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.arrow import from_arrow
from clinnlp.io.tables.text_batches import TextBatch, text_batches

__all__ = ["RecordFolder", "RecordTable", "by_value", "constant", "later"]

_SCHEMA = arrow_schema(EventTable.SCHEMA)
_REPEATED = [name for name, kind in EventTable.SCHEMA.items() if kind == "text"]


class RecordTable(NamedTuple):
    """What the rows of one table become.

    `events` gives columns of `EventTable` as Arrow arrays, those it leaves out being missing, and
    perhaps ``left_out``: why a row does not count (null where it does), and ``unmatched``: whether
    it has a code of its source only.
    """

    name: str
    kind: str
    columns: Sequence[str]
    needed: Sequence[str]
    events: Callable[[TextBatch], dict[str, pa.Array]]


class RecordFolder:
    """Patients and stays of a folder, and its events in parts of `EventTable`.

    Parameters
    ----------
    patients, encounters, deaths
        As in `Timelines`.
    stays : EventTable
        The events that stays are.
    tables : sequence of (RecordTable, path)
    n_excluded : mapping of str to int
        What of patients and stays does not count, by reason.
    """

    def __init__(
        self,
        *,
        patients: list[Patient],
        encounters: list[Encounter],
        deaths: Mapping[str, datetime],
        stays: EventTable,
        tables: Sequence[tuple[RecordTable, Path]],
        n_excluded: Mapping[str, int],
    ) -> None:
        self.patients, self.encounters, self.deaths = patients, encounters, deaths
        self._stays, self._tables, self._before = stays, tuple(tables), dict(n_excluded)
        self._left_out: Counter[str] = Counter()
        self.n_unmatched: Counter[str] = Counter()

    @property
    def n_excluded(self) -> dict[str, int]:
        """What of patients, stays and of the events of the last pass does not count, by reason."""
        return {**self._before, **self._left_out}

    def __iter__(self) -> Iterator[EventTable]:
        self._left_out, self.n_unmatched = Counter(), Counter()
        if len(self._stays):
            yield self._stays
        for table, path in self._tables:
            for batch in text_batches(path, table.columns, needed=table.needed):
                with instead_of(ArgumentError, lambda error: DataError(str(error), path=path)):  # noqa: B023
                    part = self._part(table, batch)
                if len(part):
                    yield part

    def timelines(self) -> Timelines:
        """Return the record with all events in memory."""
        events = EventTable.concat(self)
        return Timelines(
            self.patients, self.encounters, events, self.deaths, self.n_excluded, self.n_unmatched
        )

    def _part(self, table: RecordTable, batch: TextBatch) -> EventTable:
        made = table.events(batch)
        reasons = made.pop("left_out", pa.nulls(len(batch), pa.string()))
        for name, missing in (("code", "a code"), ("patient", "a patient")):
            lacks = pc.is_null(made[name])
            reasons = pc.if_else(lacks, pa.scalar(f"without {missing}"), reasons)
        for counted in pc.value_counts(reasons.drop_null()).to_pylist():
            self._left_out[f"{table.name} {counted['values']}"] += counted["counts"]
        kept = pc.is_null(reasons)
        unmatched = pc.sum(pc.and_(kept, made.pop("unmatched", pa.scalar(False)))).as_py()
        self.n_unmatched.update({table.name: unmatched} if unmatched else {})
        made.setdefault("kind", constant(table.kind, len(batch)))
        return from_arrow(EventTable, _encoded(made).filter(kept))


def constant(text: str, n: int) -> pa.Array:
    """Return a column of one text."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), [text])


def by_value(column: pa.Array, function: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Return a function of each cell, asked once for each that is different; null stays null.

    Examples
    --------
    >>> by_value(pa.array(["A", None, "A"]), str.lower, pa.string()).to_pylist()
    ['a', None, 'a']
    """
    listed = column.dictionary_encode()
    found = pa.array([function(value) for value in listed.dictionary.to_pylist()], kind)
    return found.take(listed.indices)


def later(times: pa.Array, others: pa.Array) -> pa.Array:
    """Return the later of two times, null where the first is missing."""
    return pc.if_else(pc.fill_null(pc.less(times, others), False), others, times)


def _encoded(columns: Mapping[str, pa.Array]) -> pa.Table:
    """Return columns in the order of the schema; equal texts become one object."""
    arrays = {
        name: columns[name].dictionary_encode()
        if name in _REPEATED and not pa.types.is_dictionary(columns[name].type)
        else columns[name]
        for name in _SCHEMA.names
        if name in columns
    }
    return pa.table(arrays)
