"""Folders of OMOP, MIMIC-III and MIMIC-IV tables through the commands that take them."""

import csv

import pytest

from clinnlp.cli import main
from clinnlp.io.tables.mentions import read_entity_table
from tests.common.record_samples import MIMIC3, MIMIC4, OMOP, write_record

RECORDS = {"OMOP": OMOP, "MIMIC-III": MIMIC3, "MIMIC-IV": MIMIC4}
WORDS = "name\nfever\nascites\naspirin\npneumonia\n"
CODES = {"OMOP": "316866", "MIMIC-III": "99591", "MIMIC-IV": "K7290"}


@pytest.fixture(params=RECORDS)
def record(request, tmp_path):
    return request.param, write_record(tmp_path / "in", RECORDS[request.param], "csv.gz")


def test_inspect_tells_of_the_record_and_of_its_notes(record, capsys):
    name, folder = record
    assert main(["inspect", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{name}: ")
    told = {
        "OMOP": ["3 patients (2 with a birth date), 4 stays, 1 deaths, 20 events",
                 "  measurement: 7", "  condition: 4, 1 of them at no known time",
                 "3 values are limits", "1 of condition_occurrence match no concept",
                 "1 visit_occurrence that ends before it begins", "2 notes, "],
        "MIMIC-III": ["2 patients (1 with a birth date), 3 stays, 1 deaths, 8 events",
                      "1 values are limits", "1 DIAGNOSES_ICD without a code", "2 notes, "],
        "MIMIC-IV": ["3 patients (2 with a birth date), 3 stays, 1 deaths, 16 events",
                     "1 emar event hold dose", "2 notes, "],
    }  # fmt: skip
    assert [line for line in told[name] if line not in said.out] == []
    left = {"OMOP": "1 left out: NOTE_NLP row of a note that is not in NOTE",
            "MIMIC-III": "1 left out: note in error (iserror)", "MIMIC-IV": ""}  # fmt: skip
    assert left[name] in said.err


def test_inspect_of_a_record_without_notes(tmp_path, capsys):
    write_record(tmp_path, MIMIC3, without=["NOTEEVENTS"])
    assert main(["inspect", str(tmp_path)]) == 0
    assert "notes" not in capsys.readouterr().out


def test_extract_reads_the_notes_of_a_record(record, tmp_path, capsys):
    name, folder = record
    (tmp_path / "words.csv").write_text(WORDS)
    out = tmp_path / "found.csv"
    code = main(["extract", str(folder), str(out), "--vocabulary", str(tmp_path / "words.csv")])
    said = capsys.readouterr()
    assert code == 0
    assert ("left out: " in said.err) is (name != "MIMIC-IV")
    rows = [(r["text"].lower(), r["negated"]) for r in read_entity_table(out).rows()]
    told = {
        "OMOP": ("fever", True),
        "MIMIC-III": ("fever", False),
        "MIMIC-IV": ("pneumonia", True),
    }
    assert told[name] in [(text, negated == 1) for text, negated in rows]
    assert None not in read_entity_table(out)["patient"].tolist()
    assert "NaT" not in read_entity_table(out)["known"].astype(str)


def test_risk_takes_a_record(record, tmp_path, capsys):
    name, folder = record
    assert main(["risk", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert "no score is given" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text()
    told = {"OMOP": "condition_occurrence without a code", "MIMIC-III": "died in the stay",
            "MIMIC-IV": "labevents without a patient"}  # fmt: skip
    assert told[name].replace("_", " ") in page.replace("_", " ")
    made_of = {"OMOP": "MEASUREMENT", "MIMIC-III": "LABEVENTS", "MIMIC-IV": "labevents"}
    assert f"{made_of[name]}.csv.gz" in page


@pytest.mark.parametrize("more", [[], ["--min-cell", "1"]])
def test_mine_takes_a_record(record, tmp_path, capsys, more):
    name, folder = record
    out = tmp_path / "out"
    asked = ["mine", str(folder), "--min-count", "1", "--out", str(out), *more]
    assert main(asked) == 0
    said = capsys.readouterr().out
    with (out / "rules.csv").open() as handle:
        rules = list(csv.reader(handle))
    assert CODES[name] in str(rules)
    told = {"OMOP": "measurement without a code 1", "MIMIC-III": "DIAGNOSES_ICD without a code 1",
            "MIMIC-IV": "emar without event_txt 1"}  # fmt: skip
    assert told[name] in said
