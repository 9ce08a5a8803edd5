"""Whatever stands in a note, each resource that is written is one of FHIR R4.

The models of ``fhir.resources`` (R4B) know the elements, their types and which must be there. What
they do not look at is written here: required value sets, the invariants of a Condition, references
inside a bundle, and that nothing is empty.
"""

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.fhir_write import write_fhir
from tests.common.format_samples import EMPTY, FULL
from tests.properties.test_io_round_trip import FAST, WORDS, complete

# by hand from https://hl7.org/fhir/R4
REQUIRED = {
    "DocumentReference": {"status": "current superseded entered-in-error"},
    "MedicationStatement": {
        "status": "active completed entered-in-error intended stopped on-hold unknown not-taken"
    },
    "FamilyMemberHistory": {"status": "partial completed entered-in-error health-unknown"},
    "Provenance": {},
    "Condition": {},
}
CLINICAL = "active recurrence relapse inactive remission resolved"
VERIFIED = "unconfirmed provisional differential confirmed refuted entered-in-error"
SAID = st.fixed_dictionaries(
    {},
    optional={
        "dose": st.sampled_from(["40 mg", "1-2 tablets", "10/325 mg", "two", ""]) | WORDS,
        "dose_mg": st.floats(0, 1e9) | st.integers(-1, 100),
        "doses_per_day": st.floats(0, 50),
        "doses_per_day_low": st.sampled_from([1.0, 0.142857, 0.5]),
        "doses_per_day_high": st.sampled_from([4.0, 2.0, 0.3]),
        "duration_days": st.floats(0, 400),
        "frequency": WORDS,
        "route": WORDS | st.just("p.o."),
        "prn": st.booleans(),
        "indication": WORDS,
        "schedule": WORDS,
        "change": st.sampled_from(["start", "stop", "hold"]) | WORDS,
        "course": st.sampled_from(["ended", "chronic", "unknown"]),
        "vocabulary": st.sampled_from(["ICD10CM", "RxNorm|ATC", "my list"]) | WORDS,
        "name": WORDS,
    },
)


@st.composite
def stated(draw, id):
    """A note with everything, whose mentions are conditions, drugs and others."""
    note = draw(complete(id))
    entities = (
        replace(
            entity,
            label=draw(st.sampled_from(["Drug", "Problem", entity.label])),
            attributes={**entity.attributes, **draw(SAID)},
        )
        for entity in note.entities
    )
    return note.with_(entities=tuple(entities))


def resources_of(path):
    """Return the resources of a file, the addresses in it, and the bundle, if it is one."""
    if path.name.endswith(".ndjson"):
        resources = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return resources, {f"{r['resourceType']}/{r['id']}" for r in resources}, None
    bundle = json.loads(path.read_text("utf-8"))
    entries = bundle["entry"]
    return [e["resource"] for e in entries], {e["fullUrl"] for e in entries}, bundle


def check(path):
    resources, addresses, bundle = resources_of(path)
    assert len(addresses) == len(resources)
    for resource in resources:
        check_values(resource)
        check_references(resource, addresses)
        for element, words in REQUIRED[resource["resourceType"]].items():
            assert resource[element] in words.split()
        if resource["resourceType"] == "Condition":
            check_condition(resource)
    return [*resources, *([bundle] if bundle else [])]


def check_values(value):
    """Nothing is empty, and text has no control characters, as JSON of FHIR must have it."""
    if isinstance(value, dict | list):
        assert value
        for inner in value.values() if isinstance(value, dict) else value:
            check_values(inner)
    elif isinstance(value, str):
        assert value == value.strip() != ""
        assert not re.search(r"[\x00-\x1f]", value)
    else:
        assert value is not None


def check_references(resource, addresses):
    inside = {f"#{part['id']}" for part in resource.get("contained", [])}
    for key, value in walked(resource):
        if key == "reference" and not re.match(r"(Patient|Encounter)/", value):
            assert value in addresses | inside
            inside.discard(value)
    assert not inside, "dom-3: what is contained is pointed to"


def walked(value):
    pairs = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            yield from walked(inner)
        else:
            yield key, inner


def check_condition(resource):
    said = (resource.get(f"{name}Status") for name in ("verification", "clinical"))
    verified, clinical = (status and status["coding"][0]["code"] for status in said)
    assert verified is None or verified in VERIFIED.split()
    assert (clinical is None) >= (verified == "refuted")
    assert clinical or verified in (None, "refuted"), "only what nobody assessed has none"
    assert "category" not in resource  # con-3: of a problem list, a clinicalStatus must be there
    assert clinical is None or clinical in CLINICAL.split()
    assert not [key for key in resource if key.startswith("abatement")]  # con-4


@pytest.mark.parametrize("name", ["a.fhir.json", "a.fhir.ndjson"])
def test_what_is_written_is_fhir_and_comes_back(name):
    @settings(FAST)
    @given(st.tuples(stated("n1"), stated("ward/2")))
    def law(notes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            summary = write_fhir(notes, path)
            check(path)
            assert tuple(read_notes(path)) == notes
        assert summary.n_notes == 2
        n_mentions = sum(len(note.entities) for note in notes)
        assert summary.n_mentions == n_mentions >= summary.n_left_out.total()

    law()


@pytest.fixture(scope="module")
def model_of():
    package = pytest.importorskip(
        "fhir.resources.R4B", reason="needs fhir.resources, the models of FHIR"
    )
    return package.get_fhir_model_class


@pytest.mark.parametrize("name", ["a.fhir.json", "a.fhir.ndjson"])
def test_what_is_written_is_valid(name, model_of):
    @settings(FAST)
    @given(st.tuples(stated("n1"), stated("ward/2")))
    def law(notes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write_fhir(notes, path)
            for resource in check(path):
                model_of(resource["resourceType"]).model_validate(resource)

    law()


@pytest.mark.parametrize("name", ["a.fhir.json", "a.fhir.ndjson"])
@pytest.mark.parametrize("sample", FULL)
def test_samples_of_all_formats_are_valid(sample, name, model_of, tmp_path):
    path = tmp_path / name
    notes = [FULL[sample], EMPTY[sample], Note(id="9", text="", kind=" \n", patient="")]
    write_fhir(notes, path)
    for resource in check(path):
        model_of(resource["resourceType"]).model_validate(resource)
    assert list(read_notes(path)) == notes
