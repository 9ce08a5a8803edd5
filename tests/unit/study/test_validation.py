"""A kept model where outcomes are known: scored as it is, and after it was brought to its place."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.metrics.risk import score_risk
from clinnlp.study.apply import RiskModel, keep_risk_model
from clinnlp.study.apply_flow import apply_flow
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.risk_tables import read_new_cases
from clinnlp.study.settings import RiskStudySettings
from clinnlp.study.validation import validate_risk_model

N = 300
RNG = np.random.default_rng(0)
WHO = np.array([f"p{k}" for k in range(N)], dtype=object)
INDEX = np.full(N, "2024-02-01", "datetime64[s]")
MARKED = RNG.random(N) < 0.4
HOW = RiskStudySettings(models=("logistic",), n_boot=0, n_top=0, n_folds=3)


def events(marked=MARKED, who=WHO):
    code = np.where(marked[: len(who)], "marker", "other").astype(object)
    return EventTable({"patient": who, "code": code, "kind": ["lab"] * len(who),
                       "known": np.full(len(who), "2024-01-01T08:00", "M8[s]")})  # fmt: skip


def outcomes(high, low, seed):
    """Return outcomes by two rates: of who has the marker, and of the others."""
    return (np.random.default_rng(seed).random(N) < np.where(MARKED, high, low)).astype(np.int8)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    outcome = Outcome(patients=WHO, index=INDEX, values=outcomes(0.6, 0.2, 1))
    rows = risk_rows(outcome=outcome, events=events())
    study = risk_study(rows, HOW)
    folder = tmp_path_factory.mktemp("m") / "model"
    keep_risk_model(study, rows, folder, model="logistic")
    model = RiskModel.load(folder)
    applied = model.apply(index={"patient": WHO, "index_time": INDEX}, events=events())
    return SimpleNamespace(model=model, applied=applied, folder=folder)


def test_the_same_place_needs_no_update(kept):
    y = outcomes(0.6, 0.2, 2)
    found = validate_risk_model(kept.model, kept.applied, y, n_boot=50)
    assert list(found.versions) == ["as it is", "intercept", "slope", "refit"]
    alone = score_risk(y, kept.applied.p, groups=WHO, n_boot=50)
    assert found.versions["as it is"].rows() == alone.rows()
    assert abs(found.intercept) < 0.4
    assert 0.5 < found.line[1] < 1.6
    assert (found.n, found.n_positive) == (N, y.sum())
    assert {row["version"] for row in found.rows()} == set(found.versions)
    assert found.to_arrow().num_rows == len(found.to_pandas()) == 4 * 7
    assert found.lines()[0] == f"validated on 300 cases, {y.sum()} with the outcome"


def test_another_base_rate_is_mended_by_the_intercept_and_another_spread_by_the_slope(kept):
    rarer = validate_risk_model(kept.model, kept.applied, outcomes(0.25, 0.05, 3), n_boot=0)
    assert rarer.intercept < -1
    before, after = (rarer.versions[name] for name in ("as it is", "intercept"))
    assert before.calibration_intercept.value < -1
    assert abs(after.calibration_intercept.value) < 0.2
    assert after.brier.value < before.brier.value
    flatter = validate_risk_model(kept.model, kept.applied, outcomes(0.45, 0.35, 4), n_boot=0)
    assert flatter.line[1] < 0.6
    assert flatter.versions["slope"].brier.value < flatter.versions["as it is"].brier.value


def test_a_refit_finds_what_is_the_other_way_round_here(kept):
    found = validate_risk_model(kept.model, kept.applied, outcomes(0.1, 0.8, 5), n_boot=0)
    assert found.line[1] == 0
    assert found.versions["as it is"].auroc.value < 0.3
    assert found.versions["refit"].auroc.value > 0.7


def test_cases_without_an_outcome_or_a_risk_are_left_out_and_counted(kept):
    y = outcomes(0.6, 0.2, 2).astype(float)
    y[:50] = np.nan
    who = np.array(
        [*WHO[:-9], *[f"q{k}" for k in range(9)]], dtype=object
    )  # of whom nothing is known
    applied = kept.model.apply(index={"patient": who, "index_time": INDEX}, events=events())
    assert np.isnan(applied.p[-9:]).all()
    found = validate_risk_model(kept.model, applied, y, n_boot=0)
    assert found.n == N - 59
    assert found.n_left_out == {"without an outcome": 50, "without a risk": 9}
    assert "(left out: without an outcome 50, without a risk 9)" in found.lines()[0]


def test_too_few_of_a_class_get_no_score(kept):
    y = np.zeros(N)
    y[:19] = 1
    found = validate_risk_model(kept.model, kept.applied, y)
    assert (found.versions, found.calibration) == ({}, None)
    assert "no score is given: a class has 19 patients" in found.lines()[1]


@pytest.mark.parametrize("y", [np.zeros(N - 1), np.full(N, 2.0), np.zeros((N, 1))])
def test_outcomes_of_another_form_are_refused(kept, y):
    with pytest.raises(ArgumentError, match="outcomes must be 0, 1 or nan and one per case"):
        validate_risk_model(kept.model, kept.applied, y)


def test_a_card_without_settings_gives_no_refit(kept, tmp_path):
    folder = shutil.copytree(kept.folder, tmp_path / "model")
    card = json.loads((folder / "card.json").read_text())
    card["study"]["settings"]["models"] = {"logistic": [{"unheard of": 1}]}
    (folder / "card.json").write_text(json.dumps(card))
    model = RiskModel.load(folder)
    found = validate_risk_model(model, kept.applied, outcomes(0.6, 0.2, 2), n_boot=0)
    assert "refit" not in found.versions
    assert found.notes[0].startswith("no refit is given")


def test_a_score_far_above_that_of_the_study_tells_of_patients_of_the_training(kept, tmp_path):
    """A forest knows whom it has seen, and its folder names nobody."""
    folder = shutil.copytree(kept.folder, tmp_path / "model")
    card = json.loads((folder / "card.json").read_text())
    card["scores"][0] |= {"value": 0.55, "low": 0.5, "high": 0.6}
    (folder / "card.json").write_text(json.dumps(card))
    y = outcomes(0.6, 0.2, 2)
    found = validate_risk_model(RiskModel.load(folder), kept.applied, y, n_boot=50)
    assert found.versions["as it is"].auroc.low > 0.6
    assert "above the 0.550 [0.500, 0.600] of the study" in found.notes[0]
    assert "patients of the training may be among these" in found.lines()[1]
    assert validate_risk_model(kept.model, kept.applied, y, n_boot=50).notes == ()


def write(path, rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


def test_a_table_with_outcomes_is_an_external_validation(kept, tmp_path):
    y = outcomes(0.6, 0.2, 2)
    cells = ["" if k < 20 else int(v) for k, v in enumerate(y)]
    came = ["2024-01-15" if k == 299 else "" for k in range(N)]
    cells[299] = 1  # it came before index
    rows = [["patient", "index_time", "outcome", "time"],
            *zip(WHO, ["2024-02-01"] * N, cells, came, strict=True)]  # fmt: skip
    index = write(tmp_path / "new.csv", rows)
    table = [["patient", "code", "kind", "known"],
             *([p, "marker" if m else "other", "lab", "2024-01-01T08:00"]
               for p, m in zip(WHO, MARKED, strict=True))]  # fmt: skip
    paths = {"events": write(tmp_path / "e.csv", table), "entities": None, "patients": None}
    done = apply_flow(kept.folder, index, **paths, out=tmp_path / "out", n_reasons=0)
    assert done.validation.n == N - 21
    assert done.applied.n_excluded["outcome_before_index"] == 1
    assert len(done.applied.p) == N
    written = list(csv.DictReader((tmp_path / "out" / "validation.csv").open()))
    assert {row["version"] for row in written} == {"as it is", "intercept", "slope", "refit"}
    bins = list(csv.DictReader((tmp_path / "out" / "calibration.csv").open()))
    assert sum(int(row["n"]) for row in bins) == N - 21
    assert any(line.startswith("validated on 279 cases") for line in done.lines())
    write(index, [row[:2] for row in rows])
    done = apply_flow(kept.folder, index, **paths, out=tmp_path / "out", n_reasons=0)
    assert done.validation is None
    assert not (tmp_path / "out" / "validation.csv").exists()


def test_outcomes_of_new_cases_are_read_as_those_of_the_training(tmp_path):
    head = ["patient", "index_time", "outcome"]
    rows = [["a", "2024-02-01", "yes"], ["b", "2024-02-01", ""], ["a", "2024-02-02", "0"]]
    found = read_new_cases(write(tmp_path / "t.csv", [head, *rows]))
    assert found.cases.patients.tolist() == ["a", "b", "a"]
    np.testing.assert_array_equal(found.outcomes, [1, np.nan, 0])
    empty = [[*row[:2], ""] for row in rows]
    assert read_new_cases(write(tmp_path / "t.csv", [head, *empty])).outcomes is None
    for wrong, said in (
        ("perhaps", "t.csv:5: outcome must be 0 or 1"),
        ("0", "t.csv:5: rows of one"),
    ):
        write(tmp_path / "t.csv", [head, *rows, ["a", "2024-02-01", wrong]])
        with pytest.raises(DataError, match=said):
            read_new_cases(tmp_path / "t.csv")
