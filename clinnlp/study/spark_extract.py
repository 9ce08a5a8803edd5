"""Extraction on Spark: a table of notes in, tables of mentions, of notes and of failures out.

Each Python worker makes the pipeline once, from what every worker sees, and keeps it for all tasks
of a job. Notes are read in batches as by one process, and a note that fails becomes a row that says
so; the job goes on. A worker or executor that dies is replaced by Spark, and its part is read anew.
The rows of a note stand in its order; notes stand in the order of the table's parts.

The finder of what stands for identifiers needs all notes of a collection at once, so that
de-identification is no such job.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from clinnlp.core.checks import check_at_least, check_one_of
from clinnlp.core.columnar import Table
from clinnlp.core.errors import (
    ArgumentError,
    ClinnlpError,
    DataError,
    RunError,
    instead_of,
    where_raised,
)
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline, chunks
from clinnlp.core.spark import spark_class, spark_said
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.io.notes.frames import notes_of_rows
from clinnlp.io.notes.tables import COLUMNS
from clinnlp.io.tables.spark import BESIDE, NOTE_COLUMNS, NoteRead, both_columns, both_rows
from clinnlp.study.batch_reading import Batch, BatchReader

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "PipelineSource",
    "RowReader",
    "SparkExtraction",
    "SparkSummary",
    "extract_spark",
    "made_once",
    "spark_form",
    "spark_notes",
]

_N_FIRST = 100  # lines of JSON that say which columns there are
_FORMS = {"parquet": "parquet", "jsonl": "jsonl", "json": "jsonl", "ndjson": "jsonl"}

RowsOf = Literal["mentions", "relations", "both"]

_KINDS: Mapping[str, type[Table]] = {
    "mentions": EntityTable,
    "relations": RelationTable,
    "both": EntityTable,
}
_TABLES: Mapping[str, Callable[[Iterable[Note]], Table]] = {
    "mentions": entity_table,
    "relations": relation_table,
    "both": entity_table,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkSummary:
    """How many notes a job read, how many of them failed, and how many rows there are.

    `n_relations` are beside mentions.
    """

    n_notes: int
    n_rows: int
    n_failed: int
    n_relations: int = 0

    def __str__(self) -> str:
        beside = f", relations {self.n_relations:,}" if self.n_relations else ""
        failed = f", failed {self.n_failed:,}" if self.n_failed else ""
        return f"notes {self.n_notes:,}, rows {self.n_rows:,}{beside}{failed}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparkExtraction:
    """What a job will give; nothing is read before one of the tables is asked for.

    Each table that is asked for by itself reads the notes again: `write` reads them once, as do
    ``both.persist()`` or ``both.write`` before.

    Parameters
    ----------
    both : pyspark.sql.DataFrame
        Rows and notes in one table; only a note has ``n_rows``.
    kind : subclass of Table
        What the rows are.
    rows_of : {"mentions", "relations", "both"}
    """

    both: "DataFrame"
    kind: type[Table]
    rows_of: RowsOf

    @property
    def rows(self) -> "DataFrame":
        """The mentions, or relations, with the columns of `EntityTable` or `RelationTable`."""
        found = self.both.where("n_rows IS NULL")
        if self.rows_of == "both":
            found = found.where(f"{BESIDE}note IS NULL")
        return found.select(*self.kind.SCHEMA)

    @property
    def relations(self) -> "DataFrame":
        """The relations, where they were asked for alone or beside the mentions.

        Raises
        ------
        ArgumentError
            They were not.
        """
        if self.rows_of == "relations":
            return self.rows
        if self.rows_of == "mentions":
            raise ArgumentError("relations must be asked for (rows_of='both'), got mentions alone")
        found = self.both.where(f"{BESIDE}note IS NOT NULL")
        return found.selectExpr(*(f"`{BESIDE}{name}` AS `{name}`" for name in RelationTable.SCHEMA))

    @property
    def notes(self) -> "DataFrame":
        """A row for each note: its rows, its labels by a classifier, its error where it failed."""
        return self.both.where("n_rows IS NOT NULL").select(*NOTE_COLUMNS)

    @property
    def failures(self) -> "DataFrame":
        """The notes that failed: id, kind of error and its words, which quote no note."""
        return self.notes.where("error IS NOT NULL").select("note", "error", "message")

    def write(self, out: str) -> SparkSummary:
        """Write the tables as Parquet into folders of `out`, anywhere that Spark can write.

        The folders are ``mentions``, ``relations`` or both, ``notes`` and ``failures``.

        Raises
        ------
        ArgumentError
            There is one of them already.
        StoreError
            A worker has no such model.
        ClinnlpError
            Of any other worker, or that Spark ended the job.
        """
        said: ClinnlpError | None = None
        held = self.both.persist()
        try:
            for name, frame in self._tables().items():
                frame.write.parquet(f"{out.rstrip('/')}/{name}")
            beside = f"{BESIDE}note" if self.rows_of == "both" else "NULL"
            told = held.selectExpr(
                "count(n_rows) AS n_notes",
                "coalesce(sum(n_rows), 0) AS n_rows",
                "count(error) AS n_failed",
                f"count({beside}) AS n_relations",
            )
            return SparkSummary(**told.first().asDict())
        except Exception as error:  # of Spark, with its stack and perhaps a row
            said = _said(error, out)
        finally:
            held.unpersist()
        raise said

    def _tables(self) -> "dict[str, DataFrame]":
        """Return what is written, by its folder."""
        found = {} if self.rows_of == "relations" else {"mentions": self.rows}
        found |= {} if self.rows_of == "mentions" else {"relations": self.relations}
        return found | {"notes": self.notes, "failures": self.failures}


def _said(error: Exception, out: str) -> ClinnlpError:
    if "PATH_ALREADY_EXISTS" in str(error):
        return ArgumentError(f"the output must be a new folder, got {out}, which holds tables")
    return spark_said(error)


def extract_spark(
    frame: "DataFrame",
    *,
    pipeline_of: Callable[[], Pipeline],
    text: str = "text",
    id: str = "id",
    patient: str | None = None,
    encounter: str | None = None,
    time: str | None = None,
    known: str | None = None,
    kind: str | None = None,
    rows_of: RowsOf = "mentions",
    batch_size: int = 64,
) -> SparkExtraction:
    """Return what a pipeline finds in the notes of a Spark table, as Spark tables.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        A row for each note, from whatever source; parts of it are read at the same time.
    pipeline_of : callable
        Makes the pipeline; called once in each Python worker, where clinnlp must be installed, with
        paths that are there: of a shared disk, or shipped by ``--archives`` (``SparkFiles.get``).
    text, id : str
        Columns with the text and the id of a note. Repeated ids are not looked for.
    patient, encounter, time, known, kind : str, optional
        Columns as in `from_pandas`.
    rows_of : {"mentions", "relations", "both"}
        What the rows are: those of `entity_table`, of `relation_table`, or both from one reading.
    batch_size : int
        Notes that the pipeline gets at once, >= 1.

    Returns
    -------
    SparkExtraction
        Lazy, as Spark is.

    Raises
    ------
    ArgumentError
        A column is absent, or an argument out of range.

    Examples
    --------
    >>> from functools import partial
    >>> from clinnlp import pipeline
    >>> def mentions(notes, out):  # of a DataFrame with the columns id and text
    ...     made = partial(pipeline, vocabulary="/shared/drugs.csv")
    ...     return extract_spark(notes, pipeline_of=made).write(out)
    """
    given = locals()
    named = {name: given[name] for name in COLUMNS if given.get(name) is not None}
    check_one_of(rows_of, tuple(_KINDS), name="rows_of")
    check_at_least(batch_size, 1, name="batch_size")
    for column in named.values():
        if column not in frame.columns:
            raise ArgumentError(
                f"the table of notes must have the column {column!r}, got none of that name"
            )
    reader = RowReader(
        source=made_once(pipeline_of),
        named=tuple(named.items()),
        rows_of=rows_of,
        batch_size=batch_size,
    )
    wanted = frame.select(*(f"`{column}`" for column in dict.fromkeys(named.values())))
    kind_of = _KINDS[rows_of]
    both = wanted.mapInArrow(reader, both_columns(kind_of, _beside(rows_of)))
    return SparkExtraction(both=both, kind=kind_of, rows_of=rows_of)


def _beside(rows_of: RowsOf) -> type[Table] | None:
    """Return the table that comes beside the rows, if one does."""
    return RelationTable if rows_of == "both" else None


def spark_form(source: str, form: str | None = None) -> str:
    """Return what Spark reads notes as: what was said, or what the suffix says.

    Raises
    ------
    ArgumentError
        Neither Parquet nor JSON Lines.

    Examples
    --------
    >>> spark_form("s3a://notes/all.jsonl.gz"), spark_form("notes", "parquet")
    ('jsonl', 'parquet')
    """
    if form is None:
        ends = source.lower().rstrip("/").removesuffix(".gz").rpartition(".")[2]
        form = _FORMS.get(ends)
    if form not in _FORMS:
        raise ArgumentError(
            "notes for Spark must be in Parquet or JSON Lines (--format parquet, --format jsonl), "
            f"got {form or source}; other formats are read by one machine, which can write these"
        )
    return _FORMS[form]


def spark_notes(
    session: "SparkSession", source: str, form: str, *, names: Sequence[str] = ()
) -> "DataFrame":
    """Return a Spark table of notes, anywhere that Spark can read.

    JSON Lines are read as text in columns that their first lines say, so that Spark need not read
    all of them to know what there is: the usual ones, or `names` and all others where one of these
    is not among them.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    source : str
        A file, or a folder of them: a path or a URL.
    form : {"parquet", "jsonl"}
    names : sequence of str
        Columns that are needed, where they have other names than `from_pandas` gives them.

    Raises
    ------
    DataError
        Nothing there, or nothing that Spark can read.
    """
    said = "notes must be there, and Spark able to read them, got {}"
    with instead_of(Exception, lambda e: DataError(said.format(spark_class(e)), path=source)):
        if form == "parquet":
            return session.read.parquet(source)
        needed = dict.fromkeys(names) or dict.fromkeys(("id", "text"))
        if not needed.keys() <= _keys(
            row.value for row in session.read.text(source).head(_N_FIRST)
        ):
            return session.read.json(source)
        columns = needed if names else [name for name in COLUMNS if name != "label"]
        return session.read.schema(", ".join(f"`{name}` string" for name in columns)).json(source)


def _keys(lines: Iterable[str]) -> set[str]:
    """Return the keys of lines of JSON, those that are none left out."""
    keys: set[str] = set()
    for line in lines:
        with suppress(ValueError):
            found = json.loads(line)
            keys |= {*found} if isinstance(found, dict) else set()
    return keys


@dataclass(frozen=True, slots=True)
class PipelineSource:
    """Who makes the pipeline of one job or stream; equal by token alone, wherever it was sent."""

    token: str
    pipeline_of: Callable[[], Pipeline] = field(compare=False)

    def __call__(self) -> Pipeline:
        return self.pipeline_of()


@lru_cache(maxsize=1)
def _made(source: PipelineSource) -> Pipeline:
    return source()


def made_once(pipeline_of: Callable[[], Pipeline]) -> PipelineSource:
    """Return who makes a pipeline once in each Python worker, for all jobs that share this."""
    if isinstance(pipeline_of, PipelineSource):
        return pipeline_of
    return PipelineSource(uuid4().hex, pipeline_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Reads parts of a table of notes, in a Python worker.

    Parameters
    ----------
    source : PipelineSource
    named : tuple of (str, str)
        Fields of a note and their columns.
    rows_of : {"mentions", "relations", "both"}
    batch_size : int
    """

    source: PipelineSource
    named: tuple[tuple[str, str], ...]
    rows_of: RowsOf
    batch_size: int

    def __call__(self, parts: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        """Yield rows and notes; what is raised says no more than one sentence of ours."""
        with instead_of(Exception, _one_sentence):
            reader = BatchReader(nlp=_made(self.source), on_error="skip", whole=True)
            for part in parts:
                notes, wrong = notes_of_rows(part, dict(self.named))
                if wrong:
                    told = [_failed(note_id, error) for note_id, error in wrong]
                    kind, beside = _KINDS[self.rows_of], _beside(self.rows_of)
                    more = None if beside is None else beside({})
                    yield from both_rows(kind({}), told, more)
                for few in chunks(notes, self.batch_size):
                    yield from self._read(reader, few)

    def _read(self, reader: BatchReader, notes: Sequence[Note]) -> "Iterator[pa.RecordBatch]":
        done = reader(Batch(notes=tuple(notes), wanted=(True,) * len(notes)))
        table = _TABLES[self.rows_of](done.notes)
        n_rows: dict[str, int] = {}
        for note_id in table["note"].tolist():
            n_rows[note_id] = n_rows.get(note_id, 0) + 1
        told = [NoteRead(note.id, n_rows.get(note.id, 0), note.labels) for note in done.notes]
        told += [_failed(note_id, error) for note_id, error in done.failed.items()]
        beside = relation_table(done.notes) if self.rows_of == "both" else None
        yield from both_rows(table, told, beside)


def _failed(note: str | None, error: ClinnlpError) -> NoteRead:
    return NoteRead(note, error=type(error).__name__, message=str(error))


def _one_sentence(error: Exception) -> Exception:
    if isinstance(error, ClinnlpError | GeneratorExit):
        return error
    said = f"a Spark worker failed ({type(error).__name__}){where_raised(error)}"
    return RunError(said)
