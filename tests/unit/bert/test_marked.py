"""Markers around mentions and behind the text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.bert.marked import Marker, RowMaker, tokens_of, widened
from clinnlp.bert.relation_pairs import Pair, Place
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.spans import Span

MARKERS = {"a": Marker((101, 102), (103, 104)), "b": Marker((111, 112), (113, 114))}
SPECIAL = {"prefix": np.array([1], np.int32), "suffix": np.array([2], np.int32)}


def text_of(n):
    """Text of `n` words of one token, each of one character and a blank."""
    starts = np.arange(0, 2 * n, 2, dtype=np.int32)
    return TokenisedText(
        ids=np.arange(10, 10 + n, dtype=np.int32),
        first=np.arange(n, dtype=np.int32),
        starts=starts,
        ends=starts + 1,
    )


def words(a, b):
    return Span(2 * a, 2 * b - 1)


def pair_of(*places, n=20):
    made = tuple(Place(words(*one), words(*other), Span(0, 2 * n)) for one, other in places)
    return Pair(("T1", "T2"), ("a", "b"), made)


def maker(reading, size=30):
    return RowMaker(MARKERS, reading, **SPECIAL, size=size, stride=4)


def test_inserted_markers_stand_around_the_mentions():
    (row,) = maker("inserted")(text_of(5), [pair_of(((3, 4), (0, 2)), n=5)], first=7)
    assert row.ids.tolist() == [1, 112, 10, 11, 114, 12, 101, 13, 103, 14, 2]
    assert row.ids[row.marks].tolist() == [[101, 112]]
    assert row.owners.tolist() == [7]
    assert row.n_text == len(row.ids)


def test_mentions_that_nest_have_markers_that_nest():
    (row,) = maker("inserted")(text_of(4), [pair_of(((0, 3), (0, 2)), n=4)])
    assert row.ids.tolist() == [1, 101, 112, 10, 11, 114, 12, 103, 13, 2]


def test_several_places_of_a_pair_share_a_row():
    (row,) = maker("inserted")(text_of(6), [pair_of(((0, 1), (2, 3)), ((0, 1), (4, 5)), n=6)])
    assert row.ids.tolist() == [1, 101, 10, 103, 11, 112, 12, 114, 13, 112, 14, 114, 15, 2]
    assert row.marks.tolist() == [[1, 5], [1, 9]]


def test_hidden_mentions_are_their_markers_alone():
    """Another mention has a marker of its own, and one with the name of an end another."""
    text = text_of(9)
    text.ids[7] = text.ids[0]  # the name of the first end again
    pairs = [
        pair_of(((0, 1), (2, 4)), n=9),
        pair_of(((0, 1), (5, 6)), n=9),
        pair_of(((0, 1), (7, 8)), n=9),
    ]
    first, _, same = maker("hidden")(text, pairs)
    assert first.ids.tolist() == [1, 101, 11, 112, 14, 113, 16, 114, 18, 2]
    assert first.ids[first.marks].tolist() == [[101, 112]]
    assert same.ids.tolist() == [1, 101, 11, 113, 16, 114, 18, 2]
    assert same.ids[same.marks].tolist() == [[101, 114]]


def test_of_other_hidden_mentions_in_a_list_the_first_stands_for_all():
    """So that ends of a long list fit into a window, and look like those of a short one."""
    mentions = [(k, k + 1) for k in range(1, 60, 2)]
    pairs = [pair_of((mentions[0], other), n=62) for other in mentions[1:]]
    rows = maker("hidden", size=8)(text_of(62), pairs)
    assert len(rows) == len(pairs)
    assert rows[0].ids.tolist() == [1, 10, 101, 12, 112, 14, 113, 70, 71, 2]
    assert rows[9].ids.tolist() == [1, 10, 101, 12, 113, 30, 112, 32, 113, 2]


def test_hidden_mentions_that_overlap_are_each_told():
    nested = [pair_of(((0, 3), (0, 2)), n=4), pair_of(((0, 3), (3, 4)), n=4)]
    one, other = maker("hidden")(text_of(4), nested)
    assert one.ids.tolist() == [1, 101, 112, 113, 2]
    assert other.ids.tolist() == [1, 101, 112, 2]


def test_appended_markers_have_the_positions_of_their_mentions():
    pairs = [pair_of(((3, 4), (0, 2)), n=5), pair_of(((1, 2), (4, 5)), n=5)]
    (row,) = maker("appended")(text_of(5), pairs, first=3)
    assert row.ids.tolist() == [1, 10, 11, 12, 13, 14, 2, 101, 112, 101, 112]
    assert row.places.tolist() == [0, 1, 2, 3, 4, 5, 6, 4, 1, 2, 5]
    assert row.marks.tolist() == [[7, 8], [9, 10]]
    assert row.owners.tolist() == [3, 4]
    assert row.n_text == 7


def test_appended_markers_of_pairs_that_are_not_drawn_are_left_out():
    pairs = [pair_of(((k, k + 1), (4, 5)), n=5) for k in range(3)]
    (row,) = maker("appended")(text_of(5), pairs)
    kept = row.of(np.array([True, False, True]))
    (other,) = maker("appended")(text_of(5), [pairs[0], pairs[2]])
    for name in ("ids", "n_text", "places", "marks"):
        assert np.array_equal(getattr(kept, name), getattr(other, name))
    assert kept.owners.tolist() == [0, 2]
    assert row.of(np.ones(3, bool)) is row


@pytest.mark.parametrize("reading", ["inserted", "appended", "hidden"])
def test_a_pair_that_fits_into_no_window_has_no_row(reading):
    far = pair_of(((0, 1), (190, 191)), n=200)
    assert maker(reading)(text_of(200), [far]) == []


@given(
    at=st.integers(0, 180),
    gap=st.integers(0, 15),
    size=st.integers(24, 60),
    reading=st.sampled_from(["inserted", "appended", "hidden"]),
)
def test_a_window_holds_both_mentions_and_no_more_than_it_may(at, gap, size, reading):
    text = text_of(200)
    pair = pair_of(((at, at + 1), (at + 1 + gap, at + 3 + gap)), n=200)
    rows = RowMaker(MARKERS, reading, **SPECIAL, size=size, stride=20)(text, [pair])
    for row in rows:
        n_text = row.n_text
        assert n_text <= size + 2
        first, second = row.marks[0]
        if reading == "hidden":
            assert row.ids[[first, second]].tolist() == [101, 112]
            hidden = {10 + at, 11 + at + gap, 12 + at + gap} - set(range(101, 115))
            assert not hidden & set(row.ids.tolist())
        elif reading == "inserted":
            assert row.ids[[first + 1, second + 1]].tolist() == [10 + at, 11 + at + gap]
        else:
            assert row.ids[row.places[[first, second]]].tolist() == [10 + at, 11 + at + gap]
    assert len(rows) == 1


@given(st.data())
def test_a_range_is_widened_inside_its_region(data):
    low, a, b, high = sorted(data.draw(st.lists(st.integers(0, 50), min_size=4, max_size=4)))
    size = data.draw(st.integers(b - a, 60))
    start, end = widened((a, b), (low, high), size)
    assert low <= start <= a
    assert b <= end <= high
    assert end - start == min(size, high - low)


def test_tokens_of_a_span_outside_the_words_are_none():
    assert tokens_of(text_of(3), Span(5, 6)) == (3, 3)
