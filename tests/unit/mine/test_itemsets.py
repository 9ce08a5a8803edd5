"""Itemsets against a naive count of every subset, and the refusals."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.itemsets import min_count_of, mine_itemsets


def random_baskets(seed=0, n=150, items="abcdefg", kinds="item"):
    rng = np.random.default_rng(seed)
    common = rng.random((n, 1))
    held = (rng.random((n, len(items))) + common) > 1.1
    return frame_baskets(pd.DataFrame(held, columns=list(items)), kinds=kinds)


def naive(baskets, min_count, max_len):
    rows = [
        {name for name, held in zip(baskets.items, row, strict=True) if held}
        for row in baskets.matrix.toarray()
    ]
    found = {}
    for size in range(1, max_len + 1):
        for names in combinations(baskets.items, size):
            count = sum(set(names) <= row for row in rows)
            if count >= min_count:
                found[frozenset(names)] = count
    return found


@pytest.mark.parametrize("min_count", [1, 3, 10, 40, 151])
@pytest.mark.parametrize("max_len", [1, 2, 3, None])
def test_counts_are_exact(min_count, max_len):
    baskets = random_baskets()
    got = dict(mine_itemsets(baskets, min_count=min_count, max_len=max_len))
    assert got == naive(baskets, min_count, max_len or len(baskets.items))


def test_short_sets_come_first_and_in_item_order():
    mined = mine_itemsets(random_baskets(), min_count=5)
    assert list(mined.members) == sorted(mined.members, key=lambda m: (len(m), m))


def test_only_the_named_kinds():
    baskets = random_baskets(kinds={"a": "drug", "b": "drug"})
    mined = mine_itemsets(baskets, min_count=1, kinds=["drug"])
    assert {frozenset(names) for names, _ in mined} <= {
        frozenset("a"),
        frozenset("b"),
        frozenset("ab"),
    }
    with pytest.raises(ArgumentError, match="kinds must be among drug, item, got event"):
        mine_itemsets(baskets, min_count=1, kinds=["event"])


def test_pandas_columns_are_mlxtends():
    frame = mine_itemsets(random_baskets(), min_support=0.2).to_pandas()
    assert list(frame.columns) == ["support", "itemsets", "count"]
    assert isinstance(frame["itemsets"].iloc[0], frozenset)
    assert (frame["support"] == frame["count"] / 150).all()
    assert frame["support"].min() >= 0.2


def test_no_baskets_and_no_items():
    empty = frame_baskets(pd.DataFrame({"a": pd.Series([], dtype=bool)}))
    assert len(mine_itemsets(empty, min_count=1)) == 0
    assert len(mine_itemsets(empty, min_support=0.5).to_pandas()) == 0
    bare = frame_baskets(pd.DataFrame(index=range(3)))
    assert len(mine_itemsets(bare, min_count=1)) == 0


def test_more_sets_than_allowed_are_refused():
    with pytest.raises(ArgumentError, match="raise min_count"):
        mine_itemsets(random_baskets(), min_count=1, max_itemsets=20)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"min_count": 2, "min_support": 0.1},
        {"min_count": 0},
        {"min_support": 0.0},
        {"min_support": 1.5},
        {"min_support": float("nan")},
        {"min_count": 1, "max_len": 0},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ArgumentError):
        mine_itemsets(random_baskets(), **arguments)


def test_least_count_of_a_support_is_exact():
    for n in (1, 7, 100, 8124):
        for count in range(1, n + 1, max(1, n // 50)):
            assert min_count_of(n, min_count=None, min_support=count / n) == count
    assert min_count_of(0, min_count=None, min_support=0.5) == 1


def test_repr_shows_counts_only():
    assert repr(mine_itemsets(random_baskets(), min_count=151)) == (
        "Itemsets(0 in 150 baskets, min_count=151)"
    )
