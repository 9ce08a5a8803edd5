"""How often each method calls what was not planted, and finds what was.

scripts/bench planted [--first 0 --seeds 20]: of the calls among all pairs and outcomes of each
seed, the share that is no planted interaction (false-discovery proportion, 0 where there is no
call), and the share found of the interactions with power of at least 0.9.
"""

import argparse

import numpy as np

import clinnlp
from clinnlp.core.counts import Table2x2
from clinnlp.mine.measures.association import fisher_p, lift
from clinnlp.mine.measures.disproportionality import chi2_yates, ic025, prr
from clinnlp.mine.screen import q_values
from corpora.generate.planted import HIGH_POWER, Planted, draw_planted
from tests.bench import record

ALPHA = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    found: dict[str, list[tuple[float, float, int]]] = {}
    strong = 0
    for seed in range(args.first, args.first + args.seeds):
        planted = draw_planted(seed)
        strong += len(powerful(planted))
        for method, calls in methods(planted).items():
            found.setdefault(method, []).append(judged(calls, planted))
    record("planted", seeds=args.seeds, first=args.first, encounters=len(planted.baskets),
           interactions_with_power=strong)  # fmt: skip
    for method, rows in found.items():
        fdp, recall, n_calls = np.array(rows, float).T
        error = float(fdp.std(ddof=1) / np.sqrt(len(fdp))) if len(fdp) > 1 else float("nan")
        record("planted method", method=method, mean_fdp=round(float(fdp.mean()), 4),
               standard_error=round(error, 4), recall_at_power_90=round(float(recall.mean()), 4),
               calls_per_seed=round(float(n_calls.mean()), 1))  # fmt: skip


def powerful(planted: Planted) -> set[tuple[str, str, str]]:
    return {(*p.drugs, p.outcome) for p in planted.plants if p.power >= HIGH_POWER}


def judged(calls: set[tuple[str, str, str]], planted: Planted) -> tuple[float, float, int]:
    """Return the false-discovery proportion, the recall of powerful pairs and the calls."""
    strong = powerful(planted)
    fdp = len(calls - planted.interactions) / max(len(calls), 1)
    return fdp, len(calls & strong) / len(strong), len(calls)


def methods(planted: Planted) -> dict[str, set[tuple[str, str, str]]]:
    """Return the calls of each method."""
    crude = clinnlp.mine_interactions(planted.baskets, adjust=False)
    adjusted = clinnlp.mine_interactions(planted.baskets)
    t = pair_tables(crude, planted)
    return {
        "additive null, adjusted, q < 0.05": called(adjusted, adjusted["signal"]),
        "additive null, crude, q < 0.05": called(crude, crude["signal"]),
        "Ω025 > 0": called(crude, crude["omega025"] > 0),
        "Fisher, pair and outcome, q < 0.05": called(crude, q_values(fisher_p(t), crude.m) < ALPHA),
        "lift of pair and outcome > 2": called(crude, lift(t) > 2),
        "PRR ≥ 2, χ² ≥ 4, n ≥ 3": called(crude, (prr(t) >= 2) & (chi2_yates(t) >= 4)),
        "IC025 of the pair > 0": called(crude, ic025(t) > 0),
        "χ of Gosho > 2": called(crude, crude["chi_gosho"] > 2),
        "interaction odds ratio, lower limit > 1": called(
            crude, crude["interaction_odds_ratio_low"] > 1
        ),
        "combination risk ratio > 2": called(crude, crude["combination_risk_ratio"] > 2),
    }


def pair_tables(signals, planted: Planted) -> Table2x2:
    """Return the 2×2 tables of the pair and the outcome."""
    n_b = sum(signals[f"n_{k}1"] for k in ("11", "10", "01", "00"))
    return Table2x2(n_ab=signals["n_111"], n_a=signals["n_111"] + signals["n_110"], n_b=n_b,
                    n=np.full(len(signals), len(planted.baskets)))  # fmt: skip


def called(signals, where) -> set[tuple[str, str, str]]:
    names = (signals[name][where] for name in ("drug_1", "drug_2", "outcome"))
    return set(zip(*names, strict=True))


if __name__ == "__main__":
    main()
