"""FHIR as FHIR: it still joins, its days go with the notes, what nobody has thought of is gone."""

import json
from datetime import date

import pytest

from clinnlp.io.record.fhir import read_fhir
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.fhir import copy_fhir, gather_fhir, is_fhir_target, patient_of
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.records import deidentify_timelines, gather_timelines
from clinnlp.study.settings import DeidentifySettings
from tests.unit.study.deidentify.conftest import finder, note_of

CODE = {"coding": [{"system": "http://rx.example", "code": "1191", "display": "aspirin"}],
        "text": "aspirin"}  # fmt: skip
RECORD = [
    {"resourceType": "Patient", "id": "7730915", "birthDate": "1950-03-01", "gender": "female",
     "active": True, "name": [{"family": "Zebraperson"}], "address": [{"city": "Quaggaton"}],
     "text": {"div": "Zebraperson"}, "identifier": [{"value": "7730915"}],
     "contained": [{"resourceType": "Practitioner", "name": "Quaggaton"}]},
    {"resourceType": "Encounter", "id": "E1", "status": "finished", "class": {"code": "AMB"},
     "subject": {"reference": "Patient/7730915", "display": "Zebraperson"},
     "period": {"start": "2019-03-12T08:00:00Z", "end": "2019-03-20"}},
    {"resourceType": "MedicationStatement", "id": "m1", "status": "active",
     "subject": {"reference": "http://zebra.example/fhir/Patient/7730915"},
     "encounter": {"reference": "Encounter/E1"}, "effectiveDateTime": "2019-03-12",
     "medicationCodeableConcept": CODE, "note": [{"text": "Zebraperson"}],
     "dosage": [{"text": "as Quaggaton said", "doseAndRate": [
         {"doseQuantity": {"value": 2, "unit": "mg", "system": "http://u.example"}}]}],
     "dateAsserted": "2019-03"},
    {"resourceType": "Observation", "id": "o1", "status": "final", "code": CODE,
     "subject": {"reference": "urn:uuid:7730915"}, "issued": "soon", "valueString": "Zebraperson",
     "valueQuantity": {"value": 1.5, "unit": "g"}, "effectiveDateTime": "2019-03-20"},
    {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Quaggaton"}],
     "birthDate": "1960-01-01"},
]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in RECORD))
    return path


def written(source, out, **how):
    by = Deidentifier(Key(b"k"), finder, DeidentifySettings(**how)).gather([note_of(1)])
    done = copy_fhir(source, out, by, gather_fhir(source, by))
    return by, done, [json.loads(line) for line in out.read_text().splitlines()]


def test_resources_join_each_other_and_the_notes(source, tmp_path):
    by, done, made = written(source, tmp_path / "out.ndjson")
    patient, stay, drug, value, doctor = made
    note = by.replaced(note_of(1), by.find(note_of(1))).note
    assert patient["id"] == note.patient
    assert stay["id"] == note.encounter
    assert stay["subject"] == drug["subject"] == {"reference": f"Patient/{note.patient}"}
    assert value["subject"] == {"reference": f"urn:uuid:{note.patient}"}
    assert drug["encounter"] == {"reference": f"Encounter/{stay['id']}"}
    assert stay["period"]["start"] == f"{note.time:%Y-%m-%d}T08:00:00Z"
    assert (drug["effectiveDateTime"], value["effectiveDateTime"]) == (
        f"{note.time:%Y-%m-%d}", f"{note.known:%Y-%m-%d}")  # fmt: skip
    assert stay["period"]["end"] == value["effectiveDateTime"]
    assert (drug["medicationCodeableConcept"], value["valueQuantity"]) == (
        CODE, {"value": 1.5, "unit": "g"})  # fmt: skip
    assert drug["dosage"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 2
    assert set(doctor) == {"resourceType", "id"}
    assert done.rows == dict.fromkeys((one["resourceType"] for one in RECORD), 1)
    assert done.emptied["Patient: name"] == 1
    assert done.n_unreadable_times == 1


def test_nothing_of_a_person_stands_in_what_is_written(source, tmp_path):
    written(source, tmp_path / "out.ndjson")
    text = (tmp_path / "out.ndjson").read_text()
    assert not [x for x in ("ebra", "uagga", "7730915", "2019-03-12", "1950-03-01") if x in text]


def test_it_is_read_again_as_the_record_with_other_ids_and_days(source, tmp_path):
    by = Deidentifier(Key(b"k"), finder).gather([note_of(1)])  # "Zebraperson" is a name then
    source.write_text(source.read_text().replace('"issued": "soon", ', ""))
    record = read_fhir(source)
    gather_timelines(record, by)
    last = gather_fhir(source, by)
    copy_fhir(source, tmp_path / "out.ndjson.gz", by, last)
    made, expected = read_fhir(tmp_path / "out.ndjson.gz"), deidentify_timelines(record, by)
    assert made.patients == expected.patients
    assert made.encounters == expected.encounters
    for name in ("patient", "code", "start"):
        assert made.events[name].tolist() == expected.events[name].tolist()


@pytest.mark.parametrize(("how", "start"), [("year", "2019"), ("mask", None)])
def test_dates_without_days(source, tmp_path, how, start):
    _, _, made = written(source, tmp_path / "out.ndjson", dates=how)
    assert made[2].get("effectiveDateTime") == start
    assert made[0].get("birthDate") == ("1950" if how == "year" else None)


def test_a_month_keeps_its_year_and_old_age_is_90(source, tmp_path):
    old = [dict(RECORD[0], birthDate="1921-03-01"), *RECORD[1:]]
    source.write_text("".join(json.dumps(one) + "\n" for one in old))
    _, _, made = written(source, tmp_path / "out.ndjson")
    assert made[2]["dateAsserted"] == "2019"
    last = date.fromisoformat(made[3]["effectiveDateTime"])
    assert last.year - date.fromisoformat(made[0]["birthDate"]).year in (89, 90, 91)
    assert is_fhir_target("a.jsonl.xz")
    assert patient_of({"resourceType": "Device", "patient": {"reference": "#x"}}) is None
