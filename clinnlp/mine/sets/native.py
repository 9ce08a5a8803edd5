"""The native engine: plans the memory, then runs the compiled search on all threads.

Classes of sets (`clinnlp.mine.sets.eclat`) do not depend on each other, so threads take them from
one queue; the answer does not depend on their number.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from clinnlp.core.arrays import Bits, Ints, Ints32
from clinnlp.core.errors import ArgumentError
from clinnlp.core.workers import n_cores
from clinnlp.mine.sets.query import BYTES_PER_SET, Group, Query, check_limit, ordered, proven_sets

__all__ = ["mine_native", "mine_part"]

N_BATCHES = 64  # of classes: how evenly threads share the work, and how often progress is shown
SMALL = 200_000  # entries below which starting threads costs more than it gains
FREE = 64e6  # bytes of counting that are never refused
DENSE = 16  # an item in one of 16 baskets gets a row of bits over all of them


_log = logging.getLogger(__name__)


def mine_native(query: Query, *, threads: int | None = None, progress: bool = False) -> list[Group]:
    """Return the frequent sets of a query, one group per length.

    Parameters
    ----------
    query : Query
    threads : int, optional
        All cores of the process by default.
    progress : bool
        Show a bar over the classes.

    Raises
    ------
    ArgumentError
        Counting or the sets found would take more than the memory allowed.
    """
    singles = np.bincount(query.matrix.indices, minlength=query.matrix.shape[1])
    frequent = _order(query, singles)
    if not len(frequent):
        return []
    n = n_cores() if threads is None else threads
    need = _announce(query, singles[frequent], n)
    check_limit(query, proven_sets(query))
    n_first = len(frequent) if query.targets is None else int(query.targets[frequent].sum())
    plan = _plan(query, frequent, singles, n_first)
    # Every N-th class: neighbours are about equally long, so that all batches take about as long
    batches = [plan.classes[k::N_BATCHES] for k in range(min(N_BATCHES, len(plan.classes)))]
    if len(plan.places) < SMALL:
        n, batches = 1, [plan.classes]
    description = f"itemsets, {need / 1e9:.2g} GB to count"
    with tqdm(total=len(plan.classes), desc=description, disable=not progress) as bar:
        found = []
        for batch, sets in zip(batches, _run(query, plan, batches, n), strict=True):
            found.append(sets)
            bar.update(len(batch))
    return _groups(found, frequent.astype(np.int32))


def mine_part(
    query: Query, columns: Ints, n_first: int, names: Ints32, *, threads: int | None = None
) -> list[Group]:
    """Return the frequent sets whose first item is one of some, of all baskets that hold one.

    Parameters
    ----------
    query : Query
        Of these baskets alone; its targets are not looked at.
    columns : array of int64, shape (n_frequent,)
        Its frequent items, in the order that says which item of a set is the first.
    n_first : int
        How many of them, from the beginning, may be the first.
    names : array of int32, shape (n_frequent,)
        What each is called in the sets returned.
    threads : int, optional
    """
    singles = np.bincount(query.matrix.indices, minlength=query.matrix.shape[1])
    n = n_cores() if threads is None else threads
    _announce(query, singles[columns], n)
    plan = _plan(query, columns, singles, n_first)
    batches = [plan.classes[k::n] for k in range(min(n, n_first))]
    return _groups(list(_run(query, plan, batches, n)), names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    rows: Ints32
    places: Ints32
    starts: Ints
    dense: Bits
    classes: Ints
    kinds: Ints32


def _order(query: Query, singles: Ints) -> Ints:
    """Return the frequent items, targets first, then from rare to frequent."""
    frequent = np.flatnonzero((singles >= query.least) & (query.quota[query.kinds] > 0))
    first = np.zeros(len(singles), bool) if query.targets is None else ~query.targets
    return frequent[np.lexsort((singles[frequent], first[frequent]))]


def _announce(query: Query, singles: Ints, threads: int) -> int:
    """Log and return the bytes that counting will take, or refuse it if they are too many."""
    n, n_entries = query.matrix.shape[0], int(singles.sum())
    width = 2 if len(singles) < 1 << 16 else 4
    after = np.arange(len(singles))[::-1]
    shared = np.minimum(after, n_entries // query.least)  # items that can be frequent with it
    # A row per partner, a bit in it per basket of the class
    one_class = int((shared * singles).max(initial=0)) // 8
    dense = n // 8 * _n_dense(query, singles)
    need: int = (n_entries + n) * width + n_entries * 8 + n * 16 + dense + threads * one_class
    _log.info(
        "mining %d baskets, %d frequent items: %.3g GB for counting, at most %.3g GB of itemsets",
        n, len(singles), need / 1e9, query.limit * BYTES_PER_SET / 1e9,
    )  # fmt: skip
    if need > query.max_memory_gb * 1e9 + FREE:
        raise ArgumentError(
            f"counting {n} baskets with {n_entries} entries must fit into max_memory_gb="
            f"{query.max_memory_gb:g}, got an estimate of {need / 1e9:.3g} GB; raise min_count or "
            "max_memory_gb"
        )
    return need


def _plan(query: Query, frequent: Ints, singles: Ints, n_first: int) -> _Plan:
    from clinnlp.mine.sets.eclat import by_item

    matrix, m = query.matrix, len(frequent)
    order = np.full(matrix.shape[1], -1, np.int32)
    order[frequent] = np.arange(m)
    starts = np.concatenate([[0], np.cumsum(singles[frequent])]).astype(np.int64)
    narrow = np.uint16 if m < np.iinfo(np.uint16).max else np.int32  # half the memory to walk
    rows = np.empty(starts[-1] + matrix.shape[0], narrow)
    places = np.empty(starts[-1], np.int32)
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)
    dense = np.zeros((_n_dense(query, singles[frequent]), (matrix.shape[0] + 63) // 64), np.uint64)
    by_item(indptr, indices, order, starts, rows, places, dense)
    return _Plan(
        rows=rows,
        places=places,
        starts=starts,
        dense=dense,
        classes=np.arange(n_first),
        kinds=query.kinds[frequent],
    )


def _n_dense(query: Query, singles: Ints) -> int:
    """Return how many of the last items all stand in one of `DENSE` baskets or more."""
    thin = np.flatnonzero(singles * DENSE < query.matrix.shape[0])
    return len(singles) - 1 - int(thin[-1]) if len(thin) else len(singles)


def _run(query: Query, plan: _Plan, batches: list[Ints], threads: int) -> Iterator[Ints32]:
    """Yield what each batch of classes holds, in order."""
    from clinnlp.mine.sets.eclat import mine_classes

    # The threads add to it unguarded: it only has to stop a search that is far too large
    n_found = [0]

    def one(batch: Ints) -> Ints32:
        left = query.limit - n_found[0]
        if left < 0:
            return np.empty((0, 3), np.int32)
        sets: Ints32 = mine_classes(
            plan.rows, plan.places, plan.starts, plan.dense, batch, plan.kinds, query.quota,
            query.least, query.max_len, left,
        )  # fmt: skip
        n_found[0] += len(sets)
        return sets

    if threads == 1:
        yield from map(one, batches)
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(one, batches)
    check_limit(query, n_found[0])


def _groups(found: list[Ints32], names: Ints32) -> list[Group]:
    """Return sets by length, each length in item order."""
    from clinnlp.mine.sets.eclat import unfold

    sets = np.concatenate(found)
    groups = []
    for size, n in enumerate(np.bincount(sets[:, 0]).tolist(), start=1):
        members, counts = np.empty((n, size), np.int32), np.empty(n, np.int64)
        unfold(sets, names, size, members, counts)
        groups.append(ordered(members, counts))
    return groups
