"""What was written as people type: cards say what the files hold, and what teaches is no test."""

from collections import Counter
from pathlib import Path

import pytest

from clinnlp.core.errors import DataError
from corpora.annotated.form import LABELS
from corpora.annotated.texts import near_duplicates
from corpora.annotated.typed import TYPED, TYPED_TRAIN, read_typed
from tests.house.test_corpora import read_card


@pytest.mark.parametrize("path", [TYPED, TYPED_TRAIN], ids=["typed-notes", "typed-train"])
def test_the_card_says_what_the_file_holds(path):
    card, notes = read_card(path.parent), read_typed(path)
    assert card["name"] == path.parent.name
    assert card["n_notes"] == len(notes) == len({note.id for note in notes})
    assert card["n_words"] == sum(len(note.text.split()) for note in notes)
    counts = Counter(entity.label for note in notes for entity in note.entities)
    assert list(card["mentions"]) == list(LABELS)
    assert card["mentions"] == counts


def test_no_note_that_teaches_is_near_one_that_tests():
    texts = {
        f"{k} {note.id}": note.text
        for k, path in enumerate((TYPED, TYPED_TRAIN))
        for note in read_typed(path)
    }
    groups: dict[str, set[str]] = {}
    for key, group in near_duplicates(texts).items():
        groups.setdefault(group, set()).add(key[0])
    assert all(len(kinds) == 1 for kinds in groups.values())


def test_a_brace_without_a_mention_is_refused(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("== one\nno {fever\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"braces of one"):
        read_typed(path)
