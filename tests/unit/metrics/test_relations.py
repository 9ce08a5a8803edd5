"""Scores of relations: small cases by hand, laws, and a naive matching as oracle."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.metrics.relations import compare_relations, list_relation_errors, score_relations

TEXT = "Secret rash after amoxicillin and again"
ENDS = (
    Entity(id="T1", span=Span(7, 11), label="Effect"),
    Entity(id="T2", span=Span(18, 29), label="Drug"),
    Entity(id="T3", span=Span(0, 6), label="Drug"),
)


def link(label="causes", i=1, **roles):
    return Relation(id=f"R{i}", label=label, roles={k: (v,) for k, v in roles.items()})


def note(*relations, entities=ENDS, id="n"):
    return Note(id=id, text=TEXT, entities=entities, relations=relations)


GOLD = note(link(drug="T2", effect="T1"))


def counts(gold, found, **options):
    return score_relations([gold], [found], n_boot=0, **options).micro


@pytest.mark.parametrize(
    ("found", "strict", "kind"),
    [
        (link(drug="T2", effect="T1"), (1, 0, 0), None),
        (link(effect="T1", drug="T2"), (1, 0, 0), None),  # the order of roles says nothing
        (link(drug="T1", effect="T2"), (0, 1, 1), "direction"),
        (link("treats", drug="T2", effect="T1"), (0, 1, 1), "type"),
        (link(drug="T3", effect="T1"), (0, 1, 1), "end"),
        (link("treats", drug="T3", effect="T1"), (0, 1, 1), "missed"),
    ],
)
def test_label_roles_and_ends_must_be_equal(found, strict, kind):
    tp, fp, fn = strict
    assert counts(GOLD, note(found)) == PRF(tp=tp, fp=fp, fn=fn)
    errors = list_relation_errors([GOLD], [note(found)])
    assert [e.kind for e in errors][:1] == ([kind] if kind else [])
    assert "Secret" not in repr(errors)


def test_without_labels_a_relation_is_there_or_not():
    found = note(link("treats", drug="T2", effect="T1"))
    assert counts(GOLD, found, typed=False) == PRF(tp=1, fp=0, fn=0)
    assert counts(GOLD, note(), typed=False) == PRF(tp=0, fp=0, fn=1)


def test_an_undirected_label_is_the_same_both_ways():
    found = note(link(drug="T1", effect="T2"))
    assert counts(GOLD, found, undirected=["causes"]) == PRF(tp=1, fp=0, fn=0)
    assert list_relation_errors([GOLD], [found], undirected=["causes"]) == []
    with pytest.raises(ArgumentError, match="collection of labels"):
        counts(GOLD, found, undirected="causes")


def test_ends_are_mentions_whatever_their_ids():
    renamed = tuple(Entity(id=f"X{k}", span=e.span, label=e.label) for k, e in enumerate(ENDS))
    assert counts(GOLD, note(link(drug="X1", effect="X0"), entities=renamed)).tp == 1


def test_a_shifted_end_counts_relaxed_and_a_missing_one_only_where_it_is_shared():
    wide = (Entity(id="T1", span=Span(0, 11), label="Effect"), *ENDS[1:])
    found = note(link(drug="T2", effect="T1"), entities=wide)
    assert counts(GOLD, found) == PRF(tp=0, fp=1, fn=1)
    assert counts(GOLD, found, match="relaxed") == PRF(tp=1, fp=0, fn=0)
    (error,) = list_relation_errors([GOLD], [found])
    assert (error.kind, error.gold_ends, error.ends) == (
        "end", ((18, 29), (7, 11)), ((18, 29), (0, 11)),
    )  # fmt: skip
    both = note(link(drug="T2", effect="T1"), link(drug="T3", effect="T1", i=2))
    missing = note(link(drug="T2", effect="T1"), entities=ENDS[:2])
    assert counts(both, missing) == PRF(tp=1, fp=0, fn=1)
    assert counts(both, missing, ends="shared") == PRF(tp=1, fp=0, fn=0)


def test_ends_may_be_concepts_or_relations():
    inner, outer = link("E", 1, arg="D1"), link("F", 2, about="R1", with_="C7")
    other = note(link("E", 5, arg="D1"), link("F", 6, about="R5", with_="C7"))
    assert counts(note(inner, outer), other) == PRF(tp=2, fp=0, fn=0)
    changed = note(link("E", 5, arg="D2"), link("F", 6, about="R5", with_="C7"))
    assert counts(note(inner, outer), changed) == PRF(tp=0, fp=2, fn=2)
    circle = note(link("E", 1, arg="R2"), link("F", 2, arg="R1"))
    assert counts(circle, circle) == PRF(tp=2, fp=0, fn=0)


def test_roles_may_hold_several_ends_and_equal_relations_are_counted_each():
    members = Relation(id="R1", label="same", roles={"members": ("T1", "T2", "T3")})
    turned = Relation(id="R1", label="same", roles={"members": ("T3", "T1", "T2")})
    assert counts(note(members), note(turned)) == PRF(tp=1, fp=0, fn=0)
    twice = note(link(drug="T2", effect="T1"), link(drug="T2", effect="T1", i=2))
    assert counts(twice, GOLD) == PRF(tp=1, fp=0, fn=1)
    assert [e.kind for e in list_relation_errors([twice], [GOLD])] == ["missed"]


def test_labels_are_chosen_and_notes_paired():
    found = note(link(drug="T2", effect="T1"), link("treats", 2, drug="T3", effect="T1"))
    scores = score_relations([GOLD], [found], labels=["causes"], n_boot=10)
    assert list(scores.per_label) == ["causes"]
    with pytest.raises(ArgumentError, match="labels must be among causes, treats"):
        counts(GOLD, found, labels=["x"])
    with pytest.raises(ArgumentError, match="ends must be one of"):
        counts(GOLD, found, ends="gold")
    with pytest.raises(DataError, match="must have a prediction"):
        score_relations([GOLD], [])
    assert counts(note(), note()) == PRF(tp=0, fp=0, fn=0)


@st.composite
def drawn(draw):
    pool = [
        Entity(id=f"T{k}", span=Span(a, a + n), label=label)
        for k, (a, n, label) in enumerate(
            draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from("AB")),
                          min_size=2, max_size=5))
        )
    ]  # fmt: skip
    ids = st.sampled_from([e.id for e in pool])
    pairs = draw(st.lists(st.tuples(st.sampled_from("XY"), ids, ids), max_size=4))
    links = [link(label, k, a=a, b=b) for k, (label, a, b) in enumerate(pairs)]
    return note(*links, entities=tuple(pool))


def keys(drawn_note, relation):
    of = {e.id: e for e in drawn_note.entities}
    return [of[relation.roles[role][0]] for role in "ab"]


def near(a, b):
    return a.label == b.label and a.span.start < b.span.end and b.span.start < a.span.end


def naive(gold, found):
    """Return the most pairs of any one-to-one matching, by trying all."""
    ours, theirs = ([(r.label, keys(n, r)) for r in n.relations] for n in (gold, found))
    if len(ours) > len(theirs):
        ours, theirs = theirs, ours
    return max(
        sum(a[0] == b[0] and all(map(near, a[1], b[1])) for a, b in zip(ours, order, strict=True))
        for order in permutations(theirs, len(ours))
    )


@settings(max_examples=60)
@given(drawn(), drawn())
def test_relaxed_pairs_are_the_most_there_can_be_and_no_fewer_than_strict_ones(gold, found):
    relaxed, strict = (counts(gold, found, match=m) for m in ("relaxed", "strict"))
    assert relaxed.tp == naive(gold, found) >= strict.tp
    assert strict.tp + strict.fn == relaxed.tp + relaxed.fn == len(gold.relations)
    assert strict.tp + strict.fp == len(found.relations)
    errors = list_relation_errors([gold], [found])
    assert sum(e.gold_label is not None for e in errors) == strict.fn
    assert sum(e.label is not None for e in errors) == strict.fp


@settings(max_examples=30)
@given(drawn())
def test_a_note_agrees_with_itself(gold):
    for options in ({}, {"match": "relaxed"}, {"ends": "shared"}, {"undirected": ["X"]}):
        scores = score_relations([gold], [gold], n_boot=0, **options)
        assert scores.micro == PRF(tp=len(gold.relations), fp=0, fn=0)
    assert list_relation_errors([gold], [gold]) == []


def test_a_difference_is_that_of_the_scores_and_its_interval_holds_it():
    golds = [note(link(drug="T2", effect="T1"), id=f"n{k}") for k in range(12)]
    ours = [n if k < 9 else n.with_(relations=()) for k, n in enumerate(golds)]
    theirs = [n if k < 6 else n.with_(relations=()) for k, n in enumerate(golds)]
    found = compare_relations(golds, ours, theirs, n_boot=200)
    a, b = (score_relations(golds, side, n_boot=0).f1.value for side in (ours, theirs))
    assert found.difference.value == pytest.approx(a - b)
    assert found.difference.low <= a - b <= found.difference.high
    assert 0 < found.p <= 1
    assert compare_relations(golds, ours, ours, n_boot=20).p == 1
    with pytest.raises(ArgumentError, match="a must be re-iterable"):
        compare_relations(golds, iter(ours), theirs)
