"""Real Spark with two workers gives the native engine's answer."""

import sys

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, MissingExtra
from clinnlp.mine.sets.itemsets import mine_itemsets
from clinnlp.mine.sets.spark import spark_itemsets
from tests.unit.mine.sets.test_itemsets import random_baskets


@pytest.mark.slow
def test_spark_counts_what_the_native_engine_counts(spark):
    assert spark.sparkContext.defaultParallelism == 2
    kinds = dict.fromkeys("abcd", "drug") | {"e": "outcome"}
    for seed, asked in enumerate(
        (
            {"min_count": 1, "max_len": 3},
            {"min_count": 3},
            {"min_count": 200},
            {"min_count": 2, "kinds": {"drug": 2, "outcome": 1}, "target": "outcome"},
        )
    ):
        baskets = random_baskets(seed, items="abcdefgh", kinds=kinds)
        ours = mine_itemsets(baskets, **asked)
        theirs = mine_itemsets(baskets, **asked, engine="spark")
        assert ours.members == theirs.members
        assert ours.counts.tolist() == theirs.counts.tolist()


@pytest.mark.slow
def test_a_spark_table_of_names(spark):
    rows = pd.DataFrame(
        {"case": [1, 1, 1, 2, 2, 3, None], "drug": ["b", "a", "a", "a", "b", None, "a"]}
    )
    table = spark.createDataFrame(rows.astype(object).where(rows.notna(), None))
    found = spark_itemsets(table, unit="case", item="drug", min_count=2, max_len=2).collect()
    assert {(tuple(items), n) for items, n in found} == {(("a",), 2), (("b",), 2), (("a", "b"), 2)}
    with pytest.raises(ArgumentError, match="must have the column 'item'"):
        spark_itemsets(table, unit="case", item="item", min_count=2)


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtra, match=r"pip install 'clinnlp\[spark\]'"):
        mine_itemsets(random_baskets(), min_count=1, engine="spark")
    with pytest.raises(MissingExtra):
        spark_itemsets(np.nan, unit="a", item="b", min_count=1)
