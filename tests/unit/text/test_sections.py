"""Sections: headings with and without colons, in flattened text, subheadings, unknown ones."""

import pytest

from clinnlp.core.notes import Note
from clinnlp.text.sections import Sections

DEFAULT = Sections()


def _kinds(text):
    note = DEFAULT(Note(id="n", text=text))
    return [(s.kind, note[s.heading] if s.heading else "") for s in note.sections]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Family History: Gout.\nMedications:\nAspirin",
            [("family_history", "Family History:"), ("medications", "Medications:")],
        ),
        ("DISCHARGE MEDICATIONS\naspirin", [("discharge_medications", "DISCHARGE MEDICATIONS")]),
        (
            "she is worse.,MEDICATIONS: , Her only.,Allergies: , None.",
            [("medications", "MEDICATIONS:"), ("allergies", "Allergies:")],
        ),
        ("FAMILY HISTORY,Mother has gout", [("family_history", "FAMILY HISTORY")]),
        (
            "He is well.  PAST MEDICAL HISTORY: Gout. Plan: rest.",
            [("past_medical_history", "PAST MEDICAL HISTORY:"), ("assessment_plan", "Plan:")],
        ),
        (
            "1. HPI: pain\nII. Plan: rest",
            [("history_of_present_illness", "HPI:"), ("assessment_plan", "Plan:")],
        ),
        ("He has a family history: none", []),
        ("current medications: aspirin", [("medications", "current medications:")]),
        ("They gave him medications, allergies: none", []),
        ("the plan\nis to rest", []),
        (
            "FAMILY HISTORY: Gout\nWARD NOTES X: stable",
            [("family_history", "FAMILY HISTORY:"), ("other", "WARD NOTES X:")],
        ),
        ("", []),
    ],
)
def test_headings(text, expected):
    assert _kinds(text) == expected


def test_a_subheading_takes_the_kind_of_the_section_around_it():
    text = "REVIEW OF SYSTEMS:\nHEENT: ok\nPHYSICAL EXAM:\nHEENT: ok\nNeck: supple"
    assert [kind for kind, _ in _kinds(text)] == [
        "review_of_systems",
        "review_of_systems",
        "physical_exam",
        "physical_exam",
        "physical_exam",
    ]


def test_a_row_without_a_kind_is_a_heading_only_inside_its_section():
    assert [k for k, _ in _kinds("FAMILY HISTORY:\nMOTHER: gout")] == ["family_history"] * 2
    assert [k for k, _ in _kinds("PLAN:\nMother: informed")] == ["assessment_plan"]


def test_sections_reach_from_heading_to_heading():
    text = "Seen today.\nPlan: rest. \n\nAllergies: none\n"
    note = DEFAULT(Note(id="n", text=text))
    assert [note[s.span] for s in note.sections] == ["Plan: rest.", "Allergies: none"]


def test_another_language_brings_its_own_headings(tmp_path):
    table = tmp_path / "es.tsv"
    rows = "heading\tkind\twithin\nantecedentes familiares\tfamily_history\t\n"
    table.write_text(rows, encoding="utf-8")
    note = Sections(table)(Note(id="n", text="ANTECEDENTES FAMILIARES: gota"))
    assert [s.kind for s in note.sections] == ["family_history"]


def test_a_drug_with_its_dose_in_capitals_is_no_heading():
    text = "HOSPITAL DAY 2:\nstable\nENALAPRIL 20 MG: ONE DAILY"
    note = Sections()(Note(id="n", text=text))
    assert [note[s.heading] for s in note.sections] == ["HOSPITAL DAY 2:"]
