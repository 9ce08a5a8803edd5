"""Groups, errors, confidence and rivals: small cases by hand, laws, and agreement with F1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.mentions import (
    compare_spans,
    list_errors,
    mention_length,
    score_confidence,
    score_groups,
    seen_in,
)
from clinnlp.metrics.spans import score_spans

TEXT = "Aspirin for chest pain , aspirin stopped , rash"


def note(*found, id="n", text=TEXT):
    return Note(id=id, text=text, entities=tuple(
        Entity(id=f"T{i}", span=Span(a, b), label=label, score=score)
        for i, (a, b, label, score) in enumerate(found)))  # fmt: skip


GOLD = note((0, 7, "Drug", None), (12, 22, "Problem", None), (25, 32, "Drug", None),
            (43, 47, "Problem", None))  # fmt: skip
FOUND = note((0, 7, "Problem", 0.5), (12, 22, "Problem", 0.9), (24, 32, "Drug", 0.8),
             (8, 11, "Drug", 0.1))  # fmt: skip


def test_each_error_is_told_once_by_its_kind():
    errors = [(e.kind, e.gold_span, e.span) for e in list_errors([GOLD], [FOUND])]
    assert errors == [
        ("type", (0, 7), (0, 7)),
        ("boundary", (25, 32), (24, 32)),
        ("missed", (43, 47), None),
        ("invented", None, (8, 11)),
    ]
    assert "Aspirin" not in repr(list_errors([GOLD], [FOUND]))


def test_seen_mentions_are_those_of_the_training_notes():
    train = [note((0, 7, "Drug", None), id="t")]
    groups = score_groups([GOLD], [FOUND], seen_in(train))
    assert groups == {"seen": PRF(tp=0, fp=1, fn=2), "unseen": PRF(tp=1, fp=2, fn=1)}


def test_length_is_in_words():
    assert mention_length(GOLD, GOLD.entities[1]) == "2"
    long = note((0, 30, "Drug", None))
    assert mention_length(long, long.entities[0]) == "4+"


spans = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from("AB"), st.floats(0, 1)),
    max_size=6,
)


def made(found, id):
    return note(*((a, a + n, label, p) for a, n, label, p in found), id=id)


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(spans, spans), min_size=1, max_size=4))
def test_groups_and_errors_add_up_to_the_scores(pairs):
    gold = [made(g, str(i)) for i, (g, _) in enumerate(pairs)]
    found = [made(f, str(i)) for i, (_, f) in enumerate(pairs)]
    micro = score_spans(gold, found, n_boot=0).micro
    groups = score_groups(gold, found, lambda n, e: e.label)
    assert tuple(map(sum, zip(*((g.tp, g.fp, g.fn) for g in groups.values()), strict=True))) in (
        (micro.tp, micro.fp, micro.fn),
        (),
    )
    errors = list_errors(gold, found)
    assert sum(e.span is not None for e in errors) == micro.fp
    assert sum(e.gold_span is not None for e in errors) == micro.fn
    confidence = score_confidence(gold, found, n_bins=3)
    assert confidence.n == micro.tp + micro.fp == sum(row["n"] for row in confidence.rows)


def test_confidence_by_hand():
    made = score_confidence([GOLD], [FOUND], n_bins=2)
    assert [row["share_right"] for row in made.rows] == [0, 0.5]
    assert made.ece == pytest.approx((2 * abs(0.3 - 0) + 2 * abs(0.85 - 0.5)) / 4)
    assert made.brier == pytest.approx((0.25 + 0.01 + 0.64 + 0.01) / 4)
    nothing = score_confidence([GOLD], [note()])
    assert np.isnan(nothing.ece)
    assert nothing.n == 0


def test_scores_that_are_true_have_no_calibration_error():
    rng = np.random.default_rng(0)
    gold, found = [], []
    for i in range(300):
        p = rng.random(5)
        right = rng.random(5) < p
        spans = [(8 * k, 8 * k + 5, "A", float(p[k])) for k in range(5)]
        found.append(note(*spans, id=str(i)))
        gold.append(note(*(s for s, r in zip(spans, right, strict=True) if r), id=str(i)))
    assert score_confidence(gold, found, n_bins=5).ece < 0.04


def rivals(n, gap):
    rng = np.random.default_rng(3)
    gold = [note((0, 7, "A", None), (8, 11, "A", None), id=str(i)) for i in range(n)]
    keep = rng.random((2, n, 2)) < np.array([0.7 + gap, 0.7])[:, None, None]
    each = [
        [g.with_(entities=tuple(e for e, k in zip(g.entities, row, strict=True) if k))
         for g, row in zip(gold, side, strict=True)]
        for side in keep
    ]  # fmt: skip
    return gold, *each


def test_a_better_rival_is_seen_and_an_equal_one_is_not():
    gold, a, b = rivals(200, 0.2)
    better = compare_spans(gold, a, b, n_boot=300)
    f1 = [score_spans(gold, x, n_boot=0).micro.f1 for x in (a, b)]
    assert better.difference.value == pytest.approx(f1[0] - f1[1])
    assert better.difference.low > 0
    assert better.p < 0.01
    assert compare_spans(gold, b, a, n_boot=300).difference.value == -better.difference.value
    same = compare_spans(gold, a, a, n_boot=50)
    assert (same.difference.value, same.p) == (0, 1)
    assert compare_spans(*rivals(60, 0.0), n_boot=300).p > 0.05


def test_what_is_wrong_is_said():
    with pytest.raises(ArgumentError, match="a must be re-iterable"):
        compare_spans([GOLD], iter([GOLD]), [GOLD])
    with pytest.raises(DataError, match="must have a prediction"):
        score_groups([GOLD], [], mention_length)
    with pytest.raises(ArgumentError, match="n_bins"):
        score_confidence([GOLD], [GOLD], n_bins=0)
