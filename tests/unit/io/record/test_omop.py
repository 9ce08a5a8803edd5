"""OMOP tables by hand: a record with what was known when."""

from datetime import date, datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.record.omop import read_omop

TABLES = {
    "person": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
    "1,8532,1950,2,3\n2,0,1960,,\n",
    "VISIT_OCCURRENCE": "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,"
    "visit_end_datetime\n9,1,9201,2024-01-01,2024-01-05T10:00:00\n",
    "drug_exposure": "person_id,visit_occurrence_id,drug_concept_id,drug_source_value,"
    "drug_exposure_start_date\n1,9,1125315,x,2024-01-02\n1,,0,aspirin,2024-01-03\n",
    "condition_occurrence": "person_id,visit_occurrence_id,condition_concept_id,"
    "condition_start_datetime\n1,9,316866,2024-01-02T08:00:00\n2,,316866,2024-02-02T08:00:00\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, content in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(content)
    return tmp_path


def test_record(folder):
    record = read_omop(folder)
    assert record.patients == [
        Patient(id="1", birth_date=date(1950, 2, 3), sex="F"),
        Patient(id="2"),
    ]
    (visit,) = record.encounters
    assert (visit.id, visit.start, visit.end) == (
        "9", datetime(2024, 1, 1), datetime(2024, 1, 5, 10)
    )  # fmt: skip
    rows = [
        (r["kind"], r["patient"], r["vocabulary"], r["code"], r["start"], r["known"])
        for r in record.events.rows()
    ]
    assert rows == [
        ("visit", "1", "OMOP", "9201", datetime(2024, 1, 1), datetime(2024, 1, 1)),
        ("drug", "1", "OMOP", "1125315", datetime(2024, 1, 2), datetime(2024, 1, 2)),
        ("drug", "1", "source", "aspirin", datetime(2024, 1, 3), datetime(2024, 1, 3)),
        ("condition", "1", "OMOP", "316866", datetime(2024, 1, 2, 8), datetime(2024, 1, 5, 10)),
        ("condition", "2", "OMOP", "316866", datetime(2024, 2, 2, 8), None),
    ]


def test_a_record_needs_persons_and_days(tmp_path):
    with pytest.raises(DataError, match="must hold the table PERSON"):
        read_omop(tmp_path)
    path = tmp_path / "PERSON.csv"
    path.write_text(TABLES["person"].replace(",2,3", ",2,31"))
    with pytest.raises(DataError, match=r"PERSON.csv:2: a birth date must be a day"):
        read_omop(tmp_path)
    for year in ("99999999999", "9" * 5_000):
        path.write_text(TABLES["person"].replace("1950,2,3", f"{year},2,3"))
        with pytest.raises(DataError, match=r"PERSON.csv:2: a birth date must be a day"):
            read_omop(tmp_path)
    path.write_text("id\n1\n")
    with pytest.raises(DataError, match="one column must be named 'person_id'"):
        read_omop(tmp_path)
