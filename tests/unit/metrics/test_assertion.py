"""Assertion scores count each axis of each shared mention once."""

import pytest

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.assertion import score_assertions


def note(*mentions):
    entities = tuple(
        Entity(id=f"T{i}", span=Span(i, i + 1), label="P", assertion=Assertion(**axes))
        for i, axes in enumerate(mentions)
    )
    return Note(id="n", text="abcdef", entities=entities)


def test_each_kind_of_answer_is_counted_once():
    gold = note({"negated": True}, {"negated": True}, {"negated": False}, {"negated": False}, {})
    said = note({"negated": True}, {}, {"negated": True}, {"negated": False}, {"negated": True})
    scores = score_assertions([gold], [said])
    assert scores["negated"] == PRF(tp=1, fp=1, fn=1)
    assert scores["historical"] == PRF(tp=0, fp=0, fn=0)


def test_a_missed_mention_is_not_scored_and_a_missing_note_is_refused():
    assert score_assertions([note({"negated": True})], [note()])["negated"].fn == 0
    with pytest.raises(ArgumentError, match="note 'n' has none"):
        score_assertions([note()], [])
