"""Published word lists over real notes: as right as the judged finds say, and no right one lost."""

import csv
import lzma
from pathlib import Path

import pytest

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span, overlaps
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from clinnlp.text.lookup import Lookup
from clinnlp.text.sections import Sections

JUDGED = Path(__file__).parents[2] / "corpora" / "mtsamples-word-lists" / "judged.tsv"
LISTS = {
    "drugbank": ("drugbank_vocabulary", "drugbank vocabulary.csv"),
    "icd10cm": ("icd10cm", "icd10cm-order-Jan-2021.csv.gz"),
}


@pytest.fixture(scope="module")
def texts(data_dir):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        return [row["transcription"] for row in csv.DictReader(handle)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least_right", "least_kept"), [("drugbank", 0.95, 0.93), ("icd10cm", 0.95, 0.99)]
)
def test_what_is_found_is_right_and_what_was_right_is_found(
    name, least_right, least_kept, texts, data_dir
):
    folder, file = LISTS[name]
    lookup = Lookup(read_any_vocabulary(data_dir(folder) / file))
    with JUDGED.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["list"] == name]
    sections = Sections()
    done = {
        key: lookup(sections(Note(id=key, text=texts[int(key[2:])])))
        for key in {row["note"] for row in rows}
    }
    found = [(row, is_found(row, done[row["note"]])) for row in rows]
    after = [row["right"] for row, here in found if row["drawn"] == "after" and here]
    assert len(after) >= 190
    assert after.count("1") / len(after) >= least_right
    right = [here for row, here in found if row["drawn"] == "before" and row["right"] == "1"]
    assert sum(right) / len(right) >= least_kept
    wrong = [here for row, here in found if row["drawn"] == "before" and row["right"] == "0"]
    assert sum(wrong) / len(wrong) < 0.5


def is_found(row, note):
    span = Span(int(row["start"]), int(row["end"]))
    return any(overlaps(entity.span, span) for entity in note.entities)
