"""Small cells: which sets of items may be shown so that no small group of patients can be counted.

The counts of a set of k items and of its parts fill a table of 2^k cells: those who have just these
of the items and none of the others. Rules and signals are cuts of such tables, and every measure
beside them (lift, p, q, E, ROR, Ω) is a function of their counts: it tells no more and no less.

1. A set is shown only where **each cell of its table holds at least `min_cell` different
   patients**. A set with a smaller cell is withheld, and with it every set that contains it. This
   looks at the data alone, not at limits nor at what else is shown, so that each run shows a part
   of one whole. A cell of nobody is withheld too: where all who have A have B, the counts of A and
   C are those of A, B and C, and differences of tables that were safe become cells of a third.
2. A set of three is shown only where, for **each fourth item that may be shown with each of the
   three**, every small count among the four could as well be 0, or `min_cell` and more, by a change
   of the table that keeps all that is shown: four tables that overlap can fix a cell of all four
   items, since no count falls below 0. The fourth item is looked for among all of the source.

What holds for all that may be shown at once, in any number of runs:

- *Sums and differences.* A count of patients with some items and without others is a combination of
  counts of sets, in which the set of all these items stands; and counts of sets are linearly
  independent. So what is shown gives the cells of the tables that are shown, and no others.
- *Bounds among three items.* Let three pairs be shown and t be the count of all three items. Each
  of the eight cells is t less a bound, or a bound less t. If the ends of the range of t belong to
  two cells side by side, the range is as wide as the cell of a pair that these make up; if they
  belong to two opposite cells, any other cell makes up the cell of a pair with one of the two. So
  each may be 0, or reaches `min_cell`.
- *Bounds among four items*, where a set of three is among them: the second rule.
- *All bounds*, where no more than six items may be shown: the range of each small count is solved
  for (`clinnlp.mine.bounds`). Where one neither holds 0 nor reaches `min_cell`, no set of three is
  shown, and if that is not enough no pair.

What does not hold: of more than six items, bounds that need five of them, or four of which pairs
alone are shown, are not looked for. Nothing holds against who knows some of the patients, nor
against a second table of the same patients in which a basket or an item is something else (another
unit, other roles, strict): one of them may leave. That a row is missing tells that one of its cells
is below `min_cell`, 0 included.

References
----------
Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4 (primary and secondary
suppression, feasibility intervals). Fischetti and Salazar, Solving the cell suppression problem on
tabular data with linear constraints, Manag Sci 2001;47:1008. Atzori, Bonchi, Giannotti and
Pedreschi, Anonymity preserving pattern discovery, VLDB J 2008;17:703 (what follows from itemsets by
inclusion and exclusion). Dobra and Fienberg, Bounds for cell entries in contingency tables given
marginal totals and decomposable graphs, PNAS 2000;97:11885.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, cast

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Ints, Ints32
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.features.item_names import rare_names
from clinnlp.mine.bounds import follows
from clinnlp.mine.cell_tables import all_reach, stand_apart
from clinnlp.mine.sets.itemsets import Itemsets
from clinnlp.mine.sets.pairs import pair_counts
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.running import RunningCounts

__all__ = ["MAX_ITEMS", "SmallCells", "guarded"]

MAX_ITEMS = 3  # of a set that may be shown
_SOLVED = 6  # items up to which all bounds are solved for


def guarded(baskets: Baskets, min_cell: int) -> Baskets:
    """Return the baskets with the items alone that may be shown, and without evidence.

    Evidence names notes and stays, which no table for others should. Counts of what was left out
    are rounded up to multiples of `min_cell`. A name stays only where the rows of at least
    `min_cell` patients bear it, or it is of a terminology.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> frame = pd.DataFrame({"a": [1] * 6 + [0] * 6, "b": [1] * 2 + [0] * 10})
    >>> guarded(frame_baskets(frame), 5).items
    ('a',)
    """
    cells = SmallCells(baskets, min_cell)
    if not cells:
        return baskets
    every = np.arange(len(baskets.items), dtype=np.int32)[:, None]
    kept = np.flatnonzero(cells.shown(every))

    def up(n: int) -> int:
        return -(-n // min_cell) * min_cell

    def rounded(counts: Any) -> dict[str, int]:
        return {name: up(n) for name, n in counts.items()}

    return replace(
        baskets,
        matrix=baskets.matrix[:, kept].tocsr(),
        items=tuple(baskets.items[k] for k in kept),
        kinds=tuple(baskets.kinds[k] for k in kept),
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        events=None,
        n_excluded=rounded(baskets.n_excluded),
        n_unassessed=rounded(baskets.n_unassessed),
        n_chronic=up(baskets.n_chronic),
        n_rolled_up=rounded(baskets.n_rolled_up),
        n_folded=rounded(baskets.n_folded),
        n_concept=0,
        n_text=0,
        names=_common_names(baskets, kept, min_cell),
    )


def _common_names(baskets: Baskets, kept: Ints, min_cell: int) -> dict[str, str]:
    """Return the names of the items kept, without those that few patients' rows bear."""
    named = [
        (baskets.items[k], baskets.kinds[k]) for k in kept if baskets.items[k] in baskets.names
    ]
    table = baskets.entities if baskets.entities is not None else baskets.events
    rare = rare_names(table, baskets.unit, min_cell) if named and table is not None else set()
    return {
        item: name
        for item, kind in named
        for name in (baskets.names[item],)
        if rare.isdisjoint(((item, name), (item.removesuffix(f" ({kind})"), name)))
    }


class SmallCells:
    """Which sets of items of some baskets may be shown; false where all may be.

    Patients are told by `Baskets.patients`. Baskets of nobody known count as one patient's; where
    nobody is known at all, each basket counts as a patient.

    Parameters
    ----------
    baskets : Baskets, BasketBlocks or SparkBaskets
        Of those that are not in memory all is shown.
    min_cell : int
        Least number of patients in each cell of what is shown; with 0 or 1 all is shown.
    beside : Baskets, optional
        The same baskets with all items that a run with other filters may show.

    Raises
    ------
    ArgumentError
        `beside` holds other baskets, or cells of baskets that are not in memory are to be withheld.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> frame = pd.DataFrame({"a": [1] * 10 + [0] * 10, "b": [1] * 6 + [0] * 4 + [1] * 3 + [0] * 7})
    >>> a_and_b = np.array([[0, 1]], np.int32)
    >>> [SmallCells(frame_baskets(frame), n).shown(a_and_b).tolist() for n in (3, 4)]
    [[True], [False]]
    """

    def __init__(
        self,
        baskets: Baskets | StoredBaskets | RunningCounts,
        min_cell: int,
        *,
        beside: Baskets | None = None,
    ) -> None:
        self.baskets = cast("Baskets", baskets)  # others withhold nothing: nobody asks
        self.min_cell = min_cell
        self._near: sparse.csr_matrix | None = None
        self._most: int | None = None
        if not self:
            return
        if isinstance(baskets, StoredBaskets | RunningCounts):
            raise ArgumentError("min_cell needs baskets in memory, got others")
        if beside is not None and beside.ids.tolist() != baskets.ids.tolist():
            raise ArgumentError("beside must hold the same baskets in the same order, got others")
        matrices = [baskets.matrix] if beside is None else [baskets.matrix, beside.matrix]
        codes = _patients(baskets)
        order = np.argsort(codes, kind="stable")
        # By patient, so that one pass over the baskets of a cell counts its patients
        self._matrix = sparse.hstack(matrices, format="csr")[order]
        # All that any run may show: `beside` holds the items of `baskets` too
        n_items = matrices[-1].shape[1]
        self._items = np.arange(n_items, dtype=np.int32) + self._matrix.shape[1] - n_items
        columns = self._matrix.tocsc()
        columns.sort_indices()
        self._held = (
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
            codes[order],
            np.bincount(codes),
        )

    def __bool__(self) -> bool:
        return self.min_cell > 1

    def check(
        self,
        baskets: Baskets | StoredBaskets | RunningCounts,
        *,
        max_len: int = MAX_ITEMS,
        adjust: bool = False,
        strata: Any = None,
    ) -> None:
        """Raise `ArgumentError` for other baskets, larger sets, or what looks at withheld counts.

        Whether a set of four is frequent must not be told either, so none is looked for.
        """
        if self.baskets is not baskets:
            raise ArgumentError("cells must be made from the baskets that are mined, got others")
        if not self:
            return
        if max_len > MAX_ITEMS:
            raise ArgumentError(
                f"max_len must be at most {MAX_ITEMS} where small cells are withheld, got {max_len}"
            )
        if adjust or strata is not None:
            raise ArgumentError(
                "cells must come without adjust and strata, whose results depend on counts that "
                "are withheld, got one of them"
            )

    def shown(self, sets: Ints32) -> Bools:
        """Return which sets of up to three items may be shown.

        `sets` are rising positions, shape (n_sets, size).
        """
        if not self:
            return np.ones(len(sets), np.bool_)
        out = self._safe_alone(sets)
        if out.any() and sets.shape[1] > self._largest():
            out[:] = False
        return out

    def of(self, found: Itemsets) -> Itemsets:
        """Return those of `found` that may be shown."""
        if not self:
            return found
        kept = [self.shown(group) for group in found.groups]
        return replace(
            found,
            groups=tuple(group[keep] for group, keep in zip(found.groups, kept, strict=True)),
            counts=found.counts[np.concatenate([np.zeros(0, np.bool_), *kept])],
        )

    def _safe_alone(self, sets: Ints32) -> Bools:
        """Return which sets have no small cell, and none with any fourth item."""
        out, asked = np.zeros(len(sets), np.bool_), np.ascontiguousarray(sets, np.int32)
        if not len(sets):
            return out
        all_reach(*self._held, asked, self.min_cell, out)
        if sets.shape[1] == MAX_ITEMS and out.any():
            near, apart = self._joined(), out[out]
            by_basket = (self._matrix.indptr, self._matrix.indices)
            stand_apart(
                *self._held, asked[out], *by_basket, near.indptr, near.indices, self.min_cell, apart
            )
            out[out] = apart
        return out

    def _joined(self) -> sparse.csr_matrix:
        """Return which items are shown with which, shape (n_items, n_items)."""
        if self._near is None:
            found = pair_counts(self._matrix, min_count=self.min_cell).tocoo()
            pairs = np.stack([found.row, found.col], axis=1).astype(np.int32)
            pairs = pairs[self._safe_alone(pairs)]
            ones = np.ones(len(pairs), np.int8)
            upper = sparse.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=found.shape)
            self._near = (upper + upper.T).tocsr()
            self._near.sort_indices()
        return self._near

    def _largest(self) -> int:
        """Return how many items a set may have so that no bound tells of a small cell."""
        if self._most is None:
            items = self._items[self._safe_alone(self._items[:, None])]
            self._most = MAX_ITEMS if len(items) > _SOLVED else self._solved(items)
        return self._most

    def _solved(self, items: Ints32) -> int:
        """Return the same for few items, whose bounds are all solved for."""
        held, shown = (
            self._matrix[:, items].toarray().astype(bool),
            [(k,) for k in range(len(items))],
        )
        for size in range(2, MAX_ITEMS + 1):
            every = np.array(list(combinations(range(len(items)), size)), np.int32)
            safe = every[self._safe_alone(items[every])] if len(every) else every
            shown += [tuple(row) for row in safe.tolist()]
            if follows(held, self._held[2], shown, self.min_cell):
                return size - 1
        return MAX_ITEMS


def _patients(baskets: Baskets) -> Ints:
    """Return the patient of each basket as a number."""
    owners: Sequence[Any] = () if baskets.patients is None else baskets.patients.tolist()
    if not any(owners):
        return np.arange(len(baskets), dtype=np.int64)
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(owner or None, len(seen)) for owner in owners], np.int64)
