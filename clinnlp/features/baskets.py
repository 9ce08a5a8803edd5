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

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Bools, Ints, Ints32, objects
from clinnlp.core.arrow import names_of, read_once
from clinnlp.core.basket_blocks import NO_ITEM
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_one_of
from clinnlp.core.coded import Coded, first_seen
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import AXES
from clinnlp.core.tables import LEAVING, EntityTable, EventTable
from clinnlp.core.vocab import squeeze
from clinnlp.features.entities import asserted
from clinnlp.features.item_names import names_of_baskets
from clinnlp.features.items import assembled, folded_alike, one_spelling, rolled_up
from clinnlp.features.wide_or_long import long_baskets, wide_baskets

__all__ = ["EVENT_KINDS", "UNITS", "baskets", "event_baskets", "frame_baskets"]

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
    fold_terms: bool = True,
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
    fold_terms : bool
        Take the text of mentions without a concept folded: case, white space and the composition
        of characters (Unicode NFC) make no other item. Concept ids stay as they are. With ``False``
        the text counts as it is written.

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
    n_excluded, units = _with_unit(table, unit)
    wanted = units.has.copy()
    if label is not None:
        wanted &= _labelled(table, [label] if isinstance(label, str) else label)
        n_excluded["label"] = int(np.sum(units.has & ~wanted))
    rows = np.flatnonzero(wanted)
    mask, counts = asserted(
        table.take(rows), strict=strict, axes=axes, changes=changes, chronic_counts=chronic_counts
    )
    n_excluded |= counts.n_excluded
    rows = rows[mask]
    labels = table.coded("label").take(rows).filled("")
    named = labels.renamed([(kinds or {}).get(str(one), str(one)) for one in labels.values])
    names, is_code, n_folded = _item_names(table, rows, fold_terms=fold_terms)
    n_concept = int(np.sum(is_code[names.codes]))
    rows, named, names, n_rolled_up = rolled_up(rows, named, names, is_code.tolist(), roll_up)
    made = assembled(units.ids, units.where[rows], rows, named, names)
    return Baskets(
        **made,
        names=names_of_baskets(made["items"], made["kinds"], table, roll_up),
        patients=_owners(table, units),
        unit=unit,
        entities=table,
        n_excluded=n_excluded,
        n_unassessed=counts.n_unassessed,
        n_chronic=counts.n_chronic,
        n_concept=n_concept,
        n_text=int(np.sum(mask)) - n_concept,
        n_rolled_up=n_rolled_up,
        n_folded=n_folded,
    )


def event_baskets(
    events: EventTable,
    *,
    unit: str = "encounter",
    kinds: Sequence[str] | None = EVENT_KINDS,
    roll_up: RollUp | None = None,
    fold_terms: bool = True,
    spelling_patients: int = 1,
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
        As in `baskets`. A code that its terminology has is written as there.
    fold_terms : bool
        Take as one item what differs only in case, white space or the composition of characters
        (Unicode NFC): "Angioedema" and "angioedema ". It is called by the spelling that most events
        have; `Baskets.n_folded` says how many others there were. A few coding systems tell codes
        apart by case, such as Read codes: ``False`` takes codes as they are written.
    spelling_patients : int
        Patients who must have a spelling for it to be shown, else the folded one is: for tables in
        which small cells are withheld.

    Returns
    -------
    Baskets
        Its `evidence` points to the rows of `events`.

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
    n_excluded, units = _with_unit(events, unit)
    names = events.coded("code")
    wanted = units.has & names.holding(
        lambda code: _written(code, fold_terms=fold_terms) not in NO_ITEM
    )
    n_excluded["no_code"] = int(np.sum(units.has & ~wanted))
    kind = events.coded("kind")
    if kinds is not None:
        of_kind = kind.holding(lambda each: str(each) in kinds)
        n_excluded["kind"] = int(np.sum(wanted & ~of_kind))
        wanted &= of_kind
    rows, n_folded = np.flatnonzero(wanted), dict[str, int]()
    if fold_terms:
        patient = events.coded("patient").codes
        owners = patient if (patient >= 0).any() else units.where
        names, n_folded = one_spelling(
            names, rows, owners=owners, least=spelling_patients, roll_up=roll_up
        )
    taken, names = kind.filled("").take(rows), names.take(rows)
    is_code = [True] * len(names.values)
    rows, taken, names, n_rolled_up = rolled_up(rows, taken, names, is_code, roll_up)
    made = assembled(units.ids, units.where[rows], rows, taken, names)
    return Baskets(
        **made,
        names=names_of_baskets(made["items"], made["kinds"], events, roll_up),
        patients=_owners(events, units),
        unit=unit,
        entities=None,
        events=events,
        n_excluded=n_excluded,
        n_unassessed={},
        n_rolled_up=n_rolled_up,
        n_folded=n_folded,
    )


def frame_baskets(
    frame: Any,
    *,
    item: str | None = None,
    unit: str | None = None,
    kinds: Mapping[str, str] | str = "item",
    fold_terms: bool = True,
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
    fold_terms : bool
        Take as one item what differs only in case, white space or the composition of characters, as
        in `event_baskets`; kinds of items are looked up so too. ``False`` takes names as they are.

    Returns
    -------
    Baskets
        Without evidence: a table of items has no mentions.

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
    if item is None:
        return wide_baskets(frame, unit, kinds, fold_terms=fold_terms)
    if unit is None:
        raise ArgumentError("a long table needs unit, the column with the basket's id; got none")
    return long_baskets(frame, item, unit, kinds, fold_terms=fold_terms)


class _Units(NamedTuple):
    """Which rows have the id of a unit, the number of each one's basket, and the ids of these."""

    has: Bools
    where: Ints32
    ids: Array


def _with_unit(table: EntityTable | EventTable, unit: str) -> tuple[dict[str, int], _Units]:
    """Return the count of rows without the unit's id, and the baskets of the others.

    All rows that have a unit make a basket, also those without an item.
    """
    column = table.coded(unit)
    has = column.holding(lambda name: squeeze(str(name)) not in NO_ITEM)
    if len(table) and not has.any():
        raise ArgumentError(
            f"rows of the table must have the {unit} id for unit={unit!r}, got none in "
            f"{len(table)} rows; choose another unit"
        )
    numbers, order = first_seen(column.codes[has], len(column.values))
    where = np.zeros(len(table), np.int32)
    where[has] = numbers
    units = _Units(has, where, objects(map(str, column.values[order].tolist())))
    if unit == "encounter":
        _check_encounters(table, units)
    return {f"no_{unit}": int(np.sum(~has))}, units


def _labelled(table: EntityTable, wanted: Sequence[str]) -> Bools:
    labels = table.coded("label").filled("")
    there = {str(labels.values[k]) for k in np.flatnonzero(labels.counts())}
    absent = sorted(set(wanted) - there)
    if len(table) and absent:
        known = ", ".join(sorted(there))
        raise ArgumentError(f"label must be among {known}, got {', '.join(absent)}")
    return labels.holding(lambda label: str(label) in wanted)


def _first_owners(table: EntityTable | EventTable, units: _Units) -> tuple[Ints, Ints32, Coded]:
    """Return the rows with a basket and a patient, the first of each basket, and the patients."""
    patient = table.coded("patient")
    rows = np.flatnonzero(units.has & patient.present())
    owner = np.full(len(units.ids), -1, np.int32)
    owner[units.where[rows[::-1]]] = patient.codes[rows[::-1]]  # of several the first stays
    return rows, owner, patient


def _check_encounters(table: EntityTable | EventTable, units: _Units) -> None:
    rows, owner, patient = _first_owners(table, units)
    others = rows[owner[units.where[rows]] != patient.codes[rows]]
    if len(others):
        raise DataError(
            f"an encounter id must belong to one patient, got that of row {others[0]} for two; "
            "make the ids unique"
        )


def _owners(table: EntityTable | EventTable, units: _Units) -> Array:
    """Return the patient of each basket; None where no row names one."""
    _, owner, patient = _first_owners(table, units)
    return Coded(values=patient.values, codes=owner).array()


def _item_names(
    table: EntityTable, rows: Ints, *, fold_terms: bool
) -> tuple[Coded, Bools, dict[str, int]]:
    """Return the item of each mention, which names are concepts, and what was folded.

    An item is the first concept of a mention, else its text.
    """
    concept, text = table.coded("concept").take(rows), table.coded("text").take(rows).filled("")
    linked = concept.present()
    n_folded: dict[str, int] = {}
    if fold_terms:
        made = folded_alike([str(v) for v in text.values], text.counts(~linked))
        text, n_folded = text.renamed(made.names), made.n_folded
    n = len(concept.values)
    codes = np.where(linked, concept.codes, n + text.codes).astype(np.int32)
    names = Coded(values=np.concatenate([concept.values, text.values]), codes=codes)
    return names, np.arange(len(names.values)) < n, n_folded


def _written(code: Any, *, fold_terms: bool) -> str:
    return squeeze(str(code)) if fold_terms else str(code)
