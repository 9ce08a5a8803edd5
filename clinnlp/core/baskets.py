"""Baskets: sets of items, one for each unit of observation, and what put the items there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Ints
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.item_names import shown_items
from clinnlp.core.tables import EntityTable, EventTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Baskets", "NamedItems"]


class NamedItems:
    """Items that may have names; the base of `Baskets` and of what is known of them in a file."""

    __slots__ = ()
    names: Mapping[str, str]

    def called(self, item: str) -> str:
        """Return an item as a reader is told of it: its name, and its code in brackets.

        Examples
        --------
        >>> from clinnlp.features.baskets import event_baskets
        >>> columns = {"patient": ["p"], "code": ["DB01050"], "name": ["Ibuprofen"]}
        >>> sets = event_baskets(EventTable(columns | {"kind": ["drug"]}), unit="patient")
        >>> sets.called("DB01050")
        'Ibuprofen (DB01050)'
        """
        return f"{self.names[item]} ({item})" if item in self.names else str(item)

    def names_in_order(self, items: Iterable[str]) -> tuple[str, ...]:
        """Return the names of some items in the order of their codes; the item where it has none.

        Examples
        --------
        >>> from clinnlp.features.baskets import event_baskets
        >>> columns = {"patient": ["p", "p"], "code": ["d2", "d1"], "name": ["Ibuprofen", None]}
        >>> sets = event_baskets(EventTable(columns | {"kind": ["drug"] * 2}), unit="patient")
        >>> sets.names_in_order({"d2", "d1"})
        ('d1', 'Ibuprofen')
        """
        return tuple(self.names.get(item, str(item)) for item in sorted(items))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baskets(NamedItems):
    """Sets of items, one set per unit of observation.

    Parameters
    ----------
    matrix : csr_matrix of int8, shape (n_baskets, n_items)
        1 where the basket holds the item.
    ids : array of str, shape (n_baskets,)
    items : tuple of str, length n_items
    kinds : tuple of str, length n_items
        ``"drug"``, ``"outcome"``, ``"condition"`` or a label.
    unit : str
        What a basket is: ``"note"``, ``"encounter"``, ``"patient"``, ...
    evidence : array of int64, shape (n_mentions, 3)
        Sorted rows (basket, item, row of `entities` or else of `events`); empty where the source
        is neither.
    entities : EntityTable or None
        The mentions that evidence points to.
    n_excluded : mapping of str to int
        Mentions left out by each named filter.
    n_unassessed : mapping of str to int
        Mentions that passed an assertion filter only because nobody assessed that axis.
    n_chronic : int
        Historical mentions that passed it because the condition is chronic.
    n_concept, n_text : int
        Mentions whose item is a concept id, and whose item is the folded text.
    events : EventTable or None
        The events that evidence points to, where baskets come from events.
    patients : array of str or None, shape (n_baskets,), optional
        Whose each basket is, where the source says so.
    n_rolled_up : mapping of str to int
        Of the codes, how many count as an ancestor, and how many stand below none asked for.
    names : mapping of str to str
        The preferred name of each item that is a code and has one.
    n_folded : mapping of str to int
        How many ``spellings`` of items count as another spelling, and in how many ``rows``; empty
        where terms are not folded.

    Examples
    --------
    >>> matrix = sparse.csr_matrix(np.array([[1, 1], [0, 1]], np.int8))
    >>> drugs = Baskets(
    ...     matrix=matrix, ids=np.array(["p1", "p2"], dtype=object), items=("aspirin", "iron"),
    ...     kinds=("drug", "drug"), unit="patient", evidence=np.empty((0, 3), np.int64),
    ...     entities=None, n_excluded={}, n_unassessed={},
    ... )
    >>> drugs, drugs.matrix.sum(axis=0).tolist()
    (Baskets(2 x 2 items, unit='patient'), [[1, 2]])
    """

    matrix: sparse.csr_matrix
    ids: Array
    items: tuple[str, ...]
    kinds: tuple[str, ...]
    unit: str
    evidence: Ints
    entities: EntityTable | None
    n_excluded: Mapping[str, int]
    n_unassessed: Mapping[str, int]
    n_chronic: int = 0
    n_concept: int = 0
    n_text: int = 0
    events: EventTable | None = None
    patients: Array | None = None
    n_rolled_up: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    n_folded: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.ids), len(self.items))
        if self.matrix.shape != shape or len(self.kinds) != len(self.items):
            raise ArgumentError(
                f"matrix of baskets must have shape {shape} and one kind per item, "
                f"got {self.matrix.shape} and {len(self.kinds)} kinds"
            )
        if self.patients is not None and len(self.patients) != len(self.ids):
            raise ArgumentError(
                f"patients of baskets must be one per basket, got {len(self.patients)} for "
                f"{len(self.ids)}"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Baskets({len(self)} x {len(self.items)} items, unit={self.unit!r})"

    def to_pandas(self, *, sparse: bool = False) -> "pd.DataFrame":
        """Return a one-hot DataFrame of bool as mlxtend takes it: a row per basket, by id.

        Parameters
        ----------
        sparse : bool
            Whether columns hold what is there alone: of many items that takes far less memory.

        Examples
        --------
        >>> from clinnlp.features.one_hot import as_baskets
        >>> as_baskets([["milk", "bread"], ["milk"]]).to_pandas().values.tolist()
        [[True, True], [False, True]]
        """
        import pandas as pd

        columns = pd.Index(list(self.items), tupleize_cols=False)
        labels: dict[str, Any] = {"index": pd.Index(self.ids), "columns": columns}
        if not sparse:
            return pd.DataFrame(self.matrix.toarray().astype(bool), **labels)
        held = self.matrix.astype(bool)
        return pd.DataFrame.sparse.from_spmatrix(held, **labels).astype(pd.SparseDtype(bool, False))

    @property
    def shown_items(self) -> tuple[str, ...]:
        """Names that may be shown unasked: words of fewer than 5 baskets are numbered instead."""
        concepts = None if self.entities is None else self.entities["concept"]
        return shown_items(self.items, self.matrix, self.evidence, concepts)

    def _repr_html_(self) -> str:
        counts = np.bincount(self.matrix.indices, minlength=len(self.items))
        first = np.argsort(-counts, kind="stable")[:N_ROWS].tolist()
        names = self.shown_items
        left_out = ", ".join(f"{reason} {n:,}" for reason, n in self.n_excluded.items() if n)
        return display_html(
            "Baskets",
            facts={"baskets": len(self), "unit": self.unit, "items": len(self.items)},
            columns={
                "item": [names[j] for j in first],
                "kind": [self.kinds[j] for j in first],
                "baskets": counts[first].tolist(),
            },
            n_rows=len(self.items),
            notes=[f"Left out: {left_out}."] if left_out else [],
        )

    def rows_behind(self, items: Iterable[str]) -> Ints:
        """Return the rows behind `items` in the baskets that hold all of them.

        The rows are of `entities`, or of `events` where there are no mentions.
        """
        wanted = [self.items.index(item) for item in items]
        if not wanted or not len(self.evidence):
            return np.empty(0, np.int64)
        holding = reduce(partial(np.intersect1d, assume_unique=True), map(self._holding, wanted))
        # Sorted by basket, so only the rows of those baskets are looked at
        first, after = (_lower_bound(self.evidence[:, 0], holding + k) for k in (0, 1))
        sizes = after - first
        ends = np.cumsum(sizes)
        at = np.repeat(after - ends, sizes) + np.arange(int(sizes.sum()))
        at = at[np.isin(self.evidence[at, 1], wanted)]
        rows: Ints = self.evidence[at, 2]
        return rows

    def _holding(self, j: int) -> Ints:
        """Return the baskets that hold an item, rising."""
        at = np.flatnonzero(self.matrix.indices == j)
        rows = np.searchsorted(self.matrix.indptr, at, side="right") - 1
        return rows[np.diff(rows, prepend=-1) > 0]


def _lower_bound(rising: Array, values: Array) -> Ints:
    """Return where each value stands, as `np.searchsorted`, without a copy of a column of rows."""
    low, high = np.zeros(len(values), np.int64), np.full(len(values), len(rising), np.int64)
    while (open_ := low < high).any():
        middle = (low + high) // 2
        below = open_ & (rising[np.minimum(middle, len(rising) - 1)] < values)
        low, high = np.where(below, middle + 1, low), np.where(open_ & ~below, middle, high)
    return low
