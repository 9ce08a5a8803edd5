"""Files in, a kept model out, new patients scored; folders of MIMIC-III and Synthea end to end."""

import csv
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.core.files import file_sha256
from clinnlp.study import risk_flow as risk_flow_module
from clinnlp.study.apply_flow import apply_flow
from clinnlp.study.risk_flow import risk_flow
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.risk_tables import read_index_table, read_outcome_table
from clinnlp.study.settings import RiskRowSettings, RiskSettings, RiskStudySettings

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


def apply(cohort, *more, index="outcome"):
    return main(["risk", "apply", str(cohort / "risk" / "model"), str(cohort / f"{index}.csv"),
                 "--patients", str(cohort / "patients.csv"), "--out", str(cohort / "new"),
                 *more])  # fmt: skip


def test_a_kept_model_scores_patients_and_tells_why(cohort, capsys):
    assert run(cohort, "--keep", "naive_bayes") == 0
    card = json.loads((cohort / "risk" / "model" / "card.json").read_text())
    assert card["cohort"]["patients"] == N
    assert card["cautions"] == []
    assert apply(cohort, "--events", str(cohort / "events.csv"), "--reasons", "2") == 0
    assert "120 cases: risk" in capsys.readouterr().out
    risks = list(csv.DictReader((cohort / "new" / "risks.csv").read_text().splitlines()))
    assert float(risks[3]["risk"]) > 0.5 > float(risks[1]["risk"])
    reasons = list(csv.DictReader((cohort / "new" / "reasons.csv").read_text().splitlines()))
    mine = [row for row in reasons if row["patient"] == "p3"]
    assert mine[0]["concept"] == "(base line)"
    assert mine[1]["concept"] in ("drug:warfarin", "drug:aspirin")


def test_flows_give_back_values_and_print_nothing(cohort, capsys, monkeypatch):
    made = []

    def counted(*args, **how):
        made.append(risk_rows(*args, **how))
        return made[-1]

    monkeypatch.setattr(risk_flow_module, "risk_rows", counted)
    paths = {"events": cohort / "events.csv", "patients": cohort / "patients.csv"}
    how = RiskSettings(models=("naive_bayes",), n_boot=10, n_folds=2, keep="naive_bayes")
    result = risk_flow(
        cohort / "outcome.csv", **paths, entities=None, out=cohort / "risk", settings=how
    )
    assert [rows is result.rows for rows in made] == [True]  # once, for the study and the model
    assert len(pd.read_csv(cohort / "risk" / "predictions.csv")) == len(result.study.y) == N
    assert result.model.card["model"] == "naive_bayes"
    new = apply_flow(
        cohort / "risk" / "model", cohort / "outcome.csv", **paths, entities=None,
        out=cohort / "new",
    )  # fmt: skip
    assert pd.read_csv(cohort / "new" / "risks.csv")["risk"].tolist() == new.applied.p.tolist()
    assert new.model.card == result.model.card
    assert capsys.readouterr().out == ""
    assert run(cohort, "--keep", "naive_bayes") == 0
    assert capsys.readouterr().out == "\n".join(result.lines()) + "\n"
    assert apply(cohort, "--events", str(cohort / "events.csv")) == 0
    assert capsys.readouterr().out == "\n".join(new.lines()) + "\n"


def test_without_a_model_to_keep_none_is_given_back(cohort):
    how = RiskSettings(models=("naive_bayes",), n_boot=0, n_top=0, n_folds=2)
    result = risk_flow(
        cohort / "outcome.csv", events=cohort / "events.csv", patients=None, entities=None,
        out=cohort / "risk", settings=how,
    )  # fmt: skip
    assert result.model is None
    assert result.cautions == result.study.cautions
    assert not (cohort / "risk" / "model").exists()


def test_every_setting_of_rows_and_study_is_a_flag(cohort, capsys):
    flags = ["--blend", "naive_bayes", "logistic", "--method", "isotonic", "--n-top", "0",
             "--min-class", "10", "--strict", "--recency"]  # fmt: skip
    assert run(cohort, *flags, "--models", "naive_bayes", "logistic") == 0
    assert "blend: AUROC" in capsys.readouterr().out
    assert "p_blend" in read(cohort / "risk" / "predictions.csv")[0]
    names = {f.name for kind in (RiskRowSettings, RiskStudySettings) for f in fields(kind)}
    assert names < {f.name for f in fields(RiskSettings)}
    with pytest.raises(SystemExit):
        main(["risk", "--help"])
    said = capsys.readouterr().out
    assert not [name for name in names if f"--{name.replace('_', '-')}" not in said]
    assert run(cohort, "--blend", "naive_bayes") == 2
    assert "a blend needs at least 2 models, got 1" in capsys.readouterr().err


def test_hashes_of_the_inputs_stand_beside_the_report_and_nowhere_else(cohort):
    assert run(cohort, "--keep", "naive_bayes") == 0
    folder = cohort / "risk" / "model"
    kept = "".join(path.read_text(errors="replace") for path in folder.iterdir())
    report = (cohort / "risk" / "report.md").read_text()
    page = (cohort / "risk" / "report.html").read_text()
    beside = (cohort / "risk" / "inputs.sha256").read_text()
    for name in ("outcome", "events", "patients"):
        digest = file_sha256(cohort / f"{name}.csv")
        assert f"{digest}  {name}.csv\n" in beside
        assert digest not in report + page + kept
        assert f"{name}.csv" in report
    assert file_sha256(folder / "model.skops") in report
    assert "rows_sha256" not in kept + page


@pytest.mark.parametrize(("run_of", "told"), [(2, "tells"), (5, "may tell")])
def test_a_model_that_may_tell_nobody_apart_is_said_to_be_one(cohort, capsys, run_of, told):
    rows = read(cohort / "outcome.csv")
    turned = [[r["patient"], r["index_time"], (k // run_of) % 2] for k, r in enumerate(rows)]
    write(cohort / "outcome.csv", [["patient", "index_time", "outcome"], *turned])
    assert run(cohort, "--keep", "naive_bayes") == 0
    said = capsys.readouterr().out
    assert "naive_bayes: in " in said
    assert "did not rise with the outcome" in said
    assert f"the kept model {told} nobody apart" in said
    assert "did not rise" in (cohort / "risk" / "report.md").read_text()
    assert apply(cohort, "--events", str(cohort / "events.csv")) == 0
    assert f"the kept model {told} nobody apart" in capsys.readouterr().out
    risks = [float(row["risk"]) for row in read(cohort / "new" / "risks.csv")]
    assert max(abs(risk - 0.5) for risk in risks) < 0.1


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


def test_repeated_outcomes_are_told_and_contrary_ones_refused_or_skipped(cohort, capsys):
    rows = (cohort / "outcome.csv").read_text()
    first = rows.splitlines()[1]
    (cohort / "outcome.csv").write_text(rows + first + "\n")
    assert run(cohort) == 0
    assert "left out: outcome row repeated 1" in capsys.readouterr().out
    report = (cohort / "risk" / "report.md").read_text()
    assert report.count("outcome row repeated") >= 2  # who came in, and what was left out
    assert len(read(cohort / "risk" / "predictions.csv")) == N
    (cohort / "outcome.csv").write_text(rows + first.replace("01,1,", "01,0,") + "\n")
    assert run(cohort) == 2
    said = capsys.readouterr().err
    assert f"outcome.csv:{N + 2}: rows of one patient and index time" in said
    assert run(cohort, "--skip-bad") == 0
    said = capsys.readouterr().err
    assert f"outcome.csv:{N + 2}: rows of one patient and index time" in said
    assert len(read(cohort / "risk" / "predictions.csv")) == N


def test_an_index_table_keeps_repeated_rows(cohort):
    rows = [["patient", "index_time"], ["a", "2020-01-02"], ["a", "2020-01-02"]]
    write(cohort / "i.csv", rows)
    assert read_index_table(cohort / "i.csv").patients.tolist() == ["a", "a"]


ZONES = [timezone(timedelta(minutes=m)) for m in (-720, -210, 0, 60, 330, 345, 840)]


def written(moment, zone, form):
    """Return an instant in UTC as it may stand in a table, in a zone or without."""
    there = moment.replace(tzinfo=UTC).astimezone(zone) if zone else moment
    text = there.isoformat(sep=" " if form == "blank" else "T")
    return text.replace("+00:00", "Z") if form == "Z" else text


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(
    lambda t: t.replace(microsecond=0)
)
CELLS = st.tuples(MOMENTS, st.sampled_from([None, *ZONES]), st.sampled_from(["T", "blank", "Z"]))


@settings(deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=8))
def test_training_and_apply_read_one_instant_in_any_offset_as_the_same_time(
    tmp_path_factory, cells
):
    path = tmp_path_factory.mktemp("t") / "table.csv"
    rows = [[f"p{k}", written(*cell), 0] for k, cell in enumerate(cells)]
    write(path, [["patient", "index_time", "outcome"], *rows])
    wanted = [moment.isoformat() for moment, _, _ in cells]
    for found in (read_outcome_table(path).outcome, read_index_table(path)):
        assert found.index.astype(str).tolist() == wanted
        assert found.patients.tolist() == [row[0] for row in rows]


@pytest.mark.parametrize("kind", ["tz", "text", "nanoseconds", "whole numbers"])
def test_they_do_where_the_table_is_parquet(tmp_path, kind):
    moment = datetime(2024, 3, 1, 6, 30)
    there = moment.replace(tzinfo=UTC).astimezone(ZONES[4])
    column = {
        "tz": pa.array([there], pa.timestamp("us", "Asia/Kolkata")),
        "text": pa.array([there.isoformat()]),
        "nanoseconds": pa.array([there], pa.timestamp("ns", "+05:30")),
        "whole numbers": pa.array([20240301]),
    }[kind]
    table = pa.table({"patient": [7], "index_time": column, "outcome": [1]})
    pq.write_table(table, tmp_path / "t.parquet")
    wanted = "2024-03-01T00:00:00" if kind == "whole numbers" else "2024-03-01T06:30:00"
    path = tmp_path / "t.parquet"
    for found in (read_outcome_table(path).outcome, read_index_table(path)):
        assert found.index.astype(str).tolist() == [wanted]
        assert found.patients.tolist() == ["7"]


@pytest.mark.parametrize("zone", ZONES)
def test_one_instant_in_any_offset_gives_one_risk_and_no_later_event_is_used(cohort, zone):
    """The event lies 2.5 hours after index: by the clock of the index it may lie before."""
    assert run(cohort, "--keep", "naive_bayes") == 0
    moment = datetime(2020, 1, 1, 10)
    rows = [[f"p{k}", written(moment, zone, "T")] for k in range(N)]
    write(cohort / "zoned.csv", [["patient", "index_time"], *rows])
    write(cohort / "naive.csv", [["patient", "index_time"], *([r[0], moment] for r in rows)])
    head, *events = [line.split(",") for line in (cohort / "events.csv").read_text().splitlines()]
    later = [["p1", "2020-01-01T12:30:00Z", "warfarin", "drug", "rx", "", ""]]
    write(cohort / "more.csv", [head, *events, *later])
    risks = []
    for index, sources in (("naive", "events"), ("naive", "more"), ("zoned", "more")):
        found = apply(cohort, "--events", str(cohort / f"{sources}.csv"), index=index)
        assert found == 0
        risks.append((cohort / "new" / "risks.csv").read_text())
    assert risks[0] == risks[1] == risks[2]


def test_training_on_events_with_offsets_is_training_on_the_same_events_in_utc(cohort):
    assert run(cohort) == 0
    plain = (cohort / "risk" / "predictions.csv").read_text()
    head, *events = [line.split(",") for line in (cohort / "events.csv").read_text().splitlines()]
    for k, row in enumerate(events):
        zone = [None, *ZONES][k % (1 + len(ZONES))]
        row[1] = written(datetime.fromisoformat(row[1]), zone, ["T", "blank", "Z"][k % 3])
    write(cohort / "events.csv", [head, *events])
    assert run(cohort, out="zoned") == 0
    assert (cohort / "zoned" / "predictions.csv").read_text() == plain


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("soon", r"i\.csv:3: .*ISO 8601"),
        ("", r"i\.csv:3: each row must have a patient and an index_time"),
        ("0001-01-01T00:00:00+14:00", r"i\.csv:3: .*ISO 8601"),
    ],
)
def test_an_index_time_that_is_none_is_refused_by_its_line(tmp_path, cell, message):
    write(tmp_path / "i.csv", [["patient", "index_time"], ["a", "2024-01-01"], ["b", cell]])
    with pytest.raises(DataError, match=message) as caught:
        read_index_table(tmp_path / "i.csv")
    assert "soon" not in str(caught.value)


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


def test_a_stay_that_a_folder_did_not_see_to_the_horizon_is_unknown(data_dir):
    """Synthea, 365 days: 174 rows, where 183 were taken as if nobody came back after its end."""
    how = RiskSettings(horizon_days=365)
    found = risk_flow_module._of_record(data_dir("synthea_csv_fhir"), None, how)
    assert len(found.outcome.outcome) == 174
    assert found.outcome.n_excluded["not_followed_to_the_horizon"] == 12
    assert found.said["outcome"] == "1 = another stay began within 365 days after one, 0 = not"


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
