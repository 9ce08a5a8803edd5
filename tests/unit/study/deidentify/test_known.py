"""What the record says of patients, from a table."""

from datetime import date

import pytest

from clinnlp.core.errors import DataError
from clinnlp.study.deidentify.known import read_known, values_of


def test_rows_of_a_patient_are_joined(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text(
        "patient,Name,birth_date,mrn,phone,other\n"
        "p1,Ann Lee,1950-03-01,0012,555-0143,x\np1,Lee Wong,,,,\n,Nobody,,,,\np2,,,77,,\n"
    )
    known = read_known(path)
    assert known["p1"].names == ("Ann Lee", "Lee Wong")
    assert known["p1"].birth_date == date(1950, 3, 1)
    assert known["p1"].ids == {"MRN": ("0012",)}
    assert known["p2"].ids == {"MRN": ("77",)}
    assert set(known) == {"p1", "p2"}
    assert values_of(known)["p1"] == ("Ann", "Lee", "Lee", "Wong", "0012", "555-0143")


def test_a_table_that_says_nothing_is_refused(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text("patient,other\np1,x\n")
    with pytest.raises(DataError, match="must have patient and some of name, clinician"):
        read_known(path)
    path.write_text("patient,birth_date\np1,Zebraday\n")
    with pytest.raises(DataError, match=r"known.csv:2: a date of what is known must be") as caught:
        read_known(path)
    assert "Zebra" not in str(caught.value)
