"""What people think of rules, as a table: artefacts are left out, known ones are marked.

A CSV with the columns ``antecedents``, ``consequents`` (items of a side in one cell, as in
``rules.csv``) and ``verdict``; on wish ``item``, ``comment``, ``who``, ``at``. An artefact that
names an item speaks of every rule with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from clinnlp.core.errors import DataError
from clinnlp.core.name_lists import split_names
from clinnlp.core.verdicts import ARTEFACT, VERDICTS
from clinnlp.io.tables.rows import read_rows, table_form
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals

__all__ = ["COLUMNS", "Verdicts", "read_verdicts", "sides_of", "verdicts_told", "without_artefacts"]

Mined = TypeVar("Mined", Rules, Signals)

COLUMNS = ("antecedents", "consequents", "verdict", "item", "comment", "who", "at")
_NEEDED = COLUMNS[:3]


class Verdicts(NamedTuple):
    """Verdicts by the two sides of a rule, and the items whose mentions are wrong."""

    by_sides: dict[tuple[frozenset[str], frozenset[str]], str]
    items: frozenset[str]

    @classmethod
    def of(cls, found: Iterable[Any]) -> "Verdicts":
        """Return the verdicts of values that have ``sides``, ``verdict`` and ``item``."""
        by_sides, items = {}, set()
        for one in found:
            by_sides[frozenset(one.sides[0]), frozenset(one.sides[1])] = one.verdict
            if one.verdict == ARTEFACT and one.item:
                items.add(one.item)
        return cls(by_sides, frozenset(items))

    def suppresses(self, antecedents: Iterable[str], consequents: Iterable[str]) -> bool:
        """Return whether a rule rests on mentions that are none.

        Examples
        --------
        >>> judged = Verdicts({(frozenset("a"), frozenset("b")): "artefact"}, frozenset("c"))
        >>> [judged.suppresses(*sides) for sides in ("ab", "ba", "cd", "ad")]
        [True, False, True, False]
        """
        sides = frozenset(antecedents), frozenset(consequents)
        return self.by_sides.get(sides) == ARTEFACT or not self.items.isdisjoint(
            sides[0] | sides[1]
        )

    def told(self, antecedents: Iterable[str], consequents: Iterable[str]) -> str:
        """Return the verdict of a rule, empty where there is none."""
        return self.by_sides.get((frozenset(antecedents), frozenset(consequents)), "")

    def counts(self, mined: Rules | Signals) -> Counter[str]:
        """Return how many of the rows have each verdict."""
        if not self.by_sides:
            return Counter()
        return Counter(self.told(*sides) for sides in sides_of(mined))

    def beside(self, mined: Rules | Signals) -> dict[str, list[str]]:
        """Return the column of verdicts that stands beside rows; none where nobody has judged."""
        if not self.by_sides:
            return {}
        return {"verdict": [self.told(*sides) for sides in sides_of(mined)]}


def without_artefacts(mined: Mined, judged: Verdicts) -> tuple[Mined, int]:
    """Return rules or signals without those that rest on mentions that are none, and how many.

    Parameters
    ----------
    mined : Rules or Signals
        Of which m, p and q stay what they are.
    judged : Verdicts
    """
    if not (judged.by_sides or judged.items):
        return mined, 0
    kept = np.array([not judged.suppresses(*sides) for sides in sides_of(mined)], bool)
    return mined.take(kept), int((~kept).sum())


def sides_of(mined: Rules | Signals) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what stands on the two sides of each row: of a signal its drugs, and its outcome."""
    if isinstance(mined, Rules):
        pairs = zip(mined.antecedents, mined.consequents, strict=True)
        return [(tuple(a), tuple(c)) for a, c in pairs]
    *drugs, outcomes = (mined[name].tolist() for name in mined.keys)
    return [(tuple(each[:-1]), tuple(each[-1:])) for each in zip(*drugs, outcomes, strict=True)]


def verdicts_told(told: Mapping[str, int], judged: Verdicts, n_left: int) -> tuple[str, ...]:
    """Return the line that says what people thought of the rules, if anybody did.

    Parameters
    ----------
    told : mapping of str to int
        How many of the rows that are shown have each verdict.
    judged : Verdicts
    n_left : int
        Rows that were left out as artefacts.
    """
    if not judged.by_sides:
        return ()
    counts = ", ".join(f"{name} {told[name]:,}" for name in VERDICTS if told.get(name))
    return (f"judged: {n_left:,} left out as artefacts of extraction; {counts or 'no other row'}",)


class _Row(NamedTuple):
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    verdict: str
    item: str


def read_verdicts(path: str | Path) -> Verdicts:
    """Return the verdicts of a CSV, TSV or Parquet file.

    Raises
    ------
    DataError
        A column is missing, or a verdict is none that there is.
    """
    rows = []
    for line, cells in read_rows(Path(path), [*_NEEDED, "item"], form=table_form(Path(path))):
        first, second, verdict, item = (str(cell or "") for cell in cells)
        if verdict not in VERDICTS:
            said = f"a verdict must be one of {', '.join(VERDICTS)}, got another"
            raise DataError(said, path=path, line=line)
        rows.append(_Row((tuple(split_names(first)), tuple(split_names(second))), verdict, item))
    return Verdicts.of(rows)
