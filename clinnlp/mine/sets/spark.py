"""Itemsets on Spark: for baskets that do not fit into the memory of one machine.

Pairs and triplets are combinations of the frequent items of each basket, aggregated by Spark;
longer sets come from Spark's own FP-growth. Only the sets found travel back. On one machine the
native engine is faster by orders of magnitude: use this where the data already lie on a cluster.

References
----------
Li et al., PFP: parallel FP-growth for query recommendation, RecSys 2008.
"""

from typing import TYPE_CHECKING

import numpy as np

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.spark import spark_functions, spark_session
from clinnlp.mine.sets.query import Query

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["mine_spark", "sets_of", "spark_itemsets"]

SHORT = 3  # items up to which sets are aggregated


def spark_itemsets(
    frame: "DataFrame", *, unit: str, item: str, min_count: int, max_len: int = SHORT
) -> "DataFrame":
    """Return the itemsets of a long Spark table of occurrences, as a Spark table.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One row per occurrence; one basket per value of `unit`. Rows without either are left out.
    unit, item : str
        Columns with the basket's id and with the item.
    min_count : int
        Least number of baskets, ≥ 1.
    max_len : int
        Longest set wanted, ≥ 1.

    Returns
    -------
    pyspark.sql.DataFrame
        ``items`` (sorted array) and ``count``.

    Raises
    ------
    ArgumentError
        A column is absent or a number out of range.
    MissingExtra
        pyspark is not installed.
    """
    functions = spark_functions()
    for value, name in ((min_count, "min_count"), (max_len, "max_len")):
        check_at_least(value, 1, name=name)
    for name in (unit, item):
        if name not in frame.columns:
            raise ArgumentError(f"the table must have the column {name!r}, got none of that name")
    rows = frame.select(functions.col(unit).alias("unit"), functions.col(item).alias("item"))
    return sets_of(rows.dropna().distinct(), min_count, max_len)


def sets_of(rows: "DataFrame", min_count: int, max_len: int) -> "DataFrame":
    """Return what `spark_itemsets` does, of distinct rows of a ``unit`` and an ``item``."""
    functions = spark_functions()
    singles = rows.groupBy("item").count().where(functions.col("count") >= min_count)
    kept = rows.join(functions.broadcast(singles.select("item")), "item")
    listed = functions.sort_array(functions.collect_list("item")).alias("items")
    baskets = kept.groupBy("unit").agg(listed).select("items").persist()
    if max_len > SHORT:
        return _fp_growth(baskets, min_count, max_len)
    found = singles.select(functions.array("item").alias("items"), "count")
    for size in range(2, max_len + 1):
        sets = baskets.select(functions.explode(functions.expr(_COMBINATIONS[size])).alias("items"))
        counted = sets.groupBy("items").count().where(functions.col("count") >= min_count)
        found = found.unionByName(counted)
    return found


def mine_spark(query: Query) -> tuple[dict[int, list[list[int]]], dict[int, list[int]]]:
    """Return the frequent sets of a query and their counts by length.

    Runs in the active Spark session, or else in one on all cores that ends with the call.

    Raises
    ------
    MissingExtra
        pyspark is not installed.
    """
    rows: dict[int, list[list[int]]] = {}
    counts: dict[int, list[int]] = {}
    with spark_session() as session:
        import pandas as pd

        entries = query.matrix.tocoo()
        if not entries.nnz:
            return {}, {}
        columns = {"unit": entries.row.astype(np.int64), "item": entries.col.astype(np.int64)}
        frame = session.createDataFrame(pd.DataFrame(columns))
        found = spark_itemsets(
            frame, unit="unit", item="item", min_count=query.least, max_len=query.max_len
        )
        for items, count in found.toLocalIterator():
            rows.setdefault(len(items), []).append(sorted(items))
            counts.setdefault(len(items), []).append(count)
    return rows, counts


# Every pair and every triplet of a sorted array; indices of `slice` start at 1.
_COMBINATIONS = {
    2: (
        "flatten(transform(items, (a, i) -> "
        "transform(slice(items, i + 2, size(items)), b -> array(a, b))))"
    ),
    3: (
        "flatten(transform(items, (a, i) -> "
        "flatten(transform(slice(items, i + 2, size(items)), (b, j) -> "
        "transform(slice(items, i + j + 3, size(items)), c -> array(a, b, c))))))"
    ),
}


def _fp_growth(baskets: "DataFrame", min_count: int, max_len: int) -> "DataFrame":
    from pyspark.ml.fpm import FPGrowth

    functions = spark_functions()
    n = baskets.count()
    support = min(1.0, (min_count - 0.5) / max(n, 1))  # between two counts: no rounding matters
    found = FPGrowth(itemsCol="items", minSupport=support).fit(baskets).freqItemsets
    kept: DataFrame = found.where(functions.size("items") <= max_len).select(
        functions.sort_array("items").alias("items"), functions.col("freq").alias("count")
    )
    return kept
