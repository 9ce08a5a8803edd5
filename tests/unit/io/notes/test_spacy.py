"""Notes as Docs and Docs as notes."""

import pickle

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.spacy import GROUP, from_spacy, to_spacy, write_on

TEXT = "Denies  chest pain.\nMother: gout🙂, aspirin 81mg"
NOTE = Note(
    id="n7",
    text=TEXT,
    sentences=(Span(0, 19), Span(20, len(TEXT))),
    entities=(
        Entity(
            id="T1",
            span=Span(8, 18),
            label="Problem",
            concepts=("P1", "P2"),
            assertion=Assertion(negated=True, experiencer=False, cues={"negated": Span(0, 6)}),
        ),
        Entity(id="T2", span=Span(14, 18), label="Symptom", score=0.5),
        Entity(
            id="T3",
            span=Span(TEXT.index("81"), TEXT.index("81") + 1),
            label="Number",
            attributes={"dose": "81"},
        ),
    ),
)


def _says(span):
    return (span.text, span.label_, span._.negated, span._.uncertain, span._.concepts)


def test_a_note_comes_back_from_its_doc():
    doc = to_spacy(NOTE)
    assert doc.text == TEXT
    assert from_spacy(doc) == NOTE
    assert from_spacy(doc, id="other") == Note(
        **{name: getattr(NOTE, name) for name in ("text", "sentences", "entities")}, id="other"
    )


@given(st.text(max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_any_note_comes_back_from_its_doc(text, data):
    text = text.encode("utf-8", "ignore").decode()
    entities = ()
    if text:
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        entities = (Entity(id="T1", span=Span(start, end), label="X"),)
    note = Note(id="n", text=text, entities=entities)
    assert from_spacy(to_spacy(note)) == note


def test_what_a_mention_says_stands_on_ents_and_on_the_group():
    doc = to_spacy(NOTE)
    chest, number = doc.ents
    assert _says(chest) == ("chest pain", "Problem", True, None, ["P1", "P2"])
    assert chest._.cues == {"negated": [0, 6]}
    assert chest.kb_id_ == "P1"
    assert number._.attributes == {"dose": "81"}
    assert [span.label_ for span in doc.spans[GROUP]] == ["Problem", "Symptom", "Number"]
    assert doc.spans[GROUP][1]._.score == 0.5


def test_mentions_are_written_on_a_doc_of_other_tokens():
    doc = spacy.blank("en")(TEXT)
    other = doc.char_span(20, 26, label="Person")
    inside = doc.char_span(14, 18, label="Old")
    doc.set_ents([other, inside])
    write_on(doc, NOTE)
    assert [(e.text, e.label_) for e in doc.ents] == [
        ("chest pain", "Problem"),
        ("Mother", "Person"),
        ("81", "Number"),
    ]
    assert from_spacy(doc) == NOTE
    copied = pickle.loads(pickle.dumps(doc))
    assert [_says(e)[2:] for e in copied.ents] == [_says(e)[2:] for e in doc.ents]


def test_a_doc_of_others_becomes_a_note():
    doc = spacy.blank("en")("No fever today.")
    doc.set_ents([doc.char_span(3, 8, label="Problem")])
    note = from_spacy(doc, id="d1")
    assert (note.id, note.text, len(note.tokens)) == ("d1", "No fever today.", 4)
    assert [(e.span, e.label) for e in note.entities] == [((3, 8), "Problem")]
