"""Names of facts: what a structured event, or a mention in a note, is called as a feature.

An event is ``kind:code``, a measurement also says its unit, so that two units are two facts and
never one column. Where a laboratory says only that it lies below or above a limit, or says a word
(``lab:crp [mg/L] (<)``, ``lab:protein (2+)``), that is a fact of its own without a number: a limit
is no measurement, and enters no median. A mention is ``note:label:item``, with its section or with
what is said of it (negated, historical, stopped, ...) where asked for. What the names stand on,
vocabularies and units, is kept, so that a saved model can refuse a table that stands on others.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Counts
from clinnlp.core.notes import AXES
from clinnlp.core.tables import LEAVING, EntityTable, EventTable
from clinnlp.features.entities import CHANGE_NAMES, excludes, item_of

__all__ = ["FactNames", "are_limits", "mixed_units", "unit_spelling"]

_NO_UNIT = "(no unit)"
_LITRE = re.compile(r"(?<![A-Za-z])([cdfmnpu]?)l(?![A-Za-z])")
_NO_VOCABULARY = "(no vocabulary)"


class FactNames:
    """Numbers for the names of facts, given out in order of first sight.

    Attributes
    ----------
    numbers : dict of str to int
    concepts : list of str
        Per number, the name without unit, section and what is said of it.
    units : dict of str to dict of str to set of str
        Units per measured code, without its unit; with the names of the facts that are in each.
    vocabularies : dict of str to dict of str to set of str
        Vocabularies per kind of event, with the names of the facts that are of each.
    counted_as : dict of int to tuple of int
        What a fact counts as, by number, where that is not the fact alone (`RollUp`).
    """

    def __init__(self, roll_up: RollUp | None = None) -> None:
        self._roll_up = roll_up
        self._raised: set[int] = set()  # whose ancestors are numbered
        self.counted_as: dict[int, tuple[int, ...]] = {}
        self.numbers: dict[str, int] = {}
        self.concepts: list[str] = []
        self.units: dict[str, dict[str, set[str]]] = {}
        self.vocabularies: dict[str, dict[str, set[str]]] = {}
        self._known: dict[tuple[Any, ...], int] = {}

    def of_events(self, events: EventTable, rows: Counts) -> Counts:
        """Return the number of the name of each event at `rows`, all of them with a code."""
        columns = (events[name][rows] for name in ("code", "kind", "vocabulary", "unit"))
        valued = np.isfinite(events["value"][rows]).tolist()
        known = self._known
        made = np.empty(len(rows), np.int64)
        for k, key in enumerate(zip(*columns, valued, _words_of(events, rows), strict=True)):
            number = known.get(key)
            if number is None:
                number = known[key] = self._event(*key)
            made[k] = number
        return made

    def of_mentions(
        self,
        entities: EntityTable,
        *,
        by_assertion: bool,
        by_section: bool,
        chronic_counts: bool = True,
    ) -> Counts:
        """Return the number of the name of each mention, -1 where it has no text and concept."""
        items = item_of(entities).names
        qualifiers = np.full(len(entities), "", dtype=object)
        if by_assertion:
            qualifiers = _qualifiers(entities, chronic_counts=chronic_counts)
        where = entities["section"] if by_section else [None] * len(entities)
        made = np.full(len(entities), -1, np.int64)
        coded = entities["concept"]
        for k, (label, item, how, section) in enumerate(
            zip(entities["label"], items, qualifiers, where, strict=True)
        ):
            if item:
                rest = f"{how}{f' in {section}' if section else ''}"
                sort, has_code = f"note:{label}", bool(coded[k])
                made[k] = self._of_code(sort, item, rest, is_code=has_code, above=rest)
        return made

    def schema(self) -> dict[str, dict[str, set[str]]]:
        """Return units and vocabularies by what they belong to, sorted, and the facts of each."""
        schema = {f"unit of {name}": found for name, found in self.units.items()}
        schema |= {f"vocabulary of {kind}": found for kind, found in self.vocabularies.items()}
        return {what: dict(sorted(found.items())) for what, found in sorted(schema.items())}

    def _event(
        self,
        code: str,
        kind: str | None,
        vocabulary: str | None,
        unit: str | None,
        valued: bool,  # noqa: FBT001
        word: str | None,
    ) -> int:
        sort, unit = kind or vocabulary or "event", unit and unit_spelling(unit)
        rest = f" [{unit}]" if valued and unit else ""
        rest += f" ({word})" if word else ""
        # What stands above a measurement is not measured: it has no unit and no result
        number = self._of_code(sort, code, rest, is_code=True, above="")
        names = [f"{sort}:{code}{rest}"]
        if valued:
            units = self.units.setdefault(f"{sort}:{code}", {})
            units.setdefault(unit or _NO_UNIT, set()).update(names)
        if number in self.counted_as:
            names += [f"{sort}:{each}" for each in self._above(code)]
        by = self.vocabularies.setdefault(sort, {})
        by.setdefault(vocabulary or _NO_VOCABULARY, set()).update(names)
        return number

    def _of_code(self, sort: str, code: str, rest: str, *, is_code: bool, above: str) -> int:
        """Return the number of a name; what its code counts as is numbered too."""
        name = f"{sort}:{code}{rest}"
        number = self._number(name, f"{sort}:{code}")
        if is_code and self._roll_up is not None and number not in self._raised:
            self._raised.add(number)
            counted = self._roll_up(code)
            others = [c for c in counted if c != code]
            numbers = [self._number(f"{sort}:{c}{above}", f"{sort}:{c}") for c in others]
            if numbers:
                self.counted_as[number] = (*((number,) if code in counted else ()), *numbers)
        return number

    def _above(self, code: str) -> tuple[str, ...]:
        return () if self._roll_up is None else tuple(c for c in self._roll_up(code) if c != code)

    def _number(self, name: str, concept: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self.concepts.append(concept)
        return self.numbers[name]


def are_limits(events: EventTable) -> Array:
    """Return where the value of an event is a limit, below or above which it lies."""
    limits: Array = events["comparator"].astype(bool)
    return limits


def _words_of(events: EventTable, rows: Counts) -> Iterable[str | None]:
    """Return the comparator or the result of each event at `rows`, mostly None."""
    comparators, results = events["comparator"][rows], events["result"][rows]
    if not comparators.any() and not results.any():
        return [None] * len(rows)
    pairs = zip(comparators, results, strict=True)
    return [limit or result for limit, result in pairs]


def unit_spelling(unit: str) -> str:
    """Return a unit as it is spelled here: L for litre, u for micro, no blanks.

    Other letters keep their case, which tells milli from mega.

    Examples
    --------
    >>> [unit_spelling(u) for u in ("mg/dl", "µmol/l", "10^9 / L", "mIU/ml", "mol", "lb")]
    ['mg/dL', 'umol/L', '10^9/L', 'mIU/mL', 'mol', 'lb']
    """
    plain = "".join(unit.split()).replace("µ", "u").replace("μ", "u")
    return _LITRE.sub(r"\1L", plain)


def mixed_units(schema: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return the units of each measured code that has several.

    Examples
    --------
    >>> mixed_units({"unit of lab:creatinine": ["mg/dL", "umol/L"], "unit of lab:sodium": ["mmol"]})
    {'lab:creatinine': ['mg/dL', 'umol/L']}
    """
    found = {what.removeprefix("unit of "): list(u) for what, u in schema.items()
             if what.startswith("unit of ")}  # fmt: skip
    return {name: units for name, units in found.items() if len(units) > 1}


def _qualifiers(entities: EntityTable, *, chronic_counts: bool) -> Array:
    """Return `` (axis)`` of the first axis that excludes each mention, else its stop or hold."""
    made = np.full(len(entities), "", dtype=object)
    for change in LEAVING:
        made[entities["change"] == change] = f" ({CHANGE_NAMES[change]})"
    for axis in reversed(AXES):
        made[excludes(entities, axis, chronic_counts=chronic_counts)] = f" ({axis})"
    return made
