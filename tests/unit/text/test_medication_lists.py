"""Lists below a line that says what becomes of their drugs."""

import pytest

from clinnlp.core.spans import Span
from clinnlp.text.medication_lists import listed
from clinnlp.text.medication_terms import read_terms
from clinnlp.text.tables import data_path

TERMS = read_terms(data_path("medication_en.tsv"))
NAMES = ("aspirin", "lasix", "plavix")


def found(text):
    """What is said of each drug of `NAMES` in the text, in text order."""
    spans = sorted(
        Span(at, at + len(name))
        for name in NAMES
        for at in range(len(text))
        if text.startswith(name, at)
    )
    said = listed(TERMS, text, spans)
    return [said.get(k, "-") for k in range(len(spans))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stop taking:\n- aspirin\n- lasix 20 mg\n", "stop stop"),
        ("medications stopped during this admission:\naspirin\nlasix", "stop stop"),
        ("** held on admission: **\n1) aspirin\n2) lasix", "hold hold"),
        ("discontinued medications\naspirin\n  take one daily\nlasix", "stop stop"),
        ("stop:\n\n* aspirin\n\n* lasix\n\nplavix 75 mg", "stop stop -"),
        ("stop:\naspirin\ncontinue:\nlasix\nfollow up soon\nplavix", "stop continue -"),
        ("stop:\naspirin and lasix\nhe takes plavix", "stop stop -"),
        ("stop:\nseen by us\naspirin", "-"),
        ("stop\naspirin", "-"),  # a heading needs a colon or a word such as "medications"
        ("the patient was asked to stop:\naspirin", "-"),
        ("aspirin was stopped:\nlasix", "- -"),
        ("stop:", ""),
        ("stop:\r\naspirin\r\n\r\nlasix", "stop -"),
    ],
)
def test_a_list_ends_where_its_lines_do(text, said):
    assert found(text) == said.split()


def test_drugs_that_overlap_share_it():
    text = "off these meds:\n- aspirin lasix"
    spans = [Span(18, 25), Span(18, 31)]
    assert listed(TERMS, text, spans) == {0: "stop", 1: "stop"}


def test_long_lists_are_read():
    names = "".join(f"- aspirin {n} mg\n" for n in range(5_000))
    assert found(f"stop taking:\n{names}") == ["stop"] * 5_000
