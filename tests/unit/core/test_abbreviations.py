"""Short forms and their long forms: what they are, and where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.abbreviations import abbreviations, short_forms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acute kidney injury (AKI)", {"AKI": "acute kidney injury"}),
        (
            "coronary artery disease (CAD), chronic obstructive pulmonary disease (COPD)",
            {"CAD": "coronary artery disease", "COPD": "chronic obstructive pulmonary disease"},
        ),
        ("pain (see below) and (CHF)", {}),
        ("the left arm (PICC)", {}),
        ("(AKI)", {}),
        ("given MTX (methotrexate) daily", {"MTX": "methotrexate"}),
        ("the BP (was taken)", {}),
    ],
)
def test_abbreviations(text, expected):
    assert abbreviations(text) == expected


def test_places_are_those_of_the_text():
    text = "Syndrome of\ninappropriate  ADH (SIADH) 🎗 was treated; later MTX (methotrexate)."
    found = short_forms(text)
    assert [text[s.start : s.end] for s, _ in found] == ["SIADH", "MTX"]
    assert [text[s.start : s.end] for _, s in found] == [
        "Syndrome of\ninappropriate  ADH",
        "methotrexate",
    ]
    assert abbreviations(text)["SIADH"] == "Syndrome of inappropriate ADH"


@given(
    st.lists(st.text(alphabet="ab é\n", max_size=8), min_size=1, max_size=4),
    st.text(alphabet="ABé", min_size=2, max_size=3),
)
def test_a_short_form_stands_beside_its_long_form(words, form):
    text = f"{' '.join(words)} ({form}) {form} ({words[-1]})"
    for short, long in short_forms(text):
        first, second = sorted([short, long])
        assert set(text[first.end : second.start]) <= set(" \n(")
        assert long.end - long.start > short.end - short.start
