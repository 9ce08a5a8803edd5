"""Itemsets of baskets that lie on the disk in blocks: the same sets and counts as in memory.

Items are put in one order, from rare to frequent (those of a target first). All sets whose first
item is one of a few stand in the baskets that hold one of these few, and need of them no more than
these items and later ones. So the baskets are written out once for each part of the order that they
touch, and each part is then mined by itself in memory, as the classes of the native engine are.

References
----------
Savasere, Omiecinski and Navathe, An efficient algorithm for mining association rules in large
databases, VLDB 1995. Li et al., PFP, RecSys 2008 (parts of an order).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Counts, Ints, Ints32
from clinnlp.core.basket_blocks import BasketBlocks
from clinnlp.core.files import scratch_folder
from clinnlp.mine.sets.native import mine_part
from clinnlp.mine.sets.query import Group, Query, check_limit, ordered

__all__ = ["mine_blocks"]

_ROWS = 2_000_000  # baskets of one part


def mine_blocks(
    blocks: BasketBlocks,
    query: Query,
    wanted: Bools,
    *,
    threads: int | None = None,
    most_rows: int = _ROWS,
) -> list[Group]:
    """Return the frequent sets of a query, one group per length.

    Parameters
    ----------
    blocks : BasketBlocks
    query : Query
        Its matrix is not looked at.
    wanted : array of bool, shape (n_items,)
        Items that a set may hold.
    threads : int, optional
    most_rows : int
        Baskets that are mined at once, as far as one item has no more.

    Raises
    ------
    ArgumentError
        The sets found, or counting one part, would take more than the memory allowed.
    """
    order, n_first = _order(query, wanted, blocks.n_each)
    parts = list(_parts(blocks.n_each[order[:n_first]], most_rows))
    found: list[list[Group]] = []
    with scratch_folder() as folder:
        for k, block in enumerate(blocks if parts else ()):
            _lay_out(block[:, order].sorted_indices(), parts, folder, k)
        for number, part in enumerate(parts):
            matrix = _gathered(folder, number, blocks.n_blocks, len(order) - part[0])
            found.append(_mined(query, matrix, order[part[0] :], part[1] - part[0], threads))
            check_limit(query, sum(len(counts) for groups in found for _, counts in groups))
    return _together(found)


def _order(query: Query, wanted: Bools, n_each: Counts) -> tuple[Ints, int]:
    """Return the frequent items in order, and how many of them may be the first of a set."""
    may = wanted & (n_each >= query.least) & (query.quota[query.kinds] > 0)
    frequent = np.flatnonzero(may)
    later = np.zeros(len(n_each), bool) if query.targets is None else ~query.targets
    order = frequent[np.lexsort((n_each[frequent], later[frequent]))]
    return order, int(np.sum(~later[order]))


def _parts(n_each: Counts, most: int) -> Iterator[tuple[int, int]]:
    """Yield runs of items that are in so many baskets together at most, at least one item each.

    Examples
    --------
    >>> list(_parts(np.array([1, 2, 3, 9]), 5))
    [(0, 2), (2, 3), (3, 4)]
    """
    low, held = 0, 0
    for at, n in enumerate(n_each.tolist()):
        if held and held + n > most:
            yield low, at
            low, held = at, 0
        held += n
    if len(n_each):
        yield low, len(n_each)


def _lay_out(block: sparse.csr_matrix, parts: list[tuple[int, int]], folder: Path, k: int) -> None:
    """Write for each part the baskets of a block that hold one of its items."""
    entry_row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    for number, (low, high) in enumerate(parts):
        later = block.indices >= low
        touched = np.zeros(block.shape[0], bool)
        touched[entry_row[later & (block.indices < high)]] = True
        kept = later & touched[entry_row]
        n_of = np.bincount(entry_row[kept], minlength=block.shape[0])[touched]
        for name, values in (
            ("sizes", n_of.astype(np.int32)),
            ("items", (block.indices[kept] - low).astype(np.int32)),
        ):
            np.save(folder / f"{number}-{k}-{name}.npy", values, allow_pickle=False)


def _gathered(folder: Path, number: int, n_blocks: int, n_items: int) -> sparse.csr_matrix:
    """Return the baskets of a part, and remove its files."""
    read: dict[str, list[Ints32]] = {"sizes": [], "items": []}
    for k in range(n_blocks):
        for name, values in read.items():
            path = folder / f"{number}-{k}-{name}.npy"
            values.append(np.load(path, allow_pickle=False))
            path.unlink()
    sizes, items = (np.concatenate(values) for values in read.values())
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return sparse.csr_matrix((np.ones(len(items), np.int8), items, starts), (len(sizes), n_items))


def _mined(
    query: Query, matrix: sparse.csr_matrix, names: Ints, n_first: int, threads: int | None
) -> list[Group]:
    """Return the sets of a part; later items that are rare in it are let go."""
    singles = np.bincount(matrix.indices, minlength=matrix.shape[1])
    columns = np.flatnonzero(singles >= query.least)
    part = Query(
        matrix=matrix,
        least=query.least,
        max_len=query.max_len,
        kinds=query.kinds[names],
        quota=query.quota,
        targets=None,
        max_memory_gb=query.max_memory_gb,
    )
    return mine_part(part, columns, n_first, names[columns].astype(np.int32), threads=threads)


def _together(found: list[list[Group]]) -> list[Group]:
    """Return the sets of all parts, each length in item order."""
    groups = []
    for size in range(1, max(map(len, found), default=0) + 1):
        parts = [part[size - 1] for part in found if len(part) >= size]
        members, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        groups.append(ordered(members, counts))
    return groups
