"""MIMIC-IV by hand: who, when, and what was known when."""

from datetime import date, datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.record.mimic4 import is_mimic4, read_mimic4
from tests.common.record_samples import MIMIC3, MIMIC4, write_record


@pytest.fixture
def record(tmp_path):
    return read_mimic4(write_record(tmp_path, MIMIC4, "csv.gz"))


def rows_of(record, kind):
    return [row for row in record.events.rows() if row["kind"] == kind]


def test_ages_come_from_the_anchor(record):
    assert record.patients == [
        Patient(id="10", birth_date=date(2128, 1, 1), sex="F", ethnicity="WHITE"),
        Patient(id="11", birth_date=None, sex="M"),  # over 89
        Patient(id="12", birth_date=date(2107, 1, 1), sex="F"),
    ]


def test_deaths_in_the_hospital_go_before_days_of_death(record):
    assert record.deaths == {"11": datetime(2150, 12, 5, 8)}


def test_codes_are_known_at_discharge_by_their_version(record):
    told = [(r["code"], r["vocabulary"], r["known"]) for r in rows_of(record, "condition")]
    assert told == [
        ("5723", "ICD9CM", datetime(2180, 5, 9, 17, 15)),
        ("K7290", "ICD10CM", datetime(2180, 5, 9, 17, 15)),
    ]
    told = [(r["code"], r["vocabulary"], r["start"], r["known"])
            for r in rows_of(record, "procedure")]  # fmt: skip
    assert told == [
        ("5491", "ICD9PROC", datetime(2180, 5, 7), datetime(2180, 5, 9, 17, 15)),
        # done after the discharge that is written: not known before it was done
        ("0W9G3ZZ", "ICD10PCS", datetime(2180, 5, 25), datetime(2180, 5, 25, 23, 59, 59)),
    ]


def test_drugs(record):
    told = [(r["code"], r["dose"], r["start"], r["end"], r["known"], r["encounter"])
            for r in rows_of(record, "drug")]  # fmt: skip
    assert told == [
        ("furosemide", "40 mg", datetime(2180, 5, 7), datetime(2180, 5, 8, 22),
         datetime(2180, 5, 7), "900"),
        ("heparin sodium", None, datetime(2180, 5, 7, 9), None, datetime(2180, 5, 7, 9), "900"),
    ]  # fmt: skip
    told = [(r["code"], r["start"], r["known"]) for r in rows_of(record, "administration")]
    assert told == [
        ("furosemide", datetime(2180, 5, 7, 9, 10), datetime(2180, 5, 7, 9, 11)),
        ("furosemide", datetime(2180, 5, 8, 11, 10), datetime(2180, 5, 8, 23, 59, 59)),
    ]


def test_results(record):
    told = [(r["code"], str(r["value"]), r["comparator"], r["unit"], r["known"], r["encounter"])
            for r in rows_of(record, "measurement")]  # fmt: skip
    assert told == [
        ("50912", "1.2", None, "mg/dL", datetime(2180, 5, 7, 7, 30), "900"),
        ("51003", "0.01", "<", "ng/mL", datetime(2180, 5, 7, 7, 30), "900"),
        (
            "51466=neg",
            "nan",
            None,
            None,
            datetime(2180, 5, 7, 23, 59, 59),
            None,
        ),  # nobody says when stored
        ("51466", "nan", None, None, datetime(2180, 5, 7, 23, 59, 59), None),
    ]
    first = rows_of(record, "measurement")[0]
    assert (first["normal_from"], first["normal_to"]) == (0.4, 1.1)
    (unit,) = rows_of(record, "icu")
    assert (unit["code"], unit["known"]) == ("MICU", datetime(2180, 5, 7, 0, 30))


def test_what_does_not_count_is_counted(record):
    assert record.n_excluded == {
        "diagnoses_icd of another icd_version": 1,
        "diagnoses_icd without a code": 1,
        "emar event hold dose": 1,
        "emar event not given": 1,
        "emar without a code": 1,
        "emar without event_txt": 1,
        "labevents without a patient": 1,
    }


def test_a_reason_quotes_no_cell(tmp_path):
    tables = {**MIMIC4, "hosp/emar": MIMIC4["hosp/emar"].replace("Hold Dose", "Jane Doe refused")}
    record = read_mimic4(write_record(tmp_path, tables))
    assert record.n_excluded["emar event of another kind"] == 1
    assert "jane" not in str(record.n_excluded).lower()


def test_the_tables_alone_are_a_folder_too(tmp_path):
    flat = {name.rpartition("/")[2]: text for name, text in MIMIC4.items()}
    whole = read_mimic4(write_record(tmp_path / "a", MIMIC4))
    alone = read_mimic4(write_record(tmp_path / "b", flat))
    assert [*map(repr, alone.events.rows())] == [*map(repr, whole.events.rows())]
    assert is_mimic4(tmp_path / "b")
    assert not is_mimic4(write_record(tmp_path / "c", MIMIC3))


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("hosp/patients", "52,2180", "Joe,2180", r"patients.csv:2: anchor_age and anchor_year"),
        ("hosp/patients", "52,2180", "52,9" * 3, r"patients.csv:2: a row must have"),
        ("hosp/patients", "10,F", ",F", r"patients.csv:2: a patient must have"),
        ("hosp/labevents", "1.2,1.2", "1.2,Joe", r"labevents.csv:2: valuenum must be a finite"),
        ("hosp/labevents", "1.2,1.2", "1.2,inf", r"labevents.csv:2: valuenum must be a finite"),
        ("hosp/labevents", "1.2,1.2", "1.2,1e200", r"labevents.csv:2: valuenum must be a finite"),
        ("hosp/labevents", "itemid", "item", r"labevents.csv: one column must be named 'itemid'"),
        ("hosp/emar", "2180-05-08 12:10:00,Furosemide", "Joe,Furosemide",
         r"emar.csv:7: charttime must be a time"),
        ("hosp/admissions", "10,900,2180-05-06 22:23:00", "10,900,Joe",
         r"admissions.csv:2: admittime must be a time"),
    ],
)  # fmt: skip
def test_tables_of_another_form_are_refused(tmp_path, table, old, new, message):
    assert old in MIMIC4[table]
    tables = {**MIMIC4, table: MIMIC4[table].replace(old, new)}
    with pytest.raises(DataError, match=message) as caught:
        read_mimic4(write_record(tmp_path, tables))
    assert "Joe" not in str(caught.value)


@pytest.mark.parametrize("table", ["hosp/patients", "hosp/admissions"])
def test_what_is_needed_must_be_there(tmp_path, table):
    with pytest.raises(DataError, match="must hold the table"):
        read_mimic4(write_record(tmp_path, MIMIC4, without=(table,)))


def test_no_folder_in_it_leads_out_of_it(tmp_path):
    write_record(tmp_path / "other", MIMIC4)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hosp").symlink_to(tmp_path / "other" / "hosp")
    with pytest.raises(DataError, match="got a link out of it"):
        read_mimic4(tmp_path / "in")
