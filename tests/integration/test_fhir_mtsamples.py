"""Transcribed notes through extraction, FHIR and back: no mention is lost, none is made up."""

import csv
import json
import lzma
from collections import Counter

import pytest

from clinnlp import Note, pipeline, read_notes
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.study.extract import extract

PROBLEMS = (
    *("hypertension", "diabetes", "asthma", "cancer", "stroke", "fever", "chest pain", "cough"),
    *("nausea", "vomiting", "headache", "pneumonia", "depression", "obesity", "anemia", "edema"),
    *("seizure", "shortness of breath", "heart disease", "arthritis", "COPD", "pain", "fracture"),
)
DRUGS = (
    *("aspirin", "lisinopril", "metformin", "Lasix", "Coumadin", "Tylenol", "Lipitor", "Zocor"),
    *("insulin", "prednisone", "Plavix", "Zoloft", "penicillin", "morphine", "Percocet"),
)
OTHERS = ("CT scan", "biopsy")


def vocabulary():
    listed = [(name, "Problem", "SNOMED") for name in PROBLEMS]
    listed += [(name, "Drug", "RxNorm") for name in DRUGS]
    listed += [(name, "Procedure", "") for name in OTHERS]
    return Vocabulary(
        Concept(code=f"c{k}", name=name, system=system, label=label)
        for k, (name, label, system) in enumerate(listed)
    )


def notes_of(data_dir, n):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        texts = dict.fromkeys(row["transcription"] for row in csv.DictReader(handle))
    texts = [text for text in texts if text.strip()]
    step = len(texts) // n
    return [Note(id=f"mt/{k}", text=f"💊 {text}") for k, text in enumerate(texts[::step][:n])]


def told(path):
    """Return how many mentions the resources of a file name, and how many there are of each."""
    mentions, kinds = set(), Counter()
    for line in path.read_text("utf-8").splitlines():
        resource = json.loads(line)
        kinds[resource["resourceType"]] += 1
        for extension in resource.get("extension", ()):
            if extension["url"] == "urn:clinnlp:mention":
                said = {part["url"]: part.get("valueString") for part in extension["extension"]}
                mentions.add((said["note"], said["id"]))
    return len(mentions), kinds


@pytest.mark.parametrize("n", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_no_mention_is_lost(n, data_dir, tmp_path):
    notes, nlp = notes_of(data_dir, n), pipeline(vocabulary=vocabulary())
    assert len(notes) == n
    found = list(nlp.stream(notes))
    lines, bundle = tmp_path / "a.fhir.ndjson", tmp_path / "a.fhir.json.gz"
    summaries = [extract(notes, nlp, path, progress=False) for path in (lines, bundle)]
    for path, summary in zip((lines, bundle), summaries, strict=True):
        assert list(read_notes(path)) == found
        assert summary.n_entities == sum(len(note.entities) for note in found)
    summary = summaries[0]
    n_told, kinds = told(lines)
    assert n_told + sum(summary.n_left_out.values()) == summary.n_entities
    assert kinds["DocumentReference"] == kinds["Provenance"] == n
    assert n_told == sum(kinds.values()) - 2 * n, "each has one concept here"
    assert kinds["Condition"] > n
    assert kinds["MedicationStatement"] > n / 4
    if n == 300:
        assert kinds["FamilyMemberHistory"] > 20
        assert {"hypothetical condition", "label Procedure"} <= summary.n_left_out.keys()


@pytest.mark.slow
def test_each_resource_is_valid(data_dir, tmp_path):
    models = pytest.importorskip(
        "fhir.resources.R4B", reason="needs fhir.resources, the models of FHIR"
    )
    path = tmp_path / "a.fhir.ndjson"
    extract(notes_of(data_dir, 300), pipeline(vocabulary=vocabulary()), path, progress=False)
    for line in path.read_text("utf-8").splitlines():
        resource = json.loads(line)
        models.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
