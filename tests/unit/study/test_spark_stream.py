"""Notes that arrive on real Spark: each once, the last version, also after a broken run."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.pipeline import pipeline
from clinnlp.study.spark_stream import stream_results, stream_spark

WORDS = [{"code": "d1", "name": "aspirin", "label": "Drug"},
         {"code": "d2", "name": "ibuprofen", "label": "Drug"}]  # fmt: skip


def nlp():
    return pipeline(vocabulary=WORDS)


def broken():
    raise ArgumentError("the pipeline must be there, got none")


def arrived(spark, folder):
    return spark.readStream.schema("id string, text string").json(str(folder))


def run(spark, tmp_path, made=nlp):
    query = stream_spark(arrived(spark, tmp_path / "in"), str(tmp_path / "out"), pipeline_of=made,
                         once=True)  # fmt: skip
    query.awaitTermination()


def rows(found):
    taken = found.rows.select("note", "start", "text").collect()
    return sorted((row.note, row.start, row.text) for row in taken)


def local(notes):
    table = entity_table(nlp().stream(notes))
    columns = (table[name].tolist() for name in ("note", "start", "text"))
    return sorted(zip(*columns, strict=True))


@pytest.mark.slow
def test_what_is_read_is_the_last_version_of_each_note(spark, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="must have written there"):
        stream_results(spark, str(tmp_path / "out"))
    first = [Note(id=f"n{k}", text=f"Took aspirin on day {k}.") for k in range(6)]
    write_notes(first, tmp_path / "in" / "a.jsonl")
    with pytest.raises(Exception, match="the pipeline must be there"):  # a run that is broken off
        run(spark, tmp_path, broken)
    run(spark, tmp_path)
    found = stream_results(spark, str(tmp_path / "out"))
    assert rows(found) == local(first)
    changed = [Note(id="n1", text="Ibuprofen, then aspirin."), Note(id="n2", text="Nothing.")]
    write_notes([*changed, Note(id="n9", text="Aspirin.")], tmp_path / "in" / "b.jsonl")
    run(spark, tmp_path)
    run(spark, tmp_path)  # nothing new
    now = [*changed, Note(id="n9", text="Aspirin."), first[0], *first[3:]]
    found = stream_results(spark, str(tmp_path / "out"))
    assert rows(found) == local(now)
    assert found.notes.count() == len(now)
    assert found.failures.count() == 0


@pytest.mark.slow
def test_a_table_that_is_whole_is_no_stream(spark, tmp_path):
    whole = spark.createDataFrame([("n1", "aspirin")], "id string, text string")
    with pytest.raises(ArgumentError, match="must be a stream"):
        stream_spark(whole, str(tmp_path), pipeline_of=nlp)
    (tmp_path / "in").mkdir()
    with pytest.raises(ArgumentError, match="column 'when'"):
        stream_spark(arrived(spark, tmp_path / "in"), str(tmp_path), pipeline_of=nlp, order="when")
