"""From files to files, as the command does: notes, tables, report, vault, exit codes."""

import json
import re

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.record.events import read_events
from clinnlp.study.deidentify.vault import read_vault
from clinnlp.study.deidentify.whole import deidentify_files
from clinnlp.study.settings import DeidentifySettings
from tests.unit.study.deidentify.conftest import note_of


@pytest.fixture
def given(tmp_path):
    write_notes([note_of(k) for k in range(6)], tmp_path / "in.jsonl")
    (tmp_path / "known.csv").write_text(
        "patient,name,relative,mrn\n7730915,Ann Zebraperson,Mary Quaggaton,77-30-915\n"
    )
    (tmp_path / "events.csv").write_text(
        "patient,start,code\n7730915,2019-03-12,x\n7730915,2019-03-20,y\n"
    )
    (tmp_path / "fhir.ndjson").write_text(
        '{"resourceType": "Patient", "id": "7730915", "birthDate": "1950-03-01", "gender": '
        '"female", "name": [{"family": "Zebraperson"}]}\n'
        '{"resourceType": "MedicationStatement", "id": "m1", "status": "active", "subject": '
        '{"reference": "Patient/7730915"}, "effectiveDateTime": "2019-03-12", '
        '"medicationCodeableConcept": {"text": "aspirin"}}\n'
    )
    return tmp_path


def command(given, *more, source="in.jsonl", out="out.jsonl"):
    words = ["deidentify", source, out, "--key", "key", *more]
    return main([str(given / w) if "." in w or w in ("key", "vault", "vk", "rec") else w
                 for w in words])  # fmt: skip


def test_the_whole_way(given, capsys):
    tables = ["--tables", "events.csv", "ev.csv", "--tables", "fhir.ndjson", "rec"]
    vault = ["--vault", "vault", "--vault-key", "vk"]
    code = command(given, "--new-key", *tables, "--audit", "3", *vault)
    said = capsys.readouterr().out
    assert code == 0, said
    notes = list(read_notes(given / "out.jsonl"))
    events, drugs = (read_events(given / n) for n in ("ev.csv", "rec/events.csv"))
    who = {note.patient for note in notes}
    assert len(who) == 1
    assert {*events["patient"], *drugs["patient"]} == who
    assert events["start"][0] == drugs["start"][0]
    assert f"{notes[0].time:%Y-%m-%d}" == str(events["start"][0])[:10]
    assert read_vault(given / "vault", given / "vk") == {"7730915": notes[0].patient}
    page = (given / "out.jsonl.deid" / "report.md").read_text()
    assert "expert determination" in page
    assert "smallest group has 1 patients" in page
    for path in (given / "rec").iterdir():
        assert "Zebra" not in path.read_text()
    reviewed = str(given / "out.jsonl.deid" / "review.jsonl")
    assert main(["deidentify", "audit", reviewed, str(given / "out.jsonl.deid")]) == 0
    assert re.search(r"at most \d+ % of notes .* still hold an identifier, 95%",
                     capsys.readouterr().out)  # fmt: skip


def test_fhir_is_written_as_fhir_where_the_output_says_so(given):
    assert command(given, "--new-key", "--tables", "fhir.ndjson", "made.ndjson") == 0
    patient, drug = map(json.loads, (given / "made.ndjson").read_text().splitlines())
    (who,) = {note.patient for note in read_notes(given / "out.jsonl")}
    assert patient["id"] == who
    assert drug["subject"] == {"reference": f"Patient/{who}"}
    assert "Zebra" not in (given / "made.ndjson").read_text()


def test_what_cannot_be_done_is_told_without_ids_and_the_code_is_1(given, capsys):
    with (given / "in.jsonl").open("a") as file:
        file.write('{"id": "Zebraperson"}\n')
    assert command(given, "--new-key") == 1
    said = capsys.readouterr().err
    assert "in.jsonl:7: no note could be read" in said
    assert "Zebra" not in said
    assert json.loads((given / "out.jsonl.deid" / "summary.json").read_text())["n_unreadable"] == 1


def test_a_key_must_be_there_and_stands_in_nothing(given, capsys):
    assert command(given) == 2
    assert "key: no such file" in capsys.readouterr().err
    assert command(given, "--new-key") == 0
    secret = (given / "key").read_text().strip()
    for path in given.rglob("*"):
        if path.is_file() and path.name != "key":
            assert secret not in path.read_bytes().decode("utf-8", "replace")
    assert command(given, "--vault", "vault") == 2
    assert "go together" in capsys.readouterr().err


def test_a_new_key_where_one_is_and_notes_to_review_are_told(given, capsys):
    assert command(given, "--new-key", "--audit", "2") == 0
    said = capsys.readouterr().out
    assert f"key: {given / 'key'}, made now" in said
    assert f"to review: {given / 'out.jsonl.deid' / 'review.jsonl'}" in said
    assert command(given, "--new-key", out="again.jsonl") == 0
    said = capsys.readouterr().out
    assert "was there already; no new one is made" in said
    assert "to review" not in said
    assert (given / "again.jsonl").read_bytes() == (given / "out.jsonl").read_bytes()


def test_what_a_format_cannot_hold_is_told_of_the_note_as_given_before_all_are_read(given, capsys):
    assert command(given, "--new-key", "--to", "brat", out="out.brat") == 2
    said = capsys.readouterr().err
    assert "note 'n-0': brat cannot hold patient" in said
    assert "--on-loss sidecar" in said
    assert not list((given / "out.brat.deid").glob("found-*.jsonl"))
    assert command(given, "--to", "brat", "--on-loss", "sidecar", out="out.brat") == 0


def test_an_output_that_holds_the_key_is_refused(given):
    (given / "made").mkdir()
    with pytest.raises(ArgumentError, match="must be another file or folder than what is read"):
        deidentify_files(read_notes(given / "in.jsonl"), given / "made",
                         key=given / "made" / "key", new_key=True)  # fmt: skip


def test_a_known_name_stands_in_no_note(given):
    done = deidentify_files(
        read_notes(given / "in.jsonl"), given / "out.jsonl", key=given / "key", new_key=True,
        known=given / "known.csv", settings=DeidentifySettings(replace="mask"), progress=False,
    )  # fmt: skip
    left = "".join(note.text for note in read_notes(given / "out.jsonl"))
    assert done.summary.n_failed == 0
    assert not {"Zebraperson", "Quaggaton", "77-30-915"} & set(re.findall(r"[\w-]+", left))
