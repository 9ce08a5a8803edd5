"""Amounts of prescriptions: every unit of the table has its own value, however it is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.medication_patterns import variants
from clinnlp.text.medication_terms import read_terms
from clinnlp.text.tables import data_path, read_table

PATH = data_path("medication_en.tsv")
TERMS = read_terms(PATH)
ROWS = [row for _, row in read_table(PATH, ("term", "field", "value"))]
UNITS = sorted(  # the unit as written, its milligrams or None, whether it is a rate
    {
        (unit.replace("<n>", "5"), float(value) if value else None, field == "rate")
        for term, field, value in ROWS
        if field in ("unit", "rate")
        for unit in variants(term)
    },
    key=str,
)
ONE = ("50 {}", "50{}", "50-{}")
RANGES = ("50-100 {}", "50 to 100 {}", "50{}-100{}", "50 {} to 100 {}", "50 {} - 100 {}")


def amount(text):
    """The one find that must reach over the whole text, as an amount."""
    folded = fold_keeping_length(text)
    (item,) = TERMS.find(folded, 0, len(folded))
    assert (item.field, item.text) == ("amount", folded)
    return TERMS.amount(item.text)


def test_the_table_has_units_and_rates():
    assert len(UNITS) > 200
    assert sum(mg is not None for _, mg, _ in UNITS) >= 20


@pytest.mark.parametrize("form", ONE)
def test_each_unit_alone_has_its_own_value(form):
    for unit, mg, is_rate in UNITS:
        for written in {unit, unit.upper(), unit.capitalize()}:
            assert amount(form.replace("{}", written)) == ((50, 50), mg, is_rate), written


@pytest.mark.parametrize("form", RANGES)
def test_each_unit_of_a_range_has_its_own_value(form):
    for unit, mg, is_rate in UNITS:
        for written in {unit, unit.upper()}:
            assert amount(form.replace("{}", written)) == ((50, 100), mg, is_rate), written


@pytest.mark.parametrize("unit", ["µg", "μg", "ug", "mcg", "MCG", "Ug", "µG", "mcgs"])
@pytest.mark.parametrize("form", [*ONE, *RANGES])
def test_micrograms_are_never_grams(unit, form):
    assert amount(form.replace("{}", unit)).mg == 0.001


@pytest.mark.parametrize("unit", ["mcg", "mg", "gm"])
def test_a_stop_may_follow_the_first_unit_of_a_range(unit):
    assert amount(f"50 {unit}. to 100 {unit}").numbers == (50, 100)


@pytest.mark.parametrize(
    ("text", "numbers", "mg"),
    [
        ("500 mg to 1 g", (0.5, 1), 1000),
        ("0.5-1 g", (0.5, 1), 1000),
        ("500 mcg - 1 mg", (0.5, 1), 1),
        ("1 g to 500 mg", (500, 1000), 1),
        ("5 mg to 10 ml", None, None),
        ("1/2-1 mg", (0.5, 1), 1),
        ("1/2 to 1 1/2 mg", (0.5, 1.5), 1),
        ("7.5/325 mg", None, 1),
        ("1,000-2,000 mg", (1000, 2000), 1),
        ("half a gram", (0.5, 0.5), 1000),
    ],
)
def test_a_range_may_mix_units_and_fractions(text, numbers, mg):
    assert amount(text)[:2] == (numbers, mg)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,000", 1000), ("12,500", 12500), ("1,000,000", 1e6), ("1,000.5", 1000.5),
        ("0.125", 0.125), (".125", 0.125), ("0,125", 0.125), ("0,5", 0.5), ("2,5", 2.5),
        ("37,5", 37.5), ("1,25", 1.25), ("½", 0.5), ("1½", 1.5), ("3½", 3.5), ("3 ½", 3.5),
        ("1¾", 1.75), ("⅓", 1 / 3), ("2⅔", 8 / 3), ("1/2", 0.5), ("1 1/2", 1.5), ("1-1/2", 1.5),
        ("1 and 1/2", 1.5), ("one and a half", 1.5), ("two", 2), ("quarter", 0.25),
    ],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["ug", "mg", "units"])
def test_numbers_as_people_write_them(text, number, unit):
    low, high = amount(f"{text} {unit}").numbers
    assert (low, high) == pytest.approx((number, number))


@settings(deadline=None)
@given(
    st.integers(1, 9_999_999), st.sampled_from(["ug", "mcg", "mg", "g", "ng", "u", "ml", "kg"]),
    st.sampled_from(["{} {}", "{}{}"]),
)  # fmt: skip
def test_separators_of_thousands_change_nothing(number, unit, form):
    plain, parted = (amount(form.format(n, unit)) for n in (str(number), f"{number:,}"))
    assert plain == parted
    assert plain.numbers == (number, number)


@settings(deadline=None)
@given(st.text("0123456789,./½¾ -–>→tomgukl", max_size=40))
def test_no_text_of_numbers_and_units_fails(text):
    folded = fold_keeping_length(text)
    for item in TERMS.find(folded, 0, len(folded)):
        TERMS.amount(item.text)
        TERMS.is_rate(item)
        for by_to in (False, True):
            pieces = TERMS.apart(item, by_to=by_to)
            assert all(item.start <= p.start < p.end <= item.end for p in pieces)
            assert [p.start for p in pieces] == sorted({p.start for p in pieces})
            assert all(TERMS.amount(p.text) is not None for p in pieces)
