"""Files in, tables and a report out: risk and mining, through the command line."""

import csv
import random

import pytest

from clinnlp.cli import main


@pytest.fixture
def cohort(tmp_path):
    """Write 240 patients whose outcome follows one drug, with two rare events after index."""
    rng = random.Random(3)
    events, outcomes, people = [], [], []
    for i in range(240):
        drug, sick = rng.random() < 0.5, rng.random() < 0.5
        bad = rng.random() < (0.6 if drug else 0.15)
        people.append([f"p{i}", "1950-01-01", "f" if sick else "m"])
        outcomes.append([f"p{i}", "2020-01-01", int(bad)])
        for code, there in (("warfarin", drug), ("asthma", sick)):
            if there:
                kind = "drug" if code == "warfarin" else "condition"
                events.append([f"p{i}", f"e{i}", "2019-06-01", "2019-06-02", code, kind])
        if bad:
            events.append([f"p{i}", f"e{i}", "2020-02-01", "2020-02-01", "bleed", "outcome"])
    tables = {
        "events": (["patient", "encounter", "start", "known", "code", "kind"], events),
        "outcome": (["patient", "index_time", "outcome"], outcomes),
        "patients": (["patient", "birth_date", "sex"], people),
    }
    for name, (head, rows) in tables.items():
        with open(tmp_path / f"{name}.csv", "w", newline="") as handle:
            csv.writer(handle).writerows([head, *rows])
    return tmp_path


def test_risk_writes_scores_predictions_and_a_report(cohort, capsys):
    code = main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--patients", str(cohort / "patients.csv"), "--out", str(cohort / "risk"),
                 "--n-boot", "50"])  # fmt: skip
    said = capsys.readouterr().out
    assert code == 0
    assert "naive_bayes: AUROC 0." in said
    rows = list(csv.DictReader(open(cohort / "risk" / "predictions.csv")))
    assert len(rows) == 240
    assert {float(r["p_svm"]) <= 1 for r in rows} == {True}
    html = (cohort / "risk" / "report.html").read_text()
    assert "Left out, and why" in html  # the events after index
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_mine_writes_rules_and_a_report(cohort, capsys):
    code = main(["mine", str(cohort / "events.csv"), "--out", str(cohort / "rules"),
                 "--unit", "encounter", "--min-count", "3"])  # fmt: skip
    assert code == 0
    assert "Rules(" in capsys.readouterr().out
    rows = list(csv.DictReader(open(cohort / "rules" / "rules.csv")))
    pair = next(r for r in rows if {r["antecedents"], r["consequents"]} == {"warfarin", "bleed"})
    assert int(pair["n_both"]) > 30
    assert float(pair["q_bh"]) < 0.05
    assert (cohort / "rules" / "report.md").read_text().startswith("# Drug rules")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("patient,index_time,outcome\np1,2020-01-01,7\n", "outcome.csv:2"),
        ("patient,outcome\np1,1\n", "index_time"),
    ],
)
def test_a_wrong_outcome_file_is_refused(cohort, capsys, broken, message):
    (cohort / "outcome.csv").write_text(broken)
    code = main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--out", str(cohort / "risk")])  # fmt: skip
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (cohort / "risk").exists()
