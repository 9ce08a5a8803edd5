"""Negation, history and hypothesis on the NegEx test kit: real report sentences.

Half 0, by clusters of reports that share a sentence, was developed on. Half 1 is scored by
``scripts/bench assertion --frozen``, not here.
"""

import pytest

from clinnlp.core.counts import PRF
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.assertion_kits import negex_rows


@pytest.fixture(scope="module")
def scored(data_dir):
    sections, sentences, assertions = Sections(), Sentences(), Assertions()
    return [
        (row, assertions(sentences(sections(row.note))).entities[0].assertion)
        for row in negex_rows(data_dir("negex_kit"))
        if row.half == 0
    ]


def _prf(pairs):
    pairs = list(pairs)
    return PRF(
        tp=sum(gold and found for gold, found in pairs),
        fp=sum(found and not gold for gold, found in pairs),
        fn=sum(gold and not found for gold, found in pairs),
    )


def test_the_development_half_is_the_frozen_one(scored):
    assert len(scored) == 880
    assert sum(row.negated for row, _ in scored) == 246


def test_negation(scored):
    assert _prf((row.negated, found.negated) for row, found in scored).f1 >= 0.97


def test_historical(scored):
    assert (
        _prf((row.temporality == "Historical", found.historical) for row, found in scored).f1
        >= 0.70
    )


def test_hypothetical(scored):
    pairs = ((row.temporality == "Not particular", found.hypothetical) for row, found in scored)
    assert _prf(pairs).f1 >= 0.80
