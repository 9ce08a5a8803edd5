"""From a file of notes to its mentions: one process, two, and Spark: scripts/bench engines.

Reads the 1,627 distinct notes of MTSamples, or with --copies several copies of them, by `clinnlp
extract` on one thread, with two workers, and by Spark with two local executors; times each from the
start of its command to its end, and on one note alone, which is what starting takes; compares the
rows. --model none takes the word list of corpora/discharge-mini, else the model in the box reads,
or a folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

import clinnlp
from tests.bench import ROOT, record
from tests.bench.extract import distinct_notes

WORDS = ROOT / "corpora" / "discharge-mini" / "vocabulary.csv"
KEYS = ["note", "start", "end", "label"]
WAYS = {"one": ["--workers", "1"], "two": ["--workers", "2"], "spark": ["--engine", "spark"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a folder, or none; default: the model in the box")
    parser.add_argument("--int8", action="store_true", help="the model reads in 8-bit integers")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    args = parser.parse_args()
    folder = ROOT / "out" / "engines"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    n = clinnlp.write_notes(copies(args.copies), folder / "notes.jsonl")
    clinnlp.write_notes(islice(distinct_notes(), 1), folder / "one.jsonl")
    reader = ["--model", args.model] if args.model else []
    reader += ["--int8"] * args.int8
    if args.model == "none":
        reader += ["--vocabulary", str(WORDS)]
    found = {}
    for way in args.ways:
        start, start_used = timed(folder, way, reader, "one")
        seconds, used = timed(folder, way, reader, "notes")
        found[way] = rows_of(folder / way)
        figures = {"notes": n, "copies": args.copies, "mentions": len(found[way])}
        equal = equal_rows(found[way], found[args.ways[0]])
        rate = {"seconds": round(seconds, 1), "cpu_seconds": round(used, 1), "equal": equal}
        rate |= {"start_seconds": round(start, 1), "start_cpu_seconds": round(start_used, 1)}
        model = (args.model or "box") + " in 8 bits" * args.int8
        record(f"engines: {way}", model=model, **figures, **rate,
               notes_per_second=round(n / seconds, 1),
               notes_per_second_once_started=round(n / max(seconds - start, 1e-9), 1))  # fmt: skip


def copies(n: int):
    for note in distinct_notes():
        for k in range(n):
            yield replace(note, id=f"{note.id}-{k}")


def timed(folder: Path, way: str, reader: list[str], notes: str) -> tuple[float, float]:
    """Return the seconds of one command, by the clock and of all its processes."""
    out = way if notes == "notes" else f"{way}-{notes}"
    words = ["extract", str(folder / f"{notes}.jsonl"), str(folder / out), *reader, *WAYS[way]]
    if way == "spark":  # the name that a Spark table gives the column is that of the key
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    start, before = time.monotonic(), os.times()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "clinnlp.cli", *words], check=True, env=environment,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    return time.monotonic() - start, used


def rows_of(folder: Path) -> pd.DataFrame:
    """Return the mentions under one folder, sorted, of the columns that both ways have."""
    given = folder / "mentions" if (folder / "mentions").is_dir() else folder
    parts = [p for p in sorted(given.glob("*.parquet")) if pq.read_metadata(p).num_rows]
    frame = pd.concat([pd.read_parquet(p) for p in parts], ignore_index=True)
    return frame.dropna(subset=["start"]).sort_values(KEYS, kind="stable", ignore_index=True)


def equal_rows(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Tell whether two tables have the same mentions, their scores equal to 1e-4."""
    if len(ours) != len(theirs):
        return False
    held = [c for c in ours.columns if c in theirs.columns and c != "score"]
    same = all(ours[c].astype(str).equals(theirs[c].astype(str)) for c in held)
    return same and bool((ours["score"] - theirs["score"]).abs().fillna(0).le(1e-4).all())


if __name__ == "__main__":
    main()
