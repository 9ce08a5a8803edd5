"""Engines: who counts the itemsets. All give the same sets with the same counts.

``native`` is the library's own compiled search; ``mlxtend`` is the reference it is tested
against; ``spark`` hands baskets of this machine's memory to Spark. Baskets that lie elsewhere are
counted where they lie, by none of these (`block_sets`, `spark_baskets`).
"""

from collections.abc import Callable, Mapping

import numpy as np

from clinnlp.core.checks import check_one_of
from clinnlp.core.installed import needed
from clinnlp.mine.sets.query import Group, Query, allowed, check_limit, ordered, proven_sets

__all__ = ["ENGINES", "grouped", "run"]


def run(
    query: Query, *, engine: str = "native", threads: int | None = None, progress: bool = False
) -> list[Group]:
    """Return the frequent sets of a query, one group per length.

    Raises
    ------
    ArgumentError
        An unknown engine, or the sets do not fit into the memory allowed.
    MissingExtra
        The engine's package is not installed.
    """
    check_one_of(engine, tuple(ENGINES), name="engine")
    return ENGINES[engine](query, threads, progress)


def _native(query: Query, threads: int | None, progress: bool) -> list[Group]:  # noqa: FBT001
    from clinnlp.mine.sets.native import mine_native

    return mine_native(query, threads=threads, progress=progress)


def _mlxtend(query: Query, threads: int | None, progress: bool) -> list[Group]:  # noqa: ARG001, FBT001
    """Count with mlxtend's fpgrowth, whose supports are turned back into counts."""
    needed("mlxtend")
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth

    n = query.matrix.shape[0]
    used = np.flatnonzero(np.asarray(query.matrix.sum(axis=0, dtype=np.int64)).ravel())
    if not len(used) or query.least > n:
        return []
    check_limit(query, proven_sets(query))
    frame = pd.DataFrame.sparse.from_spmatrix(query.matrix[:, used].astype(bool))
    support = (query.least - 0.5) / n  # between two counts, so that no rounding matters
    found = fpgrowth(frame, min_support=support, max_len=min(query.max_len, len(used)))
    rows: dict[int, list[list[int]]] = {}
    counts: dict[int, list[int]] = {}
    for names, value in zip(found["itemsets"], found["support"], strict=True):
        rows.setdefault(len(names), []).append(sorted(used[list(names)].tolist()))
        counts.setdefault(len(names), []).append(round(value * n))
    return grouped(query, rows, counts)


def _spark(query: Query, threads: int | None, progress: bool) -> list[Group]:  # noqa: ARG001, FBT001
    from clinnlp.mine.sets.spark import mine_spark

    check_limit(query, proven_sets(query))
    return grouped(query, *mine_spark(query))


def grouped(
    query: Query, rows: Mapping[int, list[list[int]]], counts: Mapping[int, list[int]]
) -> list[Group]:
    """Return lists of sets by length as groups that have the shape asked for."""
    check_limit(query, sum(map(len, rows.values())))
    groups = []
    for size in range(1, max(rows, default=0) + 1):
        members = np.array(rows.get(size, []), np.int32).reshape(-1, size)
        keep = allowed(query, members)
        groups.append(ordered(members[keep], np.array(counts.get(size, []), np.int64)[keep]))
    return groups


ENGINES: Mapping[str, Callable[[Query, int | None, bool], list[Group]]] = {
    "native": _native,
    "mlxtend": _mlxtend,
    "spark": _spark,
}
