"""What may be wrong with baskets and queries: the right answer, or one clear sentence."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.itemsets import mine_itemsets

LONG = pd.DataFrame({
    "case": [1, 1, 1, 2, 2, 3, 4],
    "item": ["a", "a", "b", "a", "b", np.nan, "a"],
})  # fmt: skip


def test_items_named_twice_and_baskets_without_items():
    baskets = frame_baskets(LONG, unit="case", item="item")
    assert len(baskets) == 4  # case 3 holds nothing and counts
    found = mine_itemsets(baskets, min_support=0.5)
    assert dict(found) == {frozenset("a"): 3, frozenset("b"): 2, frozenset("ab"): 2}


def test_columns_that_are_all_equal():
    ones = frame_baskets(pd.DataFrame(np.ones((9, 4), bool)))
    assert len(mine_itemsets(ones, min_support=1.0)) == 2**4 - 1
    assert len(mine_itemsets(ones, min_support=1.0, closed=True)) == 1
    zeros = frame_baskets(pd.DataFrame(np.zeros((9, 4), bool)))
    assert len(mine_itemsets(zeros, min_count=1)) == 0
    rules = mine_rules(ones, min_count=1)
    assert len(rules) == 12
    assert (rules["p_fisher"] == 1).all()


@pytest.mark.parametrize("support", [0, -0.1, 1.01, float("nan")])
def test_supports_out_of_range(support):
    with pytest.raises(ArgumentError, match="min_support must lie above 0 and at most 1"):
        mine_itemsets(frame_baskets(LONG, unit="case", item="item"), min_support=support)


def test_rules_of_one_item():
    with pytest.raises(ArgumentError, match="max_len must be at least 2, got 1"):
        mine_rules(frame_baskets(LONG, unit="case", item="item"), min_count=1, max_len=1)


def test_columns_of_mixed_types_that_read_alike():
    with pytest.raises(DataError, match="unique"):
        frame_baskets(pd.DataFrame([[1, 0]], columns=[1, "1"]))


def test_a_length_beyond_memory_is_refused_with_the_estimate():
    wide = frame_baskets(pd.DataFrame(np.ones((50, 60), bool)))
    with pytest.raises(ArgumentError, match=r"got at least 1.15e\+18 itemsets \(1.11e\+11 GB\)"):
        mine_itemsets(wide, min_count=10, max_len=60)
