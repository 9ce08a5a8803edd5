"""Medications: what stands after a drug; what the text does not say stays absent."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications

DEFAULT = Medications()


def _attributes(text, *drugs, label="Drug"):
    entities = tuple(
        Entity(id=f"T{i}", span=Span(text.index(d), text.index(d) + len(d)), label=label)
        for i, d in enumerate(drugs)
    )
    note = DEFAULT(Note(id="n", text=text, entities=entities))
    return [dict(e.attributes) for e in note.entities]


@pytest.mark.parametrize(
    ("text", "drug", "expected"),
    [
        (
            "lisinopril 10 mg PO daily",
            "lisinopril",
            {"dose": "10 mg", "dose_mg": 10.0, "route": "PO", "frequency": "daily"},
        ),
        (
            "Synthroid 0.137 mg each morning",
            "Synthroid",
            {"dose": "0.137 mg", "dose_mg": 0.137, "frequency": "each morning"},
        ),
        ("Ativan 500 mcg IV", "Ativan", {"dose": "500 mcg", "dose_mg": 0.5, "route": "IV"}),
        (
            "vancomycin 1,000 mg i.v. q.12h. for 7 days",
            "vancomycin",
            {
                "dose": "1,000 mg",
                "dose_mg": 1000.0,
                "route": "i.v.",
                "frequency": "q.12h.",
                "duration": "for 7 days",
            },
        ),
        (
            "Tylenol 1-2 tablets every 4 to 6 hours",
            "Tylenol",
            {"dose": "1-2 tablets", "frequency": "every 4 to 6 hours"},
        ),
        ("prednisone 5-10 mg daily", "prednisone", {"dose": "5-10 mg", "frequency": "daily"}),
        (
            "insulin 10 units subcutaneously at bedtime",
            "insulin",
            {"dose": "10 units", "route": "subcutaneously", "frequency": "at bedtime"},
        ),
        ("He takes aspirin.", "aspirin", {}),
        ("aspirin. Then 10 mg of another daily.", "aspirin", {}),
    ],
)
def test_attributes(text, drug, expected):
    assert _attributes(text, drug) == [expected]


def test_each_drug_has_its_own():
    found = _attributes("aspirin 81 mg, Plavix 75 mg daily and Lasix", "aspirin", "Plavix", "Lasix")
    assert [a.get("dose_mg") for a in found] == [81.0, 75.0, None]
    assert [a.get("frequency") for a in found] == [None, "daily", None]


def test_other_labels_are_left_alone():
    assert _attributes("fever 10 mg daily", "fever", label="Problem") == [{}]


def test_what_a_mention_already_has_is_kept():
    entity = Entity(id="T", span=Span(0, 5), label="Drug", attributes={"dose": "gold"})
    note = DEFAULT(Note(id="n", text="Lasix 40 mg daily", entities=(entity,)))
    assert note.entities[0].attributes["dose"] == "gold"
    assert note.entities[0].attributes["frequency"] == "daily"


@pytest.mark.parametrize("row", ["mg\tunits\t1", "mg\tunit\tone"])
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row):
    table = tmp_path / "m.tsv"
    table.write_text("term\tfield\tvalue\n" + row + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"m\.tsv:2: "):
        Medications(table)
