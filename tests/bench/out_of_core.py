"""Signals and interactions of reports in blocks on the disk: scripts/bench out_of_core.

Reports are drawn as in tests/bench/end_to_end.py, 5.3 rows each. Each size runs in a process of its
own, which tells its peak of memory and its seconds of processor: in blocks, in memory, and, where
duckdb is installed, the pairs of drug and event alone in SQL on one thread with 1 GB.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clinnlp.core.workers import peak_memory
from tests.bench import ROOT, record
from tests.bench.end_to_end import write_reports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 200_000, 400_000])
    parser.add_argument("--rows-per-block", type=int, default=500_000)
    parser.add_argument("--ways", nargs="+", default=["blocks", "memory", "duckdb"])
    parser.add_argument("--one", nargs=2, metavar=("WAY", "PATH"))
    args = parser.parse_args()
    if args.one:
        tell(*args.one, args.rows_per_block)
        return
    for n in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = write_reports(Path(folder, "reports.parquet"), n)
            for way in args.ways:
                if way == "duckdb" and importlib.util.find_spec("duckdb") is None:
                    continue
                words = ["--one", way, str(path), "--rows-per-block", str(args.rows_per_block)]
                done = subprocess.run(
                    [sys.executable, "-m", "tests.bench.out_of_core", *words],
                    check=True, capture_output=True, text=True, cwd=ROOT,
                )  # fmt: skip
                record(f"out of core: {way}", reports=n, **json.loads(done.stdout))


def tell(way: str, path: str, rows_per_block: int) -> None:
    """Print what counting one file takes."""
    figures = WAYS[way](path, rows_per_block)
    print(json.dumps({**figures, "peak_MB": peak_memory() // 10**6}))


def blocks(path: str, rows_per_block: int) -> dict:
    from clinnlp.io.tables.basket_blocks import basket_blocks

    start = time.process_time()
    with basket_blocks(path, unit="report", rows_per_block=rows_per_block) as held:
        return {"laid_out_cpu_s": round(time.process_time() - start, 1), **mined(held)}


def memory(path: str, _rows: int) -> dict:
    import pandas as pd

    from clinnlp.core.tables import EventTable
    from clinnlp.features.baskets import event_baskets

    start = time.process_time()
    frame = pd.read_parquet(path).rename(columns={"report": "patient"})
    held = event_baskets(EventTable.from_pandas(frame), unit="patient", fold_terms=False)
    return {"laid_out_cpu_s": round(time.process_time() - start, 1), **mined(held)}


def mined(held) -> dict:
    from clinnlp.mine.signals.drug_events import mine_signals
    from clinnlp.mine.signals.interactions import mine_interactions

    start = time.process_time()
    signals = mine_signals(held)
    middle = time.process_time()
    interactions = mine_interactions(held, adjust=False)
    return {
        "signals_cpu_s": round(middle - start, 1),
        "interactions_cpu_s": round(time.process_time() - middle, 1),
        "m": (signals.m, interactions.m),
        "rows": (len(signals), len(interactions)),
        "sum_p": (
            round(float(signals["p"].sum()), 6),
            round(float(interactions["p_additive"].sum()), 6),
        ),
    }


def duckdb(path: str, _rows: int) -> dict:
    import duckdb as base_of

    start = time.process_time()
    base = base_of.connect()
    for line in ("set threads to 1", "set memory_limit = '1GB'", "set enable_progress_bar = false"):
        base.execute(line)
    name = path.replace("'", "''")
    base.execute(f"create view given as select distinct * from read_parquet('{name}')")
    found = base.execute(
        "select d.code, e.code, count(*) as n from given d join given e using (report) "
        "where d.kind = 'drug' and e.kind = 'outcome' group by all"
    ).fetchnumpy()
    return {"pairs_cpu_s": round(time.process_time() - start, 1), "pairs": len(found["n"])}


WAYS = {"blocks": blocks, "memory": memory, "duckdb": duckdb}

if __name__ == "__main__":
    main()
