"""The checklist of TRIPOD+AI, filled as far as a study knows it.

References
----------
Collins et al., TRIPOD+AI statement, BMJ 2024, 385:e078378 (27 items, 52 with their parts).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clinnlp.study.risk_values import RiskStudy

__all__ = ["TRIPOD_AI", "tripod_rows"]

TRIPOD_AI = {  # item: section, what is to be reported, in short
    "1": ("Title", "study develops or evaluates a model; target population; outcome"),
    "2": ("Abstract", "see TRIPOD+AI for abstracts"),
    "3a": ("Background", "healthcare context, rationale, existing models"),
    "3b": ("Background", "target population, intended purpose and users"),
    "3c": ("Background", "known health inequalities between groups"),
    "4": ("Objectives", "development, evaluation or both"),
    "5a": ("Data", "sources, why these, how representative"),
    "5b": ("Data", "dates of accrual and follow-up"),
    "6a": ("Participants", "setting, number and place of centres"),
    "6b": ("Participants", "eligibility"),
    "6c": ("Participants", "treatments received, and how they were handled"),
    "7": ("Data preparation", "pre-processing and checks of quality"),
    "8a": ("Outcome", "definition, horizon, how and when assessed"),
    "8b": ("Outcome", "who assessed it, where that takes judgement"),
    "8c": ("Outcome", "blinding of its assessment"),
    "9a": ("Predictors", "choice, and selection before the model was built"),
    "9b": ("Predictors", "definition, how and when measured"),
    "9c": ("Predictors", "who assessed them, where that takes judgement"),
    "10": ("Sample size", "how it was arrived at, and whether it suffices"),
    "11": ("Missing data", "how handled, and why data were left out"),
    "12a": ("Analysis", "how data were used for development and evaluation"),
    "12b": ("Analysis", "how predictors were handled"),
    "12c": ("Analysis", "type of model, building, tuning, internal validation"),
    "12d": ("Analysis", "heterogeneity between clusters"),
    "12e": ("Analysis", "measures and plots of performance"),
    "12f": ("Analysis", "updating of the model"),
    "12g": ("Analysis", "how predictions were calculated"),
    "13": ("Class imbalance", "methods, and recalibration after them"),
    "14": ("Fairness", "approaches and their rationale"),
    "15": ("Model output", "what the model gives; thresholds and their rationale"),
    "16": ("Training versus evaluation", "differences between the two sets of data"),
    "17": ("Ethical approval", "board, consent or waiver"),
    "18a": ("Open science", "funding"),
    "18b": ("Open science", "conflicts of interest"),
    "18c": ("Open science", "protocol"),
    "18d": ("Open science", "registration"),
    "18e": ("Open science", "data sharing"),
    "18f": ("Open science", "code sharing"),
    "19": ("Patient and public involvement", "in design, conduct, reporting"),
    "20a": ("Participants", "flow, numbers with and without the outcome"),
    "20b": ("Participants", "characteristics, overall and by source"),
    "20c": ("Participants", "predictors in evaluation against development"),
    "21": ("Model development", "participants and outcomes in each analysis"),
    "22": ("Model specification", "the full model, and how to use it"),
    "23a": ("Model performance", "estimates with intervals, also in subgroups"),
    "23b": ("Model performance", "heterogeneity between clusters"),
    "24": ("Model updating", "results of it"),
    "25": ("Interpretation", "overall, with fairness"),
    "26": ("Limitations", "non-representative sample, size, overfitting, missing data"),
    "27a": ("Usability", "poor or unavailable input when the model is used"),
    "27b": ("Usability", "what users have to do, and know"),
    "27c": ("Usability", "next steps of research"),
}
_OPEN = "for the authors to write"
_MEASURES = (
    "AUROC within folds, average precision, sensitivity at the alert rate, Brier score, log loss; "
    "calibration slope, intercept, expected over observed, smooth curve with band, ICI, E50, E90; "
    "decision curve; alerts, sensitivity, specificity, PPV and number needed to evaluate at "
    "thresholds; intervals by resampling patients"
)


def tripod_rows(study: RiskStudy) -> list[dict[str, str]]:
    """Return one row per item of TRIPOD+AI: item, section, asked, answer.

    What a study cannot know is left to its authors, and said to be.

    Examples
    --------
    >>> len(TRIPOD_AI), len({item.rstrip("abcdefg") for item in TRIPOD_AI})
    (52, 27)
    """
    known = {**_of_data(study), **(_of_models(study) if study.models else {})}
    return [
        {"item": item, "section": section, "asked": asked, "answer": known.get(item) or _OPEN}
        for item, (section, asked) in TRIPOD_AI.items()
    ]


def _of_data(study: RiskStudy) -> dict[str, str]:
    said = study.provenance["settings"]
    lost = ", ".join(f"{k.replace('_', ' ')} {n:,}" for k, n in study.n_excluded.items() if n)
    flow = ", ".join(f"{step} {n:,}" for step, n in study.flow)
    n, n_positive = len(study.y), int(study.y.sum())
    made = {
        "4": "development, with internal validation",
        "7": f"left out and counted: {lost or 'nothing'}. {' '.join(study.cautions)}".strip(),
        "8a": "0 or 1 per patient and index time, as given; its definition is " + _OPEN,
        "9a": _features(said),
        "11": "rows without an outcome or index time are left out; a fact that is not known "
        "counts as absent, a missing number as the median of the training rows",
        "20a": f"{flow}; with the outcome {n_positive:,}, without {n - n_positive:,}",
    }
    if study.index is not None and len(study.index):
        months = study.index.astype("datetime64[M]")
        made["5b"] = f"index times from {months.min()} to {months.max()}; follow-up is {_OPEN}"
    if study.needed is not None:
        whose, needed = study.patients.astype(str), study.needed
        made["10"] = (
            f"{len(np.unique(whose)):,} patients tested, {len(np.unique(whose[study.y == 1])):,} "
            f"with the outcome; by Riley et al. 2019 {needed.n:,} with {needed.n_events:,} are "
            "needed (shrinkage 0.9, 15 % of the largest R² expected)"
        )
    return made


def _features(said: Mapping[str, Any]) -> str:
    windows, least = said.get("windows"), said.get("min_patients")
    where = f"known in the windows {', '.join(windows)} before index" if windows else "as given"
    rare = f", of at least {least} training patients" if least else ""
    return f"every feature {where}{rare}; no selection by the outcome before the folds"


def _of_models(study: RiskStudy) -> dict[str, str]:
    said = study.provenance["settings"]
    names, splits = ", ".join(study.models), ", ".join(study.split_names)
    n_features = sorted({n for m in study.models.values() for n in m.n_features})
    tried = {name: len(grid) for name, grid in said.get("models", {}).items()}
    tuned = ", ".join(f"{name} {n}" for name, n in tried.items() if n > 1)
    groups = sorted({s.attribute for m in study.models.values() for s in m.subgroups})
    first = next(iter(study.models.values()))
    scores = "; ".join(
        f"{m.name}: AUROC {m.scores.auroc}, calibration slope {m.scores.calibration_slope}, "
        f"expected over observed {m.reported.smooth.expected_observed}"
        for m in study.models.values()
    )
    return {
        "9b": f"{n_features[0]:,} to {n_features[-1]:,} features per split, named in the report",
        "12a": f"splits: {splits}; no patient on both sides; {study.estimand}",
        "12b": "numbers in quantile bins for naive Bayes, logistic regression and SVM, as they are "
        "for trees",
        "12c": f"{names}; settings tried on inner folds by patient: {tuned or 'one each'}; "
        f"calibration {said.get('method')} on inner folds by patient",
        "12e": _MEASURES,
        "12f": "none",
        "12g": "each tested row by a model that was not trained on its patient",
        "13": "nothing is resampled; SVM weights classes for ranking alone, probabilities are "
        "calibrated without weights",
        "14": f"scores compared between groups by {', '.join(groups)}" if groups else "",
        "15": "a probability; alerts are told at the thresholds "
        + ", ".join(f"{at.threshold:g}" for at in first.reported.thresholds),
        "18f": ", ".join(f"{k} {v}" for k, v in study.provenance["versions"].items()),
        "21": f"{len(study.y):,} rows tested, {int(study.y.sum()):,} with the outcome",
        "22": "the kept model can be loaded and applied: card.json and model.skops in its folder",
        "23a": scores,
        "24": "none",
        "27a": "a case of which nothing is known gets no risk; other units, vocabularies and "
        "sources are refused by name",
    }
