"""Baskets: which items occur together in one note, encounter or patient.

A basket is a set; an item counts once however often it is mentioned. From mentions, the default
basket holds what the notes assert of the patient here and now or as chronic, no drug that they say
is stopped or held (`asserted`); each filter is named and counted, and every item of a basket keeps
the rows that put it there. A unit all of whose mentions are filtered out is a basket without items
and still counts in n.

References
----------
Agrawal, Imieliński and Swami, Mining association rules, SIGMOD 1993.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Bools, Ints
from clinnlp.core.arrow import column_arrays, column_lists, names_of, read_once, row_ids
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import AXES
from clinnlp.core.tables import LEAVING, Baskets, EntityTable, EventTable
from clinnlp.features.entities import asserted, item_of

__all__ = ["EVENT_KINDS", "UNITS", "assembled", "baskets", "event_baskets", "frame_baskets"]

_REPEATED = "ids and items of a wide table must be unique, got a repeated one"

UNITS = ("note", "encounter", "patient")
EVENT_KINDS = ("drug", "outcome", "condition")


def baskets(
    table: EntityTable,
    *,
    label: str | Sequence[str] | None = None,
    unit: str = "patient",
    strict: bool = False,
    axes: Sequence[str] = AXES,
    changes: Sequence[str] = LEAVING,
    chronic_counts: bool = True,
    kinds: Mapping[str, str] | None = None,
    roll_up: RollUp | None = None,
) -> Baskets:
    """Return the baskets of a table of mentions.

    Parameters
    ----------
    table : EntityTable
        One row per mention, from `entity_table`.
    label : str or sequence of str, optional
        Which labels become items; all by default. Mentions of others are counted under
        ``"label"``.
    unit : {"patient", "encounter", "note"}
        What a basket is. Mentions without that id are counted under ``"no_patient"`` or
        ``"no_encounter"`` and stand in no basket.
    strict : bool
        Demand that each axis is known to be ``False``; by default ``None`` passes and is counted.
    axes : sequence of str
        Assertion axes that exclude a mention; all five by default.
    changes : sequence of str
        Changes of a drug that exclude its mention: by default a drug that is stopped or held is
        counted under ``"stopped"`` or ``"held"``; ``()`` takes it too.
    chronic_counts : bool
        Take a historical mention too whose course is ``chronic``; how many is ``n_chronic``.
    kinds : mapping of str to str, optional
        Label to kind, such as ``{"Chemical": "drug"}``; a label not named is its own kind.
    roll_up : RollUp, optional
        What a concept counts as. With an item and what stands above it in one basket, a rule
        between them says nothing: roll up `to` codes for mining.

    Returns
    -------
    Baskets
        Units in order of first appearance, items by kind and name. An item name that occurs in
        several kinds is written ``"name (kind)"``.

    Raises
    ------
    ArgumentError
        Unknown unit, axis or change, a label that no mention has, or no mention has the id of the
        unit.
    DataError
        One encounter id belongs to two patients.

    Examples
    --------
    >>> columns = {"start": [0, 9, 0], "end": [4, 17, 4], "n_concepts": [0, 0, 0]}
    >>> columns |= {"patient": ["p1", "p1", "p2"], "text": ["ASA", "warfarin", "asa"]}
    >>> made = baskets(EntityTable(columns))
    >>> made, made.items, made.matrix.toarray().tolist()
    (Baskets(2 x 2 items, unit='patient'), ('asa', 'warfarin'), [[1, 1], [1, 0]])
    """
    check_one_of(unit, UNITS, name="unit")
    n_excluded, has_unit = _with_unit(table, unit)
    wanted = has_unit.copy()
    if label is not None:
        wanted &= _labelled(table, [label] if isinstance(label, str) else label)
        n_excluded["label"] = int(np.sum(has_unit & ~wanted))
    rows = np.flatnonzero(wanted)
    mask, counts = asserted(
        table.take(rows), strict=strict, axes=axes, changes=changes, chronic_counts=chronic_counts
    )
    n_excluded |= counts.n_excluded
    rows = rows[mask]
    found = item_of(table.take(rows))
    labels = [str(label or "") for label in table["label"][rows]]
    named = [(kinds or {}).get(label, label) for label in labels]
    pairs = list(zip(named, found.names, strict=True))
    coded = [bool(concept) for concept in table["concept"][rows]]
    rows, pairs, n_rolled_up = _rolled_up(rows, pairs, coded, roll_up)
    made = _made(table[unit], has_unit, rows, pairs)
    return Baskets(
        **made,
        patients=_owners(table, unit, has_unit),
        unit=unit,
        entities=table,
        n_excluded=n_excluded,
        n_unassessed=counts.n_unassessed,
        n_chronic=counts.n_chronic,
        n_concept=found.n_concept,
        n_text=found.n_text,
        n_rolled_up=n_rolled_up,
    )


def event_baskets(
    events: EventTable,
    *,
    unit: str = "encounter",
    kinds: Sequence[str] | None = EVENT_KINDS,
    roll_up: RollUp | None = None,
) -> Baskets:
    """Return the baskets of structured events; an item is a code, its kind the event's.

    Parameters
    ----------
    events : EventTable
    unit : {"encounter", "patient"}
        What a basket is; events without that id are counted and left out.
    kinds : sequence of str, optional
        Kinds of event that become items; ``None`` takes all. Others are counted under ``"kind"``.
    roll_up : RollUp, optional
        As in `baskets`.

    Raises
    ------
    ArgumentError
        Unknown unit, or no event has its id.

    Examples
    --------
    >>> events = EventTable(
    ...     {"patient": ["p1", "p1"], "code": ["d1", "bleed"], "kind": ["drug", "outcome"]}
    ... )
    >>> event_baskets(events, unit="patient").kinds
    ('drug', 'outcome')
    """
    check_one_of(unit, UNITS[1:], name="unit")
    n_excluded, has_unit = _with_unit(events, unit)
    wanted = has_unit & ~np.isin(events["code"].astype(str), ("", "None"))
    n_excluded["no_code"] = int(np.sum(has_unit & ~wanted))
    if kinds is not None:
        named = np.isin(events["kind"].astype(str), tuple(kinds))
        n_excluded["kind"] = int(np.sum(wanted & ~named))
        wanted &= named
    rows = np.flatnonzero(wanted)
    pairs = [(k or "", c) for k, c in zip(events["kind"][rows], events["code"][rows], strict=True)]
    rows, pairs, n_rolled_up = _rolled_up(rows, pairs, [True] * len(pairs), roll_up)
    return Baskets(
        **_made(events[unit], has_unit, rows, pairs),
        patients=_owners(events, unit, has_unit),
        unit=unit,
        entities=None,
        events=events,
        n_excluded=n_excluded,
        n_unassessed={},
        n_rolled_up=n_rolled_up,
    )


def frame_baskets(
    frame: Any,
    *,
    item: str | None = None,
    unit: str | None = None,
    kinds: Mapping[str, str] | str = "item",
) -> Baskets:
    """Return the baskets of a wide or a long table.

    Parameters
    ----------
    frame : DataFrame, or table with the Arrow interface (polars, DuckDB, pyarrow)
        Wide: one row per basket, one column of bool or 0/1 per item. Long: one row per
        occurrence.
    item : str, optional
        Column with the item of a long table; none means wide.
    unit : str, optional
        Column with the basket's id; the index, or number of the row, by default. Ids of a wide
        table are unique.
    kinds : mapping of str to str, or str
        Kind of each item (``"item"`` where not named), or one kind for all.

    Raises
    ------
    ArgumentError
        A column is absent; a long table lacks `unit`.
    DataError
        A wide table holds something other than 0 and 1, or an id twice.

    Examples
    --------
    >>> import pandas as pd
    >>> frame_baskets(pd.DataFrame({"a": [True, False], "b": [1, 1]}))
    Baskets(2 x 2 items, unit='row')
    >>> long = pd.DataFrame({"case": [1, 1, 2], "drug": ["a", "b", "a"]})
    >>> frame_baskets(long, item="drug", unit="case").matrix.toarray().tolist()
    [[1, 1], [1, 0]]
    """
    frame = read_once(frame)
    names = names_of(frame)
    for name in (item, unit):
        if name is not None and name not in names:
            raise ArgumentError(f"the table must have the column {name!r}, got none of that name")
    return _wide(frame, unit, kinds) if item is None else _long(frame, item, unit, kinds)


def _wide(frame: Any, unit: str | None, kinds: Mapping[str, str] | str) -> Baskets:
    every = names_of(frame)
    names = [name for name in every if name != unit]
    if len(set(every)) != len(every):
        raise DataError(_REPEATED)
    values = column_arrays(frame, names)
    ids = row_ids(frame) if unit is None else column_lists(frame, [unit])[0]
    if len(set(ids)) != len(ids):
        raise DataError(_REPEATED)
    columns = [_zero_one(column, name) for column, name in zip(values, names, strict=True)]
    matrix = sparse.csc_matrix(
        (
            np.ones(sum(map(len, columns)), np.int8),
            np.concatenate([*columns, np.empty(0, np.int64)]),
            np.cumsum([0, *map(len, columns)]),
        ),
        shape=(len(ids), len(names)),
    )
    return Baskets(
        matrix=matrix.tocsr(),
        ids=_text([str(i) for i in ids]),
        items=tuple(names),
        kinds=tuple(_kind(kinds, name) for name in names),
        unit=unit or "row",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
    )


def _long(frame: Any, item: str, unit: str | None, kinds: Mapping[str, str] | str) -> Baskets:
    if unit is None:
        raise ArgumentError("a long table needs unit, the column with the basket's id; got none")
    units, held = column_lists(frame, [unit, item])
    where, ids = _numbered(units)
    named = np.flatnonzero(where >= 0)
    codes, values = _numbered([held[k] for k in named])
    written = [_name(value) for value in values]
    names, of, items = _items([(_kind(kinds, name), name) for name in written])
    return Baskets(
        matrix=_held(where[named[codes >= 0]], items[codes[codes >= 0]], (len(ids), len(names))),
        ids=_text([_name(value) for value in ids]),
        items=names,
        kinds=of,
        unit=unit,
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={"no_unit": int(np.sum(where < 0)), "no_item": int(np.sum(codes < 0))},
        n_unassessed={},
    )


def _numbered(values: Sequence[Any]) -> tuple[Ints, list[Any]]:
    """Return the number of each value in order of first sight, -1 where missing, and the values."""
    known: dict[Any, int] = {}
    numbers = [-1 if value is None else known.setdefault(value, len(known)) for value in values]
    return np.array(numbers, np.int64), list(known)


def _with_unit(table: EntityTable | EventTable, unit: str) -> tuple[dict[str, int], Array]:
    """Return the count of rows without the unit's id, and which rows have it."""
    has_unit = np.array([bool(value) for value in table[unit]], bool)
    if len(table) and not has_unit.any():
        raise ArgumentError(
            f"rows of the table must have the {unit} id for unit={unit!r}, got none in "
            f"{len(table)} rows; choose another unit"
        )
    if unit == "encounter":
        _check_encounters(table, has_unit)
    return {f"no_{unit}": int(np.sum(~has_unit))}, has_unit


def _labelled(table: EntityTable, wanted: Sequence[str]) -> Bools:
    labels = np.array([str(label or "") for label in table["label"]], dtype=str)
    absent = sorted(set(wanted) - set(labels))
    if len(table) and absent:
        known = ", ".join(sorted(set(labels)))
        raise ArgumentError(f"label must be among {known}, got {', '.join(absent)}")
    return np.isin(labels, list(wanted))


def _check_encounters(table: EntityTable | EventTable, has_unit: Array) -> None:
    owner: dict[str, str] = {}
    for row in np.flatnonzero(has_unit):
        stay, patient = table["encounter"][row], table["patient"][row]
        if patient and owner.setdefault(stay, patient) != patient:
            raise DataError(
                f"an encounter id must belong to one patient, got that of row {row} for two; "
                "make the ids unique"
            )


def _made(
    units: Array, has_unit: Array, rows: Ints, pairs: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return ids, items, kinds, matrix and evidence of (kind, name) `pairs` that stand in `rows`.

    All rows that have a unit make a basket, also those without an item.
    """
    ids, codes = _codes(units[has_unit])
    where = np.zeros(len(units), np.int64)
    where[has_unit] = codes
    return assembled(ids, where[rows], rows, [(str(kind), str(name)) for kind, name in pairs])


def _rolled_up(
    rows: Ints, pairs: list[tuple[str, str]], coded: Sequence[bool], roll_up: RollUp | None
) -> tuple[Ints, list[tuple[str, str]], dict[str, int]]:
    """Return rows and (kind, code) pairs with each code as what it counts as, and the counts."""
    if roll_up is None:
        return rows, pairs, {}
    known: dict[str, tuple[str, ...]] = {}
    where: list[int] = []
    made: list[tuple[str, str]] = []
    n_raised = 0
    for row, (kind, code), is_code in zip(rows.tolist(), pairs, coded, strict=True):
        if code not in known:
            known[code] = roll_up(code)
        counted = known[code] if is_code else (code,)
        n_raised += counted != (code,)
        where += [row] * len(counted)
        made += [(kind, each) for each in counted]
    counts = {"counted as an ancestor": n_raised, "below none": len(pairs) - n_raised}
    return np.array(where, np.int64), made, counts


def _owners(table: EntityTable | EventTable, unit: str, has_unit: Array) -> Array:
    """Return the patient of each basket, in the order of `_made`; None where no row names one."""
    owner: dict[str, Any] = {}
    for stay, patient in zip(table[unit][has_unit], table["patient"][has_unit], strict=True):
        owner[stay] = owner.get(stay) or patient or None
    return _text(list(owner.values()))


def assembled(ids: Array, where: Ints, rows: Ints, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return ids, items, kinds, matrix and evidence of (kind, name) `pairs`.

    `where` is the basket of each pair, `rows` the row of the source that put it there.
    """
    names, kinds, items = _items(pairs)
    order = np.lexsort((rows, items, where))
    return {
        "ids": ids,
        "items": names,
        "kinds": kinds,
        "matrix": _held(where, items, (len(ids), len(names))),
        "evidence": np.stack([where, items, rows], axis=1)[order],
    }


def _held(where: Ints, items: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return ones where a basket holds an item, however often it was named."""
    matrix = sparse.csr_matrix((np.ones(len(items), np.int32), (where, items)), shape=shape)
    matrix.sum_duplicates()
    matrix.data = np.ones(matrix.nnz, np.int8)
    return matrix


def _codes(values: Iterable[Any]) -> tuple[Array, Ints]:
    """Return the distinct values in order of first appearance, and the code of each value."""
    seen: dict[Any, int] = {}
    codes = np.fromiter((seen.setdefault(v, len(seen)) for v in values), np.int64)
    return _text([str(value) for value in seen]), codes


def _items(pairs: list[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...], Ints]:
    """Return item names, their kinds, and the item code of each (kind, name) pair."""
    order = {pair: j for j, pair in enumerate(sorted(set(pairs)))}
    shared = Counter(name for _, name in order)
    # A name of two kinds is two items
    names = tuple(f"{name} ({kind})" if shared[name] > 1 else name for kind, name in order)
    codes = np.fromiter((order[pair] for pair in pairs), np.int64, len(pairs))
    return names, tuple(kind for kind, _ in order), codes


def _zero_one(values: Array, name: str) -> Ints:
    """Return the rows where a wide column is 1."""
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise DataError(
            f"column {name!r} of a wide table must hold 0 and 1 only, got another value"
        )
    return np.flatnonzero(numbers)


def _name(value: Any) -> str:
    """Return an id or item as text; a whole number that a missing cell made a float stays whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _kind(kinds: Mapping[str, str] | str, name: str) -> str:
    return kinds if isinstance(kinds, str) else kinds.get(name, "item")


def _text(values: list[Any]) -> Array:
    out: Array = np.full(len(values), None, dtype=object)
    out[:] = values
    return out
