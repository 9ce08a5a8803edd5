"""A hospital's own tables of notes."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.frames import from_pandas
from clinnlp.io.notes.tables import write_table


def test_from_pandas_keeps_what_is_missing_missing():
    frame = pd.DataFrame(
        {
            "t": ["one", None, "three"],
            "mrn": [1.0, 2.0, np.nan],
            "when": pd.to_datetime(["2024-01-01 10:00", None, "2024-01-02 00:00"]),
            "k": ["2024-01-03", "", None],
            "label": ["a", np.nan, ""],
        }
    )
    notes = from_pandas(frame, text="t", patient="mrn", time="when", known="k", label="label")
    assert notes == [
        Note(
            id="0",
            text="one",
            patient="1",
            time=datetime(2024, 1, 1, 10),
            known=datetime(2024, 1, 3),
            labels=("a",),
        ),
        Note(id="1", text="", patient="2"),
        Note(id="2", text="three", time=datetime(2024, 1, 2)),
    ]
    assert type(notes[0].time) is datetime


def test_from_pandas_refuses():
    frame = pd.DataFrame({"t": ["secret", "b"], "id": ["x", "x"], "when": ["secret", "b"]})
    with pytest.raises(DataError, match=r"'text', got none; columns are 't', 'id', 'when'"):
        from_pandas(frame, text="text")
    with pytest.raises(DataError, match=r"row 1: ids of notes must be unique, got 'x'"):
        from_pandas(frame, text="t", id="id")
    with pytest.raises(DataError, match=r"row 0: time must be an ISO 8601") as caught:
        from_pandas(frame, text="t", time="when")
    assert caught.value.__context__ is None
    assert from_pandas(frame.iloc[:0], text="t") == []


def test_read_table_numbers_rows_and_names_columns(tmp_path):
    path = tmp_path / "a.csv.gz"
    frame = pd.DataFrame({"note": ["a", ""], "mrn": ["007", ""], "who": ["x", "y"]})
    frame.to_csv(path, index=False)
    assert list(read_notes(path, text="note", patient="mrn")) == [
        Note(id="a-0", text="a", patient="007"),
        Note(id="a-1", text=""),
    ]


def test_parquet_types(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame(
        {
            "t": ["a", None],
            "n": [7, 8],
            "d": [datetime(2024, 1, 1).date(), None],
            "w": pd.to_datetime(["2024-01-01 10:00", None]),
        }
    ).to_parquet(path)
    assert list(read_notes(path, text="t", id="n", time="d", known="w")) == [
        Note(id="7", text="a", time=datetime(2024, 1, 1), known=datetime(2024, 1, 1, 10)),
        Note(id="8", text=""),
    ]
    with pytest.raises(DataError, match=r"a.parquet:1: time must be an ISO 8601"):
        list(read_notes(path, text="t", time="n"))


@pytest.mark.parametrize(
    ("form", "more", "message"),
    [
        ("csv", {"labels": ("a", "b")}, "one label"),
        ("csv", {"patient": ""}, "no empty value"),
        ("parquet", {"time": datetime(2024, 1, 1, tzinfo=UTC)}, "times without zone"),
    ],
)
def test_what_a_table_cannot_hold(form, more, message, tmp_path):
    with pytest.raises(DataError, match=message):
        write_table([Note(id="n", text="", **more)], tmp_path / f"a.{form}")
    assert not list(tmp_path.iterdir())


def test_bytes_and_lists_are_no_text():
    for value in (b"abc", ["abc"]):
        with pytest.raises(DataError, match="row 0: text must be text or a number"):
            from_pandas(pd.DataFrame({"t": [value]}), text="t")
