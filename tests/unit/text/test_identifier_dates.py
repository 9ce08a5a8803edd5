"""Dates as written: parts and form, and another date in the same form."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.text.identifier_dates import read_date, write_date

DAYS = st.dates(date(1950, 1, 1), date(2049, 12, 31))
FORMS = {  # with a day over 12, so that its place is plain
    "en": ["5/23/1998", "05/23/98", "5-23-98", "5.23.1998", "1998-05-23", "1998/5/23",
           "May 23, 1998", "MAY 23RD 1998", "23 May 1998", "23-May-98", "September 23rd, '98",
           "Sept. 23, 1998", "23MAY1998"],
    "es": ["23/05/1998", "23-5-98", "23 de mayo de 1998", "23-mayo-1998", "23 de mayo del 1998",
           "23 may 98"],
}  # fmt: skip
PARTS = [
    ("March 2021", "en", (2021, 3, None)),
    ("3/14", "en", (None, 3, 14)),
    ("14/3", "en", (None, 3, 14)),
    ("3/4/2021", "en", (2021, 3, 4)),
    ("3/4/2021", "es", (2021, 4, 3)),
    ("12/2003", "en", (2003, 12, None)),
    ("2003", "en", (2003, None, None)),
    ("June", "en", (None, 6, None)),
    ("mayo de 2011", "es", (2011, 5, None)),
    ("setiembre de 2011", "es", (2011, 9, None)),
    ("4th of July", "en", (None, 7, 4)),
]


@pytest.mark.parametrize(("text", "language"), [(f, k) for k, of in FORMS.items() for f in of])
def test_what_is_written_as_it_was_is_the_same(text, language):
    read = read_date(text, language)
    assert (read.year, read.day) == (1998, 23)
    same = write_date(read, date(1998, read.month, 23), language)
    assert same.lower() == text.lower().replace("sept.", "sep.")


@given(DAYS, st.sampled_from([(f, k) for k, of in FORMS.items() for f in of]))
def test_a_moved_date_is_read_back(day, form):
    text, language = form
    moved = write_date(read_date(text, language), day, language)
    read = read_date(moved, language)
    if read.form == read_date(text, language).form or day.day > 12:
        assert (read.year, read.month, read.day) == (day.year, day.month, day.day)


@pytest.mark.parametrize(("text", "language", "parts"), PARTS)
def test_parts(text, language, parts):
    read = read_date(text, language)
    assert (read.year, read.month, read.day) == parts


@pytest.mark.parametrize(
    "text", ["", "fall", "13/32/2020", "2/30/2021", "1/2/3/4", "May June", "99"]
)
def test_what_is_no_date_gives_none(text):
    assert read_date(text) is None


def test_the_order_of_day_and_month_may_be_told():
    assert read_date("3/4/2021", day_first=True).month == 4


@pytest.mark.parametrize(
    ("day", "written"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (22, "22nd")],
)
def test_ordinals_follow_the_day(day, written):
    assert write_date(read_date("May 4th, 2020"), date(2021, 6, day)) == f"June {written}, 2021"


@given(st.text(max_size=20))
def test_any_text_is_read_or_not(text):
    read = read_date(text)
    assert read is None or (read.year, read.month, read.day) != (None, None, None)
