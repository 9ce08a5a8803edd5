"""Commands that are killed, told to end, or run out of disk: the next run makes up for it.

A run is struck when it has touched its output for the n-th time (opened, locked, renamed, removed
something there), and at moments of the clock in between. Whatever it was doing, the same command
then gives what an uninterrupted run gives, and nothing else lies in the folder.
"""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.deidentify.keys import make_key
from clinnlp.study.synthetic import write_cohort_mini

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"
NOTES = MINI / "test.jsonl"
WORDS = ("--vocabulary", MINI / "vocabulary.csv")
FEW = ("--n-boot", "0", "--n-top", "0", "--n-folds", "2", "--models", "naive_bayes")

# name of the output → the command that writes it, but for that name; {} is a folder of inputs
COMMANDS = {
    "parts": ("extract", NOTES, "OUT", *WORDS, "--part-size", "4"),
    "whole.jsonl": ("extract", NOTES, "OUT", *WORDS),
    "table.parquet": ("extract", NOTES, "OUT", *WORDS),
    "notes.jsonl.gz": ("convert", NOTES, "OUT"),
    "notes.conll": ("convert", NOTES, "OUT", "--on-loss", "sidecar"),
    "notes.brat": ("convert", NOTES, "OUT", "--to", "brat", "--on-loss", "sidecar"),
    "deid.jsonl": ("deidentify", NOTES, "OUT", "--key", "{}/key", "--part-size", "4"),
    "mined": ("mine", "{}/entities", "--out", "OUT"),
    "errors": ("score", NOTES, NOTES, "--n-boot", "1", "--report", "OUT"),
    "risk": ("risk", "{}/cohort/outcome.csv", "--events", "{}/cohort/events.csv", "--out", "OUT",
             *FEW, "--keep", "naive_bayes"),
    "applied": ("risk", "apply", "{}/model", "{}/cohort/outcome.csv", "--events",
                "{}/cohort/events.csv", "--out", "OUT"),
}  # fmt: skip
IN_CI = ("parts", "notes.brat", "deid.jsonl", "mined")  # each stands for a way of writing
MANY = (*IN_CI, "whole.jsonl", "notes.jsonl.gz")

# runs a command; dies of a signal, or counts, when it touches what lies in a folder
STRUCK = """
import os, sys
from clinnlp.cli import main

number, moment, folder, *argv = sys.argv[1:]
seen, busy = 0, False

def touch(event, args):
    global seen, busy
    if busy or event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod",
                             "fcntl.flock", "os.scandir"):
        return
    busy = True
    where = args[0] if args else ""
    if event == "fcntl.flock" or folder in str(where):
        seen += 1
        if seen == int(moment):
            os.kill(os.getpid(), int(number))
    busy = False

sys.addaudithook(touch)
code = main(argv)
with open(os.environ["COUNT"], "w") as handle:
    handle.write(str(seen))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Give a folder of what the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    write_cohort_mini(folder / "cohort", n_patients=300, n_noted=5)
    for name in ("parts", "risk"):
        assert main(words(name, folder / name, folder)) == 0
    make_key(folder / "key")
    (folder / "parts").rename(folder / "entities")
    (folder / "risk" / "model").rename(folder / "model")
    return folder


def words(name, out, inputs):
    return [
        str(out) if word == "OUT" else str(word).replace("{}", str(inputs))
        for word in COMMANDS[name]
    ]


class Runs:
    """Runs of one command, each into a folder of its own."""

    def __init__(self, name, base, inputs, monkeypatch):
        self.name, self.base, self.inputs = name, base, inputs
        self.scratch = base / "scratch"
        self.scratch.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(self.scratch))
        began = time.perf_counter()
        code, self.n_moments = self.struck(self.base / "whole", 0, 0)
        self.seconds = time.perf_counter() - began
        assert code == 0
        assert self.n_moments > 3
        self.wanted = self.contents(self.base / "whole")

    def struck(self, folder, number, moment, *, after=None):
        """Run in a process of its own; return its exit code and how often it touched the output."""
        folder.mkdir(exist_ok=True)
        argv = words(self.name, folder / self.name, self.inputs)
        count = self.base / "count"
        process = subprocess.Popen(
            [sys.executable, "-c", STRUCK, str(int(number)), str(moment), str(folder), *argv],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(self.scratch), "COUNT": str(count)},
        )  # fmt: skip
        try:
            _, self.said = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            _, self.said = process.communicate()
        return process.returncode, int(count.read_text()) if count.exists() else 0

    def contents(self, folder):
        """Return what lies in a folder, by name: bytes, or rows where their order may differ."""
        out = folder / self.name
        found = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            stamped = path.suffix in (".skops", ".html", ".md") or path.name == "card.json"
            if path.is_file():
                found[name] = "" if stamped or self.name == "parts" else path.read_bytes()
        if self.name == "parts":
            found["rows"] = sorted(map(repr, read_entity_table(out).rows()))
        return found

    def check_next(self, folder):
        """The same command once more gives all that was wanted, and nothing is left aside."""
        # a folder of notes is not written over: where the stroke came too late, it is whole
        whole = self.name == "notes.brat" and self.contents(folder) == self.wanted
        assert main(words(self.name, folder / self.name, self.inputs)) == (2 if whole else 0)
        assert self.contents(folder) == self.wanted
        assert list(self.scratch.iterdir()) == []
        shutil.rmtree(folder)


@pytest.fixture
def runs(request, tmp_path, inputs, monkeypatch):
    return Runs(request.param, tmp_path, inputs, monkeypatch)


def moments(n, runs):
    """Draw moments: most at a touch, some by the clock."""
    draw = random.Random(20)
    by_touch = [draw.randint(1, runs.n_moments) for _ in range(n - n // 3)]
    return [*((k, None) for k in by_touch), *((0, draw.random()) for _ in range(n // 3))]


def times(in_ci, many, few):
    """Return each command with how often it is struck, by tier."""
    ci = (pytest.param(name, in_ci, marks=pytest.mark.slow) for name in IN_CI)
    rest = ((name, many if name in MANY else few) for name in COMMANDS)
    return [*ci, *(pytest.param(*one, marks=pytest.mark.long) for one in rest)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill that cannot be caught")
@pytest.mark.parametrize(("runs", "n"), times(5, 30, 10), indirect=["runs"])
def test_after_a_kill_at_any_moment_the_next_run_gives_all(runs, n, tmp_path):
    for k, (moment, share) in enumerate(moments(n, runs)):
        folder = tmp_path / f"killed{k}"
        after = None if share is None else share * runs.seconds
        code, _ = runs.struck(folder, signal.SIGKILL, moment, after=after)
        assert code == -signal.SIGKILL or share is not None  # the clock may strike too late
        runs.check_next(folder)


@pytest.mark.skipif(not hasattr(signal, "SIGTERM"), reason="needs a signal to end")
@pytest.mark.parametrize(("runs", "n"), times(3, 15, 15), indirect=["runs"])
def test_told_to_end_at_any_moment_a_command_leaves_nothing_aside(runs, n, tmp_path):
    for k, (moment, _) in enumerate(moments(n, runs)[: n - n // 3]):
        folder = tmp_path / f"ended{k}"
        code, _ = runs.struck(folder, signal.SIGTERM, moment)
        assert code in (143, 0), runs.said  # 0 where all was done when the signal came
        assert list(folder.rglob(".*")) == []
        assert list(runs.scratch.iterdir()) == []
        runs.check_next(folder)


# --- no room left --------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """Give a file system of 16 kB and how to make it large."""
    folder = tmp_path / "disk"
    folder.mkdir()
    call = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(call, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    more = ["mount", "-o", "remount,size=64m", str(folder)]
    yield folder, lambda: subprocess.run(more, check=True)
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("runs", [name for name in COMMANDS if name != "applied"], indirect=True)
def test_a_full_disk_is_one_sentence_and_later_the_same_command_gives_all(runs, small_disk, capfd):
    disk, enlarge = small_disk
    assert main(words(runs.name, disk / "run" / runs.name, runs.inputs)) == 1
    said = [line for line in capfd.readouterr().err.splitlines() if "clinnlp: " in line]
    assert len(said) == 1
    assert "the disk is full" in said[0]
    assert list(disk.rglob(".*")) == []
    assert list(runs.scratch.iterdir()) == []
    if runs.name == "parts":
        read_entity_table(disk / "run" / "parts")  # what was written is whole
    enlarge()
    runs.check_next(disk / "run")


LIMITED = """
import resource, sys
from clinnlp.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_that_may_not_grow_further_is_told_and_nothing_is_left(tmp_path):
    pytest.importorskip("resource")
    command = ("extract", NOTES, tmp_path / "out.jsonl", *WORDS)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, command)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        f"clinnlp: writing {tmp_path / 'out.jsonl'} failed: {os.strerror(errno.EFBIG)}; "
        "nothing half-written was left"
    )
    assert list(tmp_path.iterdir()) == []
