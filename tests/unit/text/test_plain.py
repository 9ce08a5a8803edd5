"""A plain copy of text as word processors write it, and the way back to its offsets."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.notes import Entity, Note, check_note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.assertion import Assertions
from clinnlp.text.lookup import Lookup
from clinnlp.text.medication import Medications
from clinnlp.text.plain import plain_text
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences

TEXT = (
    "Allergies: none. Medications: aspirin 81 mg daily, metformin 500 mg twice daily.\n"
    "Assessment: She doesn't have fever, cough or angina today. No pneumonia."
)
NAMES = ["fever", "cough", "angina", "pneumonia"]
DRUGS = ["aspirin", "metformin"]
PIPES = (
    Lookup(Vocabulary([Concept(code=n, name=n, label="Problem") for n in NAMES]
                      + [Concept(code=n, name=n, label="Drug") for n in DRUGS])),
    Sections(),
    Sentences(),
    Assertions(),
    Medications(),
)  # fmt: skip
LOOKS = {
    "no-break blanks": lambda text: text.replace(" ", "\xa0"),
    "thin blanks": lambda text: text.replace(" ", "\u2009"),
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "soft hyphens": lambda text: text.replace("e", "e\xad"),
    "zero-width blanks": lambda text: text.replace(" ", "\u200b \u200b"),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in text),
    "a byte-order mark": lambda text: "\ufeff" + text,
}


def _read(text):
    note = Note(id="n", text=text)
    for pipe in PIPES:
        note = pipe(note)
    return check_note(note)


def _plain(note, span):
    piece = note.text[span.start : span.end]
    plain = plain_text(piece)
    return (plain.text if plain else piece).strip()


def _told(note):
    return (
        [
            (_plain(note, e.span), e.label, e.assertion.axes, dict(e.attributes),
             {axis: _plain(note, cue) for axis, cue in e.assertion.cues.items()})
            for e in note.entities
        ],
        [(s.kind, _plain(note, s.heading)) for s in note.sections],
        [_plain(note, s) for s in note.sentences],
    )  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_text_that_looks_the_same_says_the_same(look):
    expected = _told(_read(TEXT))
    assert len(expected[0]) == len(NAMES) + len(DRUGS)
    assert sum(bool(axes[0]) for _, _, axes, _, _ in expected[0]) == len(NAMES)
    assert _told(_read(LOOKS[look](TEXT))) == expected


def test_accents_may_be_characters_of_their_own():
    text = "El paciente no presenta patología ni disfunción."
    told = []
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        words = [unicodedata.normalize(form, word) for word in ("patología", "disfunción")]
        entities = tuple(
            Entity(id=w, span=Span(written.index(w), written.index(w) + len(w)), label="Problem")
            for w in words
        )
        note = Assertions(language="es")(Note(id="n", text=written, entities=entities))
        assert [note[e.span] for e in note.entities] == words
        told.append([e.assertion.axes for e in note.entities])
    assert told[0] == told[1]
    assert all(axes[0] for axes in told[0])


def test_the_reasons_stand_at_the_offsets_of_the_text():
    text = "She\xad does\u200bn’t have fe\xadver."
    start = text.index("fe\xad")
    fever = Entity(id="T1", span=Span(start, start + 6), label="Problem")
    (why,) = Assertions().explain(Note(id="n", text=text, entities=(fever,)))
    assert text[why.span.start : why.span.end] == "does\u200bn’t have"


def test_a_mention_of_unseen_characters_alone_stays_where_it_is():
    note = Note(
        id="n",
        text="No \u200b\u200b fever",
        entities=(Entity(id="T1", span=Span(3, 5), label="Problem"),),
    )
    assert Assertions()(note).entities[0].span == Span(3, 5)
    assert plain_text("\u200b\xad") is None


def test_plain_text_is_read_as_it_is():
    assert plain_text("Plain – naïve café ½ ≥ 3") is None


@given(st.text(alphabet="ab \xa0\xad\u200b’'ﬁé\u0301ｆ", min_size=1, max_size=30))
def test_the_way_back_covers_the_same_characters(text):
    plain = plain_text(text)
    if plain is None:
        return
    assert plain_text(plain.text) is None or plain.at  # composed characters may meet new marks
    for start in range(len(plain.text)):
        span = plain.back(Span(start, start + 1))
        assert 0 <= span.start < span.end <= len(text)
        forth = plain.forth(span)
        assert forth.start <= start < forth.end
