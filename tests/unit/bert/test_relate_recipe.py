"""What a training of relations asks about, before anything is trained."""

import logging

import pytest

from clinnlp.bert.relate_recipe import RelationRecipe
from clinnlp.bert.settings import RelationSettings
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Relation

from .relations import CONCEPTS, RELATED


def recipe(train, dev=None, **settings):
    return RelationRecipe(train, dev, RelationSettings(**settings))


@pytest.mark.parametrize(
    ("notes", "settings", "asked"),
    [
        (RELATED, {}, ("mentions", "sentence", 500)),
        (CONCEPTS, {}, ("concepts", "document", 4000)),
        (CONCEPTS, {"within": "sentence", "reach": 90}, ("concepts", "sentence", 90)),
        (RELATED, {"within": "document"}, ("mentions", "document", 4000)),
    ],
)
def test_train_says_what_is_asked_unless_told_otherwise(notes, settings, asked):
    _, search = recipe(notes, **settings).asked
    assert (search.ends, search.within, search.reach) == asked


def test_a_corpus_without_relations_teaches_nothing_and_is_refused():
    with pytest.raises(DataError, match="corpus b must have a relation of the labels"):
        recipe({"a": RELATED, "b": CONCEPTS[1:2]})


def test_a_label_that_train_has_not_is_told_or_refused(caplog):
    other = Relation(id="R", label="treats", roles=RELATED[2].relations[0].roles)
    dev = [RELATED[2].with_(relations=(other,))]
    train = [note for note in RELATED if note.id != dev[0].id]
    with caplog.at_level(logging.WARNING):
        recipe(train, dev)
    assert "train has no label treats" in caplog.text
    with pytest.raises(DataError, match="got treats"):
        recipe(train, dev, strict_labels=True)
