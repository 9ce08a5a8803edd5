"""What notes add to structured data in cohort-mini, beside what was planted.

scripts/bench notes_gain: a note of every one of the 5,000 patients, as gold mentions; 5 folds by
patient, and the difference of AUROC with and without notes, paired, with an interval by patient.
"""

import json
import tempfile

from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.io.record.people import read_patients
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.risk_tables import read_outcome_table
from clinnlp.study.risk_values import notes_gain
from clinnlp.study.settings import RiskStudySettings
from clinnlp.study.synthetic import write_cohort_mini
from tests.bench import record

MODELS = ("naive_bayes", "random_forest", "logistic")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_cohort_mini(f"{temporary}/cohort", n_noted=5000)
        people = read_patients(folder / "patients.csv")
        how = {
            "outcome": read_outcome_table(folder / "outcome.csv"),
            "events": read_events(folder / "events.csv"),
        }
        settings = RiskStudySettings(models=MODELS, n_top=0, n_boot=200)
        mentions = entity_table(read_notes(folder / "notes_gold.jsonl"))
        auc = json.loads((folder / "truth.json").read_text())["risk"]["oracle_auc"]
        without = risk_study(risk_rows(people, **how), settings)
        with_notes = risk_study(risk_rows(people, notes=mentions, **how), settings)
        gains = notes_gain(with_notes, without, n_boot=300)
    planted = round(auc["all"] - auc["all_structured_only"], 4)
    record("notes gain", planted=planted, **{m: str(gains[m]["auroc"]) for m in MODELS})


if __name__ == "__main__":
    main()
