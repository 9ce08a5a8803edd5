"""Tag schemes: round trips, and decoding against seqeval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from clinnlp.core.errors import DataError
from clinnlp.core.tags import SCHEMES, TagRange, decode_tags, encode_tags


@st.composite
def tagged(draw):
    at, out = 0, []
    for _ in range(draw(st.integers(0, 5))):
        start = at + draw(st.integers(0, 3))
        at = start + draw(st.integers(1, 4))
        out.append(TagRange(start, at, draw(st.sampled_from(["A", "B-c"]))))
    return out, at + draw(st.integers(0, 2))


@given(tagged(), st.sampled_from(list(SCHEMES)))
def test_every_scheme_round_trips(case, scheme):
    ranges, n = case
    assert decode_tags(encode_tags(ranges, n, scheme)) == ranges


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12))
def test_any_iob_sequence_decodes_as_seqeval_does(tags):
    assert decode_tags(tags) == [TagRange(s, e + 1, t) for t, s, e in get_entities(tags)]


def test_overlapping_ranges_and_unknown_tags_are_refused():
    with pytest.raises(DataError, match="disjoint"):
        encode_tags([TagRange(0, 2, "A"), TagRange(1, 3, "A")], 4)
    with pytest.raises(DataError, match="tag 0"):
        decode_tags(["X-A"])
