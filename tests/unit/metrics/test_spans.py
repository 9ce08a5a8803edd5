"""Strict and relaxed span scores: the definition, the pairing of notes, and what is refused."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.spans import count_matches, score_spans

TEXT = "x" * 60


def entity(start, end, label="Drug", parts=()):
    spans = tuple(Span(a, b) for a, b in parts)
    return Entity(id=f"{start}-{end}-{label}", span=Span(start, end), label=label, parts=spans)


def note(*entities, id="n", text=TEXT):
    return Note(id=id, text=text, entities=entities)


def micro(gold, predicted, match):
    return score_spans([note(*gold)], [note(*predicted)], match=match, n_boot=0).micro


def test_strict_needs_label_and_every_part():
    whole = entity(0, 10)
    split = entity(0, 10, parts=[(0, 3), (5, 10)])
    assert micro([whole], [entity(0, 10)], "strict") == PRF(tp=1, fp=0, fn=0)
    assert micro([whole], [entity(0, 10, "Dose")], "strict") == PRF(tp=0, fp=1, fn=1)
    assert micro([whole], [split], "strict") == PRF(tp=0, fp=1, fn=1)
    assert micro([split], [split], "strict") == PRF(tp=1, fp=0, fn=0)


def test_equal_mentions_count_as_often_as_they_stand_there():
    twice = [entity(0, 5), entity(0, 5)]
    for match in ("strict", "relaxed"):
        assert micro(twice, [entity(0, 5)], match) == PRF(tp=1, fp=0, fn=1)
        assert micro([entity(0, 5)], twice, match) == PRF(tp=1, fp=1, fn=0)
        assert micro(twice, twice, match) == PRF(tp=2, fp=0, fn=0)


def test_relaxed_needs_a_shared_code_point_of_the_parts():
    assert micro([entity(0, 5)], [entity(4, 9)], "relaxed").tp == 1
    assert micro([entity(0, 5)], [entity(5, 9)], "relaxed").tp == 0
    assert micro([entity(0, 5)], [entity(4, 9, "Dose")], "relaxed").tp == 0
    gap = entity(0, 10, parts=[(0, 2), (8, 10)])
    assert micro([gap], [entity(3, 7)], "relaxed").tp == 0
    assert micro([gap], [entity(1, 9)], "relaxed").tp == 1


def test_relaxed_finds_the_largest_matching_where_greedy_does_not():
    # The first gold touches both predictions; taking the first one leaves the second gold alone.
    gold = [entity(0, 10), entity(0, 3)]
    predicted = [entity(2, 4), entity(8, 12)]
    assert micro(gold, predicted, "relaxed") == PRF(tp=2, fp=0, fn=0)


spans = st.builds(lambda a, n: entity(a, a + n), st.integers(0, 14), st.integers(1, 6))


@st.composite
def parted(draw):
    cuts = sorted(draw(st.sets(st.integers(0, 18), min_size=4, max_size=4)))
    return entity(cuts[0], cuts[3], parts=[(cuts[0], cuts[1]), (cuts[2], cuts[3])])


mentions = st.lists(st.one_of(spans, parted()), max_size=4)


def brute_force(gold, predicted):
    points = [
        [{k for p in e.pieces for k in range(*p)} for e in side] for side in (gold, predicted)
    ]
    few, many = sorted(points, key=len)
    best = 0
    for chosen in permutations(range(len(many)), len(few)):
        best = max(best, sum(bool(few[i] & many[j]) for i, j in enumerate(chosen)))
    return best


@given(mentions, mentions)
def test_relaxed_equals_brute_force_and_is_symmetric(gold, predicted):
    found = count_matches(gold, predicted, "relaxed")
    assert found == brute_force(gold, predicted)
    assert found == count_matches(predicted, gold, "relaxed")
    assert found >= count_matches(gold, predicted, "strict")


def test_scores_do_not_depend_on_the_order_of_notes_or_mentions():
    gold = [note(entity(0, 5), entity(7, 9, "Dose"), id="a"), note(entity(1, 2), id="b")]
    found = [note(entity(0, 5), entity(7, 10, "Dose"), id="a"), note(id="b")]
    turned = [n.with_(entities=n.entities[::-1]) for n in found[::-1]]
    assert score_spans(gold, found) == score_spans(gold, turned)


def test_per_label_counts_add_up_and_labels_restrict():
    gold = [note(entity(0, 5), entity(7, 9, "Dose"), entity(10, 12, "Dose"))]
    found = [note(entity(0, 5), entity(7, 9, "Dose"), entity(20, 22, "Route"))]
    scores = score_spans(gold, found, n_boot=0)
    assert scores.per_label == {
        "Dose": PRF(tp=1, fp=0, fn=1),
        "Drug": PRF(tp=1, fp=0, fn=0),
        "Route": PRF(tp=0, fp=1, fn=0),
    }
    assert scores.micro == PRF(tp=2, fp=1, fn=1)
    assert scores.macro_f1.value == pytest.approx((2 / 3 + 1 + 0) / 3)
    only = score_spans(gold, found, labels=["Dose"], n_boot=0)
    assert only.micro == PRF(tp=1, fp=0, fn=1)
    with pytest.raises(ArgumentError, match="among Dose, Drug, Route, got Doze"):
        score_spans(gold, found, labels=["Doze"])
    with pytest.raises(ArgumentError, match="collection"):
        score_spans(gold, found, labels="Dose")
    with pytest.raises(ArgumentError, match="match must be one of relaxed, strict"):
        score_spans(gold, found, match="lenient")


def test_rows_end_with_the_micro_row():
    rows = score_spans([note(entity(0, 5))], [note(entity(0, 5))]).rows()
    assert [r["label"] for r in rows] == ["Drug", "micro"]
    assert rows[-1]["f1"] == rows[-1]["f1_low"] == rows[-1]["f1_high"] == 1.0
    assert (rows[0]["n_gold"], rows[0]["n_predicted"]) == (1, 1)


def test_nothing_to_find_is_undefined_not_zero():
    for pair in ([], [note()]):
        scores = score_spans(pair, pair)
        assert np.isnan([scores.precision.value, scores.recall.value, scores.f1.value]).all()
        assert np.isnan(scores.f1.low)
        assert scores.n_notes == len(pair)


def test_the_document_bootstrap_equals_resampling_notes_by_hand():
    rng = np.random.default_rng(3)
    gold, found = [], []
    for i in range(30):
        starts = np.flatnonzero(rng.random(10) < 0.5) * 5
        hit = [s for s in starts if rng.random() < 0.8]
        gold.append(note(*(entity(int(s), int(s) + 3) for s in starts), id=str(i)))
        found.append(note(*(entity(int(s), int(s) + 3) for s in hit), id=str(i)))
    scores = score_spans(gold, found, n_boot=400, seed=5)
    again, hand = np.random.default_rng(5), []
    for _ in range(400):
        drawn = again.integers(0, 30, 30)
        renamed = [(gold[k].entities, found[k].entities) for k in drawn]
        tp = sum(len(set(g) & set(f)) for g, f in renamed)
        total = sum(len(g) + len(f) for g, f in renamed)
        hand.append(2 * tp / total)
    low, high = np.quantile(hand, [0.025, 0.975])
    assert (scores.f1.low, scores.f1.high) == (pytest.approx(low), pytest.approx(high))
    assert "30" not in scores.f1.method
    assert "by document" in scores.f1.method


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([note(id="a")], [], "note 'a': each gold note must have a prediction"),
        ([], [note(id="a")], "note 'a': each prediction must have a gold note"),
        ([note(id="a")] * 2, [note(id="a")], "note 'a': ids of gold notes must be unique"),
        ([note(id="a")], [note(id="a")] * 2, "note 'a': ids of predictions must be unique"),
    ],
)
def test_notes_without_one_partner_are_named(gold, predicted, message):
    with pytest.raises(DataError, match=message):
        score_spans(gold, predicted)


def test_other_texts_are_refused_without_quoting_them():
    with pytest.raises(DataError, match="same text") as caught:
        score_spans([note(text="canary one")], [note(text="canary two")])
    assert "canary" not in str(caught.value)


def test_a_dense_note_of_overlaps_is_matched_completely():
    gold = [entity(a, b) for a, b in combinations(range(12), 2)]
    assert micro(gold, gold, "relaxed") == PRF(tp=len(gold), fp=0, fn=0)
