"""`clinnlp extract` with worker processes: killed, interrupted, and silent about text."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clinnlp.io.tables.mentions import read_entity_table

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"
WORDS = ("--vocabulary", MINI / "vocabulary.csv")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="looks for workers in /proc"
)


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """Give a file of 100 copies of the notes, each with ids of its own: seconds of work."""
    path = tmp_path_factory.mktemp("notes") / "notes.jsonl"
    lines = (MINI / "test.jsonl").read_text().splitlines()
    copies = (line.replace('"id":"', f'"id":"{k}-', 1) for k in range(100) for line in lines)
    path.write_text("\n".join(line.replace('"id": "', '"id": "c', 1) for line in copies) + "\n")
    return path


def started(notes, out):
    command = ["extract", notes, out, *WORDS, "--workers", 2, "--batch-size", 8, "--part-size", 50]
    return subprocess.Popen(
        [sys.executable, "-m", "clinnlp.cli", *map(str, command)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def workers_of(process):
    """Return the processes that a command has started and that serve it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = (stat.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        if parent == process.pid and "spawn_main" in words:
            found.append(int(stat.parent.name))
    return found


def parts_begun(process, out):
    while process.poll() is None and not list(out.glob("part-*")):
        time.sleep(0.02)
    return process.poll() is None


def rows(out):
    return list(map(repr, read_entity_table(out).rows()))


@pytest.mark.slow
def test_a_worker_is_killed_and_later_all_are_interrupted(notes, tmp_path):
    whole = started(notes, tmp_path / "whole")
    said, told = whole.communicate()
    assert (whole.returncode, "workers 2, MB per worker" in said) == (0, True), told

    killed = started(notes, tmp_path / "killed")
    assert parts_begun(killed, tmp_path / "killed")
    os.kill(workers_of(killed)[0], signal.SIGKILL)
    said, told = killed.communicate()
    assert (killed.returncode, "workers that died 1" in said) == (0, True), told
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    assert "Traceback" not in told

    stopped = started(notes, tmp_path / "stopped")
    assert parts_begun(stopped, tmp_path / "stopped")
    pids = workers_of(stopped)
    os.killpg(stopped.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, told = stopped.communicate()
    assert stopped.returncode == 130
    assert "Traceback" not in told
    assert "interrupted; the notes done so far are kept" in told
    assert not any(Path("/proc", str(pid), "exe").exists() for pid in pids)
    again = started(notes, tmp_path / "stopped")
    again.communicate()
    assert again.returncode == 0
    assert rows(tmp_path / "stopped") == rows(tmp_path / "whole")
