"""Datasets of this library come back whole; those of others are read by naming columns."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value, load_dataset

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.datasets import from_dataset, to_dataset
from clinnlp.io.notes.index import NoteIndex
from tests.common.format_samples import FULL

NOTES = [FULL["jsonl"], Note(id="b", text="", tokens=())]


@pytest.mark.parametrize("streaming", [False, True])
def test_round_trip_each_time(streaming):
    made = to_dataset(NOTES, streaming=streaming)
    assert list(from_dataset(made)) == NOTES
    assert list(from_dataset(made)) == NOTES
    assert made.column_names[:2] == ["id", "text"]


def test_streaming_needs_a_source():
    with pytest.raises(ArgumentError, match="re-iterable"):
        to_dataset(iter(NOTES), streaming=True)
    assert list(from_dataset(to_dataset([]))) == []


TIMES = [
    datetime(2024, 3, 1),
    datetime(2024, 3, 1, 8, 30, 1),
    datetime(2024, 3, 1, 8, 0, 0, 250000),
    datetime(2024, 3, 1, 8, tzinfo=UTC),
    datetime(2024, 3, 1, 8, tzinfo=timezone(timedelta(hours=-5))),
]


@pytest.mark.parametrize("format", ["json", "csv", "parquet"])
def test_times_survive_a_file(format, tmp_path):
    notes = [Note(id=str(k), text="a b", time=t, known=t) for k, t in enumerate(TIMES)]
    rows = to_dataset(notes)
    if format == "csv":
        rows = rows.select_columns(["id", "text", "time", "known"])
    path = str(tmp_path / f"notes.{format}")
    getattr(rows, f"to_{format}")(path)
    read = load_dataset(format, data_files=path, split="train", cache_dir=str(tmp_path / "cache"))
    if format == "csv":
        read = read.cast_column("id", Value("string"))
    assert list(from_dataset(read)) == notes


def test_a_time_that_a_reader_has_made_is_read():
    rows = Dataset.from_dict({"id": ["a"], "text": ["x"], "time": [datetime(2024, 3, 1, 8)]})
    assert [n.time for n in from_dataset(rows)] == [datetime(2024, 3, 1, 8)]


SAID = Note(
    id="e",
    text="💊 no fever",
    time=TIMES[4],
    entities=(
        Entity(id="T1", span=Span(5, 10), label="Sign", assertion=Assertion(negated=True)),
        Entity(id="T2", span=Span(0, 1), label="Drug", attributes={"dose": 2, "prn": None}),
    ),
    relations=(Relation(id="R1", label="for", roles={"of": ("T2",), "to": ("T1",)}),),
)


@pytest.mark.parametrize(
    ("name", "lines"), [("a.jsonl", True), ("a.json", True), ("b.json", False)]
)
def test_what_to_json_writes_is_read_as_notes(name, lines, tmp_path):
    notes = [Note(id="z", text=""), SAID, *NOTES]
    to_dataset(notes).to_json(tmp_path / name, lines=lines)
    source = read_notes(tmp_path / name)
    assert list(source) == notes
    index = NoteIndex.build(source)
    assert [index.note_at(note.id) for note in notes] == notes
    less = to_dataset(notes).remove_columns(["coverage", "kind", "known"])
    less.to_json(tmp_path / name, lines=lines)
    assert list(read_notes(tmp_path / name))[1] == SAID


@pytest.mark.parametrize("value", ["{", "[]", "7", '"x"', '{"a": {}}'])
def test_a_row_of_another_form_is_refused(value, tmp_path):
    row = {"id": "a", "text": "fever", "entities": [{"start": 0, "end": 5, "label": "S"}]}
    row["entities"][0]["attributes"] = value
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=r"a\.jsonl:1: "):
        list(read_notes(tmp_path / "a.jsonl"))


def test_a_table_of_rows_names_what_reads_it(tmp_path):
    to_dataset([SAID]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"to_json writes.* clinnlp\.from_dataset"):
        list(read_notes(tmp_path / "a.parquet"))


@pytest.mark.parametrize("notes", [[SAID, *NOTES], [SAID], [SAID, FULL["jsonl"]]])
def test_our_lines_are_a_dataset(notes, tmp_path):
    """All rows get the keys of all: a null stands for what others have."""
    kept = [note.with_(time=None, known=None) for note in notes]  # which datasets make their own
    write_notes(kept, tmp_path / "a.jsonl")
    cache = str(tmp_path / "cache")
    read = load_dataset(
        "json", data_files=str(tmp_path / "a.jsonl"), split="train", cache_dir=cache
    )
    said = {"dose": 2}
    wanted = [
        note.with_(entities=tuple(
            replace(e, attributes=said) if e.attributes == {**said, "prn": None} else e
            for e in note.entities
        ))
        for note in kept
    ]  # fmt: skip
    assert list(from_dataset(read)) == wanted


NER = Features(
    {
        "id": Value("string"),
        "tokens": List(Value("string")),
        "ner_tags": List(ClassLabel(names=["O", "B-D", "I-D"])),
    }
)


@pytest.mark.parametrize("streaming", [False, True])
def test_the_usual_columns_are_recognised(streaming):
    rows = {
        "id": ["x", "y"],
        "tokens": [["No", "high", "fever"], ["fever", "fever"]],
        "ner_tags": [[0, 1, 2], [-100, -1]],
    }
    dataset = Dataset.from_dict(rows, NER)
    dataset = dataset.to_iterable_dataset() if streaming else dataset
    first, second = from_dataset(dataset)
    assert (first.id, [(e.label, first[e.span]) for e in first.entities]) == (
        "x",
        [("D", "high fever")],
    )
    assert (second.id, second.entities) == ("y", ())
    assert list(from_dataset(dataset, tokens="tokens", id="id")) == [first, second]


@pytest.mark.parametrize("column", ["label", "labels"])
def test_text_with_a_class_is_recognised(column):
    features = Features({"text": Value("string"), column: ClassLabel(names=["no", "yes"])})
    rows = Dataset.from_dict({"text": ["a", "b", "c", "d"], column: [1, 0, -1, None]}, features)
    assert [n.labels for n in from_dataset(rows)] == [("yes",), ("no",), (), ()]


def test_a_list_of_labels_is_several_labels():
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["a", "b"]))})
    values = [[0, 1], [], [1, 1], [-1], None]
    rows = {"text": ["x"] * 5, "labels": values}
    wanted = [("a", "b"), (), ("b",), (), ()]
    assert [n.labels for n in from_dataset(Dataset.from_dict(rows, features))] == wanted
    with_id = {"id": [str(k) for k in range(5)], **rows}
    features = Features({"id": Value("string"), **features})
    made = list(from_dataset(Dataset.from_dict(with_id, features)))
    assert [(n.id, n.labels) for n in made] == [(str(k), w) for k, w in enumerate(wanted)]
    plain = Dataset.from_dict({"text": ["x"], "label": [["skin", "ENT"]]})
    assert [n.labels for n in from_dataset(plain)] == [("skin", "ENT")]


def test_a_number_of_no_class_is_refused():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
    rows = Dataset.from_dict({"text": ["x"], "label": [0]}, features)
    table = rows.data.table.set_column(1, "label", [[-7]])
    with pytest.raises(DataError, match="row 0: a class must be a number below 2, or -1 or -100"):
        list(from_dataset(Dataset(table, info=rows.info)))


def test_tokens_and_tags_of_others():
    features = Features(
        {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-D", "I-D"]))}
    )
    rows = {"tokens": [["No", "high", "fever"], []], "ner_tags": [[0, 1, 2], []]}
    made = list(from_dataset(Dataset.from_dict(rows, features), tokens="tokens", tags="ner_tags"))
    assert [(n.id, n.text) for n in made] == [("0", "No high fever"), ("1", "")]
    assert [(e.label, e.span) for e in made[0].entities] == [("D", Span(3, 13))]


def test_text_and_classes_of_others():
    features = Features({"note": Value("string"), "dept": ClassLabel(names=["ENT", "skin"])})
    rows = Dataset.from_dict({"note": ["a", "b"], "dept": [1, 0]}, features)
    assert list(from_dataset(rows, text="note", label="dept")) == [
        Note(id="0", text="a", labels=("skin",)),
        Note(id="1", text="b", labels=("ENT",)),
    ]


@pytest.mark.parametrize("missing", [None, "", "nan"])
def test_a_row_of_others_without_text_is_no_note(missing):
    rows = Dataset.from_dict({"note": ["a", missing]})
    with pytest.raises(DataError, match="row 1: each note must have a text"):
        list(from_dataset(rows, text="note"))


def test_what_is_wrong():
    rows = Dataset.from_dict({"tokens": [["Zebraperson"]], "tags": [["O", "O"]], "id": ["x"]})
    for named, message in (
        ({"text": "note"}, "columns must be among tokens, tags, id, got note"),
        ({"id": "id"}, "one of text and tokens"),
        ({"text": "id", "tokens": "tokens"}, "one of text and tokens"),
    ):
        with pytest.raises(ArgumentError, match=message):
            from_dataset(rows, **named)
    with pytest.raises(DataError, match=r"row 0: tags must be as many as tokens, got 2 and 1"):
        list(from_dataset(rows, tokens="tokens", tags="tags"))
    with pytest.raises(DataError, match="row 0: ") as caught:
        list(from_dataset(rows))
    assert "Zebra" not in str(caught.value)
    with pytest.raises(ArgumentError, match=r"one of text and tokens .* which has abstract, year"):
        from_dataset(Dataset.from_dict({"abstract": ["x"], "year": [1]}))


@pytest.mark.parametrize("column", ["entities", "spans", "ents"])
def test_mentions_beside_a_text_are_not_lost_unsaid(column):
    spans = [[{"start": 3, "end": 8, "label": "Problem"}]]
    rows = Dataset.from_dict({"text": ["No cough"], column: spans})
    with pytest.raises(ArgumentError, match=rf"'{column}' may hold mentions; .*text='text'"):
        from_dataset(rows)
    assert list(from_dataset(rows, text="text")) == [Note(id="0", text="No cough")]


def test_labels_beside_tokens_are_tags_or_a_class_as_the_caller_says():
    rows = Dataset.from_dict({"tokens": [["No", "cough"]], "labels": [["O", "B-Problem"]]})
    with pytest.raises(ArgumentError, match="name tokens='tokens' with tags='labels' or label="):
        from_dataset(rows)
    (note,) = from_dataset(rows, tokens="tokens", tags="labels")
    assert [(e.label, note[e.span]) for e in note.entities] == [("Problem", "cough")]
    (note,) = from_dataset(rows, tokens="tokens", label="labels")
    assert (note.labels, note.entities) == (("O", "B-Problem"), ())


@pytest.mark.parametrize("spans", [[["3", "8", "Zebra"]], [{"start": 3, "label": "Zebra"}]])
def test_a_label_with_parts_is_no_class(spans):
    rows = Dataset.from_dict({"text": ["No cough"], "label": [spans]})
    with pytest.raises(DataError, match="row 0: a label must be the name or number") as caught:
        list(from_dataset(rows))
    assert "Zebra" not in str(caught.value)


def test_ids_of_others_may_be_numbers():
    rows = Dataset.from_dict({"id": [7, 8], "text": ["a", "b"]})
    assert [n.id for n in from_dataset(rows)] == ["7", "8"]


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (DatasetDict(train=Dataset.from_dict({"text": ["a"]})), r"splits; .* \['train'\]"),
        ([{"text": "a"}], "list"),
        ({}, "dict"),
    ],
)
def test_splits_and_lists_are_no_dataset(given, got):
    with pytest.raises(ArgumentError, match=f"dataset must be a Dataset .* got {got}"):
        from_dataset(given)
