"""Notes of MIMIC by hand, in their published layouts."""

from datetime import datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.formats import find_format
from tests.common.record_samples import MIMIC3, MIMIC4, write_record

DISCHARGE = Note(
    id="10-DS-1",
    text='Ascites.\n\nNo fever, "mild"',
    patient="10",
    encounter="900",
    time=datetime(2180, 5, 9),
    known=datetime(2180, 5, 11, 10),
    kind="discharge",
)
RADIOLOGY = Note(
    id="10-RR-1",
    text="No pneumonia.",
    patient="10",
    time=datetime(2180, 5, 7, 2),
    known=datetime(2180, 5, 7, 23, 59, 59),  # nobody says when it was stored
    kind="radiology",
)


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_mimic_iv(tmp_path, form):
    folder = write_record(tmp_path, MIMIC4, form)
    assert list(read_notes(folder)) == [DISCHARGE, RADIOLOGY]
    assert list(read_notes(folder / "note")) == [DISCHARGE, RADIOLOGY]
    assert find_format(folder / "note" / f"discharge.{form}") == "mimic"
    assert list(read_notes(folder / "note" / f"radiology.{form}")) == [RADIOLOGY]


def test_mimic_iii(tmp_path):
    notes = read_notes(write_record(tmp_path, MIMIC3, "csv.gz"))
    assert list(notes) == [
        Note(id="20", text="Fever, then none.\n\nAspirin 81 mg.", patient="7", encounter="70",
             time=datetime(2164, 11, 1), known=datetime(2164, 11, 1, 23, 59, 59),
             kind="discharge summary"),
        Note(id="21", text="Afebrile", patient="7", encounter="70",
             time=datetime(2164, 10, 24, 8), known=datetime(2164, 10, 24, 8, 30), kind="nursing"),
    ]  # fmt: skip
    assert notes.n_excluded == {"note in error (iserror)": 1}


def test_the_guidelines_beside_the_folder_are_no_notes(tmp_path):
    write_record(tmp_path, MIMIC4, "csv.gz")
    (tmp_path / "LICENSE.txt").write_text("x")
    (tmp_path / "SHA256SUMS.txt").write_text("x")
    assert [note.id for note in read_notes(tmp_path)] == ["10-DS-1", "10-RR-1"]


def test_tables_of_other_names_or_columns_are_ordinary_ones(tmp_path):
    (tmp_path / "discharge.csv").write_text("id,text\n1,No fever\n")
    assert [note.id for note in read_notes(tmp_path)] == ["1"]
    (tmp_path / "discharge.csv").rename(tmp_path / "notes.csv")
    assert [note.id for note in read_notes(tmp_path / "notes.csv")] == ["1"]


def test_a_record_without_notes_is_refused(tmp_path):
    write_record(tmp_path, MIMIC4, without=[t for t in MIMIC4 if t.startswith("note/")])
    with pytest.raises(DataError, match="a MIMIC-IV folder must hold a table of notes"):
        read_notes(tmp_path)
    with pytest.raises(DataError, match="a MIMIC folder of notes must hold one of NOTEEVENTS"):
        list(read_notes(tmp_path, format="mimic"))


def test_a_flat_record_without_notes_is_refused_by_name(tmp_path):
    write_record(tmp_path, MIMIC3, without=["NOTEEVENTS"])
    with pytest.raises(DataError, match="a MIMIC-III folder must hold a table of notes"):
        read_notes(tmp_path)


def test_no_folder_of_notes_leads_out_of_it(tmp_path):
    write_record(tmp_path / "other", MIMIC4)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note").symlink_to(tmp_path / "other" / "note")
    with pytest.raises(DataError, match="got a link out of it"):
        read_notes(tmp_path / "in")
