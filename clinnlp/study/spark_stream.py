"""Extraction on Spark of notes as they arrive: each once in what is read, whatever is killed.

Spark keeps which notes it has taken in a checkpoint, and hands them over in numbered batches; one
that was broken off comes again under its number. What a batch gives is written to a folder of that
number, in place of what a broken run left there. A note that comes again, changed or not, is read
again: `stream_results` takes of each id the last batch, so that its rows are there once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clinnlp.core.columnar import Table
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spark import spark_class, spark_functions
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.study.spark_extract import RowsOf, SparkExtraction, extract_spark, made_once

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

__all__ = ["stream_results", "stream_spark"]

_ROWS, _CHECKPOINT = "batches", "checkpoint"


def stream_spark(
    frame: "DataFrame",
    out: str,
    *,
    pipeline_of: Callable[[], Pipeline],
    order: str | None = None,
    once: bool = False,
    **how: Any,
) -> "StreamingQuery":
    """Start to extract from a stream of notes, and return Spark's query.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        A streaming table of notes: of files (``session.readStream``), of Kafka, of Delta.
    out : str
        Folder or URL for the results and the checkpoint, of this stream alone.
    pipeline_of : callable
        As in `extract_spark`.
    order : str, optional
        Column that says which of several notes of one id in one batch is the last, such as the time
        of its change.
    once : bool
        Take what is there and end; else go on until the query is stopped.
    **how
        Columns and options of `extract_spark`.

    Returns
    -------
    pyspark.sql.streaming.StreamingQuery
        Running; ``awaitTermination`` waits for its end, ``stop`` ends it.

    Raises
    ------
    ArgumentError
        The table is no stream, or a column is absent.

    Examples
    --------
    >>> def watch(session, pipeline_of):  # files of JSON Lines that arrive in a folder
    ...     notes = session.readStream.schema("id string, text string").json("/arriving")
    ...     return stream_spark(notes, "/found", pipeline_of=pipeline_of)
    """
    if not frame.isStreaming:
        raise ArgumentError("the table must be a stream, got one that is whole; use extract_spark")
    if order is not None and order not in frame.columns:
        raise ArgumentError(f"the table must have the column {order!r}, got none of that name")
    named = {"id": how.get("id", "id"), "text": how.get("text", "text")}
    source = made_once(pipeline_of)
    extract_spark(frame, pipeline_of=source, **how)  # looks at columns and options

    def one(batch: "DataFrame", number: int) -> None:
        few = _last_of_each(batch, named["id"], order or named["text"])
        found = extract_spark(few, pipeline_of=source, **how)
        found.both.write.mode("overwrite").parquet(f"{out}/{_ROWS}/batch={number}")

    writer = frame.writeStream.foreachBatch(one)
    writer = writer.option("checkpointLocation", f"{out}/{_CHECKPOINT}")
    return (writer.trigger(availableNow=True) if once else writer).start()


def stream_results(
    session: "SparkSession", out: str, *, rows_of: RowsOf = "mentions"
) -> SparkExtraction:
    """Return what a stream has found so far: of each note what it said last.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    out : str
        As in `stream_spark`.
    rows_of : {"mentions", "relations", "both"}
        What the stream gives.

    Returns
    -------
    SparkExtraction
        Rows, notes and failures as of now.

    Raises
    ------
    DataError
        Nothing was found yet.

    Examples
    --------
    >>> def drugs(session):  # of what `stream_spark` writes to /found
    ...     return stream_results(session, "/found").rows.where("label = 'Drug'")
    """
    f = spark_functions()
    said = "a stream must have written there, got {}"
    with instead_of(Exception, lambda e: DataError(said.format(spark_class(e)), path=out)):
        every = session.read.parquet(f"{out}/{_ROWS}")
    named = every.where("note IS NOT NULL")
    last = named.where("n_rows IS NOT NULL").groupBy("note").agg(f.max("batch").alias("batch"))
    both = named.join(last, ["note", "batch"], "left_semi")
    both = both.unionByName(every.where("note IS NULL")).drop("batch")
    kind: type[Table] = RelationTable if rows_of == "relations" else EntityTable
    return SparkExtraction(both=both, kind=kind, rows_of=rows_of)


def _last_of_each(batch: "DataFrame", id: str, order: str) -> "DataFrame":
    """Return one row of each id; rows without one stay, to be told as failures."""
    f = spark_functions()
    row = f.struct(*(f"`{name}`" for name in batch.columns))
    last = batch.where(f"`{id}` IS NOT NULL").groupBy(id).agg(f.max_by(row, order).alias("last"))
    return last.select("last.*").unionByName(batch.where(f"`{id}` IS NULL"))
