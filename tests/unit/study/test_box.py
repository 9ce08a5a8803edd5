"""The model in the box is taken where nothing else is named, and only there."""

import pytest
import spacy

import clinnlp.study.spacy  # noqa: F401
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.study import box
from clinnlp.study.box import chosen_model, chosen_tagger
from clinnlp.study.pipeline import pipeline
from tests.unit.bert.conftest import OVERFIT, TRAIN, make_encoder

TEXT = "Started aspirin for chest pain."
WORDS = ["Started"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    from clinnlp.bert.train import fine_tune_ner

    folder = tmp_path_factory.mktemp("box")
    tagger = fine_tune_ner(TRAIN, encoder=make_encoder(folder / "e"), out=folder / "m", **OVERFIT)
    tagger.only(["Drug"]).save(folder / "notes", int8=True)
    return folder / "notes"


@pytest.fixture
def in_the_box(made, monkeypatch):
    monkeypatch.setattr(box, "BOX", made)


def said(note):
    return sorted((e.label, note[e.span]) for e in note.entities)


def test_nothing_named_is_the_box_with_the_labels_that_are_on(in_the_box):
    assert said(pipeline()(TEXT)) == [("Drug", "aspirin")]
    both = pipeline(labels=["Drug", "Problem"])(TEXT)
    assert said(both) == [("Drug", "aspirin"), ("Problem", "chest pain")]


def test_a_word_list_alone_is_a_word_list_alone_and_default_puts_the_box_beside_it(in_the_box):
    assert [text for _, text in said(pipeline(vocabulary=WORDS)(TEXT))] == ["Started"]
    beside = said(pipeline("default", vocabulary=WORDS)(TEXT))
    assert [text for _, text in beside] == ["aspirin", "Started"]


def test_none_is_no_model(in_the_box):
    assert said(pipeline("none")(TEXT)) == []
    gold = TRAIN[0]
    (kept, *_) = pipeline("none")(gold).entities
    assert kept.assertion.negated is False
    with pytest.raises(ArgumentError, match="there is none"):
        pipeline("none", labels=["Drug"])


def test_labels_that_the_model_has_not_and_pipes_without_labels_are_refused(in_the_box):
    with pytest.raises(ArgumentError, match="got Gene"):
        pipeline(labels=["Gene"])
    with pytest.raises(ArgumentError, match="a model that finds mentions"):
        pipeline(lambda note: note, labels=["Drug"])


def test_where_no_model_lies_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(box, "BOX", tmp_path / "nothing")
    with pytest.raises(ArgumentError, match="name a model folder or a vocabulary") as caught:
        pipeline()
    assert str(caught.value).count(". ") == 0
    assert said(pipeline(vocabulary=WORDS)(TEXT))


def test_other_languages_are_refused(in_the_box):
    with pytest.raises(ArgumentError, match="reads notes in en, got 'es'"):
        pipeline(language="es")
    assert chosen_model(None, WORDS, language="es") is None


def test_the_tagger_of_identifiers_reads_where_it_is_asked_for(made, tmp_path, monkeypatch):
    monkeypatch.setattr(box, "IDENTIFIERS", made)
    assert chosen_tagger("default") == made
    assert chosen_tagger(None) is None
    assert chosen_tagger("out/tagger") == "out/tagger"
    with pytest.raises(ArgumentError, match="reads notes in en, got 'es'"):
        chosen_tagger("default", language="es")
    monkeypatch.setattr(box, "IDENTIFIERS", tmp_path / "nothing")
    with pytest.raises(ArgumentError, match="must lie in the box, got none"):
        chosen_tagger("default")


def test_extract_takes_the_box(in_the_box, tmp_path):
    notes = tmp_path / "notes.csv"
    notes.write_text(f"id,text\n1,{TEXT}\n")
    assert main(["extract", str(notes), str(tmp_path / "out.csv"), "--id-column", "id"]) == 0
    assert "aspirin" in (tmp_path / "out.csv").read_text()
    assert main(["extract", str(notes), str(tmp_path / "no.csv"), "--model", "none"]) == 0
    assert "aspirin" not in (tmp_path / "no.csv").read_text()


def test_the_spacy_component_takes_the_box_unless_told_whose_mentions_to_read(in_the_box):
    texts = {}
    for name, config in (("box", {}), ("none", {"model": "none"}), ("types", {"ent_types": ["X"]})):
        nlp = spacy.blank("en")
        nlp.add_pipe("clinnlp", config=config)
        texts[name] = [e.text for e in nlp(TEXT).ents]
    assert texts == {"box": ["aspirin"], "none": [], "types": []}


def test_the_spacy_component_behind_one_that_finds_mentions_reads_those(in_the_box):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PAIN", "pattern": "chest pain"}])
    nlp.add_pipe("clinnlp")
    assert [e.text for e in nlp(TEXT).ents] == ["chest pain"]


def test_a_note_of_the_box_keeps_id_and_text(in_the_box):
    note = pipeline()(Note(id="n", text=TEXT))
    assert (note.id, note.text) == ("n", TEXT)
