"""spaCy's JSON, of each version, as spaCy itself writes it and reads it."""

import json

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

TEXT = "No 💊 fever."
TOKENS = [{"id": k, "orth": w, "ner": t} for k, (w, t) in enumerate(
    [("No", "O"), ("💊", "-"), ("fever", "U-Problem"), (".", "O")])]  # fmt: skip
FORMS = {
    "version 2": [{"id": 4, "paragraphs": [{"raw": TEXT, "sentences": [{"tokens": TOKENS}],
                   "cats": [{"label": "ENT", "value": 1.0}, {"label": "GP", "value": 0.0}]}]}],
    "Doc": [{"id": 4, "text": TEXT, "ents": [{"start": 5, "end": 10, "label": "Problem"}],
             "cats": {"ENT": 1.0, "GP": 0.0}}],
    "pairs": [[TEXT, {"id": 4, "entities": [[5, 10, "Problem"]], "cats": {"ENT": 1}}]],
    "Example": [{"id": 4, "doc_annotation": {"entities": ["O", "O", "U-Problem", "O"],
                 "cats": {"ENT": 1.0}},
                 "token_annotation": {"ORTH": ["No", "💊", "fever", "."],
                                      "SPACY": [True, True, False, False]}}],
    "classes": {"classes": ["Problem"],
                "annotations": [[TEXT, {"id": 4, "entities": [[5, 10, "Problem"]],
                                        "cats": {"ENT": 1}}], None]},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("indent", [None, 2])
def test_mentions_after_an_emoji(form, indent, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(FORMS[form], indent=indent))
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, spacy-json)"
    (note,) = source
    assert (note.id, note.text, note.labels) == ("4", TEXT, ("ENT",))
    assert [(note[e.span], e.label) for e in note.entities] == [("fever", "Problem")]


def test_paragraphs_are_notes_and_sentences_end_mentions(tmp_path):
    inside = [[{"orth": "No", "ner": "B-A"}], [{"orth": "fever", "ner": "I-A"}]]
    paragraphs = [{"sentences": [{"tokens": one} for one in inside]}, {"raw": "x", "sentences": []}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"id": 4, "paragraphs": paragraphs}]))
    first, second = read_notes(path)
    assert (first.id, first.text, second.id, second.text) == ("4-0", "No fever", "4-1", "x")
    assert [e.span for e in first.entities] == [Span(0, 2), Span(3, 8)]
    assert first.sentences == (Span(0, 2), Span(3, 8))


def test_spacy_reads_what_is_written(tmp_path):
    spacy = pytest.importorskip("spacy")
    from spacy.tokens import Doc

    entities = (
        Entity(id="T1", span=Span(5, 10), label="Problem", concepts=("C1",)),
        Entity(id="T2", span=Span(0, 10), label="Finding"),
    )
    path = tmp_path / "a.spacy.json"
    write_notes([Note(id="n", text=TEXT, entities=entities)], path)
    (record,) = json.loads(path.read_text())
    doc = Doc(spacy.blank("en").vocab).from_json(record)
    assert doc.text == TEXT
    assert [(ent.start_char, ent.end_char) for ent in doc.ents] == [(0, 10)]
    assert [(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]] == [
        (5, 10, "Problem"),
        (0, 10, "Finding"),
    ]


def test_what_spacy_writes_is_read(tmp_path):
    spacy = pytest.importorskip("spacy")
    from spacy.tokens import Span as Part

    doc = spacy.blank("en")(TEXT)
    doc.ents = [Part(doc, 2, 3, "Problem")]
    doc.spans["sc"] = [Part(doc, 1, 3, "Long", kb_id="Q1")]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([doc.to_json()]))
    (note,) = read_notes(path)
    assert [(note[e.span], e.label, e.concepts) for e in note.entities] == [
        ("fever", "Problem", ()),
        ("💊 fever", "Long", ("Q1",)),
    ]
    assert note.entities[1].attributes == {"group": "sc"}
    assert len(note.tokens) == len(doc)
