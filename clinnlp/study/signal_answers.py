"""Signals that were mined, found by name: which of these drugs are told of together, or alone."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools
from clinnlp.core.vocab import fold
from clinnlp.mine.signals.interactions import Signals

__all__ = ["SignalIndex"]

_OUTCOME = "outcome"


class SignalIndex:
    """Tables of signals with an index of their names, in any case.

    Parameters
    ----------
    tables : sequence of Signals
        Of drugs or of drug pairs.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.signals.drug_events import mine_signals
    >>> frame = pd.DataFrame({"iron": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6})
    >>> kinds = {"iron": "drug", "rash": "outcome"}
    >>> index = SignalIndex([mine_signals(frame_baskets(frame, kinds=kinds))])
    >>> n_found, rows = index.find(["Iron"])
    >>> n_found, rows[0]["outcome"], rows[0]["n_both"]
    (1, 'rash', 6)
    """

    def __init__(self, tables: Sequence[Signals]) -> None:
        self._tables = tuple(tables)
        self._rows = tuple(_by_name(table) for table in tables)

    def find(
        self,
        drugs: Collection[str],
        outcomes: Collection[str] = (),
        *,
        called_only: bool = False,
        limit: int = 100,
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many rows speak of these drugs alone, and the surest of them.

        Parameters
        ----------
        drugs : collection of str
            All drugs of a row are among them.
        outcomes : collection of str
            Its outcome is among them; none: any outcome.
        called_only : bool
            Whether only rows count that are called a signal.
        limit : int
            Most rows to return, those of the smallest q first.
        """
        found: list[tuple[float, dict[str, Any]]] = []
        n_found = 0
        for table, rows in zip(self._tables, self._rows, strict=True):
            keep = _speaking(table, rows, drugs, outcomes)
            if called_only:
                keep &= table.columns["signal"].astype(bool)
            at = np.flatnonzero(keep)
            n_found += len(at)
            q = table.columns["q_bh"][at].astype(float)
            surest = at[np.argsort(q, kind="stable")[:limit]]
            found += [(float(table.columns["q_bh"][row]), _plain(table, row)) for row in surest]
        found.sort(key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])
        return n_found, [row for _, row in found[:limit]]


def _by_name(table: Signals) -> dict[str, dict[str, Array]]:
    """Return for each key of a table its rows by folded name."""
    made: dict[str, dict[str, Array]] = {}
    for key in table.keys:
        names, codes = np.unique(table.columns[key].astype(str), return_inverse=True)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(names)))
        parts: dict[str, list[Array]] = defaultdict(list)
        for name, rows in zip(names, np.split(order, ends[:-1]) if len(names) else [], strict=True):
            parts[fold(str(name))].append(rows)
        made[key] = {name: np.concatenate(rows) for name, rows in parts.items()}
    return made


def _speaking(
    table: Signals,
    rows: dict[str, dict[str, Array]],
    drugs: Collection[str],
    outcomes: Collection[str],
) -> Bools:
    """Return which rows speak of these drugs alone, and of one of the outcomes."""
    keep = np.ones(len(table), dtype=bool)
    for key in table.keys:
        wanted = outcomes if key == _OUTCOME else drugs
        if wanted or key != _OUTCOME:
            keep &= _named(rows[key], wanted, len(table))
    return keep


def _named(rows: dict[str, Array], names: Collection[str], n: int) -> Bools:
    keep = np.zeros(n, dtype=bool)
    for name in names:
        keep[rows.get(fold(name), np.empty(0, np.int64))] = True
    return keep


def _plain(table: Signals, row: int) -> dict[str, Any]:
    """Return a row as values that JSON has: nan and infinity are missing."""
    values = {name: column[row] for name, column in table.columns.items()}
    plain = {name: v.item() if isinstance(v, np.generic) else v for name, v in values.items()}
    return {
        name: None if isinstance(v, float) and not math.isfinite(v) else v
        for name, v in plain.items()
    }
