"""What a format would lose has a name."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.losses import EVERYTHING, check_kept, find_losses

NOTE = Note(
    id="n",
    text="abc",
    patient="p",
    entities=(
        Entity(id="T1", span=Span(0, 1), label="A"),
        Entity(
            id="T2",
            span=Span(0, 1),
            label="A",
            assertion=Assertion(cues={"negated": Span(0, 1)}),
            score=0.0,
        ),
    ),
)


def test_fields_are_named_once_and_only_where_filled():
    assert find_losses(NOTE, frozenset({"entities"})) == [
        "patient",
        "entity.assertion",
        "entity.score",
    ]
    assert find_losses(NOTE, frozenset({"patient"})) == ["entities"]
    assert find_losses(NOTE, EVERYTHING) == []


def test_computed_but_empty_sections_count():
    assert find_losses(Note(id="n", text="", sentences=()), frozenset()) == []


def test_check_kept_stops_at_the_first():
    kept = check_kept([Note(id="m", text=""), NOTE], frozenset({"entities"}), "x")
    assert next(kept).id == "m"
    with pytest.raises(DataError, match=r"note 'n': x cannot hold patient, entity.assertion"):
        next(kept)
    assert list(check_kept([NOTE], EVERYTHING, "x")) == [NOTE]
