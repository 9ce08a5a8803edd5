"""Ancestors: nearest first, each once, circles end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.errors import ArgumentError
from clinnlp.core.vocab import Concept, Vocabulary

CODES = st.sampled_from("abcdef")


def test_two_ways_up_count_once():
    above = Ancestors({"a": ["b", "c"], "b": ["d"], "c": ["d", "e"]})
    assert above("a") == ("b", "c", "d", "e")
    assert above("a", levels=1) == ("b", "c")
    assert above("a", levels=0) == above("d") == above("unknown") == ()


def test_of_a_vocabulary():
    words = [Concept(code="a", name="a", parents=("b",)), Concept(code="b", name="b")]
    above = Ancestors.of(Vocabulary(words))
    assert above("a") == ("b",)
    assert "a" in above
    assert "b" not in above


def test_the_nearest_of_some():
    above = Ancestors({"a": ["b", "c"], "b": ["d"], "c": ["e"], "e": ["d"], "d": ["f"]})
    assert above.nearest("a", {"d", "f"}) == ("d",)
    assert above.nearest("a", {"b", "d"}) == ("b",)
    assert above.nearest("a", {"b", "e", "a"}) == ("a",)
    assert above.nearest("a", {"b", "e"}) == ("b", "e")
    assert above.nearest("a", {"x"}) == ()


def test_circles_end_and_are_named():
    above = Ancestors({"a": ["b"], "b": ["a"], "c": ["a"], "d": ["d"]})
    assert above("a") == ("b",)
    assert above("c") == ("a", "b")
    assert above.nearest("c", {"a", "b"}) == ("a",)
    assert above.circles() == ("a", "b", "d")


@given(st.dictionaries(CODES, st.lists(CODES, max_size=3)), CODES, st.sets(CODES))
def test_the_definition(parents, code, to):
    """Ancestors are what is reached in one step or more, the code itself left out."""
    reached, grown = set(parents.get(code, ())), True
    while grown:
        more = {p for each in reached for p in parents.get(each, ())} - reached
        reached |= more
        grown = bool(more)
    above = Ancestors(parents)
    assert sorted(above(code)) == sorted(reached - {code})
    found = above.nearest(code, to)
    assert set(found) <= to & (reached | {code})
    assert bool(found) == bool(to & (reached | {code}))


def concept(code, name, *parents, level=""):
    return Concept(code=code, name=name, parents=parents, level=level)


DRUGS = Vocabulary(
    [
        concept("in1", "atorvastatin", level="ingredient"),
        concept("in2", "amlodipine", level="ingredient"),
        concept("pin", "atorvastatin calcium", "in1"),
        concept("bn", "Caduet", "in1", "in2"),
        concept("scd", "atorvastatin calcium 20 MG", "pin"),
        concept("a1", "Acetylsalicylic acid", level="ingredient"),
        concept("a2", "acetylsalicylic  acid", "group", level="ingredient"),
        concept("group", "analgesics"),
    ]
)


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        ("in1", ("in1",)),
        ("pin", ("in1",)),
        ("scd", ("in1",)),
        ("bn", ("in1", "in2")),
        ("a2", ("a1",)),  # two codes of one substance
        ("a1", ("a1",)),
        ("group", ("group",)),
        ("unknown", ("unknown",)),
    ],
)
def test_a_code_counts_as_its_ingredients(code, counted):
    assert RollUp.to_level(DRUGS)(code) == counted


def test_a_level_that_no_concept_has_is_refused():
    with pytest.raises(ArgumentError, match="'class'"):
        RollUp.to_level(DRUGS, "class")
