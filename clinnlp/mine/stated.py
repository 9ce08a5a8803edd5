"""What notes state of pairs: in how many baskets a sentence says that a drug causes an event.

That a drug and an event stand together more often than chance is one kind of evidence, that notes
say "because of" is another. A pair is *stated* in a basket where one of its notes has a relation of
the labels asked for that no axis excludes, and *denied* where one has it negated; a basket may be
both. Ends count as the items of the baskets: by concept, else by folded text, and what no basket
holds as an item is left out and counted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clinnlp.core.arrays import Array, Ints
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.core.vocab import fold_term
from clinnlp.mine.signals.interactions import Signals

__all__ = ["EXCLUDING", "StatedPairs"]

EXCLUDING = ("negated", "uncertain", "hypothetical", "experiencer")
"""Axes that exclude a statement: what was in the past was stated all the same."""

_PLACES = ("first", "second")
_Pair = tuple[str, str]
_Told = dict[_Pair, list[int]]


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
        labels: Sequence[str] = ("causes",),
        axes: Sequence[str] = EXCLUDING,
    ) -> "StatedPairs":
        """Return the stated pairs of some baskets.

        Parameters
        ----------
        baskets : Baskets
            Made from mentions, of notes, encounters or patients.
        relations : RelationTable
            From `clinnlp.relation_table`, of the same notes.
        labels : sequence of str
            Relations that count.
        axes : sequence of str
            Axes that exclude a relation where they are true.

        Raises
        ------
        ArgumentError
            Baskets of another unit, or not made from mentions.
        """
        if baskets.entities is None or baskets.unit not in RelationTable.SCHEMA:
            raise ArgumentError(
                "stated pairs need baskets of notes, encounters or patients made from mentions, "
                f"got baskets of unit {baskets.unit!r} made from something else"
            )
        number = {name: k for k, name in enumerate(baskets.ids.tolist())}
        units = relations[baskets.unit].tolist()
        where = np.array([number.get(name, -1) for name in units], np.int64)
        pairs = _pairs(relations, _items(baskets, baskets.entities))
        reasons = _reasons(relations, labels, axes)
        n_excluded: dict[str, int] = defaultdict(int)
        told: tuple[_Told, _Told] = ({}, {})
        for row, (pair, reason, denied) in enumerate(
            zip(pairs, reasons, (relations["negated"] == 1).tolist(), strict=True)
        ):
            if reason != "label":
                reason = "basket" if where[row] < 0 else reason if pair else "item"
            if reason or pair is None:
                n_excluded[reason] += 1
            else:
                told[denied].setdefault(pair, []).append(row)
        stated, denied_ = ({p: np.array(rows, np.int64) for p, rows in t.items()} for t in told)
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

    def add_to(self, signals: Signals) -> Signals:
        """Return signals with the columns ``n_stated`` and ``n_denied``.

        Of drug + drug → outcome they are the baskets that say it of one of the two drugs.

        Parameters
        ----------
        signals : Signals
            Of the same baskets.
        """
        *drugs, outcome = (signals.columns[key].tolist() for key in signals.keys)
        of_rows = [
            [(drug, event) for drug in row]
            for row, event in zip(zip(*drugs, strict=True), outcome, strict=True)
        ]
        columns: dict[str, Array] = {
            name: np.array([self._n(told, pairs) for pairs in of_rows], np.int64)
            for name, told in (("n_stated", self.stated), ("n_denied", self.denied))
        }
        return replace(signals, columns={**signals.columns, **columns})

    def _n(self, told: Mapping[_Pair, Ints], pairs: Sequence[_Pair]) -> int:
        rows = [told[pair] for pair in (_ordered(*p) for p in pairs) if pair in told]
        return len(np.unique(self.baskets[np.concatenate(rows)])) if rows else 0


def _ordered(one: str, other: str) -> _Pair:
    return (one, other) if one <= other else (other, one)


def _pairs(relations: RelationTable, items: Mapping[_Pair | str, str]) -> list[_Pair | None]:
    """Return the items of the two ends of each relation; None where an end is no item."""
    first, second = (
        [items.get(key) or items.get(key[1]) for key in _keys(relations, place)]
        for place in _PLACES
    )
    both = zip(first, second, strict=True)
    return [_ordered(one, other) if one and other else None for one, other in both]


def _reasons(relations: RelationTable, labels: Sequence[str], axes: Sequence[str]) -> list[str]:
    """Return why each relation does not count: its label, or the first axis; else nothing."""
    reasons = np.full(len(relations), "", dtype=object)
    for axis in reversed([axis for axis in axes if axis != "negated"]):
        reasons[relations[axis] == 1] = axis
    reasons[~np.isin(relations["label"].astype(str), list(labels))] = "label"
    return [str(reason) for reason in reasons]


def _keys(table: RelationTable, place: str) -> list[_Pair]:
    """Return the label and the concept of each end, else its folded text."""
    columns = (table[f"{place}_{what}"].tolist() for what in ("label", "concept", "text"))
    return [(lb or "", c or fold_term(t or "")) for lb, c, t in zip(*columns, strict=True)]


def _items(baskets: Baskets, entities: EntityTable) -> dict[_Pair | str, str]:
    """Return the item by label and concept, or folded text; and without the label."""
    rows, first = np.unique(baskets.evidence[:, 2], return_index=True)
    columns = (entities[name][rows].tolist() for name in ("label", "concept", "text"))
    items: dict[_Pair | str, str] = {}
    for label, concept, text, item in zip(
        *columns, baskets.evidence[first, 1].tolist(), strict=True
    ):
        key = concept or fold_term(text or "")
        items.setdefault((label or "", key), baskets.items[item])
        items.setdefault(key, baskets.items[item])
    return items
