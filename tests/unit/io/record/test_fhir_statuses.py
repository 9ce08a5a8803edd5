"""Status words of FHIR: every word of the value sets of R4, other spellings, other words."""

import json
import re

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record import fhir_statuses
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.fhir_statuses import STATUSES
from clinnlp.io.record.fhir_texts import NOTES
from tests.unit.io.record.test_fhir import NOTE, STAY, WHO, coded

# by hand from https://hl7.org/fhir/R4: what counts | what does not
R4 = {
    ("Encounter", "status"): "arrived triaged in-progress onleave finished unknown"
    " | planned cancelled entered-in-error",
    ("Condition", "clinicalStatus"): "active recurrence relapse inactive remission resolved | ",
    ("Condition", "verificationStatus"): "confirmed"
    " | unconfirmed provisional differential refuted entered-in-error",
    ("MedicationRequest", "status"): "active on-hold completed stopped unknown"
    " | cancelled entered-in-error draft",
    ("MedicationRequest", "intent"): "order original-order reflex-order filler-order instance-order"
    " | proposal plan option",
    ("MedicationStatement", "status"): "active completed stopped on-hold unknown"
    " | entered-in-error intended not-taken",
    ("MedicationAdministration", "status"): "in-progress on-hold completed stopped unknown"
    " | not-done entered-in-error",
    ("MedicationDispense", "status"): "in-progress completed stopped unknown"
    " | preparation cancelled on-hold declined entered-in-error",
    ("DiagnosticReport", "status"): "partial preliminary final amended corrected appended unknown"
    " | registered cancelled entered-in-error",
    ("Composition", "status"): "preliminary final amended | entered-in-error",
    ("Observation", "status"): "preliminary final amended corrected unknown"
    " | registered cancelled entered-in-error",
    ("DocumentReference", "status"): "current superseded | entered-in-error",
    ("DocumentReference", "docStatus"): "preliminary final amended | entered-in-error",
}
CONCEPTS = ("clinicalStatus", "verificationStatus")
CASES = [
    (*key, word, side == 0)
    for key, words in R4.items()
    for side, part in enumerate(words.split("|"))
    for word in part.split()
]
RESOURCES = {
    "Encounter": {"id": "e1", "subject": WHO},
    "Condition": {"id": "c1", "subject": WHO, "code": coded("44054006")},
    "MedicationRequest": {"id": "m1", "subject": WHO, "medicationCodeableConcept": coded("1")},
    "MedicationStatement": {"id": "s1", "subject": WHO, "dateAsserted": "2024-03-01",
                            "medicationCodeableConcept": coded("1")},
    "MedicationAdministration": {"id": "a1", "subject": WHO,
                                 "medicationCodeableConcept": coded("1")},
    "MedicationDispense": {"id": "p1", "subject": WHO, "medicationCodeableConcept": coded("1")},
    "DiagnosticReport": {"id": "r1", "subject": WHO, "conclusion": "no fracture"},
    "Composition": {"id": "k1", "subject": WHO, "text": {"div": "<div>no fracture</div>"}},
    "Observation": {"id": "o1", "subject": WHO, "encounter": STAY, "code": coded("2"),
                    "valueString": "red"},
    "DocumentReference": NOTE,
}  # fmt: skip


def read(tmp_path, kind, **elements):
    """Return how many things a resource gave, and what was left out."""
    path = tmp_path / "a.fhir.ndjson"
    path.write_text(json.dumps({"resourceType": kind, **RESOURCES[kind], **elements}) + "\n")
    record = read_fhir(path)
    if kind in NOTES:
        notes = read_notes(path)
        n = len(list(notes)) // (2 if kind == "DocumentReference" else 1)
        assert dict(notes.n_excluded) == record.n_excluded
        return n, record.n_excluded
    return len(record.events) + len(record.encounters), record.n_excluded


@pytest.mark.parametrize(("kind", "element", "word", "counts"), CASES)
def test_every_word_of_r4_has_a_side(tmp_path, kind, element, word, counts):
    value = coded(word, "http://terminology.hl7.org/x") if element in CONCEPTS else word
    left = {} if counts else {f"{kind} {word}": 1}
    assert read(tmp_path, kind, **{element: value}) == (int(counts), left)


@pytest.mark.parametrize("kind", RESOURCES)
@pytest.mark.parametrize("missing", [{}, {"status": None}, {"status": ""}])
def test_a_missing_status_says_nothing_against_it(tmp_path, kind, missing):
    elements = {"status": None, **missing}
    assert read(tmp_path, kind, **elements) == (1, {})


@pytest.mark.parametrize(
    ("kind", "elements", "reason"),
    [
        ("MedicationRequest", {"doNotPerform": True, "status": "active"}, "doNotPerform"),
        ("MedicationRequest", {"doNotPerform": False, "intent": "order"}, None),
        ("MedicationRequest", {"doNotPerform": True, "status": "draft"}, "draft"),
        ("MedicationStatement", {"taken": "n", "status": "active"}, "not-taken"),
        ("MedicationStatement", {"taken": "y", "status": "active"}, None),
        ("MedicationStatement", {"status": "NOT_TAKEN"}, "not-taken"),
        ("MedicationStatement", {"status": " Not taken "}, "not-taken"),
        ("MedicationStatement", {"status": "NOTTAKEN"}, "not-taken"),
        ("MedicationStatement", {"status": "recorded"},
         "recorded (of R5: nobody knows whether taken)"),
        ("Encounter", {"status": "noshow"}, "noshow"),
        ("MedicationStatement", {"status": "Zebra"}, "status of no value set"),
        ("MedicationRequest", {"status": "ended"}, None),
        ("Encounter", {"status": "In Progress"}, None),
        ("Encounter", {"status": "canceled"}, "status of no value set"),
        ("Condition", {"verificationStatus": "refuted"}, "refuted"),
        ("Condition", {"verificationStatus": {"text": "Refuted"}}, "refuted"),
        ("Condition", {"verificationStatus": {"coding": []}}, None),
        ("Condition", {"verificationStatus": {"coding": [
            {"system": "http://snomed.info/sct", "code": "410605003"}, {"code": "confirmed"}]}},
         None),
        ("Condition", {"verificationStatus": {"coding": [
            {"system": "http://snomed.info/sct", "code": "410516002"}, {"code": "refuted"}]}},
         "refuted"),
        ("DocumentReference", {"docStatus": "ENTERED-IN-ERROR"}, "entered-in-error"),
        ("DocumentReference", {"docStatus": "appended"}, None),
        ("DocumentReference", {"status": "posted"}, None),
    ],
)  # fmt: skip
def test_other_spellings_and_other_words(tmp_path, kind, elements, reason):
    left = {} if reason is None else {f"{kind} {reason}": 1}
    assert read(tmp_path, kind, **elements) == (int(reason is None), left)


def test_an_inactive_patient_is_a_patient(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"resourceType": "Patient", "id": "p1", "active": false}\n')
    record = read_fhir(path)
    assert ([p.id for p in record.patients], record.n_excluded) == (["p1"], {})


@pytest.mark.parametrize("status", [["Zebra"], 7, {"coding": ["Zebra"]}])
@pytest.mark.parametrize("kind", ["Observation", "DocumentReference"])
def test_a_status_of_another_form_is_refused(tmp_path, kind, status):
    form = rf"a.fhir.ndjson:1: a {kind} must have the form of FHIR R4"
    with pytest.raises(DataError, match=form) as caught:
        read(tmp_path, kind, status=status)
    assert "Zebra" not in str(caught.value)
    if kind == "DocumentReference":
        with pytest.raises(DataError, match=form):
            list(read_notes(tmp_path / "a.fhir.ndjson"))


def test_every_word_stands_in_the_table_of_the_module():
    said = set(re.findall(r"[a-z][a-z-]*", fhir_statuses.__doc__))
    plain = {word.replace("-", "") for word in said}
    for elements in STATUSES.values():
        for words in elements.values():
            assert {*words.counting, *words.left_out} <= plain
