"""Scores of de-identification: by hand, and against a count character by character."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.deidentification import score_deidentification

TEXT = "Jane Doe, 1/2/2003, has gout."
SPANS = st.lists(
    st.tuples(st.integers(0, 26), st.integers(1, 9)).map(lambda x: (x[0], min(29, x[0] + x[1]))),
    max_size=4,
)


def note(*spans, id="n", text=TEXT):
    made = (
        Entity(id=f"T{k}", span=Span(a, b), label=f"L{k % 2}") for k, (a, b) in enumerate(spans)
    )
    return Note(id=id, text=text, entities=tuple(made))


def test_by_hand():
    gold = [note((0, 8), (10, 18)), note(id="m")]
    found = [note((0, 4), (9, 19), (24, 28)), note((20, 23), id="m")]
    scores = score_deidentification(gold, found, n_boot=0)
    assert scores.character_recall.value == 10 / 13  # Jane, 1, 2, 2003 of these and Doe
    assert (scores.covered.value, scores.touched.value) == (0.5, 1)
    assert (scores.leaks_per_note.value, scores.clean_notes.value) == (0.5, 0.5)
    assert scores.over_redaction.value == 7 / (7 + 20)  # gout; has, of those outside
    assert scores.touched_without.value == 1
    assert (scores.n_notes, scores.n_identifiers) == (2, 2)
    assert scores.per_label == {"L0": (0, 1), "L1": (1, 1)}
    assert scores.rows()[1] == {"label": "L1", "n": 1, "n_covered": 1, "covered": 1.0}


@given(SPANS, SPANS)
@settings(deadline=None, max_examples=60)
def test_equals_a_count_character_by_character(gold, found):
    scores = score_deidentification([note(*gold)], [note(*found)], n_boot=0)
    real = {i for i, c in enumerate(TEXT) if c.isalnum()}
    ours = {i for a, b in gold for i in range(a, b)} & real
    theirs = {i for a, b in found for i in range(a, b)} & real
    covered = sum(set(range(a, b)) & real <= theirs for a, b in gold)
    for value, top, below in (
        (scores.character_recall, len(ours & theirs), len(ours)),
        (scores.over_redaction, len(theirs - ours), len(real - ours)),
        (scores.covered, covered, len(gold)),
    ):
        assert value.value == (top / below if below else pytest.approx(math.nan, nan_ok=True))


def test_all_found_is_all_found_with_an_interval():
    notes = [note((0, 8), id=str(k)) for k in range(5)]
    scores = score_deidentification(notes, notes)
    assert (scores.covered.low, scores.covered.high) == (1, 1)
    assert "by document" in scores.covered.method
    assert math.isnan(scores.touched_without.value)


def test_no_notes_score_nothing():
    assert math.isnan(score_deidentification([], []).covered.value)


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="level"):
        score_deidentification([note()], [note()], level=1)
    with pytest.raises(DataError, match="same text"):
        score_deidentification([note()], [note(text="x" * 40)])
