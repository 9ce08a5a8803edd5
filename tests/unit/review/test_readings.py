"""Readings: each action, its inverse, and replay, on drawn sequences of actions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES
from clinnlp.review.forms import canonical, entity_from, entity_to
from clinnlp.review.projects import given_of
from clinnlp.review.readings import ACTIONS, Words, applied, begun, check_action
from tests.unit.review.conftest import LABELS, note_of

NOTE = note_of(1)
N = len(NOTE.text)
WORDS = Words(LABELS, AXES, ("Treats",), ("urgent",))
NAMES = ("T1", "T2", "a", "b")

names = st.sampled_from(NAMES)
labels = st.sampled_from(LABELS)
ends = st.tuples(st.integers(-1, N + 1), st.integers(-1, N + 1)).map(sorted)
axes = st.dictionaries(st.sampled_from(AXES), st.sampled_from([True, False, None]), max_size=2)
said = st.fixed_dictionaries(
    {},
    optional={"label": labels, "axes": axes, "concepts": st.lists(st.sampled_from(["D1", "D2"]))},
)
actions = st.one_of(
    st.builds(
        lambda do, name: {"do": do, "mention": name},
        st.sampled_from(["accept", "reject", "undo_judgement"]), names,
    ),
    st.builds(
        lambda name, e, label, more: {"do": "add", "id": name, "start": e[0], "end": e[1],
                                      **more, "label": label},
        names, ends, labels, said,
    ),
    st.builds(lambda name, more: {"do": "change", "mention": name, **more}, names, said),
    st.builds(
        lambda name, e: {"do": "change", "mention": name, "start": e[0], "end": e[1]}, names, ends
    ),
    st.builds(
        lambda a, b: {"do": "relate", "id": "r", "label": "Treats", "roles": {"x": [a], "y": [b]}},
        names, names,
    ),
    st.just({"do": "unrelate", "relation": "r"}),
    st.just({"do": "note_labels", "labels": ["urgent"]}),
    st.just({"do": "comment", "text": "x"}),
    st.just({"do": "done"}),
    st.just({"do": "reopen"}),
)  # fmt: skip


def fresh():
    return begun(given_of(NOTE), N)


def walked(sequence):
    """Return the reading after the actions that are let pass, and these."""
    reading, taken = fresh(), []
    for action in sequence:
        try:
            check_action(reading, action, WORDS)
        except ArgumentError:
            continue
        reading = applied(reading, action).reading
        taken.append(action)
    return reading, taken


@settings(max_examples=60, deadline=None)
@given(st.lists(actions, max_size=25))
def test_what_is_let_pass_is_whole_and_replays(sequence):
    reading, taken = walked(sequence)
    again = fresh()
    for action in taken:
        step = applied(again, action)
        canonical([step.before, step.after])
        again = step.reading
    assert again == reading
    for mention in reading.mentions.values():
        assert 0 <= mention.entity.span.start < mention.entity.span.end <= N
        assert mention.entity.label in LABELS
        assert entity_from(entity_to(mention.entity)) == mention.entity
        assert mention.judged != "added" or mention.given is None
    assert not reading.is_done or reading.n_open == 0
    ids = {entity.id for entity in reading.entities()}
    for link in reading.links():
        assert {end for end_ids in link.roles.values() for end in end_ids} <= ids | {"r"} | set(
            NAMES
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(actions, max_size=10))
def test_undoing_a_judgement_gives_the_suggestion_again(sequence):
    reading, _ = walked([*sequence, {"do": "reopen"}])
    for name in list(reading.mentions):
        reading = applied(reading, {"do": "undo_judgement", "mention": name}).reading
    assert {m.entity for m in reading.mentions.values()} == set(NOTE.entities)
    assert all(m.judged is None for m in reading.mentions.values())


def test_a_change_back_is_an_acceptance_and_a_person_s_axis_has_no_cue():
    reading = fresh()
    change = {"do": "change", "mention": "T2", "axes": {"negated": True}}
    step = applied(reading, change)
    assert step.reading.mentions["T2"].judged == "changed"
    assert step.reading.mentions["T2"].entity.assertion.cues == {}
    assert step.after["axes"] == {"negated": True}
    longer = applied(reading, {"do": "change", "mention": "T1", "end": 15}).reading
    assert longer.mentions["T1"].judged == "changed"
    back = applied(longer, {"do": "change", "mention": "T1", "end": 12}).reading
    assert back.mentions["T1"].judged == "accepted"


def test_parts_make_a_mention_of_pieces():
    add = {
        "do": "add",
        "id": "a",
        "start": 0,
        "end": 4,
        "parts": [[0, 4], [13, 15]],
        "label": "Drug",
    }
    check_action(fresh(), add, WORDS)
    entity = applied(fresh(), add).reading.mentions["a"].entity
    assert (entity.span.start, entity.span.end, len(entity.parts)) == (0, 15, 2)
    for parts in (
        [[0, 4]],
        [[5, 9], [0, 4]],
        [[0, 4], [3, 6]],
        [[0, 4], [6, 6]],
        [[0, 4], [9, N + 1]],
    ):
        with pytest.raises(ArgumentError):
            check_action(fresh(), {**add, "parts": parts}, WORDS)


def test_a_relation_goes_with_its_mention():
    reading = applied(fresh(), {"do": "accept", "mention": "T1"}).reading
    assert reading.links() == ()
    reading = applied(reading, {"do": "accept", "mention": "T2"}).reading
    assert [link.id for link in reading.links()] == ["R1"]
    assert applied(reading, {"do": "unrelate", "relation": "R1"}).reading.links() == ()


def test_every_action_is_described():
    import clinnlp.review.readings as module

    assert all(f"``{name}``" in module.__doc__ for name in ACTIONS)
