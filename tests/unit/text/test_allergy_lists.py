"""Lists of allergies one a line: which lines go with a drug's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.spans import Span
from clinnlp.text.allergy_lists import kind_at, lists_joined
from clinnlp.text.relation_rules import folded, relation_rules
from clinnlp.text.tables import language_path

RULES = relation_rules(language_path("relations", "en"))


def joined(text, kind="allergies"):
    """Return the sentences of lines, the drug being everything that is called drug."""
    starts = [0, *(k + 1 for k, char in enumerate(text) if char == "\n")]
    lines = [(s, line) for s, line in zip(starts, text.split("\n"), strict=True) if line.strip()]
    spans = [Span(s + len(x) - len(x.lstrip()), s + len(x)) for s, x in lines]
    drugs = [k for k in range(len(text)) if text.startswith("drugx", k)]
    found = lists_joined(spans, drugs, [(0, kind)], folded(text), RULES)
    return [text[span.start : span.end] for span in found]


@pytest.mark.parametrize(
    "text",
    [
        "drugx\nReaction: hives",
        "drugx\n- hives",
        "drugx\n  hives",
        "1. drugx\n- hives",
        "- drugx\n  - hives\n  - rash",
        "drugx:\nhives",
        "drugx\nSeverity: high\nRxn: hives",
        "drugx\nReaction:\nhives",
    ],
)
def test_a_reaction_goes_with_the_drug_above_it_in_such_a_section_alone(text):
    assert joined(text) == [text]
    assert len(joined(text, "medications")) == text.count("\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        "drugx\nhives",
        "drugx\n\n- hives",
        "- drugx\n- hives",
        "  drugx\nhives",
        "drugx\n- drugx",
        "drugx\nhives\n- rash",
        "hives\n- rash",
    ],
)
def test_a_line_without_such_a_mark_stands_alone(text):
    assert joined(text) == [line.strip() for line in text.split("\n") if line.strip()]


def test_a_section_of_unknown_kind_goes_on_by_a_field_alone():
    text = "drugx\nREACTION: hives"
    sections = [(0, "allergies"), (6, "other")]
    spans = [Span(0, 5), Span(6, 15), Span(16, 21)]
    assert lists_joined(spans, [0], sections, folded(text), RULES) == [Span(0, 21)]
    text = "drugx\n- hives"
    spans = [Span(0, 5), Span(6, 13)]
    assert lists_joined(spans, [0], sections, folded(text), RULES) == spans


def test_the_kind_of_a_place_is_that_of_the_section_begun_last():
    sections = [(3, "allergies"), (9, "plan")]
    assert [kind_at(sections, at) for at in (0, 3, 8, 9, 99)] == [
        "", "allergies", "allergies", "plan", "plan",
    ]  # fmt: skip


PIECES = ["drugx", "hives", "- ", "  ", "\n", "\r\n", "Reaction: ", "severe", ":", "1. "]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_what_is_joined_is_what_was_there_in_order(text):
    lines = joined(text)
    assert [x for line in lines for x in line.split()] == text.split()
