"""Numbers and results of a laboratory, as tables of several countries hold them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.io.tables.numbers import measurement_of, number_from_text

MARKS = [("", "."), (",", "."), ("", ","), (".", ","), (" ", ","), ("\u202f", ","), ("'", ".")]


@pytest.mark.parametrize(
    ("text", "sep", "number"),
    [
        ("7.5", ",", 7.5),
        ("7,5", ",", 7.5),
        ("7,5", ";", 7.5),
        ("7.5", ";", 7.5),  # two digits behind it or fewer: no thousands
        ("1.234", ",", 1.234),
        ("1,234", ";", 1.234),
        ("0,123", ",", 0.123),  # no group of thousands begins with 0
        ("0.123", ";", 0.123),
        ("1.234,5", ",", 1234.5),
        ("1,234.5", ";", 1234.5),
        ("1.234.567", ";", 1234567.0),
        ("1,234,567", ",", 1234567.0),
        ("1 234 567,8", ";", 1234567.8),
        ("1\u202f234,5", ";", 1234.5),
        ("12'345.6", ",", 12345.6),
        ("-3,25", ";", -3.25),
        ("1e3", ",", 1000.0),
        (" 12 ", ",", 12.0),
    ],
)
def test_numbers(text, sep, number):
    assert number_from_text(text, sep=sep) == number


@pytest.mark.parametrize(("text", "sep"), [("1,234", ","), ("1.234", ";"), ("12.345", ";")])
def test_a_number_of_two_meanings_is_refused_until_it_is_said(text, sep):
    with pytest.raises(ValueError, match="one meaning") as caught:
        number_from_text(text, sep=sep)
    assert text not in str(caught.value)
    whole = float(text.replace(",", "").replace(".", ""))
    mark = "," if "," in text else "."
    other = "." if mark == "," else ","
    assert number_from_text(text, mark, sep) == whole / 1000
    assert number_from_text(text, other, sep) == whole


@pytest.mark.parametrize(
    "text",
    ["", "x", "1,2,3", "1.23.4", "1,23,456", "5-10", "5 mg", "inf", "1e999", "1_000", "--5", "١"],
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r"number must"):
        number_from_text(text)


@given(
    st.integers(-(10**9), 10**9),
    st.integers(1, 4).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)),
    st.sampled_from(MARKS),
)
def test_a_number_written_by_any_country_is_read_when_the_decimal_is_said(whole, decimals, marks):
    thousands, point = marks
    text = f"{whole:,}".replace(",", thousands) + point + decimals
    assert number_from_text(text, point) == float(f"{whole}.{decimals}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<5", (5.0, "<", None)),
        ("< 0,5", (0.5, "<", None)),
        (">1000", (1000.0, ">", None)),
        ("≤3", (3.0, "<=", None)),
        (">= 90", (90.0, ">=", None)),
        ("1+", (math.nan, None, "1+")),
        ("++", (math.nan, None, "2+")),
        ("(+)", (math.nan, None, "trace")),
        ("neg", (math.nan, None, "neg")),
        ("Negativ", (math.nan, None, "neg")),
        ("NÉGATIF", (math.nan, None, "neg")),
        ("positief", (math.nan, None, "pos")),
        ("", (math.nan, None, None)),
        (".", (math.nan, None, None)),  # SAS
        ("NA", (math.nan, None, None)),  # R
        ("#NV", (math.nan, None, None)),  # Excel
        ("12,5", (12.5, None, None)),
    ],
)
def test_results_of_a_laboratory(text, found):
    made = measurement_of(text, sep=";")
    assert made[1:] == found[1:]
    assert made.value == found[0] or (math.isnan(made.value) and math.isnan(found[0]))


@pytest.mark.parametrize("text", ["<", "<x", "haemolytic", "<<5", "5 <", "-"])
def test_what_is_no_result(text):
    with pytest.raises(ValueError, match="number must"):
        measurement_of(text)
