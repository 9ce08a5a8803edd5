"""Rules, signals and interactions of reports in blocks on the disk: scripts/bench out_of_core.

Reports are drawn as in tests/bench/end_to_end.py, 5.3 rows each, or with --wide about 10, some at a
time, so that drawing needs no memory either. Each size runs in a process of its own, which tells
its peak of memory and its seconds of processor: in blocks, in blocks with the results written to
files as they come, by the command with all its tables and its page, on Spark, in memory, and, where
duckdb is installed, the pairs of drug and event alone in SQL on one thread with 1 GB.
"""

import argparse
import hashlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.workers import peak_memory
from tests.bench import ROOT, record
from tests.bench.end_to_end import N_DRUGS, N_EVENTS, write_reports
from tests.bench.end_to_end import _drawn as drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 200_000, 400_000])
    parser.add_argument("--rows-per-block", type=int, default=500_000)
    parser.add_argument("--wide", action="store_true")
    parser.add_argument(
        "--ways", nargs="+", default=["blocks", "memory", "duckdb"], choices=list(WAYS)
    )
    parser.add_argument("--one", nargs=2, metavar=("WAY", "PATH"))
    args = parser.parse_args()
    if args.one:
        tell(*args.one, args.rows_per_block)
        return
    for n in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            write = write_wide if args.wide else write_reports
            path = write(Path(folder, "reports.parquet"), n)
            for way in args.ways:
                if way == "duckdb" and importlib.util.find_spec("duckdb") is None:
                    continue
                words = ["--one", way, str(path), "--rows-per-block", str(args.rows_per_block)]
                done = subprocess.run(
                    [sys.executable, "-m", "tests.bench.out_of_core", *words],
                    check=True, capture_output=True, text=True, cwd=ROOT,
                )  # fmt: skip
                told = {"reports": n, "basket_rows": pq.read_metadata(path).num_rows}
                record(f"out of core: {way}", **told, **json.loads(done.stdout))


def write_wide(path: Path, n: int) -> Path:
    """Write about 10 rows for each of n reports, 200,000 reports at a time."""
    rng, writer = np.random.default_rng(0), None
    names = pa.array([f"drug {k:04d}" for k in range(N_DRUGS)])
    names = pa.concat_arrays([names, pa.array([f"Event {k:04d}" for k in range(N_EVENTS)])])
    for low in range(0, n, 200_000):
        size = min(200_000, n - low)
        (drug_of, drug), (event_of, event) = (
            drawn(rng, size, 3.6, N_DRUGS),
            drawn(rng, size, 5.0, N_EVENTS),
        )
        key = np.concatenate([drug_of, event_of]) << 32 | np.concatenate([drug, event + N_DRUGS])
        key = np.unique(key)
        code = (key & 0xFFFFFFFF).astype(np.int32)
        kinds = pa.DictionaryArray.from_arrays(
            (code >= N_DRUGS).astype(np.int8), ["drug", "outcome"]
        )
        columns = {
            "report": pa.array(low + (key >> 32)),
            "code": names.take(pa.array(code)),
            "kind": kinds.cast(pa.string()),
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    return path


def tell(way: str, path: str, rows_per_block: int) -> None:
    """Print what counting one file takes."""
    figures = WAYS[way](path, rows_per_block)
    print(json.dumps({**figures, "peak_MB": peak_memory() // 10**6}))


def blocks(path: str, rows_per_block: int) -> dict:
    from clinnlp.io.tables.basket_blocks import basket_blocks

    start = time.process_time()
    with basket_blocks(path, unit="report", rows_per_block=rows_per_block) as held:
        return {"laid_out_cpu_s": round(time.process_time() - start, 1), **mined(held)}


def spark(path: str, _rows: int) -> dict:
    """Mine on Spark with as many cores as there are; its own seconds of processor are not ours."""
    from clinnlp.core.spark import spark_session
    from clinnlp.mine.sets.spark_baskets import spark_baskets

    start = time.monotonic()
    with (
        spark_session() as session,
        spark_baskets(session.read.parquet(path), unit="report") as held,
    ):
        return {**mined(held), "wall_s": round(time.monotonic() - start, 1)}


def memory(path: str, _rows: int) -> dict:
    import pandas as pd

    from clinnlp.core.tables import EventTable
    from clinnlp.features.baskets import event_baskets

    start = time.process_time()
    frame = pd.read_parquet(path).rename(columns={"report": "patient"})
    held = event_baskets(EventTable.from_pandas(frame), unit="patient", fold_terms=False)
    return {"laid_out_cpu_s": round(time.process_time() - start, 1), **mined(held)}


def mined(held) -> dict:
    from clinnlp.mine.rule_mining import mine_rules
    from clinnlp.mine.signals.drug_events import mine_signals
    from clinnlp.mine.signals.interactions import mine_interactions

    start = time.process_time()
    signals = mine_signals(held)
    middle = time.process_time()
    interactions = mine_interactions(held, adjust=False)
    last = time.process_time()
    told = (signals.m, interactions.m), (len(signals), len(interactions))
    sums = [round(float(x), 6) for x in (signals["p"].sum(), interactions["p_additive"].sum())]
    drawn_rows = [digest(one) for one in (signals, interactions)]
    del signals, interactions
    rules = mine_rules(held, min_count=max(5, len(held) // 5_000))
    return {
        "signals_cpu_s": round(middle - start, 1),
        "interactions_cpu_s": round(last - middle, 1),
        "rules_cpu_s": round(time.process_time() - last, 1),
        "m": (*told[0], rules.m),
        "rows": (*told[1], len(rules)),
        "rows_drawn": drawn_rows,
        "sum_p": (*sums, round(float(rules.p_fisher.sum()), 6)),
    }


def digest(mined) -> str:
    """Return what tells 1,000 of the rows, or all, cell for cell: equal where they are."""
    rng = np.random.default_rng(0)
    at = np.sort(rng.choice(len(mined), min(1_000, len(mined)), replace=False))
    rows = mined.take(at).to_pandas().to_csv(index=False, float_format="%.12g")
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


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


def files(path: str, rows_per_block: int) -> dict:
    """Mine drug and event in memory, and write pairs of drugs and events as they come."""
    from clinnlp.io.tables.basket_blocks import basket_blocks
    from clinnlp.mine.signals.drug_events import mine_signals
    from clinnlp.study.mined_tables import write_mined
    from clinnlp.study.signals_file import write_interactions

    clock, start = time.monotonic(), time.process_time()
    with basket_blocks(path, unit="report", rows_per_block=rows_per_block) as held:
        laid = time.process_time()
        signals = mine_signals(held)
        told = {"laid_out_cpu_s": round(laid - start, 1), "m": signals.m, "rows": len(signals)}
        write_mined(signals, Path(path).with_name("drug_events.parquet"))
        del signals
        middle = time.process_time()
        told |= {
            "signals_cpu_s": round(middle - laid, 1),
            "signals_peak_MB": peak_memory() // 10**6,
        }
        made = write_interactions(held, Path(path).with_name("signals.parquet"))
    return {
        **told,
        "interactions_cpu_s": round(time.process_time() - middle, 1),
        "interactions_m": made.m,
        "interactions": len(made),
        "called": made.n_called,
        "file_MB": made.path.stat().st_size // 10**6,
        "wall_s": round(time.monotonic() - clock, 1),
    }


def command(path: str, _rows: int) -> dict:
    """Do what ``clinnlp mine --engine disk`` does, from the file to tables and page."""
    from clinnlp.study.mine_flow import mine_flow
    from clinnlp.study.settings import MineSettings

    clock, start, out = time.monotonic(), time.process_time(), Path(path).with_name("mined")
    settings = MineSettings(engine="disk", columns=("patient=report",), min_count=3)
    made = mine_flow(path, out=out, settings=settings)
    sizes = {name: len(one) for name, one in made.signals.items()}
    return {
        "cpu_s": round(time.process_time() - start, 1),
        "wall_s": round(time.monotonic() - clock, 1),
        "rules": len(made.rules),
        **sizes,
        "files_MB": sum(file.stat().st_size for file in out.iterdir()) // 10**6,
    }


WAYS = {
    "blocks": blocks,
    "files": files,
    "command": command,
    "spark": spark,
    "memory": memory,
    "duckdb": duckdb,
}

if __name__ == "__main__":
    main()
