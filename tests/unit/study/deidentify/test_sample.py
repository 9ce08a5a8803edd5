"""A review: drawn by the key within strata of doubt, read back as a bound."""

import json

import pytest

from clinnlp.core.errors import ArgumentError, DataError, StoreError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.study.deidentify.audit import LEAK, read_audit
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.replacing import Found, Replaced
from clinnlp.study.deidentify.sample import AuditSample, allotted, doubt_of

KEY = Key(b"k")


def replaced(k, text="nothing here"):
    return Replaced(Note(id=f"n{k}", text=text), (), 0)


def test_doubt_counts_signs_outside_of_what_was_put_in_and_finds_that_are_unsure():
    text = "Call 555-0143, seen by Ann Lee on 3/4/19."
    note = Note(id="n", text=text)
    assert doubt_of(Replaced(note, (), 0)) == 3
    sure = Found(5, 13, "PHONE", "r", 0.1)
    assert doubt_of(Replaced(note, ((Span(5, 13), sure),), 0)) == 2
    assert doubt_of(Replaced(note, ((Span(5, 13), sure._replace(doubt=0.5)),), 0)) == 3
    assert doubt_of(replaced(1)) == 0


def test_the_draw_hangs_on_the_key_alone_and_holds_few_notes():
    def drawn(order, key=KEY):
        sample = AuditSample(key, 30)
        for k in order:
            sample.add(replaced(k), k % 10 // 4)
        assert all(len(held) <= 30 for held in sample._held)
        return [[made.note.id for made in part] for part in sample.drawn()]

    assert drawn(range(500)) == drawn(reversed(range(500)))
    assert drawn(range(500)) != drawn(range(500), Key(b"other"))
    assert [len(part) for part in drawn(range(500))] == allotted(30, [200, 300, 0])


@pytest.mark.parametrize("sizes", [[1, 1, 1], [0, 0, 5], [1000, 1, 0], [50, 60, 70], [0, 0, 0]])
@pytest.mark.parametrize("n", [0, 1, 2, 10, 10_000])
def test_all_that_is_wanted_is_dealt_out_and_no_stratum_is_forgotten(n, sizes):
    out = allotted(n, sizes)
    n_there = sum(size > 0 for size in sizes)
    assert sum(out) == (min(max(n, n_there), sum(sizes)) if n else 0)
    assert all(k <= size for k, size in zip(out, sizes, strict=True))
    if n:
        assert all(k or not size for k, size in zip(out, sizes, strict=True))


@pytest.fixture
def folder(tmp_path):
    sample = AuditSample(KEY, 20)
    for k in range(100):
        sample.add(replaced(k), k % 5)
    sample.write(tmp_path, 50_000)
    return tmp_path


def test_a_review_becomes_a_bound(folder):
    notes = list(read_notes(folder / "review.jsonl"))
    assert len(notes) == 20
    none = read_audit(notes, folder)
    assert (none.n_reviewed, none.n_leaking, none.share.value) == (20, 0, 0.0)
    marks = [
        Entity(id="L1", span=Span(0, 7), label=LEAK),
        Entity(id="L2", span=Span(3, 9), label=LEAK),
        Entity(id="T1", span=Span(3, 12), label="NAME"),
    ]
    leaking = notes[0].with_(entities=tuple(marks))
    some = read_audit([leaking, *notes[1:]], folder)
    assert some.n_leaking == 1
    assert some.share.high > none.share.high > 0.02
    assert some.per_10k_words.value > 0
    assert read_audit(notes, folder, level=0.5).share.high < none.share.high


def test_a_review_that_is_not_of_all_that_were_drawn_is_refused(folder):
    notes = list(read_notes(folder / "review.jsonl"))
    with pytest.raises(DataError, match="must be the 20 that were drawn, got 1 missing and 0 oth"):
        read_audit(notes[1:], folder)
    with pytest.raises(DataError, match="got 0 missing and 1 others"):
        read_audit([*notes, Note(id="x", text="")], folder)
    (folder / "design.json").write_text(json.dumps({"n_words": 3, "strata": [{"n": 2}]}))
    with pytest.raises(StoreError, match="must say how notes were drawn"):
        read_audit(notes, folder)
    with pytest.raises(StoreError, match="got none; draw some by --audit"):
        read_audit(notes, folder / "none")
    with pytest.raises(ArgumentError, match="at least 0, got -1"):
        AuditSample(KEY, -1)


def test_what_was_replaced_is_marked_for_who_reads(tmp_path):
    sample = AuditSample(KEY, 5)
    note = Note(id="n", text="Mr Fox", entities=(Entity(id="T1", span=Span(0, 2), label="X"),))
    sample.add(Replaced(note, ((Span(3, 6), Found(3, 6, "NAME", "r")),), 0), 0)
    sample.write(tmp_path, 2)
    made = next(iter(read_notes(tmp_path / "review.jsonl")))
    assert [(e.label, e.source, made.mention(e)) for e in made.entities] == [
        ("X", None, "Mr"),
        ("NAME", "deidentify", "Fox"),
    ]
    write_notes([made], tmp_path / "b.jsonl")
