"""A table row by row reads what it reads by columns, and names what is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import DataError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events, write_events
from clinnlp.io.tables.arrow import csv_parts, read_columns
from clinnlp.io.tables.row_wise import row_wise

COLUMNS = {name: name for name in ("patient", "code", "known", "value", "unit")}
VALUES = ["7.5", "7,5", "<5", "> 1000", "1+", "neg", "", "NA", "1 234,5", "0", "-3,25"]
TIMES = ["2024-03-01", "2024-03-01T08:30:00Z", "01.03.2024 08:30", "01MAR2024", "", "20240301"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p 2", "é"]),
        st.sampled_from(["crp", "a\nb"]),
        st.sampled_from(TIMES),
        st.sampled_from(VALUES),
        st.sampled_from(["mg/l", ""]),
    ),
    min_size=1,
    max_size=12,
)


def written(path, rows, sep):
    lines = [COLUMNS, *rows]
    text = "".join(sep.join(f'"{c}"' if c else "" for c in row) + "\r\n" for row in lines)
    path.write_bytes(text.encode())
    return path


def plain(tables):
    found = [tuple(map(str, row.values())) for table in tables for row in table.rows()]
    return sorted(found)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.sampled_from([";", ",", "\t"]))
def test_both_ways_read_the_same(tmp_path_factory, rows, sep):
    path = written(tmp_path_factory.mktemp("t") / "a.csv", rows, sep)
    how = {"dialect": Dialect()}
    by_column = csv_parts(EventTable, path, COLUMNS, **how)
    by_row = row_wise(EventTable, path, COLUMNS, sep=sep, **how)
    assert plain(by_column) == plain(by_row)


def test_values_with_comparators_and_results(tmp_path):
    path = written(tmp_path / "a.csv", [("p", "c", "", value, "") for value in VALUES], ";")
    table = read_events(path)
    assert [str(value) for value in table["value"]] == [
        *("7.5", "7.5", "5.0", "1000.0", "nan", "nan", "nan", "nan", "1234.5", "0.0", "-3.25"),
    ]
    assert table["comparator"].tolist()[:4] == [None, None, "<", ">"]
    assert table["result"].tolist()[4:7] == ["1+", "neg", None]
    write_events(table, tmp_path / "b.csv")
    write_events(table, tmp_path / "b.parquet")
    for name in ("b.csv", "b.parquet"):
        assert plain([read_events(tmp_path / name)]) == plain([table]), "it comes back"


WRONG = [
    ("p;c;01/02/2024;1;", r":4: column 'known' .* day_first \(--day-first, --no-day-first\)"),
    ("p;c;Canary;1;", r":4: column 'known' must hold ISO 8601 times such as .*--time-format"),
    ("p;c;;Canary;", r":4: column 'value' must hold numbers such as 7.5, or results such as <5"),
    ("p;c;;1.234;", r":4: column 'value' must hold numbers .* two meanings .*\(--decimal\)"),
    ("p;c;;1", r":4: a row must have 5 fields as the header has, got 4"),
]


@pytest.mark.parametrize(("row", "message"), WRONG)
def test_what_is_wrong_is_named_by_line_column_and_form(tmp_path, row, message):
    path = tmp_path / "a.csv"
    path.write_text(f'patient;code;known;value;unit\n"p\n";c;;1;\n{row}\nq;c;;7,5;mg\n')
    for read in (read_events, lambda path: list(stream_events(path))):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        assert "Canary" not in str(caught.value)
        assert caught.value.__context__ is None
    skipped = []
    assert read_events(path, skipped=skipped)["patient"].tolist() == ["p\n", "q"]
    assert [error.line for error in skipped] == [4]


def test_a_stream_leaves_out_rows_that_are_wrong_on_each_pass(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"p{k};c;01.03.2024;{k},5" for k in range(5)]
    rows[2:2] = ["x;c;soon;1", ";c;01.03.2024;1", "x;;01.03.2024;1"]
    path.write_text("PATIENT;CODE;KNOWN;VALUE\n" + "".join(f"{row}\n" for row in rows))
    stream = stream_events(path, skip_bad=True)
    for _ in range(2):
        values = [value for table in stream for value in table["value"].tolist()]
        assert values == [0.5, 1.5, 2.5, 3.5, 4.5]
        assert len(stream.skipped) == 3


def test_a_fault_far_into_a_file_costs_no_row_before_it(tmp_path):
    """What was handed out before the fault is not handed out again."""
    n, long = 9_000, "x" * 4_000  # more than the 16 MiB that are read at a time
    lines = [f"p,{long},{k}\n" for k in range(n)]
    lines[n - 10] = "p,code,Canary\n"
    (tmp_path / "a.csv").write_text("patient,code,value\n" + "".join(lines))
    stream = stream_events(tmp_path / "a.csv", skip_bad=True)
    values = [int(v) for part in stream for v in part["value"]]
    assert values == [k for k in range(n) if k != n - 10]
    assert [error.line for error in stream.skipped] == [n - 8]


def test_numbers_that_are_no_measurements_take_no_comparator(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("note,start,end,n_concepts,score\nn,0,1,1,<0.5\n")
    with pytest.raises(DataError, match=r"a\.csv:2: column 'score' must hold numbers, got"):
        read_columns(EntityTable, path, {})


def test_whole_numbers_and_flags_are_named_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("note,start,end,n_concepts,negated\nn,0,1,1,true\nn,0,x,1,\n")
    with pytest.raises(DataError, match=r"a\.csv:3: column 'end' must hold whole numbers"):
        read_columns(EntityTable, path, {})
    path.write_text("note,start,end,n_concepts,negated\nn,0,1,1,maybe\n")
    with pytest.raises(DataError, match=r"a\.csv:2: column 'negated' must hold true, false or"):
        read_columns(EntityTable, path, {})


def test_decimals_are_said_for_all_numbers(tmp_path):
    path = written(tmp_path / "a.csv", [("p", "c", "", v, "") for v in ("1.234", "2,5")], ";")
    with pytest.raises(DataError, match=r"a\.csv:2: column 'value'"):
        read_events(path)
    assert read_events(path, dialect=Dialect(decimal=","))["value"].tolist() == [1234.0, 2.5]
    with pytest.raises(DataError, match=r"a\.csv:3: column 'value'"):
        read_events(path, dialect=Dialect(decimal="."))


def test_events_in_other_encodings(tmp_path):
    text = 'patient;code;value\r\nJosé;"Größe\r\n";1,5\r\n'
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        table = read_events(tmp_path / "a.csv", dialect=Dialect(encoding=None))
        assert (table["patient"][0], table["code"][0], table["value"][0]) == (
            *("José", "Größe\r\n"), 1.5,
        )  # fmt: skip
