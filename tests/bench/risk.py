"""Readmission within 30 days on diabetes130, 5 folds by patient: scripts/bench risk.

scripts/bench risk [--models NAME ...] [--folds 0 1 2 3 4] [--no-history] [--permutations 20]

Every encounter is predicted by models that never saw its patient. A fold and model that was done
before is read from out/risk, where fold ids and probabilities stay, so a long run can be spread
out. Figures: the mean of folds, and all out-of-fold probabilities together, with intervals by
patient; differences are paired, each model minus naive Bayes.
"""

import argparse
import json
import resource

import numpy as np
import pandas as pd

from clinnlp.metrics.compare import compare_risks
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.blend import blend_risks
from clinnlp.risk.models import MODELS
from clinnlp.study.readmission import readmission_study
from tests.bench import DATA, ROOT, record

OUT = ROOT / "out" / "risk"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--n-boot", type=int, default=200, help="draws of patients (default: 200)")
    parser.add_argument("--permutations", type=int, default=20, help="of the outcome, naive Bayes")
    parser.add_argument("--no-history", action="store_true", help="without earlier stays")
    parser.add_argument("--quiet", action="store_true", help="train only, report another time")
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    parts = [
        fold(args.models, k, history=not args.no_history, permutations=args.permutations)
        for k in args.folds
    ]
    made = {
        model: (pd.concat([p[model][0] for p in parts]), [p[model][1] for p in parts])
        for model in args.models
    }
    if {"random_forest", "boosting"} <= set(made):
        made["blend"] = blended(made["random_forest"], made["boosting"])
    if not args.quiet:
        for model, (frame, told) in made.items():
            report(model, frame, told, args)
        compare(made, args.n_boot)


def fold(models: list[str], k: int, *, history: bool, permutations: int) -> dict:
    """Return, per model, patient, outcome and probability of one fold, and what it took."""
    stem = {m: OUT / (f"{m}-fold{k}" + ("" if history else "-no-history")) for m in models}
    todo = [m for m in models if not stem[m].with_suffix(".json").is_file()]
    if todo:
        study = readmission_study(
            DATA / "diabetes130", history=history, models=todo, only=[k],
            n_boot=0, n_permutations=permutations * (todo[0] == "naive_bayes"),
        )  # fmt: skip
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        for m, found in study.models.items():
            columns = {"patient": study.patients, "fold": k, "y": study.y, "p": found.p}
            pd.DataFrame(columns).to_csv(stem[m].with_suffix(".csv"), index=False)
            permuted = study.permuted.tolist() if m == "naive_bayes" else []
            told = {"auroc": found.auroc_mean, "seconds": found.seconds, "permuted": permuted,
                    "peak_gib": peak, "left_out": dict(study.n_excluded)}  # fmt: skip
            stem[m].with_suffix(".json").write_text(json.dumps(told))
    return {
        m: (
            pd.read_csv(path.with_suffix(".csv"), dtype={"patient": str}),
            json.loads(path.with_suffix(".json").read_text()),
        )
        for m, path in stem.items()
    }


def blended(one: tuple, other: tuple) -> tuple:
    """Return the blend of two models as one more."""
    (a, told), (b, more) = one, other
    frame = a.assign(p=blend_risks([a["p"], b["p"]]))
    folds = [
        score_risk(part["y"], part["p"], n_boot=0).auroc.value for _, part in frame.groupby("fold")
    ]
    parts = [
        {**x, "auroc": auroc, "seconds": x["seconds"] + y["seconds"], "permuted": []}
        for x, y, auroc in zip(told, more, folds, strict=True)
    ]
    return frame, parts


def report(model: str, frame: pd.DataFrame, told: list[dict], args: argparse.Namespace) -> None:
    """Record the scores of one model, and of its permuted outcomes."""
    scores = score_risk(frame["y"], frame["p"], groups=frame["patient"], n_boot=args.n_boot)
    folds = [part["auroc"] for part in told]
    record("risk", model=model, folds=args.folds, history=not args.no_history, n=scores.n,
           positive=scores.n_positive, auroc_mean_of_folds=round(float(np.mean(folds)), 4),
           auroc_folds=[round(a, 4) for a in folds], auroc=str(scores.auroc),
           auprc=str(scores.auprc), sensitivity_at_a_tenth=str(scores.sensitivity),
           calibration_slope=str(scores.calibration_slope), brier=str(scores.brier),
           seconds=round(sum(part["seconds"] for part in told)),
           peak_gib=round(max(part["peak_gib"] for part in told), 2),
           left_out=told[0]["left_out"])  # fmt: skip
    dealt = [part["permuted"] for part in told if part["permuted"]]
    if dealt:
        permuted = np.mean(dealt, axis=0)
        error = permuted.std(ddof=1) / np.sqrt(len(permuted))
        record("risk, outcomes dealt out by chance", model=model, n=len(permuted), folds=len(dealt),
               mean=round(float(permuted.mean()), 4),
               standard_error=round(float(error), 4))  # fmt: skip


def compare(made: dict, n_boot: int) -> None:
    """Record each model minus the first, paired by patient."""
    (first, (one, _)), *others = made.items()
    for model, (frame, _) in others:
        found = compare_risks(
            one["y"], frame["p"], one["p"], groups=one["patient"].tolist(), n_boot=n_boot
        )
        record("risk, difference", model=model, minus=first, auroc=str(found["auroc"]),
               auprc=str(found["auprc"]))  # fmt: skip


if __name__ == "__main__":
    main()
