"""Itemsets: sets of items that stand together in at least so many baskets, counted exactly.

The sets are held as flat arrays, one per length, and become names only where they are asked for:
a million sets are a few tens of megabytes. `clinnlp.mine.sets.engines` says who counts.

References
----------
Agrawal and Srikant, Fast algorithms for mining association rules, VLDB 1994.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Counts, Floats, Ints32
from clinnlp.core.arrow import columns_to_arrow, lists_to_arrow
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least, check_one_of
from clinnlp.core.counts import ratio
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.sets.block_sets import mine_blocks
from clinnlp.mine.sets.closed_search import is_dense, mine_closed
from clinnlp.mine.sets.closure import closed as closed_only
from clinnlp.mine.sets.closure import maximal as maximal_only
from clinnlp.mine.sets.engines import ENGINES, run
from clinnlp.mine.sets.query import Group, Query, quotas
from clinnlp.mine.sets.spark_baskets import SparkBaskets, StoredBaskets

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Itemsets", "min_count_of", "mine_itemsets"]

MAX_MEMORY_GB = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Itemsets:
    """Itemsets with their counts, short ones first, then in item order.

    Parameters
    ----------
    groups : tuple of array of int32, shape (n_sets, size) each
        The sets of 1, 2, ... items as positions in the baskets' `items`, each row rising.
    counts : array of int64, shape (n_itemsets,)
        Baskets that hold the whole set, in the order of `groups`.
    baskets : Baskets or BasketCounts
        What was mined; what is known of it where the sets were read from a file.
    min_count : int
        The least count kept.

    Columns
    -------
    support : float
        Share of the baskets that hold the whole set, 0 to 1.
    itemsets : set of text
        Item names.
    count : int
        Baskets that hold the whole set.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> found = mine_itemsets(frame_baskets(pd.DataFrame({"a": [1, 1], "b": [1, 0]})), min_count=1)
    >>> found, found.counts.tolist()
    (Itemsets(3 in 2 baskets, min_count=1), [2, 1, 1])
    """

    groups: tuple[Ints32, ...]
    counts: Counts
    baskets: Baskets | BasketCounts
    min_count: int

    def __len__(self) -> int:
        return len(self.counts)

    def __repr__(self) -> str:
        return f"Itemsets({len(self)} in {len(self.baskets)} baskets, min_count={self.min_count})"

    def _repr_html_(self) -> str:
        names = self.baskets.shown_items
        rows = (row for group in self.groups for row in group)
        first = [row.tolist() for row in islice(rows, N_ROWS)]
        return display_html(
            "Itemsets",
            facts={"itemsets": len(self), "baskets": len(self.baskets)},
            columns={
                "itemset": [frozenset(names[j] for j in members) for members in first],
                "count": self.counts,
                "support": self.support_fraction,
            },
            n_rows=len(self),
        )

    def __iter__(self) -> Iterator[tuple[frozenset[str], int]]:
        """Yield each set of item names with its count."""
        return zip(self._names(), self.counts.tolist(), strict=True)

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """The sets as tuples of positions in the baskets' `items`."""
        return tuple(tuple(row) for group in self.groups for row in group.tolist())

    @property
    def support_fraction(self) -> Floats:
        """Count over the number of baskets."""
        return ratio(self.counts, len(self.baskets))

    def to_pandas(self) -> "pd.DataFrame":
        """Return mlxtend's columns ``support`` (a fraction) and ``itemsets``, and ``count``.

        Where items have names, ``names`` stands behind, in the order of the sorted items.
        """
        import pandas as pd

        itemsets = pd.Series(list(self._names()), dtype=object)
        columns = {"support": self.support_fraction, "itemsets": itemsets, "count": self.counts}
        named = {name: pd.Series(made, dtype=object) for name, made in self._named().items()}
        return pd.DataFrame(columns | named)

    def to_arrow(self) -> "pa.Table":
        """Return the columns of `to_pandas` as a pyarrow Table; a set of items is a list."""
        sets = lists_to_arrow(self._items(), self.groups)
        columns = {"support": self.support_fraction, "itemsets": sets, "count": self.counts}
        return columns_to_arrow(columns | self._named())

    def _named(self) -> dict[str, Any]:
        """Return the names of the items of each set, where items have names."""
        if not self.baskets.names:
            return {}
        return {"names": [self.baskets.names_in_order(one) for one in self._names()]}

    def _items(self) -> Array:
        return np.array([*self.baskets.items, None], dtype=object)[:-1]

    def _names(self) -> Iterator[frozenset[str]]:
        names = self._items()
        for group in self.groups:
            yield from map(frozenset, names[group].tolist())


def mine_itemsets(
    baskets: Baskets | StoredBaskets | Iterable[Any],
    *,
    min_count: int | None = None,
    min_support: float | None = None,
    max_len: int | None = None,
    kinds: Sequence[str] | Mapping[str, int] | None = None,
    target: str | Sequence[str] | None = None,
    closed: bool = False,
    maximal: bool = False,
    engine: str = "native",
    threads: int | None = None,
    max_memory_gb: float = MAX_MEMORY_GB,
    progress: bool = False,
    fold_terms: bool = True,
) -> Itemsets:
    """Return every itemset in at least `min_count` baskets.

    Parameters
    ----------
    baskets : Baskets, BasketBlocks, SparkBaskets, one-hot table, or list of lists of items
        See `clinnlp.features.one_hot`; items of a table or of lists keep their type. Baskets in
        blocks or on Spark are counted where they lie, whatever `engine` says.
    min_count : int
        Least number of baskets, ≥ 1. Give it or `min_support`.
    min_support : float
        Least fraction of baskets, above 0 and at most 1.
    max_len : int, optional
        Longest set wanted, ≥ 1; no bound by default.
    kinds : sequence of str, or mapping of str to int, optional
        Only items of these kinds. A mapping also says how many of each kind a set may hold:
        ``{"drug": 2, "outcome": 1}`` asks for drug + drug → outcome and its parts.
    target : str or sequence of str, optional
        Item names or kinds: every set holds at least one of these items.
    closed : bool
        Only sets that no larger set found equals in count.
    maximal : bool
        Only sets that no larger set found contains.
    engine : {"native", "mlxtend", "spark"}
        Who counts; the answer is the same.
    threads : int, optional
        Threads of the native engine; all cores of the process by default.
    max_memory_gb : float
        What counting and the sets found may take, in GB (10⁹ bytes). A query that would take
        more is refused with the estimate, as soon as it is known.
    progress : bool
        Show a progress bar (native engine).
    fold_terms : bool
        Of a table or of lists: take as one item texts that differ only in case, white space or
        Unicode form, as `clinnlp.frame_baskets` does.

    Returns
    -------
    Itemsets
        Short ones first, then in item order.

    Raises
    ------
    ArgumentError
        Both or neither of `min_count` and `min_support`, an argument out of range, an unknown
        kind, target or engine, both `closed` and `maximal`, or more than `max_memory_gb`.
    MissingExtra
        The engine's package is not installed.

    Examples
    --------
    >>> from clinnlp.features.baskets import frame_baskets
    >>> import pandas as pd
    >>> milk = frame_baskets(pd.DataFrame({"milk": [1, 1, 0], "bread": [1, 1, 1]}))
    >>> [(sorted(names), count) for names, count in mine_itemsets(milk, min_count=2)]
    [(['milk'], 2), (['bread'], 3), (['bread', 'milk'], 2)]
    >>> [sorted(names) for names, _ in mine_itemsets(milk, min_count=2, closed=True)]
    [['bread'], ['bread', 'milk']]
    """
    if not isinstance(baskets, StoredBaskets):
        baskets = as_baskets(baskets, fold_terms=fold_terms)
    least = min_count_of(len(baskets), min_count=min_count, min_support=min_support)
    for value, name in ((max_len, "max_len"), (threads, "threads")):
        check_at_least(1 if value is None else value, 1, name=name)
    if not max_memory_gb > 0:
        raise ArgumentError(f"max_memory_gb must be above 0, got {max_memory_gb}")
    if closed and maximal:
        raise ArgumentError(
            "closed and maximal must not both be asked for: every maximal set is closed"
        )
    check_one_of(engine, tuple(ENGINES), name="engine")
    query = _query(baskets, least, max_len, kinds, target, max_memory_gb)
    if isinstance(baskets, StoredBaskets):
        groups = _where_they_lie(baskets, query, kinds, threads)
    elif (closed or maximal) and engine == "native" and is_dense(query):
        return _itemsets(mine_closed(query, maximal=maximal), baskets, least)
    else:
        groups = run(query, engine=engine, threads=threads, progress=progress)
    if closed or maximal:
        groups = (closed_only if closed else maximal_only)(groups)
    return _itemsets(groups, baskets, least)


def _itemsets(groups: list[Group], baskets: Baskets | StoredBaskets, least: int) -> Itemsets:
    return Itemsets(
        groups=tuple(members for members, _ in groups),
        counts=np.concatenate([np.empty(0, np.int64), *(counts for _, counts in groups)]),
        baskets=baskets.counts() if isinstance(baskets, StoredBaskets) else baskets,
        min_count=least,
    )


def _where_they_lie(
    baskets: StoredBaskets,
    query: Query,
    kinds: Sequence[str] | Mapping[str, int] | None,
    threads: int | None,
) -> list[Group]:
    """Return the frequent sets of baskets that are not in memory."""
    wanted = np.ones(len(baskets.items), bool)
    if kinds is not None:
        wanted = _among(baskets.kinds, list(kinds), "kinds")
    if isinstance(baskets, SparkBaskets):
        return baskets.itemsets(query, wanted)
    return mine_blocks(baskets, query, wanted, threads=threads)


def min_count_of(n: int, *, min_count: int | None, min_support: float | None) -> int:
    """Return the least count c that is at least `min_count`, or with c / n ≥ `min_support`.

    Raises
    ------
    ArgumentError
        Both or neither given, or out of range.

    Examples
    --------
    >>> min_count_of(100, min_count=None, min_support=0.07)
    7
    """
    if (min_count is None) == (min_support is None):
        raise ArgumentError("give either min_count or min_support, got both or neither")
    if min_count is not None:
        check_at_least(min_count, 1, name="min_count")
        return min_count
    assert min_support is not None
    if not 0 < min_support <= 1:
        raise ArgumentError(f"min_support must lie above 0 and at most 1, got {min_support}")
    least = max(1, math.ceil(min_support * n))
    while least > 1 and (least - 1) / n >= min_support:  # 0.07 * 100 is a little above 7
        least -= 1
    return least


def _query(
    baskets: Baskets | StoredBaskets,
    least: int,
    max_len: int | None,
    kinds: Sequence[str] | Mapping[str, int] | None,
    target: str | Sequence[str] | None,
    max_memory_gb: float,
) -> Query:
    most = dict(kinds) if isinstance(kinds, Mapping) else None
    for kind, n in (most or {}).items():
        check_at_least(n, 0, name=f"kinds[{kind!r}]")
    codes, quota = quotas(baskets.kinds, most)
    wanted = None if kinds is None else _among(baskets.kinds, list(kinds), "kinds")
    nothing = sparse.csr_matrix((0, len(baskets.items)), dtype=np.int8)
    return Query(
        matrix=_matrix(baskets, wanted) if isinstance(baskets, Baskets) else nothing,
        least=least,
        max_len=max(1, len(baskets.items)) if max_len is None else max_len,
        kinds=codes,
        quota=quota,
        targets=None if target is None else _targets(baskets, target),
        max_memory_gb=max_memory_gb,
    )


def _matrix(baskets: Baskets, wanted: Bools | None) -> sparse.csr_matrix:
    """Return the baskets with ones only, the columns of other items emptied."""
    matrix = baskets.matrix.tocsr()
    if not matrix.has_canonical_format or (matrix.nnz and not matrix.data.all()):
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    if wanted is None or wanted.all():
        return matrix
    keep = wanted[matrix.indices]
    # How many entries are kept before each: where a row started, it still does among these
    before = np.concatenate([[0], np.cumsum(keep)])
    parts = (np.ones(int(before[-1]), np.int8), matrix.indices[keep], before[matrix.indptr])
    return sparse.csr_matrix(parts, shape=matrix.shape)


def _targets(baskets: Baskets | StoredBaskets, target: str | Sequence[str]) -> Bools:
    names = [target] if isinstance(target, str) else list(target)
    items, kinds = set(baskets.items), set(baskets.kinds)
    unknown = [name for name in names if name not in items and name not in kinds]
    if unknown and items:
        raise ArgumentError(
            f"target must name items or kinds of the baskets, got {', '.join(unknown)}"
        )
    held = np.isin(np.array(baskets.items, dtype=str), names)
    return held | np.isin(np.array(baskets.kinds, dtype=str), names)


def _among(values: Sequence[str], wanted: Sequence[str], name: str) -> Bools:
    unknown = sorted(set(wanted) - set(values))
    if unknown and values:
        known = ", ".join(sorted(set(values)))
        raise ArgumentError(f"{name} must be among {known}, got {', '.join(unknown)}")
    return np.isin(np.array(values, dtype=str), list(wanted))
