"""OMOP tables by hand: a record with what was known when."""

from datetime import date, datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.io.record.omop import read_omop
from tests.common.record_samples import OMOP, write_record

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
        # a day without hour: somewhen on it, so that it is certainly known at its end
        ("visit", "1", "OMOP", "9201", datetime(2024, 1, 1), datetime(2024, 1, 1, 23, 59, 59)),
        ("drug", "1", "OMOP", "1125315", datetime(2024, 1, 2), datetime(2024, 1, 2, 23, 59, 59)),
        ("drug", "1", "source", "aspirin", datetime(2024, 1, 3), datetime(2024, 1, 3, 23, 59, 59)),
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


@pytest.mark.parametrize("unit", ["year", "month", "day"])
def test_a_part_of_a_birth_date_is_a_number_or_missing(folder, unit):
    for given in ("XXXX", "19SECRET", "-1"):
        row = {"year": "1950", "month": "2", "day": "3"} | {unit: given}
        (folder / "person.csv").write_text(
            TABLES["person"].replace("1950,2,3", ",".join(row.values()))
        )
        said = rf"person.csv:2: {unit}_of_birth must be a whole number, got another value$"
        with pytest.raises(DataError, match=said):
            read_omop(folder)
    row[unit] = "NULL"
    (folder / "person.csv").write_text(TABLES["person"].replace("1950,2,3", ",".join(row.values())))
    assert read_omop(folder).patients[0].birth_date is None


def events_of(record):
    return {row["source_id"]: row for row in record.events.rows()}


def test_events_of_each_table(tmp_path):
    events = events_of(read_omop(write_record(tmp_path, OMOP)))
    known = {name: events[name]["known"] for name in ("100", "104", "105", "200", "201", "300")}
    assert known == {
        "100": datetime(2024, 1, 5, 10),  # coded when its visit ended
        "104": datetime(2024, 2, 9, 23, 59, 59),  # and not before it was written down
        "105": None,
        "200": datetime(2024, 1, 2, 14, 30),
        "201": datetime(2024, 1, 2, 23, 59, 59),  # midnight is a day without hour
        "300": datetime(2024, 1, 3, 11),
    }
    assert {events[name]["code"] for name in ("200", "201")} == {"1125315"}
    assert {events[name]["encounter"] for name in ("200", "201")} == {"10"}
    assert (events["300"]["kind"], events["300"]["code"]) == ("procedure", "4336464")
    assert (events["101"]["vocabulary"], events["101"]["code"]) == ("source", "X99")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("400", ("3004501", 95.0, None, "mg/dL", 70.0, 110.0)),
        ("401", ("3020891", 5.0, "<", "8840", None, None)),  # the unit of the concept
        ("402", ("3020891", 600.0, ">", "mg/L", None, None)),
        ("403", ("3020891", 0.3, "<", "mg/L", None, None)),  # as its source has it
        ("404", ("3016723=9191", None, None, None, None, None)),
        ("405", ("3016723=pos", None, None, None, None, None)),
        ("406", ("3016723", None, None, None, None, None)),
        ("500", ("4275495=never smoker", None, None, None, None, None)),
        ("501", ("4041306", 3.0, None, None, None, None)),
    ],
)
def test_results(tmp_path, row, told):
    event = events_of(read_omop(write_record(tmp_path, OMOP)))[row]
    numbers = [event[name] for name in ("value", "normal_from", "normal_to")]
    value, low, high = (None if number != number else number for number in numbers)
    assert (event["code"], value, event["comparator"], event["unit"], low, high) == told
    assert event["kind"] == ("measurement" if row < "500" else "observation")


def test_what_does_not_count_is_counted(tmp_path):
    record = read_omop(write_record(tmp_path, OMOP))
    assert record.n_excluded == {
        "visit_occurrence that ends before it begins": 1,
        "death of a patient who is dead already": 1,
        "death without a patient or time": 1,
        "condition_occurrence without a code": 1,
        "condition_occurrence without a patient": 1,
        "measurement without a code": 1,
    }
    assert record.n_unmatched == {"condition_occurrence": 1}
    assert record.deaths == {"2": datetime(2024, 6, 1, 3)}
    visits = {visit.id: (visit.start, visit.end, visit.kind) for visit in record.encounters}
    assert visits == {
        "10": (datetime(2024, 1, 1, 9), datetime(2024, 1, 5, 10), "9201"),
        "11": (datetime(2024, 2, 1, 9), datetime(2024, 2, 1, 23, 59, 59), "9202"),
        "13": (datetime(2024, 3, 5), datetime(2024, 3, 6), "ED"),
        "14": (datetime(2024, 1, 20, 9), datetime(2024, 1, 21, 10), "9201"),
    }


def test_values_of_another_form_are_refused_by_their_line(tmp_path):
    rows = OMOP["MEASUREMENT"].replace("95.0,0,8840,70", "Jane,0,8840,70")
    with pytest.raises(DataError, match=r"MEASUREMENT.csv:2: value_as_number must be") as caught:
        read_omop(write_record(tmp_path, {**OMOP, "MEASUREMENT": rows}))
    assert "Jane" not in str(caught.value)
    rows = OMOP["MEASUREMENT"].replace("2024-01-02 08:00:00,0,1,0", "Jane,0,1,0")
    with pytest.raises(DataError, match=r"MEASUREMENT.csv:9: measurement_datetime") as caught:
        read_omop(write_record(tmp_path, {**OMOP, "MEASUREMENT": rows}))
    assert "Jane" not in str(caught.value)
    rows = OMOP["DRUG_EXPOSURE"].replace("APAP\n201", "APAP,x\n201")
    with pytest.raises(DataError, match=r"DRUG_EXPOSURE.csv:2: a row must have"):
        read_omop(write_record(tmp_path, {**OMOP, "DRUG_EXPOSURE": rows}))


def test_a_table_in_utf_16_is_read_too(tmp_path):
    record = read_omop(write_record(tmp_path, OMOP))
    (tmp_path / "MEASUREMENT.csv").write_text(OMOP["MEASUREMENT"], encoding="utf-16")
    again = read_omop(tmp_path)
    assert [*map(repr, again.events.rows())] == [*map(repr, record.events.rows())]
