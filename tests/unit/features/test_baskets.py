"""Baskets from mentions, events and tables: what goes in, what is left out and counted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import baskets, event_baskets, frame_baskets


def mentions(*rows):
    """Rows of patient, encounter, note, label, text, concept and flags."""
    named = ("patient", "encounter", "note", "label", "text", "concept", "negated", "experiencer")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(named)}
    n = len(rows)
    return EntityTable(columns | {"start": [0] * n, "end": [1] * n, "n_concepts": [0] * n})


TABLE = mentions(
    ("p1", "e1", "n1", "Drug", "ASA", "d1", 0, 0),
    ("p1", "e1", "n1", "Drug", "aspirin", "d1", -1, -1),
    ("p1", "e2", "n2", "Problem", "Chest  Pain", None, 1, 0),
    ("p2", "e3", "n3", "Drug", "Warfarin", None, 0, 0),
    ("p2", "e3", "n3", "Problem", "chest pain", None, 0, 1),
    (None, None, "n4", "Drug", "heparin", None, 0, 0),
)


def test_a_blank_id_is_no_basket():
    events = EventTable({"patient": ["p", " ", "None", None], "code": ["a", "b", "c", "d"]})
    made = event_baskets(events, unit="patient")
    assert made.ids.tolist() == ["p"]
    assert made.n_excluded["no_patient"] == 3


def test_what_is_asserted_of_the_patient():
    made = baskets(TABLE)
    assert made.ids.tolist() == ["p1", "p2"]
    assert made.items == ("d1", "warfarin")
    assert made.kinds == ("Drug", "Drug")
    assert made.matrix.toarray().tolist() == [[1, 0], [0, 1]]
    assert made.matrix.dtype == np.int8
    assert made.n_excluded["no_patient"] == 1
    assert made.n_excluded["negated"] == 1
    assert made.n_excluded["experiencer"] == 1
    assert made.n_unassessed["negated"] == 1
    assert (made.n_concept, made.n_text) == (2, 1)


def test_a_stopped_or_held_drug_stands_in_no_basket():
    columns = {name: TABLE[name] for name in EntityTable.SCHEMA}
    columns["change"] = ["stop", "start", None, "hold", None, None]
    table = EntityTable(columns)
    made = baskets(table)
    assert made.items == ("d1",)
    assert (made.n_excluded["stopped"], made.n_excluded["held"]) == (1, 1)
    assert len(made.evidence) + sum(made.n_excluded.values()) == len(table)
    assert made.ids.tolist() == ["p1", "p2"]  # who takes nothing else still counts
    assert baskets(table, changes=()).items == ("d1", "warfarin")
    assert baskets(table, changes=("stop",)).items == ("d1", "warfarin")
    with pytest.raises(ArgumentError, match="change must be one of"):
        baskets(table, changes=("stopped",))


def test_every_mention_is_kept_or_counted_once():
    made = baskets(TABLE, label="Drug", unit="encounter", axes=("negated",))
    assert len(made.evidence) + sum(made.n_excluded.values()) == len(TABLE)
    assert made.n_excluded == {"no_encounter": 1, "label": 2, "negated": 0}


def test_evidence_points_to_the_rows():
    made = baskets(TABLE)
    assert made.evidence.tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 3]]
    assert made.rows_behind(["d1"]).tolist() == [0, 1]


def test_a_unit_without_items_still_counts():
    made = baskets(TABLE, unit="encounter", label="Drug")
    assert made.ids.tolist() == ["e1", "e2", "e3"]
    assert made.matrix.sum(axis=1).ravel().tolist() == [[1, 0, 1]]


def test_notes_as_units_and_labels_as_kinds():
    made = baskets(TABLE, unit="note", axes=(), kinds={"Drug": "drug", "Problem": "condition"})
    assert made.ids.tolist() == ["n1", "n2", "n3", "n4"]
    assert dict(zip(made.items, made.kinds, strict=True)) == {
        "chest pain": "condition",
        "d1": "drug",
        "heparin": "drug",
        "warfarin": "drug",
    }


def test_strict_demands_that_axes_are_assessed():
    made = baskets(TABLE, strict=True, axes=("negated",), label=("Drug", "Problem"))
    assert made.n_excluded["negated_unassessed"] == 1
    assert made.n_unassessed == {"negated": 0}


def test_one_name_in_two_kinds_makes_two_items():
    table = mentions(
        ("p1", None, "n", "Drug", "iron", None, 0, 0),
        ("p1", None, "n", "Lab", "iron", None, 0, 0),
    )
    made = baskets(table)
    assert made.items == ("iron (Drug)", "iron (Lab)")
    assert len(made.rows_behind(made.items)) == 2


def test_no_rows_give_no_baskets():
    made = baskets(EntityTable({}))
    assert (len(made), made.items) == (0, ())


def test_no_ids_at_all_are_refused():
    with pytest.raises(ArgumentError, match=r"patient id.*choose another unit"):
        baskets(mentions((None, None, "n1", "Drug", "x", None, 0, 0)))
    with pytest.raises(ArgumentError, match="unit must be one of"):
        baskets(TABLE, unit="stay")


def test_a_label_that_no_mention_has_is_refused():
    with pytest.raises(ArgumentError, match="label must be among Drug, Problem, got Drugs"):
        baskets(TABLE, label="Drugs")
    assert len(baskets(EntityTable({}), label="Drugs")) == 0


def test_an_encounter_of_two_patients_is_refused():
    table = mentions(
        ("p1", "1", "n", "Drug", "iron", None, 0, 0), ("p2", "1", "n", "Drug", "iron", None, 0, 0)
    )
    with pytest.raises(DataError, match="belong to one patient"):
        baskets(table, unit="encounter")


EVENTS = EventTable(
    {
        "patient": ["p1", "p1", "p1", "p2", "p2"],
        "encounter": ["e1", "e1", "e2", None, "e3"],
        "code": ["d1", "bleed", "d1", "d2", None],
        "kind": ["drug", "outcome", "measurement", "drug", "drug"],
    }
)


def test_events_by_encounter():
    made = event_baskets(EVENTS)
    assert made.ids.tolist() == ["e1", "e2", "e3"]
    assert list(zip(made.items, made.kinds, strict=True)) == [("d1", "drug"), ("bleed", "outcome")]
    assert made.n_excluded == {"no_encounter": 1, "no_code": 1, "kind": 1}
    assert made.events is EVENTS
    assert made.evidence.tolist() == [[0, 0, 0], [0, 1, 1]]


def test_events_by_patient_of_any_kind():
    made = event_baskets(EVENTS, unit="patient", kinds=None)
    assert made.ids.tolist() == ["p1", "p2"]
    assert made.items == ("d1 (drug)", "d2", "d1 (measurement)", "bleed")
    with pytest.raises(ArgumentError, match="unit must be one of"):
        event_baskets(EVENTS, unit="note")


def test_wide_tables():
    frame = pd.DataFrame({"id": ["x", "y", "z"], "a": [1, 0, 1], "b": [True, False, False]})
    made = frame_baskets(frame, unit="id", kinds={"a": "drug"})
    assert made.ids.tolist() == ["x", "y", "z"]
    assert made.matrix.toarray().tolist() == [[1, 1], [0, 0], [1, 0]]
    assert made.kinds == ("drug", "item")


@pytest.mark.parametrize("values", [[2, 0], [0.5, 1], [None, 1], ["No", "Yes"], [np.nan, 1.0]])
def test_wide_tables_of_other_values_are_refused(values):
    with pytest.raises(DataError, match="column 'a' of a wide table must hold 0 and 1"):
        frame_baskets(pd.DataFrame({"a": values}))


def test_wide_tables_with_repeated_ids_or_items_are_refused():
    with pytest.raises(DataError, match="unique"):
        frame_baskets(pd.DataFrame({"a": [1, 0]}, index=[7, 7]))
    with pytest.raises(DataError, match="unique"):
        frame_baskets(pd.DataFrame([[1, 0]], columns=["a", "a"]))


def test_long_tables():
    frame = pd.DataFrame({"case": [1, 1, 1, 2, None], "drug": ["a", "b", "a", None, "c"]})
    made = frame_baskets(frame, unit="case", item="drug", kinds="drug")
    assert made.matrix.toarray().tolist() == [[1, 1], [0, 0]]
    assert made.kinds == ("drug", "drug")
    assert made.n_excluded == {"no_unit": 1, "no_item": 1}


def test_absent_columns_are_refused():
    frame = pd.DataFrame({"case": [1], "drug": ["a"]})
    with pytest.raises(ArgumentError, match="must have the column 'item'"):
        frame_baskets(frame, item="item", unit="case")
    with pytest.raises(ArgumentError, match="needs unit"):
        frame_baskets(frame, item="drug")


def test_items_of_mixed_types_are_named_by_their_text():
    frame = pd.DataFrame(
        {"case": [1, 1, 2, 2], "code": pd.Series([7, "7", 7.0, np.nan], dtype=object)}
    )
    made = frame_baskets(frame, unit="case", item="code")
    assert made.items == ("7",)
    assert made.matrix.toarray().tolist() == [[1], [1]]
    assert made.n_excluded["no_item"] == 1


def test_whose_each_basket_is_where_the_source_says_so():
    columns = {"patient": [None, "p1", "p2", None], "encounter": ["e1", "e1", "e2", "e3"]}
    events = EventTable({**columns, "code": list("aabb"), "kind": ["drug"] * 4})
    assert event_baskets(events).patients.tolist() == ["p1", "p2", None]
    assert event_baskets(events, unit="patient").patients.tolist() == ["p1", "p2"]
    numbers = {"start": [0] * 4, "end": [1] * 4, "n_concepts": [0] * 4, "text": list("aabb")}
    mentions = EntityTable({**columns, **numbers, "note": ["n1", "n2", "n1", "n3"]})
    assert baskets(mentions, unit="note").patients.tolist() == ["p2", "p1", None]
    assert frame_baskets(pd.DataFrame({"a": [1, 0]})).patients is None
    with pytest.raises(ArgumentError, match="patients of baskets must be one per basket, got 1"):
        replace(frame_baskets(pd.DataFrame({"a": [1, 0]})), patients=np.array(["p"], object))


def test_a_chronic_condition_under_past_history_stands_in_its_basket():
    columns = {name: TABLE[name] for name in EntityTable.SCHEMA}
    columns["historical"] = [0, 0, 0, 1, 0, 1]
    columns["course"] = [None, None, "unknown", "chronic", "chronic", "chronic"]
    table = EntityTable(columns)
    made = baskets(table)
    assert made.items == ("d1", "warfarin")  # not what is another person's
    assert (made.n_chronic, made.n_excluded["historical"]) == (1, 0)
    assert len(made.evidence) + sum(made.n_excluded.values()) == len(table)
    without = baskets(table, chronic_counts=False)
    assert without.items == ("d1",)
    assert (without.n_chronic, without.n_excluded["historical"]) == (0, 1)


@pytest.mark.parametrize("fold_terms", [True, False])
@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_a_blank_cell_of_a_long_table_is_no_item(blank, fold_terms):
    frame = pd.DataFrame({"case": [1, 1, 2, 3], "drug": ["ASA", blank, "ASA", blank]})
    made = frame_baskets(frame, item="drug", unit="case", fold_terms=fold_terms)
    assert made.items == ("ASA",)
    assert made.n_excluded == {"no_unit": 0, "no_item": 2}
    assert made.matrix.toarray().tolist() == [[1], [1], [0]]  # a case without drugs is still one
