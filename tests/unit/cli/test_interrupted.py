"""What an interrupted command says: what is kept, and the command that goes on, as it was typed."""

import argparse
import shlex
import sys

import pytest

from clinnlp.cli import COMMANDS, _parser
from clinnlp.cli.interrupted import told_when_interrupted

WORDS = {
    "fine-tune": ["ner", "it's.jsonl", "--out", "a model"],
    "tune": ["ner", "it's.jsonl", "--out", "a search"],
    "next": ["notes", "out.jsonl", "--model", "m"],
    "pretrain": ["notes", "--out", "a model"],
    "export": ["m", "out", "--onnx"],
    "extract": ["notes", "found"],
    "deidentify": ["notes", "made", "--key", "a key"],
    "deidentify audit": ["reviewed", "made.deid"],
    "watch": ["arriving", "--out", "found"],
    "drift": ["notes", "--reference-to", "2024-06"],
    "score": ["gold", "predicted"],
    "risk": ["outcome.csv", "--out", "out"],
    "risk apply": ["m", "index.csv", "--out", "out"],
    "risk survival": ["outcome.csv", "--out", "out"],
    "mine": ["found", "--out", "out"],
    "mine genes": ["notes", "--out", "out"],
    "mine labels": ["labels", "--out", "known.csv"],
    "convert": ["a b.jsonl", "out.conll"],
    "inspect": ["notes"],
    "diff": ["a", "b"],
    "serve": ["--vocabulary", "words.csv"],
    "review create": ["a store.db", "notes"],
    "review user": ["a store.db", "anna"],
    "review serve": ["a store.db"],
    "review learn": ["a store.db"],
    "review release": ["a store.db", "anna"],
    "review export": ["a store.db", "out.jsonl"],
    "review verdicts": ["a store.db", "verdicts.csv"],
    "review agreement": ["a store.db"],
    "review check": ["a store.db"],
    "demo": [],
}
LEFT = {  # what a command that goes on leaves behind
    "fine-tune": "a model-checkpoint/state.safetensors",
    "tune": "a search/search.sqlite",
    "pretrain": "a model-checkpoint/state.safetensors",
    "extract": "found/part-00000.parquet",
    "deidentify": "made.deid/found-00000.jsonl",
    "watch": "found/part-00000.parquet",
}


def said_of(name, words, *, typed=()):
    args = _parser([name]).parse_args([name, *words])
    with pytest.raises(KeyboardInterrupt) as caught, told_when_interrupted(args, typed):
        raise KeyboardInterrupt
    return str(caught.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_is_kept_and_the_command_as_typed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = [*name.split(), *WORDS[name]]
    command = shlex.join(["clinnlp", *typed])
    said = said_of(name, WORDS[name], typed=typed)
    assert said == f"interrupted; nothing of it can be resumed, begin anew with: {command}"
    if name in LEFT:
        left = tmp_path / LEFT[name]
        left.parent.mkdir(parents=True)
        left.touch()
        said = said_of(name, WORDS[name], typed=typed)
        place = left.parent.relative_to(tmp_path)
        assert said.startswith("interrupted; the ")
        assert said.endswith(f" kept in {place}, go on with: {command}")


def test_what_began_anew_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m-checkpoint").mkdir()
    words = ["notes", "--out", "m", "--no-resume"]
    said = said_of("pretrain", words, typed=["pretrain", *words])
    assert said.endswith("go on with: clinnlp pretrain notes --out m --no-resume --resume")
    args = _parser(["pretrain"]).parse_args(["pretrain", *words, "--resume"])
    assert args.resume


@pytest.mark.parametrize(
    ("argv", "whole", "said"),
    [
        (["/x/bin/clinnlp", "diff", "a b"], [], "/x/bin/clinnlp diff 'a b'"),
        (["/x/clinnlp/cli/__main__.py", "diff", "a b"],
         ["../.venv/bin/python", "-m", "clinnlp.cli", "diff", "a b"],
         "../.venv/bin/python -m clinnlp.cli diff 'a b'"),
    ],
)  # fmt: skip
def test_the_program_is_named_as_it_was_run(argv, whole, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", whole)
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        told_when_interrupted(argparse.Namespace(), None),
    ):
        raise KeyboardInterrupt
    assert str(caught.value).endswith(f": {said}")


def test_a_program_on_the_path_is_named_without_its_folder(tmp_path, monkeypatch):
    program = tmp_path / "clinnlp"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        told_when_interrupted(argparse.Namespace(), None),
    ):
        raise KeyboardInterrupt
    assert str(caught.value).endswith(": clinnlp demo")
