"""Names that training notes mark are kept from enough patients on, and known again."""

import dataclasses
import json

import pytest

from clinnlp.bert.consistency import USUAL
from clinnlp.bert.export import export_onnx
from clinnlp.bert.known_names import learn_names, name_key, read_names, write_names
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import DataError, StoreError
from clinnlp.core.notes import Note

from .conftest import FLOAT32, QUICK, TRAIN, note_of

NOTES = [
    note_of(0, "Gave Aspirin and aspirin.", ("Aspirin", "Drug"), ("aspirin", "Drug")),
    note_of(1, "ASPIRIN for renal failure", ("ASPIRIN", "Drug"), ("renal failure", "Problem")),
    note_of(2, "Renal Failure; aspirin", ("Renal Failure", "Problem"), ("aspirin", "Drug")),
]


def names_of(tagger, notes, patients, least):
    texts = tagger.network.tokenise([note.text for note in notes])
    return learn_names(notes, texts, patients, labels=["Drug", "Problem"], least=least)


def test_names_are_counted_by_patient_and_without_case(tagger):
    found = names_of(tagger, NOTES, ["a", "b", "c"], 1)
    assert found == {
        "Drug": {"aspirin": 2, "ASPIRIN": 1},
        "Problem": {"renal failure": 2},
    }
    assert names_of(tagger, NOTES, ["a", "b", "c"], 2) == {
        "Drug": {"aspirin": 2},
        "Problem": {"renal failure": 2},
    }
    assert names_of(tagger, NOTES, ["a", "a", "a"], 2) == {}
    assert names_of(tagger, NOTES, ["a", "b", "c"], 0) == {}
    assert name_key(["Vitamin", "K1", "IV"]) == "vitamin k1 IV"


def test_a_name_that_training_marks_is_likelier(tagger):
    note = Note(id="n", text="Aspirin, ibuprofen and aspirin.")
    weighted = dataclasses.replace(tagger, consistency=USUAL, calibration={}, thresholds={})
    knowing = dataclasses.replace(weighted, names={"Drug": {"aspirin": 50}})
    before, after = (
        {(e.span, e.label): e.score for e in made(note).entities} for made in (weighted, knowing)
    )
    assert set(before) <= set(after)
    for (span, label), score in after.items():
        is_known = label == "Drug" and note[span].casefold() == "aspirin"
        assert (score > before.get((span, label), 0.0)) == is_known


def test_names_come_back_with_the_model(encoder, tmp_path):
    settings = QUICK | {"epochs": 1, "selection_fraction": 0.0}
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", known_names=1, **settings)
    assert made.names["Drug"]["aspirin"] == 2
    assert load(tmp_path / "m", **FLOAT32).names == made.names
    export_onnx(made, tmp_path / "onnx")
    assert load(tmp_path / "onnx").names == made.names
    few = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "few", **settings)
    assert few.names == {}
    assert not (tmp_path / "few" / "names.json").exists()
    with pytest.raises(DataError, match="known_names must be at least 0"):
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "no", known_names=-1)


@pytest.mark.parametrize("inner", [[], {"aspirin": 0}, {"aspirin": "2"}, {"aspirin": True}])
def test_damaged_names_are_refused(inner, tmp_path):
    write_names({"Drug": {"aspirin": 2}}, tmp_path)
    assert read_names(tmp_path) == {"Drug": {"aspirin": 2}}
    (tmp_path / "names.json").write_text(json.dumps({"Drug": inner}))
    with pytest.raises(StoreError, match=r"names.json must hold the names of each label"):
        read_names(tmp_path)
