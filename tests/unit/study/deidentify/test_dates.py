"""Dates in text: read in every form, moved, and written back in that form."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.study.deidentify.dates import date_forms, day_first_in

EN, ES = date_forms("en"), date_forms("es")
NEAR = date(2020, 1, 5)
FORMS = {  # how a date is written, by strftime; those that say all of it
    "en": ("%m/%d/%Y", "%Y-%m-%d", "%Y/%m/%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d-%b-%Y",
           "%Y%m%d", "%A, %B %d, %Y", "%m-%d-%Y", "%d %b, %Y", "%Y-%m-%dT08:30:00Z"),
    "es": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d"),
}  # fmt: skip
WORDED = ("%b", "%B")


def told(text, how):
    """Return a date without what it does not say itself: 31 no zero in front, May no short word."""
    if not any(word in how for word in WORDED):
        return text
    return re.sub(r"\b([A-Z][a-z]{2})[a-z]+", r"\1", re.sub(r"\b0(\d)\b", r"\1", text))


DAYS = st.dates(date(1940, 1, 1), date(2019, 12, 31))
SHIFTS = st.integers(-3650, -30)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([(lang, form) for lang in FORMS for form in FORMS[lang]]), DAYS, SHIFTS)
def test_a_whole_date_moves_exactly_and_keeps_its_form(form, day, days):
    language, how = form
    made = date_forms(language).moved(f"{day:{how}}", days, near=NEAR)
    if NEAR.year - day.year > 89:
        assert made is None
    else:
        assert told(made, how) == told(f"{day + timedelta(days):{how}}", how)


@settings(max_examples=100, deadline=None)
@given(DAYS, DAYS, SHIFTS, st.sampled_from(FORMS["en"]), st.sampled_from(FORMS["en"]))
def test_intervals_stay_whatever_the_forms(first, second, days, one, other):
    made = [EN.moved(f"{day:{how}}", days) for day, how in ((first, one), (second, other))]
    back = [EN.moved(text, -days) for text in made]
    for text, day, how in zip(back, (first, second), (one, other), strict=True):
        assert told(text, how) == told(f"{day:{how}}", how)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("3/1/19", "4/3/19"),
        ("March 1st, 2019", "April 3rd, 2019"),
        ("MARCH 21ST 2018", "APRIL 23RD 2018"),
        ("1 mar 2019", "3 apr 2019"),
        ("Sept. 3, 2019", "Oct. 6, 2019"),
        ("12 of May, 2019", "14 of June, 2019"),
        ("Mar 2019", "Apr 2019"),
        ("03/2019", "04/2019"),
        ("2019-03", "2019-04"),
        ("2019", "2019"),
        ("12/25", "01/27"),
        ("Feb 29", "Apr 2"),
        ("May", "June"),
        ("Monday", "Saturday"),
        ("3/4/19 - 3/8/19", "4/6/19 - 4/10/19"),
        ("03/01/2019 10:30 AM", "04/03/2019 10:30 AM"),
        ("mid-March 2019", "mid-April 2019"),
        ("1/2/'03", None),
        ("the 12th", None),
        ("02/30/2019", None),
        ("26708/2017", None),
        ("soon", None),
        ("", None),
    ],
)
def test_forms_of_english(text, made):
    assert EN.moved(text, 33, near=NEAR) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("12 de marzo de 2019", "14 de abril de 2019"),
        ("lunes, 3 de abril del 2019", "sábado, 6 de mayo del 2019"),
        ("1º de mayo de 2019", "3º de junio de 2019"),
        ("enero del 2019", "febrero del 2019"),
        ("20 mar 2019", "22 abr 2019"),
        ("03/04/2019", "06/05/2019"),
        ("3-IV-2019", None),
    ],
)
def test_forms_of_spanish(text, made):
    assert ES.moved(text, 33, near=NEAR) == made


def test_weekdays_stay_by_whole_weeks():
    assert EN.moved("Friday, March 1, 2019", -70) == "Friday, December 21, 2018"


def test_what_comes_first_is_said_by_a_date_that_can_be_read_in_one_way():
    assert day_first_in(["03/04/2019", "25/04/2019"]) is True
    assert day_first_in(["04/25/2019"]) is False
    assert day_first_in(["25/04/2019", "04/25/2019"]) is None
    assert EN.moved("03/04/2019", 30, day_first=True) == "03/05/2019"


def test_the_latest_year_that_is_said_tells_ages_where_no_time_is_known():
    forms = date_forms("en")
    at = forms.latest(["3/14/1926", "[DATE]", "Feb 2024", "2/4"])
    assert at == date(2024, 12, 31)
    assert forms.latest(["2/4"]) is None
    assert forms.moved("3/14/1926", 5, ages_at=at) is None is forms.year("1926", ages_at=at)
    assert forms.moved("3/14/1936", 5, ages_at=at) == "3/19/1936"
    assert forms.year("3/14/1926", near=date(2001, 1, 1)) == "1926"


def test_a_year_alone_is_told_where_it_tells_no_age_above_89():
    assert EN.year("March 1, 2019", near=NEAR) == "2019"
    assert EN.year("3/1", near=NEAR) is None
    assert EN.year("3/1/1929", near=NEAR) is None
    assert EN.year("2018-2019", near=NEAR) is None
    assert EN.moved("3/1/1929", -40, near=NEAR) is None
    assert EN.moved("0001-01-02", -40) is None
