"""The drawing of annotated notes, on made notes."""

from collections import Counter

import pytest

from corpora.annotated.sample import LONG, USUAL, draw_sample
from corpora.annotated.texts import Sourced, near_duplicates

NAMES = ["Surgery"] * 10 + ["Radiology"] * 4 + ["Letters"]


def made(k):
    n_words = 700 if k % 10 == 0 else 50 if k % 10 == 1 else 100 + k % 350
    return Sourced(text=" ".join(f"w{k}" for _ in range(n_words)), specialties=(NAMES[k % 15],))


@pytest.fixture(scope="module")
def drawn():
    sources = {f"mt{k}": made(k) for k in range(900)}
    groups = {key: f"mt{int(key[2:]) // 3 * 3}" for key in sources}  # three of a kind
    return sources, draw_sample(sources, groups)


def test_parts_and_lengths_are_as_told(drawn):
    sources, drawn_rows = drawn
    rows, more = drawn_rows[:150], drawn_rows[150:]
    assert Counter(row["part"] for row in rows) == {"test": 40, "dev": 20, "train": 90}
    assert {row["part"] for row in more} == {"train"}
    assert all(sources[row["note"]].n_words in USUAL for row in more)
    sizes = [sources[row["note"]].n_words for row in rows]
    assert sum(n in LONG for n in sizes) == 10
    assert sum(n in USUAL for n in sizes) == 140
    assert {row["part"] for row in rows if int(row["n_words"]) in LONG} == {"test", "dev", "train"}


def test_of_a_group_one_note_is_drawn_and_rare_specialties_are_there(drawn):
    _, rows = drawn
    assert max(Counter(row["group"] for row in rows).values()) == 1
    shares = Counter(row["specialty"] for row in rows)
    assert shares["Letters"] >= 15  # a fifteenth of the notes, more of the sample
    assert shares["Surgery"] > shares["Radiology"] > shares["Letters"]


def test_places_number_the_parts_one_after_another(drawn):
    _, rows = drawn
    assert [int(row["place"]) for row in rows] == list(range(len(rows)))
    parts = [row["part"] for row in rows]
    assert parts == sorted(parts, key=["test", "dev", "train"].index)


def test_a_chain_of_near_duplicates_is_one_group():
    said = [f"word{k}" for k in range(60)]
    texts = {"a": said[:30], "b": said[20:50], "c": said[40:], "d": said[::-1]}
    texts["e"] = ["WORD0,", *said[1:12]]
    groups = near_duplicates({key: " ".join(words) for key, words in texts.items()})
    assert groups == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "a"}


def test_notes_shorter_than_a_run_are_compared_whole():
    assert near_duplicates({"a": "No fever", "b": "no FEVER", "c": "Fever", "d": ""}) == {
        "a": "a",
        "b": "a",
        "c": "c",
        "d": "d",
    }
