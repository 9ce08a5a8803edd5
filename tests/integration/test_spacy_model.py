"""A model in a spaCy pipeline: saved with it, and beside a ruler of others."""

import shutil

import pytest
import spacy

import clinnlp.study.spacy  # noqa: F401 (an installed package does so by its entry point)
from clinnlp.bert.train import fine_tune_ner
from clinnlp.io.notes.spacy import from_spacy
from tests.unit.bert.conftest import OVERFIT, TRAIN, make_encoder


@pytest.mark.slow
def test_a_saved_pipeline_carries_its_model(tmp_path):
    folder = tmp_path / "model"
    fine_tune_ner(TRAIN, encoder=make_encoder(tmp_path / "encoder"), out=folder, **OVERFIT)
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "RULE", "pattern": "chest"}])
    nlp.add_pipe("clinnlp", config={"model": str(folder), "overwrite_ents": True})
    text = TRAIN[3].text
    said = [(e.text, e.label_, e._.negated) for e in nlp(text).ents]
    assert said == [("chest pain", "Problem", True), ("rash", "Problem", True)]
    nlp.to_disk(tmp_path / "nlp")
    shutil.rmtree(folder)
    again = spacy.load(tmp_path / "nlp")
    doc = again(text)
    assert [(e.text, e.label_, e._.negated) for e in doc.ents] == said
    assert [e._.source for e in doc.spans["clinnlp"]] == [
        e.source for e in from_spacy(doc).entities
    ]
    assert (tmp_path / "nlp" / "clinnlp" / "model" / "model" / "README.md").is_file()
