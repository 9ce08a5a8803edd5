"""Linking: each step, and which wins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.linking import Linker

WORDS = Vocabulary(
    [
        Concept(code="D1", name="Fluorouracil", synonyms=("5-FU", "Adrucil")),
        Concept(code="D2", name="Metoprolol"),
        Concept(code="D3", name="Oxycodone"),
        Concept(code="D4", name="Acetaminophen", synonyms=("paracetamol",)),
        Concept(code="D5", name="Interleukin-2"),
        Concept(code="D6", name="Hydroxyzine"),
        Concept(code="D7", name="Hydralazine"),
        Concept(code="D8", name="Adrucil"),
        Concept(code="D9", name="beta-blocker"),
        Concept(code="D10", name="Sulfasalazine", synonyms=("DEX", "K")),
        Concept(code="D11", name="Valproic acid", synonyms=("valproate",)),
        Concept(code="D12", name="Lithium cation"),
        Concept(code="D13", name="Chronic kidney disease"),
        Concept(code="D14", name="Cholera, unspecified"),
        Concept(code="D15", name="Essential (primary) hypertension"),
        Concept(code="D16", name="Cytisine"),
        Concept(code="D17", name="Hyperthyroidism"),
        Concept(code="D18", name="Citric acid"),
    ]
)
LINKER = Linker(WORDS, fuzzy=0.85)


@pytest.mark.parametrize(
    ("name", "concepts", "step"),
    [
        ("fluorouracil", ("D1",), "exact"),
        ("adrucil", ("D8",), "exact"),
        ("PARACETAMOL", ("D4",), "synonym"),
        ("5FU", ("D1",), "variant"),
        ("beta blockers", ("D9",), "variant"),
        ("Lopressor", ("D2",), "drug"),
        ("Percocet", ("D3", "D4"), "drug"),
        ("metoprolol succinate", ("D2",), "salt"),
        ("oxycodone / acetaminophen", ("D3", "D4"), "combination"),
        ("oxycodone-acetaminophen", ("D3", "D4"), "combination"),
        ("Metoprolol and Percocet", ("D2", "D3", "D4"), "combination"),
        ("metoprool", ("D2",), "fuzzy"),
        ("flourouracil", ("D1",), "fuzzy"),
        ("sulphasalazine", ("D10",), "spelling"),
        ("citrate", ("D18",), "acid"),
        ("sodium valproate", ("D11",), "salt"),
        ("lithium", ("D12",), "acid"),
        ("Kidney disease, chronic", ("D13",), "order"),
        ("kidney diseases, chronic", ("D13",), "order"),
        ("β-blockers", ("D9",), "variant"),
        ("cholera", ("D14",), "unspecified"),
        ("essential hypertension", ("D15",), "unspecified"),
        ("DEX", ("D10",), "synonym"),
        ("chronic kidny disease", ("D13",), "fuzzy"),
        ("hyperthyriodism", ("D17",), "fuzzy"),
    ],
)
def test_steps(name, concepts, step):
    found = LINKER(name, is_drug=True)
    assert (found.concepts, found.step) == (concepts, step)
    assert (found.score < 1) == (step == "fuzzy")


@pytest.mark.parametrize(
    "name",
    [
        "interleukin-1",
        "metro",
        "xyz",
        "",
        "meth",
        "gold and silver",
        "dex",
        "K",
        "k",
        "cytosine",
        "hypothyroidism",
        "sodium citrate trap",
    ],
)
def test_what_is_not_near_enough_is_not_linked(name):
    assert LINKER(name, is_drug=True) is None


def test_two_concepts_equally_near_are_none():
    words = Vocabulary([Concept(code="A", name="abcdefgx"), Concept(code="B", name="abcdefgy")])
    assert Linker(words, fuzzy=0.8)("abcdefgz") is None


def test_nothing_is_near_unless_asked_for():
    assert Linker(WORDS)("metoprolo", is_drug=True) is None
    with pytest.raises(ArgumentError, match="fuzzy"):
        Linker(WORDS, fuzzy=90)


@settings(deadline=None)
@given(st.sampled_from(["Fluorouracil", "Metoprolol", "Acetaminophen"]), st.data())
def test_one_wrong_letter_is_found(name, data):
    k = data.draw(st.integers(1, len(name) - 3))
    wrong = name[:k] + "q" + name[k + 1 :]
    expected = LINKER(name).concepts
    assert LINKER(wrong).concepts == expected
    assert LINKER(wrong).score == pytest.approx(1 - 1 / len(name), abs=1e-4)


def test_a_looser_name_of_two_concepts_is_none():
    words = [("A", "Cholera, unspecified"), ("B", "Unspecified cholera"), ("C", "kidney disease")]
    linker = Linker(Vocabulary([Concept(code=code, name=name) for code, name in words]))
    assert linker("cholera") is None
    assert linker("disease of the kidney").concepts == ("C",)


def test_order_counts_where_it_says_which_is_which():
    words = [Concept(code="A", name="hypertension due to kidney disease")]
    assert Linker(Vocabulary(words))("kidney disease due to hypertension") is None


def test_what_notes_call_a_title_of_icd_10_cm_is_linked_to_it():
    words = [
        ("J189", "Pneumonia, unspecified organism"),
        ("I10", "Essential (primary) hypertension"),
        ("K810", "Acute cholecystitis"),
    ]
    linker = Linker(
        Vocabulary(Concept(code=code, name=name, system="ICD10CM") for code, name in words)
    )
    assert linker("Pneumonias") == (("J189",), "title", 1.0)
    assert linker("hypertension") == (("I10",), "title", 1.0)
    assert linker("acute cholecystitis").step == "exact"
    assert linker("cholecystitis") is None


def test_the_order_of_words_is_that_of_the_language():
    words = Vocabulary([Concept(code="1", name="absceso del hígado", label="Problem")])
    assert Linker(words, language="es")("hígado absceso").step == "order"
    assert Linker(words)("hígado absceso") is None
