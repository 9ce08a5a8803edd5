"""Label Studio counts code points and says the text of each region."""

import json

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes

TEXT = "💊 Lithium: tremor."


def region(name, start, end, *labels, **more):
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": list(labels)}
    made = {"id": name, "from_name": "label", "to_name": "text", "type": "labels"}
    return {**made, "value": value, **more}


def read(path, *tasks, **how):
    path.write_text(json.dumps(tasks, ensure_ascii=False))
    source = read_notes(path, **how)
    assert repr(source) == "Notes(1 files, label-studio)"
    return list(source), source


def task(*results, **more):
    annotation = {"id": 7, "result": list(results), "was_cancelled": False}
    return {"id": 4, "data": {"text": TEXT, "patient": "p"}, "annotations": [annotation], **more}


def test_mentions_after_an_emoji_and_what_is_said_of_them(tmp_path):
    said = {"id": "a", "from_name": "negated", "type": "choices"}
    value = {"start": 2, "end": 9, "choices": ["yes"]}
    link = {"type": "relation", "from_id": "b", "to_id": "a", "direction": "left", "labels": ["by"]}
    classes = {"type": "choices", "from_name": "class", "value": {"choices": ["ENT"]}}
    rating = {"type": "rating", "from_name": "stars", "value": {"rating": 4}}
    results = [region("a", 2, 9, "Drug"), {**said, "value": value}, region("b", 11, 17, "E", "F")]
    (note,), source = read(tmp_path / "a.json", task(*results, link, classes, rating))
    assert (note.id, note.patient, note.labels) == ("4", "p", ("ENT",))
    assert [(e.id, note[e.span], e.label) for e in note.entities] == [
        ("a", "Lithium", "Drug"),
        ("b", "tremor", "E"),
        ("b#2", "tremor", "F"),
    ]
    assert note.entities[0].attributes == {"negated": "yes"}
    assert note.relations == (Relation(id="R1", label="by", roles={"from": ("a",), "to": ("b",)}),)
    assert source.n_excluded == {"result in Label Studio that is of no mention": 1}


def test_offsets_of_old_versions_are_repaired_on_request(tmp_path):
    old = region("a", 2, 9, "Drug")
    old["value"] |= {"start": 3, "end": 10}  # units of UTF-16
    with pytest.raises(OffsetError, match="by the rule 'UTF-16': read with repair"):
        read(tmp_path / "a.json", task(old))
    (note,), source = read(tmp_path / "a.json", task(old), repair=True)
    assert note.entities[0].span == Span(2, 9)
    assert source.repairs == {"UTF-16": 1}


def test_several_people_are_several_notes(tmp_path):
    both = [{"id": k, "result": [region("a", 2, 9, "Drug")]} for k in (7, 8)]
    off = {"id": 9, "result": [], "was_cancelled": True}
    guess = {"model_version": "m", "result": []}
    notes, source = read(
        tmp_path / "a.json", {**task(), "annotations": [*both, off], "predictions": [guess]}
    )
    assert [note.id for note in notes] == ["4/7", "4/8"]
    assert source.n_excluded == {
        "annotation that was cancelled in Label Studio": 1,
        "prediction beside an annotation in Label Studio": 1,
    }


def test_predictions_count_where_nobody_annotated(tmp_path):
    guess = {"model_version": "m1", "result": [region("a", 2, 9, "Drug", score=0.5)]}
    (note,), _ = read(tmp_path / "a.json", {**task(), "annotations": [], "predictions": [guess]})
    assert (note.id, note.entities[0].source, note.entities[0].score) == ("4", "m1", 0.5)


def test_json_min(tmp_path):
    regions = [{"start": 2, "end": 9, "text": "Lithium", "labels": ["Drug"]}]
    (note,), _ = read(
        tmp_path / "a.json", {"id": 4, "text": TEXT, "annotation_id": 7, "label": regions}
    )
    assert [(e.id, note[e.span], e.label) for e in note.entities] == [("T1", "Lithium", "Drug")]


def test_regions_of_html_are_refused(tmp_path):
    html = region("a", 2, 9, "Drug")
    html["value"] |= {"start": "/p[1]/text()[1]", "startOffset": 3}
    with pytest.raises(DataError, match="a region must stand in a text"):
        read(tmp_path / "a.json", task(html))


def test_of_several_texts_the_one_that_regions_quote_is_read(tmp_path):
    said = {"note": TEXT, "mrn": "123", "ward": "A long name of a ward"}
    notes, _ = read(tmp_path / "a.json", task(region("x", 2, 9, "Drug"), data=said))
    assert notes[0].text == TEXT
    for results in ((), (region("x", 2, 9, "Drug"),)):
        data = {"note": TEXT, "copy": TEXT} if results else said
        with pytest.raises(DataError, match="one text alone that holds what its regions quote"):
            read(tmp_path / "b.json", task(*results, data=data))


def test_relations_have_all_their_labels_and_lead_to_mentions(tmp_path):
    link = {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["by", "after"]}
    note_of_region = {"id": "c", "type": "textarea", "value": {"start": 0, "end": 1, "text": ["x"]}}
    regions = [region("a", 2, 9, "Drug"), region("b", 11, 17, "E")]
    other = {**link, "to_id": "c"}
    (note,), source = read(tmp_path / "a.json", task(*regions, note_of_region, link, other))
    assert [(r.id, r.label) for r in note.relations] == [("R1", "by"), ("R2", "after")]
    assert source.n_excluded["relation in Label Studio of a region that is no mention"] == 2
    with pytest.raises(DataError, match=r"a\.json:1: each end of a relation must be a mention"):
        read(tmp_path / "a.json", task(*regions, {**link, "to_id": "z"}))


def test_predicted_relations_name_their_model(tmp_path):
    link = {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["by"]}
    results = [region("a", 2, 9, "Drug"), region("b", 11, 17, "E"), link]
    guess = {"model_version": "m1", "result": results}
    (note,), _ = read(tmp_path / "a.json", {**task(), "annotations": [], "predictions": [guess]})
    assert [r.source for r in note.relations] == ["m1"]
