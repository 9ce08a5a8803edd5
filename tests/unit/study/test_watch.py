"""Notes as they arrive: each once, changed ones anew, poison listed without text."""

import json
import os

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.tables import RelationTable
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.arrow import read_columns
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.extract import extract
from clinnlp.study.extract_parts import RELATIONS
from clinnlp.study.pipeline import pipeline
from clinnlp.study.settings import ExtractSettings
from clinnlp.study.watch import DEAD_LETTERS, watch
from tests.worker_pipes import Failing, first_word

NLP = Pipeline([first_word])


@pytest.fixture
def arriving(tmp_path):
    folder = tmp_path / "arriving"
    folder.mkdir()
    return folder


def notes(*numbers, text="given"):
    return [Note(id=f"n{k}", text=f"drug{k} {text}") for k in numbers]


def looked(arriving, nlp=NLP, **settings):
    """Return what one look does, None where it finds nothing."""
    options = {"settings": ExtractSettings(**settings), "once": True, "progress": False}
    return next(watch(arriving, nlp, arriving.parent / "out", **options), None)


def rows(arriving):
    table = read_entity_table(arriving.parent / "out")
    return sorted(zip(table["note"].tolist(), table["text"].tolist(), strict=True))


def dead(arriving):
    path = arriving.parent / "out" / DEAD_LETTERS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_note_is_done_once_and_rows_are_those_of_a_run_over_all(arriving, tmp_path):
    write_notes(notes(0, 1), arriving / "a.jsonl")
    (arriving / "n2.txt").write_text("drug2 given")
    (arriving / ".half").write_text("drug9 given")
    look = looked(arriving)
    assert (look.n_files, look.summary.n_notes, look.n_dead) == (2, 3, 0)
    assert str(look).startswith("files 2, notes 3, mentions 3")
    write_notes(notes(3), arriving / "b.jsonl")
    look = looked(arriving)  # by a run of its own: nothing is kept but the parts
    assert (look.summary.n_notes, look.summary.n_resumed) == (1, 3)
    extract([*notes(0, 1, 3), Note(id="n2", text="drug2 given")], NLP, tmp_path / "all.csv",
            progress=False)  # fmt: skip
    every = read_entity_table(tmp_path / "all.csv")
    assert rows(arriving) == sorted(zip(every["note"], every["text"], strict=True))


def test_folders_inside_and_rows_without_text_are_listed(arriving):
    (arriving / "ward").mkdir()
    look = looked(arriving)
    assert (look.n_files, look.n_dead) == (0, 1)
    (arriving / "a.csv").write_text("id,text\nn1,drug1 given\nn2,\n")
    assert looked(arriving).n_dead == 2
    told = {row["file"]: row["message"] for row in dead(arriving)}
    assert told["a.csv"] == "1 left out: row without text"
    assert told["ward"].startswith("a folder inside is not looked into")


def test_a_changed_note_changes_exactly_its_rows(arriving):
    options = {"settings": ExtractSettings(part_size=2), "every_seconds": 0, "progress": False}
    write_notes(notes(0, 1, 2), arriving / "a.jsonl")
    looks = watch(arriving, NLP, arriving.parent / "out", **options)
    assert next(looks).summary.n_notes == 3
    changed = [*notes(0, 2), Note(id="n1", text="other words")]
    write_notes(changed, arriving / "a.jsonl")
    look = next(looks)
    assert (look.summary.n_notes, look.summary.n_changed, look.summary.n_resumed) == (1, 1, 2)
    write_notes(notes(1), arriving / "b.jsonl")  # and back again, in the same run
    assert next(looks).summary.n_changed == 1
    looks.close()
    assert rows(arriving) == [("n0", "drug0"), ("n1", "drug1"), ("n2", "drug2")]
    assert looked(arriving).summary.n_notes == 0  # of a and b the one that came last counts


def test_relations_stand_in_a_folder_inside_and_change_with_their_note(arriving, tmp_path):
    words = [{"code": "d", "name": "aspirin", "label": "Drug"},
             {"code": "p", "name": "rash", "label": "Problem"}]  # fmt: skip
    nlp = pipeline(vocabulary=words, relations="stated")

    def linked():
        table = read_columns(RelationTable, tmp_path / "out" / RELATIONS, {})
        return sorted(zip(*(table[k].tolist() for k in ("note", "first", "second")), strict=True))

    given = [Note(id="n1", text="Rash due to aspirin."), Note(id="n2", text="Took aspirin.")]
    write_notes(given, arriving / "a.jsonl")
    look = looked(arriving, nlp)
    assert (look.summary.n_relations, look.summary.n_entities) == (1, 3)
    assert [row[0] for row in linked()] == ["n1"]
    changed = [Note(id="n1", text="No aspirin."), Note(id="n2", text="Aspirin caused a rash.")]
    write_notes([*changed, Note(id="n3", text="Rash due to aspirin.")], arriving / "b.jsonl")
    assert looked(arriving, nlp).summary.n_changed == 2
    extract([*changed, Note(id="n3", text="Rash due to aspirin.")], nlp, tmp_path / "whole",
            progress=False)  # fmt: skip
    whole = read_columns(RelationTable, tmp_path / "whole" / RELATIONS, {})
    assert [row[0] for row in linked()] == sorted(whole["note"].tolist()) == ["n2", "n3"]
    assert looked(arriving, nlp).summary.n_notes == 0


def test_a_file_is_read_when_it_was_the_same_at_two_looks(arriving, monkeypatch):
    path = arriving / "a.txt"
    path.write_text("drug1 gi")
    slept = []

    def sleep(_):
        slept.append(path.read_text())
        if len(slept) == 1:
            path.write_text("drug1 given")  # still being written

    monkeypatch.setattr("clinnlp.study.watch.time.sleep", sleep)
    looks = watch(arriving, NLP, arriving.parent / "out", progress=False)
    assert next(looks).summary.n_words == 2
    assert len(slept) == 2
    looks.close()


def test_poison_is_listed_without_text_and_tried_again_when_it_changes(arriving):
    nlp = Pipeline([first_word, Failing(("n1",))])
    write_notes(notes(0, 1), arriving / "a.jsonl")
    (arriving / "bad.jsonl").write_text('{"id": "n5", "text": "drug5 given"}\n{"id": "secret\n')
    (arriving / "none.pdf").write_bytes(b"secret")
    (arriving / "broken.txt").write_bytes(b"secret \xff")
    look = looked(arriving, nlp)
    assert look.n_dead == 4
    assert "dead letters 4" in str(look)
    listed = {row["file"]: row for row in dead(arriving)}
    assert listed["bad.jsonl"]["line"] == 2
    assert listed["a.jsonl"] == {
        "file": "a.jsonl", "line": None, "note": "n1", "error": "PipeError", "message": None,
    }  # fmt: skip
    assert "secret" not in json.dumps([{**row, "file": ""} for row in listed.values()])
    assert "given" not in (arriving.parent / "out" / DEAD_LETTERS).read_text()
    assert rows(arriving) == [("n0", "drug0"), ("n5", "drug5")]
    again = looked(arriving, nlp)  # another run tells the same
    assert (again.summary.n_notes, again.n_dead, dead(arriving)) == (0, 4, [*listed.values()])

    (arriving / "none.pdf").unlink()
    (arriving / "broken.txt").write_text("drug6 given")
    (arriving / "bad.jsonl").write_text('{"id": "n5", "text": "drug5 given"}\n')
    write_notes([*notes(0), Note(id="n1", text="mended now")], arriving / "a.jsonl")
    assert looked(arriving, NLP).n_dead == 0
    assert dead(arriving) == []
    assert ("n1", "mended") in rows(arriving)


def test_what_cannot_be_watched_is_refused(arriving):
    with pytest.raises(ArgumentError, match="must be a folder, got"):
        next(watch(arriving / "none", NLP, arriving.parent / "out"))
    with pytest.raises(ArgumentError, match="another file or folder"):
        next(watch(arriving, NLP, arriving))
    with pytest.raises(ArgumentError, match="at least 0, got -1"):
        next(watch(arriving, NLP, arriving.parent / "out", every_seconds=-1))
    write_notes(notes(0), arriving / "a.jsonl")
    options = {"once": True, "progress": False}
    next(watch(arriving, NLP, arriving.parent / "out", made_by={"model": "a"}, **options))
    with pytest.raises(DataError, match="model"):
        next(watch(arriving, NLP, arriving.parent / "out", made_by={"model": "b"}, **options))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read_is_a_dead_letter(arriving):
    (arriving / "a.txt").write_text("drug1 given")
    (arriving / "a.txt").chmod(0)
    assert looked(arriving).n_dead == 1


def test_a_document_that_is_wrong_is_listed_once(arriving):
    (arriving / "one.jsonl").write_text("not json\n")
    (arriving / "two.jsonl").write_text("not json\nnor this\n")
    (arriving / "other.xyz").write_text("no notes")
    (arriving / "damaged.jsonl.gz").write_bytes(b"\x1f\x8bzzzz")
    assert looked(arriving).n_dead == 5
    assert [(row["file"], row["line"]) for row in dead(arriving)] == [
        ("damaged.jsonl.gz", 1), ("one.jsonl", 1), ("other.xyz", None),
        ("two.jsonl", 1), ("two.jsonl", 2),
    ]  # fmt: skip
