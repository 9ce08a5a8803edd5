"""What a format cannot hold stands beside it; the rest stays readable on its own."""

import json
import os
from dataclasses import replace

import pytest

from clinnlp.core.errors import DataError, RunError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes import sidecar
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.sidecar import Sidecar, sidecar_path

WIDE = Entity(id="x", span=Span(0, 9), label="D", attributes={"n": 1})
APART = Entity(id="y", span=Span(0, 9), label="D", parts=(Span(0, 2), Span(7, 9)))
INSIDE = Entity(id="z", span=Span(3, 6), label="E")
NOTE = Note(
    id="n",
    text="ab cde fg",
    patient="p",
    entities=(WIDE, APART, INSIDE),
    relations=(Relation(id="r", label="of", roles={"a": ("x",), "b": ("z",)}),),
)
PLAIN = Note(id="m", text="nothing")


def written(tmp_path, name):
    path = tmp_path / f"a.{name}"
    write_notes([PLAIN, NOTE], path, on_loss="sidecar")
    assert list(read_notes(path)) == [PLAIN, NOTE]
    lines = [json.loads(line) for line in sidecar_path(path).read_text().splitlines()]
    sidecar_path(path).unlink()
    return list(read_notes(path))[1], lines


def test_the_file_alone_has_what_fits(tmp_path):
    alone, lines = written(tmp_path, "pubtator")
    assert [(e.id, e.span, e.label) for e in alone.entities] == [
        ("T1", Span(0, 9), "D"), ("T2", Span(3, 6), "E")
    ]  # fmt: skip
    assert [line["id"] for line in lines] == ["n"]
    assert set(lines[0]["note"]) == {"patient", "entities", "relations"}


def test_of_overlapping_mentions_the_first_stays(tmp_path):
    alone, lines = written(tmp_path, "conll")
    assert [e.span for e in alone.entities] == [Span(0, 9)]
    assert [line["id"] for line in lines] == ["m", "n"], "tokens of the file are not the note's"
    assert lines[0]["note"] == {"tokens": None, "sentences": None}


def test_a_format_that_knows_what_fits_is_not_asked_by_trial(tmp_path, monkeypatch):
    n, read_back, calls = 300, sidecar._read_back, []
    monkeypatch.setattr(sidecar, "_read_back", lambda *a: calls.append(a) or read_back(*a))
    apart = [Entity(id=f"a{k}", span=Span(3 * k, 3 * k + 2), label="D") for k in range(n)]
    across = [Entity(id=f"b{k}", span=Span(3 * k, 3 * k + 5), label="D") for k in range(n - 1)]
    note = Note(id="n", text="ab " * n, entities=(*apart, *across))
    write_notes([note], tmp_path / "a.conll", on_loss="sidecar")
    assert list(read_notes(tmp_path / "a.conll")) == [note]
    assert len(calls) < 10
    sidecar_path(tmp_path / "a.conll").unlink()
    (alone,) = read_notes(tmp_path / "a.conll")
    assert len(alone.entities) == n


def test_nothing_lost_is_no_sidecar(tmp_path):
    path = tmp_path / "a.pubtator"
    sidecar_path(path).write_text("{}")
    write_notes([PLAIN], path, on_loss="sidecar")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pubtator"]


def test_a_folder_that_holds_it_is_read_without_it(tmp_path):
    write_notes([NOTE], tmp_path / "a.csv", on_loss="sidecar")
    assert list(read_notes(tmp_path)) == [NOTE]


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "n"}', '{"id": 1, "written": "", "note": {}}'])
def test_a_broken_sidecar_names_its_line(tmp_path, line):
    path = tmp_path / "a.csv"
    write_notes([NOTE], path, on_loss="sidecar")
    with sidecar_path(path).open("a") as handle:
        handle.write(f"{line}\n")
    with pytest.raises(DataError, match=r"a.csv.sidecar.jsonl:2: a sidecar must be one that this"):
        list(read_notes(path))


def test_notes_it_does_not_know_pass(tmp_path):
    path = tmp_path / "a.csv"
    write_notes([NOTE], path, on_loss="sidecar")
    sidecar = Sidecar.beside(path)
    assert sidecar is not None
    assert sidecar.applied(PLAIN) is PLAIN
    assert Sidecar.beside(tmp_path / "other") is None


def test_a_document_that_was_changed_is_not_given_what_belongs_to_the_old_one(tmp_path):
    path = tmp_path / "a.csv"
    write_notes([NOTE], path, on_loss="sidecar")
    path.write_text(path.read_text().replace("ab cde fg", "ab cde fh"))
    said = r"note 'n': a document must be as it was when its sidecar was written"
    with pytest.raises(DataError, match=said) as caught:
        list(read_notes(path))
    assert "cde" not in str(caught.value)


def test_a_sidecar_that_breaks_while_it_is_read_names_the_line(tmp_path):
    path = tmp_path / "a.csv"
    other = replace(NOTE, id="k")
    write_notes([NOTE, other], path, on_loss="sidecar")
    sidecar = Sidecar.beside(path)
    first, second = sidecar_path(path).read_bytes().splitlines(keepends=True)
    sidecar_path(path).write_bytes(first + b"?" * (len(second) - 1) + b"\n")
    assert sidecar is not None
    with pytest.raises(DataError, match=r"a.csv.sidecar.jsonl:2: a sidecar must be one that this"):
        sidecar.applied(other)


def test_no_folder_of_notes_appears_before_its_sidecar(tmp_path, monkeypatch):
    note = Note(id="n1", text="No cough.", patient="p1")
    real, moved = os.replace, []

    def once(a, b):
        if moved:
            raise OSError(28, "No space left on device")
        moved.append(real(a, b))

    monkeypatch.setattr("os.replace", once)
    with pytest.raises(RunError, match="the disk is full"):
        write_notes([note], tmp_path / "out", format="brat", on_loss="sidecar")
    monkeypatch.undo()
    assert not (tmp_path / "out").exists(), "else what it cannot hold would be missing unseen"
    write_notes([note], tmp_path / "out", format="brat", on_loss="sidecar")
    assert list(read_notes(tmp_path / "out")) == [note]
