"""Titles of ICD-10-CM as notes have them."""

import pytest

from clinnlp.core.notes import Note
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.icd_names import names_in_notes
from clinnlp.text.large_lists import N_LARGE
from clinnlp.text.lookup import Lookup


def icd(*titles):
    return [
        Concept(code=code, name=title, system="ICD10CM", label="Problem") for code, title in titles
    ]


def names(*titles):
    return sorted(name for name, _ in names_in_notes(icd(*titles)))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Pneumonia, unspecified organism", ["Pneumonia"]),
        ("Unspecified abdominal pain", ["abdominal pain"]),
        ("Urinary tract infection, site not specified", ["Urinary tract infection"]),
        ("Pleural effusion, not elsewhere classified", ["Pleural effusion"]),
        ("Unspecified asthma, uncomplicated", ["asthma"]),
        ("Obstructive sleep apnea (adult) (pediatric)", ["Obstructive sleep apnea"]),
        ("Systolic (congestive) heart failure",
         ["Systolic congestive heart failure", "Systolic heart failure"]),
        ("Erosive (osteo)arthritis", []),
        ("Unspecified mood [affective] disorder", ["affective disorder", "mood disorder"]),
        ("Eosinophilic cellulitis [Wells]", ["Eosinophilic cellulitis"]),
        ("Ganglion, right wrist",
         ["Ganglion of right wrist", "Ganglion of the right wrist", "right wrist Ganglion"]),
        ("Pain in right knee", ["pain in the right knee", "right knee pain"]),
        ("Effusion, unspecified hip", []),
        ("Pain, unspecified", []),
        ("Alcohol use, unspecified", []),
        ("Other specified hypothyroidism", []),
    ],
)  # fmt: skip
def test_names(title, expected):
    assert names(("M00", title)) == expected


def test_a_title_of_its_own_comes_before_another_name():
    titles = [("J459", "Asthma, unspecified"), ("J45", "Asthma")]
    assert names(*titles) == []
    assert names(("A1", "Visual disturbance, unspecified"), ("A2", "Visual disturbances")) == []


def test_the_code_with_the_shortest_title_has_a_shared_name():
    titles = [("A1", "Ileus (paralytic), not elsewhere classified"), ("A2", "Ileus, unspecified")]
    assert ("Ileus", "A2") in names_in_notes(icd(*titles))


@pytest.mark.parametrize("code", ["S00", "T14", "W19", "Z99", "4329847"])
def test_injuries_causes_and_encounters_have_no_other_names(code):
    assert names((code, "Fall, unspecified")) == []


def test_other_vocabularies_keep_their_names():
    concept = Concept(code="J18.9", name="Pneumonia, unspecified organism", system="SNOMED")
    assert names_in_notes([concept]) == []


def test_a_large_list_finds_every_day_names_and_a_small_one_its_own():
    titles = [("I10", "Essential (primary) hypertension"), ("J18.9", "Pneumonia, unspecified")]
    filler = [(f"A{i}", f"Xylosis type {i}") for i in range(N_LARGE)]
    note = Note(id="n", text="Hypertension and pneumonia")
    found = Lookup(Vocabulary(icd(*titles, *filler)))(note).entities
    assert [entity.concepts for entity in found] == [("I10",), ("J18.9",)]
    assert Lookup(Vocabulary(icd(*titles)))(note).entities == ()
