"""A training that is killed at any moment: the same call then ends in the very same weights.

The process that imports torch forks a child for each training. A child is killed when it has
touched the folder for the n-th time (opened, renamed, removed something there), or by the clock.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.bert.conftest import make_encoder

ROOT = Path(__file__).parents[2]

SERVER = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.train import fine_tune_ner
from tests.unit.bert.conftest import QUICK, TRAIN

name, encoder, base, n = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
OPTIONS = {**QUICK, "tokens_per_batch": 40, "epochs": 3, "selection_fraction": 0.3}
if name == "pretrain":
    OPTIONS = {**OPTIONS, "max_tokens": 12}
    del OPTIONS["stride"]

def train(folder, moment):
    seen = 0
    def touch(event, args):
        nonlocal seen
        if event in EVENTS and args and str(folder) in str(args[0]):
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.scandir"}
    sys.addaudithook(touch)
    run = pretrain if name == "pretrain" else fine_tune_ner
    run(TRAIN, encoder=encoder, out=folder / "m", checkpoint_minutes=1e-9, **OPTIONS)
    (base / "seen").write_text(str(seen))

def in_child(folder, moment=0, seconds=None):
    folder.mkdir(exist_ok=True)
    child = os.fork()
    if not child:
        code = 1
        try:
            train(folder, moment)
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def made(folder):
    record = json.loads((folder / "m" / MADE).read_text())
    card = record.get("card", record)
    return [sorted(p.name for p in folder.iterdir()), card["epochs"], card["n_steps"],
            (folder / "m" / "model.safetensors").read_bytes().hex()]

MADE = "pretrain.json" if name == "pretrain" else "clinnlp.json"
began = time.perf_counter()
codes = [in_child(base / "whole")]
took, wanted = time.perf_counter() - began, made(base / "whole")
n_moments = int((base / "seen").read_text())
draw, same, struck = random.Random(16), [], []
for k in range(n):
    folder = base / f"killed{k}"
    if k % 3:
        struck.append(in_child(folder, draw.randint(1, n_moments)))
    else:
        struck.append(in_child(folder, seconds=draw.random() * took))
    codes.append(in_child(folder))
    found = made(folder)
    same.append([each for each, other in zip(found[:3], wanted) if each != other] or
                found == wanted)
    shutil.rmtree(folder)
print(json.dumps([wanted[0], n_moments, codes, struck, same]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("name", ["fine-tune", "pretrain"])
@pytest.mark.parametrize(
    "n", [pytest.param(5, marks=pytest.mark.slow), pytest.param(30, marks=pytest.mark.long)]
)
def test_after_a_kill_at_any_moment_the_next_run_ends_in_the_same_weights(name, n, tmp_path):
    encoder = make_encoder(tmp_path / "encoder")
    base = tmp_path / "runs"
    base.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SERVER, name, str(encoder), str(base), str(n)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left, n_moments, codes, struck, same = json.loads(done.stdout.splitlines()[-1])
    assert left == ["m"]
    assert n_moments > 10
    assert codes == [0] * (n + 1), done.stderr
    assert struck.count(-9) >= n - n // 3 - 1  # the clock may strike too late
    assert same == [True] * n
