"""A training that is told to end keeps where it stands, and the same call goes on from there."""

import resource
import shlex
import signal
from dataclasses import replace

import pytest
import torch

from clinnlp.bert.average import WeightAverage
from clinnlp.bert.checkpoint import Checkpoint, Standing
from clinnlp.bert.corpus import corpus_sha256
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.tasks import TaggerTask
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.cli import main
from clinnlp.core.errors import RunError, StoreError
from clinnlp.core.locks import FileLock
from clinnlp.io.notes.corpora import write_notes

from .conftest import LABELLED, QUICK, TRAIN
from .test_checkpoint import weights

OPTIONS = {**QUICK, "tokens_per_batch": 40, "epochs": 3, "selection_fraction": 0.3}


@pytest.fixture(autouse=True)
def heard():
    """Hear interrupts also where these tests run in the background, which ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(encoder, tmp_path_factory):
    """Return the tagger that nobody interrupted."""
    return fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path_factory.mktemp("m") / "m", **OPTIONS)


def strike(monkeypatch, owner, name, at, *numbers):
    """Raise signals in the middle of the call of number `at` of a method."""
    method, n_calls = getattr(owner, name), []

    def struck(self, *args):
        n_calls.append(1)
        if len(n_calls) == at:
            for number in numbers:
                signal.raise_signal(number)
        return method(self, *args)

    monkeypatch.setattr(owner, name, struck)


class Told(BaseException):
    pass


def tell(number, _frame):
    raise Told(number)


@pytest.fixture
def terminated():
    """Have SIGTERM raise `Told`."""
    before = signal.signal(signal.SIGTERM, tell)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("at", [1, 2, 5, 9])  # 3 steps are one epoch
@pytest.mark.parametrize("place", [(WeightAverage, "update"), (TaggerTask, "loss")])
def test_an_interrupt_within_a_step_keeps_it_before_any_checkpoint_was_due(
    encoder, tmp_path, monkeypatch, whole, place, at
):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, *place, at, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    assert [p.name for p in tmp_path.iterdir()] == ["m-checkpoint"]
    record = Checkpoint(tmp_path / "m-checkpoint", minutes=1, resume=True, identity="other")
    with pytest.raises(StoreError, match="other notes"):
        record.read({})
    again = fine_tune_ner(TRAIN, **how)
    assert torch.equal(weights(again), weights(whole))
    assert again.card["epochs"] == whole.card["epochs"]
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("at", [1, 3])
def test_scoring_an_epoch_is_left_and_done_anew(encoder, tmp_path, monkeypatch, whole, at):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, TaggerTask, "score", at, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    again = fine_tune_ner(TRAIN, **how)
    assert torch.equal(weights(again), weights(whole))
    assert again.card["epochs"] == whole.card["epochs"]


def test_sigterm_does_as_its_handler_says_once_all_is_kept(
    encoder, tmp_path, monkeypatch, whole, terminated
):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 4, signal.SIGTERM)
        with pytest.raises(Told):
            fine_tune_ner(TRAIN, **how)
    assert signal.getsignal(signal.SIGTERM) is tell
    assert torch.equal(weights(fine_tune_ner(TRAIN, **how)), weights(whole))


def test_a_handler_that_ends_nothing_lets_the_training_go_on(
    encoder, tmp_path, monkeypatch, whole, terminated
):
    heard = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    strike(monkeypatch, WeightAverage, "update", 4, signal.SIGTERM)
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", **OPTIONS)
    assert heard == [signal.SIGTERM]
    assert torch.equal(weights(made), weights(whole))


def test_a_second_interrupt_ends_at_once_and_leaves_what_was_kept(encoder, tmp_path, monkeypatch):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 2, signal.SIGINT, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    assert list(tmp_path.iterdir()) == []
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 2, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    (kept,) = (tmp_path / "m-checkpoint").iterdir()
    before = kept.read_bytes()
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 1, signal.SIGINT, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    assert kept.read_bytes() == before


class Interrupted:
    """Notes, of which the reading number `at` is interrupted."""

    def __init__(self, notes, at):
        self.notes, self.at = notes, at

    def __iter__(self):
        self.at -= 1
        if not self.at:
            raise KeyboardInterrupt
        return iter(self.notes)


def test_all_steps_are_kept_where_dev_is_being_scored(encoder, tmp_path, monkeypatch, whole):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    dev = [replace(note, id=f"dev{note.id}", text=f"{note.text} again") for note in TRAIN]
    n_readings = 0
    while not (tmp_path / "m-checkpoint").exists():  # dev is read for checks first
        n_readings += 1
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, Interrupted(dev, n_readings), **how)
    steps = []
    update = WeightAverage.update
    monkeypatch.setattr(WeightAverage, "update", lambda self: steps.append(1) or update(self))
    again = fine_tune_ner(TRAIN, dev, **how)
    assert steps == []
    assert torch.equal(weights(again), weights(whole))
    assert again.card["epochs"] == whole.card["epochs"]
    assert "dev" in again.card
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_without_resume_what_lies_there_is_removed_and_all_begins_anew(
    encoder, tmp_path, monkeypatch, whole
):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 5, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, **how)
    with pytest.raises(StoreError, match="--no-resume"):
        fine_tune_ner(TRAIN[1:], **how)
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 1, signal.SIGINT, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_ner(TRAIN, resume=False, **how)
    assert list(tmp_path.iterdir()) == []


def test_no_checkpoint_is_written_where_none_is_wanted(encoder, tmp_path, monkeypatch):
    strike(monkeypatch, WeightAverage, "update", 2, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", checkpoint_minutes=0, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("train", [fine_tune_ner, fine_tune_classifier, pretrain])
def test_a_second_training_into_a_folder_is_refused_before_it_reads_notes(encoder, tmp_path, train):
    refused = pytest.raises(RunError, match="m is being written by another process; wait")
    with FileLock(tmp_path / ".m.lock", what="it"), refused:
        train(Interrupted([], 1), encoder=encoder, out=tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_holds_no_word_of_a_note_and_no_hash_that_is_not_keyed(
    encoder, tmp_path, monkeypatch
):
    how = {"encoder": encoder, "out": tmp_path / "m", **OPTIONS}
    named = [
        replace(note, id=f"zebrafish-{note.id}", patient=f"kowalski-{note.id}") for note in TRAIN
    ]
    kept = []
    for _ in range(2):
        with monkeypatch.context() as patch:
            strike(patch, WeightAverage, "update", 5, signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                fine_tune_ner(named, resume=False, **how)
        (file,) = (tmp_path / "m-checkpoint").iterdir()
        kept.append(file.read_bytes())
    heads = [each[: int.from_bytes(each[:8], "little")] for each in kept]
    assert heads[0] != heads[1]  # the same training: its hash has a key of each file
    words = {word for note in named for word in (note.id, note.patient, *note.text.split())}
    hashes = {corpus_sha256(named, annotations=both) for both in (False, True)}
    for secret in hashes | {word for word in words if len(word) > 5}:
        assert secret.encode() not in heads[0]


def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(tmp_path):
    made = Checkpoint(tmp_path / "c", minutes=1.0, resume=True, identity="x")
    small = {"weights/a": torch.rand(10)}
    made.write(Standing(step=3), small)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunError, match="nothing half-written was left") as caught:
            made.write(Standing(step=4), {"weights/a": torch.rand(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.__context__ is None
    assert [p.name for p in (tmp_path / "c").iterdir()] == ["state.safetensors"]
    standing, tensors = made.read({"a": small["weights/a"]})
    assert standing.step == 3
    assert torch.equal(tensors["weights/a"], small["weights/a"])


@pytest.mark.parametrize("flags", [(), ("--no-resume",)])
@pytest.mark.parametrize(
    "command", [("fine-tune", "ner"), ("fine-tune", "classifier"), ("pretrain",)]
)
def test_the_command_line_says_the_very_command_that_goes_on(
    encoder, tmp_path, monkeypatch, capsys, command, flags
):
    notes = tmp_path / "my notes.jsonl"
    write_notes(LABELLED, notes)
    words = [*command, str(notes), "--encoder", str(encoder), "--bf16", "off", "--max-tokens", "12",
             "--tokens-per-batch", "40", "--epochs", "3"]  # fmt: skip
    words += [] if command == ("pretrain",) else ["--stride", "4"]
    words += ["--tune-encoder"] if "classifier" in command else []
    assert main([*words, "--out", str(tmp_path / "whole")]) == 0
    words += ["--out", str(tmp_path / "my model"), *flags]
    capsys.readouterr()
    with monkeypatch.context() as patch:
        strike(patch, WeightAverage, "update", 2, signal.SIGINT)
        assert main(words) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert "the training so far is kept in" in said
    told = shlex.split(said.split("go on with: ")[1])
    assert told == ["clinnlp", *words, *(["--resume"] if flags else [])]
    steps = []
    update = WeightAverage.update
    monkeypatch.setattr(WeightAverage, "update", lambda self: steps.append(1) or update(self))
    assert main(told[1:]) == 0
    first, second = (tmp_path / name / "model.safetensors" for name in ("whole", "my model"))
    assert first.read_bytes() == second.read_bytes()
    assert steps
    assert not (tmp_path / "my model-checkpoint").exists()
