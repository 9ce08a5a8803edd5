"""Rows in the order of their q, more of them than memory holds.

q of one row depends on the p of all (`clinnlp.mine.screen`), and the first rows are those of the
least q. So measured rows go to the disk as they come, and p and the limit by which equal q are
ordered are kept: 16 bytes a row, about 60 while the order is made of them. Then each row is sent to
the file of its place, and the files are read in order. What comes out, its order and every number
are those of rows that were in memory at once.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clinnlp.core.arrays import Array, Bools, Floats, Ints
from clinnlp.mine.screen import METHODS, q_values

__all__ = ["Ranked", "ranked_rows"]

_AT_ONCE = 200_000  # rows that are handed out at once


class Ranked(NamedTuple):
    """How many rows there are, how many have q < alpha, and the rows, in one part or more."""

    n: int
    n_called: int
    parts: Iterator[dict[str, Array]]


class _Spool(NamedTuple):
    """Rows on the disk as they came: a file for each of `sizes`, of numbers of these types."""

    kinds: dict[str, np.dtype]
    sizes: list[int]
    p: Floats
    limit: Floats


def ranked_rows(
    parts: Iterable[dict[str, Array]],
    folder: Path,
    *,
    m: int,
    alpha: float,
    p: str,
    limit: str,
) -> Ranked:
    """Return rows by q over m candidates, then by falling `limit`, with the columns ``q_*``.

    Parameters
    ----------
    parts : iterable of dict of str to array
        Columns of numbers, the same in each part; whole numbers below 2⁵³.
    folder : path
        Where rows may lie until all parts are read; about 250 bytes each.
    m : int
        Candidates.
    alpha : float
    p, limit : str
        Columns.
    """
    spool = _spooled(parts, folder, p, limit)
    q = q_values(spool.p, m)
    order = np.lexsort((-spool.limit, q))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    del order
    tests = {f"q_{k}": q if k == "bh" else q_values(spool.p, m, method=k) for k in METHODS}
    called = q < alpha
    out = _in_order(spool, folder, rank, tests, called)
    return Ranked(len(q), int(called.sum()), out)


def _spooled(parts: Iterable[dict[str, Array]], folder: Path, p: str, limit: str) -> _Spool:
    kinds: dict[str, np.dtype] = {}
    sizes: list[int] = []
    of_p, of_limit = [np.empty(0)], [np.empty(0)]
    for part in parts:
        kinds = {name: column.dtype for name, column in part.items()}
        np.stack([c.astype(np.float64) for c in part.values()], axis=1).tofile(
            _came(folder, len(sizes))
        )
        sizes.append(len(part[p]))
        of_p.append(part[p])
        of_limit.append(part[limit])
    return _Spool(kinds, sizes, np.concatenate(of_p), np.concatenate(of_limit))


def _in_order(
    spool: _Spool,
    folder: Path,
    rank: Ints,
    tests: dict[str, Floats],
    called: Bools,
) -> Iterator[dict[str, Array]]:
    """Send each row to the file of its place, then yield the files."""
    low = 0
    for k, size in enumerate(spool.sizes):
        at = slice(low, low + size)
        rows = np.fromfile(_came(folder, k)).reshape(size, len(spool.kinds))
        _came(folder, k).unlink()
        more = [values[at].astype(np.float64) for values in (*tests.values(), called, rank)]
        rows = np.column_stack([rows, *more])
        place = rank[at] // _AT_ONCE
        for number in np.unique(place).tolist():
            with open(_goes(folder, number), "ab") as handle:
                rows[place == number].tofile(handle)
        low += size
    kinds = {**spool.kinds, **dict.fromkeys(tests, np.dtype(np.float64)), "signal": np.dtype(bool)}
    if not low:
        yield {name: np.empty(0, kind) for name, kind in kinds.items()}
    for number in range(-(-low // _AT_ONCE)):
        rows = np.fromfile(_goes(folder, number)).reshape(-1, len(kinds) + 1)
        _goes(folder, number).unlink()
        rows = rows[np.argsort(rows[:, -1])]
        yield {name: rows[:, j].astype(kind) for j, (name, kind) in enumerate(kinds.items())}


def _came(folder: Path, k: int) -> Path:
    return folder / f"came-{k}"


def _goes(folder: Path, k: int) -> Path:
    return folder / f"goes-{k}"
