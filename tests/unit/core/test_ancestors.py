"""Ancestors: nearest first, each once, circles end."""

from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.ancestors import Ancestors
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
