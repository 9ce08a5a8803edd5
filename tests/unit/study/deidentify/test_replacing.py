"""One note: every annotation is found again at its text, and no identifier anywhere."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.notes import Note, check_note
from clinnlp.core.spans import Span
from clinnlp.io.notes.records import note_to_record
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.replacing import Found, found_in
from clinnlp.study.settings import DeidentifySettings
from clinnlp.text.identifiers import Identifiers
from tests.unit.study.deidentify.conftest import CANARIES, finder, note_of

KEY = Key(b"k")


def done(note, **how):
    by = Deidentifier(KEY, finder, DeidentifySettings(**how)).gather([note])
    return by, by.replaced(note, by.find(note))


def test_every_annotation_is_found_again():
    before = note_of(1)
    by, made = done(before)
    after = check_note(made.note)
    by_id = {e.id: e for e in after.entities}
    assert after.mention(by_id["T1"]) == "fever"
    assert after.mention(by_id["T2"]) == "💊"
    assert after[by_id["T2"].assertion.cues["negated"]] == "denies"
    assert by_id["T1"].concepts == ("C1",)
    assert len(after.entities) == len(before.entities)
    person = after.mention(by_id["T3"])
    assert person.split()[0] in after.text
    assert after[after.sections[0].heading] == after.text.split(",")[0].removeprefix("Mr ")
    assert after[after.sentences[1]].startswith("His wife ")
    assert after.relations[0].roles == before.relations[0].roles
    assert by_id["T2"].attributes == {"who": f"{person} said", "n": 2}
    assert after.labels == (f"ward of {person}",)
    # time and dates by the same number of days; ids as in the text
    days = timedelta(by.offsets("7730915"))
    assert after.time - before.time == after.known - before.known == days
    when = before.time + days
    assert f"{when:%m/%d/%Y}" in after.text
    later = when + timedelta(8)
    assert f"{later:%b} {later.day}, {later.year}: " in after.text
    assert after.patient == by.surrogates.ids("7730915")
    assert by.surrogates.ids("77-30-915") in after.text
    assert "is 90+ years" in after.text


def test_no_identifier_is_left_in_any_part():
    for how in ({}, {"replace": "mask"}, {"dates": "year"}, {"dates": "mask"}):
        _, made = done(note_of(2), **how)
        whole = str(note_to_record(made.note)).casefold()
        assert not [word for word in CANARIES if word.casefold() in whole]


def test_masks_say_the_label_and_stay_as_they_are():
    by, made = done(note_of(3), replace="mask", dates="mask")
    assert made.note.text.startswith("Mr [NAME], MRN [MRN], was seen on [DATE] with fever 3.")
    assert made.note.time is None
    found = [Found(a, b, "NAME") for a, b in ((4, 7), (2, 6), (15, 20))]
    again = by.replacing(made.note, found)
    assert again.note.text.startswith("Mr[NAME], MRN [MRN]")  # a find that cuts a mask covers it


def test_a_year_is_all_that_is_left_of_a_date():
    _, made = done(note_of(4), dates="year")
    assert "was seen on 2019 with" in made.note.text
    assert "2019: " in made.note.text
    assert (made.note.time.month, made.note.time.day, made.note.time.hour) == (1, 1, 0)


@pytest.mark.parametrize("dates", ["shift", "year"])
@pytest.mark.parametrize("text", ["98 yo, born 3/14/1926", "born 3/14/1926, seen 2/3/2024"])
def test_a_birth_that_tells_an_age_above_89_is_masked_in_a_note_of_no_time(text, dates):
    by = Deidentifier(KEY, Identifiers(), DeidentifySettings(dates=dates))
    note = Note(id="n", text=text)
    by.gather([note])
    assert "born [DATE]" in by.replaced(note, by.find(note)).note.text


def test_a_day_without_a_year_moves_in_the_latest_year_that_a_note_of_no_time_says():
    by = Deidentifier(KEY, Identifiers(), DeidentifySettings())
    notes = [Note(id=str(k), patient=str(k), text="Seen 3/5/2024 and on 3/5.") for k in range(20)]
    by.gather(notes)
    for note in notes:
        whole, short = by.replaced(note, by.find(note)).note.text[5:-1].split(" and on ")
        assert whole.rpartition("/")[0] == short


def test_what_was_found_is_replaced_wherever_it_stands():
    note = Note(id="n", text="Lee Wong came. Lee Wong left; Lee Wongs.", patient="p")
    by = Deidentifier(KEY, lambda note: note).gather([note])
    made = by.replaced(note, [Found(0, 8, "NAME", "rule")])
    assert [one.finder for _, one in made.found] == ["rule", "again"]
    assert made.note.text.count("Lee Wong") == 1  # a longer word is another


def test_overlapping_finds_are_replaced_together():
    note = Note(id="n", text="Call Lee Wong Clinic now", patient="p")
    by = Deidentifier(KEY, lambda note: note, DeidentifySettings(replace="mask")).gather([note])
    made = by.replaced(note, [Found(5, 13, "NAME"), Found(9, 20, "HOSPITAL")])
    assert made.note.text == "Call [HOSPITAL] now"
    assert made.found[0][0] == Span(5, 15)


def test_what_may_stay_covers_nothing_that_may_not():
    note = Note(id="n", text="Lee Wong is 64 years old", patient="p")
    by = Deidentifier(KEY, lambda note: note, DeidentifySettings(replace="mask")).gather([note])
    made = by.replaced(note, [Found(0, 24, "AGE"), Found(0, 8, "NAME")])
    assert made.note.text == "[NAME] is 64 years old"


def test_given_labels_are_identifiers_of_the_input():
    note = note_of(5)
    assert {f.label for f in found_in(note, note, ("Person",))} == {"Person"}
    added = found_in(finder(note), note)
    assert "Problem" not in {f.label for f in added}
    assert {f.finder for f in added} >= {"rule:name", "rule:mrn"}


@settings(max_examples=60, deadline=None)
@given(
    st.text("Zab1 7/-\n", min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(1, 12), st.sampled_from(
        ["NAME", "MRN", "DATE", "PLACE", "SEX", "WHAT", "HOSPITAL", "URL", "STREET"])), max_size=6),
)  # fmt: skip
def test_any_finds_in_any_text_leave_a_whole_note(text, listed):
    found = [Found(a, min(a + n, len(text)), label) for a, n, label in listed if a < len(text)]
    note = Note(id="n", text=text, patient="p")
    by = Deidentifier(KEY, lambda note: note)
    by.gather_found(note, found)
    made = by.replaced(note, found)
    check_note(made.note)
    for span, one in made.found:
        put = made.note[span]
        assert put == "90+" or put == text[one.start : one.end] or put.strip()
