"""Every measure, and the combination score, on the drug-drug-event controls of CRESCENDDI.

scripts/bench crescenddi [--write]: triplets with at least one joint report. The main figure is the
AUC within event (pairs of a positive and a negative of one event, pooled), with a bootstrap of
events; beside it the plain AUC, and what the event's name alone would score. The score is fitted on
blocks: a test triplet's two drugs and its event stand in no training triplet, and mixed triplets
are dropped. Which terms to use and whether events get intercepts is chosen inside each training
block. Before these five recipes were fixed, some fifty sets of terms and forms (splines, squares,
kernels, boosting, random effects of drugs) were compared on blocks of the same triplets: none was
better than the recipes by more than the spread between divisions, and the figure owes that choice
a little. --write fits the chosen recipe to all triplets and writes the library's table.
"""

import argparse
import csv
import json
import time
from collections import Counter

import numpy as np

from clinnlp.core.counts import Table2x2
from clinnlp.metrics.risk import score_risk
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures import interaction
from clinnlp.mine.measures.additive import additive_null, additive_p, omega, omega025, one_stratum
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.measures.gps import eb_quantile, ebgm, fit_gamma_mixture
from clinnlp.mine.signals.combination_score import TERMS, combination_terms, fit_combination_score
from tests.bench import DATA, ROOT, record

COUNTS = (
    *("n_111", "n_101", "n_011", "n_001", "d1_d2_counter", "d1_not_d2_counter"),
    *("not_d1_d2_counter", "not_d1_not_d2_counter"),
)
TABLE = ROOT / "clinnlp" / "mine" / "data" / "combination_score.tsv"
RECIPES = {
    "singles": {"terms": ("single_max", "single_min"), "event_variance": 0.0},
    "main": {"terms": TERMS[:6], "event_variance": 0.0},
    "all": {"terms": TERMS, "event_variance": 0.0},
    "main, events": {"terms": TERMS[:6], "event_variance": 1.0},
    "all, events": {"terms": TERMS, "event_variance": 1.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the library's coefficients")
    parser.add_argument("--splits", type=int, default=3, help="random divisions into blocks")
    args = parser.parse_args()
    rows = read_triplets()
    record("crescenddi", triplets=len(rows["positive"]), positive=int(rows["positive"].sum()),
           events=len(np.unique(rows["event"])), **shortcuts(rows))  # fmt: skip
    for name, values in measures(rows).items():
        record("crescenddi measure", measure=name, **scored(values, rows))
    for name, recipe in RECIPES.items():
        held_out = [cross_validated(rows, recipe, seed)[0] for seed in range(args.splits)]
        figures = [scored(one, rows, n_boot=0) for one in held_out]
        record("crescenddi recipe", recipe=name,
               within=[f["within"] for f in figures],
               plain=[f["plain"] for f in figures])  # fmt: skip
    nested, chosen = cross_validated(rows, None, args.splits)
    record("crescenddi score, recipe chosen inside", **scored(nested, rows),
           chosen=dict(Counter(chosen).most_common()), **calibration(nested, rows))  # fmt: skip
    if args.write:
        best = Counter(chosen).most_common(1)[0][0]
        write_table(rows, best, scored(nested, rows))


def read_triplets() -> dict[str, np.ndarray]:
    """Return the columns of the triplets with a joint report."""
    with (DATA / "crescenddi" / "faers_counts.csv").open(encoding="utf-8", newline="") as handle:
        read = [row for row in csv.DictReader(handle) if int(row["n_111"]) >= 1]
    rows = {name: np.array([int(row[name]) for row in read]) for name in read[0]}
    return rows | {"terms": combination_terms(cells(rows))}


def cells(rows):
    return one_stratum(*(rows[name] for name in COUNTS))


def within_event(values, positive, event, draws=None) -> float:
    """Share of pairs (positive, negative) of one event in the right order, ties as a half."""
    won, pairs = event_pairs(values, positive, event)
    weight = np.ones(len(won)) if draws is None else draws
    return float(weight @ won / (weight @ pairs))


def event_pairs(values, positive, event) -> tuple[np.ndarray, np.ndarray]:
    won, pairs = [], []
    for one in np.unique(event):
        here = event == one
        yes, no = values[here & (positive == 1)], values[here & (positive == 0)]
        gap = yes[:, None] - no[None]
        won.append((gap > 0).sum() + (gap == 0).sum() / 2)
        pairs.append(gap.size)
    return np.array(won), np.array(pairs)


def auc(values, positive) -> float:
    return within_event(values, positive, np.zeros(len(values)))


def scored(values, rows, n_boot: int = 1000) -> dict:
    """AUC within event with a bootstrap of the events that have both labels, and plain AUC."""
    values = np.where(np.isnan(values), -np.inf, values)  # undefined ranks last
    values = np.unique(values, return_inverse=True)[1].astype(float)
    won, pairs = event_pairs(values, rows["positive"], rows["event"])
    won, pairs = won[pairs > 0], pairs[pairs > 0]
    out = {"within": round(float(won.sum() / pairs.sum()), 4)}
    if n_boot:
        rng = np.random.default_rng(0)
        draws = rng.multinomial(len(won), np.full(len(won), 1 / len(won)), n_boot)
        ends = np.quantile((draws @ won) / (draws @ pairs), [0.025, 0.975])
        out["within_low"], out["within_high"] = (round(float(x), 4) for x in ends)
    return out | {"plain": round(auc(values, rows["positive"]), 4)}


def shortcuts(rows) -> dict:
    """What the name of the event alone scores: its share of positives, the triplet itself out."""
    y, event = rows["positive"], np.unique(rows["event"], return_inverse=True)[1]
    yes, n = np.bincount(event, y)[event] - y, np.bincount(event)[event] - 1
    share = np.where(n > 0, yes / np.maximum(n, 1), y.mean())
    half = np.random.default_rng(0).random(len(y)) < 0.5
    table = np.full(event.max() + 1, y[half].mean())
    counts = np.bincount(event[half], minlength=len(table))
    seen = counts > 0
    table[seen] = np.bincount(event[half], y[half], minlength=len(table))[seen] / counts[seen]
    return {
        "event_lookup_plain_auc": round(auc(share, y), 4),
        "event_lookup_on_the_other_half": round(auc(table[event[~half]], y[~half]), 4),
        "events_with_both_labels": int(
            sum(0 < y[event == e].sum() < (event == e).sum() for e in np.unique(event))
        ),
    }


def measures(rows) -> dict[str, np.ndarray]:
    """Every measure of the pair, and of the single drugs; larger means more suspicious."""
    c = cells(rows)
    null = additive_null(c)
    y, n = rows["n_111"], sum(rows[name] for name in COUNTS[4:])
    with_event = sum(rows[name] for name in COUNTS[:4])
    pair = Table2x2(n_ab=y, n_a=rows["d1_d2_counter"], n_b=with_event, n=n)
    singles = [
        Table2x2(n_ab=rows[e], n_a=rows[k], n_b=with_event - rows[other], n=n - rows[lost])
        for e, k, other, lost in (
            ("n_101", "d1_not_d2_counter", "n_011", "not_d1_d2_counter"),
            ("n_011", "not_d1_d2_counter", "n_101", "d1_not_d2_counter"),
        )
    ]
    expected = dp.expected(pair)
    prior = fit_gamma_mixture(y, expected, least=1)
    terms = dict(zip(TERMS, combination_terms(c).T, strict=True))
    return {
        "count of joint reports": y,
        "Ω": omega(y, null.expected),
        "Ω025": omega025(y, null.expected),
        "p of the additive null": -additive_p(null),
        "χ (Gosho)": interaction.chi2_gosho(c),
        "RERI": interaction.reri(c),
        "RERI, lower limit": interaction.reri_interval(c).low,
        "interaction odds ratio": interaction.interaction_odds_ratio(c),
        "interaction odds ratio, lower limit": interaction.interaction_odds_ratio_interval(c).low,
        "combination risk ratio": interaction.combination_risk_ratio(c),
        "combination risk ratio, lower limit": interaction.combination_risk_ratio_interval(c).low,
        "pair: PRR": dp.prr(pair),
        "pair: PRR, lower limit": dp.prr_interval(pair).low,
        "pair: ROR": dp.ror(pair),
        "pair: χ² (Yates)": dp.chi2_yates(pair),
        "pair: IC": dp.ic(pair),
        "pair: IC025": dp.ic025(pair),
        "pair: EBGM": ebgm(y, expected, prior),
        "pair: EB05": eb_quantile(y, expected, prior, 0.05),
        "pair: Fisher p": -fisher_p(pair),
        "single: larger PRR": np.fmax(*(dp.prr(t) for t in singles)),
        "single: larger IC": terms["single_max"],
        "single: smaller IC": terms["single_min"],
    }


def blocks(rows, seed: int, n_drugs: int, n_events: int):
    """Yield (train, test): a test triplet's drugs and event stand in no training triplet."""
    rng = np.random.default_rng(seed)
    drugs, code = np.unique([rows["drug_1"], rows["drug_2"]], return_inverse=True)
    group = rng.permutation(len(drugs)) % n_drugs
    pairs = np.sort(group[code.reshape(2, -1)], axis=0)  # (2, n)
    events, which = np.unique(rows["event"], return_inverse=True)
    event = (rng.permutation(len(events)) % n_events)[which]
    for a in range(n_drugs):
        for b in range(a, n_drugs):
            touched = np.isin(pairs, (a, b)).any(axis=0)
            for e in range(n_events):
                test = np.flatnonzero((pairs[0] == a) & (pairs[1] == b) & (event == e))
                if len(test):
                    yield np.flatnonzero(~touched & (event != e)), test


def cross_validated(rows, recipe, seed: int) -> tuple[np.ndarray, list[str]]:
    """Return held-out scores; without a recipe, the one chosen inside each training block."""
    out = np.full(len(rows["positive"]), np.nan)
    chosen = []
    for train, test in blocks(rows, seed, 8, 5):
        here = recipe
        if here is None:
            chosen.append(best_recipe({k: v[train] for k, v in rows.items()}))
            here = RECIPES[chosen[-1]]
        model = fit_combination_score(
            rows["terms"][train], rows["positive"][train], rows["event"][train], **here
        )
        out[test] = model.predict(rows["terms"][test])
    return out, chosen


def best_recipe(rows) -> str:
    """Return the recipe with the best AUC within event over blocks of these triplets alone."""
    out = {name: np.full(len(rows["positive"]), np.nan) for name in RECIPES}
    for train, test in blocks(rows, 1, 4, 2):
        for name, recipe in RECIPES.items():
            model = fit_combination_score(
                rows["terms"][train], rows["positive"][train], rows["event"][train], **recipe
            )
            out[name][test] = model.predict(rows["terms"][test])
    figures = {
        name: within_event(values, rows["positive"], rows["event"]) for name, values in out.items()
    }
    return max(figures, key=lambda name: figures[name])


def calibration(p, rows) -> dict:
    """Calibration of the held-out probabilities, intervals by event, and their deciles."""
    figures = score_risk(rows["positive"], p, groups=rows["event"], n_boot=500, seed=0)
    y = rows["positive"]
    deciles = [
        [round(float(p[part].mean()), 3), round(float(y[part].mean()), 3), len(part)]
        for part in np.array_split(np.argsort(p, kind="stable"), 10)
    ]
    return {
        "calibration_slope": str(figures.calibration_slope),
        "calibration_intercept": str(figures.calibration_intercept),
        "brier": str(figures.brier),
        "deciles_predicted_observed_n": deciles,
    }


def write_table(rows, recipe: str, figures: dict) -> None:
    """Fit the recipe to all triplets and write the coefficients with where they come from."""
    model = fit_combination_score(cells(rows), rows["positive"], rows["event"], **RECIPES[recipe])
    n, yes = len(rows["positive"]), int(rows["positive"].sum())
    setting = RECIPES[recipe]["event_variance"]
    lines = [
        "# Coefficients of mine.signals.combination_score: log odds per unit, and the term's mean.",
        f"# Fitted {time.strftime('%Y-%m-%d')} by scripts/bench crescenddi --write to {n} triplets",
        f"# ({yes} positive) of CRESCENDDI (Kontsioti et al. 2022, CC BY 4.0) with FAERS counts,",
        f"# each with a joint report; ridge 1, event_variance {setting:g}.",
        f"# Held out by drug and event: {json.dumps(figures)}",
        "term\tcoefficient\tmean",
        f"intercept\t{model.intercept:.6f}\t0",
    ]
    for name, value, mean in zip(model.terms, model.coefficients, model.means, strict=True):
        lines.append(f"{name}\t{value:.6f}\t{mean:.6f}")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
