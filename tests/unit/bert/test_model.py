"""Tags of words and back; decoding equals brute force over valid sequences."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.bert.model import (
    IGNORED,
    decode_words,
    gold_tags,
    heads_of,
    log_softmax,
    mention_ranges,
    tag_names,
)
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.notes import Entity
from clinnlp.core.spans import Span

LABELS = ("A", "B")  # tags O=0, B-A=1, I-A=2, B-B=3, I-B=4


def five_words():
    starts = np.array([0, 3, 6, 9, 12], np.int32)
    return TokenisedText(ids=starts, first=starts // 3, starts=starts, ends=starts + 2)


def entity(start, end, label="A", parts=()):
    return Entity(id="T", span=Span(start, end), label=label, parts=parts)


@pytest.mark.parametrize(
    ("entities", "tags", "counts"),
    [
        ([entity(0, 5), entity(6, 8, "B")], [1, 2, 3, 0, 0], (2, 0, 0)),
        ([entity(0, 2), entity(3, 5)], [1, 1, 0, 0, 0], (2, 0, 0)),
        ([entity(0, 2), entity(0, 8, "B")], [3, 4, 4, 0, 0], (1, 1, 0)),  # longest stays
        ([entity(0, 5), entity(3, 11, "B")], [IGNORED, 3, 4, 4, 0], (1, 1, 0)),
        ([entity(1, 4)], [1, 2, 0, 0, 0], (1, 0, 1)),  # inside words
        ([entity(2, 3)], [0, 0, 0, 0, 0], (0, 1, 0)),  # between words
        ([entity(0, 5, "Other")], [0, 0, 0, 0, 0], (0, 0, 0)),
        (
            [entity(0, 8, "A", (Span(0, 2), Span(6, 8)))],  # discontinuous
            [IGNORED, 0, IGNORED, 0, 0],
            (0, 1, 0),
        ),
    ],
)
def test_gold_tags(entities, tags, counts):
    made = gold_tags(five_words(), entities, LABELS)
    assert made.tags.tolist() == tags
    assert made[1:] == counts


def is_valid(tags):
    return all(
        not (tag and tag % 2 == 0) or before in (tag - 1, tag)
        for before, tag in zip((0, *tags), tags, strict=False)
    )


def best_valid(log_p):
    return max(
        (tags for tags in product(range(log_p.shape[1]), repeat=len(log_p)) if is_valid(tags)),
        key=lambda tags: sum(float(log_p[t, tag]) for t, tag in enumerate(tags)),
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(0, 5), max_size=4))
def test_decoding_equals_brute_force(seed, lengths):
    noise = np.random.default_rng(seed).normal(size=(sum(lengths), 5)).astype(np.float32)
    log_p = log_softmax(noise * 3)
    tags, at = decode_words(log_p, lengths), 0
    for n in lengths:
        assert tags[at : at + n].tolist() == list(best_valid(log_p[at : at + n]) if n else [])
        at += n


@given(
    ranges=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 1)), max_size=6)
)
def test_ranges_of_valid_tags_come_back(ranges):
    tags, wanted = [], []
    for length, gap, label in ranges:
        tags += [0] * gap
        wanted.append((len(tags), len(tags) + length, label))
        tags += [2 * label + 1] + [2 * label + 2] * (length - 1)
    found = mention_ranges(np.array(tags, np.int64))
    assert list(zip(*(x.tolist() for x in found), strict=True)) == wanted


@pytest.mark.parametrize(
    "heads",
    [
        [("a",)],
        [("a", "b")],
        [("a",), ("b",)],
        [("O", "O-x"), ("B-", "é+ü")],
        [("a", "b"), ("a+b",)],
    ],
)
def test_names_of_tags_tell_the_heads(heads):
    names = tag_names(heads)
    assert heads_of(names) == tuple(heads)
    assert len(set(names)) == len(names)


def test_the_only_head_may_name_its_label():
    assert heads_of(["O-a", "B-a", "I-a"]) == (("a",),)


@pytest.mark.parametrize(
    "names", [[], ["LABEL_0"], ["B-a", "I-a"], ["O", "B-a"], ["O", "B-a", "I-b"], ["O", 3, None]]
)
def test_other_names_tell_of_no_heads(names):
    assert heads_of(names) == ()
