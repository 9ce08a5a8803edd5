"""Events and mentions in files, back and forth."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.io.record.events import read_events, write_events
from clinnlp.io.tables.mentions import read_entity_table, write_entity_table

EVENTS = EventTable(
    {
        "patient": ["p1", "p2"],
        "start": ["2024-01-01T08:00:00", "NaT"],
        "code": ["J18", 'a,\n"b"'],
        "value": [1.5, np.nan],
        "unit": [None, ""],
    }
)


MENTIONS = EntityTable(
    {
        "note": ["n1", "n1"],
        "entity": ["T1", "T2"],
        "label": ["Drug", "Drug"],
        "start": [0, 5],
        "end": [3, 9],
        "text": ["ASA", "two\nlines"],
        "n_concepts": [0, 2],
        "negated": [1, -1],
        "historical": [0, -1],
        "score": [0.5, np.nan],
        "known": ["2024-01-01T08:00:00", "NaT"],
    }
)


def equal(a, b):
    return all(
        np.array_equal(a[name], b[name], equal_nan=kind in ("float", "time"))
        for name, kind in a.SCHEMA.items()
    )


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.csv.xz", "a.parquet", "parts"])
def test_tables_come_back(name, tmp_path):
    write_events(EVENTS, tmp_path / name)
    assert equal(read_events(tmp_path / name), EVENTS)
    if name == "parts":
        with pytest.raises(ArgumentError, match=r"new or empty"):
            write_events(EVENTS, tmp_path / name)
        return
    write_entity_table(MENTIONS, tmp_path / name)
    assert equal(read_entity_table(tmp_path / name), MENTIONS)
    write_entity_table(EntityTable({}), tmp_path / name)
    assert len(read_entity_table(tmp_path / name)) == 0


def test_an_empty_file_is_an_empty_table(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    assert len(read_events(tmp_path / "a.csv")) == 0


def test_events_of_other_names(tmp_path):
    path = tmp_path / "rx.csv"
    path.write_text("subject_id,drug,startdate,junk\n7,aspirin,2024-01-01,x\n")
    with pytest.raises(DataError, match=r"columns of EventTable must be among .*, got 4 other"):
        read_events(path)
    table = read_events(path, patient="subject_id", code="drug", start="startdate")
    assert next(iter(table.rows()))["start"] == datetime(2024, 1, 1)
    assert table["patient"].tolist() == ["7"]
    with pytest.raises(ArgumentError, match=r"columns of EventTable are"):
        read_events(path, person="subject_id")
    with pytest.raises(DataError, match=r"'dose', got none; columns are"):
        read_events(path, patient="subject_id", code="dose")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient,code,value\np,c,1\np,c,secret\n", "a.csv:3: column 'value'"),
        ("patient,code,start\np,c,2024-13-01\n", "a.csv:2: column 'start'"),
        ("patient,code\np\n", "a.csv:2: a row must have 2 fields"),
        ("patient,code\n,secret\n", "each event must have a patient, got 1 without"),
        ("patient\np\n", "each event must have a code, got 1 without"),
    ],
)
def test_broken_events(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_events(path)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_events_without_a_code_that_are_left_out_are_told_by_line(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    frame = pd.DataFrame({"patient": list("pqrs"), "code": ["c", None, "d\ne", None]})
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    lines = [3, 6] if suffix == ".csv" else [2, 4]
    skipped = []
    assert read_events(path, skipped=skipped)["patient"].tolist() == ["p", "r"]
    assert [error.line for error in skipped] == lines
    with pytest.raises(DataError, match=f"{path.name}:{lines[0]}: each event must have a code"):
        read_events(path)


def test_rows_that_are_wrong_otherwise_too_move_no_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("patient,code,value\np,,\nq\nr,,secret\ns,c,1\nt,,2\n")
    skipped = []
    assert read_events(path, skipped=skipped)["patient"].tolist() == ["s"]
    assert len(skipped) == 4
    assert not {error.line for error in skipped} & {5}
    assert all("secret" not in str(error) for error in skipped)


def test_invalid_utf8_in_events(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"patient,code\np,c\np,secret\xff\n")
    with pytest.raises(DataError, match=r"a.csv:3: text must be UTF-8"):
        read_events(path)


def test_wrong_types_in_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"patient": ["p"], "code": ["c"], "value": ["secret"]}).to_parquet(path)
    with pytest.raises(DataError, match=r"column 'value' must be of the type") as caught:
        read_events(path)
    assert caught.value.__context__ is None


def test_a_table_needs_its_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("note,label\nn1,Drug\n")
    with pytest.raises(DataError, match=r"a.csv: EntityTable needs the column 'start'"):
        read_entity_table(path)


def test_times_of_events_with_a_zone_become_utc(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(
        "patient,code,start,known\n1,x,2024-01-01T10:00:00+02:00,2024-01-01\n2,y,,2024-01-02\n"
    )
    events = read_events(path)
    assert events["start"].tolist() == [datetime(2024, 1, 1, 8), None]
    assert events["known"].tolist() == [
        datetime(2024, 1, 1, 23, 59, 59),
        datetime(2024, 1, 2, 23, 59, 59),
    ]


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        (
            "patient,code,known",
            "1,x,Canary",
            "'known' must hold ISO 8601 times such as",
        ),
        ("patient,code,value", "1,x,Canary", "'value' must hold numbers"),
        ("patient,code", "1,x,Canary", "a row must have 2 fields as the header has"),
    ],
)
def test_a_wrong_event_says_what_is_wanted(tmp_path, head, row, message):
    path = tmp_path / "e.csv"
    path.write_text(f"{head}\n{row}\n")
    with pytest.raises(DataError, match=rf"e.csv:2: .*{message}") as caught:
        read_events(path)
    assert "Canary" not in str(caught.value)


@pytest.mark.parametrize("blank", ["", " ", None])
def test_an_event_of_a_blank_code_is_refused_in_parquet_as_in_csv(tmp_path, blank):
    frame = pd.DataFrame({"patient": ["p", "q"], "code": ["x", blank]})
    frame.to_parquet(tmp_path / "e.parquet")
    frame.to_csv(tmp_path / "e.csv", index=False)
    for name in ("e.parquet", "e.csv"):
        with pytest.raises(DataError, match="each event must have a code, got 1 without"):
            read_events(tmp_path / name)
        skipped = []
        assert read_events(tmp_path / name, skipped=skipped)["patient"].tolist() == ["p"]
        assert len(skipped) == 1
