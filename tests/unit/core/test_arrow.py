"""Tables of other programs, by the Arrow interface alone; ours to Arrow."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from clinnlp import from_pandas, mine_itemsets, mine_rules, mine_signals, pipeline
from clinnlp.core.arrow import column_arrays, column_lists, names_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import frame_baskets
from clinnlp.features.outcomes import outcome_from_pandas
from clinnlp.io.tables.word_lists import vocabulary_of
from clinnlp.mine.replicate import halves, replicate
from clinnlp.mine.signals.known import Knowledge
from clinnlp.study.risk_rows import rows_of_table

NOTES = {"note": ["No fever.", "cough"], "mrn": [7, 8], "at": [datetime(2024, 3, 1), None]}


class Foreign:
    """A table that says nothing of itself but how to get at it, as those of DuckDB do."""

    def __init__(self, columns):
        self._table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def of_polars(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def of_duckdb(columns):
    duckdb = pytest.importorskip("duckdb")
    table = pa.table(columns)
    return duckdb.connect().from_arrow(table)


def once(columns):
    return pa.RecordBatchReader.from_stream(pa.table(columns))


MAKERS = [Foreign, once, pa.table, pd.DataFrame, of_polars, of_duckdb]


@pytest.mark.parametrize("made", MAKERS)
def test_notes_of_any_table(made):
    notes = from_pandas(made(NOTES), text="note", patient="mrn", time="at")
    assert [(n.id, n.text, n.patient, n.time) for n in notes] == [
        ("0", "No fever.", "7", datetime(2024, 3, 1)),
        ("1", "cough", "8", None),
    ]
    with pytest.raises(DataError, match="'text', got none; columns are 'note', 'mrn', 'at'"):
        from_pandas(made(NOTES), text="text")


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("missing", [None, "", " ", "nan", "None", "NULL"])
def test_a_row_without_text_is_no_note(made, missing):
    with pytest.raises(DataError, match="row 1: each note must have a text, got an empty"):
        from_pandas(made({"t": ["a", missing]}), text="t")


def test_nan_is_no_text():
    with pytest.raises(DataError, match="row 1: each note must have a text"):
        from_pandas(pd.DataFrame({"t": ["a", float("nan")]}), text="t")


@pytest.mark.parametrize("made", MAKERS)
def test_events_and_back(made):
    columns = {
        "patient": ["p1", "p2"],
        "code": ["crp", "crp"],
        "known": [datetime(2024, 3, 1, 8, 30), None],
        "value": [5.0, None],
        "comparator": ["<", None],
        "other": [1, 2],
    }
    table = EventTable.from_pandas(made(columns))
    assert table["value"][0] == 5.0
    assert table["comparator"].tolist() == ["<", None]
    assert str(table["known"][0]) == "2024-03-01T08:30:00"
    assert np.isnat(table["known"][1])
    again = EventTable.from_pandas(Foreign(table.to_arrow()))
    assert str(list(again.rows())) == str(list(table.rows()))


def test_a_column_of_another_type_is_refused_and_not_quoted():
    with pytest.raises(ArgumentError, match="'value' must be of the type") as caught:
        EventTable.from_pandas(Foreign({"patient": ["p"], "code": ["c"], "value": ["Canary"]}))
    assert caught.value.__context__ is None


def test_flags_and_zones_of_mentions():
    columns = {
        "note": ["n"],
        "start": [0],
        "end": [3],
        "n_concepts": [0],
        "negated": [True],
        "time": [datetime(2024, 3, 1, 8, tzinfo=UTC)],
    }
    table = EntityTable.from_pandas(Foreign(columns))
    assert (table["negated"][0], table["historical"][0]) == (1, -1)
    assert str(table["time"][0]) == "2024-03-01T08:00:00"


@pytest.mark.parametrize("made", MAKERS)
def test_baskets_outcomes_knowledge_rows_and_words(made):
    wide = frame_baskets(made({"a": [True, False], "b": [1, 1]}))
    assert wide.matrix.toarray().tolist() == [[1, 1], [0, 1]]
    columns = {"case": ["x", "x", "y", None], "drug": ["a", "b", None, "a"]}
    long = frame_baskets(made(columns), item="drug", unit="case")
    assert long.matrix.toarray().tolist() == [[1, 1], [0, 0]]
    assert long.n_excluded == {"no_unit": 1, "no_item": 1}
    days = [datetime(2024, 1, 1), datetime(2024, 1, 2)]
    read = outcome_from_pandas(made({"patient": ["a", "b"], "index": days, "outcome": [1, None]}))
    assert (len(read.outcome), read.n_excluded["outcome_missing"]) == (1, 1)
    known = Knowledge.from_pandas(made({"drug_1": ["a"], "drug_2": ["b"], "event": [None]}))
    assert known.status("b", "a", "rash") == "labelled"
    table = made({"age": [50, 60], "sex": ["F", None]})
    assert len(rows_of_table(table, outcome=[0, 1], groups=["a", "b"]).rows) == 2
    columns = {"Kode": ["a1", "a1"], "Wort": ["ASS", "Aspirin"]}
    words = vocabulary_of(made(columns), code="Kode", name="Wort")
    assert words["a1"].names == ("ASS", "Aspirin")
    assert (
        pipeline(vocabulary=made({"name": ["fever"]}))(from_pandas(made(NOTES), text="note")[0])
        .entities[0]
        .assertion.negated
    )


def test_rules_signals_and_itemsets_to_arrow():
    frame = pd.DataFrame({"statin": [1] * 50 + [0] * 50, "rash": [1] * 30 + [0] * 50 + [1] * 20})
    sets = frame_baskets(frame, kinds={"statin": "drug", "rash": "outcome"})
    mined = [mine_rules(sets, min_count=5), mine_signals(sets), mine_itemsets(sets, min_count=5)]
    for table in mined:
        arrow, wanted = table.to_arrow(), table.to_pandas()
        assert arrow.column_names == list(wanted.columns)
        assert arrow.num_rows == len(wanted) > 0
    sides = mined[0].to_arrow()["antecedents"].to_pylist()
    assert sides[0] in (["statin"], ["rash"])


def test_values_of_arrow_become_plain_ones():
    table = pa.table(
        {
            "ns": pa.array([1_709_280_000_000_000_001], pa.timestamp("ns", "UTC")),
            "n": pa.array([Decimal("1.50")]),
            "word": pa.array(["x"]).dictionary_encode(),
            "flag": pa.array([None], pa.bool_()),
        }
    )
    assert names_of(Foreign(table)) == ["ns", "n", "word", "flag"]
    [[when], [number], [word], [flag]] = column_lists(Foreign(table), table.column_names)
    assert (when, number, word, flag) == (
        *(datetime(2024, 3, 1, 8, tzinfo=UTC), Decimal("1.50"), "x", None),
    )
    assert column_arrays(Foreign(table), ["flag"])[0].tolist() == [None]


@pytest.mark.parametrize("other", [7, "a.csv", {"note": ["a"]}, [1]])
def test_what_is_no_table_is_refused(other):
    with pytest.raises(ArgumentError, match="a table must be a DataFrame or have the Arrow"):
        from_pandas(other, text="note")


def test_pandas_is_not_needed():
    code = """
import sys
class WithoutPandas:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ImportError(name)
sys.meta_path.insert(0, WithoutPandas())
import pyarrow as pa
from clinnlp import EventTable, from_pandas, pipeline
notes = from_pandas(pa.table({"t": ["No fever."]}), text="t")
assert pipeline(vocabulary=["fever"])(notes[0]).entities
table = EventTable.from_pandas(pa.table({"patient": ["p"], "code": ["c"]}))
assert table.to_arrow().num_rows == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_replications_to_arrow():
    frame = pd.DataFrame({"a": [1, 0] * 60, "b": [1, 0] * 60, "c": [1, 1, 0] * 40})
    first, second = halves(frame_baskets(frame))
    made = replicate(mine_rules(first, min_count=5), second)
    assert made.to_arrow().column_names == list(made.to_pandas().columns)
    assert made.to_arrow().num_rows == len(made) > 0
