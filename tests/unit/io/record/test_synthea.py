from datetime import date, datetime

import numpy as np
import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.record.synthea import read_synthea

TABLES = {
    "patients": "Id,BIRTHDATE,DEATHDATE,RACE,GENDER\np,1960-05-01,2020-02-01,white,F\n",
    "encounters": "Id,START,STOP,PATIENT,ENCOUNTERCLASS\n"
    "e,2020-01-01T08:00:00Z,2020-01-03T09:30:00Z,p,inpatient\n",
    "conditions": "START,STOP,PATIENT,ENCOUNTER,CODE\n2020-01-01,,p,e,44054006\n",
    "medications": "START,STOP,PATIENT,ENCOUNTER,CODE\n"
    "2020-01-01T10:00:00+02:00,2020-01-08T10:00:00+02:00,p,e,860975\n",
    "procedures": "START,STOP,PATIENT,ENCOUNTER,CODE\n"
    "2020-01-02T10:00:00Z,2020-01-02T11:00:00Z,p,e,80146002\n",
    "observations": "DATE,PATIENT,ENCOUNTER,CODE,VALUE,UNITS,TYPE\n"
    "2020-01-01T09:00:00Z,p,e,8302-2,170.5,cm,numeric\n"
    "2020-01-01T09:00:00Z,p,e,72166-2,Never smoker,,text\n",
}


def write(folder, tables=TABLES):
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_what_is_known_when(tmp_path):
    read = read_synthea(write(tmp_path))
    events = {row["code"]: row for row in read.events.rows()}
    assert events["44054006"]["known"] == datetime(2020, 1, 1, 23, 59, 59)  # a day without an hour
    assert events["860975"]["known"] == datetime(2020, 1, 1, 8)  # in UTC
    assert events["860975"]["end"] == datetime(2020, 1, 8, 8)
    assert (events["44054006"]["end"], events["8302-2"]["end"]) == (None, None)
    assert events["80146002"]["known"] == datetime(2020, 1, 2, 11)  # when it was over
    height, smokes = events["8302-2"], events["72166-2=never smoker"]
    assert (height["kind"], height["value"], height["unit"]) == ("measurement", 170.5, "cm")
    assert smokes["kind"] == "observation"
    assert np.isnan(smokes["value"])
    assert read.deaths == {"p": datetime(2020, 2, 1)}
    [patient], [stay] = read.patients, read.encounters
    assert (patient.birth_date, patient.sex, patient.ethnicity) == (date(1960, 5, 1), "F", "white")
    assert (stay.kind, stay.end) == ("inpatient", datetime(2020, 1, 3, 9, 30))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("encounters", None, "must hold the table encounters"),
        ("patients", "Id,BIRTHDATE\np,1960-01-01\n", "'DEATHDATE'"),
        ("observations", TABLES["observations"].replace("170.5", "tall"),
         r"observations\.csv:2: VALUE of a numeric observation"),
        ("conditions", TABLES["conditions"].replace("2020-01-01", "yesterday"), "START must be"),
        ("encounters", TABLES["encounters"].replace(",p,", ",,"), "Id and PATIENT"),
        ("patients", TABLES["patients"].replace("\np,", "\n,"), "must have an Id"),
    ],
)  # fmt: skip
def test_tables_of_another_form_are_refused(tmp_path, name, text, message):
    tables = {**TABLES, name: text} if text else {k: v for k, v in TABLES.items() if k != name}
    with pytest.raises(DataError, match=message) as caught:
        read_synthea(write(tmp_path, tables))
    assert not {"tall", "yesterday"} & set(str(caught.value).split())


def test_the_sample_is_whole(data_dir):
    read = read_synthea(data_dir("synthea_csv_fhir"))
    assert (len(read.patients), len(read.encounters)) == (59, 2590)
    kinds, n = np.unique(read.events["kind"].astype(str), return_counts=True)
    found = dict(zip(kinds, n.tolist(), strict=True))
    assert found.pop("measurement") + found.pop("observation") == 21697
    assert found == {"condition": 1534, "drug": 1772, "encounter": 2590, "procedure": 4637}
