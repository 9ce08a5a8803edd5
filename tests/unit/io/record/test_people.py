"""Patients from a table."""

from datetime import date

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.record.people import read_patients


def test_missing_stays_missing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("patient,birth_date,sex,zip\np1,1950-01-02,F,1\np2,,,2\n")
    assert read_patients(path) == [
        Patient(id="p1", birth_date=date(1950, 1, 2), sex="F"),
        Patient(id="p2"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\n1\n", "a.csv: one column must be named 'patient'"),
        ("patient,sex\np1,F\np1,F\n", "a.csv:3: patient ids must be unique, got a repeated"),
        ('patient,sex\n"",F\n', "a.csv:2: .* got a empty"),
        ("patient,birth_date\np1,secret\n", "a.csv:2: birth_date must be ISO 8601"),
    ],
)
def test_broken(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_patients(path)
    assert caught.value.__context__ is None
