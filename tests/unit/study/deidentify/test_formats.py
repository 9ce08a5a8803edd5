"""Every format of notes: annotations are found again at their text, and no original in any file."""

import re
from collections import Counter

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.flow import deidentify, work_folder
from clinnlp.study.deidentify.keys import Key
from tests.common.format_samples import CANARY, FULL

WRITABLE = sorted(name for name in FULL if FORMATS[name].write is not None)


def finder(note):
    found = [
        Entity(id=f"ID{k}", span=Span(*m.span()), label="NAME", source="identifiers")
        for k, m in enumerate(re.finditer(f"{CANARY}|Quaggaton", note.text))
    ]
    return note.without_source("identifiers").with_(entities=(*note.entities, *found))


def told(notes):
    """Return what is annotated: note, label, and the words."""
    return Counter((note.id, e.label, note.mention(e)) for note in notes for e in note.entities)


def there_and_back(notes, name, folder):
    """Write notes in a format, de-identify the files, and return the notes before and after."""
    suffix = "" if FORMATS[name].in_folder else FORMATS[name].suffixes[0]
    given, out = folder / f"in{suffix}", folder / f"out{suffix}"
    write_notes(notes, given, format=name, on_loss="sidecar")
    by = Deidentifier(Key(b"k"), finder)
    source = read_notes(given, format=name)
    summary = deidentify(source, out, by, format=name, on_loss="sidecar", progress=False)
    assert summary.n_failed == 0
    expected = [by.replaced(note, by.find(note)).note for note in source]
    return list(source), expected, list(read_notes(out, format=name)), out


@pytest.mark.parametrize("name", WRITABLE)
def test_a_full_note_is_the_same_but_for_its_identifiers(name, tmp_path):
    before, expected, after, out = there_and_back([FULL[name]], name, tmp_path)
    assert [note.text for note in after] == [note.text for note in expected]
    assert told(after) == told(expected)
    assert sum(told(after).values()) == sum(told(before).values())
    assert {len(note.relations) for note in after} == {len(note.relations) for note in before}
    files = [p for place in (out, work_folder(out)) for p in (place, *place.rglob("*"))]
    files += [p for p in tmp_path.iterdir() if p.name.startswith("out")]
    for path in {p for p in files if p.is_file()}:
        assert CANARY.encode() not in path.read_bytes()


def plain(k):
    """Return a note that every format can hold, with a mention of each kind of place."""
    text = f"{CANARY} {k} has fever and took aspirin today. Quaggaton denies pain {k}."
    words = ["fever", "aspirin", "denies", f"{CANARY} {k}", "Quaggaton denies"]
    spans = [Span(text.index(word), text.index(word) + len(word)) for word in words]
    tokens = tuple(Span(*m.span()) for m in re.finditer(r"\w+|[.]", text))
    entities = [
        Entity(id=f"T{i}", span=span, label=f"L{i % 3}")
        for i, span in enumerate(spans[: 5 if k % 2 else 3], 1)
    ]
    first = text.index(".") + 1
    sentences = (Span(0, first), Span(first + 1, len(text)))
    return Note(
        id=f"{k + 1}", text=text, patient="12", tokens=tokens, sentences=sentences,
        entities=tuple(entities),
    )  # fmt: skip


MANY = [pytest.param(40, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.long)]


@pytest.mark.parametrize("n", MANY)
@pytest.mark.parametrize("name", WRITABLE)
def test_every_annotation_of_many_notes_is_found_again(name, n, tmp_path):
    before, expected, after, _ = there_and_back([plain(k) for k in range(n)], name, tmp_path)
    assert len(after) == n
    assert told(after) == told(expected)
    kept = Counter(k[1:] for k in told(before).elements() if CANARY not in k[2])
    same = Counter(k[1:] for k in told(after).elements() if CANARY not in k[2])
    assert all(same[key] >= m for key, m in kept.items() if "Quaggaton" not in key[1])
