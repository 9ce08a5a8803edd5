"""Tables of two, three and four items, filled basket by basket: counts of baskets and of patients.

A cell is a number whose bits are the items: cell 5 of the items a, b, c are the baskets with a and
c and without b. A patient stands in each cell in which a basket of theirs does.
`clinnlp.mine.small_cells` says what is looked for.
"""

from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Counts, Ints, Ints32
from clinnlp.core.compiled import compiled

__all__ = ["all_reach", "stand_apart"]

# By a subset of four bits and a number of four bits: -1 where they share an odd number of ones
_SIGNS: Array = np.array(
    [[1 - 2 * ((chosen & cell).bit_count() % 2) for cell in range(16)] for chosen in range(16)],
    np.int8,
)


@compiled
def _fill(
    starts: Ints,
    rows: Ints32,
    patient: Ints,
    n_of: Ints,
    items: Ints32,
    enough: int,
    baskets: Counts,
    patients: Counts,
) -> None:
    """Count the baskets and the different patients in each cell of the table of some items.

    Stops where each cell is known to hold `enough` patients. A cell is a number whose bits are the
    items; cell 0 are those with none of them.
    """
    size, n_cells = len(items), len(baskets)
    at, end = np.empty(size, np.int64), np.empty(size, np.int64)
    last = np.full(n_cells, -1, np.int64)
    room = len(n_of)
    for cell in range(n_cells):
        baskets[cell] = patients[cell] = 0
    for j in range(size):
        at[j], end[j] = starts[items[j]], starts[items[j] + 1]
        room -= end[j] - at[j]
    missing = n_cells - 1 if room >= enough else n_cells
    covered = n_held = run = 0
    current: Any = -1
    while missing:
        b, cell = _next(rows, at, end)
        if not cell:
            break
        if patient[b] != current:
            # A patient all of whose baskets hold an item is not among those with none
            covered += current >= 0 and run == n_of[current]
            current, run = patient[b], 0
        run += 1
        n_held += 1
        baskets[cell] += 1
        if last[cell] != current:
            last[cell] = current
            patients[cell] += 1
            missing -= patients[cell] == enough
    covered += current >= 0 and run == n_of[current]
    baskets[0], patients[0] = len(patient) - n_held, len(n_of) - covered


@compiled
def _next(rows: Ints32, at: Ints, end: Ints) -> tuple[int, int]:
    """Return the first basket that is left in some lists, and which of them hold it; move on."""
    first: Any = np.iinfo(np.int32).max
    for j in range(len(at)):
        if at[j] < end[j]:
            first = min(first, rows[at[j]])
    cell = 0
    for j in range(len(at)):
        if at[j] < end[j] and rows[at[j]] == first:
            cell |= 1 << j
            at[j] += 1
    return first, cell


@compiled
def all_reach(
    starts: Ints, rows: Ints32, patient: Ints, n_of: Ints, sets: Ints32, least: int, out: Bools
) -> None:
    """Say of each set whether every cell of its table holds `least` patients."""
    n_cells = 1 << sets.shape[1]
    baskets, patients = np.zeros(n_cells, np.int64), np.zeros(n_cells, np.int64)
    for s in range(len(sets)):
        _fill(starts, rows, patient, n_of, sets[s], least, baskets, patients)
        out[s] = True
        for n in patients:
            out[s] &= n >= least


@compiled
def stand_apart(
    starts: Ints,
    rows: Ints32,
    patient: Ints,
    n_of: Ints,
    sets: Ints32,
    basket_starts: Ints32,
    items: Ints32,
    near_starts: Ints32,
    near: Ints32,
    least: int,
    out: Bools,
) -> None:
    """Say of each set of three whether no small cell follows with any fourth item.

    Baskets stand by item (`starts`, `rows`) and by basket (`basket_starts`, `items`).
    """
    of_three, who = np.zeros(8, np.int64), np.zeros(8, np.int64)
    baskets, low, high = np.zeros(16, np.int64), np.zeros(16, np.int64), np.zeros(16, np.int64)
    four, label = np.empty(4, np.int32), np.zeros(len(patient), np.uint8)
    places = np.empty(3, np.int64)
    owners = _owners(starts, rows, patient)
    with_fourth = np.zeros((3, len(owners), 8), np.int64)
    for s in range(len(sets)):
        _fill(starts, rows, patient, n_of, sets[s], len(n_of) + 1, of_three, who)
        for j in range(3):
            four[j] = sets[s, j]
            places[j] = near_starts[four[j]]
            for k in range(starts[four[j]], starts[four[j] + 1]):
                label[rows[k]] |= 1 << j
        for j in range(3):
            held = rows[starts[four[j]] : starts[four[j] + 1]]
            _count_fourth(held, label, (1 << j) - 1, patient, basket_starts, items, with_fourth)
        while out[s] and _next_shared(near_starts, near, places, four):
            d = four[3]
            baskets[8], low[8] = starts[d + 1] - starts[d], owners[d]
            _halve(with_fourth[0, d], with_fourth[1, d], of_three, who, baskets, low, high)
            if not _all_could_differ(baskets, low, high, least, _SIGNS):
                _fill(starts, rows, patient, n_of, four, len(n_of) + 1, baskets, low)
                out[s] = _all_could_differ(baskets, low, low, least, _SIGNS)
        for j in range(3):
            for k in range(starts[four[j]], starts[four[j] + 1]):
                label[rows[k]] = 0
        with_fourth[:2] = 0


@compiled
def _next_shared(near_starts: Ints32, near: Ints32, places: Ints, four: Ints32) -> bool:
    """Set the last of `four` to the next item near to the first three; say if there is one."""
    while True:
        highest: Any = -1
        for j in range(3):
            if places[j] == near_starts[four[j] + 1]:
                return False
            highest = max(highest, near[places[j]])
        n_there = 0
        for j in range(3):
            if near[places[j]] == highest:
                n_there += 1
            else:
                places[j] += 1
        if n_there == 3:
            four[3] = highest
            for j in range(3):
                places[j] += 1
            return True


@compiled
def _owners(starts: Ints, rows: Ints32, patient: Ints) -> Counts:
    """Return how many different patients hold each item."""
    n = np.zeros(len(starts) - 1, np.int64)
    for j in range(len(n)):
        last: Any = -1
        for k in range(starts[j], starts[j + 1]):
            n[j] += patient[rows[k]] != last
            last = patient[rows[k]]
    return n


@compiled
def _count_fourth(
    held: Ints32,
    label: Array,
    seen: int,
    patient: Ints,
    basket_starts: Ints32,
    items: Ints32,
    with_fourth: Counts,
) -> None:
    """Add the baskets, and their patients, of each item to the cells of three items.

    Those with an item of the three whose bit is in `seen` were counted. Of `with_fourth`, shape (3,
    n_items, 8), the last part holds the patient who was counted last.
    """
    for b in held:
        cell = label[b]
        if cell & seen:
            continue
        for k in range(basket_starts[b], basket_starts[b + 1]):
            d = items[k]
            with_fourth[0, d, cell] += 1
            if with_fourth[1, d, cell] == 0 or with_fourth[2, d, cell] != patient[b]:
                with_fourth[1, d, cell] += 1
                with_fourth[2, d, cell] = patient[b]


@compiled
def _halve(
    n_with: Counts,
    who_with: Counts,
    of_three: Counts,
    who: Counts,
    baskets: Counts,
    low: Counts,
    high: Counts,
) -> None:
    """Fill the table of four items from that of three and its cells with the fourth.

    Cell 8 holds all with the fourth item before. The patients of a half without it are at least
    those of the cell less those of the half with it.
    """
    who_fourth = low[8]
    for cell in range(1, 8):
        baskets[cell | 8], low[cell | 8] = n_with[cell], who_with[cell]
    for cell in range(9, 16):
        baskets[8] -= baskets[cell]
        low[8] -= low[cell]
        high[cell] = low[cell]
    low[8] = max(low[8], min(baskets[8], 1))
    high[8] = min(baskets[8], who_fourth)
    for cell in range(8):
        baskets[cell] = of_three[cell] - baskets[cell | 8]
        low[cell] = max(who[cell] - high[cell | 8], min(baskets[cell], 1))
        high[cell] = min(baskets[cell], who[cell])
        if of_three[cell] == who[cell]:  # of different patients, so each part is too
            low[cell] = high[cell]


@compiled
def _all_could_differ(baskets: Counts, low: Counts, high: Counts, least: int, signs: Array) -> bool:
    """Say whether each small count among four items could be 0 or `least` and more.

    `low` and `high` are the patients of a cell, at least and at most.

    All pairs are shown, and each set of three whose cells may all reach `least`. Adding 1 to the
    cells with an even number of some items and taking 1 from the others changes no count of a set
    without one of these items: so the table moves along all four, and along each three that are
    not shown, for those with the fourth and for those without it.
    """
    for cell in range(16):
        if not baskets[cell] or low[cell] >= least:
            continue
        down, up = _steps(baskets, signs[15], cell, 0)
        free = _differs(baskets[cell], down, up, least)
        for e in range(4):
            if not free and _is_hidden(high, e, least):
                down, up = _steps(baskets, signs[15 - (1 << e)], cell, 1 << e)
                free = _differs(baskets[cell], down, up, least)
        if not free:
            return False
    for e in range(4):
        if not _is_hidden(high, e, least):
            continue
        bit = 1 << e
        for cell in range(16):
            n = baskets[cell] + baskets[cell | bit]
            if cell & bit or not n or max(low[cell], low[cell | bit]) >= least:
                continue
            # Those with the fourth item and those without it move by themselves
            down, up = _steps(baskets, signs[15 - bit], cell, bit)
            more_down, more_up = _steps(baskets, signs[15 - bit], cell | bit, bit)
            if not _differs(n, down + more_down, up + more_up, least):
                return False
    return True


@compiled
def _is_hidden(patients: Counts, e: int, least: int) -> bool:
    """Say whether the set of the three items other than `e` is surely not shown."""
    for cell in range(16):
        if not cell & (1 << e) and patients[cell] + patients[cell | (1 << e)] < least:
            return True
    return False


@compiled
def _steps(baskets: Counts, signs: Array, cell: int, bit: int) -> tuple[int, int]:
    """Return by how much a cell can fall and rise along `signs`, among those alike in `bit`."""
    down: Any = 1 << 62
    up: Any = 1 << 62
    for other in range(16):
        if (other ^ cell) & bit:
            continue
        if signs[other] == signs[cell]:
            down = min(down, baskets[other])
        else:
            up = min(up, baskets[other])
    return down, up


@compiled
def _differs(n: int, down: int, up: int, least: int) -> bool:
    """Say whether a count that can fall and rise so far hides that it is of a small group."""
    if n >= least:  # baskets of fewer than `least` patients
        return down + up > 0
    return down == n or n + up >= least
