"""`clinnlp drift` says what `note_drift` finds, of notes that are read or as they are written."""

from datetime import datetime

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.study.note_drift import note_drift
from clinnlp.study.pipeline import pipeline


@pytest.fixture
def notes(tmp_path):
    """Write notes of four months; in the last two, aspirin stands there four times as often."""
    made = []
    for k in range(160):
        text = "Took aspirin. " * (1 + k % 2 + 3 * (k >= 80)) + "No rash."
        mentions = (Entity(id="T1", span=Span(0, 4), label="Verb"),) if k < 80 else ()
        made.append(Note(id=f"n{k}", text=text, patient=f"p{k}", entities=mentions,
                         time=datetime(2024, 1 + k // 40, 3)))  # fmt: skip
    write_notes(made, tmp_path / "notes.jsonl")
    (tmp_path / "words.csv").write_text("code,name,label\nd1,aspirin,Drug\n")
    return tmp_path / "notes.jsonl"


def test_the_command_says_what_python_finds(notes, tmp_path, capsys):
    words = ["drift", str(notes), "--reference-to", "2024-02", "--model", "none", "--vocabulary",
             str(tmp_path / "words.csv"), "--out", str(tmp_path / "drift.csv")]  # fmt: skip
    assert main(words) == 0
    nlp = pipeline(vocabulary=tmp_path / "words.csv")
    found = note_drift(nlp.stream(read_notes(notes)), reference_to="2024-02")
    told = capsys.readouterr().out.splitlines()
    assert told == [*found.lines(), "2 of 2 periods warned at 0.01 each"]
    assert any("mentions: Drug" in line or "Drug" in line for line in told)
    table = pd.read_csv(tmp_path / "drift.csv")
    pd.testing.assert_frame_equal(table, found.to_pandas(), check_dtype=False)


def test_notes_may_be_taken_as_they_are_written(notes, capsys):
    words = ["drift", str(notes), "--reference-to", "2024", "--as-written", "--every", "year"]
    assert main(words) == 2  # there is no later year
    assert main([*words[:3], "2024-02", "--as-written", "--alpha", "0.05"]) == 0
    told = capsys.readouterr()
    found = note_drift(read_notes(notes), reference_to="2024-02", alpha=0.05)
    assert told.out.splitlines() == [*found.lines(), found.summary]
    assert "Verb" in told.out
    assert "up to the reference and after it" in told.err


def test_a_table_is_refused_before_any_note_is_read(notes, tmp_path, capsys):
    words = ["drift", str(notes), "--reference-to", "2024-02", "--out"]
    assert main([*words, str(tmp_path / "drift.xlsx")]) == 2
    assert main([*words, str(notes)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(", got")[0] for line in told] == [
        "clinnlp: a table of drift must be written to .csv"
    ] * 2
