"""Names of items: right answers by hand, and what a filter must not change."""

import pytest

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import baskets, event_baskets
from clinnlp.features.exposure import exposure_baskets
from clinnlp.features.item_names import code_names, names_of_items, rare_names


def mentions(*rows):
    """Return a table of (patient, label, concept, name, negated) mentions."""
    names = ("patient", "label", "concept", "name", "negated")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    n = len(rows)
    columns |= {"text": ["what the note says"] * n, "n_concepts": [1] * n}
    return EntityTable(columns | {"start": [0] * n, "end": [1] * n})


def test_the_most_frequent_name_stands_beside_a_code_and_the_alphabet_decides_ties():
    rows = [("p", "Drug", "d1", name, 0) for name in ("b", "a", "b", None)]
    rows += [("p", "Drug", "d2", name, 0) for name in ("z", "y")]
    assert code_names(mentions(*rows)) == {"d1": "b", "d2": "y"}


def test_a_mention_without_a_concept_gives_no_name():
    assert code_names(mentions(("p", "Drug", None, "rare words of a note", 0))) == {}


def test_names_depend_neither_on_filters_nor_on_labels():
    rows = [("p1", "Drug", "d1", "Aspirin", 1)] * 2 + [("p2", "Drug", "d1", "ASA", 0)]
    rows += [("p2", "Problem", "gout", "Gout", 0)]
    for chosen in ({}, {"label": "Drug"}, {"strict": True}, {"axes": ()}):
        made = baskets(mentions(*rows), **chosen)
        assert {made.names.get(item) for item in made.items} <= {"Aspirin", "Gout"}


def test_an_item_of_two_kinds_has_the_name_of_its_code():
    rows = [("p", "Drug", "k", "Potassium", 0), ("p", "Test", "k", "Potassium", 0)]
    made = baskets(mentions(*rows))
    assert dict(made.names) == {"k (Drug)": "Potassium", "k (Test)": "Potassium"}
    assert made.called("k (Drug)") == "Potassium (k (Drug))"


def test_a_name_like_its_code_is_not_said_twice():
    made = baskets(mentions(("p", "Drug", "aspirin", "aspirin", 0)))
    assert made.names == {}
    assert made.called("aspirin") == "aspirin"


def test_what_is_rolled_up_has_the_name_of_its_terminology():
    above = Ancestors({"d1": ["up"]})
    roll_up = RollUp(ancestors=above, to=["up"], names={"up": "Statins"})
    made = baskets(mentions(("p", "Drug", "d1", "Atorvastatin", 0)), roll_up=roll_up)
    assert made.items == ("up",)
    assert made.called("up") == "Statins (up)"


@pytest.mark.parametrize("make", [event_baskets, exposure_baskets])
def test_events_bear_the_names_of_their_codes(make):
    columns = {"patient": ["p"] * 2, "encounter": ["e"] * 2, "code": ["1191", "x"]}
    columns |= {"kind": ["drug", "outcome"], "name": ["Aspirin", None]}
    columns |= {"start": ["2024-01-01"] * 2, "end": ["2024-01-02"] * 2}
    assert dict(make(EventTable(columns)).names) == {"1191": "Aspirin"}


def test_rare_names_count_patients_and_not_rows():
    rows = [("p1", "Drug", "d1", "his own words", 0)] * 9
    rows += [(f"p{k}", "Drug", "d1", "Aspirin", 0) for k in range(3)]
    rows += [(None, "Drug", "d2", "of nobody known", 0)] * 9
    found = rare_names(mentions(*rows), "patient", 3)
    assert found == {("d1", "his own words"), ("d2", "of nobody known")}


def test_without_patients_each_unit_counts_as_one():
    columns = {"note": [f"n{k}" for k in range(3)], "concept": ["d1"] * 3, "name": ["A"] * 3}
    columns |= {"start": [0] * 3, "end": [1] * 3, "n_concepts": [1] * 3}
    table = EntityTable(columns)
    assert rare_names(table, "note", 3) == set()
    assert rare_names(table, "note", 4) == {("d1", "A")}


def test_names_of_items_without_names_are_none():
    assert names_of_items(("a", "b"), ("item", "item"), {}) == {}
