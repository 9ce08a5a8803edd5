"""Texts of FHIR: attachments of every type, reports, compositions, Binary; in JSON and in XML."""

import gzip
import json

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.record.fhir import read_fhir
from tests.unit.io.record.fhir_files import (
    P1,
    attached,
    bundle,
    coded,
    document,
    write_bundle,
    write_lines,
    write_xml,
)

PLAIN, HTML, RTF = attached("No fever."), attached("<p>x</p>", "text/html"), "application/rtf"
SCAN = attached(b"%PDF-1.4", "application/pdf")


def read(tmp_path, *resources):
    """Return the notes of resources and what is left out: the same from JSON and XML, by both."""
    path = write_bundle(tmp_path / "a.fhir.json", resources)
    write_xml(tmp_path / "a.fhir.xml", bundle(resources))
    source, other = read_notes(path), read_notes(tmp_path / "a.fhir.xml")
    notes = list(source)
    assert [(n.id, n.text) for n in notes] == [(n.id, n.text) for n in other]
    assert notes == list(other)
    assert source.n_excluded == other.n_excluded
    excluded = read_fhir(path).n_excluded
    told = {r: n for r, n in excluded.items() if not r.startswith(("Binary", "Patient"))}
    assert told == source.n_excluded
    return notes, dict(source.n_excluded)


ATTACHMENTS = [
    ([PLAIN], "No fever."),
    ([attached("a\r\nb\n")], "a\r\nb\n"),
    ([HTML, PLAIN], "No fever."),
    ([attached("{\\rtf1 x}", RTF), HTML], "x"),
    ([SCAN, {**PLAIN, "contentType": "TEXT/PLAIN; charset=UTF-8"}], "No fever."),
    ([attached("naïve", "text/plain; charset=iso-8859-1", "latin-1")], "naïve"),
    ([attached("naïve", 'text/plain;charset="windows-1252"', "cp1252")], "naïve"),
    ([attached("naïve", "text/plain", "utf-8-sig")], "naïve"),
    ([attached("naïve", "text/plain", "utf-16")], "naïve"),
    ([attached("<meta charset='latin-1'><b>naïve</b>", "text/html", "latin-1")], "naïve"),
    ([attached("<p>Na 141&nbsp;mmol/L<br/>K &lt; 3</p>", "application/xhtml+xml")],
     "Na 141\xa0mmol/L\nK < 3"),
    ([{**PLAIN, "data": "Tm8g\nZmV2\r\n  ZXIu\n"}], "No fever."),
    ([{"contentType": "text/plain", "size": 0}], ""),
    ([{"contentType": "text/plain", "url": "http://x/y"}, HTML], "x"),
    ([{"contentType": "text/plain", "url": "Binary/b1"}, HTML], "x"),
]  # fmt: skip


@pytest.mark.parametrize(("attachments", "text"), ATTACHMENTS)
def test_plain_text_is_taken_first_then_html(tmp_path, attachments, text):
    (note,), excluded = read(tmp_path, document(*attachments))
    assert (note.text, note.id, note.patient, excluded) == (text, "d1", "p1", {})


UNREAD = [
    ([SCAN], "of PDF"),
    ([attached("{\\rtf1 x}", RTF)], "of RTF"),
    ([attached(b"\xff\xd8", "image/jpeg"), SCAN], "of an image"),
    ([attached("<ClinicalDocument/>", "application/xml")], "of XML"),
    ([attached("x", "application/msword")], "of another type"),
    ([attached("x", None)], "of no type"),
    ([{"contentType": "text/plain", "url": "https://x/y.txt"}], "behind a url"),
    ([{"contentType": "text/plain", "url": "Binary/gone"}], "behind a url"),
    ([{"contentType": "text/plain"}], "without data"),
    ([{}], "of no type"),
    ([], "without content"),
]


@pytest.mark.parametrize(("attachments", "reason"), UNREAD)
def test_what_has_no_text_is_counted(tmp_path, attachments, reason):
    notes, excluded = read(tmp_path, document(*attachments), document(PLAIN, name="d2"))
    assert ([note.id for note in notes], excluded) == (["d2"], {f"DocumentReference {reason}": 1})


def binary(name="b1", **more):
    return {"resourceType": "Binary", "id": name, **attached("In a Binary."), **more}


@pytest.mark.parametrize(
    "url", ["Binary/b1", "https://host/fhir/Binary/b1", "Binary/b1/_history/2", "urn:uuid:b1"]
)
@pytest.mark.parametrize("first", [True, False], ids=["Binary first", "Binary last"])
def test_a_binary_gives_its_text(tmp_path, url, first):
    named = document({"contentType": "text/plain", "url": url})
    notes, excluded = read(tmp_path, *([binary(), named] if first else [named, binary()]))
    assert [(n.id, n.text, n.patient) for n in notes] == [("d1", "In a Binary.", "p1")]
    assert excluded == {}
    record = read_fhir(tmp_path / "a.fhir.json")
    assert record.n_excluded == {"Binary not read": 1}


def test_a_binary_may_be_of_another_type_or_contained(tmp_path):
    named = document({"contentType": "text/html", "url": "Binary/b1"})
    assert read(tmp_path, named, binary(contentType="application/pdf")) == (
        [], {"DocumentReference of PDF": 1}
    )  # fmt: skip
    inside = document({"contentType": "text/plain", "url": "#b1"}, contained=[binary()])
    assert [note.text for note in read(tmp_path, inside)[0]] == ["In a Binary."]


def test_binaries_in_another_file_of_an_export(tmp_path):
    """By type, packed or not, in folders or not; the manifest is none of them."""
    urls = [{"contentType": "text/plain", "url": f"Binary/b{k}"} for k in range(3)]
    documents = [document(url, name=f"d{k}") for k, url in enumerate(urls)]
    (tmp_path / "part").mkdir()
    write_lines(tmp_path / "part" / "DocumentReference.000.ndjson", documents)
    made = "".join(json.dumps(binary(f"b{k}")) + "\n" for k in range(2))
    (tmp_path / "Binary.ndjson.gz").write_bytes(gzip.compress(made.encode()))
    manifest = {"transactionTime": "2024", "output": [{"type": "Binary", "url": "https://x/1"}]}
    (tmp_path / "output.json").write_text(json.dumps(manifest))
    notes = read_notes(tmp_path, format="fhir")
    assert [(n.id, n.text) for n in notes] == [("d0", "In a Binary."), ("d1", "In a Binary.")]
    assert notes.n_excluded == {"DocumentReference behind a url": 1}
    assert read_fhir(tmp_path).n_excluded == {
        "Binary not read": 2, "DocumentReference behind a url": 1, "file without resources": 1,
    }  # fmt: skip


# --- reports and compositions --------------------------------------------------------------


def report(**more):
    return {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": P1,
            "encounter": {"reference": "Encounter/e1"}, "code": {"text": "CT chest"},
            "effectiveDateTime": "2024-03-01T08:00:00Z", "issued": "2024-03-01T12:00:00Z",
            **more}  # fmt: skip


def test_reports_are_notes(tmp_path):
    (note,), excluded = read(tmp_path, report(presentedForm=[HTML, PLAIN], conclusion="so"))
    assert (note.id, note.text, note.kind) == ("DiagnosticReport/r1", "No fever.", "CT chest")
    assert (note.patient, note.encounter) == ("p1", "e1")
    assert [str(note.time), str(note.known)] == [
        "2024-03-01 08:00:00+00:00", "2024-03-01 12:00:00+00:00"
    ]  # fmt: skip
    assert excluded == {}
    (note,), _ = read(tmp_path, report(presentedForm=[SCAN], conclusion="No fracture."))
    assert note.text == "No fracture."


@pytest.mark.parametrize(
    ("more", "reason"), [({}, "without text"), ({"presentedForm": [SCAN]}, "of PDF")]
)
def test_a_report_without_text_is_counted(tmp_path, more, reason):
    assert read(tmp_path, report(**more)) == ([], {f"DiagnosticReport {reason}": 1})


@pytest.mark.parametrize("first", [True, False], ids=["report first", "report last"])
def test_a_report_that_is_also_a_document_is_one_note(tmp_path, first):
    """Of the same patient; a normal finding of two patients is two."""
    pair = [report(presentedForm=[PLAIN]), document(PLAIN)]
    notes, excluded = read(tmp_path, *(pair if first else pair[::-1]))
    assert [note.id for note in notes] == ["d1"]
    assert excluded == {"DiagnosticReport of the same text as a DocumentReference": 1}
    other = report(presentedForm=[PLAIN], subject={"reference": "Patient/p2"})
    assert len(read(tmp_path, other, document(PLAIN))[0]) == 2


def narrative(html):
    return {"status": "generated", "div": f"<div>{html}</div>"}


def composition(**more):
    return {"resourceType": "Composition", "id": "k1", "status": "final", "subject": P1,
            "type": coded("34133-9", display="Summary"), "date": "2024-03-02", **more}  # fmt: skip


def test_the_narratives_of_a_composition_stand_under_their_titles(tmp_path):
    sections = [
        {"title": "Allergies", "text": narrative("<ul><li>penicillin</li><li>latex</li></ul>")},
        {"title": "Plan:", "section": [
            {"code": {"text": "Drugs"}, "text": narrative("aspirin <b>81</b> mg"),
             "entry": [{"reference": "MedicationStatement/1"}]},
            {"title": "Empty", "emptyReason": {"text": "nil known"}}]},
    ]  # fmt: skip
    (note,), excluded = read(tmp_path, composition(section=sections))
    assert note.text == "Allergies:\n- penicillin\n- latex\n\nDrugs:\naspirin 81 mg"
    assert (note.id, note.kind, str(note.known)) == (
        "Composition/k1", "Summary", "2024-03-02 00:00:00"
    )  # fmt: skip
    assert excluded == {}
    (note,), _ = read(tmp_path, composition(text=narrative("<p>No fever.</p>")))
    assert note.text == "No fever."
    assert read(tmp_path, composition()) == ([], {"Composition without text": 1})


# --- whose, versions, faults ---------------------------------------------------------------


def test_what_a_note_keeps(tmp_path):
    stays = [{"reference": "EpisodeOfCare/x"}, {"reference": "Encounter/e1"}]
    of_r4 = {"encounter": stays, "period": {"start": "2024-03-01T08:00:00+02:00"}}
    (note,), _ = read(tmp_path, document(PLAIN, context=of_r4, type={"text": "Letter"}))
    assert (note.patient, note.encounter, note.kind) == ("p1", "e1", "Letter")
    assert (str(note.time), str(note.known)) == (
        "2024-03-01 08:00:00+02:00", "2024-03-02 10:00:00+00:00"
    )  # fmt: skip
    (note,), _ = read(tmp_path, document(PLAIN, context=stays, period=of_r4["period"]))
    assert (note.encounter, str(note.time)) == ("e1", "2024-03-01 08:00:00+02:00"), "R5"


def test_an_identifier_is_looked_up_in_all_files_of_a_folder(tmp_path):
    whom = {"resourceType": "Patient", "id": "p7", "identifier": [{"system": "s", "value": "7"}]}
    asked = {"reference": "Patient?identifier=s|7"}
    write_lines(tmp_path / "Patient.ndjson", [whom])
    write_lines(tmp_path / "DocumentReference.ndjson", [document(PLAIN, subject=asked)])
    assert [note.patient for note in read_notes(tmp_path)] == ["p7"]


def test_an_older_version_behind_a_newer_one_is_left_out(tmp_path):
    versions = [document(attached(f"v{k}"), meta={"versionId": str(k)}) for k in (3, 2, 2)]
    notes, excluded = read(tmp_path, *versions)
    assert [note.text for note in notes] == ["v3"]
    assert excluded == {"DocumentReference of an older version": 2}


def test_faults_are_told_once_and_can_be_skipped(tmp_path):
    bad = [document({**PLAIN, "data": "!Zebra"}, name="d2"), document(PLAIN, name=7)]
    path = write_lines(tmp_path / "a.fhir.ndjson", [document(PLAIN), *bad, report()])
    with path.open("a") as handle:
        handle.write('{"resourceType": "DocumentReference", "DiagnosticReport": Zebra}\n')
    notes = read_notes(path, skip_bad=True)
    assert [note.id for note in notes] == ["d1"]
    assert [error.line for error in notes.skipped] == [2, 3, 5]
    assert "Zebra" not in str(notes.skipped)
    assert notes.n_excluded == {"DiagnosticReport without text": 1}
    with pytest.raises(DataError, match=r"a.fhir.ndjson:2: an attachment must be base64"):
        list(read_notes(path))


def test_a_copy_is_known_where_another_file_says_whose_it_is(tmp_path):
    whom = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "s", "value": "7"}]}
    asked = {"reference": "Patient?identifier=s|7"}
    write_lines(tmp_path / "A.ndjson", [report(presentedForm=[PLAIN], subject=asked)])
    write_lines(tmp_path / "B.ndjson", [whom, document(PLAIN)])
    notes = read_notes(tmp_path)
    assert [note.id for note in notes] == ["d1"]
    assert notes.n_excluded == read_fhir(tmp_path).n_excluded


def test_faults_on_one_line_are_all_told(tmp_path):
    bad = [document({**PLAIN, "data": "!"}, name="d2"), document(PLAIN, name=7), document(7)]
    notes = read_notes(
        write_bundle(tmp_path / "a.fhir.json", [document(PLAIN), *bad]), skip_bad=True
    )
    assert [note.id for note in notes] == ["d1"]
    assert [error.line for error in notes.skipped] == [1, 1, 1]


def test_a_folder_of_folders_is_fhir_where_it_holds_nothing_else(tmp_path):
    (tmp_path / "a").mkdir()
    write_lines(tmp_path / "a" / "part.ndjson", [document(PLAIN)])
    assert [note.id for note in read_notes(tmp_path)] == ["d1"], "by a look"
    (tmp_path / "manifest.json").write_text('{"transactionTime": "2024"}')
    assert [note.id for note in read_notes(tmp_path)] == ["d1"]
    write_lines(tmp_path / "a" / "part.ndjson", [{"id": "n1", "text": "No fever."}])
    with pytest.raises(DataError, match="a folder must hold files of"):
        read_notes(tmp_path)


def test_a_note_is_found_again_in_its_folder(tmp_path):
    write_lines(tmp_path / "A.ndjson", [document(SCAN, name="d0"), document(PLAIN, name="d1")])
    write_lines(tmp_path / "B.ndjson", [report(conclusion="So."), document(HTML, name="d2")])
    notes = list(read_notes(tmp_path))
    index = NoteIndex.build(read_notes(tmp_path))
    assert [note.id for note in notes] == ["d1", "d2", "DiagnosticReport/r1"]
    assert [index.note_at(note.id) for note in notes] == notes
