"""A hospital's own tables of notes."""

import csv
import io
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.formulas import FORMULA
from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable
from clinnlp.io.files.lines import open_bytes
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.frames import from_pandas
from clinnlp.io.notes.tables import usual_columns, write_table
from clinnlp.io.tables.mentions import write_entity_table
from tests.common.error_chains import check_free_of


def test_from_pandas_keeps_what_is_missing_missing():
    frame = pd.DataFrame(
        {
            "t": ["one", "two", "three"],
            "mrn": [1.0, 2.0, np.nan],
            "when": pd.to_datetime(["2024-01-01 10:00", None, "2024-01-02 00:00"]),
            "k": ["2024-01-03", "", None],
            "label": ["a", np.nan, ""],
        }
    )
    notes = from_pandas(frame, text="t", patient="mrn", time="when", known="k", label="label")
    assert notes == [
        Note(
            id="0",
            text="one",
            patient="1",
            time=datetime(2024, 1, 1, 10),
            known=datetime(2024, 1, 3),
            labels=("a",),
        ),
        Note(id="1", text="two", patient="2"),
        Note(id="2", text="three", time=datetime(2024, 1, 2)),
    ]
    assert type(notes[0].time) is datetime


def test_from_pandas_refuses():
    frame = pd.DataFrame({"t": ["secret", "b"], "id": ["x", "x"], "when": ["secret", "b"]})
    with pytest.raises(DataError, match=r"'text', got none; columns are 't', 'id', 'when'"):
        from_pandas(frame, text="text")
    with pytest.raises(DataError, match=r"row 1: ids of notes must be unique, got 'x'"):
        from_pandas(frame, text="t", id="id")
    with pytest.raises(DataError, match=r"row 0: time must be an ISO 8601") as caught:
        from_pandas(frame, text="t", time="when")
    assert caught.value.__context__ is None
    assert from_pandas(frame.iloc[:0], text="t") == []


def test_read_table_numbers_rows_and_names_columns(tmp_path):
    path = tmp_path / "a.csv.gz"
    frame = pd.DataFrame({"note": ["a", "b"], "mrn": ["007", ""], "who": ["x", "y"]})
    frame.to_csv(path, index=False)
    assert list(read_notes(path, text="note", patient="mrn")) == [
        Note(id="a-0", text="a", patient="007"),
        Note(id="a-1", text="b"),
    ]


def test_parquet_types(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame(
        {
            "t": ["a", ""],
            "n": [7, 8],
            "d": [datetime(2024, 1, 1).date(), None],
            "w": pd.to_datetime(["2024-01-01 10:00", None]),
        }
    ).to_parquet(path)
    assert list(read_notes(path, text="t", id="n", time="d", known="w")) == [
        Note(id="7", text="a", time=datetime(2024, 1, 1), known=datetime(2024, 1, 1, 10)),
        Note(id="8", text=""),
    ]
    with pytest.raises(DataError, match=r"a.parquet:1: time must be an ISO 8601"):
        list(read_notes(path, text="t", time="n"))


@pytest.mark.parametrize(
    ("form", "more", "message"),
    [
        ("csv", {"labels": ("a", "b")}, "one label"),
        ("csv", {"patient": ""}, "no empty value"),
        ("parquet", {"time": datetime(2024, 1, 1, tzinfo=UTC)}, "times without zone"),
    ],
)
def test_what_a_table_cannot_hold(form, more, message, tmp_path):
    with pytest.raises(DataError, match=message):
        write_table([Note(id="n", text="", **more)], tmp_path / f"a.{form}")
    assert not list(tmp_path.iterdir())


def test_bytes_and_lists_are_no_text():
    for value in (b"abc", ["abc"]):
        with pytest.raises(DataError, match="row 0: text must be text or a number"):
            from_pandas(pd.DataFrame({"t": [value]}), text="t")


STARTS = ["=1+1", "- cough", "+ve", "@x", "\t=x", "'=1", "''-", "'tis", "", "a=b", "\r\n=1"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
def test_no_cell_is_a_formula_and_every_text_comes_back(tmp_path, name):
    notes = [
        Note(
            id=f"{text or 'x'}{k}", text=text, patient=text or None, labels=(text,) if text else ()
        )
        for k, text in enumerate(STARTS)
    ]
    path = tmp_path / name
    write_notes(notes, path)
    assert list(read_notes(path)) == notes
    named = read_notes(path, text="text", id="id")
    assert [(note.id, note.text) for note in named] == [(note.id, note.text) for note in notes]
    with open_bytes(path) as handle:
        table = io.TextIOWrapper(handle, encoding="utf-8", newline="")
        rows = list(csv.reader(table, delimiter="\t" if ".tsv" in name else ","))
    assert not [cell for row in rows for cell in row if re.match(FORMULA, cell) and cell[0] != "'"]
    assert [row[-1] for row in rows[:2]] == ["guarded", "id text patient label"]
    assert {len(row) for row in rows} == {9}


def test_a_table_that_got_more_columns_still_says_what_is_guarded(tmp_path):
    write_notes([Note(id="1", text="- cough")], tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str).assign(mine="x")
    frame.to_csv(tmp_path / "b.csv", index=False)
    assert [note.text for note in read_notes(tmp_path / "b.csv")] == ["- cough"]
    frame.assign(guarded="yes").to_csv(tmp_path / "c.csv", index=False)
    assert [note.text for note in read_notes(tmp_path / "c.csv")] == ["'- cough"]


@pytest.mark.parametrize("text", STARTS)
def test_text_of_another_program_stays_as_it_is(tmp_path, text):
    path = tmp_path / "a.csv"
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["id", "text"], ["1", text], ["2", f"'{text}"]])
    source = read_notes(path, skip_bad=True)
    notes = list(source)
    assert [note.text for note in notes] == [*([text] if text else []), f"'{text}"]
    assert source.n_excluded == ({} if text else {"row without text": 1})
    write_notes(notes, tmp_path / "b.csv")
    assert list(read_notes(tmp_path / "b.csv")) == notes


@pytest.mark.parametrize("name", ["mentions.csv", "mentions.tsv", "mentions.parquet", "mentions"])
def test_mentions_that_were_extracted_are_no_notes(name, tmp_path):
    said = {"note": "n1", "entity": "T1", "label": "Problem", "text": "fever"}
    row = {**said, "start": 3, "end": 8, "n_concepts": 0}
    write_entity_table(EntityTable.from_rows([row]), tmp_path / name)
    with pytest.raises(DataError, match=r"got a table of mentions .*; give the notes") as error:
        list(read_notes(tmp_path / name, skip_bad=True))
    check_free_of("fever", error.value)
    named = read_notes(tmp_path / name, text="text")
    assert [note.text for note in named] == ["fever"], "who names the column means it"


@pytest.mark.parametrize(
    ("head", "named", "note_id", "patient"),
    [
        ("note_id,patient_id,text", {}, "A1", "p1"),
        ("Doc_ID,MRN,Text", {}, "A1", "p1"),
        ("document_id,subject_id,note_text", {}, "A1", "p1"),
        ("id,patient,text", {}, "A1", "p1"),
        ("note_id,mrn,body", {"text": "body"}, "A1", "p1"),
        ("id,ward,body", {"text": "body"}, "A1", None),
        ("note_id,patient_id,text", {"text": "text", "id": "patient_id"}, "p1", None),
        ("bed,ward,text", {}, "notes-0", None),
    ],
)
def test_usual_names_of_columns_are_known(head, named, note_id, patient, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(f"{head}\nA1,p1,No fever.\n")
    (note,) = read_notes(path, **named)
    assert (note.id, note.patient, note.text) == (note_id, patient, "No fever.")


def test_of_two_usual_names_one_is_taken():
    assert usual_columns({}, ["doc_id", "note_id", "text"]) == {"id": "note_id"}
    assert usual_columns({}, ["id", "note_id", "text"]) == {}
    assert usual_columns({"patient": "note_id"}, ["note_id"]) == {}
