"""Files in, a kept model out, new patients scored; folders of MIMIC-III and Synthea end to end."""

import csv
import json

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.study.risk_flow import read_outcome_table
from clinnlp.study.settings import RiskSettings

N = 120


@pytest.fixture
def cohort(tmp_path):
    """Write patients of two sites and two halves of a year whose outcome follows one drug."""
    tables = {
        "events": [["patient", "known", "code", "kind", "vocabulary", "value", "unit"]],
        "outcome": [["patient", "index_time", "outcome", "time"]],
        "patients": [["patient", "birth_date", "sex", "ethnicity", "site"]],
    }
    for k in range(N):
        day = "2020-01-01" if k < N / 2 else "2020-09-01"
        sick = k % 3 == 0
        drug = "warfarin" if sick and k % 15 else "aspirin"
        came = f"{day[:8]}1{k % 10}" if sick else ""
        tables["outcome"].append([f"p{k}", day, int(sick), came])
        tables["patients"].append([f"p{k}", "1950-01-01", "fm"[k % 2], "a", "ns"[k % 4 // 2]])
        tables["events"].append([f"p{k}", "2019-06-01", drug, "drug", "rx", "", ""])
        tables["events"].append([f"p{k}", "2019-06-02", "k", "lab", "loinc", 4 + k % 5, "mmol/L"])
    for name, rows in tables.items():
        write(tmp_path / f"{name}.csv", rows)
    return tmp_path


def write(path, rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)


def run(cohort, *more, out="risk"):
    return main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--patients", str(cohort / "patients.csv"), "--out", str(cohort / out),
                 "--models", "naive_bayes", "--n-boot", "10", "--n-folds", "2", *more])  # fmt: skip


def apply(cohort, *more):
    return main(["risk", "apply", str(cohort / "risk" / "model"), str(cohort / "outcome.csv"),
                 "--patients", str(cohort / "patients.csv"), "--out", str(cohort / "new"),
                 *more])  # fmt: skip


def test_a_kept_model_scores_patients_and_tells_why(cohort, capsys):
    assert run(cohort, "--keep", "naive_bayes") == 0
    card = json.loads((cohort / "risk" / "model" / "card.json").read_text())
    assert card["cohort"]["patients"] == N
    assert len(card["inputs (SHA-256)"]) == 3
    assert apply(cohort, "--events", str(cohort / "events.csv"), "--reasons", "2") == 0
    assert "120 cases: risk" in capsys.readouterr().out
    risks = list(csv.DictReader((cohort / "new" / "risks.csv").read_text().splitlines()))
    assert float(risks[3]["risk"]) > 0.5 > float(risks[1]["risk"])
    reasons = list(csv.DictReader((cohort / "new" / "reasons.csv").read_text().splitlines()))
    mine = [row for row in reasons if row["patient"] == "p3"]
    assert mine[0]["concept"] in ("drug:warfarin", "drug:aspirin")


def test_a_changed_unit_and_a_missing_source_are_refused_by_name(cohort, capsys):
    assert run(cohort, "--keep", "naive_bayes") == 0
    changed = (cohort / "events.csv").read_text().replace("mmol/L", "mg/dL")
    (cohort / "changed.csv").write_text(changed)
    assert apply(cohort, "--events", str(cohort / "changed.csv")) == 2
    said = capsys.readouterr().err
    assert "unit of lab:k must be mmol/L as in training, got mg/dL" in said
    assert apply(cohort) == 2
    assert "the model was trained on events, got neither" in capsys.readouterr().err
    assert not (cohort / "new" / "risks.csv").exists()


def test_by_site_and_by_time(cohort, capsys):
    assert run(cohort, "--split", "site", out="site") == 0
    folds = {row["fold"] for row in read(cohort / "site" / "predictions.csv")}
    assert folds == {"0", "1"}
    assert run(cohort, "--split", "time", "--cut", "2020-06-01", out="time") == 0
    assert len(read(cohort / "time" / "predictions.csv")) == N / 2
    assert run(cohort, "--split", "time") == 2
    assert "a split by time needs a cut" in capsys.readouterr().err


def read(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_an_outcome_at_or_before_index_is_counted_out(cohort):
    rows = [["patient", "index_time", "outcome", "time"], ["a", "2020-01-02", 1, "2020-01-02"],
            ["b", "2020-01-02", 1, "2020-01-03"], ["c", "2020-01-02", 0, "2019-01-01"]]  # fmt: skip
    write(cohort / "o.csv", rows)
    found = read_outcome_table(cohort / "o.csv")
    assert found.n_excluded["outcome_before_index"] == 1
    assert found.outcome.patients.tolist() == ["b", "c"]
    write(cohort / "o.csv", [*rows, ["d", "2020-01-02", 1, "soon"]])
    with pytest.raises(DataError, match=r"o\.csv:5: .*ISO 8601"):
        read_outcome_table(cohort / "o.csv")


@pytest.mark.parametrize("corpus", ["mimic3_demo", "synthea_csv_fhir"])
def test_small_corpora_run_to_the_report_and_get_no_score(data_dir, tmp_path, capsys, corpus):
    code = main(["risk", str(data_dir(corpus)), "--out", str(tmp_path / "risk")])
    said = capsys.readouterr().out
    assert code == 0
    assert "no score is given: a class has" in said
    report = (tmp_path / "risk" / "report.html").read_text()
    assert "and at least 20 are needed" in report
    assert "died in the stay" in report
    assert read(tmp_path / "risk" / "scores.csv") == []


def test_a_folder_has_its_own_events(cohort, capsys):
    assert main(["risk", str(cohort), "--events", str(cohort / "events.csv"), "--out",
                 str(cohort / "x")]) == 2  # fmt: skip
    assert "has its own events" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keep": "svm", "models": ("naive_bayes",)}, "keep must be one of"),
        ({"horizon_days": 0.0}, "horizon_days"),
        ({"alert_rate": 2.0}, "alert_rate"),
        ({"split": "luck"}, "split must be one of"),
    ],
)
def test_settings_that_cannot_be(given, message):
    with pytest.raises(ValueError, match=message):
        RiskSettings(**given)
