"""Which pairs are asked about."""

import pytest

from clinnlp.bert.relation_pairs import Search
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

from .relations import CONCEPTS, DRUG, EFFECT

ALL = {(a, b) for a in (DRUG, EFFECT) for b in (DRUG, EFFECT)}


def search(**changes):
    how = {"allowed": ALL, "ends": "mentions", "within": "sentence", "reach": 100}
    return Search(**{**how, **changes})


def row_of(n, *, gap=4, sentence=10**6):
    """Note of `n` mentions of one letter, in sentences of some characters."""
    text = ("x" + " " * (gap - 1)) * n
    spans = [Span(at, min(at + sentence, len(text))) for at in range(0, len(text), sentence)]
    entities = tuple(
        Entity(id=f"T{k}", span=Span(k * gap, k * gap + 1), label=DRUG) for k in range(n)
    )
    return Note(id="n", text=text, entities=entities, sentences=tuple(spans))


def test_pairs_stand_in_one_sentence_and_in_order():
    found = search()(row_of(6, sentence=12))
    assert [pair.ends for pair in found.pairs] == [
        ("T0", "T1"), ("T0", "T2"), ("T1", "T2"), ("T3", "T4"), ("T3", "T5"), ("T4", "T5"),
    ]  # fmt: skip
    assert len(search(within="document")(row_of(6, sentence=12)).pairs) == 15


def test_what_is_too_far_apart_is_cut_and_counted():
    note = row_of(400)
    found = search(reach=40)(note)
    naive = [(i, j) for i in range(400) for j in range(i + 1, 400)]
    near = [(f"T{i}", f"T{j}") for i, j in naive if 4 * (j - i) - 1 <= 40]
    assert [pair.ends for pair in found.pairs] == near
    assert found.n_cut == len(naive) - len(near)


def test_only_labels_that_are_related_somewhere_are_asked_about():
    assert search(allowed={(DRUG, EFFECT)})(row_of(6)).pairs == []


def test_concepts_are_read_at_their_nearest_mentions():
    how = search(ends="concepts", within="document", allowed={(DRUG, EFFECT)})
    found = how(CONCEPTS[0])
    assert [pair.ends for pair in found.pairs] == [("D1", "E1"), ("D1", "E2")]
    note, (first, second) = CONCEPTS[0], found.pairs[0].places
    assert [note[place.second] for place in (first, second)] == ["pain", "ached"]
    near = search(ends="concepts", within="document", allowed={(DRUG, EFFECT)}, reach=5)
    assert [len(pair.places) for pair in near(note).pairs] == [1]
    assert near(note).n_cut == 1


def test_sentences_must_be_there_where_pairs_are_sought_in_them():
    with pytest.raises(DataError, match="must have sentences"):
        search()(CONCEPTS[0])
    assert search()(Note(id="n", text="")) == ([], 0)
