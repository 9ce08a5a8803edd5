"""How long notes wait that arrive in files: scripts/bench arriving.

Files of small notes come one after the other; `clinnlp watch` (its Python function) and
`stream_spark`, one file in a batch, say how long each took from the look, or the batch, to rows on
the disk.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.watch import watch
from tests.bench import record
from tests.stream_program import DRUGS, EVENTS, nlp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--notes", type=int, default=500)
    parser.add_argument("--ways", nargs="+", default=["watch", "spark"])
    args = parser.parse_args()
    for way in args.ways:
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder, "in")
            base.mkdir()
            seconds = WAYS[way](base, Path(folder, "out"), args.files, args.notes)
            told = {"files": args.files, "notes_each": args.notes}
            figures = {
                "first_s": seconds[0],
                "median_s": median(seconds[1:]),
                "most_s": max(seconds[1:]),
            }
            record(f"arriving: {way}", **told, **{k: round(v, 2) for k, v in figures.items()})


def arrive(folder: Path, k: int, n: int) -> None:
    made = [
        Note(id=f"n{j}", text=f"Took {DRUGS[j % 7]}. There was {EVENTS[j % 5]}. Seen {j}.")
        for j in range(k * n, (k + 1) * n)
    ]
    write_notes(made, folder / f".{k:05d}.jsonl")
    (folder / f".{k:05d}.jsonl").rename(folder / f"{k:05d}.jsonl")


def by_watch(folder: Path, out: Path, files: int, notes: int) -> list[float]:
    seconds = []
    arrive(folder, 0, notes)
    for look in watch(folder, nlp(), out, every_seconds=0.05, progress=False):
        seconds.append(look.seconds)
        if len(seconds) == files:
            break
        arrive(folder, len(seconds), notes)
    return seconds


def by_spark(folder: Path, out: Path, files: int, notes: int) -> list[float]:
    from pyspark.sql import SparkSession

    from clinnlp.study.spark_stream import stream_spark

    session = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    session.sparkContext.pythonExec = sys.executable
    arriving = session.readStream.schema("id string, text string").json(str(folder))
    query = stream_spark(arriving, str(out), pipeline_of=nlp)
    seconds = []
    for k in range(files):
        arrive(folder, k, notes)
        while len(told := [p for p in query.recentProgress if p["numInputRows"]]) <= k:
            time.sleep(0.05)
        seconds.append(told[k]["durationMs"]["triggerExecution"] / 1000)
    query.stop()
    session.stop()
    return seconds


WAYS = {"watch": by_watch, "spark": by_spark}

if __name__ == "__main__":
    main()
