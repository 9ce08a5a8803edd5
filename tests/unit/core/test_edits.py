"""Replacements in a text: every span is found again at its text, there and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.edits import Edit, EditMap, edit_note
from clinnlp.core.errors import ArgumentError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note, Relation, Section, check_note
from clinnlp.core.spans import Span, contains, overlaps


@st.composite
def edited(draw):
    """Give a text, edits of it, and a span of it."""
    text = draw(st.text("ab \n💊é", min_size=1, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    edits = [Edit(span, draw(st.text("xyz ", min_size=1, max_size=5))) for span in spans]
    start = draw(st.integers(0, len(text) - 1))
    return text, edits, Span(start, draw(st.integers(start + 1, len(text))))


def by_hand(text, edits):
    """Return each character of the new text with the old positions that it stands for."""
    made, at = [], 0
    for span, put in sorted(edits):
        made += [(text[k], {k}) for k in range(at, span.start)]
        made += [(char, set(range(*span))) for char in put]
        at = span.end
    return made + [(text[k], {k}) for k in range(at, len(text))]


@settings(max_examples=300, deadline=None)
@given(edited())
def test_a_span_covers_what_stands_for_its_characters(given_):
    text, edits, span = given_
    made = EditMap(text, edits)
    oracle = by_hand(text, edits)
    assert made.text == "".join(char for char, _ in oracle)
    stands = [k for k, (_, old) in enumerate(oracle) if old & set(range(*span))]
    assert made.moved(span) == Span(stands[0], stands[-1] + 1)
    back = made.back(made.moved(span))
    assert contains(back, span)
    cut = any(overlaps(span, e.span) and not contains(span, e.span) for e in edits)
    assert cut or back == span
    if not any(overlaps(span, e.span) for e in edits):
        assert made.text[slice(*made.moved(span))] == text[slice(*span)]


@settings(max_examples=200, deadline=None)
@given(edited(), st.data())
def test_a_note_moves_with_its_text(given_, data):
    text, edits, span = given_
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=10)))
    line = tuple(Span(a, b) for a, b in zip(cuts, cuts[1:], strict=False))
    parts = line[::2] if len(line) > 2 else ()
    whole = Span(parts[0].start, parts[-1].end) if parts else span
    note = Note(
        id="n",
        text=text,
        tokens=tuple(s for s in line if text[slice(*s)].strip()),
        sentences=line,
        sections=(Section(span=span, kind="plan", heading=span),),
        entities=(
            Entity(id="T1", span=whole, label="x", parts=parts),
            Entity(id="T2", span=span, label="y", assertion=Assertion(cues={"negated": span})),
        ),
        relations=(Relation(id="R1", label="r", roles={"a": ("T1",)}),),
    )
    made = check_note(edit_note(note, edits))
    assert [e.id for e in made.entities] == ["T1", "T2"]
    assert made.relations == note.relations
    moved = EditMap(text, edits).moved(span)
    assert made.sections[0] == Section(span=moved, kind="plan", heading=moved)
    assert made.entities[1].assertion.cues == {"negated": moved}
    for spans in (made.sentences, made.tokens):
        assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    left = "".join(made[t] for t in made.tokens).split()
    assert all(" " not in word for word in left)
    if not edits:
        assert made is note


def test_words_that_are_no_edit_are_found_again():
    text = "Mrs Ann Lee denies fever. Lee, A."
    note = Note(
        id="n",
        text=text,
        tokens=(*(Span(a, a + 3) for a in (0, 4, 8)), Span(12, 18), Span(19, 24), Span(24, 25)),
        entities=(
            Entity(id="T1", span=Span(8, 24), label="x", parts=(Span(8, 11), Span(19, 24))),
            Entity(id="T2", span=Span(4, 11), label="x", parts=(Span(4, 7), Span(8, 11))),
        ),
    )
    made = edit_note(note, [Edit(Span(4, 11), "Bartholomew Q Fox"), Edit(Span(26, 33), "[NAME]")])
    assert made.text == "Mrs Bartholomew Q Fox denies fever. [NAME]"
    first, second = made.entities
    assert made.mention(first) == "Bartholomew Q Fox fever"
    assert (made.mention(second), second.parts) == ("Bartholomew Q Fox", ())
    words = ["Mrs", "Bartholomew", "Q", "Fox", "denies", "fever", "."]
    assert [made[token] for token in made.tokens] == words


def test_what_is_no_edit_is_refused_without_text():
    with pytest.raises(OffsetError, match=r"^edits of one text must not overlap, got two that do"):
        EditMap("secret", [Edit(Span(0, 3), "a"), Edit(Span(2, 4), "b")])
    with pytest.raises(OffsetError, match="must lie inside the text of 6 characters, got 5-9"):
        EditMap("secret", [Edit(Span(5, 9), "a")])
    with pytest.raises(ArgumentError, match="must put at least one character in"):
        EditMap("secret", [Edit(Span(0, 3), "")])
    assert repr(EditMap("secret", [])) == "EditMap(0 edits)"
