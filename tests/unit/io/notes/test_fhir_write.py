"""FHIR written out: what mentions become, how resources point to each other, what comes back."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from xml.sax.saxutils import quoteattr

import pytest

import clinnlp
from clinnlp import (
    ArgumentError,
    Assertion,
    DataError,
    Entity,
    Note,
    Span,
    read_notes,
    write_fhir,
    write_notes,
)
from clinnlp.cli import main
from clinnlp.io.record.fhir import read_fhir
from tests.common.error_chains import check_free_of

TEXT = "💊 Mother has gout. Zebraperson takes 2 mg of Xyz."
GOUT = Span(13, 17)
MOTHER = Span(2, 8)
LOOKED = {"negated": False, "uncertain": False}  # somebody looked, and it is neither
EMPTY = Note(id="n2", text="", labels=("none",))


def mention(label="Problem", *, span=GOUT, id="T1", attributes=None, concepts=(), **axes):
    return Entity(
        id=id,
        span=span,
        label=label,
        concepts=concepts,
        assertion=Assertion(**axes),
        attributes=attributes or {},
    )


def noted(*entities, **more):
    return Note(id="n1", text=TEXT, patient="p1", encounter="e1", entities=entities, **more)


def written(notes, folder, name="a.fhir.ndjson", **options):
    """Return the resources of a file, and what was said of it."""
    path = folder / name
    summary = write_fhir(notes, path, **options)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines], summary


def only(kind, notes, folder, **options):
    resources, _ = written(notes, folder, **options)
    return [resource for resource in resources if resource["resourceType"] == kind]


def code_of(concept):
    return concept["coding"][0]["code"]


@pytest.mark.parametrize(
    ("axes", "attributes", "verified", "clinical"),
    [
        ({}, {}, None, None),
        ({"negated": False}, {}, None, None),
        ({"uncertain": False, "historical": False}, {}, None, None),
        (LOOKED, {}, "confirmed", "active"),
        (LOOKED | {"historical": False}, {}, "confirmed", "active"),
        ({"negated": True}, {}, "refuted", None),
        ({"negated": True, "uncertain": True, "historical": True}, {}, "refuted", None),
        ({"uncertain": True}, {}, "unconfirmed", "active"),
        (LOOKED | {"historical": True}, {}, "confirmed", "inactive"),
        (LOOKED | {"historical": True}, {"course": "unknown"}, "confirmed", "inactive"),
        (LOOKED | {"historical": True}, {"course": "chronic"}, "confirmed", "active"),
        (LOOKED | {"historical": True}, {"course": "ended"}, "confirmed", "resolved"),
        (LOOKED, {"course": "ended"}, "confirmed", "resolved"),
        ({}, {"course": "ended"}, None, "resolved"),
        ({"historical": True}, {}, None, "inactive"),
    ],
)
def test_status_of_a_condition(axes, attributes, verified, clinical, tmp_path):
    note = noted(mention(attributes=attributes, **axes))
    (found,) = only("Condition", [note], tmp_path)
    for element, code in (("verificationStatus", verified), ("clinicalStatus", clinical)):
        assert (code_of(found[element]) if element in found else None) == code
    assert found["code"]["text"] == "gout"
    assert found["subject"] == {"reference": "Patient/p1"}
    assert found["encounter"] == {"reference": "Encounter/e1"}
    assert found["evidence"] == [{"detail": [{"reference": "DocumentReference/n1"}]}]


@pytest.mark.parametrize(
    ("axes", "attributes", "status"),
    [
        ({}, {}, "unknown"),
        ({"negated": False}, {"change": "start"}, "unknown"),
        (LOOKED, {}, "active"),
        (LOOKED, {"change": "start"}, "active"),
        ({"negated": True}, {"change": "stop"}, "not-taken"),
        ({"hypothetical": True}, {"change": "start"}, "intended"),
        ({"uncertain": True}, {}, "unknown"),
        ({}, {"change": "stop"}, "stopped"),
        ({"historical": True}, {"change": "stop"}, "stopped"),
        ({}, {"change": "hold"}, "on-hold"),
        ({"historical": True}, {}, "completed"),
        ({}, {"course": "ended"}, "completed"),
    ],
)
def test_status_of_a_drug(axes, attributes, status, tmp_path):
    note = noted(mention("Drug", attributes=attributes, **axes), time=datetime(2024, 3, 1))
    (found,) = only("MedicationStatement", [note], tmp_path)
    assert found["status"] == status
    assert found.get("effectiveDateTime") == ("2024-03-01" if status == "active" else None)
    assert found["derivedFrom"] == [{"reference": "DocumentReference/n1"}]


def test_what_nobody_assessed_is_counted(tmp_path):
    note = noted(
        mention(),
        mention("Drug", id="T2", uncertain=False),
        mention(id="T3", **LOOKED),
        mention("Drug", id="T4", negated=True),
        mention("Test", id="T5"),
    )
    _, summary = written([note], tmp_path)
    assert summary.n_unassessed == 2
    assert ", not assessed 2" in str(summary)
    assert list(read_notes(tmp_path / "a.fhir.ndjson")) == [note]
    assert "not assessed" not in str(written([noted(mention(**LOOKED))], tmp_path)[1])


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (mention(hypothetical=True), "hypothetical condition"),
        (mention(hypothetical=True, experiencer=True), "hypothetical condition"),
        (mention(experiencer=True, negated=True), "condition that another person has not"),
        (mention(experiencer=True, uncertain=True), "condition that another person may have"),
        (mention("Drug", experiencer=True), "drug of another person"),
        (mention("Test"), "label Test"),
    ],
)
def test_what_is_no_fact_of_the_record_is_counted(entity, reason, tmp_path):
    resources, summary = written([noted(entity)], tmp_path)
    assert [r["resourceType"] for r in resources] == ["DocumentReference", "Provenance"]
    assert (summary.n_mentions, summary.n_left_out) == (1, {reason: 1})
    assert f"1 mentions in the note alone ({reason}: 1)" in str(summary)
    assert list(read_notes(tmp_path / "a.fhir.ndjson")) == [noted(entity)], "it stays in the note"


@pytest.mark.parametrize(
    ("cue", "code"),
    [
        ("mother", "MTH"),
        ("Maternal  grandmother's", "MGRMTH"),
        ("half-sister", "HSIS"),
        ("sisters", "SIS"),
        ("abuela materna", "MGRMTH"),
        ("padres", "PRN"),
        ("wife", "WIFE"),
        ("on his mother's side", "FAMMEMB"),
        ("family history of", "FAMMEMB"),
        (None, "FAMMEMB"),
    ],
)
def test_family_history(cue, code, tmp_path):
    text = f"{cue} gout"
    span = Span(len(text) - 4, len(text))
    cues = {"experiencer": Span(0, len(cue))} if cue else {}
    assertion = Assertion(experiencer=True, cues=cues)
    gout = Entity(id="T1", span=span, label="disease", assertion=assertion)
    note = Note(id="n1", text=text, entities=(gout,), known=datetime(2024, 3, 1, 8))
    (found,) = only("FamilyMemberHistory", [note], tmp_path)
    assert code_of(found["relationship"]) == code
    assert found["condition"] == [{"code": {"text": "gout"}}]
    assert (found["status"], found["date"]) == ("partial", "2024-03-01T08:00:00+00:00")


@pytest.mark.parametrize("cue", ["roommate", "sick contacts", "Donor"])
def test_of_one_who_is_no_relative_there_is_no_family_history(cue, tmp_path):
    assertion = Assertion(experiencer=True, cues={"experiencer": Span(0, len(cue))})
    gout = Entity(id="T1", span=Span(len(cue) + 1, len(cue) + 5), label="Sign", assertion=assertion)
    resources, summary = written([Note(id="n", text=f"{cue} gout", entities=(gout,))], tmp_path)
    assert len(resources) == 2
    assert list(summary.n_left_out) == ["condition of another person than a relative"]


@pytest.mark.parametrize(
    ("vocabulary", "concept", "system", "code"),
    [
        ("SNOMED", "84114007", "http://snomed.info/sct", "84114007"),
        ("RxNorm", "1191", "http://www.nlm.nih.gov/research/umls/rxnorm", "1191"),
        ("DrugBank", "DB1", "http://www.nlm.nih.gov/research/umls/drugbank", "DB1"),
        ("ICD10CM", "S72001A", "http://hl7.org/fhir/sid/icd-10-cm", "S72.001A"),
        ("ICD-10-CM", "I10", "http://hl7.org/fhir/sid/icd-10-cm", "I10"),
        ("ICD-10-CM", "E11.9", "http://hl7.org/fhir/sid/icd-10-cm", "E11.9"),
        ("ATC", "B01AC06", "http://www.whocc.no/atc", "B01AC06"),
        ("OMOP", "1112807", "https://fhir-terminology.ohdsi.org", "1112807"),
        ("Ward list: 7", "x", "urn:clinnlp:vocabulary:Ward%20list%3A%207", "x"),
        ("http://ward.example/codes", "x", "http://ward.example/codes", "x"),
        (None, "MeSH:D006073", "http://terminology.hl7.org/CodeSystem/MSH", "D006073"),
        (None, "ours:D006073", "urn:clinnlp:vocabulary", "ours:D006073"),
        (None, "metformin", "urn:clinnlp:vocabulary", "metformin"),
    ],
)
def test_codes_have_the_system_of_their_vocabulary(vocabulary, concept, system, code, tmp_path):
    attributes = {"name": "Gout", **({"vocabulary": vocabulary} if vocabulary else {})}
    note = noted(mention(concepts=(concept,), attributes=attributes))
    (found,) = only("Condition", [note], tmp_path)
    coding = {"system": system, "code": code, "display": "Gout"}
    assert found["code"] == {"coding": [coding], "text": "gout"}


def test_each_concept_of_a_composite_mention_counts(tmp_path):
    entities = [
        mention(concepts=("A1", "B2"), attributes={"vocabulary": "ATC|RxNorm"}, id="T1"),
        mention("Drug", concepts=("A1", "B2"), attributes={"vocabulary": "ATC"}, id="T2"),
        mention(concepts=("A1", "B2"), id="T3", experiencer=True),
        mention(concepts=("", " x"), id="T4"),
    ]
    resources, summary = written([noted(*entities)], tmp_path)
    first, second, last = (r for r in resources if r["resourceType"] == "Condition")
    assert [code_of(r["code"]) for r in (first, second)] == ["A1", "B2"]
    assert first["id"] != second["id"]
    assert last["code"] == {"text": "gout"}, "what can be no code is in the note alone"
    (drug,) = (r for r in resources if r["resourceType"] == "MedicationStatement")
    (whole,) = drug["contained"]
    assert drug["medicationReference"]["reference"] == f"#{whole['id']}"
    parts = [code_of(part["itemCodeableConcept"]) for part in whole["ingredient"]]
    assert parts == ["A1", "B2"]
    (family,) = (r for r in resources if r["resourceType"] == "FamilyMemberHistory")
    assert [code_of(c["code"]) for c in family["condition"]] == ["A1", "B2"]
    assert (summary.n_mentions, summary.n_left_out) == (4, {})


def test_the_document(tmp_path):
    time, known = datetime(2024, 3, 1, 8, tzinfo=UTC), datetime(2024, 3, 5, 9, tzinfo=UTC)
    note = noted(time=time, known=known, kind="Discharge summary")
    document, provenance = written([note], tmp_path)[0]
    raw = TEXT.encode()
    assert document == {
        "resourceType": "DocumentReference",
        "id": "n1",
        "status": "current",
        "type": {"text": "Discharge summary"},
        "subject": {"reference": "Patient/p1"},
        "date": "2024-03-05T09:00:00+00:00",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": base64.b64encode(raw).decode(),
                    "size": len(raw),
                    "hash": base64.b64encode(hashlib.sha1(raw).digest()).decode(),
                }
            }
        ],
        "context": {
            "encounter": [{"reference": "Encounter/e1"}],
            "period": {"start": "2024-03-01T08:00:00+00:00"},
        },
    }
    assert provenance["recorded"] == "2024-03-05T09:00:00+00:00"
    assert list(read_notes(tmp_path / "a.fhir.ndjson")) == [note]


def test_offsets_are_code_points_and_all_of_a_mention_is_told(tmp_path):
    parts = (Span(9, 12), GOUT)
    cues = {"negated": MOTHER}
    gout = Entity(
        id="T1",
        span=Span(9, 17),
        parts=parts,
        label="Problem",
        concepts=("D1",),
        assertion=Assertion(negated=True, historical=False, cues=cues),
        attributes={"linked_by": "name", "n": 2, "sure": True, "p": 0.5, "huge": 2**40, "no": None},
        score=0.75,
        source="tagger",
    )
    (found,) = only("Condition", [noted(gout)], tmp_path)
    assert found["code"]["text"] == "has gout"
    (extension,) = found["extension"]
    assert extension["url"] == "urn:clinnlp:mention"

    def bounds(start, end):
        return [
            {"url": "start", "valueUnsignedInt": start},
            {"url": "end", "valueUnsignedInt": end},
        ]

    def attribute(name, kind, value):
        pair = [{"url": "name", "valueString": name}, {"url": "value", f"value{kind}": value}]
        return {"url": "attribute", "extension": pair}

    assert extension["extension"] == [
        {"url": "note", "valueString": "n1"},
        {"url": "id", "valueString": "T1"},
        {"url": "label", "valueString": "Problem"},
        *bounds(9, 17),
        {"url": "part", "extension": bounds(9, 12)},
        {"url": "part", "extension": bounds(13, 17)},
        {"url": "concept", "valueString": "D1"},
        {"url": "score", "valueDecimal": 0.75},
        {"url": "source", "valueString": "tagger"},
        {"url": "negated", "valueBoolean": True},
        {"url": "historical", "valueBoolean": False},
        {"url": "cue", "extension": [{"url": "axis", "valueCode": "negated"}, *bounds(2, 8)]},
        attribute("linked_by", "String", "name"),
        attribute("n", "Integer", 2),
        attribute("sure", "Boolean", True),
        attribute("p", "Decimal", 0.5),
    ]


def test_provenance(tmp_path):
    note = noted(mention(), mention("Drug", id="T2"))
    options = {"made_by": {"model": "ab12", "input": ""}, "recorded": datetime(2025, 1, 1, 8)}
    resources, _ = written([note], tmp_path, **options)
    *made, found = resources
    (device,) = found["contained"]
    assert [v["value"] for v in device["version"]] == [clinnlp.__version__, "ab12"]
    assert found["agent"][0]["who"]["reference"] == f"#{device['id']}"
    assert found["recorded"] == "2025-01-01T08:00:00+00:00"
    told = [f"{r['resourceType']}/{r['id']}" for r in made]
    assert [target["reference"] for target in found["target"]] == told
    assert found["entity"] == [{"role": "source", "what": {"reference": "DocumentReference/n1"}}]


def test_what_nobody_knows_is_said(tmp_path):
    note = Note(id="n1", text=TEXT, entities=(mention(), mention("Drug", id="T2")))
    document, condition, drug, provenance = written([note], tmp_path)[0]
    assert "subject" not in document
    assert condition["subject"] == drug["subject"]
    assert condition["subject"]["display"] == "unknown patient"
    assert condition["subject"]["extension"][0]["valueCode"] == "unknown"
    assert "recorded" not in provenance
    assert provenance["_recorded"]["extension"][0]["valueCode"] == "unknown"
    assert "recordedDate" not in condition
    assert "dateAsserted" not in drug
    record = read_fhir(tmp_path / "a.fhir.ndjson")
    assert len(record.events) == 0, "what is of nobody is no event"


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (datetime(2024, 3, 1), "2024-03-01"),
        (datetime(2024, 3, 1, 8, 30), "2024-03-01T08:30:00+00:00"),
        (datetime(2024, 3, 1, tzinfo=UTC), "2024-03-01T00:00:00+00:00"),
        (
            datetime(2024, 3, 1, 8, tzinfo=timezone(timedelta(hours=-5))),
            "2024-03-01T08:00:00-05:00",
        ),
        (
            datetime(2024, 3, 1, 8, tzinfo=timezone(timedelta(hours=1, seconds=30))),
            "2024-03-01T06:59:30+00:00",
        ),
    ],
)
def test_times(time, said, tmp_path):
    note = noted(time=time)
    document, _ = written([note], tmp_path)[0]
    assert document["context"]["period"]["start"] == said
    (back,) = read_notes(tmp_path / "a.fhir.ndjson")
    assert (back.time, back.known) == (time, None)


def test_in_a_bundle_resources_point_to_each_other(tmp_path):
    path = tmp_path / "a.fhir.json"
    notes = [noted(mention(), mention("Drug", id="T2")), Note(id="ward/7", text="x", patient="7/2")]
    write_fhir(notes, path)
    bundle = json.loads(path.read_text())
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses) == 6
    for entry in bundle["entry"]:
        for line in json.dumps(entry["resource"]).split('"reference": "')[1:]:
            target = line.partition('"')[0]
            assert target in addresses or target in ("Patient/p1", "Encounter/e1", "#clinnlp")
    last = bundle["entry"][4]["resource"]
    assert last["identifier"] == [{"system": "urn:clinnlp:note", "value": "ward/7"}]
    assert last["subject"] == {"type": "Patient", "identifier": {"value": "7/2"}}
    assert list(read_notes(path)) == notes


def test_the_same_notes_are_the_same_bytes(tmp_path):
    notes = [noted(mention(concepts=("a", "b")), known=datetime(2024, 3, 1))]
    for name in ("a.fhir.json", "b.fhir.json"):
        write_fhir(iter(notes), tmp_path / name)
    assert (tmp_path / "a.fhir.json").read_bytes() == (tmp_path / "b.fhir.json").read_bytes()


def test_a_text_keeps_the_mark_that_another_program_took(tmp_path):
    path, note = tmp_path / "a.fhir.ndjson", Note(id="n1", text="\ufeffNo gout.")
    write_fhir([note], path)
    assert list(read_notes(path)) == [note]

    def edit(document):
        document["content"][0]["attachment"]["data"] = base64.b64encode(b"No gout.").decode()

    assert list(read_notes(spoilt(path, edit))) == [note]


@pytest.mark.parametrize("name", ["a.fhir.xml", "a.fhir.xml.gz", "a.fhir.json.zip"])
def test_other_forms_are_refused(name, tmp_path):
    for write in (write_fhir, write_notes):
        with pytest.raises(ArgumentError):
            write(
                [noted()], tmp_path / name, **({"format": "fhir"} if write is write_notes else {})
            )
    assert not list(tmp_path.iterdir())


def test_two_notes_of_one_id_are_refused(tmp_path):
    with pytest.raises(DataError, match="ids of notes must be unique"):
        write_fhir([noted(), noted()], tmp_path / "a.fhir.json")
    assert not list(tmp_path.iterdir())


def test_labels_are_named(tmp_path):
    note = noted(mention("AGENT"), mention("Befund", id="T2"))
    options = {"drug_labels": ["agent"], "condition_labels": ["Befund"]}
    resources, summary = written([note], tmp_path, **options)
    kinds = [r["resourceType"] for r in resources]
    assert kinds == ["DocumentReference", "MedicationStatement", "Condition", "Provenance"]
    assert not summary.n_left_out


def test_statements_are_read_as_the_record(tmp_path):
    """What did not happen is left out by `read_fhir`, as if a hospital had written it."""
    at = datetime(2024, 3, 1, 8)
    note = noted(
        mention(concepts=("I10",), attributes={"vocabulary": "ICD10CM"}),
        mention(id="T2", negated=True),
        mention("Drug", id="T3", attributes={"dose_mg": 2.0, "doses_per_day": 1.0}, **LOOKED),
        mention("Drug", id="T4", hypothetical=True),
        time=at,
        known=at,
    )
    path = tmp_path / "a.fhir.json"
    write_fhir([note], path)
    record = read_fhir(path)
    rows = [(r["patient"], r["kind"], r["code"], r["vocabulary"]) for r in record.events.rows()]
    assert rows == [("p1", "condition", "I10", "ICD-10-CM"), ("p1", "drug", "gout", "")]
    told = {"Condition refuted": 1, "MedicationStatement intended": 1}
    assert told.items() <= record.n_excluded.items()


# --- the extension that is read back -----------------------------------------------------------


def spoilt(path, change):
    """Change the document of a file of lines."""
    first, *others = path.read_text().splitlines()
    document = json.loads(first)
    change(document)
    path.write_text("\n".join([json.dumps(document), *others]) + "\n")
    return path


def test_mentions_of_another_text_are_refused(tmp_path):
    path = tmp_path / "a.fhir.ndjson"
    write_fhir([noted(mention())], path)

    def edit(document):
        attachment = document["content"][0]["attachment"]
        attachment["data"] = base64.b64encode(TEXT.replace("gout", "cold").encode()).decode()

    with pytest.raises(
        DataError, match=r"a.fhir.ndjson:1: a text must be as it was when"
    ) as caught:
        list(read_notes(spoilt(path, edit)))
    check_free_of("Zebraperson", caught.value)
    (alone,) = read_notes(spoilt(path, lambda document: document.pop("extension")))
    assert alone.entities == ()


@pytest.mark.parametrize(
    "data",
    [
        "Zebraperson!",
        base64.b64encode(b"Zebraperson").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b'{"text":"Zebraperson"}').decode(),
        base64.b64encode(b"\xff").decode(),
        base64.b64encode(
            json.dumps(
                {"text": hashlib.sha256(TEXT.encode()).hexdigest(), "note": {"Zebraperson": 1}}
            ).encode()
        ).decode(),
        base64.b64encode(
            json.dumps(
                {
                    "text": hashlib.sha256(TEXT.encode()).hexdigest(),
                    "note": {"entities": [{"start": 0, "end": 9999, "label": "x"}]},
                }
            ).encode()
        ).decode(),
        7,
        None,
    ],
)
def test_an_extension_of_another_form_is_refused(data, tmp_path):
    path = tmp_path / "a.fhir.ndjson"
    write_fhir([noted(mention())], path)

    def edit(document):
        document["extension"][0]["valueAttachment"]["data"] = data

    with pytest.raises(DataError, match=r"a.fhir.ndjson:1: ") as caught:
        list(read_notes(spoilt(path, edit)))
    check_free_of("Zebraperson", caught.value)


def test_base64_may_have_line_breaks(tmp_path):
    path = tmp_path / "a.fhir.ndjson"
    write_fhir([noted(mention())], path)

    def edit(document):
        attachment = document["extension"][0]["valueAttachment"]
        attachment["data"] = base64.encodebytes(base64.b64decode(attachment["data"])).decode()
        document["extension"] = document["extension"][0]

    assert list(read_notes(spoilt(path, edit))) == [noted(mention())]


def xml_of(name, value):
    """Return an element of JSON as a server writes it in XML."""
    if isinstance(value, list):
        return "".join(xml_of(name, one) for one in value)
    if not isinstance(value, dict):
        said = str(value).lower() if isinstance(value, bool) else str(value)
        return f"<{name} value={quoteattr(said)}/>"
    url = f" url={quoteattr(value['url'])}" if name == "extension" else ""
    inside = "".join(xml_of(k, v) for k, v in value.items() if k not in ("url", "resourceType"))
    return f"<{name}{url}>{inside}</{name}>"


@pytest.mark.parametrize("note", [noted(mention(), time=datetime(2024, 3, 1, 8)), noted(), EMPTY])
def test_a_server_may_give_it_back_in_xml(note, tmp_path):
    document, *_ = written([note], tmp_path)[0]
    body = xml_of("DocumentReference", document)
    path = tmp_path / "b.xml"
    path.write_text(
        body.replace("<DocumentReference", '<DocumentReference xmlns="http://hl7.org/fhir"')
    )
    assert list(read_notes(path)) == [note]


def test_who_moves_a_note_to_another_patient_is_believed(tmp_path):
    """A server that gives ids of its own writes them into the elements."""
    path = tmp_path / "a.fhir.ndjson"
    write_fhir([noted(mention(), kind="x")], path)

    def edit(document):
        document |= {"id": "901", "subject": {"reference": "Patient/77"}, "type": {"text": "y"}}

    (back,) = read_notes(spoilt(path, edit))
    assert (back.id, back.patient, back.encounter, back.kind) == ("901", "77", "e1", "y")
    assert back.entities == (mention(),)


# --- commands ----------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("name,code,system,label\ngout,M109,ICD10CM,Problem\nlisinopril,1,RxNorm,Drug\n")
    return path


@pytest.mark.parametrize("name", ["o.fhir.json", "o.fhir.ndjson", "o.fhir.ndjson.gz"])
def test_extract(name, words, tmp_path, capsys):
    notes = [
        Note(id="a", text="On lisinopril. Return if gout.", patient="p"),
        Note(id="b", text="💊 Denies gout."),
    ]
    write_notes(notes, tmp_path / "in.jsonl")
    for out in (name, "o.jsonl"):
        args = ["extract", str(tmp_path / "in.jsonl"), str(tmp_path / out)]
        assert main([*args, "--vocabulary", str(words)]) == 0
    assert "in no resource, hypothetical condition 1" in capsys.readouterr().out
    found = list(read_notes(tmp_path / name))
    assert found == list(read_notes(tmp_path / "o.jsonl"))
    assert [len(note.entities) for note in found] == [2, 1]
    assert found[1].entities[0].attributes["vocabulary"] == "ICD10CM"
    if name == "o.fhir.ndjson":
        lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        device = lines[-1]["contained"][0]
        told = [version["type"]["text"] for version in device["version"]]
        assert told == ["clinnlp", "language", "vocabulary"]
        assert str(tmp_path) not in json.dumps(device)


def test_convert(tmp_path, capfd):
    write_notes([noted(mention(), mention(id="T2", hypothetical=True))], tmp_path / "in.jsonl")
    out = tmp_path / "o.fhir.json"
    assert main(["convert", str(tmp_path / "in.jsonl"), str(out)]) == 0
    said = capfd.readouterr().out
    assert said.startswith(f"1 notes: {out} (1 Condition, 1 DocumentReference, 1 Provenance, ")
    assert "hypothetical condition: 1" in said
    assert main(["convert", str(out), str(tmp_path / "back.jsonl")]) == 0
    assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "in.jsonl").read_bytes()
    capfd.readouterr()
    assert main(["convert", str(out), "-", "--to", "fhir"]) == 0
    assert json.loads(capfd.readouterr().out) == json.loads(out.read_text())
    assert main(["convert", str(out), str(tmp_path / "x"), "--to", "fihr"]) == 2
