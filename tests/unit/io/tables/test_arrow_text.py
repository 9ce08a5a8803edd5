"""Mentions and events as CSV: what a spreadsheet would run is guarded, and read back as it was."""

import csv
import gzip

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import DataError
from clinnlp.core.formulas import guarded
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events, write_events
from clinnlp.io.tables.arrow_text import guarded_text, plain_text
from clinnlp.io.tables.mentions import read_entity_table, write_entity_table

TEXTS = [
    *("=1+1", "-", "+ve", "@x", "＝x", " =x", "\t=x", "\ta", "a\r=1", "\n", "\ufeff=x"),
    *("'=x", "''-", "'tis", "'", "", "a=b", "−5", "pain", None),
]


def mentions(texts):
    n = len(texts)
    return EntityTable(
        {
            "note": [f"n{k}" for k in range(n)],
            "entity": ["T1"] * n,
            "label": ["=Drug"] * n,
            "start": range(n),
            "end": range(1, n + 1),
            "text": texts,
            "concept": texts,
            "n_concepts": [0] * n,
            "score": [-0.5] * n,
            "source": [None] * n,
        }
    )


def code(text):
    """Return a text as a code, which is never blank."""
    return text if text and text.strip() else "x"


def events(texts):
    n = len(texts)
    return EventTable(
        {"patient": ["-1"] * n, "code": list(map(code, texts)), "unit": texts, "value": [-2] * n}
    )


def rows_of(path, delimiter):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ",")]
)
def test_mentions_are_guarded_in_the_file_and_come_back(tmp_path, name, delimiter):
    table = mentions(TEXTS)
    write_entity_table(table, tmp_path / name)
    rows = rows_of(tmp_path / name, delimiter)
    assert [row["text"] for row in rows] == [guarded(text or "") for text in TEXTS]
    assert {row["label"] for row in rows} == {"'=Drug"}
    assert {row["score"] for row in rows} == {"-0.5"}, "a number is no text"
    back = read_entity_table(tmp_path / name)
    assert all(np.array_equal(back[n], table[n]) for n in ("text", "concept", "label", "source"))


def test_events_come_back_whole_and_in_parts(tmp_path):
    table = events(TEXTS)
    write_events(table, tmp_path / "a.csv")
    assert rows_of(tmp_path / "a.csv", ",")[0]["code"] == "'=1+1"
    for back in (read_events(tmp_path / "a.csv"), *stream_events(tmp_path / "a.csv")):
        assert all(np.array_equal(back[n], table[n]) for n in ("patient", "code", "unit"))


def test_parquet_is_no_text_for_a_spreadsheet(tmp_path):
    table = mentions(TEXTS)
    write_entity_table(table, tmp_path / "a.parquet")
    raw = pa.parquet.read_table(tmp_path / "a.parquet")["text"].to_pylist()
    assert raw == TEXTS
    assert np.array_equal(read_entity_table(tmp_path / "a.parquet")["text"], table["text"])


@given(st.lists(st.none() | st.text(alphabet="'=+-@＝ \t\r\n\x00\xa0\ufeffa1;", max_size=6)))
def test_columns_are_guarded_as_texts_are(texts):
    kept = guarded_text(pa.table({"t": pa.array(texts, pa.string())}))
    assert kept["t"].to_pylist() == [t if t is None else guarded(t) for t in texts]
    assert plain_text(kept)["t"].to_pylist() == texts


def test_a_column_says_of_each_row_where_cells_are_guarded(tmp_path):
    write_events(events(["=1", "a", "'=1"]), tmp_path / "a.csv")
    rows = rows_of(tmp_path / "a.csv", ",")
    assert [row["guarded"] for row in rows] == ["patient code unit", "patient", "patient code unit"]
    write_entity_table(mentions(["a"]).take(np.array([], int)), tmp_path / "b.csv")
    assert "guarded" not in (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize("text", TEXTS)
def test_a_cell_of_another_program_stays_as_it_is(tmp_path, text):
    path = tmp_path / "a.csv"
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows([["patient", "code"], ["1", code(text)], ["2", f"'{text}"]])
    wanted = [code(text), f"'{text}"]
    assert list(read_events(path)["code"]) == wanted
    assert [code for part in stream_events(path) for code in part["code"]] == wanted
    write_events(read_events(path), tmp_path / "b.csv")
    assert list(read_events(tmp_path / "b.csv")["code"]) == wanted
    assert list(read_events(path, patient="patient", code="code")["code"]) == wanted


def test_a_column_of_another_table_may_have_the_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("who,what,guarded\n1,'=1,yes\n")
    assert list(read_events(path, patient="who", code="what")["code"]) == ["'=1"]
    path.write_text("who,patient,code\n1,2,'=1\n")
    with pytest.raises(DataError, match="got 1 other"):
        read_events(path)
