"""Lookup: longest names between word boundaries, short names in their own case."""

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.lookup import Lookup

WORDS = Vocabulary(
    [
        Concept(code="P1", name="chest pain", label="Problem"),
        Concept(code="P2", name="pain", label="Problem"),
        Concept(code="P3", name="pulmonary embolism", synonyms=("PE",), label="Problem"),
        Concept(code="D1", name="İnsulin", label="Drug"),
        Concept(code="P4", name="pain", label="Other"),
    ]
)


def _found(text, **options):
    note = Lookup(WORDS, **options)(Note(id="n", text=text))
    return [(note.mention(e), e.concepts[0]) for e in note.entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Chest pain and PAIN", [("Chest pain", "P1"), ("PAIN", "P2")]),
        ("chest\r\n  pain", [("chest\r\n  pain", "P1")]),
        ("painful, spain, pain-free", [("pain", "P2")]),
        ("PE or pe", [("PE", "P3")]),
        ("straßE İNSULİN", []),
        ("🙂 İnsulin 🙂 pain", [("İnsulin", "D1"), ("pain", "P2")]),
        ("chest painting", []),
    ],
)
def test_finds(text, expected):
    assert _found(text) == expected


def test_overlap_with_another_source_is_skipped_or_kept():
    gold = Entity(id="L1", span=Span(6, 10), label="X")
    note = Note(id="n", text="chest pain, pain", entities=(gold,))
    skipped = Lookup(WORDS)(note)
    assert [(e.id, e.span) for e in skipped.entities] == [("L1", (6, 10)), ("L2", (12, 16))]
    kept = Lookup(WORDS, overlap="keep")(note)
    assert [e.span for e in kept.entities] == [(6, 10), (0, 10), (12, 16)]


def test_finds_between_the_parts_of_a_mention_are_kept():
    parts = (Span(0, 5), Span(11, 15))
    gold = Entity(id="T1", span=Span(0, 15), parts=parts, label="X")
    note = Lookup(WORDS)(Note(id="n", text="chest pain wall", entities=(gold,)))
    assert len(note.entities) == 1
    note = Lookup(WORDS)(Note(id="n", text="aches pain wall", entities=(gold,)))
    assert [e.span for e in note.entities] == [(0, 15), (6, 10)]


def test_an_unknown_rule_for_overlaps_is_refused():
    with pytest.raises(ArgumentError, match="overlap"):
        Lookup(WORDS, overlap="merge")


LOOKS = Vocabulary(
    [
        Concept(code="A", name="Crohn's disease"),
        Concept(code="B", name="beta-blocker"),
        Concept(code="C", name="biopsy"),
        Concept(code="D", name="oedema"),
        Concept(code="E", name="Lead"),
        Concept(code="F", name="metastasis"),
        Concept(code="G", name="chest pain"),
        Concept(code="H", name="pain"),
        Concept(code="I", name="levothyroxine"),
        Concept(code="J", name="levothyroxin"),
    ]
)


def _codes(text, **options):
    note = Lookup(LOOKS, **options)(Note(id="n", text=text))
    return [(note[e.span], e.concepts[0]) for e in note.entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crohn’s disease, crohn disease, Crohns disease", ["A", "A", "A"]),
        ("beta blockers, Beta-blocker, betablocker", ["B", "B", "B"]),
        ("biopsies", ["C"]),
        ("edema and oedemas", ["D", "D"]),
        ("may lead to; LEAD; Lead level", ["E"]),
        ("metastases", ["F"]),
        ("chest-pain", ["G"]),
        ("painfully", []),
    ],
)
def test_other_looks_of_a_name(text, expected):
    assert [code for _, code in _codes(text)] == expected


def test_without_variants_names_match_as_they_are():
    assert _codes("biopsies, beta blocker, pains", variants=False) == []


def test_names_inside_names_on_request():
    assert _codes("chest pain") == [("chest pain", "G")]
    assert _codes("chest pain", nested=True) == [("chest pain", "G"), ("pain", "H")]


def test_misspelled_names_on_request():
    assert _codes("levothryoxine") == []
    note = Lookup(LOOKS, fuzzy=0.9)(Note(id="n", text="On levothryoxine for oedema"))
    assert [(note[e.span], e.concepts) for e in note.entities] == [
        ("levothryoxine", ("I",)),
        ("oedema", ("D",)),
    ]
    named = [dict(entity.attributes) for entity in note.entities]
    assert [attributes.pop("name") for attributes in named] == [LOOKS["I"].name, LOOKS["D"].name]
    assert named == [{"linked_by": "fuzzy", "link_score": 0.9231}, {}]


def test_no_look_of_a_name_ends_in_a_blank_or_in_the_plural_of_a_letter():
    words = Vocabulary([Concept(code=n, name=n) for n in ("Protein S", "hepatitis A", "rabies")])
    lookup = Lookup(words)
    text = "protein 30, protein-rich, hepatitis as well; protein S, hepatitis A"
    note = lookup(Note(id="n", text=text))
    assert [note[entity.span] for entity in note.entities] == ["protein S", "hepatitis A"]
