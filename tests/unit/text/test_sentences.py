"""Sentences: cases a clinician can read, one sentence per ``|``."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences

DEFAULT = Sentences()

CASES = [
    "She was seen. | He left.",
    "Seen by Dr. Smith at St. Mary. | No fever.",
    "Seen by J. R. Smith. | Stable.",
    "Hepatitis C. | She takes interferon.",
    "Creatinine was 1.2. | Potassium 4.0.",
    "Temp. 98.6 on arrival. | No chills.",
    "Lasix 40 mg p.o. b.i.d. for edema. | Return in 2 weeks.",
    "Lasix 40 mg b.i.d. 30 tablets.",
    "Pain vs. angina, e.g. Prinzmetal.",
    "Improved! | Discharged? | Yes.",
    "Question of ? pneumonia on the film.",
    'He said "no pain." | He left.',
    "Wait... and see.",
    "1. Aspirin 81 mg daily. | 2. Plavix 75 mg daily.",
    "Seen on [**2010-1-1**] by Dr. [**Last Name (un) 5. A**] today.",
    "A **AGE[in 40s. X]-year-old man. | He came from Mt. **INSTITUTION yesterday.",
    "worse here.,MEDICATIONS: , Her only drug.",
    "PLAN:, |1.  Try Zyrtec., |2.  Samples given.",
    "Plan: Lasix,|2. aspirin",
    "no fever. | has cough. | any pain? | no. | seen by dr. b. lee, approx. 3 times.",
    "lasix 40 mg p.o. b.i.d. for edema. | hepatitis c. | started interferon.",
    "vitamin d. | he left.",
    "so ... and so.... | Start. | bp 1.2. | stable",
    "No fever.| Denies cough.| Has rash and e.Coli.",
    "1) Aspirin | 2) Metoprolol | 3) Lasix",
    "Give: | 1. aspirin | 2. Lasix | 3. and rest. | Grade 2. | 5. No",
    "Fig. 7 and tab. 4. | Review p. 12. | Vit. D 1000 IU. | Mg 2.0.",
    "",
    "...",
    "🙂. | Ça va. | Ökonomie.",
]
LINES = [
    "- fever\n| - chills\n| * cough",
    "Chief complaint\n| Chest pain for 2 days",
    "Medications:\n| aspirin\n| lisinopril",
    "Ultrasound\nshowed stones. | She left.",
    "no chest pain\n| no sob\n| headache since monday",
    "denies fever and\nchills or\ncough\n| has rash",
    "no fever\nor chills",
    "#HTN: stable\n| #DM\n| [x] cough\n| ☐ fever\n| -itch\n| i. one\n| ii. two",
    "First paragraph without a stop\n\n| second one",
    "No fever,\nchills or cough.\n| Stable.",
    "Windows\r\n| Line ends\r\n\r\n| here",
    """The patient was admitted to the hospital on Monday with fever and Klebsiella
Pneumonia in both lungs and was treated for ten days with antibiotics.""",
    """The patient was admitted to the hospital on Monday with fever and cough.
| Short line
| Treated for ten days with antibiotics and then sent home with his daughter.""",
]


@pytest.mark.parametrize("case", CASES + LINES)
def test_cases(case):
    pieces = case.split("|")
    text = "".join(pieces)
    note = DEFAULT(Note(id="n", text=text))
    expected = [piece.strip(" \t\r\n,") for piece in pieces if piece.strip()]
    if case.startswith("worse"):
        expected = ["worse here.", "MEDICATIONS: , Her only drug."]
    assert [note[s] for s in note.sentences] == expected


def test_headings_of_sections_are_sentences_of_their_own():
    note = DEFAULT(Sections()(Note(id="n", text="ALLERGIES: None known. Family history: Gout")))
    assert [note[s] for s in note.sentences] == [
        "ALLERGIES:",
        "None known.",
        "Family history:",
        "Gout",
    ]


def test_another_language_brings_its_own_abbreviations(tmp_path):
    table = tmp_path / "es.tsv"
    table.write_text("abbreviation\tkind\nSra.\tnever\n", encoding="utf-8")
    note = Note(id="n", text="La Sra. Ruiz. Dr. House.")
    assert [note[s] for s in Sentences(table)(note).sentences] == ["La Sra. Ruiz.", "Dr.", "House."]


def test_a_table_without_its_columns_is_refused(tmp_path):
    table = tmp_path / "bad.tsv"
    table.write_text("word\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match="abbreviation"):
        Sentences(table)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("LASIX 40 MG P.O. B.I.D. FOR EDEMA. NO FEVER.", 2),
        ("Lasix 40 mg p.o. BID for edema. No fever.", 2),
        ("Lasix 40 mg p.o. QHS", 1),
        ("He took it p.o. HE IS WELL", 2),
        ("He took it p.o. The CT was normal.", 2),
    ],
)
def test_capitals_tell_of_no_beginning_behind_an_abbreviation(text, sentences):
    assert len(Sentences()(Note(id="n", text=text)).sentences) == sentences
