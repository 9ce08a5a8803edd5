"""What notes add to structured data in cohort-mini, beside what was planted.

scripts/bench notes_gain: a note of every one of the 5,000 patients, as gold mentions; 5 folds by
patient, and the difference of AUROC with and without notes, paired, with an interval by patient.
Then one model of notes and structure side by side, minus the blend of one model of each: by
mentions, and by words of the notes (TF-IDF) in logistic regressions, whose penalty is chosen inside
the training rows.
"""

import json
import tempfile

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV

from clinnlp.features.entities import entity_table
from clinnlp.features.matrix import PatientFeatures
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.io.record.people import read_patients
from clinnlp.metrics.compare import compare_risks
from clinnlp.risk.blend import blend_risks
from clinnlp.risk.indicators import Indicators
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
        outcome = read_outcome_table(folder / "outcome.csv")
        events = read_events(folder / "events.csv")
        settings = RiskStudySettings(models=MODELS, n_top=0, n_boot=200)
        notes = list(read_notes(folder / "notes_gold.jsonl"))
        mentions = entity_table(notes)
        auc = json.loads((folder / "truth.json").read_text())["risk"]["oracle_auc"]
        structured = risk_rows(people, outcome=outcome, events=events)
        without = risk_study(structured, settings)
        both = risk_study(
            risk_rows(people, outcome=outcome, events=events, notes=mentions), settings
        )
        alone = risk_study(risk_rows(people, outcome=outcome, notes=mentions), settings)
        gains = notes_gain(both, without, n_boot=300)
    planted = round(auc["all"] - auc["all_structured_only"], 4)
    record("notes gain", planted=planted, **{m: str(gains[m]["auroc"]) for m in MODELS})
    minus = {m: minus_blend(both, *(s.models[m].p for s in (both, without, alone))) for m in MODELS}
    record("one model of notes and structure minus a blend, AUROC", **minus,
           words=minus_blend(both, *by_words(structured, notes, both.folds)))  # fmt: skip


def minus_blend(study, joint: np.ndarray, *parts: np.ndarray) -> str:
    blend = blend_risks(parts)
    found = compare_risks(study.y, joint, blend, groups=study.patients.tolist(), n_boot=300)
    return str(found["auroc"])


def by_words(rows, notes, folds: np.ndarray) -> np.ndarray:
    """Return tested risks of words and structure together, of structure, and of words."""
    told = {}
    for note in notes:
        told[note.patient] = f"{told.get(note.patient, '')} {note.text}"
    texts = np.array([told.get(patient, "") for patient in rows.rows.patients], dtype=object)
    p = np.full((3, len(texts)), np.nan)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        features = PatientFeatures().fit(rows.rows.take(train))
        bins, words = Indicators(), TfidfVectorizer(min_df=5, sublinear_tf=True)
        bins.fit(features.transform(rows.rows.take(train)))
        words.fit(texts[train])
        parts = [
            (bins.transform(features.transform(rows.rows.take(at))), words.transform(texts[at]))
            for at in (train, test)
        ]
        forms = [sparse.hstack, lambda part: part[0], lambda part: part[1]]
        for found, form in zip(p, forms, strict=True):
            model = LogisticRegressionCV(
                Cs=[0.01, 0.1, 1, 10], cv=3, scoring="roc_auc", max_iter=1000,
                l1_ratios=(0,), use_legacy_attributes=False,
            )  # fmt: skip
            model.fit(sparse.csr_matrix(form(parts[0])), rows.y[train])
            found[test] = model.predict_proba(sparse.csr_matrix(form(parts[1])))[:, 1]
    return p


if __name__ == "__main__":
    main()
