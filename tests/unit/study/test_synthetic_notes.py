"""Dice, lexicon, phrases and writer of the synthetic notes."""

from collections import Counter

import pytest

from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.rows import csv_text
from clinnlp.study.synthetic.scenario import (
    NOTE_ONLY,
    RISK,
    conditions,
    drug_codes,
    outcome_bases,
    plants,
)
from clinnlp.study.synthetic.words import drugs, lexicon, misspelled, problems, reactions
from clinnlp.study.synthetic.writer import MARK, SLOT, NoteWriter, Story, Style, phrases

PLAIN = Style(p_other_name=0, p_misspelled=0, p_slip=0)
FEVER, RASH, COUGH = (lexicon()[f"problem:{name}"] for name in ("fever", "rash", "dry_cough"))
ASPIRIN = lexicon()["drug:aspirin"]


def write(phrase, style=PLAIN, **pools):
    facts = {"age": "54", "he": "she", "n": "2|3"}
    writer = NoteWriter(Dice(1), Story(pools=pools, facts=facts), style)
    writer.phrase(phrase)
    return writer


# ---- dice -------------------------------------------------------------------------------------


def test_dice_are_pinned_across_versions():
    dice = Dice(20240229)
    assert [dice.between(1, 6) for _ in range(8)] == [5, 4, 6, 6, 6, 5, 3, 2]


def test_samples_take_each_place_once():
    dice = Dice(3)
    assert sorted(dice.sample(range(5), 9)) == [0, 1, 2, 3, 4]
    assert dice.sample([], 2) == []
    assert dice.weighted(["a", "b"], [0, 1]) == "b"


# ---- lexicon ----------------------------------------------------------------------------------


def test_no_spelling_belongs_to_two_terms():
    counts = Counter(name.casefold() for term in lexicon().values() for name in term.surfaces)
    assert [name for name, n in counts.items() if n > 1] == []


def test_tables_name_only_known_terms():
    codes = set(lexicon())
    for problem in problems():
        assert set(problem.symptoms) | set(problem.treatments) <= codes
        assert set(problem.roles) <= set("ACSRHFL")
    for drug, effects in reactions().items():
        assert {drug, *effects} <= codes
    assert all(drug.doses and drug.schedules for drug in drugs())
    world = {*drug_codes(), *outcome_bases(), *NOTE_ONLY, *(c.code for c in conditions())}
    assert world <= codes
    assert {name for name in RISK if ":" in name} <= world
    for plant in plants():
        assert set(plant.drugs) <= set(drug_codes())
        assert plant.outcome in outcome_bases()


def test_phrases_use_known_marks():
    for place, found in phrases().items():
        assert len(found) >= 2, place
        for phrase in found:
            bare = MARK.sub("", phrase)
            assert not set(bare) & set("{}["), phrase
            for mark in MARK.finditer(phrase):
                slot = SLOT.fullmatch(mark["slot"] or "")
                if slot and slot["code"]:
                    term = lexicon()[slot["code"]]
                    assert slot["words"].casefold() in {s.casefold() for s in term.surfaces}


@pytest.mark.parametrize("seed", range(30))
def test_a_misspelling_keeps_first_letter_and_differs_little(seed):
    wrong = misspelled("chest pressure", Dice(seed))
    assert wrong.startswith("chest p")
    assert abs(len(wrong) - len("chest pressure")) <= 1
    assert misspelled("CAD", Dice(seed)) == "CAD"


# ---- writer -----------------------------------------------------------------------------------


def test_cue_is_the_nearest_of_its_axis():
    writer = write("[n:No] {sx1!n}, [n:denies] {sx2!n}.", sx=[FEVER, RASH])
    assert writer.text == "No fever, denies rash."
    first, second = (entity["assertion"] for entity in writer.entities)
    assert (first["cues"], second["cues"]) == ({"negated": [0, 2]}, {"negated": [10, 16]})
    assert first["negated"]
    assert not first["historical"]


def test_attributes_and_relations_follow_their_slots():
    writer = write(
        "{^rxd1} {rxd1.dose} gave {him} {rxr1}; [n:no] {rxr2!n}.".replace("{him} ", ""),
        rxd=[ASPIRIN],
        rxr=[RASH, COUGH],
    )
    drug = writer.entities[0]
    assert drug["attributes"]["dose"] in ASPIRIN.doses
    assert writer.relations == [
        {"id": "R1", "label": "AdverseReaction", "roles": {"drug": ["T1"], "reaction": ["T2"]}}
    ]


def test_a_slip_keeps_what_was_meant():
    style = Style(p_other_name=0, p_misspelled=1, p_slip=0)
    writer = write("{rxd1}", style, rxd=[ASPIRIN])
    assert writer.text != "aspirin"
    assert writer.entities[0]["attributes"] == {"meant": "aspirin"}


def test_a_phrase_the_story_cannot_fill_claims_none():
    writer = write("{age}", sx=[FEVER])
    assert writer.claims("{sx2}") is None
    assert writer.claims("{sx1} {sx1!h}") == {"problem:fever": True}
    assert writer.claims("{sx1!n}") == {"problem:fever": False}
    assert writer.claims("{sx1!fn}") == {}


def test_wrapping_moves_no_offset():
    writer = write("{age} has {sx1} and {sx2} and {sx1} again", sx=[FEVER, RASH])
    wrapped = writer.record()["text"]
    writer.style = Style(wrap=12)
    text = writer.record()["text"]
    assert text.replace("\n", " ") == wrapped
    assert max(map(len, text.split("\n"))) <= 12


def test_csv_cells_are_quoted_where_needed():
    assert csv_text(("a",), [("x,y",), (None,)]) == 'a\n"x,y"\n""\n'
