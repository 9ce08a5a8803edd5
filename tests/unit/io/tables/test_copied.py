"""Tables written as they were read: text, and Parquet with the types of its columns."""

from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.tables.copied import cell_text, write_rows

COLUMNS = {
    "patient": pa.array([12, 13], pa.int64()),
    "start": pa.array([datetime(2019, 3, 12, 8), None], pa.timestamp("us")),
    "day": pa.array([date(2019, 3, 12), None], pa.date32()),
    "dose": pa.array([1.5, None], pa.float64()),
    "code": pa.array(["x", "y"]),
    "tags": pa.array([["a"], []], pa.list_(pa.string())),
}


def test_a_parquet_file_gets_the_types_of_another(tmp_path):
    pq.write_table(pa.table(COLUMNS), tmp_path / "in.parquet")
    rows = [["77", "2018-01-02T08:00:00", "2018-01-02", "1.5", "x", ""],
            ["x7", "soon", "", "", "", ""]]  # fmt: skip
    assert (
        write_rows(tmp_path / "out.parquet", list(COLUMNS), rows, like=tmp_path / "in.parquet") == 2
    )
    made = pq.read_table(tmp_path / "out.parquet")
    assert [str(t) for t in made.schema.types[:5]] == [
        "int64", "timestamp[us]", "date32[day]", "double", "string"]  # fmt: skip
    first, second = made.to_pylist()
    assert (first["patient"], first["start"]) == (77, datetime(2018, 1, 2, 8))
    assert (first["day"], first["dose"]) == (date(2018, 1, 2), 1.5)
    assert set(second.values()) == {None}


def test_columns_of_few_bits_get_64_where_that_is_wished(tmp_path):
    small = {name: pa.array([7, None], pa.int8()) for name in ("id", "n")}
    pq.write_table(pa.table(small | {"word": pa.array(["x", "y"])}), tmp_path / "in.parquet")
    how = {"like": tmp_path / "in.parquet", "wide": ["id", "word", "none"]}
    write_rows(tmp_path / "out.parquet", ["id", "n", "word"], [["777", "777", "x"]], **how)
    made = pq.read_table(tmp_path / "out.parquet")
    assert [str(t) for t in made.schema.types] == ["int64", "int8", "string"]
    assert made.to_pylist() == [{"id": 777, "n": None, "word": "x"}]


def test_without_another_all_is_text(tmp_path):
    assert write_rows(tmp_path / "out.parquet", ["a"], [["1"]] * 25_000) == 25_000
    made = pq.read_table(tmp_path / "out.parquet")
    assert (made.num_rows, str(made.schema.types[0])) == (25_000, "string")
    assert write_rows(tmp_path / "none.parquet", ["a"], []) == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_a_table_of_text_keeps_its_separator(tmp_path):
    write_rows(tmp_path / "a.tsv", ["a", "b"], [["1", "x y"]])
    assert (tmp_path / "a.tsv").read_text() == "a\tb\n1\tx y\n"
    assert [cell_text(x) for x in (None, 1.5, datetime(2019, 1, 2, 3))] == [
        "", "1.5", "2019-01-02T03:00:00"]  # fmt: skip


def test_a_broken_parquet_file_is_named(tmp_path):
    (tmp_path / "in.parquet").write_text("Zebraperson")
    with pytest.raises(DataError, match="must be a Parquet file") as caught:
        write_rows(tmp_path / "out.parquet", ["a"], [["1"]], like=tmp_path / "in.parquet")
    assert "Zebra" not in str(caught.value)
