"""Short names: found in any case unless their small letters are a word."""

import pickle

import pytest

from clinnlp.core.notes import Note
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.large_lists import N_LARGE
from clinnlp.text.lookup import Lookup


def _lookup(names, **options):
    return Lookup(Vocabulary(Concept(code=name, name=name) for name in names), **options)


def _found(names, text, **options):
    note = _lookup(names, **options)(Note(id="n", text=text))
    return [note[entity.span] for entity in note.entities]


@pytest.mark.parametrize(
    "names", [("mi", "dm", "htn", "sob", "cp"), ("MI", "DM", "HTN", "SOB", "CP")]
)
@pytest.mark.parametrize(
    "text", ["MI, DM, HTN, SOB, CP", "mi, dm, htn, sob, cp", "Mi, Dm, Htn, Sob, Cp"]
)
def test_a_short_name_that_is_no_word_is_found_in_any_case(names, text):
    assert _found(names, text) == text.split(", ")


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        (["OR", "PE", "Ca"], "or pe ca Or Pe OR PE Ca CA", ["OR", "PE", "Ca", "CA"]),
        (["pe", "flu", "leg"], "pe PE flu Flu LEG", ["pe", "PE", "flu", "Flu", "LEG"]),
        (["HIT", "PAD", "MG", "CAP"], "hit a pad, 5 mg cap; HIT, PAD", ["HIT", "PAD"]),
        (["Leg"], "leg Leg", ["leg", "Leg"]),
        (["ALL", "His"], "all his ALL HIS His", ["ALL", "His"]),
        (["K", "c"], "k K c C", ["K", "c"]),
        (["Met"], "met with; MET; Met", ["MET", "Met"]),
        (["A1c", "B12"], "a1c, A1C, b12", ["a1c", "A1C", "b12"]),
    ],
)
def test_small_letters_that_are_a_word_are_none(names, text, expected):
    assert _found(names, text) == expected


def test_a_name_of_two_concepts_stays_two_names():
    note = _lookup(["Pd", "PD"])(Note(id="n", text="Pd PD pd"))
    assert [entity.concepts for entity in note.entities] == [("Pd",), ("PD",)]
    note = _lookup(["PD", "Pd"])(Note(id="n", text="Pd PD pd"))
    assert [entity.concepts for entity in note.entities] == [("Pd",), ("PD",)]


def test_a_name_of_one_concept_written_in_two_cases_is_found_in_any():
    words = Vocabulary([Concept(code="I10", name="HTN", synonyms=("htn",))])
    note = Lookup(words)(Note(id="n", text="Htn HTN htn"))
    assert len(note.entities) == 3


def test_a_name_that_two_concepts_write_alike_is_found_in_any_case():
    words = Vocabulary([Concept(code=code, name="MI") for code in ("I21", "I34")])
    note = Lookup(words)(Note(id="n", text="mi"))
    assert [entity.concepts for entity in note.entities] == [("I21",)]


def test_longer_names_are_found_in_any_case():
    assert _found(["Tobacco", "Iron"], "tobacco, iron, Iron, IRON") == [
        *("tobacco", "iron", "Iron", "IRON"),
    ]


def test_the_words_are_those_of_the_language():
    assert _found(["MI", "VIA"], "me duele mi pie; MI") == ["mi", "MI"]
    assert _found(["MI", "VIA"], "me duele mi pie; MI", language="es") == ["MI"]


def test_a_large_list_keeps_short_names_in_their_own_case():
    filler = [f"name {number}" for number in range(N_LARGE)]
    lookup = _lookup(["HTN", *filler])
    note = lookup(Note(id="n", text="htn HTN"))
    assert [note[entity.span] for entity in note.entities] == ["HTN"]
    assert lookup.n_cased == 1


def test_how_many_short_names_are_bound_to_their_case_is_counted():
    assert _lookup(["HTN", "DM", "pain"]).n_cased == 0
    assert _lookup(["HTN", "OR", "K", "all", "Pain"]).n_cased == 3


def test_what_is_pickled_is_found_alike():
    lookup = pickle.loads(pickle.dumps(_lookup(["PE", "HTN"])))
    note = lookup(Note(id="n", text="pe Pe PE htn"))
    assert [note[entity.span] for entity in note.entities] == ["PE", "htn"]
