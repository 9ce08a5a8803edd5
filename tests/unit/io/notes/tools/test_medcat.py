"""MedCATtrainer: what people judged right, with its meta-annotations on the axes."""

import json

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Assertion
from clinnlp.io.notes.corpora import read_notes

TEXT = "Mother: no 💊 fever."


def annotation(start=13, end=18, value="fever", **more):
    judged = {"validated": True, "correct": True, "deleted": False, "killed": False}
    made = {"id": 9, "start": start, "end": end, "value": value, "cui": "386661006", **judged}
    return {**made, **more}


def read(path, *annotations, **more):
    document = {"id": 3, "name": "n1", "text": TEXT, "annotations": annotations, **more}
    path.write_text(json.dumps({"projects": [{"name": "p", "documents": [document]}]}))
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, medcat)"
    return next(iter(source)), source


def test_mentions_after_an_emoji(tmp_path):
    tasks = {
        name: {"name": name, "value": value, "acc": 1}
        for name, value in (("Presence", "False"), ("Subject", "Family"), ("Laterality", "left"))
    }
    note, _ = read(tmp_path / "a.json", annotation(meta_anns=tasks))
    (entity,) = note.entities
    assert (note.id, note[entity.span], entity.id) == ("n1", "fever", "9")
    assert entity.concepts == ("386661006",)
    assert entity.assertion == Assertion(negated=True, experiencer=True)
    assert entity.attributes == {"Laterality": "left"}


@pytest.mark.parametrize("key", ["deleted", "killed", "irrelevant", "validated"])
def test_what_nobody_found_right_is_counted(key, tmp_path):
    note, source = read(tmp_path / "a.json", annotation(**{key: key != "validated"}))
    assert note.entities == ()
    list(source)
    assert sum(source.n_excluded.values()) == 1


def test_relations_between_what_was_kept(tmp_path):
    links = [
        {"relation": "of", "start_entity": 9, "end_entity": 10},
        {"relation": "of", "start_entity": 9, "end_entity": 11},
    ]
    found = [annotation(), annotation(0, 6, "Mother", id=10), annotation(id=11, deleted=True)]
    note, source = read(tmp_path / "a.json", *found, relations=links)
    assert [r.roles for r in note.relations] == [{"start": ("9",), "end": ("10",)}]
    list(source)
    assert source.n_excluded["relation of a mention that was left out in MedCATtrainer"] == 1


def test_a_document_of_two_projects_is_two_notes(tmp_path):
    def project(name, *documents):
        made = [
            {"id": 3, "name": d, "text": TEXT, "annotations": [annotation()]} for d in documents
        ]
        return {"name": name, "documents": made}

    whole = {"projects": [project("p", "n1", "n2"), project("q", "n1", "n3"), project("r", "n1")]}
    path = tmp_path / "a.jsonl"  # MedCATtrainer's file under another ending
    path.write_text(json.dumps(whole))
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, medcat)"
    assert [n.id for n in source] == ["n1", "n2", "n1/2", "n3", "n1/3"]
    whole["projects"][0] = project("p", "n1", "n1")
    path.write_text(json.dumps(whole))
    with pytest.raises(DataError, match="ids of notes must be unique, got 'n1'"):
        list(source)
