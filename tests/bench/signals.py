"""False calls where nothing is there, and how fast a hundred thousand rules are measured.

scripts/bench signals [--runs 200]: a global null of independent Zipf items, the share of runs with
any call; the false-positive rate of Ω025 > 0 under main effects alone, the joint risk additive or
multiplicative; 100,000 rules with all measures, Fisher and Benjamini-Hochberg.
"""

import argparse
import time

import numpy as np
import pandas as pd

import clinnlp
from clinnlp.core.counts import Table2x2
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.measures.additive import additive_null, additive_p, omega_interval, one_stratum
from clinnlp.mine.measures.association import fisher_and_mid_p
from clinnlp.mine.permute import westfall_young
from clinnlp.mine.rules import Rules
from clinnlp.mine.screen import q_values
from tests.bench import record

N_BASKETS = 1500
KINDS = {f"i{k:02d}": "drug" if k % 3 else "outcome" for k in range(42)}
SETTINGS = [  # risk with neither drug, ratios of the two drugs, baskets 11, 10, 01, 00
    (0.02, 1, 1, (100, 1000, 1000, 18000)),
    (0.02, 3, 1, (100, 1000, 1000, 18000)),
    (0.02, 3, 3, (100, 1000, 1000, 18000)),
    (0.002, 3, 3, (100, 1000, 1000, 18000)),
    (0.02, 3, 3, (500, 200, 200, 5000)),
    (0.01, 5, 5, (20, 30, 30, 1000)),
    (0.001, 3, 3, (2000, 20000, 20000, 900000)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--permuted", type=int, default=40, help="runs that are also permuted")
    args = parser.parse_args()
    speed()
    for row in SETTINGS:
        record("false positives under main effects", **main_effects(*row))
    global_null(args.runs, args.permuted)


def null_baskets(seed: int):
    """Return independent items of Zipf frequencies, a third of them outcomes."""
    rng = np.random.default_rng([7, seed])
    frequency = 0.4 / np.arange(1, len(KINDS) + 1) ** 0.8
    held = rng.random((N_BASKETS, len(KINDS))) < frequency
    return frame_baskets(pd.DataFrame(held, columns=list(KINDS)), kinds=KINDS)


def global_null(n_runs: int, n_permuted: int) -> None:
    any_call: dict[str, list[bool]] = {}
    for seed in range(n_runs):
        baskets = null_baskets(seed)
        rules = clinnlp.mine_rules(baskets, min_count=5, min_margin=5)
        naive = q_values(rules.p_fisher, len(rules))
        single = clinnlp.mine_signals(baskets)
        pairs = clinnlp.mine_interactions(baskets, min_margin=5)
        found = {
            "rules, BH over all candidates": rules.q_bh,
            "rules, BY over all candidates": rules.q_by,
            "rules, BH over the survivors of min_count (wrong)": naive,
            "drug and event, BH": single["q_bh"],
            "drug + drug and event, BH": pairs["q_bh"],
        }
        if seed < n_permuted:
            found["rules, Westfall-Young"] = westfall_young(rules, n_permutations=99, seed=seed)
        for name, q in found.items():
            any_call.setdefault(name, []).append(bool((q < 0.05).any()))
    for name, calls in any_call.items():
        bound = 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(calls))
        record("global null", what=name, runs=len(calls),
               share_with_any_call=round(float(np.mean(calls)), 4),
               bound=round(float(bound), 4))  # fmt: skip


def main_effects(p00: float, ratio_1: float, ratio_2: float, totals) -> dict:
    """Share of 20,000 draws with Ω025 > 0, and with p < 0.025 of the additive null."""
    rng = np.random.default_rng(5)
    out = {"risk": p00, "ratios": (ratio_1, ratio_2), "baskets": totals}
    joint = {"additive": ratio_1 + ratio_2 - 1, "multiplicative": ratio_1 * ratio_2}
    for scale, top in joint.items():
        risks = (p00 * top, p00 * ratio_1, p00 * ratio_2, p00)
        cells = [rng.binomial(n, p, 20_000) for n, p in zip(totals, risks, strict=True)]
        null = additive_null(one_stratum(*cells, *totals))
        low = omega_interval(cells[0], null.expected).low
        out[f"{scale}: Ω025 > 0"] = round(float((low > 0).mean()), 4)
        out[f"{scale}: p < 0.025"] = round(float((additive_p(null) < 0.025).mean()), 4)
    return out


def speed() -> None:
    """Measure 100,000 rules of random counts, from counts to the finished table."""
    rng = np.random.default_rng(0)
    n = 1_000_000
    n_a, n_b = ((10 ** rng.uniform(2, 5, 100_000)).astype(int) for _ in range(2))
    n_ab = np.minimum(
        rng.poisson(n_a * n_b / n * rng.choice([1, 3], 100_000)), np.minimum(n_a, n_b)
    )
    baskets = frame_baskets(pd.DataFrame({"a": [1], "b": [1]}))
    sides = tuple([frozenset("a")] * 100_000), tuple([frozenset("b")] * 100_000)
    start, cpu = time.perf_counter(), time.process_time()
    t = Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=np.full(100_000, n))
    p, p_mid = fisher_and_mid_p(t)
    rules = Rules(
        antecedents=sides[0], consequents=sides[1], table=t, p_fisher=p,
        p_mid=p_mid, q_bh=q_values(p, 10**9),
        q_by=q_values(p, 10**9, method="by"), improvement=p, p_productive=p, m=10**9, alpha=0.05,
        level=0.95, baskets=baskets, candidates=(), max_len=2,
    )  # fmt: skip
    columns = rules.to_pandas().shape[1]
    record("100,000 rules", seconds_counts_to_table=round(time.perf_counter() - start, 3),
           cpu_seconds=round(time.process_time() - cpu, 3), columns=columns)  # fmt: skip
    frame = pd.DataFrame(rng.random((2000, 330)) < 0.2).rename(columns=str)
    mined = frame_baskets(frame)
    clinnlp.mine_rules(mined, min_count=90)  # compiles the kernel; what follows is warm
    start, cpu = time.perf_counter(), time.process_time()
    rules = clinnlp.mine_rules(mined, min_count=1)
    shape = rules.to_pandas().shape
    record("rules mined", rules=shape[0], m=rules.m,
           seconds_baskets_to_table=round(time.perf_counter() - start, 3),
           cpu_seconds=round(time.process_time() - cpu, 3))  # fmt: skip


if __name__ == "__main__":
    main()
