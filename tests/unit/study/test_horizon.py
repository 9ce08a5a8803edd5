"""Outcomes at a horizon, from files: what is used is stated, and what is not is not."""

import csv
import json

import numpy as np
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.study.horizon import known_at_horizon, outcome_of_table, read_follow_up
from clinnlp.study.reading import TableReading
from clinnlp.study.risk_tables import read_new_cases
from clinnlp.study.settings import RiskSettings

N = 90
HEAD = ["patient", "index_time", "outcome", "time", "follow_up_end", "death"]


def write(path, rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


@pytest.fixture
def table(tmp_path):
    """Write one row of each fate."""
    rows = [
        HEAD,
        ["late", "2024-01-01", 1, "2026-06-19", "2026-07-01", ""],  # 900 days later
        ["soon", "2024-01-01", 1, "2024-01-11", "", ""],
        ["seen", "2024-01-01", 0, "", "2024-12-31", ""],
        ["lost", "2024-01-01", 0, "", "2024-01-15", ""],
        ["died", "2024-01-01", 0, "", "2024-12-31", "2024-01-20"],
    ]
    return write(tmp_path / "o.csv", rows)


def fates(found):
    return dict(zip(found.outcome.outcome.patients, found.outcome.outcome.values, strict=True))


def test_at_thirty_days_an_outcome_of_900_is_none_and_the_lost_are_counted(table):
    found = outcome_of_table(table, RiskSettings(horizon_days=30))
    assert fates(found) == {"late": 0, "soon": 1, "seen": 0, "died": 0}
    assert found.outcome.n_excluded["not_followed_to_the_horizon"] == 1
    assert found.horizon_days == 30
    assert found.said["outcome"].startswith("1 = within 30 days after index")
    assert any("1 of 5 rows were not seen" in said and "Aalen" in said for said in found.cautions)
    unknown = outcome_of_table(table, RiskSettings(horizon_days=30, death="unknown"))
    assert fates(unknown) == {"late": 0, "soon": 1, "seen": 0}


def test_no_horizon_is_stated_that_was_not_used(table, tmp_path):
    plain = write(tmp_path / "p.csv", [HEAD[:3], ["a", "2024-01-01", 1], ["b", "2024-01-01", 0]])
    assert outcome_of_table(plain, RiskSettings()).horizon_days is None
    with pytest.raises(ArgumentError, match="horizon_days must be left out"):
        outcome_of_table(plain, RiskSettings(horizon_days=30))
    with pytest.raises(ArgumentError, match="horizon_days must be given"):
        outcome_of_table(table, RiskSettings())
    timed = [[*row, ""] for row in (["a", "2024-01-01", 1], ["b", "2024-01-01", 0])]
    timed[0][3] = "2026-06-19"
    timed = write(tmp_path / "t.csv", [HEAD[:4], *timed])
    assert fates(outcome_of_table(timed, RiskSettings())) == {"a": 1, "b": 0}
    assert outcome_of_table(timed, RiskSettings()).horizon_days is None
    found = outcome_of_table(timed, RiskSettings(horizon_days=30))
    assert fates(found) == {"a": 0, "b": 0}
    assert "no follow_up_end" in found.cautions[0]


def test_visits_ask_again(table, tmp_path):
    visits = [["patient", "index_time"], ["late", "2026-06-01"], ["seen", "2024-02-01"]]
    write(tmp_path / "v.csv", visits)
    how = RiskSettings(horizon_days=30, landmarks=str(tmp_path / "v.csv"))
    found = outcome_of_table(table, how).outcome.outcome
    assert found.patients.tolist() == ["late", "late", "soon", "seen", "seen", "died"]
    assert found.values.tolist() == [0, 1, 1, 0, 0, 0]
    plain = write(tmp_path / "p.csv", [HEAD[:3], ["a", "2024-01-01", 1], ["b", "2024-01-01", 0]])
    with pytest.raises(ArgumentError, match="landmarks need a table with follow_up_end"):
        outcome_of_table(plain, RiskSettings(landmarks=str(tmp_path / "v.csv")))


def test_a_wrong_row_is_named_by_file_and_line_or_left_out(table):
    text = table.read_text().replace("2024-01-15,", "2023-12-01,")
    table.write_text(text)
    with pytest.raises(DataError, match=r"o\.csv:5: follow_up_end must not lie before index_time"):
        outcome_of_table(table, RiskSettings(horizon_days=30))
    reading = TableReading(skip_bad=True)
    assert len(read_follow_up(table, reading).follow_up) == 4
    assert len(reading.skipped) == 1
    table.write_text(text.replace("2023-12-01,", "soon,"))
    with pytest.raises(DataError, match=r"o\.csv:5: follow_up_end must be a time") as caught:
        outcome_of_table(table, RiskSettings(horizon_days=30))
    assert "soon" not in str(caught.value)


def test_a_table_of_time_to_event_needs_its_columns(tmp_path):
    lacks = write(tmp_path / "l.csv", [HEAD[:4], ["a", "2024-01-01", 0, ""]])
    with pytest.raises(DataError, match="must have a column follow_up_end, got none"):
        read_follow_up(lacks)
    named = write(tmp_path / "n.csv", [["patient", "index_time", "time", "last_seen"],
                                       ["a", "2024-01-01", "", "2024-03-01"]])  # fmt: skip
    reading = TableReading(outcome_columns={"follow_up_end": "last_seen"})
    assert read_follow_up(named, reading).follow_up.event.tolist() == [0]


@pytest.fixture
def cohort(tmp_path):
    """Write patients whose outcome follows one drug sooner, some of them lost or dead before."""
    rng, day = np.random.default_rng(0), np.datetime64("2024-01-01")
    outcome, events = [HEAD[:2] + HEAD[3:]], [["patient", "known", "code", "kind"]]
    for k in range(N):
        sick = k % 3 == 0
        came, end, died = rng.exponential([60 if sick else 400, 300, 900])
        first = min(came, end, died)
        cells = [day + int(t) + 1 if t == first else "" for t in (came, end, died)]
        outcome.append([f"p{k}", day, *cells])
        events.append([f"p{k}", "2023-06-01", "warfarin" if sick else "aspirin", "drug"])
    write(tmp_path / "o.csv", outcome)
    write(tmp_path / "e.csv", events)
    return tmp_path


def test_the_card_says_the_horizon_that_was_used(cohort, capsys):
    words = ["risk", str(cohort / "o.csv"), "--events", str(cohort / "e.csv"), "--out",
             str(cohort / "out"), "--models", "naive_bayes", "--n-boot", "0", "--n-folds", "2",
             "--n-top", "0", "--min-class", "5", "--keep", "naive_bayes"]  # fmt: skip
    assert main(words) == 2
    assert "horizon_days must be given (--horizon-days)" in capsys.readouterr().err
    assert main([*words, "--horizon-days", "90"]) == 0
    assert "were not seen to the horizon of 90 days" in capsys.readouterr().out
    card = json.loads((cohort / "out" / "model" / "card.json").read_text())
    assert card["rows"]["outcome"].startswith("1 = within 90 days after index, 0 = not; death")
    assert "1 = within 90 days" in (cohort / "out" / "model" / "README.md").read_text()
    assert (card["rows"]["horizon_days"], card["rows"]["death"]) == (90, "competing")


def test_a_model_is_validated_at_its_own_horizon(table):
    reading = TableReading()
    given = read_new_cases(table, reading)
    assert given.outcomes.tolist() == [1, 1, 0, 0, 0]  # as the column says
    at = {"horizon_days": 30, "death": "competing"}
    known = known_at_horizon(table, given, at, reading).outcomes
    assert np.array_equal(known, [0, 1, 0, np.nan, 0], equal_nan=True)
    assert known_at_horizon(table, given, {}, reading) is given
