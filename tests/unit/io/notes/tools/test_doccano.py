"""doccano counts UTF-16, in each of its forms but the oldest, which counts code points."""

import json

import pytest

from clinnlp.core.errors import OffsetError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

TEXT = "💊 Lithium: tremor."
SPANS = {
    "label": [[3, 10, "Drug"], [12, 18, "Effect"]],
    "labels": [[3, 10, "Drug"], [12, 18, "Effect"]],
    "entities": [[3, 10, "Drug"], [12, 18, "Effect"]],
    "annotations": [  # of releases before 1.5, which counted code points
        {"label": 4, "start_offset": 2, "end_offset": 9, "user": 1},
        {"label": 5, "start_offset": 11, "end_offset": 17, "user": 1},
    ],
}


def read(path, *tasks):
    path.write_text("".join(json.dumps(task, ensure_ascii=False) + "\n" for task in tasks))
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, doccano)"
    return list(source), source


@pytest.mark.parametrize("key", SPANS)
def test_mentions_after_an_emoji(key, tmp_path):
    (note,), _ = read(tmp_path / "a.jsonl", {"id": 5, "text": TEXT, key: SPANS[key]})
    assert note.id == "5"
    assert [note[e.span] for e in note.entities] == ["Lithium", "tremor"]
    assert [e.span for e in note.entities] == [Span(2, 9), Span(11, 17)]


def test_relations_comments_and_what_a_note_says_of_itself(tmp_path):
    entities = [
        {"id": 31, "label": "Drug", "start_offset": 3, "end_offset": 10},
        {"id": 12, "label": "Effect", "start_offset": 12, "end_offset": 18},
    ]
    relations = [{"id": 2, "from_id": 31, "to_id": 12, "type": "Causes"}]
    task = {"id": 1, "text": TEXT, "entities": entities, "relations": relations, "patient": 7}
    (note,), source = read(tmp_path / "a.jsonl", {**task, "Comments": ["why?"], "doi": "x"})
    assert [e.id for e in note.entities] == ["T31", "T12"]
    assert note.relations == (
        Relation(id="R2", label="Causes", roles={"from": ("T31",), "to": ("T12",)}),
    )
    assert note.patient == "7"
    assert source.n_excluded == {"comment in doccano": 1}


def test_classes_of_texts(tmp_path):
    tasks = [
        {"text": TEXT, "label": ["ENT"], "Comments": []},
        {"text": TEXT, "entities": [], "cats": ["ENT"], "Comments": []},
    ]
    notes, _ = read(tmp_path / "a.jsonl", *tasks)
    assert [(n.id, n.labels) for n in notes] == [("a-0", ("ENT",)), ("a-1", ("ENT",))]


def test_an_offset_inside_a_character_counts_something_else(tmp_path):
    with pytest.raises(OffsetError, match=r"must count units of UTF-16 .* got 1-10"):
        read(tmp_path / "a.jsonl", {"text": TEXT, "label": [[1, 10, "Drug"]]})


def test_the_form_that_is_written_is_that_of_the_project(tmp_path):
    path = tmp_path / "a.doccano.jsonl"
    drug = Entity(id="T1", span=Span(2, 9), label="Drug")
    for note, keys in (
        (Note(id="1", text=TEXT, entities=(drug,)), {"label"}),
        (Note(id="1", text=TEXT, entities=(drug,), labels=("ENT",)), {"entities", "cats"}),
        (Note(id="1", text=TEXT, entities=(Entity(id="T9", span=Span(2, 9), label="D"),)),
         {"entities", "relations"}),
    ):  # fmt: skip
        write_notes([note], path)
        task = json.loads(path.read_text())
        assert task.keys() == {"id", "text", "Comments", *keys}
        assert list(read_notes(path)) == [note]
    assert task["entities"] == [{"id": 9, "label": "D", "start_offset": 3, "end_offset": 10}]
