"""FAERS quarters on Spark: files are read and cases de-duplicated where there is room for them.

Each table of each quarter is read by one task, by the reader of one machine
(`clinnlp.io.record.faers`): the same rows, names, roles and versions, and zip files too. Of each
case Spark then keeps the newest version.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from clinnlp.core.errors import DataError
from clinnlp.core.pipeline import chunks
from clinnlp.core.spark import spark_functions
from clinnlp.core.vocab import fold
from clinnlp.io.record.faers import ROLES, check_roles, events_of, reports_of
from clinnlp.io.record.faers_files import FaersTable, deleted_cases, tables_of, whole_quarters

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["faers_spark"]

_AT_ONCE = 20_000  # rows that a task hands over
_TEXT, _WHOLE, _TIME = pa.string(), pa.int64(), pa.timestamp("us")
_WORDS = {_TEXT: "string", _WHOLE: "bigint", _TIME: "timestamp_ntz"}
_REPORT = {
    "patient": _TEXT,
    "encounter": _TEXT,
    "version": _WHOLE,
    "day": _TEXT,
    "number": _WHOLE,
    "turn": _WHOLE,
    "start": _TIME,
    "known": _TIME,
}
_EVENT = dict.fromkeys(("encounter", "code", "kind", "vocabulary", "dose"), _TEXT)


def faers_spark(
    session: "SparkSession",
    path: str | Path,
    *,
    roles: Sequence[str] = ROLES,
    drug_name: Callable[[str], str] = fold,
) -> "DataFrame":
    """Return drugs, reactions and indications of the newest version of each case, as a Spark table.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    path : path
        A quarter (zip file or folder), or a folder with several, which every worker sees.
    roles : sequence of str
        Roles of the drugs wanted; all four by default.
    drug_name : callable
        From a name as reported to the name of the item.

    Returns
    -------
    pyspark.sql.DataFrame
        The rows of ``read_faers(path).events``, with ``patient``, ``encounter``, ``start``,
        ``known``, ``code``, ``kind``, ``vocabulary`` and ``dose``, in any order: for
        ``spark_baskets(frame, unit="encounter")``. Lazy, so that a row of another length is told
        when Spark reads it. What is left out is not counted.

    Raises
    ------
    ArgumentError
        An unknown role.
    DataError
        No quarterly tables.
    MissingExtra
        pyspark is not installed.

    Examples
    --------
    >>> from clinnlp import mine_signals, spark_baskets
    >>> def signals(session, folder):
    ...     reports = faers_spark(session, folder, roles=("PS", "SS"))
    ...     with spark_baskets(reports, unit="encounter", kinds=("drug", "outcome")) as held:
    ...         return mine_signals(held)
    """
    f = spark_functions()
    check_roles(roles)
    quarters = whole_quarters(path)
    reports, *others = (tables_of(quarters, name) for name in ("DEMO", "DRUG", "REAC", "INDI"))
    for name, found in zip(("DEMO", "DRUG", "REAC"), (reports, *others), strict=False):
        if not found:
            raise DataError(f"a FAERS quarter needs the table {name}, got none", path=quarters[0])
    read = _rows_of(session, reports).mapInArrow(_Reports(), _columns(_REPORT))
    gone = [(case,) for case in sorted(deleted_cases(quarters))]
    if gone:
        deleted = session.createDataFrame(gone, "patient string")
        read = read.join(f.broadcast(deleted), "patient", "left_anti")
    latest = f.max_by(
        f.struct("encounter", "start", "known"), f.struct("version", "day", "number", "turn")
    )
    kept = read.groupBy("patient").agg(latest.alias("one")).select("patient", "one.*")
    events = _rows_of(session, list(chain(*others))).mapInArrow(
        _Events(roles=tuple(roles), drug_name=drug_name), _columns(_EVENT)
    )
    names = ("patient", "encounter", "start", "known", "code", "kind", "vocabulary", "dose")
    return events.join(kept, "encounter").select(*names)


@dataclass(frozen=True, slots=True)
class _Reports:
    """Reads the reports of some quarters, in a Python worker."""

    def __call__(self, parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        def rows() -> Iterator[tuple[Any, ...]]:
            for turn, one in _tables(parts):
                for k, (number, report) in enumerate(reports_of(one)):
                    order = (*report.version, -(turn << 40) - k)  # of two alike the first
                    yield (report.case, number, *order, report.time, report.known)

        return _batches(rows(), _REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    """Reads the drugs, reactions and indications of some quarters, in a Python worker."""

    roles: tuple[str, ...]
    drug_name: Callable[[str], str]

    def __call__(self, parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = (
            (number, *event)
            for _, one in _tables(parts)
            for number, *event in events_of(one, self.roles, self.drug_name)
        )
        return _batches(rows, _EVENT)


def _rows_of(session: "SparkSession", tables: Sequence[FaersTable]) -> "DataFrame":
    """Return a row for each table, each in a part of its own."""
    rows = [(k, str(one.quarter), one.name, one.table) for k, one in enumerate(tables)]
    frame = session.createDataFrame(rows, "turn bigint, quarter string, name string, kind string")
    return frame.repartition(len(rows))


def _tables(parts: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, FaersTable]]:
    for part in parts:
        for row in part.to_pylist():
            yield row["turn"], FaersTable(Path(row["quarter"]), row["name"], row["kind"])


def _batches(
    rows: Iterable[tuple[Any, ...]], columns: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    for few in chunks(rows, _AT_ONCE):
        values = zip(*few, strict=True)
        arrays = [pa.array(v, kind) for v, kind in zip(values, columns.values(), strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _columns(columns: dict[str, pa.DataType]) -> str:
    return ", ".join(f"{name} {_WORDS[kind]}" for name, kind in columns.items())
