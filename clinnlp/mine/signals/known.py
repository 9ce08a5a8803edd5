"""Known or new: what was found, joined to tables of what is known.

A table names drug pairs, or drug pairs and events, by names or by codes, in either order. Names are
compared as items are (`core.vocab.fold_term`); whoever has codes on one side and names on the other
gives the mapping. Each row found is

- ``known``     where the pair and the event stand in a table of interactions,
- ``labelled``  where a table names the pair without an event, or the event for one of the drugs,
- ``new``       where no table says anything.

Of a row of one drug, ``known`` is an event that is listed for it, ``labelled`` one of an
interaction of it. ``new`` means *not in the tables given*, not unheard of. The disagreements are
the other way round: interactions of the tables that could have been found, their items all standing
in the baskets, and were not called.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clinnlp.core.arrays import Array, objects
from clinnlp.core.arrow import column_lists, names_of, read_once
from clinnlp.core.errors import ArgumentError
from clinnlp.core.vocab import fold_term
from clinnlp.mine.signals.interactions import Signals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATUSES", "Knowledge", "disagreements", "known_or_new"]

STATUSES = ("known", "labelled", "new")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known: interactions with and without an event, and events of single drugs.

    Parameters
    ----------
    triplets : frozenset of (frozenset of two drugs, event)
        Interactions with their event; all names folded.
    pairs : frozenset of frozensets of two drugs
        Interactions without an event.
    effects : frozenset of (drug, event)
        Listed for single drugs.
    names : mapping of str to str
        From what tables write to what the baskets write.

    Examples
    --------
    >>> told = Knowledge.of(interactions=[("Warfarin", "ibuprofen", "bleeding")])
    >>> told.status("IBUPROFEN", "warfarin", "Bleeding"), told.status("iron", "zinc", "rash")
    ('known', 'new')
    """

    triplets: frozenset[tuple[frozenset[str], str]]
    pairs: frozenset[frozenset[str]]
    effects: frozenset[tuple[str, str]]
    names: Mapping[str, str]

    @classmethod
    def of(
        cls,
        *,
        interactions: Iterable[Sequence[Any]] = (),
        effects: Iterable[Sequence[Any]] = (),
        names: Mapping[str, str] | None = None,
    ) -> "Knowledge":
        """Return the knowledge of plain rows.

        Parameters
        ----------
        interactions : iterable of (drug, drug) or (drug, drug, event)
            In any order of the drugs; an empty or missing event says that the pair is known.
        effects : iterable of (drug, event)
            Listed for single drugs.
        names : mapping of str to str, optional
            From what the tables write to what the baskets write: codes to names, or brand to
            generic.

        Raises
        ------
        ArgumentError
            A row is neither two nor three long, names no drug, or one drug twice.
        """
        standard = {_folded(k): _folded(v) for k, v in (names or {}).items()}
        triplets, pairs = set(), set()
        for row in interactions:
            pair, event = _interaction(row, standard)
            if event:
                triplets.add((pair, event))
            else:
                pairs.add(pair)
        single = {(_named(drug, standard), _named(event, standard)) for drug, event in effects}
        return cls(
            triplets=frozenset(triplets),
            pairs=frozenset(pairs),
            effects=frozenset(single),
            names=standard,
        )

    @classmethod
    def from_pandas(
        cls,
        interactions: Any,
        *,
        drug_1: str = "drug_1",
        drug_2: str = "drug_2",
        event: str | None = "event",
        names: Mapping[str, str] | None = None,
    ) -> "Knowledge":
        """Return the knowledge of a table with the named columns; no `event` for pairs alone.

        The table is a DataFrame, or one with the Arrow interface (polars, DuckDB, pyarrow).

        Raises
        ------
        ArgumentError
            The table lacks a column.
        """
        wanted = [drug_1, drug_2] + ([event] if event else [])
        interactions = read_once(interactions)
        names_there = names_of(interactions)
        absent = [name for name in wanted if name not in names_there]
        if absent:
            raise ArgumentError(f"the table must have the columns {wanted}, got none of {absent}")
        rows = zip(*column_lists(interactions, wanted), strict=True)
        return cls.of(interactions=list(rows), names=names)

    def status(self, drug_1: str, drug_2: str, event: str) -> str:
        """Return ``known``, ``labelled`` or ``new``."""
        one, two, what = (_named(value, self.names) for value in (drug_1, drug_2, event))
        pair = frozenset((one, two))
        if (pair, what) in self.triplets:
            return "known"
        named = pair in self.pairs or any((drug, what) in self.effects for drug in pair)
        return "labelled" if named else "new"

    def status_of_single(self, drug: str, event: str) -> str:
        """Return ``known``, ``labelled`` or ``new`` of a drug alone and an event.

        Parameters
        ----------
        drug, event : str

        Examples
        --------
        >>> told = Knowledge.of(interactions=[("a", "b", "rash")], effects=[("a", "cough")])
        >>> [told.status_of_single("a", event) for event in ("cough", "rash", "fever")]
        ['known', 'labelled', 'new']
        """
        one, what = (_named(value, self.names) for value in (drug, event))
        if (one, what) in self.effects:
            return "known"
        return "labelled" if (one, what) in self._of_triplets() else "new"

    def _of_triplets(self) -> frozenset[tuple[str, str]]:
        return _single_drugs(self.triplets)


@lru_cache(maxsize=4)
def _single_drugs(
    triplets: frozenset[tuple[frozenset[str], str]],
) -> frozenset[tuple[str, str]]:
    """Return each drug of an interaction with its event."""
    return frozenset((drug, event) for pair, event in triplets for drug in pair)


def known_or_new(signals: Signals, knowledge: Knowledge) -> Array:
    """Return ``known``, ``labelled`` or ``new`` for each row of signals.

    Parameters
    ----------
    signals : Signals
        Of `mine_interactions` or `mine_signals`.
    knowledge : Knowledge
        What is listed.

    Returns
    -------
    array of str, shape (n_signals,)
        ``known``: this pair with this event, or of one drug its event; ``labelled``: the pair, or
        the event of one drug, or of one drug the event of an interaction of it; else ``new``.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.signals.interactions import mine_interactions
    >>> frame = pd.DataFrame({"a": [1, 1, 0, 0] * 100, "b": [1, 0, 1, 0] * 100})
    >>> frame["bleeding"], frame["rash"] = frame["a"] * frame["b"], [1, 0, 1, 0] * 100
    >>> kinds = {"a": "drug", "b": "drug", "bleeding": "outcome", "rash": "outcome"}
    >>> signals = mine_interactions(frame_baskets(frame, kinds=kinds))
    >>> told = Knowledge.of(interactions=[("a", "b", "bleeding"), ("a", "b", "rash")])
    >>> known_or_new(signals, told).tolist()
    ['known', 'known']
    """
    rows = zip(*(signals[name] for name in signals.keys), strict=True)
    status = knowledge.status if len(signals.keys) == 3 else knowledge.status_of_single
    return objects(status(*row) for row in rows)


def disagreements(signals: Signals, knowledge: Knowledge) -> "pd.DataFrame":
    """Return known interactions that were not called though their items stand in the baskets.

    Parameters
    ----------
    signals : Signals
        Of `mine_interactions`.
    knowledge : Knowledge
        What is listed.

    Returns
    -------
    DataFrame
        ``drug_1, drug_2, outcome`` as the baskets write them; ``why``: ``"not called"`` with its
        ``n_111, omega025, q_bh``, or ``"too few reports"`` where no row was tested.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.signals.interactions import mine_interactions
    >>> frame = pd.DataFrame({"a": [1, 1, 0, 0] * 100, "b": [1, 0, 1, 0] * 100})
    >>> frame["bleeding"], frame["rash"] = frame["a"] * frame["b"], [1, 0, 1, 0] * 100
    >>> kinds = {"a": "drug", "b": "drug", "bleeding": "outcome", "rash": "outcome"}
    >>> signals = mine_interactions(frame_baskets(frame, kinds=kinds))
    >>> told = Knowledge.of(interactions=[("a", "b", "bleeding"), ("a", "b", "rash")])
    >>> disagreements(signals, told)[["outcome", "why"]].to_numpy().tolist()
    [['rash', 'not called']]
    """
    import pandas as pd

    items = {_named(name, knowledge.names): name for name in signals.baskets.items}
    tested = _rows_of(signals, knowledge.names)
    rows = []
    for pair, event in sorted(knowledge.triplets, key=lambda one: (sorted(one[0]), one[1])):
        if not items.keys() >= {*pair, event}:
            continue
        k = tested.get((pair, event))
        if k is not None and signals["signal"][k]:
            continue
        one, two = sorted(items[name] for name in pair)
        row: dict[str, Any] = {"drug_1": one, "drug_2": two, "outcome": items[event]}
        if k is None:
            rows.append(row | {"why": "too few reports"})
        else:
            figures = {name: signals[name][k] for name in ("n_111", "omega025", "q_bh")}
            rows.append(row | {"why": "not called"} | figures)
    columns = ["drug_1", "drug_2", "outcome", "why", "n_111", "omega025", "q_bh"]
    return pd.DataFrame(rows, columns=columns)


def _rows_of(signals: Signals, names: Mapping[str, str]) -> dict[tuple[frozenset[str], str], int]:
    """Return the row of each triplet, its drugs in either order."""
    triplets = zip(*(signals[n] for n in signals.keys), strict=True)
    return {
        (frozenset((_named(a, names), _named(b, names))), _named(c, names)): k
        for k, (a, b, c) in enumerate(triplets)
    }


def _interaction(row: Sequence[Any], names: Mapping[str, str]) -> tuple[frozenset[str], str]:
    if isinstance(row, str) or len(row) not in (2, 3):
        raise ArgumentError(
            "an interaction must be two drugs and perhaps an event, got another row"
        )
    pair = frozenset(_named(drug, names) for drug in row[:2])
    if len(pair) != 2 or "" in pair:
        raise ArgumentError("an interaction must name two different drugs, got one or none")
    return pair, _named(row[2], names) if len(row) == 3 else ""


def _named(value: Any, names: Mapping[str, str]) -> str:
    folded = _folded(value)
    return names.get(folded, folded)


def _folded(value: Any) -> str:
    return "" if value is None else fold_term(str(value))
