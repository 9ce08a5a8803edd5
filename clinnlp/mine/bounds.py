"""Ranges of counts: what follows from all that is shown of a few items, by linear programming.

The unknowns are the 2^k cells of the table of all k items, none below 0; each count that is shown
is a sum of them. The least and the most that a count can be are two linear programs.

References
----------
Fischetti and Salazar, Solving the cell suppression problem on tabular data with linear constraints,
Manag Sci 2001;47:1008, section 2 (the attacker's problem).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog

from clinnlp.core.arrays import Bools, Floats, Ints

__all__ = ["follows"]

_NOTHING = 1e-6  # of a patient


def follows(held: Bools, patients: Ints, shown: Sequence[tuple[int, ...]], least: int) -> bool:
    """Say whether a count of fewer than `least` patients follows from counts of sets.

    It does where its range neither holds 0 nor reaches `least`.

    Parameters
    ----------
    held : array of bool, shape (n_baskets, n_items)
    patients : array of int, shape (n_baskets,)
    shown : sequence of tuple of int
        The sets whose counts are shown, beside the number of baskets.
    least : int

    Examples
    --------
    >>> held = np.repeat(np.array([[1, 1], [1, 0], [0, 1], [0, 0]], bool), [6, 2, 7, 9], axis=0)
    >>> [follows(held, np.arange(24), sets, 5) for sets in ([(0,), (1,)], [(0,), (1,), (0, 1)])]
    [False, True]
    """
    cells = np.array(list(product((False, True), repeat=held.shape[1])))
    codes = held @ (1 << np.arange(held.shape[1])[::-1])
    counts = np.bincount(codes, minlength=len(cells))
    sums = np.array([cells[:, list(items)].all(axis=1) for items in ((), *shown)], np.float64)
    stays = np.unique(np.stack([codes, patients]), axis=1)
    return any(
        _is_told(chosen.astype(np.float64), sums, sums @ counts, least)
        for chosen in _groups(cells)
        if 0 < len(np.unique(stays[1, chosen[stays[0]]])) < least
    )


def _groups(cells: Bools) -> Iterator[Bools]:
    """Yield which cells hold some of the items and none of some others, for all such choices."""
    for size in range(1, cells.shape[1] + 1):
        for items in combinations(range(cells.shape[1]), size):
            for pattern in product((False, True), repeat=size):
                yield (cells[:, items] == pattern).all(axis=1)


def _is_told(group: Floats, sums: Floats, counts: Floats, least: int) -> bool:
    most, fewest = (linprog(sign * group, A_eq=sums, b_eq=counts).fun for sign in (-1.0, 1.0))
    if most is None or fewest is None:  # the solver gave up: nothing is known to be safe
        return True
    return bool(-most < least - _NOTHING and fewest > _NOTHING)
