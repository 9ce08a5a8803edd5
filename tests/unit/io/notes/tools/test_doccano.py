"""doccano counts UTF-16, in each of its forms but the oldest, which counts code points."""

import json

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.index import NoteIndex

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


def read(path, *tasks, form="doccano", **how):
    path.write_text("".join(json.dumps(task, ensure_ascii=False) + "\n" for task in tasks))
    source = read_notes(path, **how)
    assert repr(source) == f"Notes(1 files, {form})"
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
    task = {"text": TEXT, "label": [[1, 10, "Drug"]]}
    with pytest.raises(OffsetError, match=r"UTF-16 .* got 1-10; .* format='doccano-1.4'"):
        read(tmp_path / "a.jsonl", task, format="doccano")
    with pytest.raises(OffsetError, match=r"UTF-16 .* got 1-19$"):  # which neither can mean
        read(tmp_path / "a.jsonl", {"text": TEXT, "label": [[1, 19, "Drug"]]}, format="doccano")


LITHIUM = {"id": 1, "label": [[2, 9, "Drug"], [11, 17, "Effect"]]}
PLAIN = {"id": 2, "text": "Lithium", "label": [[0, 7, "Drug"]]}


@pytest.mark.parametrize("key", ["text", "data"])
@pytest.mark.parametrize("first", [(), (PLAIN,), ({"id": 3, "text": TEXT, "label": []},)])
def test_offsets_of_older_releases_are_told_by_words(key, first, tmp_path):
    notes, _ = read(tmp_path / "a.jsonl", *first, {**LITHIUM, key: TEXT}, form="doccano-1.4")
    assert [notes[-1][e.span] for e in notes[-1].entities] == ["Lithium", "tremor"]


@pytest.mark.parametrize(
    ("bounds", "form", "found"),
    [
        ([1, 2], "doccano-1.4", " "),  # inside a character, in UTF-16
        ([18, 19], "doccano", "."),  # behind the text, in code points
        ([0, 2], "doccano", "💊"),
        ([2, 9], "doccano-1.4", "Lithium"),
        ([3, 10], "doccano", "Lithium"),
        ([2, 3], "doccano", " "),  # nothing tells
    ],
)
def test_what_only_one_unit_can_mean_tells(bounds, form, found, tmp_path):
    text = "💊 Lithium: tremor."
    task = {"id": 1, "data": text, "label": [[*bounds, "X"]]}
    (note,), _ = read(tmp_path / "a.jsonl", task, form=form)
    assert note[note.entities[0].span] == found


def test_the_format_may_be_named(tmp_path):
    task = {"id": 1, "text": TEXT, "label": [[3, 10, "Drug"]]}
    (note,), _ = read(tmp_path / "a.jsonl", task, form="doccano-1.4", format="doccano-1.4")
    assert note.entities[0].span == Span(3, 10)
    (tmp_path / "a.jsonl").write_text(json.dumps({**task, "label": [[12, 19, "X"]]}))
    with pytest.raises(OffsetError, match="18 characters, got 12-19"):
        list(read_notes(tmp_path / "a.jsonl", format="doccano-1.4"))


def test_a_key_of_releases_that_counted_code_points(tmp_path):
    task = {"id": 1, "text": TEXT, "labels": [[2, 3, "X"]], "annotation_approver": None}
    (note,), _ = read(tmp_path / "a.jsonl", task)
    assert note.entities[0].span == Span(2, 3)


def test_several_people_are_several_notes(tmp_path):
    marks = [
        {"label": 4, "start_offset": 2, "end_offset": 9, "user": 1},
        {"label": 5, "start_offset": 2, "end_offset": 9, "user": 12},
    ]
    tasks = [
        {"id": 7, "text": TEXT, "annotations": marks},
        {"text": TEXT, "annotations": marks[:1]},
        {"text": TEXT, "annotations": marks},
    ]
    notes, source = read(tmp_path / "a.jsonl", *tasks)
    assert [(n.id, [e.label for e in n.entities]) for n in notes] == [
        ("7/1", ["4"]),
        ("7/12", ["5"]),
        ("a-1", ["4"]),
        ("a-2/1", ["4"]),
        ("a-2/12", ["5"]),
    ]
    assert NoteIndex.build(source).note_at("7/12") == notes[1]


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


def test_a_relation_leads_to_mentions_of_its_text(tmp_path):
    entities = [{"id": 31, "label": "Drug", "start_offset": 3, "end_offset": 10}]
    link = {"id": 2, "from_id": 31, "to_id": 99, "type": "Causes"}
    task = {"id": 1, "text": TEXT, "entities": entities, "relations": [link]}
    with pytest.raises(DataError, match=r"a\.jsonl:1: each end of a relation must be a mention"):
        read(tmp_path / "a.jsonl", task)
