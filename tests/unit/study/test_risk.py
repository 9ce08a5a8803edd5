import json
from dataclasses import fields, replace
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.spans import Span
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.entities import entity_table
from clinnlp.features.outcomes import outcome_from_columns
from clinnlp.risk.models import NaiveBayesSettings
from clinnlp.risk.splits import split_by_time
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows, rows_of_table
from clinnlp.study.risk_values import notes_gain
from clinnlp.study.settings import RiskRowSettings, RiskStudySettings

N = 120
WHO = [f"p{k}" for k in range(N)]
SICK = np.arange(N) % 3 == 0
INDEX = datetime(2024, 2, 1)
BEFORE, AFTER = datetime(2024, 1, 15), datetime(2024, 2, 2)
FAST = RiskStudySettings(models=("naive_bayes",), n_boot=20, n_top=2, n_folds=3)


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
    study = risk_study(risk_rows(outcome=outcome(), events=noise(), notes=notes()), FAST)
    assert auroc(study).value > 0.99
    assert study.models["naive_bayes"].top_features[0].name.startswith("note:Problem:")
    assert "fever" not in repr(study.models["naive_bayes"]) + repr(study.models)
    assert "fever" not in repr(study.models["naive_bayes"].top_features)
    same = risk_study(
        risk_rows(outcome=outcome(), events=noise(), notes=entity_table(notes())), FAST
    )
    assert same.models["naive_bayes"].p.tolist() == study.models["naive_bayes"].p.tolist()


def test_the_same_notes_known_after_index_tell_nothing_and_are_counted():
    study = risk_study(risk_rows(outcome=outcome(), events=noise(), notes=notes(known=AFTER)), FAST)
    assert auroc(study).value < 0.75
    assert study.n_excluded["entities_known_at_or_after_index"] == N
    missing = risk_study(
        risk_rows(outcome=outcome(), events=noise(), notes=notes(known=None)), FAST
    )
    assert missing.n_excluded["entities_known_missing"] == N


def test_negated_mentions_tell_nothing_and_are_counted():
    study = risk_study(
        risk_rows(outcome=outcome(), events=noise(), notes=notes(negated=True)), FAST
    )
    assert auroc(study).value < 0.75
    assert study.n_excluded["entities_negated"] == N
    strict = risk_study(
        risk_rows(
            outcome=outcome(), events=noise(), notes=notes(), settings=RiskRowSettings(strict=True)
        ),
        FAST,
    )
    assert strict.n_excluded["entities_uncertain_unassessed"] == N


def test_scores_curves_and_provenance_are_there():
    people = [Patient(id=p, birth_date=date(1960, 1, 1), sex="F") for p in WHO]
    read = outcome_from_columns([*WHO, "x"], [INDEX] * (N + 1), [*SICK.tolist(), None])
    study = risk_study(risk_rows(people, outcome=read, events=noise(), notes=notes()), FAST)
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
        risk_study(
            risk_rows(outcome=outcome(), notes=notes()),
            RiskStudySettings(n_boot=0, n_top=0, n_folds=2, seed=4),
        )
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
        risk_rows(outcome=outcome(), notes=notes(), windows=ahead)


def test_facts_before_every_window_are_counted():
    week = (TimeWindow(start_days=-7, end_days=0),)
    recent = noise(known=datetime(2024, 1, 30))
    study = risk_study(
        risk_rows(outcome=outcome(), events=recent, notes=notes(), windows=week), FAST
    )
    assert study.n_excluded["facts_outside_windows"] == N
    assert auroc(study).value < 0.75


def test_given_folds_are_used_and_a_patient_in_two_is_leakage():
    folds = np.arange(N) % 4
    study = risk_study(risk_rows(outcome=outcome(), notes=notes()), FAST, folds=folds)
    assert study.folds.tolist() == folds.tolist()
    assert len(study.provenance["settings"]["splits"]) == 4
    twice = np.array([*WHO[: N - 1], WHO[0]])
    rows = rows_of_table({"x": np.arange(N)}, outcome=SICK, groups=twice)
    with pytest.raises(LeakageError, match=r"1 patients in several .* row 119"):
        risk_study(rows, FAST, folds=folds)


def test_a_table_takes_settings_per_model():
    columns = {"signal": SICK + np.random.default_rng(0).normal(size=N)}
    models = {
        "bins": NaiveBayesSettings(n_bins=3),
        "complement": NaiveBayesSettings(kind="complement"),
    }
    rows = rows_of_table(columns, outcome=SICK, groups=np.array(WHO))
    study = risk_study(rows, RiskStudySettings(n_boot=0, n_top=0, n_folds=3), models=models)
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
        risk_study(
            rows_of_table({"x": np.arange(N)}, outcome=y, groups=np.array(WHO)),
            replace(FAST, min_class=0),
        )


def test_two_columns_of_one_name_and_a_table_without_names_are_refused():
    twice = pd.DataFrame(np.zeros((N, 2)), columns=["hb", "hb"])
    with pytest.raises(ArgumentError, match="name of its own, got two called 'hb'"):
        rows_of_table(twice, outcome=SICK, groups=np.array(WHO))
    with pytest.raises(ArgumentError, match=r"table must be a mapping .* got ndarray"):
        rows_of_table(np.zeros((N, 2)), outcome=SICK, groups=np.array(WHO))


def test_the_rows_of_a_frame_in_another_order_than_its_outcome_are_refused():
    frame, y = pd.DataFrame({"x": np.arange(N)}), pd.Series(SICK.astype(int))
    who = pd.Series(WHO)
    with pytest.raises(ArgumentError, match="outcome must have its rows in the order of the table"):
        rows_of_table(frame.iloc[::-1], outcome=y, groups=who)
    with pytest.raises(ArgumentError, match="groups must have its rows"):
        rows_of_table(frame, outcome=y, groups=who.iloc[::-1])
    rows = rows_of_table(frame.iloc[::-1], outcome=y.iloc[::-1], groups=who.iloc[::-1])
    assert rows.y.tolist() == SICK[::-1].astype(int).tolist()
    assert len(rows_of_table(frame[5:], outcome=y[5:].reset_index(drop=True), groups=WHO[5:]).y)


def test_other_refusals():
    with pytest.raises(ArgumentError, match="groups"):
        rows_of_table({"x": np.arange(N)}, outcome=SICK)
    with pytest.raises(ArgumentError, match="got a table; use rows_of_table"):
        risk_rows({"x": np.arange(N)}, outcome=outcome())
    with pytest.raises(ArgumentError, match="model must be one of"):
        risk_study(
            risk_rows(outcome=outcome(), notes=notes()), RiskStudySettings(models=("bayes",))
        )
    rows = risk_rows(outcome=outcome(), notes=notes(), settings=RiskRowSettings(min_patients=1000))
    with pytest.raises(ArgumentError, match="at least one feature"):
        risk_study(rows, FAST)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (RiskStudySettings, {"method": "beta"}, "method must be one of isotonic, sigmoid"),
        (RiskStudySettings, {"n_top": -1}, "n_top must be at least 0"),
        (RiskStudySettings, {"min_class": -1}, "min_class must be at least 0"),
        (RiskStudySettings, {"n_folds": 1}, "n_folds must be at least 2"),
        (RiskStudySettings, {"alert_rate": 2.0}, "alert_rate must lie between 0 and 1"),
        (RiskRowSettings, {"min_patients": 0}, "min_patients must be at least 1"),
        (RiskRowSettings, {"look_back_days": 0.0}, "look_back_days must be above 0"),
    ],
)
def test_settings_of_a_study_that_cannot_be(kind, given, message):
    with pytest.raises(ArgumentError, match=message):
        kind(**given)


def test_all_settings_are_told_with_the_study_and_the_look_back_as_its_window():
    rows = risk_rows(
        outcome=outcome(),
        events=noise(),
        settings=RiskRowSettings(look_back_days=100.0, recency=True, min_patients=3),
    )
    used = json.loads(json.dumps(risk_study(rows, FAST).provenance))["settings"]
    assert {f.name for f in fields(RiskStudySettings)} <= set(used)
    assert {f.name for f in fields(RiskRowSettings)} - set(used) == {"look_back_days"}
    assert (used["windows"], used["sources"]) == (["-100d..0d"], ["events"])
    assert (used["recency"], used["min_patients"], used["n_boot"]) == (True, 3, 20)


def test_no_score_where_a_class_has_too_few_patients_and_the_study_says_so():
    rare = np.arange(N) < 19
    study = risk_study(risk_rows(outcome=outcome(rare), events=noise()), FAST)
    assert study.models == {}
    assert study.unscored == study.cautions[0]
    assert "a class has 19 patients, and at least 20 are needed" in study.unscored
    assert len(study.to_pandas()) == 0
    assert dict(study.flow)["positive rows"] == 19
    assert (
        len(risk_study(risk_rows(outcome=outcome(np.arange(N) < 20), events=noise()), FAST).models)
        == 1
    )


def test_each_model_is_compared_with_the_first_by_pairs():
    study = risk_study(
        risk_rows(outcome=outcome(), events=noise(), notes=notes()),
        replace(FAST, models=("naive_bayes", "logistic")),
    )
    assert study.reference == "naive_bayes"
    rows = {row["score"]: row for row in study.difference_rows()}
    assert {row["minus"] for row in rows.values()} == {"naive_bayes"}
    by = {m.name: m.scores.auroc.value for m in study.models.values()}
    assert rows["auroc"]["value"] == pytest.approx(by["logistic"] - by["naive_bayes"])
    assert rows["auroc"]["low"] <= rows["auroc"]["value"] <= rows["auroc"]["high"]


def test_what_notes_add_is_paired_and_needs_the_same_rows():
    rows = risk_rows(outcome=outcome(), events=noise())
    more = risk_rows(outcome=outcome(), events=noise(), notes=notes())
    without, with_notes = risk_study(rows, FAST), risk_study(more, FAST)
    gain = notes_gain(with_notes, without, n_boot=50)["naive_bayes"]["auroc"]
    assert gain.low > 0
    other = risk_study(rows, replace(FAST, n_folds=4))
    with pytest.raises(ArgumentError, match="other rows or splits"):
        notes_gain(with_notes, other)


def test_subgroups_are_of_age_sex_and_ethnicity_where_known():
    people = [
        Patient(id=p, birth_date=date(1950 if k < 90 else 1990, 1, 1), sex="FM"[k % 2],
                ethnicity="a" if k < 110 else None)
        for k, p in enumerate(WHO)
    ]  # fmt: skip
    study = risk_study(risk_rows(people, outcome=outcome(), events=noise(), notes=notes()), FAST)
    rows = {(r["attribute"], r["value"]): r for r in study.subgroup_rows()}
    assert rows["age band", "65-79"]["patients"] == 90
    assert rows["age band", "65-79"]["auroc"] > 0.9
    assert rows["age band", "18-44"]["auroc"] is None  # ten of a class
    assert rows["ethnicity", "missing"]["patients"] is None  # fewer than may be told apart
    assert ("sex", "F") in rows


def test_by_time_only_later_rows_are_tested_and_the_flow_counts_the_others():
    late = np.where(np.arange(N) < 60, INDEX, datetime(2024, 9, 1)).astype("datetime64[s]")
    given = Outcome(patients=np.array(WHO, dtype=object), index=late, values=SICK.astype(np.int8))
    split = split_by_time(given.patients, late, cut="2024-06-01", horizon_days=30)
    study = risk_study(risk_rows(outcome=given, events=noise(), notes=notes()), FAST, splits=split)
    assert study.patients.tolist() == WHO[60:]
    assert study.split_names == ("from 2024-06-01",)
    assert auroc(study).value > 0.99
    assert dict(study.flow)["rows tested"] == 60
    assert dict(study.flow)["rows neither trained on nor tested"] == 0


def test_copied_notes_between_folds_are_warned_of_with_their_count():
    study = risk_study(risk_rows(outcome=outcome(), events=noise(), notes=notes()), FAST)
    assert f"{N} notes of tested patients stand word for word" in study.cautions[0]


def test_units_and_missing_birth_dates_are_told():
    people = [Patient(id=p, birth_date=date(1960, 1, 1)) for p in WHO[:100]]
    lab = EventTable({"patient": WHO, "known": [BEFORE] * N, "code": ["k"] * N, "kind": ["lab"] * N,
                      "unit": ["mg", "g"] * (N // 2), "value": np.ones(N)})  # fmt: skip
    study = risk_study(risk_rows(people, outcome=outcome(), events=lab), FAST)
    assert study.cautions[0] == "'lab:k' is measured in g, mg: each unit is a feature of its own"
    assert study.cautions[1].startswith("20 of 120 cases have no birth date")


def test_permuted_outcomes_are_scored_where_asked_for():
    rows = risk_rows(outcome=outcome(), notes=notes())
    study = risk_study(rows, replace(FAST, n_permutations=3))
    assert study.permuted.shape == (3,)
    assert risk_study(rows, FAST).permuted.shape == (0,)


def test_rare_codes_and_all_missing_columns_are_counted():
    empty, rare = np.full(N, np.nan), np.array(["a"] * (N - 1) + ["b"], dtype=object)
    columns = {"x": np.arange(N) * 1.0, "empty": empty, "rare": rare}
    study = risk_study(rows_of_table(columns, outcome=SICK, groups=np.array(WHO)), FAST)
    assert study.n_excluded["codes_too_rare"] == 2
    assert study.models["naive_bayes"].n_features == (2, 2, 2)  # x, and the common category


def test_a_fold_of_one_class_has_no_score_of_its_own():
    folds = np.where(SICK, 1 + np.arange(N) // 3 % 2, np.arange(N) // 3 % 3)
    study = risk_study(risk_rows(outcome=outcome(), notes=notes()), FAST, folds=folds)
    model = study.models["naive_bayes"]
    assert np.isnan(model.auroc_folds[0])
    assert model.auroc_mean > 0.99
    assert np.isfinite(auroc(study).value)


def test_a_plain_array_is_no_outcome_of_patients():
    with pytest.raises(ArgumentError, match="index times"):
        risk_rows(outcome=SICK, events=noise())
    with pytest.raises(ArgumentError, match="array of 0 and 1"):
        rows_of_table({"x": np.arange(N)}, outcome=outcome(), groups=np.array(WHO))


def test_a_blend_is_one_more_model():
    models = ("naive_bayes", "logistic")
    study = risk_study(
        risk_rows(outcome=outcome(), events=noise(), notes=notes()),
        replace(FAST, models=models, blend=models),
    )
    assert list(study.models) == [*models, "blend"]
    assert study.models["blend"].scores.auroc.value > 0.99
    assert "blend" in study.differences
