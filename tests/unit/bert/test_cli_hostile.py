"""The commands that train and use models, on notes whose names attack who looks."""

import csv
import json

import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from tests.common.hostile import FILE, FORMULA_NAME, NAME, check_files, check_terminal

TEXTS = ("started aspirin for chest pain", "no fever and chest pain", "denies pain", "fever")
FLAGS = ["--bf16", "off", "--epochs", "2", "--max-tokens", "48", "--stride", "8", "--seed", "1"]


@pytest.fixture
def run(capsys):
    def call(*words, code=0):
        capsys.readouterr()
        got = main([str(word) for word in words])
        printed = capsys.readouterr()
        check_terminal(printed)
        assert got == code, printed.err
        return printed

    return call


def note(number, text):
    span = Span(text.index(text.split()[-1]), len(text.rstrip()))
    entity = Entity(id="T1", span=span, label=(NAME, FORMULA_NAME)[number % 2])
    return Note(id=f"{NAME}{number}", text=text, entities=(entity,), labels=(entity.label,))


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{part}{FILE}.jsonl" for part in ("train", "more", "dev")]
    for k, path in enumerate(paths):
        texts = TEXTS if k < 2 else [f"{text} mg" for text in TEXTS]
        found = [note(10 * k + n, f"{text}{' ' * k}") for n, text in enumerate(texts)]
        write_notes(found, path)
    return paths


def test_a_tagger_from_training_to_the_next_notes(run, encoder, files, tmp_path):
    train, more, dev = files
    model = tmp_path / f"model{FILE}"
    words = ["fine-tune", "ner", train, more, "--dev", dev, dev, "--out", model]
    assert "FORGED" in run(*words, "--encoder", encoder, *FLAGS).out
    out = tmp_path / "out"
    todo = out / f"todo{FILE}.csv.jsonl"
    assert "FORGED" in run("next", dev, todo, "--model", model, "--n", 2).out
    run("extract", dev, out / "found.csv", "--model", model)
    check_files(out)
    assert "FORGED" in run("export", model, tmp_path / f"onnx{FILE}", "--onnx").out
    words = ["fine-tune", "ner", train, "--out", tmp_path / "o", "--encoder", encoder]
    assert "FORGED" in run(*words, "--labels", f"{NAME}other", code=2).err
    assert "FORGED" in run(*words, "--dev", train, code=2).err
    assert "FORGED" in run(*words, "--refit", tmp_path / FILE, code=2).err


def test_a_classifier(run, encoder, tmp_path):
    paths = [tmp_path / f"{part}{FILE}.csv" for part in ("train", "dev")]
    for path, more in zip(paths, ("", " mg"), strict=True):
        with open(path, "w", newline="") as handle:
            rows = [[f"{t}{more}", (NAME, FORMULA_NAME)[k % 2]] for k, t in enumerate(TEXTS)]
            csv.writer(handle).writerows([["text", NAME], *rows])
    words = ["fine-tune", "classifier", paths[0], "--dev", paths[1], "--out", tmp_path / FILE]
    columns = ["--text-column", "text", "--label-column", NAME]
    assert "FORGED" in run(*words, *columns, "--encoder", encoder, *FLAGS).out
    assert "FORGED" in run(*words, "--label-column", f"{NAME}2", code=2).err


def test_an_encoder(run, encoder, files, tmp_path):
    out, notes = tmp_path / f"encoder{FILE}", tmp_path / f"long{FILE}.jsonl"
    write_notes([Note(id=f"{NAME}{k}", text="aspirin for pain " * 40) for k in range(4)], notes)
    words = ["pretrain", notes, "--out", out, "--encoder", encoder, "--bf16", "off"]
    assert "FORGED" in run(*words, "--epochs", "1", "--max-tokens", "48").out
    words = ["fine-tune", "ner", files[0], "--out", tmp_path / "o", "--encoder", out]
    run(*words, *FLAGS)
    (out / "config.json").write_text(json.dumps({"model_type": NAME}))
    assert "FORGED" in run(*words, code=2).err
