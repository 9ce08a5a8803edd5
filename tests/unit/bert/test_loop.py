"""The loop: its schedule, its order, and two processes that stay in step."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch.distributed import TCPStore

from clinnlp.bert import loop
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import DataError, MissingExtra, RunError

from .conftest import QUICK, TRAIN

TWO = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import TRAIN, QUICK
from clinnlp.bert.train import fine_tune_ner
made = fine_tune_ner(TRAIN, encoder={encoder!r}, out={out!r}, epochs=3, **QUICK)
import accelerate, torch
n_processes = accelerate.PartialState().num_processes
total = sum(float(p.double().sum()) for p in made.network.model.parameters())
sys.stdout.write(f"{{n_processes}} {{made.card['n_steps']}} {{total:.12f}}")
"""


def test_a_diverging_loss_is_told(encoder, tmp_path):
    with pytest.raises(RunError, match="lower learning_rate"):
        fine_tune_ner(
            TRAIN, encoder=encoder, out=tmp_path, epochs=40, learning_rate=1e30, clip=1e30, **QUICK
        )


def test_a_tracker_that_is_not_installed_is_told_before_training(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="mlflow"):
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", trackers=["mlflow"], **QUICK)
    with pytest.raises(DataError, match="trackers must be one of"):
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", trackers=["carrier"], **QUICK)


def test_only_a_named_tracker_is_told(encoder, tmp_path):
    pytest.importorskip("tensorboard")
    fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "a", epochs=1, **QUICK)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "b", epochs=1, trackers=["tensorboard"],
                  **QUICK)  # fmt: skip
    assert list((tmp_path / "b-logs").rglob("events.*"))


def test_several_batches_make_one_step(encoder, tmp_path):
    small = {**QUICK, "tokens_per_batch": 40, "epochs": 1}
    steps = [
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, accumulate=n, **small).card["n_steps"]
        for n in (1, 2, 100)
    ]
    assert steps[1] == -(-steps[0] // 2)
    assert steps[2] == 1


def test_it_stops_when_nothing_gets_better(encoder, tmp_path):
    made = fine_tune_ner(
        TRAIN, encoder=encoder, out=tmp_path, epochs=30, patience=2, learning_rate=1e-9,
        selection_fraction=0.3, **QUICK,
    )  # fmt: skip
    assert (made.card["best_epoch"], len(made.card["epochs"])) == (3, 3)  # all are alike


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights(encoder, tmp_path):
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # holds its port
    code = TWO.format(
        tests=str(Path(__file__).parent), encoder=str(encoder), out=str(tmp_path / "m")
    )
    shared = {"ACCELERATE_USE_CPU": "true", "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port),
             "TORCHELASTIC_USE_AGENT_STORE": "True"}  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | shared | where | {"RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    first, second = (process.communicate()[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert first == second
    assert first.startswith("2 ")
    assert load(tmp_path / "m").labels == ("Drug", "Problem")
