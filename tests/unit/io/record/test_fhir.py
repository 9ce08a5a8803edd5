"""FHIR resources by hand: bundles and lines, what counts as known, what is left out."""

import base64
import json
from datetime import UTC, date, datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.fhir import read_fhir

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
WHO = {"reference": "Patient/p1"}
STAY = {"reference": "urn:uuid:e1"}


def coded(code, system=SNOMED):
    return {"coding": [{"system": system, "code": code, "display": "called"}]}


def text(words, charset="utf-8"):
    data = base64.b64encode(words.encode(charset)).decode()
    return {"attachment": {"contentType": f"text/plain; charset={charset}", "data": data}}


NOTE = {
    "resourceType": "DocumentReference",
    "id": "d1",
    "status": "current",
    "type": coded("34117-2", LOINC),
    "subject": WHO,
    "date": "2024-03-02T10:00:00Z",
    "content": [text("naïve"), text("naïve", "latin-1")],
    "context": {"encounter": [STAY], "period": {"start": "2024-03"}},
}
RECORD = [
    {"resourceType": "Patient", "id": "p1", "birthDate": "1950", "gender": "female",
     "deceasedDateTime": "2024-05-01T00:00:00+02:00"},
    {"resourceType": "Encounter", "id": "e1", "subject": WHO,
     "period": {"start": "2024-03-01T00:00:00Z"}},
    {"resourceType": "Condition", "id": "c1", "subject": WHO, "encounter": STAY,
     "code": coded("44054006"), "onsetDateTime": "2020-01-01",
     "recordedDate": "2024-03-01T12:00:00+02:00"},
    {"resourceType": "Condition", "id": "c2", "subject": WHO, "code": coded("1"),
     "verificationStatus": coded("refuted", "x")},
    {"resourceType": "MedicationRequest", "id": "m1", "subject": WHO, "authoredOn": "2024-03-01",
     "medicationCodeableConcept": coded("198405", "http://www.nlm.nih.gov/research/umls/rxnorm"),
     "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "mg"}}]}]},
    {"resourceType": "MedicationStatement", "id": "m2", "subject": WHO, "context": STAY,
     "medicationReference": {"reference": "Medication/x"}, "effectiveDateTime": "2024-02-01",
     "dateAsserted": "2024-03-01"},
    {"resourceType": "MedicationStatement", "id": "m3", "status": "entered-in-error"},
    {"resourceType": "Observation", "id": "o1", "subject": WHO, "issued": "2024-03-02",
     "effectiveDateTime": "2024-03-01", "code": coded("85354-9", LOINC), "component": [
         {"code": coded("8480-6", LOINC), "valueQuantity": {"value": 120, "unit": "mmHg"}},
         {"code": coded("72166-2", LOINC), "valueCodeableConcept": coded("266919005")}]},
    {"resourceType": "Organization", "id": "x"},
]  # fmt: skip


@pytest.fixture(params=["bundle.json", "lines.ndjson"])
def path(request, tmp_path):
    path = tmp_path / request.param
    resources = [*RECORD, NOTE, {**NOTE, "id": "d2", "status": "entered-in-error"}]
    if path.suffix == ".json":
        entries = [{"fullUrl": "x", "resource": resource} for resource in resources]
        path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in resources))
    return path


def test_notes(path):
    first, second = read_notes(path, format="fhir")
    assert (first.id, second.id) == ("d1", "d1/2")
    assert (first.text, second.text) == ("naïve", "naïve")
    assert (first.patient, first.encounter, first.kind) == ("p1", "e1", "called")
    assert first.time == datetime(2024, 3, 1)
    assert first.known == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_record(path):
    record = read_fhir(path)
    (patient,) = record.patients
    assert (patient.id, patient.birth_date, patient.sex) == ("p1", date(1950, 1, 1), "F")
    assert record.deaths == {"p1": datetime(2024, 4, 30, 22)}
    assert record.encounters[0].start == datetime(2024, 3, 1)
    rows = {r["source_id"]: r for r in record.events.rows()}
    assert set(rows) == {"c1", "m1", "m2", "o1"}
    assert (rows["c1"]["code"], rows["c1"]["vocabulary"]) == ("44054006", "SNOMED-CT")
    assert rows["c1"]["known"] == datetime(2024, 3, 1, 10), "in UTC"
    assert (rows["m1"]["vocabulary"], rows["m1"]["dose"]) == ("RxNorm", "2 mg")
    assert (rows["m2"]["code"], rows["m2"]["known"]) == ("x", datetime(2024, 3, 1, 23, 59, 59))
    pressure, smoking = (r for r in record.events.rows() if r["source_id"] == "o1")
    assert (pressure["kind"], pressure["code"], pressure["value"], pressure["unit"]) == (
        "measurement", "8480-6", 120.0, "mmHg"
    )  # fmt: skip
    assert (smoking["kind"], smoking["code"]) == ("observation", "72166-2=266919005")
    assert pressure["known"] == datetime(2024, 3, 2, 23, 59, 59)


def test_a_wrong_resource_names_its_line(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"resourceType": "Patient"}\n')
    with pytest.raises(DataError, match=r"a.ndjson:1: a Patient must have the form of FHIR R4"):
        read_fhir(path)
    path.write_text('{"resourceType": "Condition", "subject": {}, "recordedDate": "Zebra"}\n')
    with pytest.raises(DataError, match=r"a.ndjson:1: a time must have") as caught:
        read_fhir(path)
    assert "Zebra" not in str(caught.value)
