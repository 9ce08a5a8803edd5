"""Relations as kinds of pairs: order, roles, labels that can be related."""

import numpy as np
import pytest

from clinnlp.bert.relation_kinds import Kind, learn_kinds, links_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Relation

from .relations import CONCEPTS, DRUG, EFFECT, RELATED


def test_the_order_of_the_text_gives_the_direction():
    kinds = learn_kinds({"a": RELATED})
    assert kinds.kinds == (Kind("causes", "drug", "effect"), Kind("causes", "effect", "drug"))
    assert kinds.labels == ("causes",)
    assert kinds.end_labels == (DRUG, EFFECT)
    assert kinds.allowed == {(DRUG, EFFECT): (0,), (EFFECT, DRUG): (1,)}
    possible = kinds.possible([(EFFECT, DRUG), (DRUG, DRUG)])
    np.testing.assert_array_equal(possible, [[False, True], [False, False]])


def test_without_direction_both_orders_are_one_kind():
    kinds = learn_kinds({"a": RELATED}, undirected=["causes"])
    assert kinds.kinds == (Kind("causes", "drug", "effect"),)


def test_concepts_are_ordered_by_label():
    (link,) = links_of(CONCEPTS[2])
    assert link.kind == Kind("CID", "Arg1", "Arg2")
    assert link.ends == ("D1", "E1")
    assert link.labels == (DRUG, EFFECT)


def test_gold_gives_back_the_relations():
    kinds = learn_kinds({"a": RELATED})
    for note in RELATED:
        made = [
            kinds.relation("R", k, ends) for ends, each in kinds.gold(note).items() for k in each
        ]
        assert [r.roles for r in made] == [r.roles for r in note.relations]
        assert [r.roles for r in kinds.as_pairs(note, labels=kinds.labels).relations] == [
            r.roles for r in note.relations
        ]


def test_a_relation_of_many_ends_is_its_pairs_in_different_roles():
    note = RELATED[0]
    pain, drug, fever = (e.id for e in note.entities)
    many = Relation(id="R", label="event", roles={"drug": (drug,), "effect": (pain, fever)})
    found = list(links_of(note.with_(relations=(many,))))
    assert {link.ends for link in found} == {(pain, drug), (drug, fever)}
    assert not list(links_of(note.with_(relations=(many,)), roles=["effect", "dose"]))[2:]
    same = Relation(id="R", label="same", roles={"Arg": (fever, pain)})
    (link,) = links_of(note.with_(relations=(same,)))
    assert link.ends == (pain, fever)
    kinds = learn_kinds({"a": [note.with_(relations=(same,))]})
    assert kinds.relation("R", 0, link.ends).roles == {"Arg": (pain, fever)}


def test_a_relation_without_a_label_says_that_there_is_one():
    note = RELATED[2]
    unnamed = note.with_(relations=(Relation(id="R", label="", roles=note.relations[0].roles),))
    kinds = learn_kinds({"a": [*RELATED, unnamed]})
    assert kinds.labels == ("causes",)
    assert list(kinds.gold(unnamed).values()) == [{-1}]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"labels": ["treats"]}, ArgumentError, "labels must be among those of train .causes."),
        ({"labels": []}, ArgumentError, "got none"),
        ({"undirected": ["treats"]}, ArgumentError, "undirected must be among .* got treats"),
        ({"roles": ["dose"]}, DataError, "at least one relation"),
    ],
)
def test_what_train_has_not_is_refused(how, error, message):
    with pytest.raises(error, match=message):
        learn_kinds({"a": RELATED}, **how)
