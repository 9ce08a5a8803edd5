from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events, write_events

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


TIMES = [
    "2024-03-01T08:00:00Z",
    "2024-03-01 09:00:00+01:00",
    "2024-03-01T02:30:00.123456789-05:30",
    "2024-03-01 08:00",
    "20240301T080000",
    "",
]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["e.csv", "e.tsv"])
@pytest.mark.parametrize("times", [TIMES, TIMES[:1], TIMES[:3], TIMES[3:]])
def test_times_with_and_without_zone_are_read_in_utc(tmp_path, name, end, quote, times):
    rows = [["patient", "code", "known"], *(["p", "c", time] for time in times)]
    mark = "\t" if name == "e.tsv" else ","
    lines = [mark.join(f"{quote}{cell}{quote}" for cell in row) for row in rows]
    (tmp_path / name).write_bytes(end.join([*lines, ""]).encode())
    wanted = ["NaT" if time == "" else "2024-03-01T08:00:00" for time in times]
    for table in (EventTable.concat(stream_events(tmp_path / name)), read_events(tmp_path / name)):
        assert table["known"].astype(str).tolist() == wanted


def test_the_zone_may_come_after_many_rows_without(tmp_path):
    """More rows than are looked at first, and more than one block."""
    n = 400_000
    row = f"p,{'c' * 30},2024-03-01T08:00:00\n"
    text = f"patient,code,known\n{row * n}p,c,2024-03-01T08:00:00+01:00\n"
    (tmp_path / "e.csv").write_text(text)
    parts = list(stream_events(tmp_path / "e.csv"))
    assert len(parts) > 1
    assert sum(map(len, parts)) == n + 1
    assert str(parts[-1]["known"][-1]) == "2024-03-01T07:00:00"
    assert {str(t) for part in parts for t in np.unique(part["known"])} == {
        "2024-03-01T07:00:00", "2024-03-01T08:00:00"
    }  # fmt: skip


@pytest.mark.parametrize("stored", ["zoned", "text"])
def test_so_they_are_in_parquet(tmp_path, stored):
    times = [datetime.fromisoformat("2024-03-01T09:00:00+01:00")]
    zoned = pa.array(times, pa.timestamp("us", "Europe/Paris"))
    column = zoned if stored == "zoned" else pa.array([times[0].isoformat()])
    table = pa.table({"patient": ["p"], "code": ["c"], "known": column})
    pq.write_table(table, tmp_path / "e.parquet")
    [part] = stream_events(tmp_path / "e.parquet")
    whole = read_events(tmp_path / "e.parquet")
    assert [str(t["known"][0]) for t in (part, whole)] == ["2024-03-01T08:00:00"] * 2


def test_a_cell_that_is_no_time_is_refused_by_its_line_among_others_with_zones(tmp_path):
    rows = "".join(f'"p\nq",c,{time}\n' for time in (*TIMES, "Canary"))
    (tmp_path / "e.csv").write_text(f"patient,code,known\n{rows}")
    for read in (lambda path: list(stream_events(path)), read_events):
        with pytest.raises(DataError, match=r"e\.csv:1[45]: column 'known'.* ISO 8601") as caught:
            read(tmp_path / "e.csv")
        assert "Canary" not in str(caught.value)


def test_no_file_and_no_parts_are_refused_and_an_empty_file_has_no_events(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        list(stream_events(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="Parquet parts"):
        list(stream_events(tmp_path))
    (tmp_path / "e.csv").write_text("")
    assert list(stream_events(tmp_path / "e.csv")) == []
