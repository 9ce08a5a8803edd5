"""Normalise: exact, by abbreviation, by drug table."""

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.normalise import Normalise, fold_drug

WORDS = Vocabulary(
    [
        Concept(code="P1", name="Congestive Heart Failure"),
        Concept(code="D1", name="metoprolol"),
        Concept(code="D2", name="oxycodone"),
        Concept(code="D3", name="acetaminophen", synonyms=("paracetamol",)),
        Concept(code="D4", name="metoprolol succinate"),
        Concept(code="D5", name="mitoxantrone", synonyms=("MTD",)),
    ]
)


def _concepts(text, mention, *, label="Problem", vocabulary=WORDS, concepts=()):
    start = text.rindex(mention)
    span = Span(start, start + len(mention))
    entity = Entity(id="T1", span=span, label=label, concepts=concepts)
    note = Normalise(vocabulary)(Note(id="n", text=text, entities=(entity,)))
    return note.entities[0].concepts


@pytest.mark.parametrize(
    ("text", "mention", "label", "expected"),
    [
        ("congestive\n heart failure", "congestive\n heart failure", "Problem", ("P1",)),
        ("congestive heart failure (CHF). Has CHF", "CHF", "Problem", ("P1",)),
        ("Has CHF", "CHF", "Problem", ()),
        ("CHF (congestive heart failure) and", "CHF", "Problem", ("P1",)),
        ("two cars (D1) and more D1s", "D1s", "Problem", ()),
        ("metallic taste after dinner (MTD), MTD", "MTD", "Drug", ()),
        ("Lopressor", "Lopressor", "Drug", ("D1",)),
        ("Lopressor", "Lopressor", "Problem", ()),
        ("metoprolol tartrate", "metoprolol tartrate", "Drug", ("D1",)),
        ("Metoprolol Succinate", "Metoprolol Succinate", "Drug", ("D4",)),
        ("Percocet", "Percocet", "Drug", ("D2", "D3")),
        ("Bactrim", "Bactrim", "Drug", ()),
        ("unknownol", "unknownol", "Drug", ()),
    ],
)
def test_steps(text, mention, label, expected):
    assert _concepts(text, mention, label=label) == expected


def test_concepts_that_are_there_stay():
    assert _concepts("Lopressor", "Lopressor", label="Drug", concepts=("X",)) == ("X",)


def test_without_a_vocabulary_the_generic_name_is_the_concept_of_known_drugs():
    def one(name, label):
        return _concepts(name, name, label=label, vocabulary=None)

    assert one("Lasix", "Chemical") == ("furosemide",)
    assert one("furosemide", "Drug") == ("furosemide",)
    assert one("Bactrim DS", "Medication") == ("sulfamethoxazole", "trimethoprim")
    assert one("acetylcholine", "Chemical") == ()
    assert one("Lasix", "Problem") == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Coumadin", "warfarin"),
        ("WARFARIN SODIUM", "warfarin"),
        ("potassium chloride", "potassium chloride"),
        ("KCl", "potassium chloride"),
        ("Toprol XL", "metoprolol"),
        ("metformin HCl ER", "metformin"),
        ("Tylenol #3", "codeine/acetaminophen"),
        ("  Xyz  SODIUM ", "xyz"),
        ("sodium", "sodium"),
        ("", ""),
        ("...", ""),
    ],
)
def test_drug_names_fold(name, expected):
    assert fold_drug(name) == expected


def test_folding_a_drug_twice_changes_nothing():
    for name in ("Percocet", "Lopressor HCl", "Xyz sodium", "Tylenol"):
        assert fold_drug(fold_drug(name)) == fold_drug(name)
