import numpy as np
import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.event_stream import stream_events
from clinnlp.io.tabular import read_events, write_events

N = 25


@pytest.fixture(scope="module")
def events():
    return EventTable(
        {
            "patient": [f"p{k % 7}" for k in range(N)],
            "known": np.arange(N).astype("datetime64[D]").astype("datetime64[s]"),
            "code": [f"c{k % 3}" for k in range(N)],
            "unit": ["mg", None, "é"] * 8 + ["mg"],
            "value": [np.nan if k % 4 else float(k) for k in range(N)],
        }
    )


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.csv.gz", "e.parquet", "parts"])
def test_parts_hold_what_the_whole_table_holds_and_can_be_read_again(events, tmp_path, name):
    write_events(events, tmp_path / name)
    whole = read_events(tmp_path / name)
    stream = stream_events(tmp_path / name, n_rows=10)
    for _ in range(2):
        parts = list(stream)
        told = EventTable.concat(parts)
        for column in EventTable.SCHEMA:
            np.testing.assert_array_equal(told[column], whole[column])
    if name in ("e.parquet", "parts"):
        assert [len(part) for part in parts] == [10, 10, 5]


def test_columns_can_be_named(tmp_path):
    (tmp_path / "e.csv").write_text("who,what,more\np,c,x\n")
    [part] = stream_events(tmp_path / "e.csv", patient="who", code="what")
    assert (part["patient"].tolist(), part["code"].tolist()) == (["p"], ["c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient,code\n,c\n", "must have a patient, got 1 without"),
        ("patient,code\np,\n", "must have a code"),
        ("patient,code,mood\np,c,x\n", "must be among"),
        ("patient,code,value\np,c,high\n", r"e\.csv.*'value' must hold numbers"),
        ("patient,code\np,c,d\n", "2 fields"),
    ],
)
def test_bad_tables_are_refused_as_when_read_whole(tmp_path, text, message):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        list(stream_events(tmp_path / "e.csv"))
    assert "high" not in str(caught.value)


def test_no_file_and_no_parts_are_refused_and_an_empty_file_has_no_events(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        list(stream_events(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="Parquet parts"):
        list(stream_events(tmp_path))
    (tmp_path / "e.csv").write_text("")
    assert list(stream_events(tmp_path / "e.csv")) == []
