"""The component alone, with pipes made here."""

import pickle
from dataclasses import replace

import pytest
import spacy

from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.io.notes.spacy import from_spacy
from clinnlp.io.notes.spacy_component import Component, Habits

TEXT = "no fever"


def _find(note):
    found = Entity(id="S1", span=Span(3, 8), label="P", source="finder")
    return note.with_(entities=(found,) if "fever" in note.text else ())


def _tell(note):
    said = Assertion(negated=True)
    return note.with_(entities=tuple(entity.asserted(said) for entity in note.entities))


def _parts(**settings):
    """Return a pipe that finds fever, but where a file says otherwise."""
    if settings.get("vocabulary"):
        with open(settings["vocabulary"], encoding="utf-8") as handle:
            label = handle.read()
        return Pipeline([_find, lambda n: _labelled(n, label)]), Pipeline([_tell])
    return Pipeline([_find]), Pipeline([_tell])


def _labelled(note, label):
    return note.with_(entities=tuple(replace(entity, label=label) for entity in note.entities))


@pytest.fixture
def doc():
    doc = spacy.blank("en")(TEXT)
    doc.set_ents([doc.char_span(0, 2, label="OTHER")])
    return doc


def test_ids_of_mentions_of_others_are_free_ones(doc):
    note = from_spacy(Component(_parts, {})(doc))
    assert [(e.id, e.label, e.assertion.negated) for e in note.entities] == [
        ("S1", "P", True),
        ("S2", "OTHER", True),
    ]


def test_a_mention_that_both_found_counts_once(doc):
    doc.set_ents([doc.char_span(3, 8, label="OTHER", kb_id="C1")])
    note = from_spacy(Component(_parts, {})(doc))
    assert [e.label for e in note.entities] == ["P"]
    assert [(e.label_, e.kb_id_, e._.negated) for e in doc.ents] == [("OTHER", "C1", True)]
    assert [s.label_ for s in doc.spans["clinnlp"]] == ["P"]


def test_a_pickled_component_is_made_anew(doc):
    habits = Habits(spans_key="mine", overwrite_ents=True, ent_types=("X",))
    copy = pickle.loads(pickle.dumps(Component(_parts, {}, habits)))
    assert [s.text for s in copy(doc).spans["mine"]] == ["fever"]
    assert doc.ents[0]._.negated is None


def test_the_files_of_the_settings_travel(doc, tmp_path):
    words = tmp_path / "words"
    words.write_text("LABEL", encoding="utf-8")
    Component(_parts, {"vocabulary": str(words)}).to_disk(tmp_path / "kept")
    assert (tmp_path / "kept" / "vocabulary" / "words").read_text(encoding="utf-8") == "LABEL"
    words.unlink()
    late = Component(_parts, {"vocabulary": str(words)})
    late.from_disk(tmp_path / "kept")
    assert [s.label_ for s in late(doc).spans["clinnlp"]] == ["LABEL"]
    late.to_disk(tmp_path / "kept", exclude=["vocabulary"])
    assert (tmp_path / "kept" / "vocabulary" / "words").is_file()


def test_a_pipeline_saved_without_files_is_read(tmp_path):
    assert Component(_parts, {}).from_disk(tmp_path / "nothing")(spacy.blank("en")(TEXT)).ents
    Component(_parts, {}).to_disk(tmp_path / "empty")
    assert Component(_parts, {}).from_disk(tmp_path / "empty")(spacy.blank("en")("well")).ents == ()


def test_notes_are_those_of_the_doc():
    doc = spacy.blank("en")(TEXT)
    doc.user_data["id"] = "n7"
    assert from_spacy(Component(_parts, {})(doc)) == _tell(_find(Note(id="n7", text=TEXT)))
