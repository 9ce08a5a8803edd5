"""A training that was killed goes on as if nothing had happened."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from clinnlp.bert.checkpoint import Checkpoint, Standing
from clinnlp.bert.selection import Score
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.core.errors import StoreError

from .conftest import LABELLED, QUICK, TRAIN

OPTIONS = {
    **QUICK, "tokens_per_batch": 40, "epochs": 3, "selection_fraction": 0.3, "word_dropout": 0.1,
}  # fmt: skip
ALWAYS = 1e-9  # minutes: after every step

KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from conftest import TRAIN
from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.train import fine_tune_ner
write = Checkpoint.write
def write_then_die(self, standing, tensors):
    write(self, standing, tensors)
    if standing.step == 4:
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoint.write = write_then_die
fine_tune_ner(TRAIN, encoder={encoder!r}, out={out!r}, checkpoint_minutes={always}, **{options!r})
"""


class Killed(BaseException):
    pass


def weights(pipe):
    return torch.cat([p.flatten() for p in pipe.network.model.parameters()])


def kill_after(monkeypatch, n_steps):
    write = Checkpoint.write

    def write_then_die(self, standing, tensors):
        write(self, standing, tensors)
        if standing.step == n_steps:
            raise Killed

    monkeypatch.setattr(Checkpoint, "write", write_then_die)


@pytest.mark.parametrize("task", ["ner", "classifier"])
@pytest.mark.parametrize("n_steps", [1, 5, 9])
def test_resumed_equals_uninterrupted(encoder, tmp_path, monkeypatch, task, n_steps):
    fine_tune, train = {
        "ner": (fine_tune_ner, TRAIN),
        "classifier": (partial(fine_tune_classifier, tune_encoder=True), LABELLED),
    }[task]
    options = {key: OPTIONS[key] for key in OPTIONS if task == "ner" or key != "word_dropout"}
    whole = fine_tune(train, encoder=encoder, out=tmp_path / "whole", **options)
    assert whole.card["n_steps"] >= 9
    often = {**options, "checkpoint_minutes": ALWAYS}
    with monkeypatch.context() as patch:
        kill_after(patch, n_steps)
        with pytest.raises(Killed):
            fine_tune(train, encoder=encoder, out=tmp_path / "m", **often)
    assert [p.name for p in tmp_path.glob("m*")] == ["m-checkpoint"]
    again = fine_tune(train, encoder=encoder, out=tmp_path / "m", resume=True, **often)
    assert torch.equal(weights(again), weights(whole))
    assert again.card["epochs"] == whole.card["epochs"]
    assert not (tmp_path / "m-checkpoint").exists()


def test_a_real_kill_is_survived(encoder, tmp_path):
    code = KILLED.format(tests=str(Path(__file__).parent), encoder=str(encoder), always=ALWAYS,
                         out=str(tmp_path / "m"), options=OPTIONS)  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    again = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", resume=True, **OPTIONS)
    whole = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "whole", **OPTIONS)
    assert torch.equal(weights(again), weights(whole))


def test_a_checkpoint_of_other_notes_is_refused_and_kept(encoder, tmp_path, monkeypatch):
    often = {**OPTIONS, "checkpoint_minutes": ALWAYS, "encoder": encoder, "out": tmp_path / "m"}
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            fine_tune_ner(TRAIN, **often)
    with pytest.raises(StoreError, match="other notes"):
        fine_tune_ner(TRAIN[1:], resume=True, **often)
    with pytest.raises(StoreError, match="other notes"):
        fine_tune_ner(TRAIN, resume=True, **{**often, "epochs": 4})
    (tmp_path / "m-checkpoint" / "state.safetensors").write_bytes(b"torn")
    with pytest.raises(StoreError, match="must be whole"):
        fine_tune_ner(TRAIN, resume=True, **often)
    assert (tmp_path / "m-checkpoint").exists()


def test_what_is_written_is_read_and_zero_minutes_never_write(tmp_path):
    made = Checkpoint(tmp_path / "c", minutes=0.0, resume=True, identity="x")
    assert not made.is_due()
    assert made.read({}) is None
    standing = Standing(
        step=3, losses=[0.1], history=[{"loss": 0.2, "score": None}], best_epoch=1, top_epoch=1,
        top=Score(0.5, [0.25, -0.25]),
    )  # fmt: skip
    weight = torch.arange(3.0)
    made.write(standing, {"weights/a": weight, "best/a": weight + 1e-7, "adam.step/a": weight[2]})
    back, tensors = made.read({"a": weight})
    assert back == standing
    assert tensors.keys() == {"weights/a", "best/a", "adam.step/a"}
    assert torch.equal(tensors["weights/a"], weight)
    assert torch.equal(tensors["best/a"], weight + 1e-7)
    assert tensors["adam.step/a"] == 2
