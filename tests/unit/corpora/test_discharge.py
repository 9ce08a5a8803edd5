"""Notes of discharge-mini: exact offsets, no contradiction, and names that train never sees."""

from datetime import datetime

import pytest

from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.notes import HEADINGS, compose, draw_style
from clinnlp.study.synthetic.stories import Chooser, draw_facts, story_of
from clinnlp.study.synthetic.words import lexicon
from corpora.generate.discharge import discharge_notes, held_out_codes
from corpora.generate.discharge_case import draw_case


@pytest.mark.parametrize("seed", range(25))
def test_notes_have_exact_offsets_and_no_empty_lines_of_lists(seed):
    dice = Dice(seed)
    facts = draw_facts(dice, when=datetime(2024, 5, 1))
    story = story_of(draw_case(Chooser(dice)), Chooser(dice), facts=facts)
    note = compose(dice, story, draw_style(dice)).record(id="n")
    for entity in note["entities"]:
        words = note["text"][entity["start"] : entity["end"]]
        assert words == words.strip()
        assert words
    for section in note["sections"]:
        assert section["kind"] in HEADINGS
    ends = [section["end"] for section in note["sections"]]
    starts = [section["start"] for section in note["sections"]]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    lines = [line.strip() for line in note["text"].split("\n")]
    assert not {"-", "*", "1.", "2.", "3.", "4.", "5.", "1)", "2)"} & set(lines)


def test_no_note_affirms_what_it_denies():
    for note in discharge_notes("dev"):
        seen = {True: set(), False: set()}
        for entity in note["entities"]:
            axes = entity["assertion"]
            others = any(axes[a] for a in ("uncertain", "hypothetical", "historical"))
            if entity["label"] == "Problem" and not others and not axes["experiencer"]:
                after = note["text"][entity["end"] : entity["end"] + 12]
                before = note["text"][max(0, entity["start"] - 40) : entity["start"]]
                gone = "resolved" in " ".join(after.split()) or "ischarge" in before
                if not gone and "free" not in before:
                    seen[axes["negated"]].update(entity["concepts"])
        assert not seen[True] & seen[False], note["id"]


def test_train_never_names_a_held_out_term():
    held_out = held_out_codes()
    share = len(held_out) / len(lexicon())
    assert 0.25 < share < 0.4
    assert not codes("train") & held_out
    assert codes("dev") & held_out


def codes(split):
    entities = [entity for note in discharge_notes(split) for entity in note["entities"]]
    return {code for entity in entities for code in entity["concepts"]}
