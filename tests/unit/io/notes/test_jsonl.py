"""The native form: absent where empty, refused where unknown."""

import json
import re

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.documents import Reading
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.notes.jsonl import JSONL, parse_note
from clinnlp.io.notes.records import note_from_record, note_to_record


def test_empty_values_have_no_key():
    note = Note(id="n1", text="", sections=(), sentences=(), tokens=())
    record = note_to_record(note)
    assert record == {"id": "n1", "text": "", "sections": [], "sentences": [], "tokens": []}
    assert note_from_record(record) == note
    assert note_to_record(Note(id="n1", text="")) == {"id": "n1", "text": ""}


def test_the_documented_example():
    record = {
        "id": "n1",
        "text": "Stopped lisinopril: dry cough.",
        "time": "2024-03-01T08:00:00",
        "entities": [
            {"id": "T1", "start": 8, "end": 18, "label": "Drug", "concepts": ["D1"]},
            {
                "id": "T2",
                "start": 20,
                "end": 29,
                "label": "Reaction",
                "assertion": {"negated": False, "cues": {"negated": [0, 7]}},
            },
        ],
        "relations": [{"id": "R1", "label": "Adverse", "roles": {"drug": ["T1"]}}],
    }
    note = note_from_record(record)
    assert [note[e.span] for e in note.entities] == ["lisinopril", "dry cough"]
    assert note.entities[1].assertion == Assertion(negated=False, cues={"negated": Span(0, 7)})
    assert note.relations == (Relation(id="R1", label="Adverse", roles={"drug": ("T1",)}),)
    assert note_to_record(note) == record


def test_ids_of_annotations_may_be_left_out():
    made = note_from_record(
        {
            "id": "n",
            "text": "abc",
            "entities": [
                {"start": 0, "end": 1, "label": "A"},
                {"start": 0, "end": 1, "label": "A"},
            ],
            "relations": [{"label": "B", "roles": {"x": ["T2"]}}],
        }
    )
    assert [e.id for e in made.entities] == ["T1", "T2"]
    assert [r.id for r in made.relations] == ["R1"]


def test_offsets_count_code_points():
    note = note_from_record(
        {"id": "n", "text": "👩‍⚕️ e\u0301 x", "entities": [{"start": 8, "end": 9, "label": "A"}]}
    )
    assert note[note.entities[0].span] == "x"


@pytest.mark.parametrize("zone", ["", "+02:00", "Z"])
def test_times_keep_their_zone(zone):
    note = note_from_record({"id": "n", "text": "", "time": f"2024-03-01T08:00:00{zone}"})
    assert (note.time.tzinfo is None) == (zone == "")
    assert note_from_record(note_to_record(note)) == note


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"entity": []}, "keys of a note must be among id, text, .*, got 'entity'"),
        ({"Doe": []}, "keys of a note must be among id, text, .*, got 1 other; name the key of"),
        ({"entities": [{"id": "T", "start": 0, "end": 1}]}, "'label' of an entity must be text"),
        ({"entities": ["T1"]}, "an entity must be a JSON object, got str"),
        ({"entities": [{"start": 0, "end": 1, "label": "A", "parts": [0]}]}, "two whole numbers"),
        ({"entities": [{"start": 0, "end": 1, "label": "A", "concepts": [1]}]}, "text only"),
        ({"entities": [{"start": 0, "end": 1, "label": "A", "attributes": {"a": []}}]}, "values"),
        ({"entities": [{"start": 0, "end": 1, "label": "A", "score": "x"}]}, "must be a number"),
        (
            {"entities": [{"start": 0, "end": 1, "label": "A", "assertion": {"negated": 1}}]},
            "'negated' must be true/false",
        ),
        (
            {"entities": [{"start": 0, "end": 1, "label": "A", "assertion": {"cues": {"x": 1}}}]},
            "cues of an assertion must be among",
        ),
        ({"entities": [{"id": "T", "start": 0, "end": 1, "label": "A"}] * 2}, "entity ids"),
        ({"sections": [{"start": 0, "end": 1}]}, "'kind' of a section must be text"),
        ({"time": "01/03/2024"}, "'time' must be an ISO 8601 time"),
        ({"labels": "x"}, "'labels' must be a list, got str"),
        ({"coverage": [1, 2, 3]}, "coverage"),
        ({"coverage": [1, 2], "new": {"tokens": -1}}, "coverage"),
        ({"coverage": [1, 2], "new": {"pairs": True}}, "coverage"),
        ({"coverage": [1, 2], "new": {"unlike": 1}}, "'unlike' must be true/false"),
        ({"coverage": [1, 2], "new": {"odd": 1}}, "among tokens, pairs, unlike"),
    ],
)
def test_what_is_refused(more, message):
    with pytest.raises(DataError, match=message) as caught:
        note_from_record({"id": "n", "text": "abc", **more})
    assert caught.value.__context__ is None


def test_a_span_outside_the_text_names_the_note():
    record = {"id": "n", "text": "abc", "entities": [{"start": 1, "end": 9, "label": "A"}]}
    with pytest.raises(OffsetError, match=r"a.jsonl:3: note 'n': .* 3 characters, got 1-9"):
        parse_note(json.dumps(record), "a.jsonl", 3)


def test_deep_nesting_is_broken_json_not_a_crash():
    with pytest.raises(DataError, match=r"broken JSON"):
        parse_note("[" * 100_000, "a.jsonl", 1)


def test_blank_lines_and_ids_seen_elsewhere(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"id": "n1", "text": ""}\n  \n')
    assert [note.id for note in JSONL.read(path)] == ["n1"]
    with pytest.raises(DataError, match=r"a.jsonl:2: ids of notes must be unique"):
        list(JSONL.read(path, Reading(seen={"n1"})))


def test_text_with_line_breaks_stays_on_one_line(tmp_path):
    note = Note(
        id="n", text="a\nb\r\nc\u2028d", entities=(Entity(id="T", span=Span(0, 3), label="L"),)
    )
    path = tmp_path / "a.jsonl"
    assert JSONL.write([note], path) == 1
    assert path.read_bytes().count(b"\n") == 1
    assert list(JSONL.read(path)) == [note]


def test_lines_of_text_alone_and_ids_as_numbers(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text(
        '{"text": "Fever."}\n\n{"id": 7, "text": "Cough.", "patient": 12, "label": "ENT"}\n'
        '{"text": "Well.", "label": null}\n'
    )
    source = read_notes(path)
    first, second, third = source
    assert (first.id, third.id, third.labels) == ("notes-0", "notes-2", ())
    assert (second.id, second.patient, second.labels) == ("7", "12", ("ENT",))
    index = NoteIndex.build(source)
    assert [index.note_at(note.id) for note in source] == [first, second, third]


def test_keys_may_be_named_as_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"key": 5, "body": "Fever.", "spans": [[0, 5]], "other": 1, "kind": "x"}\n')
    source = read_notes(path, format="jsonl", text="body", id="key")
    (note,) = source
    assert (note.id, note.text, note.kind) == ("5", "Fever.", "x")
    assert source.n_excluded == {"key 'spans' of JSON Lines that was not named": 1}
    assert NoteIndex.build(source).note_at("5") == note
    with pytest.raises(DataError, match=r"a.jsonl:1: each line must have the key named for text"):
        list(read_notes(path, format="jsonl", text="note"))


def test_text_column_on_the_command_line(tmp_path):
    path, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"key": 5, "body": "Fever."}\n')
    words = ["convert", str(path), str(out), "--text-column", "body", "--id-column", "key"]
    assert main(words) == 0
    assert [(n.id, n.text) for n in read_notes(out)] == [("5", "Fever.")]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("spans", "if the file is one of prodigy"),
        ("annotations", "if the file is one of label-studio"),
        ("label", "if the file is one of doccano"),
        ("ner_tags", "got 'ner_tags'$"),
        ("Doe", "got 1 other; name the key of the text, and the others are read over"),
    ],
)
def test_keys_of_other_programs_are_refused_by_name(key, hint, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": "a", "text": "Fever.", "{key}": []}}\n')
    with pytest.raises(DataError, match=hint):
        list(read_notes(path, format="jsonl"))


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        (["note_id", "note_text"], "--text-column note_text --id-column note_id"),
        (["ROW_ID", "SUBJECT_ID", "TEXT"], r"--text-column TEXT --id-column ROW_ID"),
        (["body"], r"got 'body'; name the keys to read: text='body' \(--text-column body\)"),
        (["key", "transcription"], "text='transcription', id='key'"),
        (["reportText", "docId"], "text='reportText', id='docId'"),
        (["befund"], r"got 1 other; name the keys to read: text='KEY' \(--text-column KEY\)"),
        ([f"text_{'abcdefghij'[k]}" for k in range(10)], "got 10 other"),
        (["text_1", "text_2"], "got 'text_1', 'text_2'"),
    ],
)
def test_keys_of_text_and_id_are_hinted_at(keys, hint, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(dict.fromkeys(keys, "Zebraperson")) + "\n")
    with pytest.raises(DataError, match=hint) as caught:
        list(read_notes(path))
    assert "Zebraperson" not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["Zebraperson", "note Zebraperson", "note_4711", "id:12 Doe", "Text!"]
)
def test_a_key_that_may_be_of_a_patient_is_not_shown(key, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "a", key: "x"}) + "\n")
    with pytest.raises(DataError, match="got 1 other") as caught:
        list(read_notes(path))
    assert key not in str(caught.value)


def test_what_the_hint_says_reads_the_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"note_id": 7, "note_text": "Fever.", "author": "x"}\n')
    with pytest.raises(DataError) as caught:
        list(read_notes(path))
    flags = re.search(r"\((--[^)]*)\)", str(caught.value))[1]
    assert main(["convert", str(path), str(tmp_path / "out.jsonl"), *flags.split()]) == 0
    assert [(n.id, n.text) for n in read_notes(tmp_path / "out.jsonl")] == [("7", "Fever.")]


def test_objects_of_notes_in_json(tmp_path):
    path = tmp_path / "notes.json"
    for content in (
        '[{"text": "💊\\r\\n"},\n {"text": "b"}]',
        '{"text": "💊\\r\\n"}\n{"text": "b"}',
    ):
        path.write_text(content)
        source = read_notes(path)
        assert [(n.id, n.text) for n in source] == [("notes-0", "💊\r\n"), ("notes-1", "b")]
        assert NoteIndex.build(source).note_at("notes-1").text == "b"
    path.write_text('[{"body": "a", "key": 7}]')
    assert [(n.id, n.text) for n in read_notes(path, text="body", id="key")] == [("7", "a")]
    with pytest.raises(DataError, match=r"or name the key of the text .* --text-column"):
        list(read_notes(path))
