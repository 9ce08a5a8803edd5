"""Ctrl-C, or a job system that ends a training: the command that is printed goes on."""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from clinnlp.io.notes.corpora import write_notes
from tests.unit.bert.conftest import TRAIN, make_encoder

ROOT = Path(__file__).parents[2]


def words(out):
    flags = {"--encoder": "encoder", "--epochs": 100, "--max-tokens": 48, "--stride": 8,
             "--tokens-per-batch": 40, "--bf16": "off", "--out": out}  # fmt: skip
    command = [sys.executable, "-m", "clinnlp.cli", "fine-tune", "ner", "notes.jsonl"]
    return [*command, *(str(word) for pair in flags.items() for word in pair)]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
    ],
)
def test_the_command_that_is_printed_ends_in_the_same_weights(number, tmp_path):
    make_encoder(tmp_path / "encoder")
    write_notes(TRAIN, tmp_path / "notes.jsonl")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    where = {"cwd": tmp_path, "env": env, "text": True}
    heard = partial(signal.signal, number, signal.SIG_DFL)  # whatever these tests run under
    running = subprocess.Popen(words("a model"), stderr=subprocess.PIPE, preexec_fn=heard, **where)
    said = ""
    while not re.search(r" [1-9]\d*/\d+ ", said) and (more := running.stderr.read(1)):
        said += more
    running.send_signal(number)
    said += running.communicate()[1]
    assert running.returncode == 128 + number, said
    told = said.splitlines()[-1].split(
        "the training so far is kept in a model-checkpoint, go on with: "
    )
    assert len(told) == 2, said
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a model-checkpoint", "encoder", "notes.jsonl",
    ]  # fmt: skip
    subprocess.run(["sh", "-c", told[1]], check=True, stderr=subprocess.DEVNULL, **where)
    subprocess.run(words("whole"), check=True, stderr=subprocess.DEVNULL, **where)
    first, second = (tmp_path / name / "model.safetensors" for name in ("a model", "whole"))
    assert first.read_bytes() == second.read_bytes()
    assert not (tmp_path / "a model-checkpoint").exists()
