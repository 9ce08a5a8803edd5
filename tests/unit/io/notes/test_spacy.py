"""Notes as Docs and Docs as notes."""

import pickle

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from clinnlp.core.notes import Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.io.notes.spacy import GROUP, SECTIONS, from_spacy, to_spacy, write_on

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


def _doc_of_others():
    doc = spacy.blank("en")(TEXT)
    doc.set_ents([doc.char_span(20, 26, label="Person"), doc.char_span(14, 18, label="Old")])
    return doc


def test_ents_that_were_there_stay_and_ours_stand_in_the_group():
    doc = write_on(_doc_of_others(), NOTE)
    assert [(e.text, e.label_) for e in doc.ents] == [
        ("pain", "Old"),
        ("Mother", "Person"),
        ("81", "Number"),
    ]
    assert [(s.text, s.label_) for s in doc.spans[GROUP]] == [
        ("chest pain", "Problem"),
        ("pain", "Symptom"),
        ("81", "Number"),
    ]


def test_mentions_are_written_on_a_doc_of_other_tokens():
    doc = write_on(_doc_of_others(), NOTE, overwrite_ents=True)
    assert [(e.text, e.label_) for e in doc.ents] == [
        ("chest pain", "Problem"),
        ("Mother", "Person"),
        ("81", "Number"),
    ]
    assert from_spacy(doc) == NOTE
    copied = pickle.loads(pickle.dumps(doc))
    assert [_says(e)[2:] for e in copied.ents] == [_says(e)[2:] for e in doc.ents]


def test_sentences_are_set_where_nobody_did():
    doc = write_on(spacy.blank("en")(TEXT), NOTE)
    assert [sentence.text.strip() for sentence in doc.sents] == [TEXT[:19], TEXT[20:]]
    cut = spacy.blank("en")(TEXT)
    for token in cut:
        token.is_sent_start = token.i in (0, 3)
    assert [sentence[0].i for sentence in write_on(cut, NOTE).sents] == [0, 3]


def test_a_sentence_that_begins_inside_a_token_begins_with_it():
    note = Note(id="n", text="a b.c", sentences=(Span(0, 4), Span(4, 5)))
    doc = write_on(Doc(Vocab(), words=["a", "b.c"], spaces=[True, False]), note)
    assert [sentence.text for sentence in doc.sents] == ["a", "b.c"]


@pytest.mark.parametrize("text", ["", "🙂", "\n"])
def test_a_doc_of_few_tokens_is_written_on(text):
    sentences = (Span(0, len(text)),) if text else ()
    note = Note(id="n", text=text, sentences=sentences, sections=())
    assert from_spacy(write_on(spacy.blank("en")(text), note)) == note


def test_sections_stand_on_the_doc_and_on_mentions():
    kinds = ((0, 20, "present"), (20, 33, "family_history"))
    sections = tuple(Section(span=Span(a, b), kind=kind) for a, b, kind in kinds)
    for make in (to_spacy, lambda note: write_on(spacy.blank("en")(TEXT), note)):
        doc = make(NOTE.with_(sections=sections))
        assert [(s.label_, s.start_char) for s in doc.spans[SECTIONS]] == [
            ("present", 0),
            ("family_history", 20),
        ]
        assert [span._.section_kind for span in doc.spans[GROUP]] == ["present", "present", None]
    assert SECTIONS not in to_spacy(NOTE).spans


def test_a_doc_of_others_becomes_a_note():
    doc = spacy.blank("en")("No fever today.")
    doc.set_ents([doc.char_span(3, 8, label="Problem")])
    note = from_spacy(doc, id="d1")
    assert (note.id, note.text, len(note.tokens)) == ("d1", "No fever today.", 4)
    assert [(e.span, e.label) for e in note.entities] == [((3, 8), "Problem")]
