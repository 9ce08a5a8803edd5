"""Models of time to event, from rows and from files: scored on patients they have not seen."""

import csv
import sys

import numpy as np
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, MissingExtra
from clinnlp.core.follow_up import FollowUp
from clinnlp.risk.splits import splits_of_folds
from clinnlp.risk.survival import CoxSettings, cross_fit_survival
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.settings import SurvivalSettings
from clinnlp.study.survival import survival_study

N = 150
LIGHT = {"horizon_days": 90, "n_boot": 20, "n_folds": 2, "penalties": (1.0,), "min_class": 5}


def drawn(seed=0):
    """Return who is sick and old, and a follow-up in which the sick have the outcome sooner."""
    rng = np.random.default_rng(seed)
    sick, age = np.arange(N) % 3 == 0, rng.normal(60, 10, N)
    ends = np.array([rng.exponential(s, N) for s in (np.where(sick, 60, 500), 800, 300)])
    return sick, age, FollowUp(
        patients=np.array([f"p{k}" for k in range(N)], dtype=object),
        index=np.full(N, "2024-01-01", "datetime64[s]"),
        days=np.ceil(ends.min(axis=0)),
        event=np.array([1, 2, 0], np.int8)[ends.argmin(axis=0)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def cohort():
    sick, age, seen = drawn()
    table = {"sick": sick.astype(float), "age": age}
    return rows_of_table(table, outcome=seen.at(90) == 1, groups=seen.patients), seen


@pytest.fixture(scope="module")
def study(cohort):
    return survival_study(*cohort, SurvivalSettings(**LIGHT))


def test_who_is_sick_has_more_risk_and_all_together_what_was_observed(study, cohort):
    sick = np.arange(N) % 3 == 0
    assert study.risks["cox"][sick].mean() > 2 * study.risks["cox"][~sick].mean()
    assert study.scores["cox"].concordance.low > 0.6
    assert study.scores["cox"].scaled_brier.value > 0.05
    assert study.scores["cox"].observed_expected.value == pytest.approx(1, abs=0.2)
    assert abs(study.scores["shared"].scaled_brier.value) < 0.02
    assert study.ratios[0].name.startswith("sick")
    assert study.ratios[0].ratio > 2
    assert dict(study.flow)["rows"] == N
    assert study.curves["Kaplan–Meier"].value[-1] > study.curves["Aalen–Johansen"].value[-1]
    assert {row["model"] for row in study.rows()} == {"cox", "shared"}
    assert "SurvivalStudy" in study._repr_html_()


def test_a_tested_row_changes_no_risk_of_its_own(cohort):
    rows, seen = cohort
    splits = splits_of_folds(seen.patients, np.arange(N) % 2)
    how = {"features": rows.features, "horizon_days": 90, "settings": CoxSettings(penalties=(1.0,))}
    one = cross_fit_survival(rows.rows, seen, splits[:1], **how)
    other = np.where(splits[0].test, 1, seen.event).astype(np.int8)
    changed = FollowUp(patients=seen.patients, index=seen.index, days=seen.days, event=other)
    two = cross_fit_survival(rows.rows, changed, splits[:1], **how)
    assert np.array_equal(one.p, two.p, equal_nan=True)
    assert np.isnan(one.p[splits[0].train]).all()


def test_of_several_penalties_one_is_chosen_and_noise_wants_more(cohort):
    _, seen = cohort
    noise = {f"x{k}": np.random.default_rng(k).normal(size=N) for k in range(8)}
    rows = rows_of_table(noise, outcome=seen.at(90) == 1, groups=seen.patients)
    splits = splits_of_folds(seen.patients, np.arange(N) % 2)
    fit = cross_fit_survival(rows.rows, seen, splits, features=rows.features, horizon_days=90,
                             settings=CoxSettings(penalties=(0.1, 100.0)))  # fmt: skip
    assert fit.penalties == (100.0, 100.0)


def test_what_cannot_be_is_refused(cohort):
    rows, seen = cohort
    with pytest.raises(ArgumentError, match="rows and follow-up must be of the same patients"):
        survival_study(rows, seen.take(np.arange(9)), SurvivalSettings(**LIGHT))
    last = np.where(np.arange(N) == seen.days.argmax(), 0, seen.event).astype(np.int8)
    lost = FollowUp(patients=seen.patients, index=seen.index, days=seen.days, event=last)
    far = SurvivalSettings(**{**LIGHT, "horizon_days": 90_000, "min_class": 0})
    with pytest.raises(ArgumentError, match="somebody must be followed to the horizon of 90000"):
        survival_study(rows, lost, far)
    few = survival_study(rows, seen, SurvivalSettings(**{**LIGHT, "min_class": 500}))
    assert not few.scores
    assert "no score is given" in few.cautions[0]
    for wrong in ({"penalties": (0.0,)}, {"horizon_days": -1}, {"n_folds": 1}, {"death": "no"}):
        with pytest.raises(ArgumentError, match=next(iter(wrong))):
            SurvivalSettings(**wrong)


@pytest.fixture
def files(tmp_path):
    sick, _, seen = drawn()
    day = np.datetime64("2024-01-01")
    outcome = [["patient", "index_time", "time", "follow_up_end", "death"]]
    events = [["patient", "known", "code", "kind"]]
    for k in range(N):
        ended = day + int(seen.days[k])
        cells = ["", "", ""]
        cells[{1: 0, 0: 1, 2: 2}[int(seen.event[k])]] = ended
        outcome.append([f"p{k}", day, *cells])
        events.append([f"p{k}", "2023-06-01", "warfarin" if sick[k] else "aspirin", "drug"])
    visits = [["patient", "index_time"], ["p1", "2024-01-02"], ["p1", "2040-01-01"]]
    for name, rows in (("o", outcome), ("e", events), ("v", visits)):
        with open(tmp_path / f"{name}.csv", "w", newline="") as handle:
            csv.writer(handle).writerows(rows)
    return tmp_path


def run(files, *more):
    return main(["risk", "survival", str(files / "o.csv"), "--events", str(files / "e.csv"),
                 "--out", str(files / "out"), "--horizon-days", "90", "--n-boot", "10",
                 "--n-folds", "2", "--penalties", "1", "--min-class", "5", *more])  # fmt: skip


def read(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_from_files_to_tables_and_a_report(files, capsys):
    assert run(files, "--landmarks", str(files / "v.csv")) == 0
    said = capsys.readouterr().out
    assert "cox: at 90 days concordance 0." in said
    assert "visits_at_or_after_the_end 1" in said
    rows = read(files / "out" / "predictions.csv")
    assert len(rows) == N + 1  # p1 is asked again at a visit
    assert [r["patient"] for r in rows].count("p1") == 2
    assert len({r["fold"] for r in rows if r["patient"] == "p1"}) == 1
    assert {r["curve"] for r in read(files / "out" / "curves.csv")} == {
        "Aalen–Johansen", "Kaplan–Meier",
    }  # fmt: skip
    assert read(files / "out" / "hazard_ratios.csv")[0]["indicator"].startswith("drug:")
    assert "Calibration at 90 days" in (files / "out" / "report.md").read_text(encoding="utf-8")


def test_bad_tables_are_one_sentence(files, capsys):
    text = (files / "o.csv").read_text()
    (files / "o.csv").write_text(text.replace("follow_up_end", "seen").replace(",death", ",gone"))
    assert run(files) == 2
    assert "must have a column follow_up_end, got none" in capsys.readouterr().err
    assert main(["risk", "survival", str(files / "o.csv"), "--out", str(files / "x")]) == 2
    assert "need events, entities or both" in capsys.readouterr().err


def test_without_statsmodels_the_line_that_installs_it_is_said(files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.duration.hazard_regression", None)
    assert run(files) == 2
    assert "pip install 'clinnlp[survival]'" in capsys.readouterr().err
    assert issubclass(MissingExtra, ImportError)
