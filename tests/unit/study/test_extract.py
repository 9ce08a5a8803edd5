"""Extraction: files, parts, resuming after a kill, skipping, and what it counts."""

from dataclasses import replace

import pytest

from clinnlp.core.errors import ArgumentError, DataError, PipeError, RunError
from clinnlp.core.notes import Coverage, Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.extract import extract, fingerprint
from clinnlp.study.pipeline import pipeline
from clinnlp.study.settings import ExtractSettings

NOTES = [Note(id=f"n{i}", text=f"drug{i} given") for i in range(25)]
QUIET = {"progress": False}


def first_word(note: Note) -> Note:
    end = note.text.index(" ")
    made = Entity(id="E1", span=Span(0, end), label="Drug", source="first")
    kept = note.without_source("first")
    return kept.with_(entities=(*kept.entities, made), coverage=Coverage(n_seen=2, n_total=2))


class Killed(BaseException):
    """Stands for a signal: no handler of ours may swallow it."""


def killed_at(n):
    def pipe(note):
        if note.id == f"n{n}":
            raise Killed
        return first_word(note)

    return pipe


def failing(note):
    if note.id in ("n3", "n7"):
        raise ValueError(note.text)
    return first_word(note)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "parts"])
def test_each_mention_is_written_once(tmp_path, name):
    summary = extract(NOTES, Pipeline([first_word]), tmp_path / name, **QUIET)
    table = read_entity_table(tmp_path / name)
    assert table["note"].tolist() == [n.id for n in NOTES]
    assert table["text"].tolist() == [f"drug{i}" for i in range(25)]
    assert (summary.n_notes, summary.n_entities, summary.n_words) == (25, 25, 50)
    assert summary.n_tokens_seen == summary.n_tokens == 50


def test_what_no_pipe_assessed_is_told_where_fhir_is_written(tmp_path):
    summary = extract(NOTES, Pipeline([first_word]), tmp_path / "o.fhir.ndjson", **QUIET)
    assert "not assessed 25" in str(summary)


def test_whole_notes_as_jsonl_drop_what_they_came_with(tmp_path):
    old = Entity(id="X", span=Span(0, 1), label="Old")
    given = [note.with_(entities=(old,)) for note in NOTES]
    extract(given, Pipeline([first_word]), tmp_path / "out.jsonl", **QUIET)
    made = list(read_notes(tmp_path / "out.jsonl"))
    assert {e.label for note in made for e in note.entities} == {"Drug"}


@pytest.mark.parametrize("at", [0, 1, 9, 24])
def test_a_killed_run_resumes_without_redoing_or_doubling(tmp_path, at):
    settings = ExtractSettings(part_size=4, batch_size=2)
    with pytest.raises(Killed):
        extract(NOTES, Pipeline([killed_at(at)]), tmp_path / "o", settings=settings, **QUIET)
    summary = extract(NOTES, Pipeline([first_word]), tmp_path / "o", settings=settings, **QUIET)
    assert summary.n_resumed + summary.n_notes == 25
    assert summary.n_resumed >= at - at % 2
    assert sorted(read_entity_table(tmp_path / "o")["note"]) == sorted(n.id for n in NOTES)


class Company:
    """A pipe whose scores depend on the notes read together, as rounding in a model does."""

    def __call__(self, note):
        return self.batch([note])[0]

    def batch(self, notes):
        score = sum(int(n.id[1:]) for n in notes) / 1000
        made = [first_word(n) for n in notes]
        return [n.with_(entities=(replace(n.entities[0], score=score),)) for n in made]


@pytest.mark.parametrize("at", [5, 12, 24])
def test_a_resumed_run_reads_each_note_in_the_same_company(tmp_path, at):
    settings = ExtractSettings(part_size=5, batch_size=4)
    whole = Pipeline([Company()])
    extract(NOTES, whole, tmp_path / "whole", settings=settings, **QUIET)
    with pytest.raises(Killed):
        extract(NOTES, Pipeline([killed_at(at), Company()]), tmp_path / "o", settings=settings,
                **QUIET)  # fmt: skip
    extract(NOTES, whole, tmp_path / "o", settings=settings, **QUIET)
    a, b = (read_entity_table(tmp_path / name) for name in ("whole", "o"))
    assert a["score"].tolist() == b["score"].tolist()
    assert a["note"].tolist() == b["note"].tolist()


def test_resuming_with_another_model_is_refused(tmp_path):
    extract(NOTES, Pipeline([first_word]), tmp_path / "o", made_by={"model": "a"}, **QUIET)
    with pytest.raises(DataError, match="model"):
        extract(NOTES, Pipeline([first_word]), tmp_path / "o", made_by={"model": "b"}, **QUIET)


def test_a_failing_note_stops_or_is_listed(tmp_path):
    with pytest.raises(PipeError, match="'n3'"):
        extract(NOTES, Pipeline([failing]), tmp_path / "a.csv", **QUIET)
    assert not list(tmp_path.iterdir())
    skip = ExtractSettings(on_error="skip")
    summary = extract(NOTES, Pipeline([failing]), tmp_path / "o", settings=skip, **QUIET)
    assert sorted(summary.skipped) == ["n3", "n7"]
    assert summary.n_notes == 23
    listed = (tmp_path / "o" / "skipped.jsonl").read_text()
    assert listed.count("n3") == listed.count("n7") == 1
    assert "given" not in listed
    again = extract(NOTES, Pipeline([failing]), tmp_path / "o", settings=skip, **QUIET)
    assert (again.n_notes, again.n_resumed) == (0, 25)


def test_a_source_that_cannot_be_read_leaves_nothing(tmp_path):
    (tmp_path / "bad.jsonl").write_text("{\n")
    with pytest.raises(DataError, match=r"bad.jsonl:1"):
        extract(read_notes(tmp_path / "bad.jsonl"), Pipeline([]), tmp_path / "o", **QUIET)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.jsonl"]


def test_a_full_disk_leaves_whole_parts_only(tmp_path, monkeypatch):
    import os

    calls = []
    real = os.replace

    def full(a, b):
        calls.append(b)
        if len(calls) > 3:  # the manifest and two parts fit
            raise OSError(28, "No space left on device")
        real(a, b)

    monkeypatch.setattr("os.replace", full)
    settings = ExtractSettings(part_size=5, batch_size=5)
    with pytest.raises(RunError, match="disk is full"):
        extract(NOTES, Pipeline([first_word]), tmp_path / "o", settings=settings, **QUIET)
    monkeypatch.undo()
    assert len(read_entity_table(tmp_path / "o")) == 10


def test_fingerprints_differ_by_content(tmp_path):
    (tmp_path / "a.csv").write_text("name\nx\n")
    (tmp_path / "b.csv").write_text("name\ny\n")
    for folder, name in (("one", "a.csv"), ("two", "b.csv")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("name\nx\n")
    names = ("a.csv", "b.csv", "one", "two")
    made = [fingerprint(None, tmp_path / name) for name in names]
    made += [fingerprint(None, tmp_path / "a.csv", "es"), fingerprint(tmp_path / "one", None)]
    made.append(fingerprint(None, tmp_path / "a.csv", keep_names=["k"]))
    assert len({str(one) for one in made}) == len(made)
    order = [
        fingerprint(None, tmp_path / "a.csv", keep_names=names)
        for names in (["a", "B"], ["b", "A"])
    ]
    assert order[0] == order[1]


def test_what_a_large_list_holds_back_is_in_the_summary(tmp_path):
    names = ["L", "iron", *(f"xylofol {i}" for i in range(1000))]
    words = Vocabulary(Concept(code=name, name=name, label="Drug") for name in names)
    notes = [Note(id=str(i), text="L knee, iron studies, iron 325 mg") for i in range(2)]
    nlp = pipeline(vocabulary=words)
    summary = extract(notes, nlp, tmp_path / "out.csv", **QUIET)
    assert (summary.n_entities, dict(summary.held_back)) == (2, {"short": 2, "laboratory": 2})
    assert "held back as short 2" in str(summary)
    nlp = pipeline(vocabulary=words, keep_names=["all"])
    summary = extract(notes, nlp, tmp_path / "all.csv", **QUIET)
    assert (summary.n_entities, "held back" in str(summary)) == (6, False)


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.csv.gz", "out.PARQUET", "out.ndjson"])
def test_a_file_is_told_from_a_folder_by_its_whole_name(tmp_path, name):
    extract(NOTES, Pipeline([first_word]), tmp_path / name, **QUIET)
    assert (tmp_path / name).is_file()
    if "jsonl" in name or "ndjson" in name:
        assert len(list(read_notes(tmp_path / name))) == len(NOTES)
    else:
        assert len(read_entity_table(tmp_path / name)) == len(NOTES)


def test_a_folder_may_have_a_version_in_its_name(tmp_path):
    extract(NOTES, Pipeline([first_word]), tmp_path / "run.v2", **QUIET)
    assert (tmp_path / "run.v2" / "part-00000.parquet").is_file()


@pytest.mark.parametrize("name", ["out.xlsx", "out.txt", "out.conll", "out.gz"])
def test_a_file_of_another_form_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"a folder or a file ending in \.jsonl, \.csv"):
        extract(NOTES, Pipeline([failing]), tmp_path / name, **QUIET)
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(ArgumentError, match="got a folder of that name"):
        extract(NOTES, Pipeline([failing]), tmp_path / "dir.csv", **QUIET)
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="file is not a folder"):
        extract(NOTES, Pipeline([failing]), tmp_path / "file" / "out.csv", **QUIET)


def test_the_closing_line_leaves_out_what_is_zero_and_counts_short_names(tmp_path):
    words = Vocabulary(Concept(code=name, name=name) for name in ("fever", "PE", "HTN"))
    summary = extract(NOTES, pipeline(vocabulary=words), tmp_path / "out.csv", **QUIET)
    told = str(summary)
    assert told.startswith("notes 25, mentions 0, short names bound to their case 1, words per")
    assert "tokens" not in told
    assert "done before" not in told
    assert summary.facts()["tokens seen"] == 0


def test_notes_that_cannot_be_read_are_told_before_there_is_a_bar(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    with pytest.raises(DataError):
        extract(read_notes(tmp_path), Pipeline([first_word]), tmp_path / "o")
    assert capsys.readouterr().err == ""
