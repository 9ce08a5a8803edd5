"""Counts that cannot be are refused by their row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.pair_counts import PairCounts

ROWS = {
    "drug": ["x", "x", "y"], "event": ["e", "f", "e"], "a": [2, 0, 5],
    "n_drug": [10, 10, 20], "n_event": [8, 3, 8], "n": [100, 100, 100],
}  # fmt: skip


def test_a_table_of_any_kind_gives_the_same_counts():
    frame = PairCounts.from_table(pd.DataFrame(ROWS))
    arrow = PairCounts.from_table(pa.table(ROWS))
    assert repr(frame) == repr(arrow)
    assert repr(frame) == "PairCounts(3 pairs of 2 drugs and 2 events in 100 reports)"
    assert frame.a.tolist() == arrow.a.tolist() == [2, 0, 5]
    named = pd.DataFrame(ROWS).rename(columns={"a": "both"})
    assert PairCounts.from_table(named, {"a": "both"}).a.tolist() == [2, 0, 5]
    whole = pd.DataFrame(ROWS).astype({"a": float})
    assert PairCounts.from_table(whole).a.dtype == np.int64
    assert len(PairCounts.from_table(pd.DataFrame(ROWS)[:0])) == 0


@pytest.mark.parametrize(
    ("column", "row", "value", "said"),
    [
        ("a", 2, 9, "a must be at most n_event"),
        ("n_drug", 2, 4, "a must be at most n_drug"),
        ("n_drug", 2, 101, "n_drug must be at most n"),
        ("n_event", 1, 101, "n_event must be at most n"),
        ("n_event", 1, 91, r"n_drug \+ n_event - a must be at most n"),
        ("n", 1, 99, "n must be one number in all rows"),
        ("n_drug", 1, 11, "n_drug must be one number in all rows of a drug"),
        ("n_event", 2, 9, "n_event must be one number in all rows of an event"),
        ("event", 1, "e", "a pair of drug and event must stand there once"),
        ("a", 1, -1, "a count must be at least 0"),
        ("drug", 1, " ", "drug and event must be names"),
        ("drug", 1, None, "drug and event must be names"),
    ],
)
def test_the_first_row_that_cannot_be_is_named(column, row, value, said):
    rows = {name: list(values) for name, values in ROWS.items()}
    rows[column][row] = value
    if (column, value) == ("event", "e"):
        rows["n_event"][1] = 8
    with pytest.raises(ArgumentError, match=f"row {row} of counts: {said}"):
        PairCounts.from_table(pd.DataFrame(rows))


@pytest.mark.parametrize("values", [[1.5, 0, 2], ["x", "y", "z"], [None, 1, 2]])
def test_counts_are_whole_numbers(values):
    with pytest.raises(ArgumentError, match="a of counts must hold whole numbers"):
        PairCounts.from_table(pd.DataFrame({**ROWS, "a": values}))


def test_a_column_that_is_missing_is_named():
    with pytest.raises(ArgumentError, match="got none named n_event"):
        PairCounts.from_table(pd.DataFrame(ROWS).drop(columns="n_event"))
