"""Small cells: rows of an export that would tell of fewer than so many patients are withheld.

A row is withheld as a whole if any cell of its table of counts (2 × 2 of a rule, 2 × 2 × 2 of an
interaction) lies between 1 and ``min_cell`` - 1: blanking one cell alone would leave it to be
computed from the margins. Its tests still count in m, so that no q changes.

References
----------
Matthews and Harel, Data confidentiality: a review of methods for statistical disclosure limitation,
Statistics Surveys 2011;5:1.
"""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from clinnlp.core.arrays import Bools, Ints
from clinnlp.core.counts import Table2x2
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import COUNTS, Signals

__all__ = ["without_small_cells"]

_WHOLE = ("m", "alpha", "level", "baskets", "candidates", "max_len")  # fields not by rule

Mined = TypeVar("Mined", Rules, Signals)


def without_small_cells(mined: Mined, min_cell: int) -> tuple[Mined, int]:
    """Return the rows without a small cell, and how many were withheld."""
    if isinstance(mined, Rules):
        t = mined.table
        cells = _cells(t.n_ab, t.n_a, t.n_b, t.n)
    elif set(COUNTS) <= set(mined.columns):
        cells = np.stack([mined.columns[name] for name in COUNTS])
    else:
        names = ("n_both", "n_drug", "n_outcome", "n")
        cells = _cells(*(mined.columns[name] for name in names))
    keep = np.asarray(~((cells >= 1) & (cells < min_cell)).any(axis=0), bool)
    n_withheld = int(np.sum(~keep))
    if not n_withheld:
        return mined, 0
    if isinstance(mined, Rules):
        changed = {
            name: _taken(getattr(mined, name), keep)
            for name in mined.__slots__
            if name not in _WHOLE
        }
        return replace(mined, **changed), n_withheld
    columns = {name: column[keep] for name, column in mined.columns.items()}
    return replace(mined, columns=columns), n_withheld


def _cells(both: Any, a: Any, b: Any, n: Any) -> Ints:
    return np.stack([both, a - both, b - both, n - a - b + both])


def _taken(value: Any, keep: Bools) -> Any:
    """Return the part of a column of rules that is kept."""
    if isinstance(value, Table2x2):
        return Table2x2(n_ab=value.n_ab[keep], n_a=value.n_a[keep], n_b=value.n_b[keep],
                        n=value.n[keep])  # fmt: skip
    if isinstance(value, tuple):
        return tuple(one for one, kept in zip(value, keep, strict=True) if kept)
    return value[keep]
