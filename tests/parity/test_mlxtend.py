"""Itemsets and rules beside mlxtend 0.25, on random data: counts exactly, columns to 1e-12.

Known differences, all 0/0 by definition, where clinnlp says nan:

- ``zhangs_metric``: mlxtend says 0 where the antecedent is in all baskets;
- ``certainty``: mlxtend says 0 where the consequent is in all baskets.
"""

import warnings

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clinnlp.features.baskets import frame_baskets
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import MEASURES
from clinnlp.mine.sets.itemsets import mine_itemsets

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 6))
TABLES = hnp.arrays(bool, SHAPES, elements=st.booleans(), fill=st.nothing())


def frame_of(held):
    return pd.DataFrame(held, columns=[f"i{j}" for j in range(held.shape[1])])


def peer_itemsets(frame, min_count, max_len=None):
    from mlxtend.frequent_patterns import fpgrowth

    support = min(1.0, (min_count - 0.5) / len(frame))  # between two counts: no rounding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fpgrowth(frame, min_support=support, use_colnames=True, max_len=max_len)


def peer_counts(found, n):
    return {
        names: round(value * n)
        for names, value in zip(found["itemsets"], found["support"], strict=True)
    }


@settings(max_examples=200, deadline=None)
@given(TABLES, st.integers(1, 12), st.sampled_from([None, 2, 3]))
def test_itemset_counts_are_equal(held, min_count, max_len):
    frame = frame_of(held)
    min_count = min(min_count, len(frame))
    asked = {"min_count": min_count, "max_len": max_len}
    ours = mine_itemsets(frame_baskets(frame), **asked)
    engine = mine_itemsets(frame_baskets(frame), **asked, engine="mlxtend")
    assert ours.members == engine.members
    assert ours.counts.tolist() == engine.counts.tolist()
    found = peer_itemsets(frame, min_count, max_len)
    assert dict(ours) == peer_counts(found, len(frame))
    supports = dict(zip(found["itemsets"], found["support"], strict=True))
    table = ours.to_pandas()
    for names, value in zip(table["itemsets"], table["support"], strict=True):
        assert abs(value - supports[names]) <= 1e-12


@settings(max_examples=100, deadline=None)
@given(TABLES, st.integers(1, 6))
def test_rule_columns_are_equal(held, min_count):
    from mlxtend.frequent_patterns import association_rules

    frame = frame_of(held)
    min_count = min(min_count, len(frame))
    found = peer_itemsets(frame, min_count)
    ours = mine_rules(frame_baskets(frame), min_count=min_count, max_len=max(2, held.shape[1]))
    if found.empty:
        assert len(ours) == 0
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = association_rules(found, metric="support", min_threshold=0.0)
    assert len(ours) == len(theirs)
    sides = ["antecedents", "consequents"]
    both = ours.to_pandas().merge(theirs, on=sides, suffixes=("", " peer"))
    assert len(both) == len(ours)
    always = {
        "zhangs_metric": both["n_antecedent"] == both["n"],
        "certainty": both["n_consequent"] == both["n"],
    }
    for name in MEASURES:
        mine, peer = both[name].to_numpy(float), both[f"{name} peer"].to_numpy(float)
        undefined = np.isnan(mine)
        if name in always:
            np.testing.assert_array_equal(undefined, always[name].to_numpy())
            assert (peer[undefined] == 0).all()
        else:
            assert not undefined.any()
        np.testing.assert_allclose(mine[~undefined], peer[~undefined], rtol=1e-12, atol=1e-12)


# What users of mlxtend write, with one call in place of two. A threshold on a table whose figures
# differ in the last bit may decide otherwise: those that lie at it are left out.
METRICS = ("lift", "confidence", "leverage", "conviction", "jaccard", "kulczynski", "support")


@settings(max_examples=60, deadline=None)
@given(
    TABLES,
    st.sampled_from([0.05, 0.1, 0.25, 0.5, 1.0]),
    st.sampled_from(METRICS),
    st.sampled_from([0.0, 0.3, 0.8, 1.2]),
    st.booleans(),
)
def test_a_one_hot_table_with_a_metric_and_a_threshold(held, support, metric, least, as_numbers):
    from mlxtend.frequent_patterns import apriori, association_rules

    frame = frame_of(held)
    if as_numbers:
        frame.columns = range(held.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = apriori(frame, min_support=support, use_colnames=True)
        theirs = (
            None if found.empty else association_rules(found, metric=metric, min_threshold=least)
        )
    asked = {"min_support": support, "max_len": max(2, held.shape[1])}
    ours = mine_rules(frame, **asked, metric=metric, min_threshold=least).to_pandas()
    assert dict(mine_itemsets(frame, min_support=support)) == peer_counts(found, len(frame))
    sides = ["antecedents", "consequents"]
    if theirs is None:
        assert ours.empty
        return
    near = 1e-9
    kept = {tuple(row) for row in ours.loc[ours[metric] > least + near, sides].to_numpy().tolist()}
    peer = {
        tuple(row) for row in theirs.loc[theirs[metric] > least + near, sides].to_numpy().tolist()
    }
    assert kept == peer
    assert (ours[metric] >= least - near).all()


def test_lists_are_what_the_transaction_encoder_makes_of_them():
    from mlxtend.frequent_patterns import fpgrowth
    from mlxtend.preprocessing import TransactionEncoder

    random = np.random.default_rng(0)
    lists = [random.choice(list("abcdef"), random.integers(0, 6)).tolist() for _ in range(60)]
    encoder = TransactionEncoder()
    frame = pd.DataFrame(encoder.fit_transform(lists), columns=encoder.columns_)
    ours = as_baskets(lists)
    pd.testing.assert_frame_equal(ours.to_pandas().reset_index(drop=True), frame)
    theirs = fpgrowth(frame, min_support=0.2, use_colnames=True)
    assert dict(mine_itemsets(lists, min_support=0.2)) == peer_counts(theirs, len(lists))
    again = fpgrowth(ours.to_pandas(sparse=True), min_support=0.2, use_colnames=True)
    assert peer_counts(again, len(lists)) == peer_counts(theirs, len(lists))
