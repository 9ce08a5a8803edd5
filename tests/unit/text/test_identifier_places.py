"""Places and institutions: by lists, by their last words, by prepositions and regions."""

import pytest

from clinnlp.text.identifier_lexicon import lexicon, words_of
from clinnlp.text.identifier_places import before_regions, find_places, in_brackets
from clinnlp.text.identifier_rules import Find

PLACES = [
    ("He lives in Chicago.", [("Chicago", "PLACE")]),
    ("in New York City", [("New York City", "PLACE")]),
    ("from Elmvillia, OH", [("Elmvillia", "PLACE"), ("OH", "REGION")]),
    ("elmvillia, Ohio", [("elmvillia", "PLACE"), ("Ohio", "REGION")]),
    ("the Quillan Memorial Hospital", [("Quillan Memorial Hospital", "HOSPITAL")]),
    ("quillan memorial hospital", [("quillan memorial hospital", "HOSPITAL")]),
    ("Hartwell High School", [("Hartwell High School", "ORGANISATION")]),
    ("seen at St. Quillan's", [("St. Quillan's", "PLACE")]),
    ("born in Spain", [("Spain", "COUNTRY")]),
    ("Jane Doe, MD", []),
    ("the Pain Clinic and our Hospital", []),
    ("in the ICU, at Baseline, in Trendelenburg", []),
    ("Wilson's disease", []),
]


def is_inside(x, y):
    return y.start <= x.start and x.end <= y.end and y.end - y.start > x.end - x.start


def places(text, leads=()):
    found = find_places(text, words_of(text, lexicon("en").kinds), lexicon("en"), leads)
    longest = [x for x in found if not any(is_inside(x, y) for y in found)]
    return sorted(
        {(text[x.start : x.end], x.label) for x in longest}, key=lambda x: text.find(x[0])
    )


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_places(text, expected):
    assert places(text) == expected


def test_a_lead_to_a_hospital_or_a_place():
    led = places("seen at Cedar Crest", [(8, "HOSPITAL", "rule:x")])
    assert ("Cedar Crest", "HOSPITAL") in led
    assert places("lives in videle", [(9, "PLACE", "rule:x")]) == [("videle", "PLACE")]
    assert places("moved to bed", [(9, "PLACE", "rule:x")]) == []
    assert places("sent to ICU", [(8, "HOSPITAL", "rule:x")]) == []


def test_the_town_before_a_region_and_its_code():
    text = "12 elm way, videle, wa 48338"
    (one,) = before_regions(text, [Find(20, 22, "REGION", "rule:zip_state")])
    assert text[one.start : one.end] == "videle"


def test_numbers_behind_names_files_and_domains():
    text = "Jan Nowak (0412345), face-1.jpg, nowak.org/care and a dose of 1.5 mg."
    found = in_brackets(text, [Find(0, 9, "NAME", "rule:x")])
    assert [(text[x.start : x.end], x.label) for x in found] == [
        ("0412345", "MRN"), ("face-1.jpg", "PHOTO"), ("nowak.org/care", "URL"),
    ]  # fmt: skip
