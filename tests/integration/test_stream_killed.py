"""`stream_spark` killed again and again while notes arrive: each is there once, none is lost.

The counts that are kept of its batches give the signals of one run over all notes.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clinnlp.core.notes import Note
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import write_notes
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.running import RunningCounts
from clinnlp.study.spark_stream import stream_results
from tests.stream_program import DRUGS, EVENTS, KINDS, baskets_of, nlp

ROOT = Path(__file__).parents[2]


def note(k, *, changed=False):
    drug = DRUGS[k % 7]
    event = EVENTS[k % 7 if k % 5 == 0 else (k // 3) % 7]  # a fifth of it comes of the drug
    more = " Metformin was begun." if changed else ""
    return Note(id=f"n{k}", text=f"Took {drug}. There was {event}. Seen {k}.{more}")


def arrive(folder, file, notes):
    """Let a file of notes arrive, whole."""
    write_notes(notes, folder / f".{file}.jsonl")
    (folder / f".{file}.jsonl").rename(folder / f"{file}.jsonl")


def started(tmp_path, files):
    words = [*(str(tmp_path / name) for name in ("in", "out", "counts.json")), str(files)]
    environ = {
        **os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,  # whatever is first on PATH
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stream_program", *words], cwd=ROOT, env=environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def kill(process):
    """Kill a program and all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def n_done(out):
    return len(list(out.glob("batches/batch=*/_SUCCESS")))


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs a kill that cannot be caught")
@pytest.mark.parametrize(
    ("n_kills", "n_files", "n_each", "files"),  # files in a batch
    [
        pytest.param(3, 16, 30, 1, marks=pytest.mark.slow),
        pytest.param(20, 200, 500, 4, marks=pytest.mark.long),
    ],
)
def test_killed_again_and_again_each_note_is_there_once(
    n_kills, n_files, n_each, files, tmp_path, spark
):
    draw = random.Random(5)
    (tmp_path / "in").mkdir()
    for k in range(n_files):
        arrive(tmp_path / "in", f"f{k:03d}", map(note, range(k * n_each, (k + 1) * n_each)))
    changed = range(5, 11)
    for attempt in range(n_kills):
        process = started(tmp_path, files)
        aim = n_done(tmp_path / "out") + draw.randint(0, max(2, n_files // files // n_kills))
        while process.poll() is None and n_done(tmp_path / "out") < aim:
            time.sleep(0.01)
        time.sleep(draw.random())
        assert process.poll() is None or process.returncode == 0, process.stderr.read()[-2000:]
        kill(process)
        if attempt == n_kills // 2:
            arrive(tmp_path / "in", "g", [note(k, changed=True) for k in changed])
    process = started(tmp_path, files)
    try:
        _, told = process.communicate(timeout=3600)  # a busy machine takes minutes for a batch
    finally:
        if process.poll() is None:
            kill(process)
    assert process.returncode == 0, told[-2000:]

    every = [note(k, changed=k in changed) for k in range(n_files * n_each)]
    whole = entity_table(nlp().stream(every))
    found = stream_results(spark, str(tmp_path / "out"))
    columns = ("note", "start", "end", "text", "label")
    expected = sorted(zip(*(whole[name].tolist() for name in columns), strict=True))
    assert sorted(map(tuple, found.rows.select(*columns).collect())) == expected
    seen = [row.note for row in found.notes.select("note").collect()]
    assert sorted(seen) == sorted(one.id for one in every)
    assert found.failures.count() == 0
    same_signals(RunningCounts.load(tmp_path / "counts.json"), every, whole)


def same_signals(counts, every, whole):
    """Check that counts that were kept over all kills give the signals of one run."""
    rows = [{"note": one.id, "code": None, "kind": None} for one in every]
    rows += [
        {"note": note_id, "code": text.lower(), "kind": KINDS[label]}
        for note_id, text, label in zip(
            *(whole[name].tolist() for name in ("note", "text", "label")), strict=True
        )
    ]
    limits = {"min_count": 1, "min_margin": 1}
    ours = mine_signals(counts, **limits)
    with baskets_of(rows) as made:
        theirs = mine_signals(made, **limits)
    assert (len(counts), ours.m, len(ours)) == (len(every), theirs.m, len(theirs))
    assert len(ours) > 20
    for name, column in theirs.columns.items():
        np.testing.assert_array_equal(ours[name], column, err_msg=name)
