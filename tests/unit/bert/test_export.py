"""Exported models are small, load as the same pipe, and read notes apart from each other."""

import os
import subprocess
import sys

import pytest

from clinnlp.bert.store import load
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, MissingExtra, StoreError
from clinnlp.io.notes.corpora import read_notes, write_notes

from .conftest import LABELLED, TRAIN
from .test_predict import LONG, ODD, bare, mentions

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
pytest.importorskip("onnx", reason="the extra onnx is not installed")

from clinnlp.bert.export import export_onnx

NOTES = bare([*TRAIN, LONG, *ODD])


@pytest.fixture(scope="module")
def exported(tagger, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx") / "m"
    export_onnx(tagger, folder)
    return folder


def test_it_comes_back_as_the_same_pipe(tagger, exported):
    again = load(exported)
    assert (type(again), again.labels, again.card) == (type(tagger), tagger.labels, tagger.card)
    ours, theirs = tagger.batch(NOTES), again.batch(NOTES)
    assert [mentions(n) for n in theirs] == [mentions(n) for n in ours]
    for a, b in zip(ours, theirs, strict=True):
        assert [e.score for e in a.entities] == pytest.approx([e.score for e in b.entities], 1e-3)


def test_the_model_stays_as_it_was(tagger, tmp_path):
    tagger.network.model.eval()
    export_onnx(tagger, tmp_path / "m")
    assert not any(module.training for module in tagger.network.model.modules())


def test_integers_are_a_quarter_of_the_size_and_notes_stay_apart(tagger, exported, tmp_path):
    export_onnx(tagger, tmp_path / "m", int8=True)
    small, whole = ((f / "model.onnx").stat().st_size for f in (tmp_path / "m", exported))
    assert small < whole
    again = load(tmp_path / "m")
    together = again.batch(NOTES)
    assert together == [again(note) for note in NOTES]
    assert [mentions(n) for n in together[: len(TRAIN)]] == [mentions(n) for n in TRAIN]


def test_a_classifier_goes_the_same_way(classifier, tmp_path, capsys):
    classifier.save(tmp_path / "m")
    assert main(["export", str(tmp_path / "m"), str(tmp_path / "out"), "--onnx", "--int8"]) == 0
    assert str(tmp_path / "out") in capsys.readouterr().out
    found = load(tmp_path / "out").batch([note.with_(labels=()) for note in LABELLED])
    assert [n.labels for n in found] == [n.labels for n in LABELLED]


def test_an_exported_model_extracts(exported, tmp_path):
    notes = bare(TRAIN)
    write_notes(notes, tmp_path / "notes.jsonl")
    call = ["extract", str(tmp_path / "notes.jsonl"), str(tmp_path / "out.jsonl")]
    assert main([*call, "--model", str(exported)]) == 0
    found = [mentions(note) for note in read_notes(tmp_path / "out.jsonl")]
    assert found == [mentions(note) for note in load(exported).batch(notes)]


def test_what_is_wrong_is_said(tagger, exported, tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="got an exported one"):
        export_onnx(load(exported), tmp_path / "m")
    with pytest.raises(ArgumentError, match="int8 needs a BERT"):
        load(exported, int8=True)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingExtra, match=r"clinnlp\[onnx\]"):
            load(exported)
    tagger.save(tmp_path / "m")
    (tmp_path / "m" / "model.onnx").write_bytes(b"x" * 20)
    with pytest.raises(StoreError, match="readable ONNX"):
        load(tmp_path / "m")


@pytest.mark.slow
def test_nothing_is_told_to_the_maker_of_onnxruntime(tmp_path):
    """It would write an id of the device and events to send; CI alone makes it silent too."""
    call = "from clinnlp.bert.onnx_model import import_onnxruntime; import_onnxruntime()"
    silent = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "ORT_DISABLE_TELEMETRY")
    environment = {k: v for k, v in os.environ.items() if k not in silent}
    environment |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), str(tmp_path))
    subprocess.run([sys.executable, "-c", call], env=environment, check=True)
    assert not list(tmp_path.rglob("*"))
