"""Columns of codes, beside lists of values."""

import numpy as np
import pyarrow as pa
import pytest

from clinnlp.core.arrow import coded_column, columns_from_arrow, encoded
from clinnlp.core.coded import Coded, first_seen
from clinnlp.core.tables import EventTable


def drawn(rng, n):
    return rng.choice(np.array(["a", "b", "", None, "c d"], object), n).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_columns_are_lists_of_values(seed):
    rng = np.random.default_rng(seed)
    rows, more = drawn(rng, 50), drawn(rng, 7)
    column, other = Coded.of(rows), Coded.of(more)
    mask = rng.random(50) < 0.4
    kept = np.flatnonzero(mask)
    assert column.array().tolist() == rows
    assert Coded.concat([column, other]).array().tolist() == rows + more
    assert column.take(mask).array().tolist() == [rows[k] for k in kept]
    assert column.take(kept[::-1]).array().tolist() == [rows[k] for k in kept[::-1]]
    assert column.present().tolist() == [bool(row) for row in rows]
    assert column.holding(lambda row: "c" in row).tolist() == ["c" in (row or "") for row in rows]
    assert column.filled("x").array().tolist() == ["x" if row is None else row for row in rows]
    there = [row for row in rows if row is not None]
    assert column.counts().tolist() == [there.count(value) for value in column.values]
    names = ["b" if value == "a" else value for value in column.values]
    renamed = ["b" if row == "a" else row for row in rows]
    assert column.renamed(names).array().tolist() == renamed
    mixed = [renamed[k] if mask[k] else rows[k] for k in range(50)]
    assert column.renamed(names, mask).array().tolist() == mixed
    numbers, order = first_seen(column.codes[column.codes >= 0], len(column.values))
    assert column.values[order[numbers]].tolist() == there
    assert column.values[order].tolist() == list(dict.fromkeys(there))


def test_few_rows_of_many_values_keep_few_values():
    column = Coded.of([f"p{k}" for k in range(5000)] + [None])
    few = column.take(np.array([4000, 5000, 3, 4000]))
    assert few.array().tolist() == ["p4000", None, "p3", "p4000"]
    assert len(few.values) == 2
    assert len(column.take(np.array([5000])).values) == 0


@pytest.mark.parametrize(
    "rows", [["a", None, "a"], [1, "1", None], ["\ud800", "\ud800"], [None], []]
)
def test_any_objects_are_encoded(rows):
    values = np.full(len(rows), None, object)
    values[:] = rows
    assert encoded(values).array().tolist() == rows


def test_dictionaries_of_arrow_with_parts_nulls_and_values_of_no_row():
    parts = [
        pa.DictionaryArray.from_arrays(pa.array([0, None, 2]), ["a", "b", "c"]),
        pa.DictionaryArray.from_arrays(pa.array([1, 0]), ["c", "a"]),
    ]
    schema = {"code": "text"}
    for chunks in (parts, parts[:1]):
        table = pa.table({"code": pa.chunked_array(chunks)})
        column = columns_from_arrow(schema, table)["code"]
        assert column.array().tolist() == table["code"].to_pylist()
    assert coded_column(table, "code").array().tolist() == ["a", None, "c"]
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "a", None]))
    column = columns_from_arrow(schema, pa.table({"code": pa.chunked_array([twice])}))["code"]
    assert (column.values.tolist(), column.codes.tolist()) == (["a"], [0, 0, -1])


def test_a_table_of_codes_is_one_of_arrays():
    codes = Coded.of(["x", None, "x"])
    table = EventTable({"patient": ["p", "q", "p"], "code": codes})
    assert table["code"].tolist() == ["x", None, "x"]
    assert table["unit"].tolist() == [None] * 3
    assert np.isnan(table["value"]).all()
    assert table.coded("unit").codes.tolist() == [-1] * 3
    assert table.take(np.array([2]))["code"].tolist() == ["x"]
    both = EventTable.concat(
        [table, EventTable({"patient": ["r"], "unit": ["mg"]}), EventTable({})]
    )
    assert both["code"].tolist() == ["x", None, "x", None]
    assert both["unit"].tolist() == [None, None, None, "mg"]
    assert [row["patient"] for row in both.rows()] == ["p", "q", "p", "r"]
    other = table.replaced({"kind": ["drug"] * 3})
    assert (other["kind"].tolist(), other.coded("code")) == (["drug"] * 3, codes)
    assert EventTable.from_pandas(other.to_pandas())["code"].tolist() == ["x", None, "x"]
