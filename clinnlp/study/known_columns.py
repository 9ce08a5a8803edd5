"""Which columns of a table name drugs and an event, however their head calls them.

A head is read as words: ``Drug A``, ``drug1`` and ``Drug 1 name`` are one of two drugs, ``atc_1``
and ``RXCUI_2`` their codes, ``interacting_drug`` is the other one, ``Adverse event`` the event.
Names go before codes. Where two columns would do alike, none of them is taken, and it must be said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.io.tables.columns import column_summary, columns_named

__all__ = ["NAMES", "has_named", "known_columns"]

NAMES = ("drug_1", "drug_2", "drug", "event")
_PAIRS = (  # as they are written by those who made them
    ("drug_1", "drug_2"),
    ("DRUG_1_CONCEPT_NAME", "DRUG_2_CONCEPT_NAME"),  # CRESCENDDI
    ("Drug_A", "Drug_B"),  # DDInter
    ("parent_key", "drugbank-id"),  # the interactions of DrugBank, as its parsers write them
)
_EVENTS = ("event", "EVENT_CONCEPT_NAME", "outcome", "effect")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DRUG = frozenset((
    "drug", "drugs", "medication", "medications", "medicine", "medicinal", "product", "substance",
    "ingredient", "compound", "med", "agent", "farmaco", "fármaco", "medicamento",
))  # fmt: skip
_CODE = frozenset((
    "atc", "rxcui", "rxnorm", "drugbank", "ddinter", "stitch", "cui", "id", "identifier", "code",
    "codigo", "código",
))  # fmt: skip
_NAME = frozenset((
    "name", "names", "nombre", "concept", "generic", "preferred", "term", "inn", "string", "label",
    "of", "the",
))  # fmt: skip
_FIRST = {"1": 1, "a": 1, "i": 1, "one": 1, "first": 1, "object": 1, "victim": 1,
          "2": 2, "b": 2, "ii": 2, "two": 2, "second": 2, "interacting": 2, "interacts": 2,
          "other": 2, "precipitant": 2, "perpetrator": 2}  # fmt: skip
_PASSED = frozenset({"with"})
_EVENT = (
    {"event"}, {"adverse", "event"}, {"adverse", "reaction"}, {"adverse", "effect"}, {"reaction"},
    {"side", "effect"}, {"outcome"}, {"effect"}, {"ade"}, {"adr"}, {"condition"}, {"evento"},
    {"efecto"}, {"reacción"},
)  # fmt: skip


def known_columns(
    path: Path, named: Mapping[str, str], there: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the columns of the one or two drugs, and that of the event if there is one.

    Parameters
    ----------
    path : path
        For errors.
    named : mapping of str to str
        What the caller says: which column is ``drug_1, drug_2, drug, event``.
    there : sequence of str
        The columns of the table.

    Raises
    ------
    DataError
        The table names neither two drugs nor a drug and an event.
    """
    event = _event(named, there)
    pairs = [(named.get("drug_1", "drug_1"), named.get("drug_2", "drug_2"))]
    for pair in pairs if named else _PAIRS:
        found = columns_named(pair, there)
        if len(found) == 2:
            return [found[name] for name in pair], event
    drug = list(columns_named([named.get("drug", "drug")], there).values())
    if not named:
        alike = _like_a_pair(there)
        if alike:
            return alike, event
        drug = drug or _only(_of_one(there))
    if drug and event:
        return drug, event
    raise DataError(
        "a table of what is known must have the columns drug_1, drug_2 and perhaps event, or drug "
        f"and event, got others; {column_summary(there)}; name them with known_columns "
        "(--known-columns)",
        path=path,
    )


def has_named(named: Mapping[str, str], there: Sequence[str]) -> bool:
    """Return whether a table has one of the columns that the caller names.

    Examples
    --------
    >>> has_named({"drug_1": "a"}, ["A", "b"]), has_named({"drug_1": "a"}, ["Drug_A", "Drug_B"])
    (True, False)
    """
    return bool(columns_named(tuple(named.values()), there))


def _event(named: Mapping[str, str], there: Sequence[str]) -> list[str]:
    wanted = [named["event"]] if "event" in named else _EVENTS
    found = list(columns_named(wanted, there).values())[:1]
    if found or named:
        return found
    words = {column: frozenset(_words(column)) for column in there}
    for meant in _EVENT:
        alike = [c for c, said in words.items() if meant <= said <= meant | _NAME]
        if alike:
            return _only(alike)
    return []


def _like_a_pair(there: Sequence[str]) -> list[str]:
    """Return two columns whose heads call them drugs, the names before the codes."""
    for is_code in (False, True):
        ends: dict[int, list[str]] = {1: [], 2: []}
        for column in there:
            end = _end(_words(column), is_code=is_code)
            if end:
                ends[end].append(column)
        if not ends[1] and not is_code:  # "drug, interacting_drug"
            ends[1] = list(_of_one(there))
        if all(len(columns) == 1 for columns in ends.values()):
            return [ends[1][0], ends[2][0]]
    return []


def _of_one(there: Iterable[str]) -> Iterator[str]:
    """Yield the columns that name a drug, and not which of two."""
    for column in there:
        words = set(_words(column))
        if words & _DRUG and words <= _DRUG | _NAME:
            yield column


def _end(words: Sequence[str], *, is_code: bool) -> int:
    """Return which of two drugs a head speaks of, 0 for none."""
    ends = {_FIRST[word] for word in words if word in _FIRST}
    said = set(words) - _FIRST.keys() - _PASSED
    about = said & (_CODE if is_code else _DRUG) or (not is_code and {"interacts"} & {*words})
    allowed = _DRUG | _NAME | (_CODE if is_code else frozenset())
    return ends.pop() if len(ends) == 1 and about and said <= allowed else 0


def _words(column: str) -> list[str]:
    return [w.casefold() for w in _WORD.findall(_CAMEL.sub(" ", column.replace("_", " ")))]


def _only(columns: Iterable[str]) -> list[str]:
    found = list(columns)
    return found if len(found) == 1 else []
