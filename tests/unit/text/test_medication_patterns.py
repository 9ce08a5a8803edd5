"""Terms of prescriptions as patterns: a number stands once before all that begin with one."""

import re

from clinnlp.text.medication_patterns import any_of

TERMS = ["# (day|days)", "# weeks of it", "by mouth", "#-day", "every # hours"]
NUMBERS = r"(?:\d+|two|two to three)"


def test_what_begins_with_a_number_is_found_as_what_does_not():
    text = "3 days, two to three weeks of it, 10-day, by mouth, every 4 hours, two days, 5 apples"
    assert re.findall(any_of(TERMS, NUMBERS), text) == [
        "3 days",
        "two to three weeks of it",
        "10-day",
        "by mouth",
        "every 4 hours",
        "two days",
    ]


def test_the_pattern_of_a_number_is_not_repeated():
    assert any_of(TERMS, NUMBERS).count(NUMBERS) == 2  # before all that begin with it, and inside
