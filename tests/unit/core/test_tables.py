"""Tables: schema, missing values, pandas both ways."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable, FeatureMatrix, Outcome

ROWS = [
    {"note": "n1", "patient": "p1", "label": "Drug", "start": 0, "end": 4, "n_concepts": 1,
     "text": "Zeta", "negated": True, "time": "2020-01-02T03:04:05"},
    {"note": "n2", "label": "Drug", "start": 3, "end": 9, "n_concepts": 0, "negated": False},
]  # fmt: skip


def test_absent_keys_become_missing_values():
    table = EntityTable.from_rows(ROWS)
    assert len(table) == 2
    assert table["patient"].tolist() == ["p1", None]
    assert table["negated"].tolist() == [1, 0]
    assert table["uncertain"].tolist() == [-1, -1]
    assert np.isnan(table["score"]).all()
    assert np.isnat(table["known"]).all()


def test_pandas_both_ways_gives_the_same_table():
    table = EntityTable.from_rows(ROWS)
    frame = table.to_pandas()
    assert frame["negated"].tolist() == [True, False]
    assert frame["uncertain"].isna().all()
    again = EntityTable.from_pandas(frame)
    for name in EntityTable.SCHEMA:
        np.testing.assert_array_equal(again[name], table[name], err_msg=name)


def test_take_and_concat_undo_each_other():
    table = EntityTable.from_rows(ROWS)
    both = EntityTable.concat([table.take(np.array([0])), table.take(np.array([False, True]))])
    for name in EntityTable.SCHEMA:
        np.testing.assert_array_equal(both[name], table[name], err_msg=name)
    assert len(EntityTable.concat([])) == 0


def test_repr_shows_no_text():
    assert "Zeta" not in repr(EntityTable.from_rows(ROWS))


def test_wrong_columns_are_refused_by_name():
    with pytest.raises(ArgumentError, match="got colour"):
        EventTable({"colour": ["red"]})
    with pytest.raises(ArgumentError, match="equally long"):
        EventTable({"patient": ["a"], "code": ["b", "c"]})
    with pytest.raises(ArgumentError, match="needs the column"):
        EntityTable({"note": ["a"]})
    with pytest.raises(ArgumentError, match="must be one of"):
        EventTable({})["colour"]


def test_outcomes_and_features_check_their_shapes():
    with pytest.raises(ArgumentError, match="0 or 1"):
        Outcome(patients=np.array(["a"]), index=np.array(["2020-01-01"], "M8[s]"),
                values=np.array([2], np.int8))  # fmt: skip
    with pytest.raises(ArgumentError, match="shape"):
        FeatureMatrix(values=sparse.csr_matrix((2, 2)), patients=np.array(["a"]), names=("f", "g"),
                      n_excluded={})  # fmt: skip


@pytest.mark.parametrize(("name", "said"), [("known", "times"), ("value", "numbers")])
def test_a_value_of_another_type_is_refused_unquoted(name, said):
    with pytest.raises(ArgumentError, match=f"column '{name}' must hold {said}") as caught:
        EventTable({"patient": ["p"], name: ["Canary Zebrowski"]})
    assert "Canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("number", [np.inf, -np.inf])
def test_an_infinite_measurement_is_refused_by_its_column(number):
    with pytest.raises(
        ArgumentError, match="column 'value' must hold finite numbers, got infinity"
    ):
        EventTable({"patient": ["p", "p"], "value": [1.0, number]})


@pytest.mark.parametrize("name", ["value", "normal_from", "normal_to"])
def test_a_measurement_that_means_nothing_is_refused_by_its_column(name):
    columns = {"patient": ["p"] * 3, name: [1.0, 1e200, np.nan]}
    said = f"column '{name}' must hold finite numbers, got one beyond 1e\\+100 in 1 rows .*row 1"
    for make in (EventTable, lambda c: EventTable.from_pandas(pd.DataFrame(c)),
                 lambda c: EventTable.from_pandas(pa.table(c))):  # fmt: skip
        with pytest.raises(ArgumentError, match=said):
            make(columns)


def test_an_outcome_needs_patients():
    with pytest.raises(ArgumentError, match="each row of an outcome must have a patient, got 1"):
        Outcome(patients=np.array(["a", None], object), index=np.zeros(2, "M8[s]"),
                values=np.array([0, 1], np.int8))  # fmt: skip
