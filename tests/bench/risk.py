"""Readmission within 30 days on diabetes130, 5 folds by patient: scripts/bench risk.

scripts/bench risk [--models NAME ...] [--permutations 20] [--no-history]: fold ids and
probabilities of every encounter go to out/risk/readmission.csv; figures are means of folds beside
those of all out-of-fold probabilities together, with intervals by patient.
"""

import argparse
import resource
import time

import numpy as np

from clinnlp.risk.models import MODELS
from clinnlp.study.readmission import readmission_study
from clinnlp.study.risk_flow import predictions
from tests.bench import DATA, ROOT, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--n-boot", type=int, default=200, help="draws of patients (default: 200)")
    parser.add_argument("--permutations", type=int, default=20, help="of the outcome, naive Bayes")
    parser.add_argument("--no-history", action="store_true", help="without earlier stays")
    args = parser.parse_args()
    start = time.perf_counter()
    study = readmission_study(
        DATA / "diabetes130",
        history=not args.no_history,
        models=args.models,
        n_boot=args.n_boot,
        n_permutations=args.permutations,
    )
    minutes = round((time.perf_counter() - start) / 60, 1)
    for model in study.models.values():
        s = model.scores
        record("risk", model=model.name, history=not args.no_history, n=s.n, positive=s.n_positive,
               auroc_mean_of_folds=round(model.auroc_mean, 4),
               auroc_folds=[round(a, 4) for a in model.auroc_folds], auroc=str(s.auroc),
               auprc=str(s.auprc), sensitivity_at_a_tenth=str(s.sensitivity),
               slope=str(s.calibration_slope), seconds=round(model.seconds))  # fmt: skip
    for name, scores in study.differences.items():
        record("risk, difference", model=name, minus=study.reference, auroc=str(scores["auroc"]))
    if len(study.permuted):
        p = study.permuted
        record("risk, outcomes dealt out by chance", n=len(p), mean=round(float(p.mean()), 4),
               standard_error=round(float(p.std(ddof=1) / np.sqrt(len(p))), 4))  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    record("risk, all", minutes=minutes, peak_gib=round(peak, 2), **study.n_excluded)
    out = ROOT / "out" / "risk"
    out.mkdir(parents=True, exist_ok=True)
    predictions(study).to_csv(out / "readmission.csv", index=False)


if __name__ == "__main__":
    main()
