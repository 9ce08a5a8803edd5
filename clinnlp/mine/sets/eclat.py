"""The search for itemsets, compiled: one class of sets after the other, counted on bits.

Items are ordered from rare to frequent. The *class* of an item holds all sets in which it comes
first; its *tail* are the later items that are frequent with it. One pass over the baskets of the
item counts its pairs (each basket is one short row, so this is the horizontal count); the items
that stand in every eighth basket have a row of bits over all baskets instead. If larger sets are
possible, the baskets with two or more items of the tail become columns of a bit matrix, one row
per item of the tail, and the search goes depth first: the bits of a set are the bitwise *and* of
its items' rows, its count their population count. A set whose bits are sparse keeps only its
non-zero words (the idea of tid-lists), so that the work shrinks with the count. Working memory is
one class and one path, never a level.

References
----------
Zaki, Scalable algorithms for association mining, IEEE Trans Knowl Data Eng 2000;12:372.
Uno, Kiyomi and Arimura, LCM ver. 2, FIMI 2004 (occurrence deliver).
"""

from typing import Any

import numpy as np

from clinnlp.core.arrays import Bits, Ints, Ints32
from clinnlp.core.compiled import compiled, popcount

__all__ = ["by_item", "mine_classes", "unfold"]


PACKING = 5  # words that could be joined in the time in which one entry of a basket is packed
SPARSE = 3  # keep only non-zero words where fewer than 1 in 3 are non-zero


@compiled
def by_item(
    indptr: Ints,
    indices: Ints32,
    order: Ints32,
    starts: Ints,
    rows: Ints32,
    places: Ints32,
    dense: Bits,
) -> None:
    """Fill `rows` with the baskets in item order, `places` with where each item stands in them.

    Parameters
    ----------
    indptr, indices : array
        Baskets as in a csr matrix.
    order : array, shape (n_items,)
        Place of each item in the order, -1 where it is left out.
    starts : array, shape (n_kept + 1,)
        Where the places of each kept item start.
    rows : array, shape (n_entries + n_baskets,)
        Out: kept items of each basket, rising, each basket ended by ``n_kept``.
    places : array, shape (n_entries,)
        Out: for each kept item its positions in `rows`.
    dense : array of uint64, shape (n_dense, n_words)
        Out: for each of the last items one bit per basket.
    """
    n_kept = len(starts) - 1
    filled = starts.copy()
    free = np.empty(len(indptr) - 1, np.int64)
    top = 0
    for t in range(len(indptr) - 1):
        free[t] = top
        for k in range(indptr[t], indptr[t + 1]):
            p = order[indices[k]]
            if p >= 0:
                places[filled[p]] = t
                filled[p] += 1
                top += 1
        # No item has this number: it ends the basket, so that a walk needs no length
        rows[top] = n_kept
        top += 1
    for p in range(n_kept):
        for k in range(starts[p], starts[p + 1]):
            t = places[k]
            # The most frequent items come last; these have a bit per basket as well
            if p >= n_kept - len(dense):
                bit = np.uint64(1) << np.uint64(t & 63)
                dense[p - n_kept + len(dense), t >> 6] |= bit
            # Items come in rising order, so each basket ends up sorted
            rows[free[t]] = p
            places[k] = free[t]
            free[t] += 1


@compiled
def mine_classes(
    rows: Ints32,
    places: Ints32,
    starts: Ints,
    dense: Bits,
    classes: Ints,
    kinds: Ints32,
    quota: Ints,
    least: int,
    max_len: int,
    limit: int,
) -> Any:
    """Return the frequent sets of some classes as rows (depth, item, count) in depth-first order.

    Stops soon after more than `limit` sets. `kinds` numbers the kind of each item; a set holds at
    most ``quota[kind]`` items of a kind.
    """
    n_items = len(starts) - 1
    out, n_out = np.empty((256, 3), np.int32), 0
    counts = np.zeros(n_items + 1, np.int64)
    local = np.full(n_items + 1, -1, np.int32)
    used = np.zeros(len(quota), np.int64)
    for p in classes:
        used[kinds[p]] = 1
        mine = places[starts[p] : starts[p + 1]]
        out, n_out = _append(out, n_out, 0, p, len(mine))
        if max_len > 1:
            first = n_items - len(dense)
            if p < first:
                _count_pairs(rows, mine, counts)
            else:
                _count_dense(dense, p - first, counts[p + 1 :])
            tail = _tail(p, counts, local, kinds, used, quota, least)
            if max_len == 2 or len(tail) < 2:
                for q in tail:
                    out, n_out = _append(out, n_out, 1, q, counts[q])
            else:
                if p >= first and _few(tail, counts, dense.shape[1]):
                    bits = _meet(dense, p - first, tail - first)
                else:
                    bits = _bits(rows, mine, local, len(tail))
                out, n_out = _deeper(
                    bits, tail, counts, kinds, used, quota, least, max_len, limit, out, n_out
                )
            # The two buffers serve all classes; only these cells can have been written
            for q in range(p, n_items):
                counts[q], local[q] = 0, -1
        used[kinds[p]] = 0
        if n_out > limit:
            break
    return out[:n_out]


@compiled
def unfold(found: Ints32, names: Ints32, size: int, members: Ints32, counts: Ints) -> None:
    """Fill the sets of `size` items, each row rising, and their counts from `mine_classes`."""
    path = np.empty(size, np.int32)
    k = 0
    for i in range(len(found)):
        depth = found[i, 0]
        if depth < size:
            path[depth] = names[found[i, 1]]
        if depth == size - 1:
            for a in range(size):  # insertion sort: rows are short
                b = a
                while b > 0 and members[k, b - 1] > path[a]:
                    members[k, b] = members[k, b - 1]
                    b -= 1
                members[k, b] = path[a]
            counts[k] = found[i, 2]
            k += 1


@compiled
def _append(out: Ints32, n: int, depth: int, item: int, count: int) -> Any:
    if n == len(out):
        larger = np.empty((2 * n, 3), np.int32)
        for i in range(n):
            for j in range(3):
                larger[i, j] = out[i, j]
        out = larger
    out[n, 0], out[n, 1], out[n, 2] = depth, item, count
    return out, n + 1


@compiled
def _count_pairs(rows: Ints32, mine: Ints32, counts: Ints) -> None:
    """Add up, basket by basket, the items that come after one item."""
    n_items = len(counts) - 1
    for place in mine:
        i = place + 1
        while rows[i] < n_items:
            counts[rows[i]] += 1
            i += 1


@compiled
def _count_dense(dense: Bits, p: int, counts: Ints) -> None:
    """Count the ones that row `p` shares with each later row."""
    for q in range(p + 1, len(dense)):
        total = np.uint64(0)
        for i in range(dense.shape[1]):
            total += popcount(dense[p, i] & dense[q, i])
        counts[q - p - 1] = total


@compiled
def _few(tail: Ints, counts: Ints, n_words: int) -> bool:
    """Return whether a search on rows over all baskets costs less than making shorter rows."""
    n_entries = 0
    for q in tail:
        n_entries += counts[q]
    return len(tail) * len(tail) * n_words < PACKING * n_entries


@compiled
def _tail(
    p: int, counts: Ints, local: Ints32, kinds: Ints32, used: Ints, quota: Ints, least: int
) -> Any:
    """Return the frequent partners of item `p` and number them in `local`."""
    n_items, n = len(counts) - 1, 0
    tail = np.empty(n_items - p, np.int64)
    for q in range(p + 1, n_items):
        if counts[q] >= least and used[kinds[q]] < quota[kinds[q]]:
            tail[n], local[q] = q, n
            n += 1
    return tail[:n]


@compiled
def _bits(rows: Ints32, mine: Ints32, local: Ints32, n_tail: int) -> Any:
    """Return bits of shape (n_tail, n_words): one bit per basket with two items of the tail."""
    n_items = len(local) - 1
    # A basket with one item of the tail holds no larger set: leaving it out makes all rows shorter
    held, n = np.empty(len(mine), np.int32), 0
    for place in mine:
        i, seen = place + 1, 0
        while rows[i] < n_items and seen < 2:
            seen += local[rows[i]] >= 0
            i += 1
        if seen == 2:
            held[n] = place
            n += 1
    bits = np.zeros((n_tail, (n + 63) // 64), np.uint64)
    for t in range(n):
        i = held[t] + 1
        bit = np.uint64(1) << np.uint64(t & 63)
        while rows[i] < n_items:
            a = local[rows[i]]
            if a >= 0:
                bits[a, t >> 6] |= bit
            i += 1
    return bits


@compiled
def _meet(dense: Bits, p: int, tail: Ints) -> Any:
    """Return the bits of the pairs of row `p` with each row of the tail."""
    bits = np.empty((len(tail), dense.shape[1]), np.uint64)
    for a in range(len(tail)):
        for i in range(dense.shape[1]):
            bits[a, i] = dense[p, i] & dense[tail[a], i]
    return bits


@compiled
def _deeper(
    bits: Bits,
    tail: Ints,
    pairs: Ints,
    kinds: Ints32,
    used: Ints,
    quota: Ints,
    least: int,
    max_len: int,
    limit: int,
    out: Ints32,
    n_out: int,
) -> Any:
    """Append all frequent sets of one class that have two and more items, depth first."""
    n_tail, width = bits.shape
    n_deep = min(max_len - 1, n_tail) + 1
    node, where = np.empty((n_deep, width), np.uint64), np.empty((n_deep, width), np.int32)
    n_words, at = np.zeros(n_deep, np.int64), np.zeros(n_deep, np.int64)
    heirs, counts = np.empty((n_deep, n_tail), np.int32), np.empty((n_deep, n_tail), np.int64)
    n_heirs, kind = np.zeros(n_deep, np.int64), np.empty(n_tail, np.int32)
    found = np.empty(n_tail, np.int64)
    for a in range(n_tail):
        heirs[0, a], counts[0, a], kind[a] = a, pairs[tail[a]], kinds[tail[a]]
    n_heirs[0] = n_tail
    d = 0
    while d >= 0 and n_out <= limit:
        if at[d] == n_heirs[d]:  # this branch is done
            d -= 1
            if d >= 0:
                # The item that led into this branch no longer counts against its kind
                used[kind[heirs[d, at[d] - 1]]] -= 1
            continue
        k = at[d]
        at[d] += 1
        a = heirs[d, k]
        out, n_out = _append(out, n_out, d + 1, tail[a], counts[d, k])
        # The set has d + 2 items: stop where no partner is left, or no room for one more
        if k + 1 == n_heirs[d] or d + 3 > max_len:
            continue
        n_words[d] = _narrow(bits[a], node, where, n_words, d)
        used[kind[a]] += 1
        _shared(node[d], where[d], n_words[d], bits, heirs[d], k + 1, n_heirs[d], found)
        n_heirs[d + 1] = 0
        for x in range(n_heirs[d] - k - 1):
            b = heirs[d, k + 1 + x]
            if found[x] >= least and used[kind[b]] < quota[kind[b]]:
                heirs[d + 1, n_heirs[d + 1]], counts[d + 1, n_heirs[d + 1]] = b, found[x]
                n_heirs[d + 1] += 1
        at[d + 1] = 0
        d += 1
    return out, n_out


@compiled
def _narrow(row: Bits, node: Bits, where: Ints32, n_words: Ints, d: int) -> int:
    """Set the words at depth `d` to those above it *and* `row`; return how many are kept.

    All words (``len(row)`` of them) where many are non-zero, else only those.
    """
    width, n = len(row), 0
    if d > 0 and n_words[d - 1] < width:  # the set above is sparse, so this one is
        for i in range(n_words[d - 1]):
            word = node[d - 1, i] & row[where[d - 1, i]]
            if word != 0:
                node[d, n], where[d, n] = word, where[d - 1, i]
                n += 1
        return n
    for i in range(width):
        word = row[i] if d == 0 else node[d - 1, i] & row[i]
        node[d, i] = word
        n += word != 0
    if n * SPARSE >= width:
        return width
    n = 0
    for i in range(width):
        word = node[d, i]
        if word != 0:
            node[d, n], where[d, n] = word, i
            n += 1
    return n


@compiled
def _shared(
    words: Bits,
    where: Ints32,
    n: int,
    bits: Bits,
    heirs: Ints32,
    start: int,
    stop: int,
    found: Ints,
) -> None:
    """Count the ones that the first `n` words share with the rows ``heirs[start:stop]``."""
    for x in range(start, stop):
        row, total = bits[heirs[x]], np.uint64(0)
        if n == len(row):
            for i in range(n):
                total += popcount(words[i] & row[i])
        else:
            for i in range(n):
                total += popcount(words[i] & row[where[i]])
        found[x - start] = total
