import json
from datetime import date, datetime

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.spans import Span
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.entities import entity_table
from clinnlp.features.outcomes import outcome_from_columns
from clinnlp.risk.models import NaiveBayesSettings
from clinnlp.study.risk import risk_study

N = 120
WHO = [f"p{k}" for k in range(N)]
SICK = np.arange(N) % 3 == 0
INDEX = datetime(2024, 2, 1)
BEFORE, AFTER = datetime(2024, 1, 15), datetime(2024, 2, 2)
FAST = {"models": ["naive_bayes"], "n_boot": 20, "n_top": 2, "n_folds": 3}


def outcome(values=SICK):
    return Outcome(
        patients=np.array(WHO, dtype=object),
        index=np.full(N, INDEX, "datetime64[s]"),
        values=np.asarray(values, np.int8),
    )


def notes(known=BEFORE, negated=False, who=SICK):
    """One note each; the patients of `who` have a fever, the others a cough."""
    for patient, sick in zip(WHO, who, strict=True):
        mention = Entity(
            id="T1",
            span=Span(0, 5),
            label="Problem",
            assertion=Assertion(negated=negated),
        )
        text = "fever" if sick else "cough"
        yield Note(id=f"n{patient}", text=text, patient=patient, known=known, entities=(mention,))


def noise(known=BEFORE):
    rng = np.random.default_rng(0)
    return EventTable(
        {
            "patient": WHO,
            "known": [known] * N,
            "code": [f"c{k}" for k in rng.integers(0, 4, N)],
            "kind": ["drug"] * N,
        }
    )


def auroc(study):
    return study.models["naive_bayes"].scores.auroc


def test_notes_known_before_index_tell_and_a_table_of_them_gives_the_same():
    study = risk_study(outcome=outcome(), events=noise(), notes=notes(), **FAST)
    assert auroc(study).value > 0.99
    assert study.models["naive_bayes"].top_features[0].name.startswith("note:Problem:")
    assert "fever" not in repr(study.models["naive_bayes"]) + repr(study.models)
    assert "fever" not in repr(study.models["naive_bayes"].top_features)
    same = risk_study(outcome=outcome(), events=noise(), notes=entity_table(notes()), **FAST)
    assert same.models["naive_bayes"].p.tolist() == study.models["naive_bayes"].p.tolist()


def test_the_same_notes_known_after_index_tell_nothing_and_are_counted():
    study = risk_study(outcome=outcome(), events=noise(), notes=notes(known=AFTER), **FAST)
    assert auroc(study).value < 0.75
    assert study.n_excluded["entities_known_at_or_after_index"] == N
    missing = risk_study(outcome=outcome(), events=noise(), notes=notes(known=None), **FAST)
    assert missing.n_excluded["entities_known_missing"] == N


def test_negated_mentions_tell_nothing_and_are_counted():
    study = risk_study(outcome=outcome(), events=noise(), notes=notes(negated=True), **FAST)
    assert auroc(study).value < 0.75
    assert study.n_excluded["entities_negated"] == N
    strict = risk_study(outcome=outcome(), events=noise(), notes=notes(), strict=True, **FAST)
    assert strict.n_excluded["entities_uncertain_unassessed"] == N


def test_scores_curves_and_provenance_are_there():
    people = [Patient(id=p, birth_date=date(1960, 1, 1), sex="F") for p in WHO]
    read = outcome_from_columns([*WHO, "x"], [INDEX] * (N + 1), [*SICK.tolist(), None])
    study = risk_study(people, outcome=read, events=noise(), notes=notes(), **FAST)
    assert study.n_excluded["outcome_missing"] == 1
    assert auroc(study).low <= auroc(study).value <= auroc(study).high
    model = study.models["naive_bayes"]
    assert len(model.auroc_folds) == 3
    assert model.roc.tpr[-1] == model.pr.recall[-1] == 1
    assert model.calibration.n.sum() == N
    assert {row["score"] for row in study.rows()} >= {"auroc", "auprc", "brier"}
    assert set(study.to_pandas()["model"]) == {"naive_bayes"}
    told = json.loads(json.dumps(study.provenance))
    assert told["settings"]["windows"] == ["-3650d..0d"]
    assert told["settings"]["models"]["naive_bayes"][0]["kind"] == "bernoulli"
    assert repr(study) == f"RiskStudy({N} rows, 40 positive, 1 models)"


def test_all_models_by_default_and_the_same_bits_twice():
    two = [
        risk_study(outcome=outcome(), notes=notes(), n_boot=0, n_top=0, n_folds=2, seed=4)
        for _ in range(2)
    ]
    assert list(two[0].models) == ["naive_bayes", "random_forest", "svm"]
    for name, model in two[0].models.items():
        assert model.p.tolist() == two[1].models[name].p.tolist()
    assert two[0].folds.tolist() == two[1].folds.tolist()
    assert two[0].provenance == two[1].provenance


def test_a_window_past_index_is_leakage():
    ahead = (TimeWindow(start_days=-30, end_days=30),)
    with pytest.raises(LeakageError, match=r"-30d..30d"):
        risk_study(outcome=outcome(), notes=notes(), windows=ahead, **FAST)


def test_facts_before_every_window_are_counted():
    week = (TimeWindow(start_days=-7, end_days=0),)
    recent = noise(known=datetime(2024, 1, 30))
    study = risk_study(outcome=outcome(), events=recent, notes=notes(), windows=week, **FAST)
    assert study.n_excluded["facts_outside_windows"] == N
    assert auroc(study).value < 0.75


def test_given_folds_are_used_and_a_patient_in_two_is_leakage():
    folds = np.arange(N) % 4
    study = risk_study(outcome=outcome(), notes=notes(), folds=folds, **FAST)
    assert study.folds.tolist() == folds.tolist()
    assert len(study.provenance["settings"]["splits"]) == 4
    twice = np.array([*WHO[: N - 1], WHO[0]])
    with pytest.raises(LeakageError, match="'p0'"):
        risk_study({"x": np.arange(N)}, outcome=SICK, groups=twice, folds=folds, **FAST)


def test_a_table_takes_settings_per_model():
    columns = {"signal": SICK + np.random.default_rng(0).normal(size=N)}
    models = {
        "bins": NaiveBayesSettings(n_bins=3),
        "complement": NaiveBayesSettings(kind="complement"),
    }
    study = risk_study(
        columns, outcome=SICK, groups=np.array(WHO), models=models, n_boot=0, n_top=0, n_folds=3
    )
    assert list(study.models) == ["bins", "complement"]
    assert study.models["bins"].scores.auroc.value > 0.6


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(N), "both outcomes"),
        (np.arange(N), "0 or 1"),
        (np.zeros(3), "one per row"),
        (np.arange(N) == 0, "at least 2 patients of each class"),
    ],
)
def test_outcomes_that_cannot_be_studied_are_refused(y, message):
    with pytest.raises(ArgumentError, match=message):
        risk_study({"x": np.arange(N)}, outcome=y, groups=np.array(WHO), min_class=0, **FAST)


def test_other_refusals():
    with pytest.raises(ArgumentError, match="groups"):
        risk_study({"x": np.arange(N)}, outcome=SICK, **FAST)
    with pytest.raises(ArgumentError, match="model must be one of"):
        risk_study(outcome=outcome(), notes=notes(), models=["bayes"])
    with pytest.raises(ArgumentError, match="at least one feature"):
        risk_study(outcome=outcome(), notes=notes(), min_patients=1000, **FAST)
