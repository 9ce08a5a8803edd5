"""``mtsamples-notes`` is what its sample and card say, and holds no text."""

import hashlib
import json
from collections import Counter

import pytest

from corpora.annotated.card import annotated_card
from corpora.annotated.form import AXIS_LETTERS, LABELS, parse_form
from corpora.annotated.sample import write_sample
from corpora.annotated.stored import FOLDER, READINGS, read_annotated, read_sample
from corpora.annotated.texts import read_texts

STORED = sorted(name for name in READINGS.values() if (FOLDER / f"{name}.jsonl").exists())


def rows(name):
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").open(encoding="utf-8")]


def test_sample_parts_share_no_group_and_no_text():
    sample = read_sample()
    assert Counter(row["part"] for row in sample) == {"test": 40, "dev": 20, "train": 800}
    for column in ("note", "group", "sha256", "place"):
        assert len({row[column] for row in sample}) == len(sample)


def test_the_sample_is_drawn_again_byte_for_byte(data_dir, tmp_path):
    write_sample(tmp_path, data_dir("mtsamples").parent)
    for name in ("notes.tsv", "groups.tsv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", STORED)
def test_stored_mentions_are_ordered_apart_and_of_known_kinds(name):
    found = rows(name)
    order = [row["note"] for row in read_sample()]
    sums = {row["note"]: row["sha256"] for row in read_sample()}
    keys = [row["note"] for row in found]
    assert keys == [key for key in order if key in set(keys)]
    for row in found:
        assert set(row) == {"note", "sha256", "mentions"}
        assert row["sha256"] == sums[row["note"]]
        ends = [0]
        for start, end, label, axes in row["mentions"]:
            assert ends[-1] <= start < end
            ends.append(end)
            assert label in LABELS
            assert axes == "".join(letter for letter in AXIS_LETTERS if letter in axes)
            assert not axes or label != "Anatomy"


@pytest.mark.parametrize("name", STORED)
def test_each_mention_may_be_written_in_the_form(name, data_dir):
    sources = read_texts(data_dir("mtsamples").parent)
    for row in rows(name):
        text = sources[row["note"]].text
        assert hashlib.sha256(text.encode()).hexdigest() == row["sha256"]
        for start, end, label, axes in row["mentions"]:
            places = [k for k in range(start + 1) if text.startswith(text[start:end], k)]
            line = f"{label}\t{text[start:end]}\t~{_count(places, end - start)}\t{axes}"
            (made,) = parse_form([line], text)
            assert (made.start, made.end) == (start, end)


def _count(places, size):
    """Return how many places that do not overlap lead to the last one."""
    n, behind = 0, 0
    for place in places:
        if place >= behind:
            n, behind = n + 1, place + size
    return n


def test_notes_hold_what_is_stored(data_dir):
    notes = read_annotated(data_dir("mtsamples").parent)
    assert [note.id for note in notes] == [row["note"] for row in rows("mentions")]
    for note, row in zip(notes, rows("mentions"), strict=True):
        assert [[e.span.start, e.span.end, e.label] for e in note.entities] == [
            mention[:3] for mention in row["mentions"]
        ]


def test_every_note_of_test_and_dev_is_annotated():
    wanted = {row["note"] for row in read_sample() if row["part"] != "train"}
    assert wanted <= {row["note"] for row in rows("mentions")}


def test_the_card_is_what_the_files_give(data_dir):
    made = annotated_card(data_dir("mtsamples").parent)
    assert made == (FOLDER / "CARD.md").read_text(encoding="utf-8")
