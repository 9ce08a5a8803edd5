"""Sections and sentences of transcribed notes whose line ends had become commas."""

import csv
import lzma

import pytest

from clinnlp.core.notes import Note, check_note
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences


@pytest.fixture(scope="module")
def notes(data_dir):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        texts = dict.fromkeys(row["transcription"] for row in csv.DictReader(handle))
    sections, sentences = Sections(), Sentences()
    made = (Note(id=str(i), text=t) for i, t in enumerate(texts) if t.strip())
    return [sentences(sections(note)) for note in made]


def test_nine_notes_in_ten_have_three_sections_or_more(notes):
    assert len(notes) == 1627
    assert sum(len(note.sections) >= 3 for note in notes) / len(notes) >= 0.9


def test_the_sections_a_reader_expects_are_found(notes):
    kinds = [{section.kind for section in note.sections} for note in notes]
    for kind in ("medications", "allergies", "past_medical_history", "family_history"):
        assert sum(kind in found for found in kinds) >= 200
    n_other = sum(section.kind == "other" for note in notes for section in note.sections)
    assert n_other / sum(len(note.sections) for note in notes) < 0.1


def test_sentences_have_the_length_of_sentences(notes):
    lengths = [sentence.length for note in notes for sentence in note.sentences]
    assert 50 < sum(lengths) / len(lengths) < 80
    assert max(lengths) < 2000


def test_offsets_lie_inside_the_text(notes):
    for note in notes:
        check_note(note)
