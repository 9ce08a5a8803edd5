"""A trial is a training that is scored on its selection notes and writes nothing."""

import signal
from dataclasses import replace

import pytest

from clinnlp.bert.average import WeightAverage
from clinnlp.bert.job import Tried
from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.bert.trials import forget_trial, start_of, training_notes, try_settings
from clinnlp.core.errors import ArgumentError, DataError, LeakageError, StoreError

from .conftest import LABELLED, QUICK, TRAIN
from .test_interrupted import heard, strike

OPTIONS = {name: value for name, value in QUICK.items() if name != "progress"}
TAGGER = TaggerSettings(**OPTIONS | {"tokens_per_batch": 40, "epochs": 4, "learning_rate": 0.01,
                                     "selection_fraction": 0.3})  # fmt: skip
CLASSIFIER = ClassifierSettings(**OPTIONS | {"epochs": 3, "selection_fraction": 0.3})
KINDS = {
    "ner": (TRAIN, TAGGER, fine_tune_ner),
    "classifier": (LABELLED, replace(CLASSIFIER, tune_encoder=True), fine_tune_classifier),
}
__all__ = ["heard"]  # a fixture


def tried(encoder, folder, kind="ner", settings=None, goes_on=lambda score, share: True):
    notes, own, _ = KINDS[kind]
    return try_settings(kind, notes, settings or own, encoder=encoder, folder=folder,
                        progress=False, goes_on=goes_on)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_its_score_is_that_of_the_epoch_which_the_training_keeps(encoder, tmp_path, kind):
    notes, settings, fine_tune = KINDS[kind]
    asked = []
    found = tried(encoder, tmp_path, kind,
                  goes_on=lambda score, share: asked.append((score, share)) or True)  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    card = fine_tune(notes, encoder=encoder, out=tmp_path / "m", settings=settings,
                     progress=False).card  # fmt: skip
    assert [score.value for score, _ in asked] == [epoch["score"] for epoch in card["epochs"]]
    assert [share for _, share in asked] == [k / settings.epochs for k in range(1, len(asked) + 1)]
    assert found.score.value == card["epochs"][card["best_epoch"] - 1]["score"]
    assert found.n_epochs == settings.epochs
    assert sum(found.score.shares) == pytest.approx(0)


def test_one_that_does_not_go_on_ends_after_that_epoch_and_leaves_nothing(encoder, tmp_path):
    shares = []

    def goes_on(score, share):
        shares.append(share)
        return len(shares) < 2

    settings = replace(TAGGER, checkpoint_minutes=1e-9)
    found = tried(encoder, tmp_path, settings=settings, goes_on=goes_on)
    assert (shares, found.n_epochs) == ([0.25, 0.5], 2)
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_interrupted_goes_on_where_it_stood(encoder, tmp_path, monkeypatch):
    whole = tried(encoder, tmp_path / "whole")
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 7, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            tried(encoder, tmp_path / "cut")
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["trial-checkpoint"]
    shares = []
    again = tried(encoder, tmp_path / "cut",
                  goes_on=lambda score, share: shares.append(share) or True)  # fmt: skip
    assert again == whole
    assert shares == [0.5, 0.75, 1.0]  # of four steps each
    assert list((tmp_path / "cut").iterdir()) == []


def test_what_an_interrupted_one_left_is_refused_to_other_settings(encoder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 2, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            tried(encoder, tmp_path)
    with pytest.raises(StoreError):
        tried(encoder, tmp_path, settings=replace(TAGGER, swap=0.1))
    forget_trial(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_whose_loss_is_no_number_has_no_score(encoder, tmp_path):
    settings = replace(TAGGER, learning_rate=1e30, clip=1e30)
    assert tried(encoder, tmp_path, settings=settings) == Tried(None, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_head_alone_is_scored_on_notes_that_it_was_not_taught(encoder, tmp_path):
    never = tried(encoder, tmp_path, "classifier", CLASSIFIER, lambda score, share: 1 / 0)
    assert never.n_epochs == 0
    assert 0 <= never.score.value <= 1
    assert len(never.score.shares) == start(encoder, tmp_path, LABELLED, "classifier").n_selection


def start(encoder, folder, notes, kind="ner", **overrides):
    settings = {"ner": TAGGER, "classifier": CLASSIFIER}[kind]
    return start_of(kind, notes, settings, overrides, encoder=encoder, folder=folder)


def test_a_start_leaves_nothing_open(encoder, tmp_path):
    found = start(encoder, tmp_path, TRAIN, epochs=None, learning_rate=None)
    assert (found.settings.epochs, found.settings.learning_rate) == (30, 3e-4)
    assert found.n_selection == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changed",
    [{"notes": TRAIN[1:]}, {"notes": [n.with_(entities=n.entities[:1]) for n in TRAIN]},
     {"swap": 0.1}, {"seed": 1}],
)  # fmt: skip
def test_other_notes_annotations_and_settings_are_another_start(encoder, tmp_path, changed):
    ours = start(encoder, tmp_path, TRAIN).identity
    assert start(encoder, tmp_path, list(reversed(TRAIN))).identity == ours
    assert start(encoder, tmp_path, changed.pop("notes", TRAIN), **changed).identity != ours


def test_without_selection_there_is_nothing_to_search_by(encoder, tmp_path):
    with pytest.raises(ArgumentError, match="selection_fraction must be above 0"):
        start(encoder, tmp_path, TRAIN, selection_fraction=0.0)
    with pytest.raises(DataError, match="at least two patients or texts"):
        start(encoder, tmp_path, TRAIN[:1])


def test_a_note_of_dev_in_train_is_leakage():
    dev = [replace(TRAIN[3], id="another")]
    for train in (TRAIN, {"a": TRAIN[:2], "b": TRAIN[2:]}):
        with pytest.raises(LeakageError):
            training_notes(train, dev)
        assert training_notes(train, None) == train
