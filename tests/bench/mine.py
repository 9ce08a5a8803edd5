"""Itemsets, pairs and triplets: clinnlp beside mlxtend, efficient-apriori, pyfim and rusket.

scripts/bench mine [--only PART ...] [--threads N] [--peers FOLDER]: PART is one of cold, itemsets,
closed, pairs, triplets, scale, spark, end_to_end (see `tests.bench.end_to_end`). Peers are no
dependencies: they are taken where they can be imported, from FOLDER (a site-packages) too. Every
peer gets its own natural input, made before the clock starts, and its sets and counts are compared
with ours. Times are the best of several warm calls (five, or as many as ten seconds hold): ``_s``
by the clock, ``_cpu_s`` of the processor, which other work on the machine disturbs less. A peer
that takes longer than --patience seconds is stopped and shown as above that.
"""

import argparse
import gzip
import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from clinnlp.core.baskets import Baskets
from clinnlp.mine.sets.itemsets import mine_itemsets
from clinnlp.mine.sets.pairs import pair_counts
from clinnlp.mine.signals.triplets import candidates, count_triplets
from tests.bench import DATA, ROOT, record
from tests.bench.end_to_end import SIZES, end_to_end

PARTS = ("cold", "itemsets", "pairs", "triplets", "scale", "spark", "end_to_end", "closed")
MILLION = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS[:5])
    parser.add_argument("--threads", type=int, default=1, help="of clinnlp and of rusket")
    parser.add_argument("--peers", help="site-packages with pyfim, rusket, efficient-apriori")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds given to a peer")
    parser.add_argument("--against", nargs="*", choices=tuple(PEERS), default=tuple(PEERS))
    parser.add_argument("--data", nargs="+", choices=tuple(WORK), default=tuple(WORK))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="reports, end_to_end")
    parser.add_argument("--planted", type=float, default=0.0, help="events caused, end_to_end")
    parser.add_argument("--mlxtend", type=int, default=20_000, help="reports that mlxtend gets")
    parser.add_argument("--reports", type=int, help=argparse.SUPPRESS)  # one row of the scale table
    args = parser.parse_args()
    if args.peers:
        sys.path.append(args.peers)
    os.environ["RAYON_NUM_THREADS"] = str(args.threads)
    if args.reports:
        print(json.dumps(scale_row(args.reports, args.threads)))
        return
    for part in args.only:
        {"cold": cold, "itemsets": itemsets, "pairs": pairs, "triplets": triplets,
         "scale": scale, "spark": spark, "end_to_end": end_to_end,
         "closed": closed}[part](args)  # fmt: skip


# --- data


def fim(name: str) -> sparse.csr_matrix:
    """Return one of the fim benchmarks."""
    with gzip.open(DATA / "fim" / f"{name}.dat.gz", "rt") as handle:
        rows = [sorted(set(map(int, line.split()))) for line in handle if line.strip()]
    items = sorted({item for row in rows for item in row})
    place = {item: j for j, item in enumerate(items)}
    columns = np.array([place[item] for row in rows for item in row], np.int32)
    return csr(np.cumsum([0, *map(len, rows)]), columns, len(items))


def diabetes() -> sparse.csr_matrix:
    """Return drugs, chapters of the diagnoses, demographics and tests of each encounter."""
    with zipfile.ZipFile(DATA / "diabetes130" / "dataset_diabetes.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith("diabetic_data.csv"))
        frame = pd.read_csv(io.BytesIO(packed.read(name)), dtype=str, keep_default_na=False)
    columns = list(frame.columns)
    drugs = columns[columns.index("metformin") : columns.index("metformin-pioglitazone") + 1]
    parts = [frame[drugs] != "No"]
    chapters = pd.concat([frame[f"diag_{k}"].map(chapter) for k in (1, 2, 3)], axis=1)
    names = sorted(set(chapters.to_numpy().ravel()) - {""})
    parts.append(pd.DataFrame({name: (chapters == name).any(axis=1) for name in names}))
    people = (
        *("race", "gender", "age", "admission_type_id", "discharge_disposition_id"),
        *("admission_source_id", "max_glu_serum", "A1Cresult", "insulin", "change"),
        *("diabetesMed", "readmitted"),
    )
    parts += [pd.get_dummies(frame[c].where(frame[c] != "?")) for c in people]
    return sparse.csr_matrix(pd.concat(parts, axis=1).to_numpy(np.int8))


def chapter(code: str) -> str:
    """Return the ICD-9 chapter of a code by its first three digits."""
    if not code or code == "?":
        return ""
    if code[0] in "EV":
        return code[0]
    ends = (139, 239, 279, 289, 319, 389, 459, 519, 579, 629, 679, 709, 739, 759, 779, 799, 999)
    return f"chapter {int(np.searchsorted(ends, int(float(code)))) + 1}"


def reports(n: int, *, n_items: int = 5000, mean: float = 15.0, seed: int = 0) -> sparse.csr_matrix:
    """Return reports of about `mean` items whose frequencies fall as 1 / rank (Zipf)."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_items + 1)
    lengths = rng.poisson(mean, n)
    columns = rng.choice(n_items, size=int(lengths.sum()), p=weights / weights.sum())
    made = csr(np.concatenate([[0], np.cumsum(lengths)]), columns.astype(np.int32), n_items)
    made.sum_duplicates()
    made.data[:] = 1
    return made


def csr(indptr, columns, n_items: int) -> sparse.csr_matrix:
    shape = (len(indptr) - 1, n_items)
    return sparse.csr_matrix((np.ones(len(columns), np.int8), columns, indptr), shape=shape)


def as_baskets(matrix: sparse.csr_matrix, kinds=None) -> Baskets:
    n, m = matrix.shape
    return Baskets(
        matrix=matrix, ids=np.arange(n).astype(object), items=tuple(map(str, range(m))),
        kinds=kinds or ("item",) * m, unit="row", evidence=np.empty((0, 3), np.int64),
        entities=None, n_excluded={}, n_unassessed={},
    )  # fmt: skip


# --- itemsets

WORK = {
    "T10I4D100K": (partial(fim, "T10I4D100K"), (1000, 100, 20)),
    "diabetes130": (diabetes, (0.05, 0.01)),
    "million": (partial(reports, MILLION), (10_000, 1000, 100)),
}


def itemsets(args) -> None:
    for name in args.data:
        make, thresholds = WORK[name]
        matrix = make()
        baskets = as_baskets(matrix)
        lists = [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]
        for threshold in thresholds:
            least = threshold if threshold >= 1 else int(np.ceil(threshold * matrix.shape[0]))
            ask = partial(mine_itemsets, baskets, min_count=least, threads=args.threads)
            seconds, cpu, found = best(ask)
            ours = counted(found.members, found.counts.tolist())
            row = {
                "data": name, "baskets": matrix.shape[0], "items": matrix.shape[1],
                "min_count": least, "itemsets": len(found), "threads": args.threads,
                "clinnlp_s": seconds, "clinnlp_cpu_s": cpu,
            }  # fmt: skip
            for peer in args.against:
                row |= against(peer, PEERS[peer], matrix, lists, least, ours, args.patience)
            rivals = [v for k, v in row.items() if k.startswith(("pyfim", "rusket"))
                      and k.endswith("_cpu_s") and isinstance(v, float)]  # fmt: skip
            row["fastest_of_pyfim_rusket_over_clinnlp_cpu"] = (
                round(min(rivals) / cpu, 2) if rivals else None
            )
            record("mine itemsets", **row)


def closed(_args) -> None:
    """Closed and maximal sets beside pyfim's; what every basket holds it does not tell."""
    import fim as pyfim

    rng = np.random.default_rng(0)
    lengths = 1 + rng.poisson(5, 80_000)
    drawn = np.minimum(rng.zipf(1.3, int(lengths.sum())), 2_000).astype(np.int32) - 1
    rows = [np.unique(each) for each in np.split(drawn, np.cumsum(lengths)[:-1])]
    sparse_set = csr(np.cumsum([0, *map(len, rows)]), np.concatenate(rows), 2_000)
    work = (("mushroom", fim("mushroom"), (812, 400)), ("T10I4D100K", fim("T10I4D100K"), (100, 20)),
            ("80,000 sparse", sparse_set, (40, 20, 12)))  # fmt: skip
    asked = [
        (*one, least, kind) for one in work for least in one[2] for kind in ("closed", "maximal")
    ]
    for name, matrix, _, least, kind in asked:
        lists = [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]
        ask = partial(mine_itemsets, as_baskets(matrix), min_count=least, threads=1, **{kind: True})
        _, ours, found = best(ask)
        _, theirs, others = best(partial(pyfim.fpgrowth, lists, target=kind[0], supp=-least))
        told = counted(found.members, found.counts.tolist())
        same = {one for one in told if one[1] < len(lists)} == counted(*zip(*others, strict=True))
        record("mine closed", data=name, kind=kind, min_count=least, itemsets=len(found),
               clinnlp_cpu_s=ours, pyfim_cpu_s=theirs, equal=same)  # fmt: skip


def best(call, n: int = 5):
    """Return the least seconds of some calls after a first, by clock and of the CPU; the answer."""
    began = time.perf_counter()
    answer = call()
    clock, cpu = [], []
    while not clock or (len(clock) < n and time.perf_counter() - began < 10):
        start, used = time.perf_counter(), time.process_time()
        answer = call()
        clock.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return round(min(clock), 3), round(min(cpu), 3), answer


def counted(members, counts) -> set:
    return {(tuple(sorted(m)), c) for m, c in zip(members, counts, strict=True)}


def against(peer, run, matrix, lists, least, ours, patience) -> dict:
    """Run one peer in a process of its own; return its seconds and whether it agrees."""
    here, there = multiprocessing.Pipe(duplex=False)
    fork = multiprocessing.get_context("fork")  # the input is shared, not sent
    child = fork.Process(target=peer_row, args=(there, run, matrix, lists, least, ours))
    child.start()
    answer = here.recv() if here.poll(patience) else f"> {patience:g}"
    child.kill()
    child.join()
    if isinstance(answer, str):
        return {f"{peer}_s": answer}
    return dict(zip((f"{peer}_s", f"{peer}_cpu_s", f"{peer}_equal"), answer, strict=True))


def peer_row(pipe, run, matrix, lists, least, ours) -> None:
    try:
        call, read = run(matrix, lists, least)
        clock, cpu, answer = best(call)
        pipe.send((clock, cpu, read(answer) == ours))
    except ImportError:
        pipe.send("not installed")
    except Exception as error:  # a peer's failure is a result
        pipe.send(type(error).__name__)


def _mlxtend(matrix, lists, least):
    from mlxtend.frequent_patterns import fpgrowth

    n, m = matrix.shape
    if n * m < 2e8:
        frame = pd.DataFrame(matrix.toarray().astype(bool))
    else:
        frame = pd.DataFrame.sparse.from_spmatrix(matrix.astype(bool))
    return partial(fpgrowth, frame, min_support=(least - 0.5) / n), partial(supports, n=n)


def _efficient_apriori(matrix, lists, least):
    from efficient_apriori import itemsets_from_transactions

    rows = [tuple(row) for row in lists]
    call = partial(itemsets_from_transactions, rows, (least - 0.5) / len(rows))
    return call, lambda found: {(s, c) for level in found[0].values() for s, c in level.items()}


def _pyfim(matrix, lists, least, *, algorithm):
    import fim as pyfim

    call = partial(getattr(pyfim, algorithm), lists, target="s", supp=-least, report="a")
    return call, lambda found: counted(*zip(*found, strict=True)) if found else set()


def _rusket(matrix, lists, least, *, method):
    import rusket

    n = matrix.shape[0]
    names = [str(j) for j in range(matrix.shape[1])]
    call = partial(rusket.mine, matrix, min_support=(least - 0.5) / n, use_colnames=False,
                   method=method, column_names=names)  # fmt: skip
    return call, partial(supports, n=n)


def supports(frame, *, n: int) -> set:
    return counted([list(map(int, s)) for s in frame["itemsets"]],
                   [round(v * n) for v in frame["support"]])  # fmt: skip


PEERS = {
    "pyfim_eclat": partial(_pyfim, algorithm="eclat"),
    "pyfim_fpgrowth": partial(_pyfim, algorithm="fpgrowth"),
    "rusket_eclat": partial(_rusket, method="eclat"),
    "rusket_fpgrowth": partial(_rusket, method="fpgrowth"),
    "mlxtend": _mlxtend,
    "efficient_apriori": _efficient_apriori,
}


# --- cold start

COLD = """
import time
from tests.bench.mine import as_baskets, fim, mine_itemsets
baskets = as_baskets(fim("mushroom"))
for _ in range(2):
    clock, cpu = time.perf_counter(), time.process_time()
    mine_itemsets(baskets, min_count=4062)
    print(round(time.perf_counter() - clock, 4), round(time.process_time() - cpu, 4))
"""


def cold(args) -> None:
    """Time the first call in a fresh process: nothing compiled, then with the code kept."""
    folder = ROOT / "out" / f"cold-{os.getpid()}"
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    rows = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", COLD], env=env, cwd=ROOT, check=True,
                              capture_output=True, text=True)  # fmt: skip
        rows += [[float(x) for x in line.split()] for line in done.stdout.splitlines()]
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    named = dict(
        zip(("nothing_compiled", "code_kept", "warm"), (rows[0], rows[2], rows[3]), strict=True)
    )
    record("mine cold", data="mushroom 50 %",
           **{f"{name}_{unit}": row[k] for name, row in named.items()
              for k, unit in enumerate(("s", "cpu_s"))})  # fmt: skip


# --- pairs and triplets


def pairs(args) -> None:
    """Count all pairs of the million reports, beside scipy's XᵀX."""
    matrix = reports(MILLION)
    before = peak()
    seconds, cpu, found = best(partial(pair_counts, matrix))
    after = peak()
    wide = matrix.astype(np.int32)
    scipy_s, scipy_cpu, product = best(lambda: wide.T @ wide)
    equal = (sparse.triu(product, k=1) != found).nnz == 0
    record("mine pairs", baskets=MILLION, items=matrix.shape[1], pairs=found.nnz, equal=equal,
           clinnlp_s=seconds, clinnlp_cpu_s=cpu, scipy_s=scipy_s, scipy_cpu_s=scipy_cpu,
           cpu_ratio=round(cpu / scipy_cpu, 2),
           data_gb=round(before, 2), peak_gb=round(after, 2))  # fmt: skip


def triplets(args) -> None:
    """Count every drug + drug → event with n ≥ 3, in two ways that must agree."""
    drugs, events = (
        reports(MILLION, n_items=500, mean=5),
        reports(MILLION, n_items=200, mean=3, seed=1),
    )
    zeros = np.zeros(MILLION, np.int64)

    def by_outcome() -> int:
        found = candidates(drugs, events, min_margin=1)
        each = count_triplets(drugs, events, found, min_count=3, strata=zeros)
        return sum(len(pairs) for _, pairs, _ in each)

    both = sparse.hstack([drugs, events], format="csr")
    kinds = ("drug",) * 500 + ("event",) * 200
    baskets = as_baskets(both, kinds)
    shape = {"drug": 2, "event": 1}
    ask = partial(mine_itemsets, baskets, min_count=3, kinds=shape, target="event",
                  threads=args.threads)  # fmt: skip
    seconds, cpu, n = best(by_outcome, n=1)
    after = peak()
    other_s, other_cpu, found = best(ask, n=1)
    n_other = int((np.array(kinds)[found.groups[2]] == "drug").sum() // 2)
    record("mine triplets", baskets=MILLION, drugs=500, events=200, triplets=n, equal=n == n_other,
           all_cells_s=seconds, all_cells_cpu_s=cpu, peak_gb=round(after, 2),
           itemsets_s=other_s, itemsets_cpu_s=other_cpu,
           itemsets_peak_gb=round(peak(), 2), threads=args.threads)  # fmt: skip


def peak() -> float:
    """Return the most memory this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


# --- scale


def scale(args) -> None:
    """Time and memory at ×1, ×2, ×4 and ×8 reports, each in a process of its own."""
    for n in (125_000, 250_000, 500_000, MILLION):
        command = [sys.executable, "-m", "tests.bench.mine", "--reports", str(n)]
        command += ["--threads", str(args.threads)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        record("mine scale", **json.loads(done.stdout.splitlines()[-1]))


def scale_row(n: int, threads: int) -> dict:
    baskets = as_baskets(reports(n))
    mine_itemsets(as_baskets(reports(100)), min_count=2, max_len=3, threads=threads)  # compiled
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak counts from here on
    before = peak()
    ask = partial(mine_itemsets, baskets, min_support=0.001, threads=threads)
    found = ask()
    grown = peak() - before
    seconds, cpu, _ = best(ask, n=3)
    return {"reports": n, "itemsets": len(found), "threads": threads, "seconds": seconds,
            "cpu_s": cpu, "cpu_us_per_report": round(cpu / n * 1e6, 2),
            "bytes_per_report": round(grown * 1e9 / n)}  # fmt: skip


def spark(args) -> None:
    """The same itemsets from Spark on two local workers."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config(
        "spark.driver.memory", "6g").getOrCreate()  # fmt: skip
    for n in (125_000, 250_000):
        baskets = as_baskets(reports(n))
        ask = partial(mine_itemsets, baskets, min_support=0.01, max_len=3)
        seconds, _, ours = best(ask)
        spark_s, _, theirs = best(partial(ask, engine="spark"), n=1)
        equal = ours.members == theirs.members and (ours.counts == theirs.counts).all()
        record("mine spark", reports=n, itemsets=len(ours), equal=bool(equal), clinnlp_s=seconds,
               spark_local2_s=spark_s)  # fmt: skip
    session.stop()


if __name__ == "__main__":
    main()
