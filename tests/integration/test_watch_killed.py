"""`clinnlp watch` killed again and again while notes arrive: each is there once, none is lost."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.mentions import read_entity_table

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "corpora" / "discharge-mini" / "vocabulary.csv"
TEXTS = ("Took aspirin daily. Denies chest pain.", "Warfarin was stopped.", "No complaint.")


def arrive(folder, file, numbers, *, changed=False):
    """Let a file of notes arrive, whole."""
    more = " Lisinopril 5 mg was begun." if changed else ""
    made = [Note(id=f"n{k}", text=f"{TEXTS[k % 3]} Seen {k}.{more}") for k in numbers]
    write_notes(made, folder / f".{file}.jsonl")
    (folder / f".{file}.jsonl").rename(folder / f"{file}.jsonl")


def started(folder, out, size):
    command = ["watch", folder, "--out", out, "--vocabulary", WORDS, "--every", "0.05",
               "--part-size", size, "--batch-size", "64"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "clinnlp.cli", *map(str, command)], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def n_done(out):
    """Return how many parts there are: how far a run has come."""
    return len(list(out.glob("part-*.parquet")))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill that cannot be caught")
@pytest.mark.parametrize(
    ("n_kills", "n_files", "n_each", "size"),  # size: notes in a part
    [
        pytest.param(3, 12, 30, 40, marks=pytest.mark.slow),
        pytest.param(20, 200, 500, 1_000, marks=pytest.mark.long),
    ],
)
def test_killed_again_and_again_each_note_is_there_once(n_kills, n_files, n_each, size, tmp_path):
    draw = random.Random(4)
    folder, out = tmp_path / "arriving", tmp_path / "out"
    folder.mkdir()
    for k in range(n_files):
        arrive(folder, f"f{k:03d}", range(k * n_each, (k + 1) * n_each))
    changed = range(5, 11)
    for kill in range(n_kills):
        process = started(folder, out, size)
        aim = n_done(out) + draw.randint(1, max(2, n_files * n_each // size // n_kills))
        while (
            process.poll() is None and n_done(out) < aim and not is_all(out, n_files * n_each, size)
        ):
            time.sleep(0.01)
        time.sleep(draw.random() / 50)
        process.kill()
        process.communicate()
        if kill == n_kills // 2:
            arrive(folder, "g", changed, changed=True)
    process = started(folder, out, size)
    process.terminate()
    _, told = process.communicate()
    assert process.returncode in (143, -signal.SIGTERM)
    assert "Traceback" not in told
    assert main(["watch", str(folder), "--out", str(out), "--vocabulary", str(WORDS),
                 "--part-size", str(size), "--once"]) == 0  # fmt: skip

    gathered = tmp_path / "all.jsonl"
    whole = tmp_path / "whole"
    every = [
        Note(id=f"n{k}", text=f"{TEXTS[k % 3]} Seen {k}."
             + (" Lisinopril 5 mg was begun." if k in changed else ""))
        for k in range(n_files * n_each)
    ]  # fmt: skip
    write_notes(every, gathered)
    assert main(["extract", str(gathered), str(whole), "--vocabulary", str(WORDS)]) == 0
    assert rows(out) == rows(whole)
    assert list(out.glob(".*")) == []


def is_all(out, n, size):
    return n_done(out) * size >= n


def rows(out):
    return sorted(map(repr, read_entity_table(out).rows()))
