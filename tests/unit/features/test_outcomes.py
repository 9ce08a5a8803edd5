from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.features.outcomes import (
    index_from_columns,
    outcome_from_columns,
    outcome_from_pandas,
    read_outcome,
)


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "outcome.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_csv_gives_its_complete_rows_and_counts_the_others(tmp_path):
    path = write(
        tmp_path,
        "patient,index,outcome,more\n"
        "p1,2024-01-01,1,x\np2,2024-01-01T10:30:00,No,x\n,2024-01-01,1,x\np3,,1,x\np4,2024-01-01,NA,x\n",
    )
    outcome, n_excluded = read_outcome(path)
    assert outcome.patients.tolist() == ["p1", "p2"]
    assert outcome.values.tolist() == [1, 0]
    assert outcome.index[1] == np.datetime64("2024-01-01T10:30:00")
    assert n_excluded == {"patient_missing": 1, "index_missing": 1, "outcome_missing": 1}


@pytest.mark.parametrize(
    ("yes", "no", "missing"),
    [
        ("ja", "nein", "#NV"),
        ("WAHR", "FALSCH", "n/a"),
        ("J", "N", "."),
        ("Y", "n", "<NA>"),
        ("oui", "non", ""),
        ("VRAI", "FAUX", ""),
        ("Sí", "No", ""),
        ("VERDADERO", "FALSO", ""),
        ("1,0", "0,0", "NaN"),
    ],
)
def test_outcomes_are_read_as_spreadsheets_of_other_languages_write_them(yes, no, missing):
    read = outcome_from_columns(["a", "b", "c"], ["2024-01-01"] * 3, [yes, no, missing])
    assert read.outcome.values.tolist() == [1, 0]
    assert read.n_excluded["outcome_missing"] == 1


def test_columns_may_have_other_names(tmp_path):
    path = write(tmp_path, "id,when,died\np1,2024-01-01,true\n")
    outcome, _ = read_outcome(path, patient="id", index="when", value="died")
    assert outcome.values.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient,index\np1,2024-01-01\n", "outcome is not there"),
        ("patient,index,outcome\np1,2024-01-01,1\np2,soon,1\n", "outcome.csv:3: index must be"),
        ("patient,index,outcome\np1,2024-01-01,2\n", "outcome.csv:2: outcome must be 0 or 1"),
    ],
)
def test_bad_files_are_refused_by_line_without_quoting_them(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read_outcome(write(tmp_path, text))
    assert "soon" not in str(caught.value)


def test_a_file_not_in_utf8_and_no_file_are_refused(tmp_path):
    path = write(tmp_path, "patient,index,outcome\né,2024-01-01,1\n", "latin-1")
    with pytest.raises(DataError, match="UTF-8"):
        read_outcome(path)
    with pytest.raises(DataError, match="no such file"):
        read_outcome(tmp_path / "none.csv")


def test_a_frame_gives_the_same_and_times_with_a_zone_become_utc():
    frame = pd.DataFrame(
        {
            "patient": ["a", "b", "c"],
            "index": [pd.Timestamp("2024-01-01"), pd.NaT, pd.Timestamp("2024-01-03")],
            "outcome": [True, 0, np.nan],
        }
    )
    outcome, n_excluded = outcome_from_pandas(frame)
    assert outcome.patients.tolist() == ["a"]
    assert n_excluded == {"patient_missing": 0, "index_missing": 1, "outcome_missing": 1}
    with pytest.raises(ArgumentError, match="index"):
        outcome_from_pandas(frame.drop(columns="index"))
    zoned = outcome_from_columns(
        ["a", "b"], ["2024-01-01T02:00:00+02:00", datetime(2024, 1, 1, tzinfo=UTC)], [1, 0]
    )
    assert set(zoned.outcome.index.tolist()) == {datetime(2024, 1, 1)}


def test_whole_numbers_that_pandas_made_floats_are_the_same_ids():
    read = outcome_from_columns([7.0, "8"], ["2024-01-01"] * 2, [1, 0])
    assert read.outcome.patients.tolist() == ["7", "8"]


def test_a_repeated_row_is_counted_once_and_a_contrary_one_is_refused(tmp_path):
    rows = "patient,index,outcome\nSECRET,2024-01-01,0\nb,2024-01-01,1\nb,2024-01-02,0\n"
    path = write(tmp_path, rows + "SECRET,2024-01-01T00:00:00,no\n")
    outcome, n_excluded = read_outcome(path)
    assert (outcome.patients.tolist(), outcome.values.tolist()) == (["SECRET", "b", "b"], [0, 1, 0])
    assert n_excluded["outcome row repeated"] == 1
    with pytest.raises(DataError, match=r"outcome\.csv:5: .* must have the same outcome") as caught:
        read_outcome(write(tmp_path, rows + "SECRET,2024-01-01T00:00:00,1\n"))
    assert "SECRET" not in str(caught.value)


def test_whom_to_score_may_stand_twice():
    index = index_from_columns(["a", "a", None], ["2024-01-01"] * 3)
    assert (index.patients.tolist(), index.values.tolist()) == (["a", "a"], [0, 0])
