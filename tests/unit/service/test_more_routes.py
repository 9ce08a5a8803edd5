"""Risks and signals over HTTP are those of the library; what does not fit is refused unquoted."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.study.answering import Answerer
from clinnlp.study.apply import keep_risk_model
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_answers import servable_risk_model
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.settings import RiskStudySettings
from clinnlp.study.signal_answers import SignalIndex

from .conftest import MADE_BY

N = 60
WHO = np.array([f"p{k}" for k in range(N)], dtype=object)
INDEX = np.full(N, "2024-02-01", "datetime64[s]")
SICK = np.arange(N) % 2


def of_labs():
    known = [datetime(2024, 1, 1)] * N
    code = ["x" if sick else "z" for sick in SICK]
    return EventTable({"patient": WHO, "known": known, "code": code, "kind": ["drug"] * N})


@pytest.fixture(scope="module")
def risk(tmp_path_factory):
    events = of_labs()
    outcome = Outcome(patients=WHO, index=INDEX, values=SICK.astype(np.int8))
    rows = risk_rows(outcome=outcome, events=events)
    light = RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0, n_folds=2)
    folder = tmp_path_factory.mktemp("risk") / "model"
    keep_risk_model(risk_study(rows, light), rows, folder, model="naive_bayes")
    return servable_risk_model(folder)


@pytest.fixture(scope="module")
def tables():
    frame = pd.DataFrame({"Iron": [1, 1, 0, 0] * 100, "gold": [1, 0, 1, 0] * 100})
    frame["bleeding"], frame["rash"] = frame["Iron"] * frame["gold"], frame["Iron"]
    kinds = {"Iron": "drug", "gold": "drug", "bleeding": "outcome", "rash": "outcome"}
    baskets = frame_baskets(frame, kinds=kinds)
    return mine_signals(baskets), mine_interactions(baskets)


@pytest.fixture
def running(serving, nlp, risk, tables):
    made_by = {**MADE_BY, "risk_model": "r" * 64}
    answerer = Answerer(nlp=nlp, made_by=made_by, risk=risk, signals=SignalIndex(tables))
    return serving(lambda: answerer).wait()


def asked(running, path, **body):
    status, _, raw = running.ask(path, body)
    return status, json.loads(raw)


def case(k, **more):
    event = {"patient": f"q{k}", "code": "xz"[k], "kind": "drug", "known": "2024-01-01T00:00:00"}
    return {"patient": f"q{k}", "index_time": "2024-02-01T00:00:00"}, {**event, **more}


class TestRisks:
    def test_are_those_of_the_kept_model(self, running, risk):
        cases, events = zip(*(case(k) for k in range(2)), strict=True)
        status, answer = asked(
            running, "/v1/score-risk", cases=cases, events=events, n_reasons=2,
            patients=[{"id": "q0", "birth_date": "1950-01-01", "sex": "f"}],
        )  # fmt: skip
        assert status == 200
        index = {"patient": WHO[1::-1], "index_time": INDEX[:2]}  # p1 has x, p0 has z
        wanted = risk.apply(index=index, events=of_labs()).p
        assert [one["risk"] for one in answer["risks"]] == pytest.approx(wanted.tolist())
        assert [one["patient"] for one in answer["risks"]] == ["q0", "q1"]
        assert answer["risks"][0]["risk"] > 0.5 > answer["risks"][1]["risk"]
        assert any(reason["events"] == [0] for reason in answer["risks"][0]["reasons"])
        assert answer["made_by"]["risk_model"] == "r" * 64

    @pytest.mark.parametrize(
        ("more", "status"),
        [
            ({"risk_model": "other"}, 409),
            ({"notes": []}, 422),
            ({"events": None}, 422),
            ({"n_reasons": -1}, 422),
            ({"cases": []}, 422),
            ({"cases": [{"patient": "KANARIE", "index_time": "KANARIE"}]}, 422),
            ({"events": [case(0, known="KANARIE")[1]]}, 422),
            ({"events": [case(0, value="KANARIE")[1]]}, 422),
            ({"patients": [{"id": "KANARIE", "birth_date": "KANARIE"}]}, 422),
        ],
    )
    def test_are_refused_in_a_sentence_that_quotes_nothing(self, running, more, status):
        one, event = case(0)
        body = {"cases": [one], "events": [event], **more}
        got, answer = asked(running, "/v1/score-risk", **body)
        assert (got, list(answer)) == (status, ["error"])
        assert "KANARIE" not in answer["error"]


class TestSignals:
    def test_are_rows_of_the_drugs_alone_in_any_case(self, running, tables):
        status, answer = asked(running, "/v1/signals", drugs=["IRON"])
        assert status == 200
        single = tables[0].columns
        wanted = np.flatnonzero(single["drug"] == "Iron")
        assert answer["n_found"] == len(wanted) == 2
        by = {row["outcome"]: row for row in answer["signals"]}
        for k in wanted:
            row = by[single["outcome"][k]]
            assert row["n_both"] == single["n_both"][k]
            assert row["q_bh"] == pytest.approx(float(single["q_bh"][k]))

    def test_of_several_drugs_are_the_pairs_too_the_surest_first(self, running):
        _, answer = asked(running, "/v1/signals", drugs=["iron", "gold"], outcomes=["Bleeding"])
        assert answer["n_found"] == len(answer["signals"]) == 3
        assert sum("drug_1" in row for row in answer["signals"]) == 1
        q = [row["q_bh"] for row in answer["signals"]]
        assert q == sorted(q)
        _, fewer = asked(running, "/v1/signals", drugs=["iron", "gold"], limit=1)
        assert fewer["n_found"] > len(fewer["signals"]) == 1

    def test_that_are_not_there_are_none(self, running):
        for drugs, outcomes in ((["lead"], []), (["iron"], ["KANARIE"])):
            _, answer = asked(running, "/v1/signals", drugs=drugs, outcomes=outcomes)
            assert (answer["n_found"], answer["signals"]) == (0, [])
        assert asked(running, "/v1/signals", drugs=[])[0] == 422
        assert asked(running, "/v1/signals", drugs=["iron"], limit=0)[0] == 422

    def test_that_are_called_are_those_of_the_table(self, running, tables):
        _, answer = asked(running, "/v1/signals", drugs=["iron", "gold"], called_only=True)
        assert answer["n_found"] == sum(int(table.columns["signal"].sum()) for table in tables)


def test_a_service_without_them_says_so(serving):
    running = serving().wait()
    one, event = case(0)
    assert asked(running, "/v1/score-risk", cases=[one], events=[event])[0] == 404
    assert asked(running, "/v1/signals", drugs=["iron"])[0] == 404
