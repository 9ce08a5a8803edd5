"""Baskets that need not fit into memory: a matrix of 0 and 1 in blocks of rows, on the disk.

Counts are sums over blocks, so that whoever counts holds one block and the counts. There are no
ids, and nothing behind an item: evidence, strata and adjustment need `clinnlp.core.baskets`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Counts, Ints, Ints32
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.errors import ArgumentError

__all__ = ["NO_ITEM", "BasketBlocks", "Spelled", "items_of", "pairs_spelled", "write_block"]

NO_ITEM = ("", "None")  # what a name or id is, blanks apart, that stands for a missing one
Spelled = Callable[[Sequence[tuple[str, str]], Counts], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BasketBlocks:
    """Sets of items, one set per unit of observation, in blocks that lie in a folder.

    Parameters
    ----------
    folder : path
        What `write_block` wrote; it must be there as long as this is used.
    n_blocks : int
    n_each : array of int64, shape (n_items,)
        Baskets with each item.
    n : int
        Baskets.
    items : tuple of str
    kinds : tuple of str
        ``"drug"``, ``"outcome"``, ... of each item.
    unit : str
        What a basket is.
    n_excluded : mapping of str to int
        Rows that name no basket, and rows whose basket is counted but that name no item.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_block(Path(folder.name), 0, np.array([0, 2, 3]), np.array([0, 1, 1], np.int32))
    >>> blocks = BasketBlocks(folder=Path(folder.name), n_blocks=1, n_each=np.array([1, 2]), n=2,
    ...                       items=("iron", "rash"), kinds=("drug", "outcome"), unit="report")
    >>> blocks, [block.toarray().tolist() for block in blocks]
    (BasketBlocks(2 x 2 items, unit='report'), [[[1, 1], [0, 1]]])
    >>> folder.cleanup()
    """

    folder: Path
    n_blocks: int
    n_each: Counts
    n: int
    items: tuple[str, ...]
    kinds: tuple[str, ...]
    unit: str
    n_excluded: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"BasketBlocks({self.n} x {len(self.items)} items, unit={self.unit!r})"

    def __iter__(self) -> Iterator[sparse.csr_matrix]:
        for k in range(self.n_blocks):
            paths = _paths(self.folder, k)
            if not all(path.is_file() for path in paths):
                raise ArgumentError(
                    "blocks of baskets must be used inside the with statement that made them, got "
                    "them after it"
                )
            indptr, indices = (np.load(path, allow_pickle=False) for path in paths)
            ones = np.ones(len(indices), np.int8)
            shape = (len(indptr) - 1, len(self.items))
            yield sparse.csr_matrix((ones, indices, indptr), shape=shape)

    def counts(self) -> BasketCounts:
        """Return what is known without the blocks."""
        return BasketCounts(n=self.n, unit=self.unit, items=self.items)


def items_of(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return items and their kinds, of (kind, item) in the order given.

    Examples
    --------
    >>> items_of([("drug", "iron"), ("outcome", "iron"), ("outcome", "rash")])
    (('iron (drug)', 'iron (outcome)', 'rash'), ('drug', 'outcome', 'outcome'))
    """
    listed = list(pairs)
    of = Counter(name for _, name in listed)
    items = tuple(f"{name} ({kind})" if of[name] > 1 else name for kind, name in listed)
    return items, tuple(kind for kind, _ in listed)


def pairs_spelled(
    pairs: Sequence[tuple[str, str]], n_each: Counts, spelled: Spelled | None
) -> tuple[list[tuple[str, str]], Ints]:
    """Return the items that (kind, name) count as, by kind and name, and the place of each.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Distinct.
    n_each : array of int64, shape (n_pairs,)
        Rows of each.
    spelled : callable, optional
        Returns of kinds and names, and of their rows, the name of the item that each counts as,
        empty for none, whose place is -1. By default each is an item.

    Examples
    --------
    >>> held = [("drug", "Iron"), ("drug", "iron"), ("drug", "aspirin")]
    >>> folded = lambda pairs, n_each: [name.lower() for _, name in pairs]
    >>> pairs, place = pairs_spelled(held, np.array([1, 1, 1]), folded)
    >>> pairs, place.tolist()
    ([('drug', 'aspirin'), ('drug', 'iron')], [1, 1, 0])
    """
    named = pairs
    if spelled is not None:
        named = [(k, name) for (k, _), name in zip(pairs, spelled(pairs, n_each), strict=True)]
    listed = sorted({pair for pair in named if pair[1]})
    place = {pair: k for k, pair in enumerate(listed)}
    return listed, np.array([place.get(pair, -1) for pair in named], np.int64)


def write_block(folder: Path, k: int, indptr: Ints, indices: Ints32) -> None:
    """Write the rows of one block, items rising in each."""
    starts, items = _paths(folder, k)
    np.save(starts, indptr, allow_pickle=False)
    np.save(items, indices, allow_pickle=False)


def _paths(folder: Path, k: int) -> tuple[Path, Path]:
    return folder / f"starts-{k:05d}.npy", folder / f"items-{k:05d}.npy"
