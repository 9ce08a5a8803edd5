"""Two threads of one process against two processes, on MTSamples: scripts/bench workers.

Both read the same notes for the same seconds, at the same time, so that a busy machine treats them
alike. Tells the notes that each has read and the seconds of processor it took for 100. With a model
(--model FOLDER), threads are those of the network itself.

With --sizing: the word list and the model in the box, in 8 bits, bfloat16 and float32, on one
thread of a process of its own each, in turn, three times; tells of each the notes that a core reads
in an hour of its own seconds, the middle of three, and the most memory.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import cycle, islice

from clinnlp.core.pipeline import chunks
from clinnlp.core.workers import peak_memory
from clinnlp.study.box import BOX
from clinnlp.study.pipeline import pipeline
from tests.bench import ROOT, record
from tests.bench.extract import distinct_notes

SIZE = 64
N_NOTES = 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--sizing", action="store_true")
    args = parser.parse_args()
    if args.sizing:
        size_up()
        return
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


SIZED = {  # notes of each
    "word list": 8 * N_NOTES,
    "box, 8 bits": 128,
    "box, bfloat16": 128,
    "box, float32": 128,
}


def size_up():
    context = multiprocessing.get_context("spawn")
    rows = {name: [] for name in SIZED}
    for _ in range(3):
        for name in SIZED:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                rows[name].append(pool.submit(sized, name).result())
    for name, found in rows.items():
        middle = sorted(seconds for seconds, _ in found)[1]
        figures = {"notes": SIZED[name], "cpu_seconds": round(middle, 1)}
        figures |= {"notes_an_hour_and_core": round(3600 * SIZED[name] / middle, -2)}
        record(f"sizing: {name}", **figures, MB=max(memory for _, memory in found) // 10**6)


def sized(name):
    """Return the seconds of processor that some notes take once all is loaded, and the memory."""
    if name == "word list":
        nlp = pipeline(vocabulary=ROOT / "corpora" / "discharge-mini" / "vocabulary.csv")
    else:
        import torch

        from clinnlp.bert.store import load

        torch.set_num_threads(1)
        os.environ["CLINNLP_PRECISION"] = "bfloat16" if name.endswith("bfloat16") else "float32"
        nlp = pipeline(load(BOX, int8=name.endswith("8 bits")))
    every = list(distinct_notes())
    notes = every[:: len(every) // SIZED[name]] if SIZED[name] < len(every) else every
    nlp.batch(notes[:8])
    start = time.process_time()
    for few in chunks(islice(cycle(notes), SIZED[name]), SIZE):
        nlp.batch(few)
    return time.process_time() - start, peak_memory()


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
