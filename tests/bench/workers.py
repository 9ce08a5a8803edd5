"""Two threads of one process against two processes, on MTSamples: scripts/bench workers.

Both read the same notes for the same seconds, at the same time, so that a busy machine treats them
alike. Tells the notes that each has read and the seconds of processor it took for 100. With a model
(--model FOLDER), threads are those of the network itself.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from clinnlp.core.pipeline import chunks
from clinnlp.core.workers import peak_memory
from clinnlp.study.pipeline import pipeline
from tests.bench import ROOT, record
from tests.bench.extract import distinct_notes

SIZE = 64
N_NOTES = 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(3), context.Queue()
    given = (args.model, args.seconds, ready, told)
    started = [
        context.Process(target=read, args=(name, threads, *given))
        for name, threads in (("two threads", 2), ("two processes", 1), ("two processes", 1))
    ]
    for one in started:
        one.start()
    rows = [told.get() for _ in started]
    for name in ("two threads", "two processes"):
        mine = [row for row in rows if row["name"] == name]
        n, seconds = sum(row["notes"] for row in mine), sum(row["seconds"] for row in mine)
        figures = {"notes": n, "cpu_seconds_of_100": round(100 * seconds / max(n, 1), 3)}
        memory = max(row["memory"] for row in mine)
        record(f"workers: {name}", model=bool(args.model), **figures, MB=memory // 10**6)


def read(name, threads, model, seconds, ready, told):
    os.environ["OMP_NUM_THREADS"] = str(threads if model else 1)
    words = ROOT / "corpora" / "discharge-mini" / "vocabulary.csv"
    nlp = pipeline(model, vocabulary=None if model else words)
    notes = [note for note, _ in zip(distinct_notes(), range(N_NOTES), strict=False)]
    nlp.batch(notes[:8])
    ready.wait()
    used, end = time.process_time(), time.monotonic() + seconds

    def until_end(_):
        n, batches = 0, chunks(cycle(notes), SIZE)
        while time.monotonic() < end:
            n += len(nlp.batch(next(batches)))
        return n

    n_pool = 1 if model else threads
    with ThreadPoolExecutor(n_pool) as pool:
        n = sum(pool.map(until_end, range(n_pool)))
    row = {"name": name, "notes": n, "seconds": time.process_time() - used}
    told.put({**row, "memory": peak_memory()})


if __name__ == "__main__":
    main()
