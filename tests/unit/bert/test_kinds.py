"""A kind of model is one thing: its settings, its record, its place in the table."""

import json
import pickle
import re
import shutil

import pytest

from clinnlp.bert.learned import Learned
from clinnlp.bert.settings import ClassifierSettings, PretrainSettings, TaggerSettings
from clinnlp.bert.store import KINDS, load
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner, fine_tune_relations
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.notes.corpora import write_notes

from .conftest import LABELLED, QUICK, TRAIN
from .relations import RELATED

# what a classifier's settings were in models of taggers, and the other way round
OF_CLASSIFIERS = {
    "windows_per_note": 2,
    "pooling": "mean",
    "tune_encoder": False,
    "class_weights": False,
    "multi_label": False,
}


def test_every_kind_has_a_task_of_its_own():
    assert {name: kind.task for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert all(issubclass(kind, Learned) for kind in KINDS.values())


@pytest.mark.parametrize(
    ("fine_tune", "notes", "wrong", "valid"),
    [
        (fine_tune_ner, TRAIN, {"pooling": "max"}, "word_dropout"),
        (fine_tune_ner, TRAIN, {"hidden_share": 0.1}, "word_dropout"),
        (fine_tune_classifier, LABELLED, {"swap": 0.1}, "windows_per_note"),
        (fine_tune_relations, RELATED, {"swap": 0.1}, "reading"),
    ],
)
def test_a_setting_of_another_kind_is_refused_by_name(
    encoder, tmp_path, fine_tune, notes, wrong, valid
):
    message = f"settings must be among .*{valid}.*got {next(iter(wrong))}"
    with pytest.raises(DataError, match=message):
        fine_tune(notes, encoder=encoder, out=tmp_path / "m", **QUICK, **wrong)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("wrong", [ClassifierSettings(), PretrainSettings(), {"epochs": 2}])
def test_settings_of_another_kind_are_refused(encoder, tmp_path, wrong):
    said = f"settings must be TaggerSettings here, got {type(wrong).__name__}"
    for overrides in ({}, QUICK):
        given = {"progress": False, **overrides}
        with pytest.raises(ArgumentError, match=said):
            fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", settings=wrong, **given)


@pytest.mark.parametrize(
    ("task", "flags"),
    [("ner", ["--pooling", "max"]), ("ner", ["--multi-label"]), ("classifier", ["--swap", "0.1"])],
)
def test_a_flag_of_another_kind_is_refused(capsys, task, flags):
    with pytest.raises(SystemExit) as caught:
        main(["fine-tune", task, "train.jsonl", "--out", "m", *flags])
    assert caught.value.code == 2
    assert re.search(f"unrecognized arguments: {flags[0]}", capsys.readouterr().err)


def test_a_file_with_a_setting_of_another_kind_is_refused(tmp_path, capsys):
    (tmp_path / "s.toml").write_text('pooling = "max"\n')
    write_notes(TRAIN, tmp_path / "train.jsonl")
    command = ["fine-tune", "ner", str(tmp_path / "train.jsonl"), "--out", str(tmp_path / "m")]
    assert main([*command, "--settings", str(tmp_path / "s.toml")]) == 2
    assert "got pooling" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "own"), [("ner", "--swap"), ("classifier", "--pooling"), ("relations", "--reading")]
)
def test_the_help_shows_the_flags_of_its_task(capsys, task, own):
    with pytest.raises(SystemExit):
        main(["fine-tune", task, "--help"])
    out = capsys.readouterr().out
    assert [flag for flag in ("--swap", "--pooling", "--reading") if flag in out] == [own]
    assert "--stride" in out
    assert ("--refit" in out) == (task == "ner")


def test_a_model_of_before_is_read_and_refit(encoder, tmp_path):
    chosen = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "new", epochs=2, **QUICK)
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    file = tmp_path / "old" / "clinnlp.json"
    record = json.loads(file.read_text())
    record["settings"] |= OF_CLASSIFIERS
    file.write_text(json.dumps(record))
    old = load(tmp_path / "old", device="cpu")
    assert old.settings == {**chosen.settings, **OF_CLASSIFIERS}
    again = fine_tune_ner(TRAIN, refit=old, out=tmp_path / "again", progress=False)
    assert set(again.settings) == set(TaggerSettings.__dataclass_fields__)
    record["settings"]["epoch"] = 3
    file.write_text(json.dumps(record))
    with pytest.raises(DataError, match="got epoch"):
        fine_tune_ner(TRAIN, refit=load(tmp_path / "old"), out=tmp_path / "x", progress=False)


def test_a_model_stays_one_that_can_be_sent_to_another_process(tagger, classifier):
    for pipe, notes in ((tagger, TRAIN), (classifier, LABELLED)):
        again = pickle.loads(pickle.dumps(pipe))
        assert again.batch(notes) == pipe.batch(notes)
