"""Names of items: what stands beside a code for a reader.

The name of a code is the preferred name that its rows bear: that of the concept of a mention, that
of the code of an event. Where rows differ, most rows decide, then the alphabet; the whole table is
looked at, so that a name depends neither on filters nor on labels. A mention's own text is never a
name.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Ints
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.core.vocab import fold_term

__all__ = ["code_names", "names_of_baskets", "names_of_items", "rare_names"]


def names_of_baskets(
    items: Sequence[str],
    kinds: Sequence[str],
    table: EntityTable | EventTable,
    roll_up: RollUp | None = None,
) -> dict[str, str]:
    """Return the names of items: those of the roll-up, else those of the rows of their table."""
    known = code_names(table) | dict({} if roll_up is None else roll_up.names)
    return names_of_items(items, kinds, known)


def code_names(table: EntityTable | EventTable) -> dict[str, str]:
    """Return the name of each code of a table whose rows bear one.

    Examples
    --------
    >>> codes, names = ["d1", "d1", "d1", "d2"], ["Aspirin", "ASA", "Aspirin", None]
    >>> code_names(EventTable({"patient": ["p"] * 4, "code": codes, "name": names}))
    {'d1': 'Aspirin'}
    """
    pairs, at, _ = _named(table)
    best = sorted(zip(-np.bincount(at, minlength=len(pairs)), pairs, strict=True))
    found: dict[str, str] = {}
    for _, (code, name) in best:
        found.setdefault(code, name)
    return found


def rare_names(table: EntityTable | EventTable, unit: str, least: int) -> set[tuple[str, str]]:
    """Return the pairs of code and name that rows of fewer than `least` patients bear.

    Rows without a patient are one patient's; where none has one, a `unit` of the table counts as a
    patient.

    Examples
    --------
    >>> columns = {"patient": ["p1", "p2", "p2"], "code": ["d1"] * 3, "name": ["ASA", "ASA", "his"]}
    >>> rare_names(EventTable(columns), "patient", 2)
    {('d1', 'his')}
    """
    owners = table.coded("patient")
    if unit in table.SCHEMA and not owners.present().any():
        owners = table.coded(unit)
    pairs, at, rows = _named(table)
    whose = np.where(owners.present(), owners.codes, -1)[rows].astype(np.int64)
    each = np.unique(at * (len(owners.values) + 1) + whose + 1) // (len(owners.values) + 1)
    n = np.bincount(each, minlength=len(pairs))
    return {pair for pair, k in zip(pairs, n.tolist(), strict=True) if k < least}


def names_of_items(
    items: Sequence[str], kinds: Sequence[str], names: Mapping[str, str]
) -> dict[str, str]:
    """Return the name of each item whose code has another one, however that code is spelled.

    An item that stands in several kinds is written ``"code (kind)"``.

    Examples
    --------
    >>> names = {"d1": "Aspirin", "gout": "gout"}
    >>> names_of_items(("d1 (drug)", "gout"), ("drug", "condition"), names)
    {'d1 (drug)': 'Aspirin'}
    """
    if not names:
        return {}
    folded: dict[str, str] = {}
    for code, name in names.items():
        folded.setdefault(fold_term(code), name)
    found = {}
    for item, kind in zip(items, kinds, strict=True):
        forms = (item, item.removesuffix(f" ({kind})"))
        known = (names.get(form) or folded.get(fold_term(form)) for form in forms)
        called = next((each for each in known if each), None)
        if called is not None and called not in forms:
            found[item] = called
    return found


def _named(table: EntityTable | EventTable) -> tuple[list[tuple[str, str]], Ints, Array]:
    """Return the pairs of code and name, the pair of each row that has both, and these rows."""
    codes = table.coded("concept" if isinstance(table, EntityTable) else "code")
    names = table.coded("name")
    rows = np.flatnonzero(codes.present() & names.present())
    wide = max(1, len(names.values))
    keys, at = np.unique(
        codes.codes[rows].astype(np.int64) * wide + names.codes[rows], return_inverse=True
    )
    pairs = [(str(codes.values[k // wide]), str(names.values[k % wide])) for k in keys.tolist()]
    return pairs, at, rows
