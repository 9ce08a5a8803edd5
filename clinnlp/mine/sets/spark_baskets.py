"""Baskets that stay on a Spark cluster: what is counted of them comes back, they do not.

Rows of items become one row per basket with the numbers of its items, rising, which Spark keeps.
Margins, pairs and triplets are aggregations over these rows; only counts that pass the limits asked
for travel to the driver, where measures, priors, p and q are those of baskets in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Counts, Ints
from clinnlp.core.basket_blocks import BasketBlocks, Spelled, items_of, pairs_spelled
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.errors import ArgumentError
from clinnlp.core.spark import spark_functions
from clinnlp.mine.sets.query import Group, Query, allowed, check_limit, ordered
from clinnlp.mine.sets.spark import sets_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkBaskets", "StoredBaskets", "spark_baskets"]

_NO_ITEM = r"(?U)^\s*None\s*$"  # core.basket_blocks.NO_ITEM


def spark_baskets(
    frame: "DataFrame",
    *,
    unit: str = "patient",
    item: str = "code",
    kind: str = "kind",
    kinds: Sequence[str] | None = None,
    spelled: Spelled | None = None,
) -> "SparkBaskets":
    """Return the baskets of a long Spark table, for rules, itemsets and signals.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        A row for each item of a basket, in any order; repeated rows count once.
    unit, item, kind : str
        Columns with the id of the basket, the item, and its kind, as Spark writes them as text.
        Rows without a unit are left out, and a basket without an item counts in n.
    kinds : sequence of str, optional
        Kinds that become items; by default all.
    spelled : callable, optional
        As of `clinnlp.basket_blocks`.

    Returns
    -------
    SparkBaskets
        Held by Spark until `close`, or the end of a ``with`` statement.

    Raises
    ------
    ArgumentError
        A column is absent, or no row names a basket.
    MissingExtra
        pyspark is not installed.

    Examples
    --------
    >>> from clinnlp import mine_interactions, mine_signals
    >>> def signals(reports):  # of a DataFrame with the columns report, code and kind
    ...     with spark_baskets(reports, unit="report", kinds=("drug", "outcome")) as held:
    ...         return mine_signals(held), mine_interactions(held, adjust=False)
    """
    f = spark_functions()
    for name in (unit, item, kind):
        if name not in frame.columns:
            raise ArgumentError(f"the table must have the column {name!r}, got none of that name")
    rows, lost, written, n_written = _written(frame, (unit, item, kind), kinds)
    pairs, place = pairs_spelled(written, n_written, spelled)
    lost[f"no_{item}"] += int(n_written[place < 0].sum())
    numbered = _small(frame, {"kind": [k for k, _ in written], "item": [i for _, i in written],
                              "at": place}).where("at >= 0")  # fmt: skip
    coded = rows.join(f.broadcast(numbered), ["kind", "item"], "left")
    held = coded.groupBy("unit").agg(f.sort_array(f.collect_set("at")).alias("items")).persist()
    singles = held.select(f.explode("items").alias("at")).groupBy("at").count()
    n_each = np.zeros(len(pairs), np.int64)
    at, counts = _columns(singles, "at", "count")
    n_each[at] = counts
    n = held.count()
    if not n:
        held.unpersist()
        raise ArgumentError(f"a row must name a basket in {unit!r}, got none")
    items, kinds_of = items_of(pairs)
    spellings: list[list[tuple[str, str]]] = [[] for _ in pairs]
    for k in np.flatnonzero(place >= 0).tolist():
        spellings[place[k]].append(written[k])
    return SparkBaskets(
        held=held, rows=rows, spellings=tuple(map(tuple, spellings)), n_each=n_each, n=n,
        items=items, kinds=kinds_of, unit=unit, n_excluded=lost,
    )  # fmt: skip


def _named(text: Any) -> Any:
    """Return which cells of a column are no missing name or id."""
    return text.rlike(r"(?U)\S") & ~text.rlike(_NO_ITEM)


def _written(
    frame: "DataFrame", columns: tuple[str, str, str], kinds: Sequence[str] | None
) -> tuple["DataFrame", dict[str, int], list[tuple[str, str]], Counts]:
    """Return rows of units, items and kinds, how many are left out, and each item with its rows."""
    f = spark_functions()
    unit, item, kind = columns
    text, who = f.col(item).cast("string"), f.col(unit).cast("string")
    rows = frame.select(
        f.when(_named(who) & (who != "NaN"), who).alias("unit"),
        f.when(_named(text), text).alias("item"),
        f.coalesce(f.col(kind).cast("string"), f.lit("")).alias("kind"),
    )
    why = f.when(f.col("unit").isNull(), f"no_{unit}").when(f.col("item").isNull(), f"no_{item}")
    lost = {f"no_{unit}": 0, f"no_{item}": 0}
    if kinds is not None:
        why = why.when(~f.col("kind").isin(*kinds), "kind")
        lost["kind"] = 0
    rows = rows.withColumn("why", why.otherwise(""))
    rows = rows.withColumn("item", f.when(f.col("why") == "", f.col("item")))
    of_kind = f.when(f.col("why") == "", f.col("kind")).alias("kind")
    written, n_written = list[tuple[str, str]](), list[int]()
    for row in rows.groupBy("why", of_kind, "item").count().collect():
        if row["why"]:
            lost[row["why"]] = row["count"]
        else:
            written.append((row["kind"], row["item"]))
            n_written.append(row["count"])
    rows = rows.where("unit IS NOT NULL").drop("why")
    return rows, lost, written, np.array(n_written, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparkBaskets:
    """Sets of items, one set per unit of observation, that Spark holds.

    Parameters
    ----------
    held : pyspark.sql.DataFrame
        A row per basket: ``unit``, and the numbers of its items, rising.
    rows : pyspark.sql.DataFrame
        A row per item of a basket: ``unit``, ``item``, ``kind``.
    spellings : tuple of tuples of (str, str)
        Kind and item by number, each as it is written.
    n_each : array of int64, shape (n_items,)
        Baskets with each item.
    n : int
        Baskets.
    items, kinds : tuple of str
    unit : str
        What a basket is.
    n_excluded : mapping of str to int
        As of `BasketBlocks`.
    """

    held: "DataFrame"
    rows: "DataFrame"
    spellings: tuple[tuple[tuple[str, str], ...], ...]
    n_each: Counts
    n: int
    items: tuple[str, ...]
    kinds: tuple[str, ...]
    unit: str
    n_excluded: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"SparkBaskets({self.n} x {len(self.items)} items, unit={self.unit!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let Spark forget the baskets."""
        self.held.unpersist()

    def counts(self) -> BasketCounts:
        """Return what is known without the baskets."""
        return BasketCounts(n=self.n, unit=self.unit, items=self.items)

    def evidence(self, *items: str) -> "DataFrame":
        """Return the rows that put some items into baskets which hold all of them, as a query.

        Raises
        ------
        ArgumentError
            No item is called so.
        """
        f = spark_functions()
        unknown = sorted(set(items) - set(self.items))
        if unknown or not items:
            raise ArgumentError(f"items must stand in the baskets, got {', '.join(unknown) or '-'}")
        at = [self.items.index(item) for item in items]
        holding = self.held
        for number in at:
            holding = holding.where(f.array_contains("items", number))
        written = [pair for number in at for pair in self.spellings[number]]
        asked = _small(self.held, {"kind": [kind for kind, _ in written],
                                   "item": [name for _, name in written]})  # fmt: skip
        rows = self.rows.join(f.broadcast(asked), ["kind", "item"], "left_semi")
        return rows.join(holding.select("unit"), "unit", "left_semi")

    def across(self, first: Ints, second: Ints) -> sparse.csr_matrix:
        """Return the baskets of each of some items with each of others, where there are any."""
        f = spark_functions()
        one = self.held.select(f.explode("items").alias("a"), "items")
        one = one.join(f.broadcast(_small(self.held, {"a": first})), "a")
        both = one.select("a", f.explode("items").alias("b"))
        both = both.join(f.broadcast(_small(self.held, {"b": second})), "b")
        a, b, n = _columns(both.groupBy("a", "b").count(), "a", "b", "count")
        shape = (len(first), len(second))
        return _matrix(np.searchsorted(first, a), np.searchsorted(second, b), n, shape)

    def pairs(self, of: Bools, *, min_count: int) -> sparse.csr_matrix:
        """Return the baskets of pairs of some items, at least `min_count`: the upper triangle."""
        f = spark_functions()
        kept = np.flatnonzero(of & (self.n_each >= min_count))
        found = self._pairs(kept, "items").groupBy("a", "b").count()
        a, b, n = _columns(found.where(f.col("count") >= min_count), "a", "b", "count")
        place = np.cumsum(of) - 1
        return _matrix(place[a], place[b], n, (int(of.sum()), int(of.sum())))

    def triplets(
        self, first: Ints, second: Ints, third: Ints, *, min_count: int
    ) -> tuple[Ints, Ints, Counts]:
        """Return which pair and which third item meet at least `min_count` times, and how often.

        Parameters
        ----------
        first, second : array of int64, shape (n_pairs,)
            The items of each pair, the smaller number first.
        third : array of int64
            Items that are in no pair.
        min_count : int
        """
        f = spark_functions()
        pairs = _small(self.held, {"a": first, "b": second, "pair": np.arange(len(first))})
        used = np.unique(np.concatenate([first, second]))
        met = self._pairs(used, "items").join(pairs, ["a", "b"])
        each = met.select("pair", f.explode("items").alias("c"))
        each = each.join(f.broadcast(_small(self.held, {"c": third})), "c")
        found = each.groupBy("pair", "c").count().where(f.col("count") >= min_count)
        pair, c, n = _columns(found, "pair", "c", "count")
        return pair, c, n

    def itemsets(self, query: Query, wanted: Bools) -> list[Group]:
        """Return the frequent sets of a query by length; its matrix is not looked at."""
        f = spark_functions()
        frequent = np.flatnonzero(wanted & (self.n_each >= query.least))
        rows = self.held.select("unit", f.explode("items").alias("item"))
        rows = rows.join(f.broadcast(_small(self.held, {"item": frequent})), "item")
        found = sets_of(rows, query.least, query.max_len).toArrow()
        sets, counts = found.column("items").to_pylist(), found.column("count").to_numpy()
        check_limit(query, len(sets))
        sizes = np.fromiter(map(len, sets), np.int64, len(sets))
        groups = []
        for size in range(1, int(sizes.max(initial=0)) + 1):
            at = np.flatnonzero(sizes == size)
            members = np.array([sorted(sets[k]) for k in at], np.int32).reshape(-1, size)
            keep = allowed(query, members)
            groups.append(ordered(members[keep], counts[at][keep].astype(np.int64)))
        return groups

    def _pairs(self, kept: Ints, *more: str) -> "DataFrame":
        """Return a row for each pair of some items in each basket, a before b."""
        f = spark_functions()
        one = self.held.select(f.explode("items").alias("a"), "items")
        one = one.join(f.broadcast(_small(self.held, {"a": kept})), "a")
        two = one.select("a", f.explode("items").alias("b"), *more).where("a < b")
        return two.join(f.broadcast(_small(self.held, {"b": kept})), "b")


StoredBaskets = BasketBlocks | SparkBaskets  # that are not in memory


def _small(frame: "DataFrame", columns: dict[str, Any]) -> "DataFrame":
    """Return a table of the driver's, of arrays of numbers and lists of text, as one of Spark's."""
    import pandas as pd

    words = ", ".join(
        f"{name} {'bigint' if isinstance(values, np.ndarray) else 'string'}"
        for name, values in columns.items()
    )
    return frame.sparkSession.createDataFrame(pd.DataFrame(columns), words)


def _columns(frame: "DataFrame", *names: str) -> tuple[Array, ...]:
    table = frame.select(*names).toArrow()
    return tuple(table.column(name).to_numpy().astype(np.int64) for name in names)


def _matrix(row: Ints, column: Ints, n: Counts, shape: tuple[int, int]) -> sparse.csr_matrix:
    found = sparse.csr_matrix((n.astype(np.int32), (row, column)), shape=shape)
    found.sort_indices()
    return found
