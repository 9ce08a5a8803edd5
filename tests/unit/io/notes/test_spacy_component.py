"""The component alone, with pipes made here."""

import gc
import pickle
import tempfile
from dataclasses import replace

import pytest
import spacy

from clinnlp.core.errors import DataError, PipeError
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


class _Counting:
    """A pipe that remembers how many notes it was given at a time."""

    def __init__(self):
        self.sizes = []

    def __call__(self, note, /):
        return self.batch([note])[0]

    def batch(self, notes, /):
        self.sizes.append(len(notes))
        if any("broken" in note.text for note in notes):
            raise ValueError(notes[0].text)
        return [_find(note) for note in notes]


def _counted():
    finder = _Counting()
    return finder, Component(lambda **_: (Pipeline([finder]), Pipeline([_tell])), {}, name="c")


def test_a_stream_is_read_in_batches_and_says_what_one_by_one_says(doc):
    finder, made = _counted()
    texts = ["no fever", "well", "a  fever", "", "no fever today"]
    docs = [*map(spacy.blank("en"), texts), doc]
    alone = [from_spacy(made(copy)) for copy in (each.copy() for each in docs)]
    finder.sizes.clear()
    assert [from_spacy(each) for each in made.pipe(docs, batch_size=4)] == alone
    assert finder.sizes == [4, 2]
    assert [e.label for e in alone[-1].entities] == ["P", "OTHER"]


def test_of_a_batch_only_the_text_at_fault_is_lost():
    _, made = _counted()
    texts = ["no fever", "broken", "no fever, no"]
    with pytest.raises(PipeError) as caught:
        list(made.pipe(map(spacy.blank("en"), texts)))
    assert "broken" not in str(caught.value)
    failed = []
    nlp = spacy.blank("en")
    made.set_error_handler(lambda *said: failed.append(said))
    done = [each.text for each in made.pipe(map(nlp, texts))]
    assert done == ["no fever", "no fever, no"]
    ((name, component, docs, error),) = failed
    assert (name, component, [each.text for each in docs]) == ("c", made, ["broken"])
    assert isinstance(error, PipeError)


def test_bytes_bring_the_files_along_and_leave_none(doc, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = tmp_path / "words"
    words.write_text("LABEL", encoding="utf-8")
    packed = Component(_parts, {"vocabulary": str(words)}).to_bytes()
    words.unlink()
    late = Component(_parts, {"vocabulary": str(words)}).from_bytes(packed)
    assert late.to_bytes() == packed
    copy = pickle.loads(pickle.dumps(late))
    late.to_disk(tmp_path / "kept")
    assert (tmp_path / "kept" / "vocabulary" / "words").read_text(encoding="utf-8") == "LABEL"
    del late
    gc.collect()
    assert [s.label_ for s in copy(doc).spans["clinnlp"]] == ["LABEL"]
    del copy
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert Component(_parts, {}).from_bytes(packed, exclude=["vocabulary"])(doc).ents[1]


def test_bytes_that_are_none_of_a_component_are_refused():
    for packed in (b"", b"words", Component(_parts, {}).to_bytes()[:-1]):
        with pytest.raises(DataError, match="must be those that to_bytes gave"):
            Component(_parts, {}).from_bytes(packed)


def test_the_id_of_a_pattern_is_a_concept(doc):
    nlp = spacy.blank("en")
    rules = nlp.add_pipe("entity_ruler")
    rules.add_patterns([{"label": "OTHER", "pattern": "no", "id": "C7"}])
    note = from_spacy(Component(_parts, {})(nlp(TEXT)))
    assert [(e.label, e.concepts) for e in note.entities] == [("P", ()), ("OTHER", ("C7",))]
    linked = nlp(TEXT)
    linked.ents[0].label_ = "OTHER"
    for token in linked[:1]:
        token.ent_kb_id_ = "K1"
    (other,) = from_spacy(linked).entities
    assert other.concepts == ("K1", "C7")
