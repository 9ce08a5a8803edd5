"""Making and opening stores, projects, what is planted, verdicts."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.core.notes import Note
from clinnlp.review import database as database_module
from clinnlp.review.database import Conflict, Unreachable, create_database, open_database
from clinnlp.review.forms import entity_from, note_from, note_to
from clinnlp.review.planted import with_wrong
from clinnlp.review.projects import (
    ProjectRules,
    add_concepts,
    add_notes,
    add_project,
    concept_ids,
    find_concepts,
    given_of,
    names_of,
    project_named,
    suggested_notes,
)
from clinnlp.review.tasks import queue, task_of
from clinnlp.review.verdicts import add_correction, add_verdict, corrections_of, verdicts_of
from tests.unit.review.conftest import LABELS, note_of


def test_a_store_is_private_and_made_once(tmp_path):
    path = tmp_path / "s.db"
    database = create_database(path)
    with database.writing() as connection:
        add_project(connection, "p", ProjectRules(labels=LABELS))
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == {0o600}
    with pytest.raises(ArgumentError):
        create_database(path)
    database.close()
    with open_database(path).reading() as connection:
        assert project_named(connection, None).name == "p"
        with pytest.raises(StoreError, match="one of p"):
            project_named(connection, "q")


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="clinnlp review create"):
        open_database(tmp_path / "none.db")
    (tmp_path / "x.db").write_text("no database at all, but text that goes on")
    with pytest.raises(StoreError, match="something else"):
        open_database(tmp_path / "x.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError):
        open_database(tmp_path / "empty.db")
    for url in ("mysql://u@h/d", "postgresql+asyncpg://u@h/d", "://"):
        with pytest.raises(ArgumentError):
            open_database(url)
    with pytest.raises(Unreachable) as caught:
        open_database("postgresql://u:secretword@127.0.0.1:9/d?connect_timeout=1")
    said = "the database postgresql://127.0.0.1:9/d must answer, and does not"
    assert str(caught.value) == said


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
def test_a_store_that_may_not_be_written_is_not_called_something_else():
    code = (
        "import os, sys; from clinnlp.review.database import open_database\n"
        "open_database(sys.argv[1]).close()\n"
        "os.setuid(65534)\n"
        "open_database(sys.argv[1])"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.db")
        create_database(path).close()
        Path(folder).chmod(0o755)
        path.chmod(0o644)
        words = [sys.executable, "-c", code, str(path)]
        done = subprocess.run(words, capture_output=True, text=True)
    assert "database.Unreachable: the store" in done.stderr, done.stderr
    assert "must be a file that you may read and write" in done.stderr


def test_a_full_disk_is_told_and_leaves_no_store(tmp_path, monkeypatch):
    def full(raw, record, before=database_module._on_connect):
        before(raw, record)
        raw.execute("PRAGMA max_page_count=3")

    monkeypatch.setattr(database_module, "_on_connect", full)
    with pytest.raises(Unreachable, match="its disk is full"):
        create_database(tmp_path / "s.db")
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_version_is_refused(tmp_path):
    from sqlalchemy import text

    database = create_database(tmp_path / "s.db")
    with database.writing() as connection:
        connection.execute(text("UPDATE meta SET value = '999' WHERE key = 'schema'"))
    with pytest.raises(StoreError, match="of version 2"):
        open_database(tmp_path / "s.db")


ODD = "emoji 💊, CRLF\r\n, tab\t, e\u0301, \u2028, \x00, \ud800 and NBSP\xa0."


def test_any_text_comes_back_from_either_database(database):
    notes = [Note(id="💊\u202e'", text=ODD), note_of(1)]
    with database.writing() as connection:
        project = add_project(connection, "'; DROP TABLE notes", ProjectRules(labels=LABELS))
        assert add_notes(connection, project, notes) == 2
    assert suggested_notes(database, project) == notes
    assert note_from(note_to(notes[0])) == notes[0]


def test_a_note_stands_once_in_a_project(database):
    with database.writing() as connection:
        project = add_project(connection, "p", ProjectRules(labels=LABELS))
    with pytest.raises(Conflict), database.writing() as connection:
        add_notes(connection, project, [note_of(1), note_of(1)])
    assert suggested_notes(database, project) == []


def test_concepts_are_found_by_words_and_by_id(database):
    rows = [("D1", "X", "Aspirin"), ("D1", "X", "acetylsalicylic  ACID"), ("D2", "Y", "50% \\ _")]
    with database.writing() as connection:
        project = add_project(connection, "p", ProjectRules(labels=LABELS))
        add_concepts(connection, project, rows)
        found = find_concepts(connection, project.id, "licylic acid")
        assert [one["id"] for one in found] == ["D1"]
        for words in ("%", "_", "\\"):
            assert [one["id"] for one in find_concepts(connection, project.id, words)] == ["D2"]
        assert names_of(connection, project.id, ["D1", "D9"]) == {
            "D1": {"id": "D1", "vocabulary": "X", "name": "Aspirin"}
        }
    assert concept_ids(database, project)["acetylsalicylic acid"] == "D1"


def test_a_share_of_the_suggestions_is_wrong_and_the_store_knows_which():
    n_wrong = n = 0
    for k in range(300):
        note = note_of(k)
        given, planted = with_wrong(given_of(note), note.text, LABELS, share=0.1, seed=(0, note.id))
        again = with_wrong(given_of(note), note.text, LABELS, share=0.1, seed=(0, note.id))
        assert (given, planted) == again
        for was, now in zip(note.entities, map(entity_from, given["mentions"]), strict=True):
            is_other = (was.label, was.span) != (now.label, now.span)
            assert is_other == (was.id in planted)
            assert not is_other or entity_from(planted[was.id]) == was
            assert now.span.end <= len(note.text)
            n_wrong += is_other
            n += 1
    assert 0.05 < n_wrong / n < 0.16
    assert with_wrong(given_of(note), note.text, LABELS, share=0.0, seed=(0,))[1] == {}


def test_bare_notes_and_repeats_follow_the_shares(world):
    world = world(n=40, bare_share=0.5)
    items, n_left = queue(world.database, world.project, world.users["anna"])
    assert (len(items), n_left) == (10, 40)
    with world.database.reading() as connection:
        bare = [task_of(connection, item.task)["is_bare"] for item in items]
    assert 0 < sum(bare) < 10


def test_the_notes_of_two_annotators_go_to_two_people(world):
    world = world(n=3, n_annotators=2, names=("anna", "ben", "carl"))
    titles = {
        who: [item.title for item in queue(world.database, world.project, world.users[who])[0]]
        for who in ("anna", "ben", "carl")
    }
    assert titles == {"anna": ["n0", "n1", "n2"], "ben": ["n0", "n1", "n2"], "carl": []}


SIDES = (("lead",), ("pain",))


def test_verdicts_are_added_and_the_newest_counts(world):
    world = world()
    owner = world.users["owner"]

    def judged(verdict, version, **more):
        with world.database.writing() as connection:
            return add_verdict(
                connection, world.project, owner, SIDES, verdict, version=version, **more
            )

    assert judged("known", 0) == 1
    with pytest.raises(Conflict):
        judged("coding", 0)
    assert judged("artefact", 1, item="lead", comment="odd") == 2
    for odd in ({"verdict": "other"}, {"verdict": "known", "item": "lead"}):
        with pytest.raises(ArgumentError):
            judged(odd.pop("verdict"), 2, **odd)
    with pytest.raises(ArgumentError):
        judged("artefact", 2, item="iron")
    with world.database.reading() as connection:
        (one,) = verdicts_of(connection, world.project).values()
    assert (one.verdict, one.item, one.version, one.who) == ("artefact", "lead", 2, "owner")
    assert one.sides == SIDES


def test_a_correction_takes_one_mention_or_all_alike(world):
    world = world()
    owner, (first, second, _) = world.users["owner"], suggested_notes(world.database, world.project)

    def corrected(**more):
        place = {"note": "n0", "start": 5, "end": 12, "label": "Drug", "rule": "r"}
        with world.database.writing() as connection:
            add_correction(connection, world.project, owner, **{**place, **more})
            return corrections_of(connection, world.project)

    wrong = corrected()
    assert [e.id for e in wrong.applied(first).entities] == ["T2"]
    assert wrong.applied(first).relations == ()
    assert wrong.applied(second) is second
    wrong = corrected(alike=True)
    assert [e.id for e in wrong.applied(second).entities] == ["T2"]
    with pytest.raises(ArgumentError):
        corrected(note="n9")
