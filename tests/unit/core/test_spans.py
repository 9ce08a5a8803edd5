"""Spans: construction, arithmetic, and the laws of interval algebra."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import OffsetError
from clinnlp.core.spans import (
    Span,
    contains,
    cover,
    keep_longest,
    merge,
    n_shared,
    overlaps,
    pairs_overlapping,
    within,
)

spans = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda t: Span(t[0], t[0] + t[1]))


def points(span: Span) -> set[int]:
    return set(range(span.start, span.end))


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 2), (-1, 2)])
def test_an_empty_reversed_or_negative_span_is_refused(start, end):
    with pytest.raises(OffsetError, match=f"got {start} and {end}"):
        Span(start, end)


def test_a_span_past_the_text_names_the_note():
    with pytest.raises(OffsetError, match=r"note 'n1': .* 4 characters, got 2-5"):
        within(Span(2, 5), 4, note="n1")


@given(spans, spans)
def test_overlap_is_sharing_a_code_point_and_symmetric(a, b):
    assert n_shared(a, b) == len(points(a) & points(b)) == n_shared(b, a)
    assert overlaps(a, b) == overlaps(b, a) == bool(points(a) & points(b))
    assert contains(a, b) == (points(b) <= points(a))


@given(st.lists(spans, min_size=1, max_size=12))
def test_merge_keeps_the_code_points_and_cover_bounds_them(some):
    merged = merge(some)
    assert set().union(*map(points, merged)) == set().union(*map(points, some))
    assert all(a.end < b.start for a, b in zip(merged, merged[1:], strict=False))
    assert cover(some) == Span(merged[0].start, merged[-1].end)


@given(st.lists(spans, max_size=15))
def test_keep_longest_is_disjoint_maximal_and_equals_the_naive_way(some):
    kept: list[int] = []
    for i in sorted(range(len(some)), key=lambda i: (-some[i].length, some[i].start, i)):
        if not any(overlaps(some[i], some[j]) for j in kept):
            kept.append(i)
    assert keep_longest(some) == sorted(kept, key=lambda i: some[i])


@given(st.lists(spans, max_size=12), st.lists(spans, max_size=12))
def test_pairs_overlapping_equals_all_pairs(left, right):
    naive = {(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if overlaps(a, b)}
    found = list(pairs_overlapping(left, right))
    assert set(found) == naive
    assert len(found) == len(naive)
