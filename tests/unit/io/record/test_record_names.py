"""Names of codes by the tables of a record, on the way into baskets and events."""

import json

import pytest

from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.record_names import record_names
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.settings import MineSettings

SNOMED = "http://snomed.info/sct"


def test_of_concept_those_alone_that_are_asked_for(tmp_path):
    rows = "concept_id,concept_name,invalid_reason\n1,aspirin,\n2,old,D\n3,other,\n0,none,\n"
    (tmp_path / "CONCEPT.csv").write_text(rows)
    assert record_names(tmp_path, {"1", "2"}) == {"1": "aspirin", "2": "old"}


@pytest.mark.parametrize("place", [".", "hosp"])
def test_of_the_tables_of_mimic(tmp_path, place):
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    (folder / "d_icd_diagnoses.csv").write_text(
        "icd_code,icd_version,long_title\nE030,10,Congenital hypothyroidism\n4019,9,Hypertension\n"
    )
    (folder / "D_LABITEMS.csv").write_text("itemid,label,fluid,category\n50868,Gap,Blood,x\n")
    found = record_names(tmp_path, {"4019", "50868", "nothing"})
    assert found == {"4019": "Hypertension", "50868": "Gap"}


def test_a_folder_without_names_has_none(tmp_path):
    assert record_names(tmp_path, {"1"}) == {}


@pytest.mark.parametrize("min_cell", [0, 5])
def test_items_of_an_omop_folder_have_names(tmp_path, min_cell):
    folder = tmp_path / "omop"
    folder.mkdir()
    people = [str(k) for k in range(40)]
    (folder / "PERSON.csv").write_text("person_id\n" + "\n".join(people) + "\n")
    drugs = "person_id,drug_concept_id,drug_exposure_start_date\n"
    rows = [f"{k},1112807,2024-01-01\n" for k in people[::2]]
    (folder / "DRUG_EXPOSURE.csv").write_text(drugs + "".join(rows))
    illnesses = "person_id,condition_concept_id,condition_start_date\n"
    rows = [f"{k},313217,2024-01-01\n" for k in people[:20]]
    (folder / "CONDITION_OCCURRENCE.csv").write_text(illnesses + "".join(rows))
    (folder / "CONCEPT.csv").write_text("concept_id,concept_name\n1112807,aspirin\n")
    result = mine_flow(folder, out=tmp_path / "out", settings=MineSettings(min_cell=min_cell))
    assert result.baskets.called("1112807") == "aspirin (1112807)"
    assert result.baskets.called("313217") == "313217"


def test_displays_of_fhir_are_names_and_free_words_are_not(tmp_path):
    def concept(code, display=None, text=None):
        coding = {"system": SNOMED, "code": code} | ({"display": display} if display else {})
        return {"coding": [coding]} | ({"text": text} if text else {})

    who = {"subject": {"reference": "Patient/p"}}
    resources = [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Condition", "id": "c1", **who, "code": concept("1", "Gout", "his toe")},
        {"resourceType": "Condition", "id": "c2", **who, "code": concept("2", text="his toe")},
        {"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
         **who, "medicationCodeableConcept": concept("3", "Aspirin")},
    ]  # fmt: skip
    path = tmp_path / "bundle.json"
    entries = [{"resource": resource} for resource in resources]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    events = read_fhir(path).events
    named = dict(zip(events["code"].tolist(), events["name"].tolist(), strict=True))
    assert named == {"1": "Gout", "2": None, "3": "Aspirin"}
