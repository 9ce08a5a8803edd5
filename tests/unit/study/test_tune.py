"""A search of settings: never worse than its start, the same for a seed, and gone on with."""

import signal
import tomllib
from dataclasses import replace

import pytest

from clinnlp.bert.average import WeightAverage
from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.bert.tasks import TaggerTask
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.config import read_settings
from clinnlp.core.errors import ArgumentError, LeakageError, MissingExtra, RunError, StoreError
from clinnlp.core.locks import FileLock
from clinnlp.core.notes import Note
from clinnlp.study import tune_store
from clinnlp.study.tune import tune_classifier, tune_ner
from tests.unit.bert.conftest import LABELLED, QUICK, TRAIN, make_encoder
from tests.unit.bert.test_interrupted import heard, strike

pytest.importorskip("optuna")
OPTIONS = {**QUICK, "tokens_per_batch": 40, "epochs": 2, "learning_rate": 0.01,
           "selection_fraction": 0.3}  # fmt: skip
FILES = ["best.toml", "history.svg", "search.sqlite", "trials.csv"]
__all__ = ["heard"]  # a fixture


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def whole(encoder, tmp_path_factory):
    """Return a search of five trials that nobody interrupted."""
    return tune_ner(TRAIN, encoder=encoder, out=tmp_path_factory.mktemp("w"), trials=5, **OPTIONS)


def told(found):
    """Return what does not hang on the clock."""
    return [replace(trial, seconds=0.0) for trial in found.trials]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_first_trial_is_the_start_and_the_best_is_never_below_it(encoder, whole, tmp_path):
    first = whole.trials[0]
    assert first.changed == {"learning_rate": 0.01, "epochs": 2, "tokens_per_batch": 40,
                             "layer_decay": 0.85, "word_dropout": 0.0, "swap": 0.3,
                             "abbreviate": 0.3}  # fmt: skip
    card = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", **OPTIONS).card
    assert first.score == card["epochs"][card["best_epoch"] - 1]["score"]
    scores = [trial.score for trial in whole.trials if not trial.given_up]
    assert whole.best.score == max(scores) >= first.score
    assert whole.gain.value == whole.best.score - first.score
    assert (len(whole.trials), whole.n_selection) == (5, 2)


def test_what_is_written_trains_as_the_best_trial_did(encoder, whole, tmp_path):
    assert files(whole.folder) == FILES
    settings = read_settings(TaggerSettings, whole.folder / "best.toml")
    assert {name: getattr(settings, name) for name in whole.best.changed} == whole.best.changed
    card = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", settings=settings,
                         progress=False).card  # fmt: skip
    assert card["epochs"][card["best_epoch"] - 1]["score"] == whole.best.score


def test_the_same_seed_gives_the_same_and_another_does_not(encoder, whole, tmp_path):
    again = tune_ner(TRAIN, encoder=encoder, out=tmp_path / "a", trials=3, **OPTIONS)
    other = tune_ner(TRAIN, encoder=encoder, out=tmp_path / "b", trials=3, seed=1, **OPTIONS)
    assert told(again) == told(whole)[:3]
    assert told(other)[1].changed != told(whole)[1].changed


def test_more_trials_go_on_where_the_search_stood(encoder, whole, tmp_path, monkeypatch):
    how = {"encoder": encoder, "out": tmp_path, **OPTIONS}
    tune_ner(TRAIN, trials=2, **how)
    assert told(tune_ner(TRAIN, trials=5, **how)) == told(whole)
    assert files(tmp_path) == FILES
    monkeypatch.setattr(WeightAverage, "update", None)  # nothing is trained any more
    assert told(tune_ner(list(reversed(TRAIN)), trials=4, **how)) == told(whole)
    assert told(tune_ner(TRAIN, minutes=1e-6, **how)) == told(whole)


@pytest.mark.parametrize(
    ("place", "at"),
    [
        ((WeightAverage, "update"), 3),
        ((TaggerTask, "loss"), 14),
        *(pytest.param((WeightAverage, "update"), at, marks=pytest.mark.slow) for at in (14, 20)),
        *(pytest.param((TaggerTask, "loss"), at, marks=pytest.mark.slow) for at in (3, 20)),
    ],
)
def test_an_interrupted_search_goes_on_within_its_trial(
    encoder, whole, tmp_path, monkeypatch, place, at
):
    how = {"encoder": encoder, "out": tmp_path, "trials": 5, **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, *place, at, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            tune_ner(TRAIN, **how)
    assert "trial-checkpoint" in files(tmp_path)
    assert told(tune_ner(TRAIN, **how)) == told(whole)
    assert files(tmp_path) == FILES


def test_another_search_is_refused_and_begun_anew_on_wish(encoder, tmp_path):
    how = {"encoder": encoder, "out": tmp_path, "trials": 1, **OPTIONS}
    tune_ner(TRAIN, **how)
    for other in ({"swap": 0.1}, {"search": ["swap"]}):
        with pytest.raises(StoreError, match="--no-resume"):
            tune_ner(TRAIN, **how | other)
    with pytest.raises(StoreError, match="got one of others"):
        tune_ner(TRAIN[1:], **how)
    found = tune_ner(TRAIN, **how | {"swap": 0.1}, resume=False)
    assert [trial.changed["swap"] for trial in found.trials] == [0.1]


def test_only_what_is_named_is_varied(encoder, tmp_path):
    found = tune_ner(TRAIN, encoder=encoder, out=tmp_path, trials=3, search=["swap"], **OPTIONS)
    assert [set(trial.changed) for trial in found.trials] == [{"swap"}] * 3
    kept = tomllib.loads((tmp_path / "best.toml").read_text())
    assert kept | {"swap": 0} == {
        "epochs": 2, "learning_rate": 0.01, "max_tokens": 48, "tokens_per_batch": 40, "swap": 0,
        "selection_fraction": 0.3, "bf16": "off", "stride": 8,
    }  # fmt: skip


def test_the_first_trial_is_finished_however_little_time_there_is(encoder, tmp_path):
    found = tune_ner(TRAIN, encoder=encoder, out=tmp_path, minutes=1e-9, **OPTIONS)
    assert [trial.n_epochs for trial in found.trials] == [2]
    assert (found.gain.value, found.gain.low, found.gain.high) == (0, 0, 0)
    assert "nothing better than the start" in "\n".join(found.lines())


def test_choices_that_are_used_up_end_the_search(encoder, tmp_path):
    how = {**OPTIONS, "epochs": 1, "learning_rate": None}
    found = tune_classifier(LABELLED, encoder=encoder, out=tmp_path, search=["pooling"], **how)
    assert [trial.changed for trial in found.trials] == [{"pooling": "mean"}, {"pooling": "max"}]
    assert read_settings(ClassifierSettings, tmp_path / "best.toml").epochs == 1


def test_a_classifier_is_searched_from_its_head_on(encoder, tmp_path):
    how = {"encoder": encoder, "out": tmp_path, "trials": 4, **OPTIONS}
    found = tune_classifier(LABELLED, **how)
    assert found.trials[0].changed == {"tune_encoder": False, "pooling": "mean"}
    assert {trial.changed["tune_encoder"] for trial in found.trials} == {False, True}
    assert all((trial.n_epochs > 0) == trial.changed["tune_encoder"] for trial in found.trials)
    assert told(tune_classifier(LABELLED, **how)) == told(found)


def test_corpora_of_several_labels_are_searched_together(encoder, tmp_path):
    corpora = {"a": TRAIN, "b": [replace(n, id=f"b{n.id}", text=f"{n.text} ") for n in TRAIN]}
    found = tune_ner(corpora, encoder=encoder, out=tmp_path, trials=2, **OPTIONS)
    assert len(found.trials) == 2


def test_a_start_without_a_finite_loss_is_refused_and_no_trial(encoder, tmp_path):
    wild = OPTIONS | {"learning_rate": 1e30, "clip": 1e30}
    for _ in range(2):
        with pytest.raises(RunError, match="lower learning_rate"):
            tune_ner(TRAIN, encoder=encoder, out=tmp_path, **wild)


def test_unusable_arguments_are_refused_before_anything_is_written(encoder, tmp_path):
    how = {"encoder": encoder, "out": tmp_path / "o", **OPTIONS}
    file = tmp_path / "file"
    file.write_text("")
    for changes, said in (
        ({"minutes": 0}, "minutes must be above 0, got 0"),
        ({"minutes": float("nan")}, "minutes must be above 0, got nan"),
        ({"trials": 0}, "trials must be at least 1, got 0"),
        ({"search": ["seed"]}, "search must be among learning_rate"),
        ({"selection_fraction": 0.0}, "selection_fraction must be above 0"),
        ({"out": file}, "out must be a folder"),
    ):
        with pytest.raises(ArgumentError, match=said):
            tune_ner(TRAIN, **how | changes)
    with pytest.raises(ArgumentError, match="tune_encoder"):
        tune_classifier(LABELLED, **how, search=["epochs"])
    with pytest.raises(ArgumentError, match="train"):
        tune_ner(iter(TRAIN), **how)
    assert files(tmp_path) == ["file"]


def test_dev_is_looked_at_for_leakage_alone(encoder, whole, tmp_path):
    dev = [Note(id="d", text="Another text.")]
    found = tune_ner(TRAIN, dev=dev, encoder=encoder, out=tmp_path, trials=2, **OPTIONS)
    assert told(found) == told(whole)[:2]
    with pytest.raises(LeakageError):
        tune_ner(TRAIN, dev=TRAIN[:1], encoder=encoder, out=tmp_path, **OPTIONS)


def test_one_search_at_a_time_writes_into_a_folder(encoder, tmp_path):
    refused = pytest.raises(RunError, match="is being written by another process")
    with FileLock(tmp_path / ".lock", what="it"), refused:
        tune_ner(TRAIN, encoder=encoder, out=tmp_path, **OPTIONS)


def test_without_optuna_the_line_that_installs_it_is_said(encoder, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"pip install 'clinnlp\[tune\]'"):
        tune_ner(TRAIN, encoder=encoder, out=tmp_path / "o", **OPTIONS)
    assert files(tmp_path) == []


def test_no_word_of_a_note_is_written(encoder, tmp_path):
    secret = "zebrafish"
    notes = [replace(n, id=f"{secret}{n.id}", patient=f"{secret}{n.id}", text=f"{n.text} {secret}")
             for n in TRAIN]  # fmt: skip
    tune_ner(notes, encoder=encoder, out=tmp_path, trials=2, **OPTIONS)
    for path in tmp_path.iterdir():
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    assert tune_store.STORE in files(tmp_path)
