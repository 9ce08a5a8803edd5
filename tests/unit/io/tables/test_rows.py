"""Rows with the line they began on, whatever the quoting."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.rows import column_names, read_rows, table_form


def test_form_by_suffix():
    assert [table_form(p) for p in ("a.CSV", "a.tsv.gz", "b/a.parquet")] == [
        "csv",
        "tsv",
        "parquet",
    ]
    assert table_form("a.txt", "tsv") == "tsv"
    with pytest.raises(ArgumentError, match=r"must end in .csv, .tsv, .parquet"):
        table_form("a.xlsx")


def test_quotes_and_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'b,a\r\n1,"x\r\ny ""z"", w"\r\n\r\n2,"last"')
    assert list(read_rows(path, ["a"])) == [(2, ('x\r\ny "z", w',)), (5, ("last",))]
    assert list(read_rows(path, ["a", "b"]))[1] == (5, ("last", "2"))


def test_a_field_longer_than_the_modules_limit(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text\n"' + "word\n" * 200_000 + '"\n')
    before = csv.field_size_limit()
    ((line, (text,)),) = read_rows(path, ["text"])
    assert (line, len(text)) == (2, 1_000_000)
    assert csv.field_size_limit() == before


def test_a_missing_column_names_those_there_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",note,note\n1,2,3\n")
    with pytest.raises(DataError, match=r"a.csv: .* 'text', got none; columns are '', 'note'"):
        list(read_rows(path, ["text"]))
    with pytest.raises(DataError, match=r"'note', got several"):
        list(read_rows(path, ["note"]))


def test_a_note_in_place_of_the_header_is_not_shown(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1," + "Patient is a secret person. " * 9 + "\n")
    with pytest.raises(DataError, match=r"2 fields that do not look like a header") as caught:
        list(read_rows(path, ["text"]))
    assert "secret" not in str(caught.value)


def test_no_rows(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"")
    assert list(read_rows(path, ["text"])) == []
    assert column_names(path) == []


def test_parquet_rows(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, None], "b": ["x", "y"]}), path)
    assert list(read_rows(path, ["b", "a"])) == [(1, ("x", 1)), (2, ("y", None))]
    assert column_names(path) == ["a", "b"]
    with pytest.raises(DataError, match=r"columns are 'a', 'b'"):
        list(read_rows(path, ["c"]))


def test_damaged_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("no parquet")
    with pytest.raises(DataError, match=r"a.parquet: a Parquet file must be whole"):
        list(read_rows(path, ["a"]))


def test_positions_of_columns():
    assert check_columns(["b", "a"], ["a", "x", "b"]) == [2, 0]


@pytest.mark.parametrize(
    "first",
    ["1,Canary Zebrowski", "2024-01-02,Canary", '{"id": "n0", "text": "Canary Zebrowski"}',
     "Canary was seen here today", "Canary,", '"Canary\t",x'],
)  # fmt: skip
def test_a_first_row_that_may_hold_cells_is_not_shown(tmp_path, first):
    path = tmp_path / "a.csv"
    path.write_text(first + "\n")
    with pytest.raises(DataError, match="do not look like a header") as caught:
        list(read_rows(path, ["text"]))
    assert "Canary" not in str(caught.value)


def test_a_header_is_shown_and_several_marks_in_it_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Pat. Nr,Note Text (full)\n")
    with pytest.raises(DataError, match=r"columns are 'Pat. Nr', 'Note Text \(full\)'$"):
        list(read_rows(path, ["text"]))
    path.write_text("id;text\n")
    with pytest.raises(DataError, match=r"'id;text'; fields must be .*name it as sep"):
        list(read_rows(path, ["text"], dialect=Dialect(sep=",")))
