"""From a file of reports to rules, signals and the report, beside pandas + mlxtend and DuckDB.

scripts/bench mine --only end_to_end [--sizes N ...] [--planted SHARE] [--peers FOLDER]
[--patience S]. Reports are drawn (`write_reports`): Parquet with a row per report, code and kind,
5.3 rows a report of 1,500 drugs and 3,000 events whose frequencies fall as 1 / rank. With --planted
0.05 a twentieth of the events is caused by a drug or a pair of the report, so that pairs are called
and then adjusted. Each size runs as ``clinnlp mine`` does, in a process of its own: its
stages are told apart by taking the time inside of the functions of the flow, a stage within another
counted as itself alone. *compile* is what a first run over 200 reports takes longer than a second;
*import* what comes before. ``_cpu_s`` is of the processor, which other work disturbs less.

The same pairs of drug and event are counted from the same file by pandas (merge, group by) and by
DuckDB (SQL), each in a process of its own, and must be equal. mlxtend mines pairs as frequent
itemsets on so many reports as it is given (--mlxtend), since it wants a dense table.
"""

import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.bench import ROOT, record

SIZES = (250_000, 500_000, 1_000_000, 2_000_000)
N_DRUGS, N_EVENTS = 1_500, 3_000
COLUMNS = ("patient=report", "code=code", "kind=kind")
STAGES = (
    *("import", "compile", "read", "baskets", "rules", "signals", "interactions", "frames"),
    *("writing", "report", "other"),
)
_CALL = "import sys; from tests.bench import end_to_end as e; e.{}(*sys.argv[1:]); e.tell_used()"
_MOST_GB = 12  # a peer's


# --- data


def write_reports(path: Path, n: int, *, planted: float = 0.0, seed: int = 0) -> Path:
    """Write the reports of a seed; a file that is there stays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    drug_of, drug = _drawn(rng, n, 1.38, N_DRUGS)
    event_of, event = _drawn(rng, n, 2.08, N_EVENTS)
    event = _caused(rng, drug_of, drug, event_of, event, planted)
    report = np.concatenate([drug_of, event_of])
    code = np.concatenate([drug, event + N_DRUGS])
    report, code = np.unique(np.stack([report, code]), axis=1)
    names = [f"drug {k:04d}" for k in range(N_DRUGS)] + [f"Event {k:04d}" for k in range(N_EVENTS)]
    kinds = pa.DictionaryArray.from_arrays((code >= N_DRUGS).astype(np.int8), ["drug", "outcome"])
    columns = {
        "report": pa.array((100_000_000 + report).astype(str)),
        "code": pa.DictionaryArray.from_arrays(code.astype(np.int32), names).cast(pa.string()),
        "kind": kinds.cast(pa.string()),
    }
    part = path.with_suffix(".part")
    pq.write_table(pa.table(columns), part)
    part.rename(path)
    return path


def _drawn(rng, n: int, more: float, n_items: int):
    """Return the report and the item of each row: one and about `more` others, by Zipf's law."""
    lengths = 1 + rng.poisson(more, n)
    weights = 1 / np.arange(1, n_items + 1)
    held = rng.choice(n_items, size=int(lengths.sum()), p=weights / weights.sum())
    return np.repeat(np.arange(n), lengths), held


def _caused(rng, drug_of, drug, event_of, event, share):
    """Return the events, a share of them by the sum of the first two drugs of their report."""
    first = np.searchsorted(drug_of, event_of)
    second = np.minimum(first + 1, len(drug) - 1)
    both = np.where(drug_of[second] == event_of, drug[second], 0)
    made = (7 * drug[first] + 13 * both) % N_EVENTS
    return np.where(rng.random(len(event)) < share, made, event)


# --- the command, by stages


class Stages:
    """Seconds by the clock and of the processor in each stage, without stages inside of it."""

    def __init__(self) -> None:
        self.clock, self.cpu = Counter(), Counter()
        self._open, self._last = ["other"], (time.perf_counter(), time.process_time())

    def _charge(self) -> None:
        now = time.perf_counter(), time.process_time()
        self.clock[self._open[-1]] += now[0] - self._last[0]
        self.cpu[self._open[-1]] += now[1] - self._last[1]
        self._last = now

    def within(self, name: str, call):
        """Return a function whose time is of a stage."""

        @functools.wraps(call)
        def timed(*args, **kwargs):
            self._charge()
            self._open.append(name)
            try:
                return call(*args, **kwargs)
            finally:
                self._charge()
                self._open.pop()

        return timed


def told_apart(stages: Stages) -> None:
    """Take the time of the functions that the flow of mining calls; those that are not there not.

    A name is where it is looked up: in the module that calls it.
    """
    from clinnlp.mine.rules import Rules
    from clinnlp.mine.signals.interactions import Signals
    from clinnlp.study import mine_flow, sources

    where = (
        ("read", sources, ("read_events",)),
        ("baskets", mine_flow, ("read_baskets",)),
        ("rules", mine_flow, ("mine_rules",)),
        ("signals", mine_flow, ("mine_signals",)),
        ("interactions", mine_flow, ("mine_interactions",)),
        ("frames", Signals, ("to_pandas", "to_arrow")),
        ("frames", Rules, ("to_pandas", "to_arrow")),
        ("writing", mine_flow, ("write_all_mined", "write_tables")),
        ("report", mine_flow, ("write_pages", "rules_section", "origin")),
    )
    for stage, home, names in where:
        for name in (n for n in names if hasattr(home, n)):
            setattr(home, name, stages.within(stage, getattr(home, name)))
    for name, section in mine_flow._SECTIONS.items():
        mine_flow._SECTIONS[name] = stages.within("report", section)


def command_row(source: str, out: str) -> None:
    """Run the command, and print its stages as JSON; called in a process of its own."""
    from clinnlp.cli import main

    said = {"import": time.process_time()}
    asked = ["--columns", *COLUMNS, "--no-generic"]
    small, seconds = write_reports(Path(out) / "small.parquet", 200), []
    for k in range(2):
        began = time.process_time()
        assert main(["mine", str(small), *asked, "--out", f"{out}/small{k}"]) == 0
        seconds.append(time.process_time() - began)
    said["compile"] = seconds[0] - seconds[1]
    stages = Stages()
    told_apart(stages)
    assert main(["mine", source, *asked, "--out", f"{out}/all"]) == 0
    stages._charge()
    print(json.dumps({**said, **stages.cpu}))
    print(json.dumps({**said, **stages.clock}))


def command(n: int, source: Path, planted: float) -> None:
    """Record the stages, the time and the memory of ``clinnlp mine`` on a file."""
    with tempfile.TemporaryDirectory(dir=source.parent) as out:
        answer = alone("command_row", source, out)
        if "failed" in answer:
            record("mine end_to_end", reports=n, **answer)
            return
        cpu, clock = (json.loads(line) for line in answer["lines"][-2:])
        written = sum(f.stat().st_size for f in Path(out, "all").iterdir())
    named = {f"{name}_cpu_s": round(cpu[name], 2) for name in STAGES if name in cpu}
    record(
        "mine end_to_end", reports=n, planted=planted, **named, cpu_s=answer["cpu_s"],
        seconds=answer["seconds"],
        of_it_mining_s=round(sum(clock.values()), 2), peak_gb=answer["peak_gb"],
        written_mb=round(written / 1e6, 1),
    )  # fmt: skip


def alone(call: str, *args, patience: float | None = None, most_gb: float | None = None) -> dict:
    """Run a function of this module in a process of its own; return its lines, time and memory."""

    def bounded() -> None:
        if most_gb is not None:
            resource.setrlimit(resource.RLIMIT_AS, (int(most_gb * 1e9),) * 2)

    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", _CALL.format(call), *map(str, args)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=bounded,
    )  # fmt: skip
    try:
        printed, said = child.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return {"failed": f"> {patience:g} s"}
    if child.returncode:
        return {"failed": (said.strip().splitlines() or [f"exit {child.returncode}"])[-1]}
    *lines, used = printed.splitlines()
    cpu, peak = map(float, used.split())
    return {"lines": lines, "seconds": round(time.perf_counter() - began, 2),
            "cpu_s": round(cpu, 2), "peak_gb": round(peak, 2)}  # fmt: skip


def tell_used() -> None:
    """Print seconds of the processor and most memory in GB of this process, as its last line."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(time.process_time(), used.ru_maxrss / 1e6, flush=True)


# --- pairs of drug and event, counted by others


def pairs_clinnlp(source: str) -> None:
    """Count the pairs by our own reading, baskets and matrices."""
    from scipy import sparse

    from clinnlp.study.settings import MineSettings
    from clinnlp.study.sources import read_baskets

    sets = read_baskets(source, MineSettings(columns=COLUMNS, generic=False))
    matrix, kinds = sets.matrix.astype(np.int32).tocsc(), np.array(sets.kinds)
    names = np.array(sets.items, object)
    drugs, events = (np.flatnonzero(kinds == kind) for kind in ("drug", "outcome"))
    counts = sparse.coo_matrix(matrix[:, drugs].T @ matrix[:, events])
    told(names[drugs[counts.row]], names[events[counts.col]], counts.data)


def pairs_pandas(source: str) -> None:
    """Count the pairs by joining drugs and events of a report."""
    import pandas as pd

    rows = pd.read_parquet(source).drop_duplicates()
    drugs, events = (rows[rows["kind"] == kind] for kind in ("drug", "outcome"))
    joined = drugs.merge(events, on="report", suffixes=("_drug", "_event"))
    counts = joined.groupby(["code_drug", "code_event"]).size()
    told(*(counts.index.get_level_values(k).to_numpy() for k in (0, 1)), counts.to_numpy())


def pairs_duckdb(source: str) -> None:
    """Count the pairs in SQL on one thread."""
    import duckdb

    base = duckdb.connect()
    base.execute("set threads to 1")
    base.execute("set enable_progress_bar = false")
    name = source.replace("'", "''")
    base.execute(f"create view given as select distinct * from read_parquet('{name}')")
    found = base.execute(
        "select d.code as drug, e.code as event, count(*) as n from given d "
        "join given e using (report) where d.kind = 'drug' and e.kind = 'outcome' group by all"
    )
    told(*found.fetchnumpy().values())


def itemsets_mlxtend(source: str, most: str) -> None:
    """Mine pairs with mlxtend from the first reports of the file, as a dense table of bool."""
    import pandas as pd
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    rows = pd.read_parquet(source)
    rows = rows[rows["report"].astype(int) < 100_000_000 + int(most)]
    report, code = rows["report"].astype("category"), rows["code"].astype("category")
    held = np.zeros((len(report.cat.categories), len(code.cat.categories)), bool)
    held[report.cat.codes, code.cat.codes] = True
    frame = pd.DataFrame(held, columns=code.cat.categories)
    found = fpgrowth(frame, min_support=5 / len(frame), max_len=2, use_colnames=True)
    rules = association_rules(found, len(frame), metric="lift", min_threshold=0)
    print(time.process_time())
    print(len(found), len(rules))


def told(drugs, events, counts) -> None:
    """Print the seconds until here, how many pairs there are, and a number that tells them."""
    print(time.process_time())
    numbers = [[int(name[-4:]) for name in names] for names in (drugs, events)]
    mixed = sum(int(n) * (10_000 * d + e) ** 2 for d, e, n in zip(*numbers, counts, strict=True))
    print(len(counts), int(np.sum(counts)), mixed)


PEERS = ("pandas", "duckdb")


def same_pairs(n: int, source: Path, args) -> None:
    """Record what counting the same pairs takes others."""
    ours = alone("pairs_clinnlp", source)
    row = {"reports": n, **timed("clinnlp", ours), "pairs": ours.get("lines", ["none"])[-1]}
    for peer in PEERS:
        theirs = alone(f"pairs_{peer}", source, patience=args.patience, most_gb=_MOST_GB)
        row |= timed(peer, theirs)
        if "lines" in theirs:
            row[f"{peer}_equal"] = theirs["lines"][-1] == row["pairs"]
    record("mine end_to_end pairs", **row)


def timed(name: str, answer: dict) -> dict:
    """Return the figures of one process under its name, or why there are none."""
    if "failed" in answer:
        return {f"{name}_s": answer["failed"]}
    seconds = round(float(answer["lines"][-2]), 2)
    return {f"{name}_cpu_s": seconds, f"{name}_peak_gb": answer["peak_gb"]}


def by_mlxtend(source: Path, args) -> None:
    asked = ("itemsets_mlxtend", source, args.mlxtend)
    theirs = alone(*asked, patience=args.patience, most_gb=_MOST_GB)
    record("mine end_to_end mlxtend", reports=args.mlxtend, **timed("mlxtend", theirs),
           itemsets_and_rules=theirs.get("lines", ["none"])[-1])  # fmt: skip


def end_to_end(args) -> None:
    """Measure the command on each size, then the peers."""
    folder = ROOT / "out" / "end_to_end"
    if args.peers:
        os.environ["PYTHONPATH"] = os.pathsep.join(
            p for p in (os.environ.get("PYTHONPATH"), args.peers) if p
        )
    files = {
        n: write_reports(
            folder / f"reports-{n}-planted-{args.planted}.parquet", n, planted=args.planted
        )
        for n in args.sizes
    }
    for n, source in files.items():
        command(n, source, args.planted)
    for n, source in files.items():
        same_pairs(n, source, args)
    by_mlxtend(files[min(files)], args)
