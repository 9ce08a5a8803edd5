"""`clinnlp tune`, from files to settings that `clinnlp fine-tune` takes as they are."""

import argparse
import shlex
import signal

import pytest

from clinnlp.bert.average import WeightAverage
from clinnlp.bert.store import load
from clinnlp.cli import COMMANDS, main
from clinnlp.cli.interrupted import kept_search
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.tune_store import STORE
from tests.unit.bert.conftest import LABELLED, TRAIN, make_encoder
from tests.unit.bert.test_interrupted import heard, strike

pytest.importorskip("optuna")
__all__ = ["heard"]  # a fixture


@pytest.fixture
def words(tmp_path):
    """Return the flags of a quick search into ``tmp_path / "my search"``."""
    encoder = make_encoder(tmp_path / "encoder")
    write_notes(LABELLED, tmp_path / "notes.jsonl")
    flags = {"--encoder": encoder, "--epochs": 2, "--learning-rate": 0.01, "--max-tokens": 48,
             "--stride": 8, "--tokens-per-batch": 40, "--bf16": "off", "--trials": 2,
             "--selection-fraction": 0.3, "--out": tmp_path / "my search"}  # fmt: skip
    return [str(word) for pair in flags.items() for word in pair]


def test_what_is_found_is_trained_with(tmp_path, capsys, words):
    notes, out = str(tmp_path / "notes.jsonl"), tmp_path / "my search"
    assert main(["tune", "ner", notes, *words, "--search", "swap", "layer_decay"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:2]] == ["trial 1", "trial 2"]
    assert "is too high: score dev once" in said[-2]
    assert said[-1] == f"settings: {out}/best.toml"
    code = main(["fine-tune", "ner", notes, "--settings", str(out / "best.toml"), "--encoder",
                 str(tmp_path / "encoder"), "--out", str(tmp_path / "m")])  # fmt: skip
    assert code == 0, capsys.readouterr().err
    card = load(tmp_path / "m", device="cpu").card
    best = max(float(line.split()[2]) for line in said[:2] if "given up" not in line)
    assert card["epochs"][card["best_epoch"] - 1]["score"] == pytest.approx(best, abs=5e-4)


def test_a_classifier_and_what_is_left_out_of_train(tmp_path, capsys, words):
    notes, dev = str(tmp_path / "notes.jsonl"), str(tmp_path / "dev.jsonl")
    write_notes(LABELLED[:1], dev)
    command = ["tune", "classifier", notes, "--dev", dev, *words, "--search", "pooling"]
    assert main(command) == 2
    assert "drop them from train" in capsys.readouterr().err
    assert main([*command, "--drop-overlap"]) == 0
    assert "pooling" in capsys.readouterr().out


def test_the_command_that_goes_on_is_said(tmp_path, capsys, monkeypatch, words):
    command = ["tune", "ner", str(tmp_path / "notes.jsonl"), *words, "--no-resume"]
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 2, signal.SIGINT)
        assert main(command) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert "the search so far is kept in" in said
    told = shlex.split(said.split("go on with: ")[1])
    assert told == ["clinnlp", *command, "--resume"]
    assert main(told[1:]) == 0
    assert "trial 2: " in capsys.readouterr().out


def test_nothing_is_said_to_be_kept_where_nothing_is(tmp_path):
    args = argparse.Namespace(out=str(tmp_path), resume=True)
    assert kept_search(args) is None
    (tmp_path / STORE).touch()
    assert kept_search(args).flags == ()


@pytest.mark.parametrize("task", ["ner", "classifier"])
def test_each_setting_of_the_task_may_be_given(task):
    parser = argparse.ArgumentParser()
    COMMANDS["tune"][0](parser)
    args = parser.parse_args(["tune", task, "a", "--out", "b"][1:])
    assert (args.minutes, args.trials, args.search, args.resume) == (20.0, None, None, True)
    args = parser.parse_args([task, "a", "--out", "b", "--minutes", "5", "--warmup", "0.2"])
    assert (args.minutes, args.warmup) == (5.0, 0.2)


def test_what_would_be_overwritten_is_refused(tmp_path, capsys):
    write_notes(TRAIN, tmp_path / "notes.jsonl")
    assert main(["tune", "ner", str(tmp_path / "notes.jsonl"), "--out", str(tmp_path)]) == 2
    assert "an output must be another" in capsys.readouterr().err
