"""A signal ends a command as an interrupt does: clean folders, and an exit code of its own."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.cli.signals import Ended, ended_by_signals

NOTES = Path(__file__).parents[3] / "corpora" / "discharge-mini" / "train.jsonl"

# sends itself a signal when it opens a file of such a name: the work stands half done then
STRUCK = """
import os, signal, sys
from clinnlp.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run under nohup
signal.signal(signal.SIGHUP, signal.SIG_DFL)
number, name, before, *argv = sys.argv[1:]
exec(before)

def strike(event, args):
    if event in ("open", "os.mkdir") and name in str(args[0]):
        os.kill(os.getpid(), int(number))

sys.addaudithook(strike)
sys.exit(main(argv))
"""


def struck(number, *argv, at=".part", before=""):
    command = [sys.executable, "-c", textwrap.dedent(STRUCK), str(int(number)), at, before, *argv]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_which_leaves_nothing_and_says_so(tmp_path, number):
    for name in ("one.jsonl", "a-folder"):
        form = () if "." in name else ("--to", "brat")
        done = struck(number, "convert", NOTES, tmp_path / name, *form, "--on-loss", "sidecar")
        assert done.returncode == 128 + number
        assert done.stderr.startswith("clinnlp: interrupted")
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


def test_a_signal_that_comes_while_a_lock_is_taken_leaves_none(tmp_path):
    done = struck(signal.SIGTERM, "convert", NOTES, tmp_path / "one.jsonl", at=".one.jsonl.lock")
    assert done.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_a_hangup_that_the_caller_ignores_stays_ignored(tmp_path):
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    done = struck(signal.SIGHUP, "convert", NOTES, tmp_path / "one.jsonl", before=ignore)
    assert done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["one.jsonl"]


def test_the_first_signal_counts_and_the_second_does_not_break_off_the_cleaning_up():
    cleaned = False
    with pytest.raises(Ended) as caught, ended_by_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            cleaned = True
    assert cleaned
    assert caught.value.code == 143


def test_handlers_are_given_back_and_importing_sets_none(tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    assert main(["convert", str(NOTES), str(tmp_path / "one.jsonl")]) == 0
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == before
    code = "import signal, clinnlp, clinnlp.cli.signals; print(signal.getsignal(signal.SIGTERM))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0"] or "SIG_DFL" in said.stdout
