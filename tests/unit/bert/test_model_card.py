"""Every folder of a model has a card that says what it is, and nothing of a note."""

import json
import re

import pytest

from clinnlp.bert.model_card import model_card
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.core.notes import Note

from .conftest import LABELLED, QUICK, TRAIN, note_of

ONE = {**QUICK, "epochs": 1}
PARTS = ("## Labels", "## Data and training", "## Scores", "## Limits")
WORDS = {word for note in TRAIN for e in note.entities for word in note[e.span].split()}


def card_of(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    head, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, flags=re.DOTALL).groups()
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return {name: json.loads(value) for name, value in fields.items()}, body


def test_a_taggers_card_has_labels_data_scores_and_limits(encoder, tmp_path):
    dev = [note_of(8, "gave heparin", ("heparin", "Drug")), note_of(9, "a rare", ("rare", "Gene"))]
    made = fine_tune_ner(TRAIN, dev, encoder=encoder, out=tmp_path / "m", **ONE)
    head, body = card_of(tmp_path / "m")
    assert head["pipeline_tag"] == "token-classification"
    assert "# Recogniser of mentions: Drug, Problem" in body
    assert all(part in body for part in PARTS)
    assert f"- notes: {len(TRAIN)}\n" in body
    assert f"- encoder: {encoder.name}\n" in body
    assert str(encoder.parent) not in body
    f1 = made.card["dev"]["f1"]
    assert f"- f1: {f1['value']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}]" in body
    assert "- labels that train had not, counted as missed: Gene" in body
    assert re.search(r"^\| Gene \| 1 \| ", body, flags=re.MULTILINE)
    assert not any(word.lower() in body.lower() for word in WORDS - {"Pain"})


def test_a_classifiers_card_and_one_without_scores(encoder, tmp_path):
    dev = [Note(id="d", text="gave it", labels=("drug",))]
    fine_tune_classifier(LABELLED, dev, encoder=encoder, out=tmp_path / "m", **ONE)
    head, body = card_of(tmp_path / "m")
    assert "pipeline_tag" not in head
    assert "# Classifier of notes: drug, none" in body
    assert "- macro f1: " in body
    fine_tune_classifier(LABELLED, encoder=encoder, out=tmp_path / "m", multi_label=True, **ONE)
    _, body = card_of(tmp_path / "m")
    assert "It was not scored" in body
    assert "- drug: given from a score of " in body


def test_scores_stand_by_corpus_where_these_have_names(encoder, tmp_path):
    dev = {"a": [note_of(9, "gave heparin", ("heparin", "Drug"))]}
    fine_tune_ner({"a": TRAIN[:4], "b": TRAIN[4:]}, dev, encoder=encoder, out=tmp_path / "m", **ONE)
    assert "### a\n" in card_of(tmp_path / "m")[1]


def test_an_encoders_card_tells_how_it_went(encoder, tmp_path):
    notes = [Note(id=f"p{i}", text=f"Started aspirin {i} mg for chest pain") for i in range(30)]
    small = {"max_tokens": 16, "tokens_per_batch": 64, "progress": False, "bf16": "off"}
    pretrain(notes, encoder=encoder, out=tmp_path / "e", epochs=1, **small)
    head, body = card_of(tmp_path / "e")
    assert head["pipeline_tag"] == "fill-mask"
    assert re.search(r"^\| 1 \| \d", body, flags=re.MULTILINE)
    assert "aspirin" not in body


@pytest.mark.parametrize("label", ["a|b", "two\nlines"])
def test_odd_labels_break_no_table(label):
    dev = {"n_notes": 1, "rows": [{"label": label, "n_gold": 1, "f1": float("nan")}]}
    windows = {"max_tokens": 64, "stride": 8}
    text = model_card({"task": "ner", "labels": [label], "windows": windows, "card": {"dev": dev}})
    (row,) = [line for line in text.splitlines() if line.startswith(("| a", "| two"))]
    assert len(re.split(r"(?<!\\)\|", row)) == 5
    assert row.endswith("| 1 | – |")
