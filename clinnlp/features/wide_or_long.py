"""Baskets of tables of other programs: a column per item, or a row per occurrence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Ints, objects
from clinnlp.core.arrow import coded_column, column_arrays, column_lists, names_of, row_ids
from clinnlp.core.baskets import Baskets
from clinnlp.core.coded import first_seen
from clinnlp.core.errors import DataError
from clinnlp.core.vocab import fold_term, squeeze
from clinnlp.features.items import assembled, joined_alike, spelled_alike

__all__ = ["long_baskets", "wide_baskets"]

_REPEATED = "ids and items of a wide table must be unique, got a repeated one"


def wide_baskets(
    frame: Any, unit: str | None, kinds: Mapping[str, str] | str, *, fold_terms: bool
) -> Baskets:
    """Return the baskets of a table with a row per basket and a column of 0 and 1 per item."""
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
    ).tocsr()
    n_folded: dict[str, int] = {}
    if fold_terms:
        names, matrix, n_folded = joined_alike(names, matrix)
    return Baskets(
        matrix=matrix,
        ids=objects([str(i) for i in ids]),
        items=tuple(names),
        kinds=tuple(_kinds(names, kinds, fold_terms=fold_terms)),
        unit=unit or "row",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
        n_folded=n_folded,
    )


def long_baskets(
    frame: Any, item: str, unit: str, kinds: Mapping[str, str] | str, *, fold_terms: bool
) -> Baskets:
    """Return the baskets of a table with a row per basket and item."""
    units, names = coded_column(frame, unit), coded_column(frame, item)
    named = np.flatnonzero(units.codes >= 0)
    numbers, order = first_seen(units.codes[named], len(units.values))
    written = [_name(value) for value in names.values.tolist()]
    n_folded: dict[str, int] = {}
    if fold_terms:
        written, n_folded = spelled_alike(written, names.counts(named))
    names = names.renamed(written).take(named)
    # A blank cell names no item, as in tables of events
    rows = np.flatnonzero(names.holding(lambda name: squeeze(name) != ""))
    names = names.take(rows)
    of = names.renamed(_kinds(names.values.tolist(), kinds, fold_terms=fold_terms))
    made = assembled(
        objects([_name(value) for value in units.values[order].tolist()]),
        numbers[rows],
        rows,
        of,
        names,
    )
    return Baskets(
        **{**made, "evidence": np.empty((0, 3), np.int64)},
        unit=unit,
        entities=None,
        n_excluded={
            "no_unit": len(units) - len(named),
            "no_item": len(named) - len(rows),
        },
        n_unassessed={},
        n_folded=n_folded,
    )


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


def _kinds(names: Sequence[str], kinds: Mapping[str, str] | str, *, fold_terms: bool) -> list[str]:
    """Return the kind of each item; where terms are folded, that of any of its spellings."""
    if isinstance(kinds, str):
        return [kinds] * len(names)
    folded = {fold_term(name): kind for name, kind in kinds.items()} if fold_terms else {}
    return [kinds.get(name, folded.get(fold_term(name), "item")) for name in names]
