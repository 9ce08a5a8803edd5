"""Answers of forms: words, boxes and signs, and what only looks like them."""

import pytest

from clinnlp.text.forms import Answers

WORDS = {
    **dict.fromkeys(("no", "n", "neg", "negative", "denies", "not applicable"), "no"),
    **dict.fromkeys(("yes", "y", "pos", "positive"), "yes"),
    "unknown": "unknown",
}
FIND = Answers(WORDS, bare={"no": 1, "yes": 1, "neg": 2, "pos": 2})


def _said(text):
    return [(text[a.phrase.start : a.phrase.end].strip(), a.said) for a in FIND(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fever: No", [("Fever: No", "no")]),
        ("Fever = no\nCough: YES", [("Fever = no", "no"), ("Cough: YES", "yes")]),
        ("Fever: N  Cough: Y", [("Fever: N", "no"), ("Cough: Y", "yes")]),
        ("Fever\tNo\tCough\tYes", [("Fever\tNo", "no"), ("Cough\tYes", "yes")]),
        ("Fever ..... No", [("Fever ..... No", "no")]),
        ("Fever | No |", [("Fever | No", "no")]),
        ("Fever - no, chills - yes", [("Fever - no", "no"), ("chills - yes", "yes")]),
        ("Fever (Y/N): N", [("Fever (Y/N): N", "no")]),
        ("Headache: -", [("Headache: -", "no")]),
        ("Falls: 0", [("Falls: 0", "no")]),
        ("Diabetes? Yes", [("Diabetes? Yes", "yes")]),
        ("any pain? no. cough? yes.", [("any pain? no", "no"), ("cough? yes", "yes")]),
        ("Pain [No], cough [Yes]", [("Pain [No", "no"), ("cough [Yes", "yes")]),
        ("Pain [no] cough [yes]", [("Pain [no", "no"), ("cough [yes", "yes")]),
        ("fever no, cough yes", [("fever no", "no"), ("cough yes", "yes")]),
        ("HBsAg neg HCV pos", [("HBsAg neg", "no"), ("HCV pos", "yes")]),
        ("Stroke: unknown", [("Stroke: unknown", "unknown")]),
        ("[ ] fever [x] cough", [("[ ] fever", "no"), ("[x] cough", "yes")]),
        ("☐ fever\n☒ cough\n☑ rash", [("☐ fever", "no"), ("☒ cough", "yes"), ("☑ rash", "yes")]),
        ("Pain: [ ]\nCough: [x]", [("Pain: [ ]", "no"), ("Cough: [x]", "yes")]),
        ("( ) fever (x) cough", [("( ) fever", "no"), ("(x) cough", "yes")]),
        ("Stroke: ( ) Yes (x) No", [("Stroke: ( ) Yes (x) No", "no")]),
        ("Yes [ ] No [x] Stroke", [("[ ] No [x] Stroke", "no")]),
        ("fever (-), cough (+)", [("fever (-)", "no"), ("cough (+)", "yes")]),
        ("Fever: (-)  Cough: (+)", [("Fever: (-)", "no"), ("Cough: (+)", "yes")]),
        ("ROS: (-) fever", [("(-) fever", "no")]),
        ("(+)cough (-)fever, rash", [("(+)cough", "yes"), ("(-)fever, rash", "no")]),
        ("-CP +SOB", [("-CP", "no"), ("+SOB", "yes")]),
        ("HIV-, HCV+", [("HIV-", "no"), ("HCV+", "yes")]),
        ("cough+ fever-", [("cough+", "yes"), ("fever-", "no")]),
    ],
)
def test_answers(text, expected):
    assert _said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plan: no change",
        "Plan - no change",
        "ROS: no cough HEENT: ok",
        "- itch\n- rash\n-hives",
        "pre- and postoperative care, 1-2 tablets",
        "Seen in the ER (x) today",
        "There is no hematoma present.",
        "HIV negative",
        "She said that there was no",
    ],
)
def test_what_is_no_answer(text):
    assert _said(text) == []


def test_a_label_is_never_longer_than_a_form_has_it():
    text = "word " * 100 + ": no"
    (answer,) = FIND(text)
    assert answer.phrase.end - answer.phrase.start < 100
