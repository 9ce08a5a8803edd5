"""DocBin files of spaCy itself are read, and ours are what spaCy trains on."""

import spacy
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as Marked

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes


def test_a_file_of_others(tmp_path):
    doc = Doc(
        spacy.blank("en").vocab,
        words=["No", "fever", "\n", "today", "."],
        spaces=[True, True, False, False, False],
        sent_starts=[True, False, False, True, False],
    )
    doc.ents = [Marked(doc, 1, 2, label="Problem", kb_id="C1")]
    doc.spans["wide"] = [Marked(doc, 0, 2, label="Denied")]
    doc.cats = {"ENT": 0.9, "skin": 0.1}
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    (note,) = read_notes(tmp_path / "a.spacy")
    assert (note.id, note.text, note.labels) == ("a-0", doc.text, ("ENT",))
    assert note.entities == (
        Entity(id="T1", span=Span(3, 8), label="Problem", concepts=("C1",)),
        Entity(id="T2", span=Span(0, 8), label="Denied", attributes={"group": "wide"}),
    )
    assert note.tokens == (Span(0, 2), Span(3, 8), Span(10, 15), Span(15, 16))
    assert note.sentences == (Span(0, 10), Span(10, 16))


def test_what_spacy_sees(tmp_path):
    note = Note(
        id="n",
        text=" naïve 💊-fever  day",
        sentences=(Span(0, 10), Span(10, 19)),
        entities=(
            Entity(id="a", span=Span(7, 14), label="D", concepts=("C1",)),
            Entity(id="b", span=Span(10, 12), label="Cut"),
        ),
        labels=("ENT",),
    )
    write_notes([note], tmp_path / "a.spacy")
    (doc,) = DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("en").vocab)
    assert doc.text == note.text
    assert [(e.text, e.label_, e.kb_id_) for e in doc.ents] == [("💊-fever", "D", "C1")]
    assert [(s.text, s.label_) for s in doc.spans["sc"]] == [("💊-fever", "D"), ("ev", "Cut")]
    assert [s.start_char for s in doc.sents] == [0, 10]
    assert doc.cats == {"ENT": 1.0}
    assert list(read_notes(tmp_path / "a.spacy")) == [note]
