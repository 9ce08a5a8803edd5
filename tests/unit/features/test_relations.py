"""Relations as a table: a row per pair of ends, with what is said of it."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.core.tables import RelationTable
from clinnlp.features.relations import relation_table
from clinnlp.text.relations import StatedRelations

TEXT = "Rash and fever after amoxicillin"
ENDS = (
    Entity(id="T1", span=Span(0, 4), label="Problem", concepts=("C1", "C9")),
    Entity(id="T2", span=Span(9, 14), label="Problem"),
    Entity(id="T3", span=Span(21, 32), label="Drug", concepts=("D1",)),
)


def note(*relations, entities=ENDS, **more):
    return Note(id="n", text=TEXT, entities=entities, relations=relations, **more)


def link(attributes=(), **roles):
    return Relation(id="R1", label="causes", roles=roles, attributes=dict(attributes))


def test_a_row_names_both_ends_and_where_they_stand():
    when = datetime(2024, 3, 5, 12, tzinfo=timezone(timedelta(hours=2)))
    said = note(link(drug=("T3",), effect=("T2",)), patient="p", encounter="e", known=when)
    (row,) = relation_table([said, note()]).to_pandas().to_dict("records")
    assert (row["first"], row["first_role"], row["first_concept"]) == ("T3", "drug", "D1")
    assert (row["second"], row["second_text"], row["second_concept"]) == ("T2", "fever", None)
    assert (row["start"], row["end"]) == (9, 32)
    assert (row["patient"], row["encounter"], row["known"].hour) == ("p", "e", 10)
    assert np.isnan(row["score"])


def test_several_ends_make_a_row_for_each_pair_and_inner_relations_none():
    many = link(drug=("T3",), effect=("T1", "T2"))
    outer = Relation(id="R2", label="about", roles={"what": ("R1",), "who": ("T1",)})
    table = relation_table([note(many, outer)])
    assert list(zip(table["first"], table["second"], strict=True)) == [
        ("T3", "T1"), ("T3", "T2"), ("T1", "T2"),
    ]  # fmt: skip


def test_ends_that_are_concepts_have_the_text_of_a_mention():
    table = relation_table([note(link(Arg1=("D1",), Arg2=("C7",)))])
    assert table["first"].tolist() == [None]
    assert table["first_concept"].tolist() + table["second_concept"].tolist() == ["D1", "C7"]
    assert table["first_text"].tolist() + table["second_text"].tolist() == ["amoxicillin", None]
    assert (table["start"].tolist(), table["end"].tolist()) == ([0], [len(TEXT)])


@pytest.mark.parametrize(
    ("own", "ends", "flag"),
    [
        (None, (None, None), -1),
        (None, (None, False), -1),
        (None, (False, False), 0),
        (None, (True, None), 1),
        (True, (False, False), 1),
        (False, (True, True), 0),
    ],
)
@pytest.mark.parametrize("axis", AXES)
def test_an_axis_is_what_the_relation_says_else_what_its_ends_say(own, ends, flag, axis):
    entities = tuple(
        Entity(id=e.id, span=e.span, label=e.label, assertion=Assertion(**{axis: value}))
        for e, value in zip(ENDS[1:], ends, strict=True)
    )
    said = link({} if own is None else {axis: own}, drug=("T3",), effect=("T2",))
    table = relation_table([note(said, entities=entities)])
    assert table[axis].tolist() == [flag]


def test_a_rule_has_weighed_what_its_ends_say():
    held = Entity(id="D", span=Span(5, 10), label="Drug", assertion=Assertion(
        negated=True, cues={"negated": Span(0, 4)}))  # fmt: skip
    cough = Entity(id="P", span=Span(22, 27), label="Problem", assertion=Assertion(negated=False))
    made = StatedRelations()(
        Note(id="n", text="Held lasix because of cough", entities=(held, cough))
    )
    table = relation_table([made])
    assert (table["label"].tolist(), table["negated"].tolist()) == (["stopped_for"], [0])
    assert table["rule"][0].startswith("relations_en.tsv:")


def test_one_note_is_refused_and_none_is_empty():
    with pytest.raises(ArgumentError):
        relation_table(note())
    assert len(relation_table([])) == 0
    assert isinstance(relation_table([]), RelationTable)
