"""Extract over the 1,627 distinct mtsamples notes, kill, resume, compare: scripts/bench extract.

Needs a model folder: scripts/bench ner makes out/models/bc5cdr-default-0. Checks that each mention
equals its note at its offsets, that every token was seen, and that a run killed halfway and
resumed writes the same mentions.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import clinnlp
from clinnlp.io.tables.mentions import read_entity_table
from tests.bench import DATA, ROOT, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    parser.add_argument("--no-resume", action="store_true", help="skip the kill and resume")
    args = parser.parse_args()

    notes = ROOT / "out" / "mtsamples.jsonl"
    n_notes = clinnlp.write_notes(distinct_notes(), notes)
    whole, halved = ROOT / "out" / "mtsamples", ROOT / "out" / "mtsamples-killed"
    said = run(args.model, notes, whole)
    table = read_entity_table(whole)
    texts = {note.id: note.text for note in clinnlp.read_notes(notes)}
    wrong = sum(
        texts[n][s:e] != t
        for n, s, e, t in zip(table["note"], table["start"], table["end"], table["text"],
                              strict=True)
    )  # fmt: skip
    record("extract", notes=n_notes, mentions=len(table), mentions_off_their_text=wrong, said=said)
    if not args.no_resume:
        killed_then_resumed(args.model, notes, halved)
        again = read_entity_table(halved)
        equal = all(
            np.array_equal(again[c], table[c], equal_nan=c == "score") for c in table.SCHEMA
            if table.SCHEMA[c] != "time"
        )  # fmt: skip
        record("extract, killed and resumed", mentions=len(again), equal=equal)


def distinct_notes():
    """Return the distinct non-empty texts, in file order."""
    frame = pd.read_csv(DATA / "mtsamples" / "mtsamples.csv.xz", keep_default_na=False)
    frame = frame[frame["transcription"].str.strip() != ""].drop_duplicates("transcription")
    frame = frame.assign(row=[f"mt{i}" for i in frame.index])
    return clinnlp.from_pandas(frame, text="transcription", id="row")


def command(model: str, notes: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "clinnlp.cli", "extract", str(notes), str(out),
            "--model", model, "--part-size", "200"]  # fmt: skip


def run(model: str, notes: Path, out: Path) -> str:
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(command(model, notes, out), check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def killed_then_resumed(model: str, notes: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    child = subprocess.Popen(command(model, notes, out), stderr=subprocess.DEVNULL)
    while len(list(out.glob("part-*.parquet"))) < 4:
        time.sleep(0.5)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    n_parts = len(list(out.glob("part-*.parquet")))
    done = subprocess.run(command(model, notes, out), check=True, stdout=subprocess.PIPE, text=True)
    print(json.dumps({"parts when killed": n_parts, "resumed": done.stdout.strip()}))


if __name__ == "__main__":
    main()
