"""A kept model scores new patients alike, tells why, and refuses tables of another kind by name."""

import json
import shutil
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError, StoreError
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.study.apply import RiskModel, apply_risk_model, keep_risk_model
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows, rows_of_table
from clinnlp.study.settings import RiskStudySettings

N = 80
WHO = np.array([f"p{k}" for k in range(N)], dtype=object)
INDEX = np.full(N, "2024-02-01", "datetime64[s]")
SICK = np.arange(N) % 3 == 0
HOW = RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0, n_folds=2)


def labs(who=WHO, unit="mg/dL", vocabulary="LOINC"):
    value = np.where(np.arange(len(who)) % 3 == 0, 3.0, 1.0) + np.arange(len(who)) / 1000
    return EventTable(
        {
            "patient": who,
            "known": [datetime(2024, 1, 1)] * len(who),
            "code": ["creatinine"] * len(who),
            "kind": ["lab"] * len(who),
            "vocabulary": [vocabulary] * len(who),
            "unit": [unit] * len(who),
            "value": value,
        }
    )


def mentions(who=WHO):
    sick = np.arange(len(who)) % 3 == 0
    columns = {"note": [f"n-{p}" for p in who], "patient": who, "label": ["Problem"] * len(who),
               "known": [datetime(2024, 1, 2)] * len(who), "start": [7] * len(who),
               "end": [12] * len(who), "n_concepts": [0] * len(who),
               "text": np.where(sick, "fever", "cough").astype(object)}  # fmt: skip
    return EntityTable(columns)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    outcome = Outcome(patients=WHO, index=INDEX, values=SICK.astype(np.int8))
    rows = risk_rows(outcome=outcome, events=labs(), notes=mentions())
    study = risk_study(rows, HOW)
    folder = keep_risk_model(study, rows, tmp_path_factory.mktemp("m") / "model",
                             model="naive_bayes")  # fmt: skip
    return SimpleNamespace(folder=folder, study=study, rows=rows)


def whom(who=WHO):
    return {"patient": who, "index_time": INDEX[: len(who)]}


def test_new_patients_with_the_same_facts_get_the_same_risk(kept):
    new = np.array([f"q{k}" for k in range(N)], dtype=object)
    found = [
        apply_risk_model(kept.folder, index=whom(who), events=labs(who), notes=mentions(who))
        for who in (WHO, new)
    ]
    assert found[0].p.tolist() == found[1].p.tolist()
    assert found[0].p[SICK].min() > found[0].p[~SICK].max()
    assert found[1].to_pandas()["patient"].tolist() == new.tolist()
    assert repr(found[0]) == "AppliedRisk(80 cases)"


def test_a_model_loaded_once_scores_many_times_as_the_folder_does(kept, tmp_path):
    folder = shutil.copytree(kept.folder, tmp_path / "model")
    model = RiskModel.load(folder)
    shutil.rmtree(folder)
    assert repr(model) == "RiskModel('naive_bayes')"
    assert model.card["cohort"]["patients"] == N
    assert model.cautions == ()
    for who in (WHO[:3], WHO):
        sources = {"index": whom(who), "events": labs(who), "notes": mentions(who)}
        wanted = apply_risk_model(kept.folder, **sources, n_reasons=2)
        found = model.apply(**sources, n_reasons=2)
        assert found.p.tolist() == wanted.p.tolist()
        assert found.reasons_to_pandas().equals(wanted.reasons_to_pandas())
        assert found.n_excluded == wanted.n_excluded
    with pytest.raises(AttributeError):
        model.options = {}


@pytest.mark.parametrize(
    "times",
    [
        ["2024-02-01T05:30:00+05:30"] * N,
        [datetime.fromisoformat("2024-01-31T19:00:00-05:00")] * N,
        pd.Series(["2024-02-01T01:00:00+01:00"] * N).astype("datetime64[s, Europe/Paris]"),
        [datetime(2024, 2, 1), "2024-02-01T00:00:00Z"] * (N // 2),
    ],
)
def test_index_times_with_zones_are_the_same_times(kept, times):
    late = EventTable({"patient": WHO[:1], "known": ["2024-02-01T02:30"], "code": ["creatinine"],
                       "kind": ["lab"], "unit": ["mg/dL"], "vocabulary": ["LOINC"],
                       "value": [9.0]})  # fmt: skip
    events = EventTable.concat([labs(), late])
    wanted = apply_risk_model(kept.folder, index=whom(), events=labs(), notes=mentions())
    found = apply_risk_model(kept.folder, index={"patient": WHO, "index_time": times},
                             events=events, notes=mentions())  # fmt: skip
    assert found.p.tolist() == wanted.p.tolist()
    assert found.cases.index.tolist() == INDEX.tolist()
    assert found.n_excluded["events_known_at_or_after_index"] == 1


def test_an_index_time_that_is_none_is_refused(kept):
    with pytest.raises(ArgumentError, match="index_time must hold times in ISO 8601") as caught:
        apply_risk_model(kept.folder, index={"patient": WHO[:1], "index_time": ["soon"]},
                         events=labs(), notes=mentions())  # fmt: skip
    assert "soon" not in str(caught.value)


def test_reasons_lead_to_the_spans_of_the_notes_and_the_rows_of_events(kept):
    found = apply_risk_model(
        kept.folder, index=whom(), events=labs(), notes=mentions(), n_reasons=3
    )
    first = {reason.concept: reason for reason in found.reasons[0].reasons}
    fever = first["note:Problem:fever"]
    assert fever.log_odds > 0
    assert (fever.mentions, fever.events) == ((0,), ())
    assert first["lab:creatinine"].events == (0,)
    assert "fever" not in repr(fever)
    frame = found.reasons_to_pandas()
    row = frame[(frame["patient"] == "p0") & (frame["concept"] == "note:Problem:fever")].iloc[0]
    assert (row["note"], row["start"], row["end"]) == ("n-p0", 7, 12)
    mine = frame[frame["patient"] == "p0"].drop_duplicates("concept")
    assert mine["concept"].iloc[[0, -1]].tolist() == ["(base line)", "(other concepts)"]
    assert mine["log_odds"].sum() == pytest.approx(np.log(found.p[0] / (1 - found.p[0])))


def test_a_name_stands_beside_the_code_of_a_reason(kept):
    columns = {name: labs()[name] for name in labs().SCHEMA} | {"name": ["Creatinine (serum)"] * N}
    found = apply_risk_model(
        kept.folder, index=whom(), events=EventTable(columns), notes=mentions(), n_reasons=3
    )
    frame = found.reasons_to_pandas()
    named = frame[frame["concept"] == "lab:creatinine"]
    assert set(named["name"]) == {"Creatinine (serum)"}
    assert frame.loc[frame["concept"] != "lab:creatinine", "name"].isna().all()


def test_the_card_tells_what_the_model_was_made_from(kept):
    from clinnlp.risk.store import load_risk_model

    card = load_risk_model(kept.folder).card
    assert card["schema"]["unit of lab:creatinine"] == ["mg/dL"]
    assert card["rows"]["sources"] == ["events", "notes"]
    assert card["cohort"]["rows"] == N
    assert card["model"] == "naive_bayes"
    assert {row["score"] for row in card["scores"]} >= {"auroc", "calibration_slope"}


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"events": labs(unit="umol/L")}, "unit of lab:creatinine must be mg/dL.*got umol/L"),
        ({"events": labs(unit=None)}, r"unit of lab:creatinine .* got \(no unit\)"),
        ({"events": labs(vocabulary="local")}, "vocabulary of lab must be LOINC.*got local"),
        ({"events": None}, "trained on events and notes, got notes"),
        ({"notes": None}, "trained on events and notes, got events"),
    ],
)
def test_another_unit_vocabulary_or_source_is_refused_by_name(kept, sources, message):
    with pytest.raises(DataError, match=message):
        apply_risk_model(kept.folder, index=whom(),
                         **{"events": labs(), "notes": mentions(), **sources})  # fmt: skip


def test_what_the_model_has_never_seen_is_counted(kept):
    more = EventTable({"patient": ["p0"], "known": ["2024-01-01"], "code": ["x"], "kind": ["drug"]})
    found = apply_risk_model(
        kept.folder, index=whom(), events=EventTable.concat([labs(), more]), notes=mentions()
    )
    assert found.n_excluded["facts_unknown_to_the_model"] == 1


def test_nobody_to_score_is_no_error(kept):
    found = apply_risk_model(kept.folder, index=whom(WHO[:0]), events=labs(), notes=mentions(),
                             n_reasons=2)  # fmt: skip
    assert len(found.p) == len(found.to_pandas()) == len(found.reasons_to_pandas()) == 0


def test_a_model_that_is_not_in_the_study_and_one_of_a_table_are_refused(kept, tmp_path):
    with pytest.raises(ArgumentError, match="must be one of naive_bayes, got 'svm'"):
        keep_risk_model(kept.study, kept.rows, tmp_path / "m", model="svm")
    (tmp_path / "m").mkdir()
    with pytest.raises(StoreError, match=r"card\.json"):
        apply_risk_model(tmp_path / "m", index=whom())


def test_a_model_of_a_plain_table_and_a_card_that_lacks_an_option_are_refused(kept, tmp_path):
    rows = rows_of_table({"x": np.arange(N) % 7}, outcome=SICK, groups=WHO)
    folder = keep_risk_model(risk_study(rows, HOW), rows, tmp_path / "t", model="naive_bayes")
    with pytest.raises(StoreError, match="must be one of events or notes, got one of a plain tab"):
        RiskModel.load(folder)
    folder = shutil.copytree(kept.folder, tmp_path / "model")
    card = json.loads((folder / "card.json").read_text())
    del card["rows"]["by_section"]
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(StoreError, match="must say 'by_section' of its rows, got none"):
        RiskModel.load(folder)
