"""What notes state of pairs: in how many baskets a sentence says that a drug causes an event.

That a drug and an event stand together more often than chance is one kind of evidence, that notes
say "because of" is another. A pair is *stated* in a basket where one of its notes has a relation of
the labels asked for that no axis excludes, and *denied* where one has it negated; a basket may be
both. Ends count as the items of the baskets: by concept, else by folded text; of baskets of events
by code, else by the name of the code. What no basket holds as an item is left out and counted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Ints
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable, RelationTable
from clinnlp.core.vocab import fold_term
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.signals.stated_tests import Told, tests_of_stated

__all__ = ["EXCLUDING", "STATED_LABELS", "StatedPairs"]

EXCLUDING = ("negated", "uncertain", "hypothetical", "experiencer")
"""Axes that exclude a statement: what was in the past was stated all the same."""
STATED_LABELS = ("causes",)
"""Relations that count: those of `clinnlp.StatedRelations` that say that a drug did it."""

_Mined = TypeVar("_Mined", Rules, Signals)
_PLACES = ("first", "second")
_Pair = tuple[str, str]
_Rows = dict[_Pair, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StatedPairs:
    """Pairs of items that relations state, by the baskets of their notes.

    Parameters
    ----------
    relations : RelationTable
        All relations, also those that are not counted.
    stated, denied : mapping of (str, str) to array of int
        Of a pair of items, in the order of their names: the rows of `relations` that state it, and
        those that deny it.
    baskets : array of int, shape (n_relations,)
        The basket of each relation, -1 where it has none.
    n_excluded : mapping of str to int
        Relations that are not counted: of another ``label``, without a ``basket``, with an end that
        is no ``item``, or by the first axis that excludes them; what is denied is counted apart.

    Examples
    --------
    >>> from clinnlp.features.baskets import baskets
    >>> ends = {"note": ["n", "n"], "patient": ["p", "p"], "entity": ["T1", "T2"], "start": [0, 12]}
    >>> ends |= {"end": [4, 23], "n_concepts": [0, 0], "text": ["rash", "amoxicillin"]}
    >>> said = {"note": ["n"], "patient": ["p"], "label": ["causes"], "start": [0], "end": [23]}
    >>> said |= {"first_text": ["amoxicillin"], "second_text": ["Rash"]}
    >>> pairs = StatedPairs.of(baskets(EntityTable(ends)), RelationTable(said))
    >>> pairs.n_stated("amoxicillin", "rash"), pairs.n_denied("amoxicillin", "rash")
    (1, 0)
    """

    relations: RelationTable
    stated: Mapping[_Pair, Ints]
    denied: Mapping[_Pair, Ints]
    baskets: Ints
    n_excluded: Mapping[str, int]

    @classmethod
    def of(
        cls,
        baskets: Baskets,
        relations: RelationTable,
        *,
        labels: Sequence[str] = STATED_LABELS,
        axes: Sequence[str] = EXCLUDING,
    ) -> "StatedPairs":
        """Return the stated pairs of some baskets.

        Parameters
        ----------
        baskets : Baskets
            Made from mentions or events, of notes, encounters or patients.
        relations : RelationTable
            From `clinnlp.relation_table`, of the same notes.
        labels : sequence of str
            Relations that count.
        axes : sequence of str
            Axes that exclude a relation where they are true.

        Raises
        ------
        ArgumentError
            Baskets of another unit, or not made from mentions or events.
        """
        source = baskets.entities if baskets.entities is not None else baskets.events
        if source is None or baskets.unit not in RelationTable.SCHEMA:
            raise ArgumentError(
                "stated pairs need baskets of notes, encounters or patients made from mentions or "
                f"events, got baskets of unit {baskets.unit!r} made from something else"
            )
        number = {name: k for k, name in enumerate(baskets.ids.tolist())}
        units = relations[baskets.unit].tolist()
        where = np.array([number.get(name, -1) for name in units], np.int64)
        pairs = _pairs(relations, _items(baskets, source), also_text=source is baskets.events)
        reasons = _reasons(relations, labels, axes)
        n_excluded: dict[str, int] = defaultdict(int)
        told: tuple[_Rows, _Rows] = ({}, {})
        for row, (pair, reason, denied) in enumerate(
            zip(pairs, reasons, (relations["negated"] == 1).tolist(), strict=True)
        ):
            if reason != "label":
                reason = "basket" if where[row] < 0 else reason if pair else "item"
            if reason or pair is None:
                n_excluded[reason] += 1
            else:
                told[denied].setdefault(pair, []).append(row)
        stated, denied_ = map(_as_arrays, told)
        return cls(
            relations=relations,
            stated=stated,
            denied=denied_,
            baskets=where,
            n_excluded=dict(n_excluded),
        )

    def n_stated(self, one: str, other: str) -> int:
        """Return in how many baskets a pair is stated.

        Parameters
        ----------
        one, other : str
            Items, in any order.
        """
        return self._n(self.stated, [(one, other)])

    def n_denied(self, one: str, other: str) -> int:
        """Return in how many baskets a pair is denied.

        Parameters
        ----------
        one, other : str
            Items, in any order.
        """
        return self._n(self.denied, [(one, other)])

    def evidence(self, one: str, other: str) -> RelationTable:
        """Return the relations that state or deny a pair, with their offsets.

        Parameters
        ----------
        one, other : str
            Items, in any order.
        """
        pair = _ordered(one, other)
        empty = np.empty(0, np.int64)
        rows = np.concatenate([self.stated.get(pair, empty), self.denied.get(pair, empty)])
        return self.relations.take(np.sort(rows))

    def add_to(self, mined: _Mined) -> _Mined:
        """Return rules or signals with the columns ``n_stated`` and ``n_denied``.

        Of a rule they are the baskets that say it of an item on the left and one on the right, of
        drug + drug → outcome those that say it of one of the two drugs. Signals get the tests of
        `clinnlp.mine.signals.stated_tests` too.

        Parameters
        ----------
        mined : Rules or Signals
            Of the same baskets.
        """
        of_rows = [list(product(*sides)) for sides in _sides(mined)]
        counts: dict[str, Array] = {
            name: np.array([self._n(told, pairs) for pairs in of_rows], np.int64)
            for name, told in (("n_stated", self.stated), ("n_denied", self.denied))
        }
        if isinstance(mined, Rules):
            return replace(mined, more={**mined.more, **counts})
        tests = tests_of_stated(mined, self._told())
        return replace(mined, columns={**mined.columns, **counts, **tests})

    def with_items(self, baskets: Baskets, *, kind: str = "stated") -> Baskets:
        """Return the baskets with an item for each stated pair, for rules about what is stated.

        Parameters
        ----------
        baskets : Baskets
            Those that the pairs were made of.
        kind : str
            Of these items, which are called ``"one, other (stated)"``.

        Returns
        -------
        Baskets
            Other items, evidence and ids stay what they are; a stated item has no mention of its
            own, and `evidence` of the pair leads to its relations.
        """
        told = sorted(self._told().items())
        none = np.empty(0, np.int64)
        columns = np.concatenate([none, *(np.full(len(at), k) for k, (_, at) in enumerate(told))])
        rows = np.concatenate([none, *(at for _, at in told)])
        shape = (len(baskets), len(told))
        held = sparse.csr_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=shape)
        names = tuple(f"{one}, {other} ({kind})" for (one, other), _ in told)
        return replace(
            baskets,
            matrix=sparse.hstack([baskets.matrix, held], format="csr", dtype=np.int8),
            items=(*baskets.items, *names),
            kinds=(*baskets.kinds, *[kind] * len(names)),
        )

    def rows_of(self, mined: Rules | Signals, i: int) -> tuple[Ints, Ints]:
        """Return the relations that state row `i` of rules or signals, and those that deny it.

        Parameters
        ----------
        mined : Rules or Signals
        i : int

        Returns
        -------
        (array of int, array of int)
            Rows of `relations`, rising.
        """
        ((left, right),) = _sides(mined.take(slice(i, i + 1)))
        stated, denied = (
            self._rows(told, list(product(left, right))) for told in (self.stated, self.denied)
        )
        return stated, denied

    def _told(self) -> Told:
        """Return the baskets that state each pair, rising."""
        return {pair: np.unique(self.baskets[rows]) for pair, rows in self.stated.items()}

    def _n(self, told: Mapping[_Pair, Ints], pairs: Sequence[_Pair]) -> int:
        return len(np.unique(self.baskets[self._rows(told, pairs)]))

    def _rows(self, told: Mapping[_Pair, Ints], pairs: Sequence[_Pair]) -> Ints:
        rows = [told[pair] for pair in {_ordered(*p) for p in pairs} if pair in told]
        return np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)


def _sides(mined: Rules | Signals) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what stands on the two sides of each row: of a signal its drugs, and its outcome."""
    if isinstance(mined, Rules):
        sides = zip(mined.antecedents, mined.consequents, strict=True)
        return [(tuple(a), tuple(c)) for a, c in sides]
    *drugs, outcomes = (mined.columns[name].tolist() for name in mined.keys)
    return [(each[:-1], each[-1:]) for each in zip(*drugs, outcomes, strict=True)]


def _ordered(one: str, other: str) -> _Pair:
    return (one, other) if one <= other else (other, one)


def _as_arrays(told: _Rows) -> dict[_Pair, Ints]:
    return {pair: np.array(rows, np.int64) for pair, rows in told.items()}


def _pairs(
    relations: RelationTable, items: Mapping[_Pair | str, str], *, also_text: bool
) -> list[_Pair | None]:
    """Return the items of the two ends of each relation; None where an end is no item."""
    first, second = (_found(relations, place, items, also_text=also_text) for place in _PLACES)
    both = zip(first, second, strict=True)
    return [_ordered(one, other) if one and other else None for one, other in both]


def _reasons(relations: RelationTable, labels: Sequence[str], axes: Sequence[str]) -> list[str]:
    """Return why each relation does not count: its label, or the first axis; else nothing."""
    reasons = np.full(len(relations), "", dtype=object)
    for axis in reversed([axis for axis in axes if axis != "negated"]):
        reasons[relations[axis] == 1] = axis
    reasons[~np.isin(relations["label"].astype(str), list(labels))] = "label"
    return [str(reason) for reason in reasons]


def _found(
    table: RelationTable, place: str, items: Mapping[_Pair | str, str], *, also_text: bool
) -> list[str | None]:
    """Return the item of each end: by label and concept, or folded text; else without the label."""
    columns = (table[f"{place}_{what}"].tolist() for what in ("label", "concept", "text"))
    found = []
    for label, concept, text in zip(*columns, strict=True):
        said = fold_term(text or "")
        key = concept or said
        item = items.get((label or "", key)) or items.get(key)
        found.append(items.get(said) if item is None and also_text else item)
    return found


def _items(baskets: Baskets, table: EntityTable | EventTable) -> dict[_Pair | str, str]:
    """Return the item by label and concept, or folded text; and without the label.

    Events are found by code, and by the folded words of their code or name.
    """
    rows, first = np.unique(baskets.evidence[:, 2], return_index=True)
    of_notes = isinstance(table, EntityTable)
    names = ("label", "concept", "text") if of_notes else ("kind", "code", "name")
    columns = (table[name][rows].tolist() for name in names)
    items: dict[_Pair | str, str] = {}
    for kind, code, text, at in zip(*columns, baskets.evidence[first, 1].tolist(), strict=True):
        said = fold_term(text or "")
        keys = (code or said,) if of_notes else (code, fold_term(code), said)
        for key in filter(None, keys):
            items.setdefault((kind or "", key), baskets.items[at])
            items.setdefault(key, baskets.items[at])
    return items
