"""Ten million structured events, streamed into the cases of 20,000 patients.

scripts/bench risk_events: the events are those of 100,000 patients, in Parquet parts; memory is
that of the process that reads them, before and after.
"""

import argparse
import resource
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.tables import Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.io.record.event_stream import stream_events
from tests.bench import ROOT, record

N_PATIENTS, N_CASES, N_CODES, PART = 100_000, 20_000, 2_000, 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    args = parser.parse_args()
    folder = ROOT / "out" / f"events-{args.events}"
    if not folder.is_dir():
        write(folder, args.events)
    before, start = peak(), time.perf_counter()
    outcome = Outcome(
        patients=np.array([f"p{k}" for k in range(N_CASES)], dtype=object),
        index=np.full(N_CASES, "2022-01-01", "datetime64[s]"),
        values=np.arange(N_CASES) % 2,
    )
    cases = collect_cases(outcome, events=stream_events(folder))
    collected = time.perf_counter() - start
    X = PatientFeatures(min_patients=5).fit_transform(cases)
    accounted = len(cases.case) + sum(cases.n_excluded.values())
    record("risk, events streamed", events=args.events, facts_kept=len(cases.case),
           left_out=dict(cases.n_excluded), all_accounted_for=accounted == args.events,
           seconds_to_collect=round(collected), matrix=X.shape,
           peak_gib=round(peak(), 2), gib_before=round(before, 2))  # fmt: skip


def write(folder, n: int) -> None:
    """Write events of random patients, days and codes, one in a hundred without `known`."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, first in enumerate(range(0, n, PART)):
        size = min(PART, n - first)
        known = np.datetime64("2020-01-01", "s") + rng.integers(0, 3 * 365 * 86_400, size)
        columns = {
            "patient": names("p", N_PATIENTS, rng, size),
            "known": pa.array(known.astype("datetime64[us]"), mask=rng.random(size) < 0.01),
            "code": names("c", N_CODES, rng, size),
            "kind": pa.array(["drug"]).take(pa.array(np.zeros(size, np.int64))),
            "vocabulary": pa.array(["v"]).take(pa.array(np.zeros(size, np.int64))),
            "value": pa.array(rng.normal(size=size).round(2), mask=rng.random(size) < 0.8),
            "unit": pa.array(["mg"]).take(pa.array(np.zeros(size, np.int64))),
        }
        pq.write_table(pa.table(columns), folder / f"part-{part:05d}.parquet")


def names(letter: str, n: int, rng: np.random.Generator, size: int) -> pa.Array:
    return pa.array([f"{letter}{k}" for k in range(n)]).take(pa.array(rng.integers(0, n, size)))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
