"""Saved models come back as they were, load in transformers, and are refused when broken."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForTokenClassification

from clinnlp.bert.corpus import corpus_sha256
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import ArgumentError, RunError, StoreError

from .conftest import FLOAT32, LABELLED, QUICK, TRAIN


def test_loading_gives_back_the_pipe_that_was_saved(tagger, classifier, tmp_path):
    for pipe, notes in ((tagger, TRAIN), (classifier, LABELLED)):
        pipe.save(tmp_path / "m")
        again = load(tmp_path / "m", device="cpu", **FLOAT32)
        assert again.batch(notes) == pipe.batch(notes)
        assert (type(again), again.labels) == (type(pipe), pipe.labels)
        assert (again.settings, again.card) == (pipe.settings, pipe.card)


def test_transformers_loads_the_same_network(tagger, tagger_folder, classifier, classifier_folder):
    ids = torch.tensor([[2, 10, 11, 12, 3]])
    for pipe, folder in ((tagger, tagger_folder), (classifier, classifier_folder)):
        plain = AutoModelForTokenClassification.from_pretrained(folder).eval()
        with torch.no_grad():
            ours = pipe.network.model.cpu()(input_ids=ids).logits
            torch.testing.assert_close(plain(input_ids=ids).logits, ours)


def test_the_folder_holds_safetensors_and_one_json_of_ours(tagger_folder):
    record = json.loads((tagger_folder / "clinnlp.json").read_text())
    assert record["format"] == 1
    assert record["task"] == "ner"
    assert record["flat"]
    assert record["windows"] == {"max_tokens": 48, "stride": 8}
    assert {f.suffix for f in tagger_folder.iterdir()} == {".json", ".safetensors", ".md"}
    card = (tagger_folder / "README.md").read_text(encoding="utf-8")
    assert not any(word in json.dumps(record) + card for word in ("aspirin", "chest"))
    assert corpus_sha256(TRAIN)[:12] not in json.dumps(record)
    assert "sha256" not in json.dumps(record)
    with safe_open(tagger_folder / "model.safetensors", "pt") as weights:
        assert weights.keys()


def change(key, value):
    def damage(folder):
        record = json.loads((folder / "clinnlp.json").read_text()) | {key: value}
        (folder / "clinnlp.json").write_text(json.dumps(record))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "a model folder must exist"),
        (lambda f: (f / "clinnlp.json").unlink(), "must hold clinnlp.json"),
        (lambda f: (f / "model.safetensors").unlink(), "must hold model.safetensors"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 20), "must be readable"),
        (lambda f: (f / "clinnlp.json").write_text("{"), "must be a JSON object"),
        (lambda f: (f / "clinnlp.json").write_text("[]"), "must be a JSON object"),
        (change("format", 2), "format of .* must be 1, got 2"),
        (change("labels", "Drug"), "'labels' in .* must be a list"),
        (change("labels", ["Drug"]), "must answer for the 1 labels of clinnlp.json"),
        (change("labels", ["Problem", "Drug"]), "must answer for the 2 labels"),
        (change("task", "parse"), "'task' in .* must be one of"),
        (change("windows", {"max_tokens": 8}), "'windows' in"),
        (change("calibration", {"Drug": [1]}), "'calibration' in .* must hold two numbers"),
        (change("calibration", 3), "'calibration' in"),
        (change("thresholds", {"Drug": "high"}), "'thresholds' in .* must hold a number"),
        (change("thresholds", [0.4]), "'thresholds' in"),
    ],
)
def test_a_broken_folder_is_refused_in_one_sentence(tagger_folder, tmp_path, damage, message):
    folder = tmp_path / "m"
    shutil.copytree(tagger_folder, folder)
    damage(folder)
    with pytest.raises(StoreError, match=message) as caught:
        load(folder)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "names",
    [
        {str(i): f"LABEL_{i}" for i in range(5)},
        {"0": "O", "1": "B-Drug", "2": "I-Drug", "3": "B-Problem", "9": "I-Problem"},
        {"0": "O", "1": "B-Drug", "2": 3, "3": "B-Problem", "4": "I-Problem"},
        {"0": "B-Drug", "1": "I-Drug", "2": "O", "3": "B-Problem", "4": "I-Problem"},
    ],
)
def test_a_network_whose_outputs_are_others_is_refused(tagger_folder, tmp_path, names):
    folder = tmp_path / "m"
    shutil.copytree(tagger_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"id2label": names, "label2id": {}}))
    with pytest.raises(StoreError, match=r"do not belong together|must be readable"):
        load(folder)


def test_a_classifier_that_calls_itself_a_recogniser_is_refused(classifier_folder, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(classifier_folder, folder)
    change("task", "ner")(folder)
    with pytest.raises(StoreError, match="must answer for"):
        load(folder)


def test_a_classifier_that_answered_at_once_is_refused(classifier_folder, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(classifier_folder, folder)
    change("pooling", None)(folder)
    with pytest.raises(StoreError, match="train it anew"):
        load(folder)


def test_an_unknown_device_is_said(tagger_folder):
    with pytest.raises(ArgumentError, match="device must be"):
        load(tagger_folder, device="abacus")


def test_a_full_disk_leaves_the_old_model(encoder, tagger, tmp_path, monkeypatch):
    folder = tmp_path / "m"
    tagger.save(folder)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tagger.network.tokenizer), "save_pretrained", full)
    with pytest.raises(RunError, match="the disk is full"):
        fine_tune_ner(TRAIN, encoder=encoder, out=folder, epochs=1, **QUICK)
    # The training is done and is kept: the same call writes the model when there is room
    assert sorted(f.name for f in tmp_path.iterdir()) == ["m", "m-checkpoint"]
    assert load(folder).labels == tagger.labels
