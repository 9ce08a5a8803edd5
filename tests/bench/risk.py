"""Readmission within 30 days on diabetes130, 5 folds by patient: scripts/bench risk."""

import argparse
import time

from clinnlp.study.readmission import readmission_study
from tests.bench import DATA, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-boot", type=int, default=200, help="draws of patients (default: 200)")
    args = parser.parse_args()
    start = time.perf_counter()
    study = readmission_study(DATA / "diabetes130", n_boot=args.n_boot)
    minutes = round((time.perf_counter() - start) / 60, 1)
    for model in study.models.values():
        s = model.scores
        record("risk", model=model.name, n=s.n, positive=s.n_positive, auroc=str(s.auroc),
               auprc=str(s.auprc), calibration_slope=str(s.calibration_slope),
               minutes_of_all=minutes)  # fmt: skip
    record("risk, left out", **study.n_excluded)


if __name__ == "__main__":
    main()
