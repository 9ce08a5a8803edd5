"""A search of settings that is killed at any moment: the same call then finds the very same.

The process that imports torch forks a child for each search. A child is killed when it has touched
the folder for the n-th time (opened, renamed, removed something there, asked SQLite for it), or by
the clock.
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
import optuna
from clinnlp.study.tune import tune_ner
from tests.unit.bert.conftest import QUICK, TRAIN

encoder, base, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
OPTIONS = {**QUICK, "tokens_per_batch": 40, "epochs": 2, "learning_rate": 0.01,
           "selection_fraction": 0.3, "checkpoint_minutes": 1e-9}
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.scandir",
          "sqlite3.connect"}

def search(folder, moment):
    seen = 0
    def touch(event, args):
        nonlocal seen
        if event in EVENTS and args and str(folder) in str(args[0]):
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(touch)
    found = tune_ner(TRAIN, encoder=encoder, out=folder / "s", trials=6, **OPTIONS)
    rows = [[t.number, dict(t.changed), t.score, t.given_up, t.n_epochs] for t in found.trials]
    (folder / "found").write_text(json.dumps(rows))
    (base / "seen").write_text(str(seen))

def in_child(folder, moment=0, seconds=None):
    folder.mkdir(exist_ok=True)
    child = os.fork()
    if not child:
        code = 1
        try:
            search(folder, moment)
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def made(folder):
    return [sorted(p.name for p in (folder / "s").iterdir()),
            json.loads((folder / "found").read_text()), (folder / "s" / "best.toml").read_text()]

began = time.perf_counter()
codes = [in_child(base / "whole")]
took, wanted = time.perf_counter() - began, made(base / "whole")
n_moments = int((base / "seen").read_text())
draw, same, struck = random.Random(16), [], []
for k in range(n):
    folder = base / f"killed{k}"
    if k % 2:
        struck.append(in_child(folder, draw.randint(1, n_moments)))
    else:
        struck.append(in_child(folder, seconds=draw.random() * took))
    codes.append(in_child(folder))
    same.append(made(folder) == wanted)
    shutil.rmtree(folder)
print(json.dumps([wanted[0], n_moments, codes, struck, same]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.long
def test_after_a_kill_at_any_moment_the_next_run_finds_the_same(tmp_path):
    pytest.importorskip("optuna")
    n = 20
    encoder = make_encoder(tmp_path / "encoder")
    base = tmp_path / "runs"
    base.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SERVER, str(encoder), str(base), str(n)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left, n_moments, codes, struck, same = json.loads(done.stdout.splitlines()[-1])
    assert left == ["best.toml", "history.svg", "search.sqlite", "trials.csv"]
    assert n_moments > 50
    assert codes == [0] * (n + 1), done.stderr
    assert struck.count(-9) >= n // 2  # the clock may strike too late
    assert same == [True] * n
