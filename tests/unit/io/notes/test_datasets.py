"""Datasets of this library come back whole; those of others are read by naming columns."""

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.datasets import from_dataset, to_dataset
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
