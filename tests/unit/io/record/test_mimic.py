from datetime import date, datetime

import numpy as np
import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.record.mimic import read_mimic3
from clinnlp.study.cohort import readmissions
from tests.common.record_samples import MIMIC3, write_record

TABLES = {
    "PATIENTS": "row_id,subject_id,gender,dob\n1,7,F,2100-03-05 00:00:00\n"
    "2,8,M,1870-01-01 00:00:00\n",
    "ADMISSIONS": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,ethnicity\n"
    "7,70,2164-10-23 21:09:00,2164-11-01 17:15:00,,EMERGENCY,WHITE\n"
    "8,80,2170-01-01 08:00:00,2170-01-03 08:00:00,2170-01-03 08:00:00,ELECTIVE,\n",
    "DIAGNOSES_ICD": "row_id,subject_id,hadm_id,seq_num,icd9_code\n5,7,70,1,99591\n6,8,,1,4280\n",
    "PRESCRIPTIONS": "row_id,subject_id,hadm_id,startdate,enddate,drug,dose_val_rx,dose_unit_rx\n"
    "9,7,70,2164-10-24 00:00:00,2164-10-29 00:00:00,Aspirin  EC,81,mg\n10,7,70,,,Heparin,,\n",
}


def write(folder, tables=TABLES, upper=False):
    for name, text in tables.items():
        head, rows = text.split("\n", 1)
        (folder / f"{name}.csv").write_text(f"{head.upper() if upper else head}\n{rows}")
    return folder


@pytest.mark.parametrize("upper", [False, True])
def test_what_is_known_when(tmp_path, upper):
    read = read_mimic3(write(tmp_path, upper=upper))
    events = {row["code"]: row for row in read.events.rows()}
    assert events["EMERGENCY"]["known"] == datetime(2164, 10, 23, 21, 9)
    assert events["99591"]["known"] == datetime(2164, 11, 1, 17, 15)  # coded at discharge
    assert events["aspirin ec"]["known"] == datetime(
        2164, 10, 24, 23, 59, 59
    )  # its day has no hour
    assert events["aspirin ec"]["end"] == datetime(2164, 10, 29)
    assert events["aspirin ec"]["dose"] == "81 mg"
    assert {events["4280"]["known"], events["heparin"]["known"]} == {None}
    assert (events["99591"]["vocabulary"], events["99591"]["source_id"]) == ("ICD9CM", "5")
    assert read.deaths == {"8": datetime(2170, 1, 3, 8)}
    first = read.encounters[0]
    assert (first.id, first.patient, first.start, first.end) == (
        "70", "7", datetime(2164, 10, 23, 21, 9), datetime(2164, 11, 1, 17, 15),
    )  # fmt: skip


def test_shifted_birth_dates_of_the_very_old_are_missing(tmp_path):
    people = {p.id: p for p in read_mimic3(write(tmp_path)).patients}
    assert people["7"].birth_date == date(2100, 3, 5)
    assert people["8"].birth_date is None
    assert (people["7"].ethnicity, people["8"].ethnicity, people["8"].sex) == ("WHITE", None, "M")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ADMISSIONS", None, "must hold the table ADMISSIONS"),
        ("PATIENTS", None, "must hold the table PATIENTS"),
        ("PATIENTS", "subject_id,gender\n7,F\n", "'dob'"),
        ("PATIENTS", "subject_id,gender,dob\n,F,\n", r"PATIENTS\.csv:2: a patient must"),
        ("PRESCRIPTIONS", TABLES["PRESCRIPTIONS"].replace("2164-10-24 ", "Joe "),
         r"PRESCRIPTIONS\.csv:2: startdate must be a time"),
        ("ADMISSIONS", TABLES["ADMISSIONS"].replace("7,70", "7,"), "subject_id and hadm_id"),
    ],
)  # fmt: skip
def test_tables_of_another_form_are_refused(tmp_path, name, text, message):
    tables = {**TABLES, name: text} if text else {k: v for k, v in TABLES.items() if k != name}
    with pytest.raises(DataError, match=message) as caught:
        read_mimic3(write(tmp_path, tables))
    assert "Joe" not in str(caught.value)


def test_the_demo_is_whole(data_dir):
    read = read_mimic3(data_dir("mimic3_demo"))
    assert (len(read.patients), len(read.encounters)) == (100, 129)
    kinds, n = np.unique(read.events["kind"].astype(str), return_counts=True)
    assert dict(zip(kinds, n.tolist(), strict=True)) == {
        "admission": 129, "condition": 1761, "drug": 10398, "procedure": 506,
    }  # fmt: skip
    assert len(read.deaths) == 100  # 40 of them in a stay, the others at home, by PATIENTS.dod


def test_who_died_at_home_is_not_taken_for_someone_who_did_not_return(tmp_path):
    people = TABLES["PATIENTS"].replace("dob\n", "dob,dod\n").replace(
        "2100-03-05 00:00:00", "2100-03-05 00:00:00,2164-11-09 00:00:00"
    ).replace("1870-01-01 00:00:00", "1870-01-01 00:00:00,2170-01-03 00:00:00")  # fmt: skip
    read = read_mimic3(write(tmp_path, {**TABLES, "PATIENTS": people}))
    assert read.deaths == {"7": datetime(2164, 11, 9), "8": datetime(2170, 1, 3, 8)}
    found = readmissions(read.encounters, deaths=read.deaths)
    assert len(found.outcome) == 0
    assert found.n_excluded["not_followed_to_the_horizon"] == 1


def test_results_with_their_limits(tmp_path):
    events = {
        row["source_id"]: row for row in read_mimic3(write_record(tmp_path, MIMIC3)).events.rows()
    }
    told = [(events[k]["code"], str(events[k]["value"]), events[k]["comparator"], events[k]["unit"],
             events[k]["known"]) for k in ("11", "12", "13")]  # fmt: skip
    assert told == [
        ("50912", "1.2", None, "mg/dL", datetime(2164, 10, 24, 23, 59, 59)),
        ("50912", "20.0", ">", "mg/dL", datetime(2164, 10, 25, 23, 59, 59)),
        ("51463=neg", "nan", None, None, datetime(2164, 10, 25, 23, 59, 59)),
    ]
