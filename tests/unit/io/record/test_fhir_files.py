"""How hospitals keep FHIR: every form of file gives the same record and notes."""

import gzip
import json
import lzma
import zipfile

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.fhir import read_fhir
from tests.unit.io.record.fhir_files import (
    P1,
    attached,
    bundle,
    coded,
    document,
    observed,
    write_bundle,
    write_lines,
    write_xml,
)

DRUG = {"medicationCodeableConcept": coded("1191"), "subject": P1}
RESOURCES = [
    {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1948-05-10"},
    {"resourceType": "Encounter", "id": "e1", "status": "finished", "subject": P1,
     "period": {"start": "2024-03-01"}},
    observed(valueQuantity={"value": 4.1, "unit": "mmol/L"}, issued="2024-03-01T08:00:00Z"),
    {"resourceType": "MedicationAdministration", "id": "a1", "status": "completed", **DRUG,
     "context": {"reference": "Encounter/e1"}, "dosage": {"dose": {"value": 1.0, "unit": "TAB"}},
     "effectivePeriod": {"start": "2024-03-01T08:00:00Z", "end": "2024-03-01T09:00:00Z"}},
    {"resourceType": "MedicationDispense", "id": "p1", "status": "completed", **DRUG,
     "whenHandedOver": "2024-03-02",
     "dosageInstruction": [{"text": "1-2 daily", "doseAndRate": [
         {"doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "TAB"}}}]}]},
    {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
    {"resourceType": "List", "id": "l1", "status": "current",
     "entry": [{"item": {"reference": "Condition/c1"}}]},
    document(attached("No fever.")),
]  # fmt: skip
EXCLUDED = {"List not read": 1, "OperationOutcome not read": 1}


def entries(*, kind):
    return json.dumps(bundle(RESOURCES, kind))


def nested():
    inner = bundle(RESOURCES[2:], "searchset")
    return bundle([*RESOURCES[:2], bundle([inner], "collection")], "batch-response")


def last_key(made):
    """Return a bundle whose type stands behind its entries, as some databases write it."""
    return {key: made[key] for key in ("type", "entry", "resourceType")}


FILES = {
    "collection.json": entries(kind="collection"),
    "searchset.json": json.dumps(bundle(RESOURCES, "searchset"), indent=2),
    "document.json": entries(kind="document"),
    "transaction.json": entries(kind="transaction"),
    "history.json": entries(kind="history"),
    "nested.json": json.dumps(nested()),
    "last.json": json.dumps(last_key(bundle(RESOURCES))),
    "list.json": json.dumps(RESOURCES, indent=1),
    "mixed.ndjson": "\n".join(map(json.dumps, RESOURCES)) + "\n\n",
    "mixed.jsonl": "\ufeff" + "\r\n".join(map(json.dumps, RESOURCES)),
    "lines.json": "\n".join(map(json.dumps, RESOURCES)),
    "bundles.ndjson": "".join(json.dumps(bundle([r])) + "\n" for r in RESOURCES),
    "one.ndjson": json.dumps(nested()),
}


def check(path):
    """Check that a file or folder holds what `RESOURCES` says."""
    record = read_fhir(path)
    assert [(p.id, p.sex, str(p.birth_date)) for p in record.patients] == [
        ("p1", "M", "1948-05-10")
    ]
    assert [(e.id, e.patient, str(e.start)[:10]) for e in record.encounters] == [
        ("e1", "p1", "2024-03-01")
    ]
    rows = {row["source_id"]: row for row in record.events.rows()}
    assert {name: (row["kind"], row["code"], row["dose"]) for name, row in rows.items()} == {
        "o1": ("measurement", "2823-3", None),
        "a1": ("drug", "1191", "1 TAB"),
        "p1": ("drug", "1191", "1-2 TAB"),
    }
    assert rows["a1"]["encounter"] == "e1"
    known = {name: str(row["known"]) for name, row in rows.items()}
    assert known == {"o1": "2024-03-01 08:00:00", "a1": "2024-03-01 08:00:00",
                     "p1": "2024-03-02 23:59:59"}  # fmt: skip
    assert str(rows["a1"]["end"]) == "2024-03-01 09:00:00"
    assert record.n_excluded == EXCLUDED
    (note,) = read_notes(path, format="fhir")
    assert (note.id, note.text, note.patient) == ("d1", "No fever.", "p1")


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_same(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    check(tmp_path / name)
    check(tmp_path)
    (tmp_path / name).unlink()
    for suffix, pack in ((".gz", gzip.compress), (".xz", lzma.compress)):
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(pack(FILES[name].encode()))
        check(path)
        assert [note.id for note in read_notes(path)] == ["d1"], "by a look"


def test_xml_gives_the_same(tmp_path):
    for name, made in (("a.xml", bundle(RESOURCES)), ("b.xml", nested())):
        check(write_xml(tmp_path / name, made))
        assert [note.id for note in read_notes(tmp_path / name)] == ["d1"], "by a look"
    text = (tmp_path / "a.xml").read_text()
    prefixed = text.replace("<", "<f:").replace("<f:/", "</f:").replace("<f:?", "<?")
    (tmp_path / "c.xml").write_text(prefixed.replace("xmlns=", "xmlns:f="))
    check(tmp_path / "c.xml")
    (tmp_path / "d.xml").write_bytes(text.replace("UTF-8", "UTF-16").encode("utf-16"))
    check(tmp_path / "d.xml")


def test_a_zip_file_is_a_folder(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for k, resource in enumerate(RESOURCES):
            packed.writestr(f"export/{k}.json", json.dumps(resource))
        packed.writestr("__MACOSX/export/._0.json", "Zebra")
        packed.writestr("about.txt", "Zebra")
        packed.writestr("a\\empty.ndjson", "")
    check(path)
    assert [note.id for note in read_notes(path)] == ["d1"], "by a look"
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("export/9.ndjson", '{"resourceType": "Patient", "birthDate": "Zebra"}')
    with pytest.raises(DataError, match=r"export.zip/export/9.ndjson:1: a time must"):
        read_fhir(path)


@pytest.mark.parametrize(
    "name", ["../s.json", "{root}/s.json", "a/../../s.json", "C:/s.json", "a//s.json", "..\\s.json"]
)
def test_a_name_that_leads_out_of_a_zip_file_is_refused(tmp_path, name):
    (tmp_path / "s.json").write_text(json.dumps({**RESOURCES[0], "id": "secret"}))
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name.format(root=tmp_path), "{}")
        packed.writestr("Patient.ndjson", json.dumps(RESOURCES[0]))
    with pytest.raises(
        DataError, match=r"in\.zip: a name in a zip file must be one of a file in it"
    ):
        read_fhir(path)


@pytest.mark.parametrize("as_xml", [False, True], ids=["json", "xml"])
def test_a_folder_with_a_file_for_each_resource_or_type(tmp_path, as_xml):
    (tmp_path / "below").mkdir()
    for k, resource in enumerate(RESOURCES):
        folder = tmp_path / ("below" if k % 2 else ".")
        if as_xml:
            write_xml(folder / f"{k}.xml", resource)
        else:
            (folder / f"{k}.json").write_text(json.dumps(resource, indent=2))
    check(tmp_path)
    (tmp_path / ".hidden.json").write_text("Zebra")
    (tmp_path / "about.txt").write_text("Zebra")
    check(tmp_path)


def test_what_is_no_fhir_in_a_folder_is_counted(tmp_path):
    write_lines(tmp_path / "Patient.ndjson", RESOURCES[:1])
    (tmp_path / "manifest.json").write_text('{"transactionTime": "2024", "output": []}')
    (tmp_path / "letter.xml").write_text('<ClinicalDocument xmlns="urn:hl7-org:v3"/>')
    (tmp_path / "Empty.ndjson").write_text("")
    (tmp_path / "empty.json").write_text("")
    assert read_fhir(tmp_path).n_excluded == {"file without resources": 3}


def test_files_without_any_fhir_are_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"transactionTime": "2024", "output": []}')
    with pytest.raises(DataError, match="a JSON file of FHIR must be one resource or Bundle"):
        read_fhir(tmp_path / "a.json")
    with pytest.raises(
        DataError, match="a folder or zip file must hold FHIR in JSON, NDJSON or XML"
    ):
        read_fhir(tmp_path)


def test_an_entry_without_resource_is_counted(tmp_path):
    path = tmp_path / "a.json"
    gone = {"fullUrl": "https://x/Patient/p9", "request": {"method": "DELETE", "url": "Patient/p9"}}
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [gone, {}]}))
    assert read_fhir(path).n_excluded == {"entry without resource": 2}
    path.write_text('{"resourceType": "Bundle", "type": "searchset", "total": 0}')
    assert read_fhir(path).n_excluded == {}
    assert list(read_notes(path)) == []


def test_a_list_of_its_own_is_no_bundle(tmp_path):
    (tmp_path / "l.json").write_text(json.dumps(RESOURCES[6]))
    write_xml(tmp_path / "l.xml", RESOURCES[6])
    for name in ("l.json", "l.xml"):
        assert read_fhir(tmp_path / name).n_excluded == {"List not read": 1}


# --- the same resource twice ---------------------------------------------------------------


def version(number, **more):
    return observed(meta={"versionId": str(number)}, **more)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_of_the_versions_of_a_resource_the_newest_counts(tmp_path, order):
    made = [version(k, valueQuantity={"value": k}) for k in order]
    for path in (write_bundle(tmp_path / "a.json", made, "history"),
                 write_lines(tmp_path / "a.ndjson", made)):  # fmt: skip
        record = read_fhir(path)
        assert [row["value"] for row in record.events.rows()] == [3.0]
        assert record.n_excluded == {"Observation of an older version": 2}


def test_a_newer_version_may_take_all_back(tmp_path):
    made = [version(1, valueQuantity={"value": 1})]
    made += [{**version(2, valueQuantity={"value": 1}), "status": "entered-in-error"}]
    for listed in (made, made[::-1]):
        record = read_fhir(write_lines(tmp_path / "a.ndjson", listed))
        assert (len(record.events), record.n_excluded) == (
            0, {"Observation entered-in-error": 1, "Observation of an older version": 1}
        )  # fmt: skip


def test_what_is_said_twice_counts_once(tmp_path):
    """As in pages that overlap; one id of two patients is two resources."""
    said = observed(valueQuantity={"value": 1})
    stay = {"resourceType": "Encounter", "id": "e1", "subject": P1}
    twin = {**said, "subject": {"reference": "Patient/p2"}}
    other = observed(valueQuantity={"value": 2})
    made = [RESOURCES[0], said, stay, RESOURCES[0], said, stay, twin, other]
    record = read_fhir(write_lines(tmp_path / "a.ndjson", made))
    assert [(row["patient"], row["value"]) for row in record.events.rows()] == [
        ("p1", 1.0), ("p2", 1.0), ("p1", 2.0)
    ]  # fmt: skip
    assert (len(record.patients), len(record.encounters)) == (1, 1)
    assert record.n_excluded == dict.fromkeys(
        ("Encounter repeated", "Observation repeated", "Patient repeated"), 1
    )


# --- other versions of FHIR ----------------------------------------------------------------

OTHER_VERSIONS = [
    ("STU3", {"resourceType": "Condition", "assertedDate": "2024"}),
    ("STU3", {"resourceType": "Observation", "comment": "x"}),
    ("STU3 or DSTU2", {"resourceType": "DocumentReference", "indexed": "2024", "content": []}),
    ("STU3 or DSTU2", {"resourceType": "MedicationAdministration", "notGiven": True}),
    ("STU3", {"resourceType": "MedicationDispense", "notDone": True}),
    ("DSTU2", {"resourceType": "Condition", "patient": P1}),
    ("DSTU2", {"resourceType": "Encounter", "patient": P1}),
    ("DSTU2", {"resourceType": "MedicationOrder", "patient": P1}),
    ("DSTU2", {"resourceType": "MedicationStatement", "wasNotTaken": True}),
    ("DSTU2", {"resourceType": "Observation", "comments": "x"}),
    ("DSTU2", {"resourceType": "Conformance", "fhirVersion": "1.0.2"}),
    ("STU3", {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}),
    ("STU3", {"resourceType": "Patient", "id": "p", "meta": {"profile": [
        "https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-Patient-1"]}}),
    ("DSTU2", {"resourceType": "Patient", "id": "p", "meta": {"profile": [
        "http://fhir.org/guides/argonaut/StructureDefinition/argo-patient"]}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "resource"), OTHER_VERSIONS)
def test_another_version_is_refused_by_name(tmp_path, name, resource):
    said = rf"must be of FHIR R4, got a {resource['resourceType']} of {name} \("
    (tmp_path / "a.json").write_text(json.dumps(resource))
    for path in (write_lines(tmp_path / "a.ndjson", [resource]), tmp_path / "a.json",
                 write_xml(tmp_path / "a.xml", bundle([resource]))):  # fmt: skip
        with pytest.raises(DataError, match=said):
            read_fhir(path)
    if resource["resourceType"] == "DocumentReference":
        with pytest.raises(DataError, match=said):
            list(read_notes(tmp_path / "a.ndjson"))


def test_what_r5_says_as_r4_does_is_read(tmp_path):
    stay = {"resourceType": "Encounter", "id": "e1", "status": "completed", "subject": P1,
            "actualPeriod": {"start": "2024-03-01", "end": "2024-03-02"}}  # fmt: skip
    given = {"resourceType": "MedicationAdministration", "id": "a1", "subject": P1,
             "encounter": {"reference": "Encounter/e1"}, "status": "completed",
             "medication": {"concept": coded("1191")},
             "occurenceDateTime": "2024-03-01"}  # fmt: skip
    record = read_fhir(write_lines(tmp_path / "a.ndjson", [stay, given]))
    assert str(record.encounters[0].end) == "2024-03-02 00:00:00"
    (row,) = record.events.rows()
    assert (row["encounter"], row["code"], str(row["known"])[:10]) == ("e1", "1191", "2024-03-01")


# --- hostile files -------------------------------------------------------------------------


def test_xml_that_is_no_good_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    head = '<Patient xmlns="http://hl7.org/fhir">'
    for content, said in (
        (f'<!DOCTYPE x [<!ENTITY a "b">]>{head}<id value="&a;"/></Patient>', "no entities"),
        (f'{head}<id value="p1"/>', "must be well-formed"),
        (f"{head}{'<a>' * 5000}{'</a>' * 5000}</Patient>", "nested so deeply"),
        (f"{head}</Patient>", "a Patient must have the form"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "must be in the namespace"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=said):
            read_fhir(path)
