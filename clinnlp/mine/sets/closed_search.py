"""Closed and maximal sets without the frequent ones between them, on bits, depth first.

In dense baskets a few closed sets stand for millions of frequent ones. Each closed set is reached
once: from its parent by one item more, taken with all items that are in the same baskets, and only
if none of these comes before that item and is new (prefix-preserving closure extension). Items go
from rare to frequent; below a set only items are looked at that are frequent with it. A set none
is frequent with is maximal. Where a set and all that may still come to it lie within one of the
maximal sets that were found last, none of what is left below it is maximal, and it is left out.

References
----------
Burdick, Calimlim and Gehrke, MAFIA, ICDE 2001, section 3.2 (all below a set within a known one).
Uno, Kiyomi and Arimura, LCM ver. 2, FIMI 2004, section 3.
"""

from typing import Any

import numpy as np

from clinnlp.core.arrays import Bits, Bools, Ints, Ints32
from clinnlp.core.compiled import compiled, popcount
from clinnlp.mine.sets.query import Group, Query, check_limit, ordered

__all__ = ["is_dense", "mine_closed"]

_LAST = 64  # maximal sets that are looked at
_DENSE = 16  # one in so many cells is filled: bits are the shorter form


def is_dense(query: Query) -> bool:
    """Tell whether a query asks for sets of any shape in baskets that are dense."""
    matrix = query.matrix
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    used = counts >= query.least
    free = query.targets is None and (query.quota >= matrix.shape[1]).all()
    unbound = query.max_len >= used.sum()
    n_cells = int(used.sum()) * matrix.shape[0]
    fits = n_cells < query.max_memory_gb * 1e9 / 2  # a byte each before they are bits
    return bool(free and unbound and fits and counts[used].sum() * _DENSE > n_cells)


def mine_closed(query: Query, *, maximal: bool) -> list[Group]:
    """Return the closed sets of a query for sets of any shape, or the maximal ones, by length.

    Raises
    ------
    ArgumentError
        They do not fit into the memory allowed.
    """
    matrix = query.matrix
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    used = np.flatnonzero(counts >= query.least)
    used = used[np.argsort(counts[used], kind="stable")]
    if not len(used):
        return []
    held = matrix[:, used].toarray().T.astype(bool)  # (n_used, n_baskets)
    wide = np.zeros((len(used), -(-held.shape[1] // 64) * 64), bool)
    wide[:, : held.shape[1]] = held
    bits = np.packbits(wide, axis=1).view(np.uint64)
    flat, ends, found = _search(bits, matrix.shape[0], query.least, maximal, query.limit)
    check_limit(query, len(found))
    sizes = np.diff(ends)
    groups = []
    for size in range(1, int(sizes.max(initial=0)) + 1):
        at = np.flatnonzero(sizes == size)
        members = used[flat[ends[at][:, None] + np.arange(size)]].astype(np.int32)
        groups.append(ordered(np.sort(members, axis=1), found[at]))
    return groups


@compiled
def _search(bits: Bits, n: int, least: int, maximal: bool, limit: int) -> Any:  # noqa: FBT001
    """Return the items of all sets one after the other, where each starts, and their counts."""
    m, width = bits.shape
    where = np.zeros((m + 2, width), np.uint64)  # the baskets of the set at each depth
    heirs, counts = np.empty((m + 2, m), np.int32), np.zeros((m + 2, m), np.int64)
    n_heirs, at = np.zeros(m + 2, np.int64), np.zeros(m + 2, np.int64)
    inside = np.zeros((m + 2, m), np.bool_)
    flat, ends = np.empty(1024, np.int32), np.zeros(1024, np.int64)
    found, n_found = np.empty(1024, np.int64), 0
    # As bits: maximal sets, and at each depth the set and what may still come to it
    last = np.zeros((_LAST, -(-m // 64)), np.uint64)
    reach = np.zeros((m + 2, last.shape[1]), np.uint64)
    for k in range(m):
        where[0] |= bits[k]
        heirs[1, k] = k
        inside[0, k] = _shared(bits[k], bits[k]) == n
    n_heirs[0] = _narrow(where[0], bits, heirs[1, :m], inside[0], least, heirs[0], counts[0])
    if inside[0].any() and (n_heirs[0] == 0 or not maximal):
        flat, ends, found, n_found = _keep(flat, ends, found, n_found, inside[0], n)
    _reached(inside[0], heirs[0, : n_heirs[0]], -1, reach[0])
    d = 0
    while d >= 0 and n_found <= limit:
        n_last = min(n_found, _LAST) if maximal else 0
        if at[d] == n_heirs[d] or _covered(reach[d], last, n_last):
            d -= 1
            continue
        near, j, c = heirs[d, : n_heirs[d]], heirs[d, at[d]], counts[d, at[d]]
        at[d] += 1
        below = d + 1
        reach[d, j >> 6] &= ~(np.uint64(1) << np.uint64(j & 63))
        _meet(where[d], bits[j], where[below])
        inside[below] = inside[d]
        inside[below, j] = True
        if _close(where[below], bits, near, counts[d], j, c, inside[below]):
            size = _narrow(
                where[below], bits, near, inside[below], least, heirs[below], counts[below]
            )
            if size == 0 or not maximal:
                if maximal:
                    _reached(inside[below], heirs[below, :0], j, last[n_found % _LAST])
                flat, ends, found, n_found = _keep(flat, ends, found, n_found, inside[below], c)
            _reached(inside[below], heirs[below, :size], j, reach[below])
            # What comes before the item that made this set was looked at where it came first
            n_heirs[below], at[below] = size, np.searchsorted(heirs[below, :size], j)
            d = below
    return flat, ends[: n_found + 1], found[:n_found]


@compiled
def _reached(inside: Bools, heirs: Ints32, j: int, reach: Bits) -> None:
    """Fill in the items of a set, and those behind item j that may come to it, as bits."""
    reach[:] = 0
    for k in range(len(inside)):
        if inside[k]:
            reach[k >> 6] |= np.uint64(1) << np.uint64(k & 63)
    for x in range(len(heirs) - 1, -1, -1):
        k = heirs[x]
        if k < j:
            break
        reach[k >> 6] |= np.uint64(1) << np.uint64(k & 63)


@compiled
def _covered(reach: Bits, last: Bits, n: int) -> bool:
    """Tell whether items lie within one of `n` sets."""
    for s in range(n):  # noqa: SIM110  (compiled)
        if _within(reach, last[s]):
            return True
    return False


@compiled
def _meet(one: Bits, other: Bits, both: Bits) -> None:
    for w in range(len(one)):
        both[w] = one[w] & other[w]


@compiled
def _narrow(
    where: Bits, bits: Bits, near: Ints32, inside: Bools, least: int, heirs: Ints32, counts: Ints
) -> int:
    """Fill in the items that are frequent with a set and not in it; return how many."""
    n = 0
    for x in range(len(near)):
        k = near[x]
        if not inside[k]:
            shared = _shared(where, bits[k])
            if shared >= least:
                heirs[n], counts[n] = k, shared
                n += 1
    return n


@compiled
def _shared(one: Bits, other: Bits) -> Any:
    total = np.uint64(0)
    for w in range(len(one)):
        total += popcount(one[w] & other[w])
    return np.int64(total)


@compiled
def _close(
    where: Bits, bits: Bits, heirs: Ints32, counts: Ints, j: int, c: int, inside: Bools
) -> bool:
    """Add the items in all the baskets of a set; say whether none of them comes before item j."""
    for x in range(len(heirs)):
        k = heirs[x]
        if k != j and counts[x] >= c and _within(where, bits[k]):
            if k < j:
                return False
            inside[k] = True
    return True


@compiled
def _within(one: Bits, other: Bits) -> bool:
    for w in range(len(one)):  # noqa: SIM110  (compiled)
        if one[w] & ~other[w]:
            return False
    return True


@compiled
def _keep(flat: Ints32, ends: Ints, found: Ints, n: int, inside: Bools, count: int) -> Any:
    """Append a set, with more room where there is none."""
    end = ends[n]
    if end + len(inside) > len(flat):
        flat = np.concatenate((flat, np.empty(len(flat) + len(inside), np.int32)))
    if n + 2 > len(ends):
        ends = np.concatenate((ends, np.empty(len(ends), np.int64)))
        found = np.concatenate((found, np.empty(len(found), np.int64)))
    for k in range(len(inside)):
        if inside[k]:
            flat[end] = k
            end += 1
    ends[n + 1], found[n] = end, count
    return flat, ends, found, n + 1
