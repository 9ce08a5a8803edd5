"""Rows of notes on Spark are those of one process; without a cluster, what a worker does."""

import sys
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from clinnlp.core.errors import ArgumentError, DataError, PipeError, RunError, StoreError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spark import spark_session
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.io.notes.frames import from_pandas
from clinnlp.io.tables.arrow import read_columns
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.spark import BESIDE
from clinnlp.study.extract import extract
from clinnlp.study.pipeline import pipeline
from clinnlp.study.spark_extract import PipelineSource, RowReader, extract_spark, spark_notes
from clinnlp.text.relations import StatedRelations
from tests.worker_pipes import Deadly, Failing

WORDS = [{"code": "d1", "name": "aspirin", "label": "Drug"},
         {"code": "p1", "name": "rash", "label": "Problem"}]  # fmt: skip
TEXTS = ("Took aspirin. No rash.", "Rash due to aspirin.", "Nothing.", "Aspirin 100 mg daily.")


def nlp():
    return pipeline(vocabulary=WORDS)


def failing():
    return Pipeline([Failing(("n3", "n5")), *nlp().pipes])


def linked():
    return Pipeline([*nlp().pipes, StatedRelations()])


def without_a_model(path):
    return pipeline(path)


def dying(folder):
    return Pipeline([Deadly(("n4", "n9"), folder), *nlp().pipes])


def notes(n=8):
    return [Note(id=f"n{k}", text=TEXTS[k % 4], patient=f"p{k // 2}") for k in range(n)]


def columns(given):
    return {
        "id": [note.id for note in given],
        "words": [note.text for note in given],
        "mrn": [note.patient for note in given],
    }


def reader(made, token="t", **how):
    named = (("id", "id"), ("text", "words"), ("patient", "mrn"))
    options = {"rows_of": "mentions", "batch_size": 3, **how}
    return RowReader(source=PipelineSource(token, made), named=named, **options)


def read(given, made, **how):
    """Return rows and notes that a worker gives for the notes, in two parts."""
    table = pa.table(columns(given))
    parts = [batch for k in (0, 5) for batch in table.slice(k, 5 if k == 0 else None).to_batches()]
    both = pa.Table.from_batches(reader(made, **how)(iter(parts))).to_pylist()
    return [r for r in both if r["n_rows"] is None], [r for r in both if r["n_rows"] is not None]


def arrow_rows(table):
    return table.to_arrow().to_pylist()


def test_a_worker_gives_the_rows_of_one_process():
    rows, told = read(notes(), nlp, token="rows")
    local = arrow_rows(entity_table(nlp().stream(notes())))
    assert [{name: row[name] for name in EntityTable.SCHEMA} for row in rows] == local
    assert [note["note"] for note in told] == [f"n{k}" for k in range(8)]
    assert [note["n_rows"] for note in told] == [2, 2, 0, 1] * 2
    assert {note["error"] for note in told} == {None}


def test_rows_may_be_of_relations():
    rows, told = read(notes(), linked, token="relations", rows_of="relations")
    local = arrow_rows(relation_table(linked().stream(notes())))
    assert local
    assert [{name: row[name] for name in RelationTable.SCHEMA} for row in rows] == local
    assert sum(note["n_rows"] for note in told) == len(local)


def test_relations_may_come_beside_mentions_from_one_reading():
    rows, told = read(notes(), linked, token="both", rows_of="both")
    mentions = [row for row in rows if row[f"{BESIDE}note"] is None]
    relations = [row for row in rows if row[f"{BESIDE}note"] is not None]
    local = list(linked().stream(notes()))
    assert [{name: row[name] for name in EntityTable.SCHEMA} for row in mentions] == arrow_rows(
        entity_table(local)
    )
    named = [{name: row[BESIDE + name] for name in RelationTable.SCHEMA} for row in relations]
    assert named == arrow_rows(relation_table(local))
    assert {row["note"] for row in relations} == {"n1", "n5"}  # of which note, for a stream
    assert sum(note["n_rows"] for note in told) == len(mentions)


def test_a_note_that_fails_is_a_row_of_its_own_without_text():
    bad = [*notes(), Note(id="n8", text=""), Note(id="n9", text="a\0b")]
    _, told = read(bad, failing, token="failing")
    failed = {note["note"]: note for note in told if note["error"] is not None}
    assert {k: note["error"] for k, note in failed.items()} == {
        "n3": "PipeError", "n5": "PipeError", "n8": "DataError", "n9": "DataError",
    }  # fmt: skip
    assert len(told) == 10
    assert "Aspirin" not in str(failed)
    assert "a\0b" not in str(failed)


def test_times_are_those_of_the_zone_of_the_session_and_text_is_read_as_here():
    zoned = pa.array([datetime(2024, 5, 1, 8, tzinfo=ZoneInfo("Asia/Tokyo"))])
    table = pa.table({"id": ["n1"], "words": ["Took aspirin."], "at": zoned,
                      "seen": ["2024-05-02"]})  # fmt: skip
    named = (("id", "id"), ("text", "words"), ("time", "at"), ("known", "seen"))
    worker = RowReader(source=PipelineSource("times", nlp), named=named, rows_of="mentions",
                       batch_size=3)  # fmt: skip
    row = pa.Table.from_batches(worker(iter(table.to_batches()))).to_pylist()[0]
    assert row["time"] == datetime(2024, 4, 30, 23)
    note = from_pandas(table, text="words", id="id", known="seen")[0]
    assert row["known"] == note.known


def test_the_pipeline_is_made_once_for_all_parts_of_a_job():
    made = []

    def counted():
        made.append(1)
        return nlp()

    for _ in range(3):
        assert len(read(notes(), counted, token="counted")[1]) == 8
    assert len(made) == 1
    read(notes(), counted, token="another job")
    assert len(made) == 2


def test_a_missing_model_is_one_sentence_and_what_nobody_foresaw_no_text(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        read(notes(), partial(without_a_model, tmp_path / "nowhere"), token="missing")

    def broken():
        raise ValueError("Jane Doe")

    with pytest.raises(RunError, match=r"a Spark worker failed \(ValueError\)"):
        read(notes(), broken, token="broken")


def test_columns_and_options_are_looked_at_before_any_work():
    class Frame:
        columns = ("id", "words")

    with pytest.raises(ArgumentError, match="must have the column 'text'"):
        extract_spark(Frame(), pipeline_of=nlp)
    with pytest.raises(ArgumentError, match="rows_of"):
        extract_spark(Frame(), pipeline_of=nlp, text="words", rows_of="words")


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ImportError, match=r"clinnlp\[spark\]"), spark_session():
        pass


@pytest.mark.slow
def test_real_workers_give_the_rows_of_a_local_run(spark, tmp_path):
    given = notes(40)
    frame = spark.createDataFrame(pa.table(columns(given)).to_pandas()).repartition(3)
    named = {"text": "words", "patient": "mrn"}
    summary = extract_spark(frame, pipeline_of=nlp, **named).write(str(tmp_path / "out"))
    extract(given, nlp(), tmp_path / "local.parquet", progress=False)
    ours, local = (
        arrow_rows(read_entity_table(path))
        for path in (tmp_path / "out" / "mentions", tmp_path / "local.parquet")
    )
    assert str(summary) == f"notes 40, rows {len(local)}"

    def key(row):
        return int(row["note"][1:])

    assert sorted(ours, key=key) == sorted(local, key=key)
    with pytest.raises(ArgumentError, match="must be a new folder"):
        extract_spark(frame, pipeline_of=nlp, **named).write(str(tmp_path / "out"))


@pytest.mark.slow
def test_real_workers_give_mentions_and_relations(spark, tmp_path):
    frame = spark.createDataFrame(pa.table(columns(notes(40))).to_pandas()).repartition(3)
    named = {"text": "words", "patient": "mrn"}
    found = extract_spark(frame, pipeline_of=linked, rows_of="both", **named)
    summary = found.write(str(tmp_path / "out"))
    local = list(linked().stream(notes(40)))
    assert (summary.n_notes, summary.n_rows, summary.n_relations) == (
        40, len(entity_table(local)), len(relation_table(local)),
    )  # fmt: skip
    assert f"relations {summary.n_relations}" in str(summary)
    for name, kind, table in (
        ("mentions", EntityTable, entity_table(local)),
        ("relations", RelationTable, relation_table(local)),
    ):
        ours = arrow_rows(read_columns(kind, tmp_path / "out" / name, {}))
        assert sorted(map(str, ours)) == sorted(map(str, arrow_rows(table)))
    alone = extract_spark(frame, pipeline_of=linked, **named)
    with pytest.raises(ArgumentError, match="relations must be asked for"):
        _ = alone.relations


@pytest.mark.slow
def test_real_workers_tell_failures_and_a_missing_model(spark, tmp_path):
    frame = spark.createDataFrame(pa.table(columns(notes())).to_pandas())
    found = extract_spark(frame, pipeline_of=failing, text="words")
    assert {(row.note, row.error) for row in found.failures.collect()} == {
        ("n3", "PipeError"), ("n5", "PipeError"),
    }  # fmt: skip
    missing = partial(without_a_model, str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match="nowhere") as told:
        extract_spark(frame, pipeline_of=missing, text="words").write(str(tmp_path / "out"))
    assert "\n" not in str(told.value)
    assert "Traceback" not in str(told.value)


@pytest.mark.slow
def test_lines_of_json_are_read_as_here_whatever_comes_first(spark, tmp_path):
    path = tmp_path / "notes.jsonl"
    lines = ['{"id": 1, "text": "Took aspirin."}'] * 120
    lines += ['{"id": "late", "text": "Rash.", "patient": 7, "time": "2024-05-01"}', "{broken"]
    path.write_text("\n".join(lines) + "\n")
    frame = spark_notes(spark, str(path), "jsonl")
    assert [(name, kind) for name, kind in frame.dtypes if kind != "string"] == []
    found = extract_spark(frame, pipeline_of=nlp, patient="patient", time="time")
    rows = {(row.note, row.patient, row.text) for row in found.rows.collect()}
    assert rows == {("1", None, "aspirin"), ("late", "7", "Rash")}
    assert [row.error for row in found.failures.collect()] == ["DataError"]
    path.write_text('{"n": "a", "body": "Took aspirin.", "more": {"x": 1}}\n')
    assert spark_notes(spark, str(path), "jsonl", names=["n", "body"]).columns == ["n", "body"]
    assert spark_notes(spark, str(path), "jsonl").columns == ["body", "more", "n"]
    with pytest.raises(DataError, match="must be there"):
        spark_notes(spark, str(tmp_path / "no.jsonl"), "jsonl")


@pytest.mark.slow
def test_killed_workers_change_no_row(spark, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    frame = spark.createDataFrame(pa.table(columns(notes(40))).to_pandas()).repartition(4)
    found = extract_spark(frame, pipeline_of=partial(dying, marks), text="words", batch_size=2)
    rows = [row.asDict() for row in found.rows.select("note", "start", "text").collect()]
    local = entity_table(nlp().stream(notes(40)))
    expected = zip(local["note"].tolist(), local["start"].tolist(), strict=True)
    assert sorted((row["note"], row["start"]) for row in rows) == sorted(expected)
    assert sorted(path.name for path in marks.iterdir()) == ["n4", "n9"]


def test_a_failed_job_of_one_process_is_told_alike():
    with pytest.raises(PipeError):
        list(failing().stream(notes()))
