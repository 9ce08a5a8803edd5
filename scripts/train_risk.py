"""Train naive Bayes, random forest and SVM on what was known before an index time.

Worked example: generate the synthetic cohort, then model its outcome from structured events:

    python -c "from clinnlp.study.synthetic import write_cohort_mini as w; w('out/cohort')"
    python scripts/train_risk.py out/cohort/outcome.csv out/cohort/events.csv \
        --patients out/cohort/patients.csv

Patients never stand in two folds, events known at or after the index time are left out and
counted, probabilities are calibrated inside the folds, and every score has its interval.
"""

import argparse

import clinnlp
from clinnlp.features.outcomes import read_outcome
from clinnlp.io.record.events import read_events
from clinnlp.io.record.people import read_patients
from clinnlp.io.tables.mentions import read_entity_table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("outcome", help="CSV: patient, index_time, outcome (0 or 1)")
    parser.add_argument("events", help="CSV or Parquet of structured events")
    parser.add_argument("--patients", help="CSV: patient, birth_date, sex")
    parser.add_argument("--entities", help="mentions from scripts/extract_entities.py")
    parser.add_argument("--look-back-days", type=float, default=3650, help="(default: 3650)")
    args = parser.parse_args()

    rows = clinnlp.risk_rows(
        read_patients(args.patients) if args.patients else (),
        outcome=read_outcome(args.outcome, index="index_time"),
        events=read_events(args.events),
        notes=read_entity_table(args.entities) if args.entities else None,
        settings=clinnlp.RiskRowSettings(look_back_days=args.look_back_days),
    )
    study = clinnlp.risk_study(rows)
    for reason, n in study.n_excluded.items():
        print(f"left out, {reason}: {n}")
    for model in study.models.values():
        print(f"{model.name}: AUROC {model.scores.auroc}, AUPRC {model.scores.auprc}, "
              f"calibration slope {model.scores.calibration_slope}")  # fmt: skip
        for feature in model.top_features[:5]:
            print(f"  {feature.name}: AUROC falls by {feature.fall:.4f} without it")


if __name__ == "__main__":
    main()
