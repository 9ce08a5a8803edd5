"""Prodigy counts code points; what was rejected is no note."""

import json

import pytest

from clinnlp.core.notes import Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes

TEXT = "💊 Lithium: tremor."
DRUG = {"start": 2, "end": 9, "token_start": 1, "token_end": 1, "label": "Drug"}
EFFECT = {"start": 11, "end": 17, "token_start": 3, "token_end": 3, "label": "Effect"}


def read(path, *tasks):
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, prodigy)"
    return list(source), source


def test_mentions_after_an_emoji(tmp_path):
    task = {"text": TEXT, "meta": {"id": 3, "patient": "p"}, "_input_hash": 1, "_task_hash": 2}
    spans = [DRUG, {**EFFECT, "kb_id": "Q9", "score": 1, "source": "model"}]
    tokens = [{"text": "💊", "start": 0, "end": 1, "id": 0, "ws": True}]
    (note,), _ = read(tmp_path / "a.jsonl", {**task, "spans": spans, "tokens": tokens})
    assert (note.id, note.patient, note.tokens) == ("3", "p", (Span(0, 1),))
    assert [note[e.span] for e in note.entities] == ["Lithium", "tremor"]
    assert note.entities[1].concepts == ("Q9",)
    assert (note.entities[1].score, note.entities[1].source) == (1.0, "model")


def test_ends_of_relations_need_not_be_among_the_spans(tmp_path):
    link = {"head": 1, "child": 3, "label": "Causes", "head_span": DRUG, "child_span": EFFECT}
    (note,), _ = read(tmp_path / "a.jsonl", {"text": TEXT, "spans": [DRUG], "relations": [link]})
    assert [e.label for e in note.entities] == ["Drug", "Effect"]
    assert note.relations == (
        Relation(id="R1", label="Causes", roles={"head": ("T1",), "child": ("T2",)}),
    )


def test_only_what_was_not_refused_is_a_note(tmp_path):
    tasks = [{"text": TEXT, "answer": a, "spans": []} for a in ("accept", "reject", "ignore")]
    notes, source = read(tmp_path / "a.jsonl", *tasks, {"text": TEXT, "spans": []})
    assert [note.id for note in notes] == ["a-0", "a-3"]
    assert source.n_excluded == {
        "task of Prodigy with the answer reject": 1,
        "task of Prodigy with the answer ignore": 1,
    }


def test_classes_and_choices(tmp_path):
    tasks = [
        {"text": TEXT, "label": "ENT", "answer": "accept"},
        {"text": TEXT, "options": [{"id": "a"}, {"id": "b"}], "accept": ["b"], "answer": "accept"},
    ]
    notes, _ = read(tmp_path / "a.jsonl", *tasks)
    assert [note.labels for note in notes] == [("ENT",), ("b",)]


@pytest.mark.parametrize(
    ("sessions", "ids"),
    [
        ({"_session_id": None}, "n1"),
        ({"_annotator_id": "ner-2024-05-06_07-08-09", "_session_id": None}, "n1"),
        ({"_session_id": "ner-default"}, "n1"),
        ({"_annotator_id": "ner-anna", "_session_id": "ner-anna"}, "n1/ner-anna"),
        ({"_session_id": "ner-ben"}, "n1/ner-ben"),
    ],
)
def test_named_sessions_are_notes_of_their_own(sessions, ids, tmp_path):
    task = {"text": "💊 fever", "meta": {"id": "n1"}, "spans": [], "answer": "accept", **sessions}
    (tmp_path / "a.jsonl").write_text(json.dumps(task))
    assert [note.id for note in read_notes(tmp_path / "a.jsonl")] == [ids]
