"""A run into a folder that was begun gives what a run alone over the notes of now would give."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.parts import PartWriter
from clinnlp.study.extract import extract
from clinnlp.study.settings import ExtractSettings

SETTINGS = ExtractSettings(part_size=4, batch_size=2)
NOTES = [Note(id=f"n{k}", text=f"drug{k} given", patient=f"p{k}") for k in range(11)]
BY = {"input": "notes.jsonl"}


def first_word(note):
    if note.text.startswith("bad"):
        raise ValueError(note.text)
    end = note.text.index(" ")
    return note.with_(entities=(Entity(id="E1", span=Span(0, end), label="Drug"),))


def run(notes, out, made_by=BY, settings=SETTINGS):
    return extract(
        notes, Pipeline([first_word]), out, settings=settings, made_by=made_by, progress=False
    )


def changed(k, **fields):
    return [replace(note, **fields) if note.id == f"n{k}" else note for note in NOTES]


def rows(folder):
    return sorted(map(repr, read_entity_table(folder).rows()))


def check_as_alone(folder, notes, alone, **more):
    run(notes, alone, **more)
    assert rows(folder) == rows(alone)


@pytest.mark.parametrize("fields", [
    {"text": "placebo given"}, {"patient": "p99"}, {"patient": None}, {"encounter": "e1"},
    {"kind": "letter"}, {"time": datetime(2024, 3, 1)}, {"known": datetime(2024, 3, 1)},
    {"tokens": (Span(0, 1),)},
])  # fmt: skip
@pytest.mark.parametrize("k", [0, 5, 10])
def test_a_note_that_changed_under_its_id_is_done_again_and_counted(tmp_path, fields, k):
    run(NOTES, tmp_path / "o")
    notes = changed(k, **fields)
    summary = run(notes, tmp_path / "o")
    assert (summary.n_notes, summary.n_resumed, summary.n_changed) == (1, 10, 1)
    check_as_alone(tmp_path / "o", notes, tmp_path / "alone")
    again = run(notes, tmp_path / "o")
    assert (again.n_notes, again.n_resumed, again.n_changed) == (0, 11, 0)


def test_annotations_that_are_dropped_anyway_change_nothing(tmp_path):
    run(NOTES, tmp_path / "o")
    given = [note.with_(entities=(Entity(id="X", span=Span(0, 1), label="Old"),)) for note in NOTES]
    assert run(given, tmp_path / "o").n_resumed == len(NOTES)


def test_when_all_of_a_part_has_changed_nothing_of_it_stays(tmp_path):
    run(NOTES, tmp_path / "o")
    notes = [replace(note, text=f"new{note.text}") for note in NOTES]
    assert run(notes, tmp_path / "o").n_changed == len(NOTES)
    check_as_alone(tmp_path / "o", notes, tmp_path / "alone")


def test_of_what_is_gone_from_the_same_input_nothing_stays(tmp_path):
    run(NOTES, tmp_path / "o")
    notes = [*NOTES[:3], *NOTES[5:], Note(id="new", text="drug given")]
    summary = run(notes, tmp_path / "o")
    assert (summary.n_notes, summary.n_resumed, summary.n_gone) == (1, 9, 2)
    check_as_alone(tmp_path / "o", notes, tmp_path / "alone")


def test_where_nobody_says_that_the_input_is_the_same_all_stays(tmp_path):
    run(NOTES[:6], tmp_path / "o", made_by={})
    assert run(NOTES[6:], tmp_path / "o", made_by={}).n_gone == 0
    check_as_alone(tmp_path / "o", NOTES, tmp_path / "alone", made_by={})


def test_an_input_that_has_become_empty_removes_nothing(tmp_path):
    run(NOTES, tmp_path / "o")
    before = rows(tmp_path / "o")
    with pytest.raises(DataError, match="there must be notes, as there were before, got none"):
        run([], tmp_path / "o")
    assert rows(tmp_path / "o") == before


def test_a_note_that_fails_now_has_no_rows_of_before_and_the_other_way_round(tmp_path):
    skip = replace(SETTINGS, on_error="skip")
    bad = changed(5, text="bad note")
    run(NOTES, tmp_path / "o", settings=skip)
    assert list(run(bad, tmp_path / "o", settings=skip).skipped) == ["n5"]
    check_as_alone(tmp_path / "o", bad, tmp_path / "alone", settings=skip)
    listed = (tmp_path / "o" / "skipped.jsonl").read_text()
    assert listed == (tmp_path / "alone" / "skipped.jsonl").read_text()
    run(NOTES, tmp_path / "o", settings=skip)
    check_as_alone(tmp_path / "o", NOTES, tmp_path / "alone2", settings=skip)
    assert (tmp_path / "o" / "skipped.jsonl").read_text() == ""


class Killed(BaseException):
    """Stands for a signal."""


@pytest.mark.parametrize("after", range(6))
def test_wherever_a_run_over_changed_notes_dies_nothing_is_there_twice(
    tmp_path, monkeypatch, after
):
    import os

    run(NOTES, tmp_path / "o")
    notes = [replace(note, text=f"new{note.text}") if note.id != "n3" else note for note in NOTES]
    done, real = [], os.replace

    def die(a, b):
        if len(done) == after:
            raise Killed
        done.append(b)
        real(a, b)

    monkeypatch.setattr("os.replace", die)
    with pytest.raises(Killed):
        run(notes, tmp_path / "o")
        raise Killed  # where it was done before it could die
    found = read_entity_table(tmp_path / "o")["note"].tolist()
    assert len(found) == len(set(found))
    monkeypatch.undo()
    run(notes, tmp_path / "o")
    check_as_alone(tmp_path / "o", notes, tmp_path / "alone")


def test_another_input_or_part_size_is_refused_by_name(tmp_path, capsys):
    (tmp_path / "words.csv").write_text("name\ndrug1\n")
    for name in ("a.jsonl", "b.jsonl"):
        write_notes(NOTES, tmp_path / name)

    def call(name, *more):
        words = ("--vocabulary", str(tmp_path / "words.csv"))
        code = main(["extract", str(tmp_path / name), str(tmp_path / "o"), *words, *more])
        return code, capsys.readouterr().err.strip().splitlines()[-1:]

    assert call("a.jsonl")[0] == 0
    assert call("a.jsonl")[0] == 0
    for refused, what in ((("b.jsonl",), "input"), (("a.jsonl", "--part-size", "7"), "part_size")):
        code, said = call(*refused)
        assert code == 2
        assert said[0].endswith(f"got another {what}; use a new folder")


def test_a_folder_of_an_older_version_is_refused_in_one_sentence_and_can_be_read(tmp_path):
    run(NOTES, tmp_path / "o")
    manifest = tmp_path / "o" / "manifest.json"
    record = json.loads(manifest.read_text())
    del record["key"]
    manifest.write_text(json.dumps(record | {"version": 1}))
    with pytest.raises(DataError, match="got another version; use a new folder"):
        run(NOTES, tmp_path / "o")
    assert len(read_entity_table(tmp_path / "o")) == len(NOTES)
    manifest.write_text(json.dumps(record))
    with pytest.raises(DataError, match="got another key; use a new folder"):
        run(NOTES, tmp_path / "o")


def test_a_digest_tests_no_guess_without_the_key(tmp_path):
    """Who has the parts and guesses a note finds it in no usual hash, nor in another folder."""
    for name in ("one", "two"):
        run(NOTES, tmp_path / name)
    digests = [PartWriter(tmp_path / name, settings=BY)._before for name in ("one", "two")]
    assert digests[0].keys() == digests[1].keys()
    assert not set(digests[0].values()) & set(digests[1].values())
    usual = {
        make(note.text.encode()).hexdigest()[:32]
        for note in NOTES
        for make in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.blake2b, hashlib.blake2s)
    }
    assert not usual & {digest[:32] for one in digests for digest in one.values()}


def test_parts_of_a_digest_do_not_run_into_each_other(tmp_path):
    with PartWriter(tmp_path) as writer:
        made = [writer.digest(*parts) for parts in (
            ("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("abc", None), (None, "abc"),
        )]  # fmt: skip
        assert len(set(made)) == len(made)
        assert writer.digest("\ud800") != writer.digest("?")


def test_an_id_that_comes_twice_is_refused(tmp_path):
    for notes in ([NOTES[0], NOTES[0]], [*NOTES, replace(NOTES[0], text="other text")]):
        with pytest.raises(DataError, match="note 'n0': a note must be added once, got it again"):
            run(notes, tmp_path / f"o{len(notes)}")
