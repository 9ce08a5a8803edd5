"""The commands of the review, from notes to what was judged in every format, and back."""

import io
import sys

import pytest

from clinnlp.cli import main
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.review.database import create_database, open_database
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.people import find_user
from clinnlp.review.projects import project_named
from clinnlp.review.tasks import queue, task_of
from tests.unit.review.conftest import PASSWORD, _quick_hashes, note_of  # noqa: F401

NOTES = [
    note_of(k, text)
    for k, text in enumerate(
        (
            "Took aspirin 81 mg for chest pain. No fever 💊.",
            "💊💊 aspirin\r\n\tfor chest pain, e\u0301tude.",
            "aspirin  and\u00a0chest pain",
        )
    )
]


def run(*words, stdin=None):
    before = sys.stdin
    sys.stdin = io.StringIO(stdin or "")
    try:
        return main([str(word) for word in words])
    finally:
        sys.stdin = before


def judge_all(store, name):
    """Accept all of a person's suggestions."""
    database = open_database(store)
    with database.reading() as connection:
        user, project = find_user(connection, name), project_named(connection, None)
    for item in queue(database, project, user)[0]:
        with database.reading() as connection:
            reading = reading_of(connection, task_of(connection, item.task))
        actions = [{"do": "accept", "mention": name} for name in reading.mentions]
        judge(database, item.task, user, [*actions, {"do": "done"}], version=0, seconds=3)
    database.close()


@pytest.fixture
def store(tmp_path):
    plain = [
        note.with_(relations=(), sections=None, sentences=None, patient=None) for note in NOTES
    ]
    write_notes(plain, tmp_path / "notes.jsonl")
    path = tmp_path / "review.db"
    create = ["review", "create", path, tmp_path / "notes.jsonl", "--suggest", "notes"]
    assert run(*create, "--n-annotators", "2", "--wrong-share", "0", "--repeat-share", "0") == 0
    assert run("review", "user", path, "anna", stdin=f"{PASSWORD}\n") == 0
    assert run("review", "user", path, "ben", "--generate") == 0
    return path


def marks(notes):
    return {
        (note.id, e.span, e.label) for note in notes for e in note.entities
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["j.jsonl", "j.doccano.jsonl", "j.prodigy.jsonl", "ls.json", "x.csv", "brat", "xmi"]
)
def test_what_was_judged_comes_out_in_every_format(store, tmp_path, name, capsys):
    for person in ("anna", "ben"):
        judge_all(store, person)
    to = {"ls.json": ["--to", "label-studio"], "brat": ["--to", "brat"], "xmi": ["--to", "xmi"]}
    out, form = tmp_path / name, to.get(name, [])
    capsys.readouterr()
    assert run("review", "export", store, out, "--on-loss", "sidecar", *form) == 0
    assert capsys.readouterr().out.startswith("3 notes")
    again = list(read_notes(out, format=form[1] if form else None))
    if name != "x.csv":
        assert marks(again) == marks(NOTES)
    assert [note.text for note in sorted(again, key=lambda n: n.id)] == [n.text for n in NOTES]


def test_agreement_and_check_are_told(store, capfd):
    for person in ("anna", "ben"):
        judge_all(store, person)
    assert run("review", "agreement", store, "--n-boot", "20") == 0
    said = capfd.readouterr().out
    assert "anna and ben: 3 notes" in said
    assert "F1 1.000" in said
    assert "seconds a note 3.000" in said
    assert run("review", "check", store) == 0
    head = capfd.readouterr().out.split()[-1]
    assert run("review", "check", store, "--head", head) == 0
    assert run("review", "check", store, "--head", f"3:{'b' * 64}") == 2
    assert "not in the chain" in capfd.readouterr().out
    assert run("review", "export", store, "-", "--person", "anna") == 0
    assert len(capfd.readouterr().out.splitlines()) == 3


def test_notes_of_a_person_are_given_back(store, capfd):
    database = open_database(store)
    with database.reading() as connection:
        user, project = find_user(connection, "anna"), project_named(connection, None)
    assert len(queue(database, project, user)[0]) == 3
    database.close()
    capfd.readouterr()
    assert run("review", "release", store, "anna") == 0
    assert capfd.readouterr().out == "3 notes of anna given back\n"
    for words in (("release", store, "nobody"), ("export", store, "-", "--person", "nobody")):
        assert run("review", *words) == 2
        assert "nobody" not in capfd.readouterr().err


def test_a_store_that_could_not_be_filled_is_not_left_behind(tmp_path, capsys):
    notes, bad = tmp_path / "notes.jsonl", tmp_path / "bad.jsonl"
    write_notes(NOTES, notes)
    bad.write_text(notes.read_text("utf-8") + "{", "utf-8")
    for odd in ([bad], [notes, "--guideline", tmp_path / "none.md"]):
        assert run("review", "create", tmp_path / "s.db", *odd, "--suggest", "notes") in (1, 2)
        assert {path.name for path in tmp_path.iterdir()} == {"notes.jsonl", "bad.jsonl"}
    database = create_database(tmp_path / "empty.db")
    database.close()
    capsys.readouterr()
    assert run("review", "agreement", tmp_path / "empty.db") == 2
    assert "must hold a project, got none" in capsys.readouterr().err


def test_bad_words_are_one_sentence(store, tmp_path, capsys):
    capsys.readouterr()
    notes = tmp_path / "notes.jsonl"
    odd = [
        ("review", "user", store, "anna", "--generate"),
        ("review", "user", store, "carl"),
        ("review", "user", store, "carl", "--new-password", "--generate"),
        ("review", "user", tmp_path / "none.db", "carl", "--generate"),
        ("review", "export", store, tmp_path / "x.jsonl", "--project", "other"),
        ("review", "learn", store),
        ("review", "serve", store, "--host", "0.0.0.0"),
        ("review", "create", store, tmp_path / "notes.jsonl", "--suggest", "none"),
        ("review", "create", notes, notes, "--suggest", "notes"),
        ("review", "create", tmp_path / "y.db", tmp_path / "notes.jsonl", "--suggest", "notes",
         "--order", "uncertain"),
        ("review", "verdicts", store, tmp_path / "v.csv", "--project", "x"),
    ]  # fmt: skip
    for words in odd:
        assert run(*words) == 2, words
        said = capsys.readouterr().err
        assert said.startswith("clinnlp: "), said
        assert said.count("\n") == 1, said
        assert "aspirin" not in said


def test_suggestions_of_a_word_list_and_a_second_project(tmp_path, capsys):
    write_notes([note.with_(entities=(), relations=()) for note in NOTES], tmp_path / "n.jsonl")
    (tmp_path / "words.csv").write_text("name,code,label\naspirin,A,Drug\nchest pain,C,Problem\n")
    create = ["review", "create", tmp_path / "s.db", tmp_path / "n.jsonl"]
    words = ["--vocabulary", tmp_path / "words.csv", "--wrong-share", "0"]
    assert run(*create, *words, "--project", "one") == 0
    more = ["--suggest", "none", "--review-labels", "Gene", "--project", "two"]
    assert run(*create, *more) == 0
    assert run(*create, *more) == 2
    database = open_database(tmp_path / "s.db")
    from clinnlp.review.projects import find_concepts, suggested_notes

    with database.reading() as connection:
        one, two = (project_named(connection, name) for name in ("one", "two"))
        assert [c["id"] for c in find_concepts(connection, one.id, "asp")] == ["A"]
    assert one.rules.labels == ("Drug", "Problem")
    assert len(one.model) == 64
    found = suggested_notes(database, one)
    assert [len(note.entities) for note in found] == [2, 2, 2]
    assert {code for note in found for e in note.entities for code in e.concepts} == {"A", "C"}
    assert two.rules.labels == ("Gene",)
    assert [len(note.entities) for note in suggested_notes(database, two)] == [0, 0, 0]
    database.close()
