"""Extraction: files, parts, resuming after a kill, skipping, and what it counts."""

from dataclasses import replace

import pytest

from clinnlp.core.errors import ArgumentError, DataError, PipeError, RunError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.core.workers import n_cores
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.batch_reading import n_workers
from clinnlp.study.extract import extract, fingerprint
from clinnlp.study.pipeline import pipeline
from clinnlp.study.settings import ExtractSettings
from tests.worker_pipes import Company, Deadly, Failing, first_word

NOTES = [Note(id=f"n{i}", text=f"drug{i} given") for i in range(25)]
QUIET = {"progress": False}


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


@pytest.mark.parametrize("at", [5, 12, 24])
def test_a_resumed_run_reads_each_note_in_the_same_company(tmp_path, at):
    settings = ExtractSettings(part_size=5, batch_size=4)
    whole = Pipeline([first_word, Company()])
    extract(NOTES, whole, tmp_path / "whole", settings=settings, **QUIET)
    killed = Pipeline([killed_at(at), *whole.pipes])
    with pytest.raises(Killed):
        extract(NOTES, killed, tmp_path / "o", settings=settings, **QUIET)
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


# --- worker processes ----------------------------------------------------------------------

SENT = Pipeline([first_word, Company()])
ALONE = ExtractSettings(batch_size=3, part_size=7, on_error="skip")
SHARED = replace(ALONE, workers=2)


def contents(path):
    """Return what lies in a file or folder; of parts the rows of each, and not the key."""
    if path.is_file():
        return path.read_bytes()
    parts = sorted(path.glob("part-*.parquet"))
    return [(part.name, list(map(repr, read_entity_table(part).rows()))) for part in parts]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "parts"])
def test_two_processes_write_what_one_writes(tmp_path, name):
    nlp = Pipeline([*SENT.pipes, Failing(("n3", "n7"))])
    made = {}
    for folder, settings in (("one", ALONE), ("two", SHARED)):
        (tmp_path / folder).mkdir()
        made[folder] = extract(NOTES, nlp, tmp_path / folder / name, settings=settings, **QUIET)
    assert contents(tmp_path / "one" / name) == contents(tmp_path / "two" / name)
    one, two = made["one"], made["two"]
    told = {name: n for name, n in two.facts().items() if "worker" not in name}
    assert told | {"words per second": 0} == one.facts() | {"words per second": 0}
    assert two.skipped == one.skipped == {"n3": "PipeError", "n7": "PipeError"}
    assert (two.n_workers, two.n_died, one.n_workers) == (2, 0, 0)
    assert "workers 2, MB per worker" in str(two)


def test_a_killed_worker_costs_nothing_and_a_deadly_note_itself_alone(tmp_path):
    (tmp_path / "marks").mkdir()
    once, always = Deadly(("n11",), tmp_path / "marks"), Deadly(("n20",))
    extract(NOTES, SENT, tmp_path / "one", settings=ALONE, **QUIET)
    nlp = Pipeline([*SENT.pipes, once])
    summary = extract(NOTES, nlp, tmp_path / "two", settings=SHARED, **QUIET)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (summary.n_died, summary.skipped) == (1, {})
    assert "workers that died 1" in str(summary)
    nlp = Pipeline([*SENT.pipes, always])
    summary = extract(NOTES, nlp, tmp_path / "three", settings=SHARED, **QUIET)
    assert summary.skipped == {"n20": "PipeError"}
    wanted = [n.id for n in NOTES if n.id != "n20"]
    assert read_entity_table(tmp_path / "three")["note"].tolist() == wanted
    assert "n20" in (tmp_path / "three" / "skipped.jsonl").read_text()


def test_a_deadly_note_that_may_not_be_skipped_is_named(tmp_path):
    settings = replace(SHARED, on_error="raise")
    with pytest.raises(PipeError, match="note 'n20' must be one that can be read"):
        extract(NOTES, Pipeline([Deadly(("n20",))]), tmp_path / "o", settings=settings, **QUIET)
    assert len(read_entity_table(tmp_path / "o")) == 0  # its company was written


def test_a_run_of_one_process_is_resumed_by_two(tmp_path):
    extract(NOTES, SENT, tmp_path / "whole", settings=ALONE, **QUIET)
    nlp = Pipeline([killed_at(16), *SENT.pipes])
    with pytest.raises(Killed):
        extract(NOTES, nlp, tmp_path / "o", settings=ALONE, **QUIET)
    summary = extract(NOTES, SENT, tmp_path / "o", settings=SHARED, **QUIET)
    assert (summary.n_resumed, summary.n_notes) == (15, 10)
    whole, resumed = (read_entity_table(tmp_path / name) for name in ("whole", "o"))
    assert list(map(repr, whole.rows())) == list(map(repr, resumed.rows()))


def test_processes_are_not_started_for_a_few_notes(tmp_path):
    of_cores = replace(ALONE, workers=0)
    summary = extract(NOTES[:21], SENT, tmp_path / "few", settings=of_cores, **QUIET)
    assert summary.n_workers == 0
    summary = extract(NOTES[:21], first_pipe(), tmp_path / "a.csv", settings=of_cores, **QUIET)
    assert summary.n_notes == 21


def test_a_model_reads_on_all_cores_from_one_process():
    with_model = Deadly(())
    with_model.network = "any"
    assert n_workers(Pipeline([with_model])) == 1
    assert 1 <= n_workers(SENT) <= n_cores()


def first_pipe():
    return Pipeline([lambda note: first_word(note)])  # cannot be sent
