"""Terms of prescriptions: numbers, units and formulas, against hand-made values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.text.medication_terms import Terms, read_terms
from clinnlp.text.tables import data_path

TERMS = read_terms(data_path("medication_en.tsv"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000", (1000, 1000)),
        ("1-1/2", (1.5, 1.5)),
        ("1 and 1/2", (1.5, 1.5)),
        ("1/2", (0.5, 0.5)),
        ("½", (0.5, 0.5)),
        (".5", (0.5, 0.5)),
        ("one-half", (0.5, 0.5)),
        ("one and a half", (1.5, 1.5)),
        ("2 to 3", (2, 3)),
        ("4-6", (4, 6)),
        ("none", None),
    ],
)
def test_numbers(text, expected):
    assert TERMS.numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "numbers", "mg", "is_rate"),
    [
        ("40 mg", (40, 40), 1, False),
        ("2.5 mg to 5 mg", (2.5, 5), 1, False),
        ("100 mcg", (100, 100), 0.001, False),
        ("50 ug", (50, 50), 0.001, False),
        ("50ug", (50, 50), 0.001, False),
        ("50 ug to 100 ug", (50, 100), 0.001, False),
        ("50 ug/kg/min", (50, 50), None, True),
        ("500 mg to 1 g", (0.5, 1), 1000, False),
        ("1/2-1 mg", (0.5, 1), 1, False),
        ("3½ mg", (3.5, 3.5), 1, False),
        ("0,5 mg", (0.5, 0.5), 1, False),
        ("10/325 mg", None, 1, False),
        ("5-325 mg", None, 1, False),
        ("10 units", (10, 10), None, False),
        ("1%", (1, 1), None, True),
        ("250 mg/5 ml", (250, 250), None, True),
    ],
)
def test_amounts(text, numbers, mg, is_rate):
    assert TERMS.amount(text) == (numbers, mg, is_rate)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daily", 1), ("b.i.d.", 2), ("bid", 2), ("b. i. d.", 2), ("q.i.d", 4), ("q8h", 3),
        ("q. 8 h.", 3), ("every eight hours", 3), ("every other day", 0.5),
        ("three times a day", 3), ("with food", None),
        ("once a week", 1 / 7), ("every 3 weeks", 1 / 21), ("q.3 weekly", 1 / 21),
        ("5 times daily", 5), ("every 30 minutes", 48), ("q.o.d.", 0.5), ("twice weekly", 2 / 7),
    ],
)  # fmt: skip
def test_doses_per_day(text, expected):
    (item,) = TERMS.find(text, 0, len(text))
    assert (item.field, item.text) == ("frequency", text)
    value = TERMS.computed(item)
    assert value == (None if expected is None else pytest.approx((expected, expected)))


@settings(deadline=None)
@given(st.integers(1, 48), st.sampled_from(["q{}h", "every {} hours", "q. {} hours", "q.{}h."]))
def test_every_so_many_hours_is_24_over_their_number(hours, form):
    text = form.format(hours)
    (item,) = TERMS.find(text, 0, len(text))
    assert TERMS.computed(item) == pytest.approx((24 / hours, 24 / hours))


@settings(deadline=None)
@given(st.text("mgq.1/2 -onet½,%dhx(", max_size=40))
def test_finds_are_disjoint_and_stand_where_they_say(text):
    at = 0
    for item in TERMS.find(text, 0, len(text)):
        assert at <= item.start < item.end
        assert text[item.start : item.end] == item.text
        at = item.end


def test_brackets_are_alternatives_and_stops_come_all_or_none():
    terms = Terms([("(for|x) <n> (|more) days", "duration", "<n>"), ("p.o.", "route", "oral")])
    for text in ("for 3 days", "x 3 more days", "x3days"):
        (item,) = terms.find(text, 0, len(text))
        assert (item.text, terms.computed(item)) == (text, (3, 3))
    assert [i.text for i in terms.find("p.o. po p o", 0, 11)] == ["p.o.", "po"]
