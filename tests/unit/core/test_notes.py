"""Notes: text never shown, offsets checked, copies by value."""

import pickle
from dataclasses import fields, replace

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import AXES, Assertion, Entity, Note, check_note
from clinnlp.core.spans import Span

NOTE = Note(id="n1", text="Denies chest pain and dyspnoea.")
PAIN = Entity(id="T1", span=Span(7, 17), label="Problem")


def test_repr_never_shows_text():
    note = NOTE.with_(entities=(PAIN,))
    assert "chest" not in repr(note)
    assert "n_entities=1" in repr(note)


def test_axes_are_in_the_stated_order():
    assertion = Assertion(**{axis: i % 2 == 0 for i, axis in enumerate(AXES)})
    assert assertion.axes == (True, False, True, False, True)


def test_id_and_text_cannot_be_replaced():
    with pytest.raises(DataError, match="cannot be"):
        NOTE.with_(text="other")


def test_parts_must_be_disjoint_and_covered():
    two = Entity(id="T1", span=Span(0, 9), label="X", parts=(Span(0, 2), Span(5, 9)))
    assert two.pieces == (Span(0, 2), Span(5, 9))
    assert NOTE.mention(two) == "De s ch"
    for parts in [(Span(0, 9),), (Span(0, 6), Span(5, 9)), (Span(1, 2), Span(5, 9))]:
        with pytest.raises(OffsetError, match="parts of entity 'T1'"):
            Entity(id="T1", span=Span(0, 9), label="X", parts=parts)


def test_check_note_refuses_offsets_past_the_text_and_repeated_ids():
    with pytest.raises(OffsetError, match="note 'n1'"):
        check_note(NOTE.with_(entities=(Entity(id="T1", span=Span(0, 99), label="X"),)))
    with pytest.raises(DataError, match="unique"):
        check_note(NOTE.with_(entities=(PAIN, PAIN)))


def test_without_source_drops_only_that_source():
    mine = Entity(id="T2", span=Span(0, 6), label="X", source="lookup")
    assert NOTE.with_(entities=(PAIN, mine)).without_source("lookup").entities == (PAIN,)


def test_notes_survive_pickling_and_are_hashable():
    note = NOTE.with_(entities=(PAIN,))
    assert pickle.loads(pickle.dumps(note)) == note
    assert len({note, note}) == 1


def test_another_assertion_leaves_all_else_of_an_entity():
    entity = Entity(
        id="T1",
        span=Span(0, 5),
        label="Drug",
        parts=(Span(0, 1), Span(3, 5)),
        concepts=("D1",),
        attributes={"dose": "1"},
        score=0.5,
        source="lookup",
    )
    default = Entity(id="", span=Span(0, 1), label="")
    said = Assertion(negated=True)
    for field in fields(Entity):
        assert getattr(entity, field.name) != getattr(default, field.name) or (
            field.name == "assertion"
        ), "give the entity above a value of its own for each field"
    assert entity.asserted(said) == replace(entity, assertion=said)
