"""References of FHIR: versions, addresses, what is contained, identifiers; other types."""

import base64
import json

import pytest

from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.fhir import read_fhir

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SYSTEM = "http://hospital.example/mrn"
P1 = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": SYSTEM, "value": "7"}]}
P9 = {"resourceType": "Patient", "id": "p9", "identifier": [{"system": SYSTEM, "value": "8"}]}
TEXT = {"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"x").decode()}}


def bundle(path, *entries):
    """Write a bundle of resources, or of pairs of an address and a resource."""
    listed = [e if isinstance(e, tuple) else (None, e) for e in entries]
    made = [{"fullUrl": url, "resource": r} if url else {"resource": r} for url, r in listed]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": made}))
    return path


def lines(path, *resources):
    path.write_text("".join(json.dumps(r) + "\n" for r in resources))
    return path


def aspirin(name="a", code="1191", **more):
    concept = {"coding": [{"system": RXNORM, "code": code}]}
    return {"resourceType": "Medication", "id": name, "code": concept, **more}


def request(name, medication, subject="Patient/p1", **more):
    medication = medication if isinstance(medication, dict) else {"reference": medication}
    return {"resourceType": "MedicationRequest", "id": name, "subject": {"reference": subject},
            "medicationReference": medication, **more}  # fmt: skip


def observed(name, subject, **more):
    subject = subject if isinstance(subject, dict) else {"reference": subject}
    return {"resourceType": "Observation", "id": name, "subject": subject,
            "code": {"text": "eyes"}, "valueString": "red", **more}  # fmt: skip


def noted(name, subject, **more):
    note = observed(name, subject, **more)
    return {**note, "resourceType": "DocumentReference", "content": [TEXT]}


def patients(path):
    return [row["patient"] for row in read_fhir(path).events.rows()]


def drugs(path):
    rows = read_fhir(path).events.rows()
    return {row["source_id"]: (row["code"], row["vocabulary"]) for row in rows}


FORMS = [
    "Patient/p1",
    "Patient/p1/_history/2",
    "Patient/p1#name",
    "https://host/fhir/Patient/p1",
    "https://host/fhir/Patient/p1/_history/2",
    "https://host:8080/r4/Patient/p1/",
    "https://host/fhir/Patient/p1?_format=json",
    "urn:uuid:0d5f",
    "urn:uuid:0d5f/_history/3",
    "http://other.example/people/77",
    f"Patient?identifier={SYSTEM}|7",
    f"https://host/fhir/Patient?identifier={SYSTEM.replace(':', '%3A')}%7C7",
    {"identifier": {"system": SYSTEM, "value": "7"}},
    {"type": "Patient", "identifier": {"system": SYSTEM, "value": "7"}},
    {"type": "http://hl7.org/fhir/StructureDefinition/Patient", "reference": "urn:uuid:0d5f"},
]


@pytest.mark.parametrize("first", [True, False], ids=["patient first", "patient last"])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_means_the_same_patient(tmp_path, form, first):
    """Of the record and of notes, whether the patient stands before or behind."""
    address = "http://other.example/people/77" if "people" in str(form) else "urn:uuid:0d5f"
    whom = [(address, P1), ("urn:uuid:f00d", P9)]
    said = [observed("o1", form), noted("d1", form)]
    path = bundle(tmp_path / "a.fhir.json", *(whom + said if first else said + whom))
    assert patients(path) == ["p1"]
    assert [note.patient for note in read_notes(path)] == ["p1"]


def test_versions_of_two_patients_are_two_patients(tmp_path):
    forms = ("Patient/p1/_history/2", "Patient/p9/_history/2", "Patient/p9")
    path = lines(tmp_path / "a.fhir.ndjson", *(observed(f"o{k}", s) for k, s in enumerate(forms)))
    assert patients(path) == ["p1", "p9", "p9"]
    lines(path, *(noted(f"d{k}", s) for k, s in enumerate(forms)))
    assert [note.patient for note in read_notes(path)] == ["p1", "p9", "p9"]


OTHERS = ["Group/p1", "Device/p1/_history/2", "https://host/fhir/Location/p1", "urn:uuid:9",
          {"type": "Group", "identifier": {"system": SYSTEM, "value": "7"}},
          {"type": "Device", "reference": "urn:uuid:77"}, {"display": "Zebra"}, {}, "Patient/",
          "Patient", "Patient/_history/2", "#g", "Group?identifier=x|7", None]  # fmt: skip


@pytest.mark.parametrize("form", OTHERS, ids=str)
def test_what_is_no_patient_is_none(tmp_path, form):
    group = {"resourceType": "Group", "id": "g1"}
    more = {"contained": [{"resourceType": "Group", "id": "g"}]}
    encounter = {**observed("e1", form, **more), "resourceType": "Encounter"}
    path = bundle(
        tmp_path / "a.fhir.json", observed("o1", form, **more), encounter,
        noted("d1", form, **more), P1, ("urn:uuid:9", group)
    )  # fmt: skip
    record = read_fhir(path)
    assert (len(record.events), record.encounters) == (0, [])
    assert record.n_excluded == {
        "Encounter of no patient": 1, "Group not read": 1, "Observation of no patient": 1
    }  # fmt: skip
    assert [note.patient for note in read_notes(path)] == [None]


def test_an_observation_may_be_of_nobody(tmp_path):
    thing = observed("o1", "x")
    del thing["subject"]
    record = read_fhir(lines(tmp_path / "a.ndjson", thing))
    assert (len(record.events), record.n_excluded) == (0, {"Observation of no patient": 1})


def test_an_encounter_is_no_episode(tmp_path):
    stays = ["Encounter/e1/_history/4", "EpisodeOfCare/e1", "urn:uuid:e", None]
    made = [observed(f"o{k}", "Patient/p1", encounter={"reference": s} if s else {})
            for k, s in enumerate(stays)]  # fmt: skip
    stay = {"resourceType": "Encounter", "id": "e7", "subject": {"reference": "urn:uuid:p"}}
    path = bundle(tmp_path / "a.json", *made, ("urn:uuid:e", stay), ("urn:uuid:p", P1))
    record = read_fhir(path)
    assert [row["encounter"] for row in record.events.rows()] == ["e1", None, "e7", None]
    assert [(e.id, e.patient) for e in record.encounters] == [("e7", "p1")]


def test_contained_patients(tmp_path):
    """They are known by an identifier, else told apart by the resource they are in."""
    known = {"contained": [{"resourceType": "Patient", "id": "p", "identifier": P1["identifier"]}]}
    alone = {"contained": [{"resourceType": "Patient", "id": "p"}]}
    made = [observed("o1", "#p", **known), observed("o2", "#p", **alone),
            observed("o3", "#p", **alone), observed("o4", "#p")]  # fmt: skip
    path = bundle(tmp_path / "a.fhir.json", *made, noted("d1", "#p", **known), P1)
    assert patients(path) == ["p1", "Observation/o2#p", "Observation/o3#p", "Observation/o4#p"]
    assert [note.patient for note in read_notes(path)] == ["p1"]


def test_identifiers_nobody_has_or_two_have(tmp_path):
    """In the record they are looked up in all files, as in an export by type of resource."""
    twins = [{**P1, "id": "p2"}, {**P9, "id": "p3"}, P9]
    said = [{"system": SYSTEM, "value": v} for v in ("7", "8", "9")] + [{"value": "9"}]
    made = (observed(f"o{k}", {"identifier": i}) for k, i in enumerate(said))
    lines(tmp_path / "Observation.ndjson", *made)
    lines(tmp_path / "Patient.ndjson", *twins)
    assert patients(tmp_path) == ["p2", f"{SYSTEM}|8", f"{SYSTEM}|9", "|9"]


def test_a_resource_without_id_has_that_of_its_address(tmp_path):
    whom = {"resourceType": "Patient"}
    note = noted("d1", "urn:uuid:0d5f")
    del note["id"]
    path = bundle(
        tmp_path / "a.fhir.json",
        ("urn:uuid:d00d", note), ("urn:uuid:0d5f", whom), observed("o1", "urn:uuid:0d5f"),
    )  # fmt: skip
    record = read_fhir(path)
    assert ([p.id for p in record.patients], patients(path)) == (["0d5f"], ["0d5f"])
    assert [(n.id, n.patient) for n in read_notes(path)] == [("d00d", "0d5f")]


def test_an_address_holds_in_its_own_bundle(tmp_path):
    for k, whom in enumerate((P1, P9)):
        bundle(tmp_path / f"{k}.json", observed(f"o{k}", "urn:uuid:1"), ("urn:uuid:1", whom))
    assert patients(tmp_path) == ["p1", "p9"]


@pytest.mark.parametrize("broken", ['{"resource": {"resourceType": "Patient", zebra}}', "{"])
def test_notes_know_their_patient_before_what_is_broken(tmp_path, broken):
    path = bundle(tmp_path / "a.fhir.json", noted("d1", "urn:uuid:1"), ("urn:uuid:1", P1))
    path.write_text(path.read_text().removesuffix("]}") + f", {broken}]}}")
    assert next(iter(read_notes(path))).patient == "p1"


# --- medications ---------------------------------------------------------------------------


def test_contained_medications_are_of_their_resource(tmp_path):
    bare = {"resourceType": "Medication", "id": "m"}
    path = lines(
        tmp_path / "a.ndjson",
        request("r1", "#m", contained=[aspirin("x", "0"), aspirin("m")]),
        request("r2", "#m", contained=[aspirin("#m", "11289")]),
        request("r3", "#m", contained=[{**bare, "code": {"text": "warfarin"}}]),
        request("r4", "#m", contained=[bare]),
        request("r5", "#m"),
    )
    assert drugs(path) == {
        "r1": ("1191", "RxNorm"),
        "r2": ("11289", "RxNorm"),
        "r3": ("warfarin", ""),
        "r4": ("MedicationRequest/r4#m", "Medication"),
        "r5": ("MedicationRequest/r5#m", "Medication"),
    }


@pytest.mark.parametrize("first", [True, False], ids=["medication first", "medication last"])
def test_a_medication_in_the_same_bundle_gives_its_code(tmp_path, first):
    there = [("urn:uuid:5", aspirin("a")), aspirin("e", status="entered-in-error"),
             {"resourceType": "Medication", "id": "u"},
             aspirin("i", "5640", identifier=[{"system": "s", "value": "9"}])]  # fmt: skip
    forms = ("Medication/a", "https://host/fhir/Medication/a/_history/3", "urn:uuid:5",
             "Medication/e", "Medication/u", "Medication/gone", "Substance/a",
             {"identifier": {"system": "s", "value": "9"}}, {"display": "some pill"})  # fmt: skip
    asked = [request(f"r{k}", form) for k, form in enumerate(forms)]
    path = bundle(tmp_path / "a.json", *(there + asked if first else asked + there))
    known = ("1191", "RxNorm")
    unknown = [("e", "Medication"), ("u", "Medication"), ("gone", "Medication")]
    expected = [known, known, known, *unknown, ("5640", "RxNorm"), ("some pill", "")]
    assert list(drugs(path).values()) == expected
    assert read_fhir(path).n_excluded == {
        "Medication entered-in-error": 1, "Medication read for its code": 3,
        "MedicationRequest without code": 1,  # of a substance
    }  # fmt: skip


@pytest.mark.parametrize("names", [("A.ndjson", "B.ndjson"), ("B.ndjson", "A.ndjson")])
def test_a_medication_in_another_file_gives_its_code(tmp_path, names):
    lines(tmp_path / names[0], aspirin("a"))
    lines(tmp_path / names[1], request("r1", "Medication/a"), request("r2", "Medication/gone"))
    assert drugs(tmp_path) == {"r1": ("1191", "RxNorm"), "r2": ("gone", "Medication")}


def test_a_medication_that_is_nowhere_has_the_name_of_the_reference(tmp_path):
    called = {"reference": "Medication/a", "display": "Aspirin 81 mg"}
    path = lines(tmp_path / "a.ndjson", request("r1", called))
    assert drugs(path) == {"r1": ("Aspirin 81 mg", "")}
    lines(path, request("r1", called), aspirin("a"))
    assert drugs(path) == {"r1": ("1191", "RxNorm")}


def test_one_id_of_two_drugs_names_neither_from_outside(tmp_path):
    """In its own bundle it does."""
    bundle(tmp_path / "1.json", aspirin("med1"), request("r1", "Medication/med1"))
    bundle(tmp_path / "2.json", aspirin("med1", "11289"), request("r2", "Medication/med1"))
    bundle(tmp_path / "3.json", request("r3", "Medication/med1"))
    assert drugs(tmp_path) == {
        "r1": ("1191", "RxNorm"), "r2": ("11289", "RxNorm"), "r3": ("med1", "Medication")
    }  # fmt: skip


def test_a_local_system_called_medication_is_no_reference(tmp_path):
    local = {"coding": [{"system": "http://host/CodeSystem/Medication", "code": "a"}]}
    asked = request("r1", "x")
    del asked["medicationReference"]
    path = lines(tmp_path / "a.ndjson", {**asked, "medicationCodeableConcept": local}, aspirin("a"))
    assert drugs(path) == {"r1": ("a", "Medication")}


def test_the_medication_of_r5(tmp_path):
    asked = [request("r1", "x"), request("r2", "x")]
    for one in asked:
        del one["medicationReference"]
    asked[0]["medication"] = {"concept": {"text": "warfarin"}}
    asked[1]["medication"] = {"reference": {"reference": "Medication/a"}}
    path = lines(tmp_path / "a.ndjson", *asked, aspirin("a"))
    assert drugs(path) == {"r1": ("warfarin", ""), "r2": ("1191", "RxNorm")}
