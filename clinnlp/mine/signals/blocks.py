"""Counts of baskets that lie on the disk in blocks, equal to those of baskets in memory.

Pairs are summed over blocks. Triplets would be too many to hold before it is known which meet often
enough. So the baskets are laid out anew, by outcome: each outcome's baskets, with their drugs, come
to lie in one of several files, and are then counted as those in memory are, one file at a time.
Memory is that of one block or file and of the counts kept, however many baskets there are.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Counts, Ints, Ints32
from clinnlp.core.basket_blocks import BasketBlocks
from clinnlp.core.files import scratch_folder
from clinnlp.mine.measures.additive import PairCounts
from clinnlp.mine.signals.triplets import (
    Candidates,
    candidates_of,
    cells_of,
    meetings,
    used_drugs,
)

__all__ = ["across_blocks", "block_triplets", "count_block_triplets", "pairs_of_blocks"]

_FILE_ROWS = 2_000_000  # baskets of some outcomes that are held at once


def across_blocks(blocks: BasketBlocks, first: Ints, second: Ints) -> sparse.csr_matrix:
    """Return the baskets of each of some items with each of others, where there are any."""
    joint = sparse.csr_matrix((len(first), len(second)), dtype=np.int32)
    for block in blocks:
        joint = joint + _wide(block[:, first]).T.tocsr() @ _wide(block[:, second])
    return joint


def pairs_of_blocks(blocks: BasketBlocks, of: Bools, *, min_count: int) -> sparse.csr_matrix:
    """Return the baskets of every pair of some items in at least `min_count`, as `pair_counts`."""
    columns = np.flatnonzero(of & (blocks.n_each >= min_count))
    met = sparse.csr_matrix((len(columns), len(columns)), dtype=np.int32)
    for block in blocks:
        held = _wide(block[:, columns])
        met = met + sparse.triu(held.T.tocsr() @ held, k=1, format="csr")
    met = met.tocoo()
    often = met.data >= min_count
    place = (np.cumsum(of) - 1)[columns]  # among all of these items
    row, column = (place[at[often]] for at in met.coords)
    n = int(of.sum())
    found = sparse.csr_matrix((met.data[often], (row, column)), shape=(n, n))
    found.sort_indices()
    return found


def block_triplets(
    blocks: BasketBlocks,
    is_drug: Bools,
    is_outcome: Bools,
    *,
    min_count: int,
    min_margin: int,
    max_memory_gb: float,
) -> tuple[Candidates, Iterator[tuple[Ints, Ints, PairCounts]]]:
    """Return the candidates, and the triplets of them that meet often enough, in blocks."""
    met = pairs_of_blocks(blocks, is_drug, min_count=min_margin)
    margins = blocks.n_each[is_drug], blocks.n_each[is_outcome]
    found = candidates_of(met, *margins, min_margin=min_margin)
    counted = count_block_triplets(
        blocks, found, is_drug, is_outcome, met, min_count=min_count, max_memory_gb=max_memory_gb
    )
    return found, counted


def count_block_triplets(
    blocks: BasketBlocks,
    found: Candidates,
    is_drug: Bools,
    is_outcome: Bools,
    met: sparse.csr_matrix,
    *,
    min_count: int,
    max_memory_gb: float,
    file_rows: int = _FILE_ROWS,
) -> Iterator[tuple[Ints, Ints, PairCounts]]:
    """Yield the triplets that meet at least `min_count` times, as `count_triplets`."""
    used, first, second = used_drugs(found, max_memory_gb=max_memory_gb)
    drugs = np.flatnonzero(is_drug)
    both = np.asarray(met[found.first, found.second]).ravel().astype(np.int64)
    n_each = blocks.n_each[drugs]
    totals = cells_of(both, n_each[found.first], n_each[found.second], len(blocks))[:, None]
    columns = np.flatnonzero(is_outcome)[found.outcomes]
    parts = _parts(blocks.n_each[columns], file_rows)
    with scratch_folder() as folder:
        for k, block in enumerate(blocks):
            _lay_out(block[:, drugs[used]], block[:, columns], parts, folder, k)
        for part, (low, high) in enumerate(parts):
            rows, outcome = _gathered(folder, part, blocks.n_blocks, len(used))
            held = (*_walked(rows), *_by_outcome(outcome - low, high - low))
            strata = np.zeros(rows.shape[0], np.int64)
            blocks_of = meetings(
                held, (first, second), np.arange(high - low), totals, strata, min_count=min_count
            )
            for targets, pairs, counts in blocks_of:
                yield found.outcomes[targets + low], pairs, counts


def _parts(n_each: Counts, most: int) -> list[tuple[int, int]]:
    """Return runs of outcomes with at most so many baskets together, at least one outcome each.

    Examples
    --------
    >>> _parts(np.array([3, 3, 9, 1]), 6)
    [(0, 2), (2, 3), (3, 4)]
    """
    parts, low, held = [], 0, 0
    for at, n in enumerate(n_each.tolist()):
        if held and held + n > most:
            parts.append((low, at))
            low, held = at, 0
        held += n
    return [*parts, (low, len(n_each))] if len(n_each) else []


def _lay_out(
    drugs: sparse.csr_matrix,
    outcomes: sparse.csr_matrix,
    parts: list[tuple[int, int]],
    folder: Path,
    k: int,
) -> None:
    """Write the drugs of each basket once for each of its outcomes, by the outcome's file."""
    held = outcomes.tocoo()
    row, outcome = held.coords[0], held.coords[1].astype(np.int64)
    part = np.searchsorted([high for _, high in parts], outcome, side="right")
    for number in range(len(parts)):
        mine = part == number
        rows = drugs[row[mine]].sorted_indices()
        starts, items = _walked(rows)
        for name, values in (("starts", starts), ("items", items), ("outcome", outcome[mine])):
            np.save(folder / f"{number}-{k}-{name}.npy", values, allow_pickle=False)


def _gathered(
    folder: Path, part: int, n_blocks: int, n_drugs: int
) -> tuple[sparse.csr_matrix, Ints]:
    """Return the baskets of a file, with their outcomes, and remove it."""
    rows, outcomes = [], []
    for k in range(n_blocks):
        paths = [folder / f"{part}-{k}-{name}.npy" for name in ("starts", "items", "outcome")]
        starts, items, outcome = (np.load(path, allow_pickle=False) for path in paths)
        ones = np.ones(len(items), np.int8)
        rows.append(sparse.csr_matrix((ones, items, starts), shape=(len(outcome), n_drugs)))
        outcomes.append(outcome)
        for path in paths:
            path.unlink()
    return sparse.vstack(rows, format="csr"), np.concatenate(outcomes)


def _by_outcome(outcome: Ints, n: int) -> tuple[Ints, Ints32]:
    """Return where each outcome's baskets start, and the baskets by outcome."""
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(outcome, minlength=n), out=starts[1:])
    return starts, np.argsort(outcome, kind="stable").astype(np.int32)


def _walked(matrix: sparse.csr_matrix) -> tuple[Ints, Ints32]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)


def _wide(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return a matrix of 0 and 1 whose products can be counted."""
    return matrix.astype(np.int32)
