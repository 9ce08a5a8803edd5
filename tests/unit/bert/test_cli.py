"""`clinnlp fine-tune`, from files to a model that `clinnlp extract` and `score` can use."""

import pytest

from clinnlp.bert.store import load
from clinnlp.cli import main
from clinnlp.io.corpora import read_notes, write_notes
from tests.unit.bert.conftest import note_of

TRAIN = [note_of(i, f"aspirin for pain {i}", ("aspirin", "Drug"), ("pain", "Problem"))
         for i in range(10)]  # fmt: skip
DEV = [note_of(20 + i, f"pain despite aspirin {i}", ("aspirin", "Drug")) for i in range(3)]


def test_entities_from_files_to_scores(encoder, tmp_path, capsys):
    train, dev, model = tmp_path / "train.jsonl", tmp_path / "dev.jsonl", tmp_path / "model"
    write_notes(TRAIN, train)
    write_notes(DEV, dev)
    flags = ["--encoder", str(encoder), "--epochs", "1", "--max-tokens", "64", "--stride", "8",
             "--out", str(model)]  # fmt: skip
    assert main(["fine-tune", "ner", str(train), "--dev", str(dev), *flags]) == 0
    said = capsys.readouterr().out
    assert "dev f1: " in said
    assert str(model) in said
    found = tmp_path / "found.jsonl"
    assert main(["extract", str(dev), str(found), "--model", str(model)]) == 0
    assert [n.id for n in read_notes(found)] == [n.id for n in DEV]
    assert main(["score", str(dev), str(found), "--n-boot", "10"]) == 0
    assert "micro, strict" in capsys.readouterr().out


def test_a_model_is_refit_on_all_notes(encoder, tmp_path, capsys):
    train = tmp_path / "train.jsonl"
    write_notes(TRAIN, train)
    flags = ["--encoder", str(encoder), "--epochs", "1", "--max-tokens", "64", "--stride", "8"]
    start = ["fine-tune", "ner", str(train), "--out"]
    assert main([*start, str(tmp_path / "first"), *flags]) == 0
    refit = [*start, str(tmp_path / "all"), "--refit", str(tmp_path / "first")]
    assert main([*refit, "--epochs", "3"]) == 2
    assert "settings but those of its model" in capsys.readouterr().err
    assert main(refit) == 0
    first, everything = (load(tmp_path / name, device="cpu") for name in ("first", "all"))
    assert (first.card["n_selection"], everything.card["n_selection"]) == (1, 0)
    assert main(["fine-tune", "classifier", str(train), "--out", "m", "--refit", "first"]) == 2
    assert "refit is for ner" in capsys.readouterr().err


def test_classes_from_a_table(encoder, tmp_path, capsys):
    for name, rows in (("train", range(12)), ("dev", range(20, 24))):
        lines = [f"aspirin {i},{'odd' if i % 2 else 'even'}" for i in rows]
        (tmp_path / f"{name}.csv").write_text("body,kind\n" + "\n".join(lines) + "\n")
    flags = ["--encoder", str(encoder), "--epochs", "1", "--max-tokens", "64",
             "--stride", "8", "--out", str(tmp_path / "model"),
             "--text-column", "body", "--label-column", "kind"]  # fmt: skip
    code = main(["fine-tune", "classifier", str(tmp_path / "train.csv"), "--dev",
                 str(tmp_path / "dev.csv"), *flags])  # fmt: skip
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "dev accuracy: " in out


@pytest.mark.parametrize("task", ["ner", "classifier"])
def test_a_dev_note_in_train_is_leakage(encoder, tmp_path, capsys, task):
    train = [n.with_(labels=("a",)) for n in TRAIN]
    write_notes(train, tmp_path / "train.jsonl")
    write_notes(train[:1], tmp_path / "dev.jsonl")
    code = main(["fine-tune", task, str(tmp_path / "train.jsonl"), "--dev",
                 str(tmp_path / "dev.jsonl"), "--encoder", str(encoder), "--out",
                 str(tmp_path / "model")])  # fmt: skip
    assert code == 2
    assert "no note of dev may stand in train" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_several_corpora_drop_what_dev_holds(encoder, tmp_path, capsys):
    files = {name: tmp_path / f"{name}.jsonl" for name in ("a", "b", "dev")}
    write_notes(TRAIN, files["a"])
    write_notes([n.with_(entities=n.entities[1:]) for n in TRAIN[:5]], files["b"])
    write_notes(TRAIN[:2], files["dev"])
    command = ["fine-tune", "ner", str(files["a"]), str(files["b"]), "--dev", str(files["dev"]),
               "--encoder", str(encoder), "--epochs", "1", "--max-tokens", "64", "--stride", "8",
               "--out", str(tmp_path / "m")]  # fmt: skip
    assert main(command) == 2
    assert "drop them from train" in capsys.readouterr().err
    assert main([*command, "--drop-overlap"]) == 0
    assert f"{files['a']} f1: " in capsys.readouterr().out


def test_more_dev_than_train_files_are_refused(tmp_path, capsys):
    assert main(["fine-tune", "ner", "a.jsonl", "--dev", "b.jsonl", "c.jsonl", "--out", "m"]) == 2
    assert "at most one file per training file" in capsys.readouterr().err
    assert main(["fine-tune", "classifier", "a.jsonl", "b.jsonl", "--out", "m"]) == 2
    assert "classifier needs one training file" in capsys.readouterr().err
