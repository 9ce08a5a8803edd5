"""Counts of given itemsets in given baskets, by stratum: for a second look at what was found."""

from collections.abc import Iterable, Sequence

import numpy as np

from clinnlp.core.arrays import Bools, Counts, Ints, Ints32
from clinnlp.core.baskets import Baskets
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.stratified import simpson
from clinnlp.mine.strata import strata_of

__all__ = ["Sides", "rule_tables", "simpson_of"]

Sides = Sequence[tuple[frozenset[str], frozenset[str]]]


def rule_tables(baskets: Baskets, sides: Sides, groups: Ints | None = None) -> Table2x2:
    """Return the table of each rule in each stratum, shape (n_strata, n_rules).

    Parameters
    ----------
    baskets : Baskets
    sides : sequence of (antecedent, consequent)
        Item names.
    groups : array of int64, shape (n_baskets,), optional
        Stratum of each basket, from 0; one stratum by default.

    Raises
    ------
    ArgumentError
        An item does not stand in the baskets.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> baskets = frame_baskets(pd.DataFrame({"a": [1, 1, 0, 0], "b": [1, 0, 1, 0]}))
    >>> t = rule_tables(baskets, [(frozenset("a"), frozenset("b"))])
    >>> [int(x[0, 0]) for x in (t.n_ab, t.n_a, t.n_b, t.n)]
    [1, 2, 2, 4]
    """
    numbers = np.zeros(len(baskets), np.int64) if groups is None else groups
    count = _Tally(baskets, numbers)
    n_ab = count([a | c for a, c in sides])
    n_a, n_b = count([a for a, _ in sides]), count([c for _, c in sides])
    sizes = np.bincount(numbers, minlength=count.n_strata)
    n = np.repeat(sizes[:, None], len(sides), axis=1).astype(np.int64)
    return Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)


def simpson_of(baskets: Baskets, sides: Sides, strata: Sequence[str] | Ints) -> Bools:
    """Return which rules go the other way within strata; see `mine.measures.stratified`."""
    return simpson(rule_tables(baskets, sides, strata_of(baskets, strata)))


class _Tally:
    """Counts of itemsets by stratum, each distinct set counted once."""

    def __init__(self, baskets: Baskets, groups: Ints) -> None:
        self._columns = baskets.matrix.tocsc()
        self._place = {name: j for j, name in enumerate(baskets.items)}
        self._groups = groups
        self.n_strata = int(groups.max(initial=0)) + 1
        self._known: dict[frozenset[str], Counts] = {}

    def __call__(self, sets: Iterable[frozenset[str]]) -> Counts:
        rows = [self._counted(one) for one in sets]
        return np.stack(rows, axis=1) if rows else np.zeros((self.n_strata, 0), np.int64)

    def _counted(self, names: frozenset[str]) -> Counts:
        if names not in self._known:
            absent = sorted(names - set(self._place))
            if absent:
                raise ArgumentError(f"items must stand in the baskets, got {', '.join(absent)}")
            held = [self._rows(name) for name in names]
            both = held[0]
            for other in held[1:]:
                both = np.intersect1d(both, other, assume_unique=True)
            counted = np.bincount(self._groups[both], minlength=self.n_strata)
            self._known[names] = counted.astype(np.int64)
        return self._known[names]

    def _rows(self, name: str) -> Ints32:
        j, c = self._place[name], self._columns
        rows: Ints32 = c.indices[c.indptr[j] : c.indptr[j + 1]]
        return rows
