"""Of FHIR nothing goes missing: what goes in is a patient, a stay, an event, a note or counted.

Over resources of all kinds, with all words of status, subjects of all forms and values of all
kinds, as a bundle, lines, XML, or a folder with a file per type; JSON and XML say the same.
"""

import json
import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.fhir_statuses import STATUSES
from clinnlp.io.record.fhir_texts import NOTES
from tests.unit.io.record.fhir_files import attached, bundle, coded, write_lines, write_xml

IDENTIFIER = {"system": "s", "value": "7"}
SUBJECTS = [
    {"reference": "Patient/p1"}, {"reference": "Patient/p1/_history/1"},
    {"reference": "https://host/fhir/Patient/p1"}, {"reference": "Patient?identifier=s|7"},
    {"identifier": IDENTIFIER}, {"reference": "urn:uuid:p1"}, {"reference": "#p"},
    {"reference": "Group/g1"}, {"reference": "Device/d1"}, {"display": "who"}, None,
]  # fmt: skip
CODES = [coded("1"), {"text": "x"}, {"coding": [{"display": "x"}]}, {}, None]
MEDICATIONS = [
    {"medicationCodeableConcept": coded("1191")}, {"medicationCodeableConcept": {}}, {},
    {"medicationReference": {"reference": "Medication/m1"}},
    {"medicationReference": {"reference": "Medication/gone"}},
    {"medicationReference": {"reference": "Substance/s1"}},
    {"medicationReference": {"reference": "#c"},
     "contained": [{"resourceType": "Medication", "id": "c", "code": coded("5")}]},
    {"medicationReference": {"display": "pill"}},
]  # fmt: skip
VALUES = [
    {"valueQuantity": {"value": 4.1, "unit": "g"}}, {"valueQuantity": {"unit": "g"}},
    {"valueQuantity": {"value": 4, "comparator": "<"}}, {"valueInteger": 3}, {"valueString": "a"},
    {"valueBoolean": True}, {"valueRange": {"low": {"value": 1}}}, {"valueRange": {}},
    {"valuePeriod": {"start": "2024"}}, {"valueSampledData": {"data": "1 2"}},
    {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 8}}},
    {"valueCodeableConcept": coded("9")}, {"valueCodeableConcept": {}},
    {"dataAbsentReason": coded("unknown")}, {},
]  # fmt: skip
TEXTS = [
    attached("No fever."), attached("<p>x</p>", "text/html"), attached(b"%PDF", "application/pdf"),
    {"contentType": "text/plain", "url": "Binary/b1"}, {"contentType": "text/plain"},
    {"contentType": "text/plain", "url": "http://x/y"}, {},
]  # fmt: skip
OTHERS = ("Binary", "Group", "OperationOutcome", "Organization", "Procedure")


def _statuses(kind):
    """Draw the elements of status: each word of each, a word of none, or nothing."""
    drawn = {}
    for element, words in STATUSES.get(kind, {}).items():
        known = [*sorted({*words.counting, *words.left_out}), "zebra", None]
        if element == "verificationStatus":
            known = [word and coded(word) for word in known]
        drawn[element] = st.sampled_from(known)
    return st.fixed_dictionaries(drawn)


def _more(kind):
    """Draw what else a resource of a kind holds."""
    parts = st.builds(lambda code, value: {"code": code, **value}, _of(CODES), _of(VALUES))
    texts = st.lists(_of(TEXTS), max_size=2)
    if kind == "Observation":
        return st.builds(
            lambda own, components: {**own, "component": components},
            parts,
            st.lists(parts, max_size=2),
        )
    if kind == "DocumentReference":
        return texts.map(lambda listed: {"content": [{"attachment": one} for one in listed]})
    if kind == "DiagnosticReport":
        return st.builds(lambda forms, said: {"presentedForm": forms, **said}, texts,
                         _of([{}, {"conclusion": "so"}]))  # fmt: skip
    if kind == "Composition":
        return _of([{}, {"section": [{"title": "a", "text": {"div": "<div>b</div>"}}]}])
    if kind.startswith("Medication") and kind != "Medication":
        return _of(MEDICATIONS)
    return _of(CODES).map(lambda code: {"code": code})


def _of(listed):
    return st.sampled_from(listed)


def _resource(kind):
    drawn = st.tuples(_of(SUBJECTS), _statuses(kind), _more(kind))
    return drawn.map(lambda got: {"resourceType": kind, "subject": got[0], **got[1], **got[2]})


def _plain(resource):
    """Return a resource without what is None or an empty list, as no JSON of FHIR has it."""
    return {key: value for key, value in resource.items() if value is not None and value != []}


def _named(resources):
    for k, resource in enumerate(resources):
        resource = _plain(resource)
        if resource.get("subject") == {"reference": "#p"}:
            inside = [{"resourceType": "Patient", "id": "p", "identifier": [IDENTIFIER]}]
            resource["contained"] = [*resource.get("contained", []), *inside]
        yield {"id": f"r{k}", **resource}


KINDS = (*STATUSES, "Patient", *OTHERS)
RESOURCES = st.lists(st.sampled_from(KINDS).flatmap(_resource), max_size=8).map(_named).map(list)
FIXED = [
    {"resourceType": "Patient", "id": "p1", "identifier": [IDENTIFIER]},
    {"resourceType": "Medication", "id": "m1", "code": coded("1191")},
    {"resourceType": "Binary", "id": "b1", **attached("In a Binary.")},
]


def _told(path, resources):
    """Return all that a file or folder gives, after checking that all of it is accounted for."""
    record, notes = read_fhir(path), read_notes(path, format="fhir")
    read = list(notes)
    of_events = {row["source_id"] for row in record.events.rows()}
    of_notes = {note.id.removesuffix("/2") for note in read}
    whole = {r: n for r, n in record.n_excluded.items() if not r.startswith("part of an ")}
    n_out = len(record.patients) + len(record.encounters) + len(of_events) + len(of_notes)
    assert len(resources) == n_out + sum(whole.values())
    told = {r: n for r, n in whole.items() if r.startswith(NOTES)}
    assert told == notes.n_excluded
    by_kind = Counter(resource["resourceType"] for resource in resources)
    assert Counter(reason.split()[0] for reason in whole) <= by_kind
    rows = sorted(repr(row) for row in record.events.rows())
    assert not re.search("None=|=None", str(rows))
    assert all(row["code"] for row in record.events.rows())
    return (
        sorted(p.id for p in record.patients), sorted(map(repr, record.encounters)), rows,
        sorted((n.id, n.text, n.patient or "") for n in read), record.n_excluded,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(RESOURCES)
def test_everything_is_accounted_for(tmp_path_factory, drawn):
    resources = [*FIXED, *drawn]
    folder = tmp_path_factory.mktemp("fhir")
    (folder / "a.json").write_text(json.dumps(bundle(resources)))
    told = _told(folder / "a.json", resources)
    assert told == _told(write_xml(folder / "a.xml", bundle(resources)), resources)
    assert told == _told(write_lines(folder / "a.ndjson", resources), resources)
    by_type = folder / "by type"
    by_type.mkdir()
    for kind in {resource["resourceType"] for resource in resources}:
        of_kind = [resource for resource in resources if resource["resourceType"] == kind]
        write_lines(by_type / f"{kind}.ndjson", of_kind)
    assert told == _told(by_type, resources)
