"""Counts without reports: how often each drug and event stand together, and each alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Ints
from clinnlp.core.arrow import column_arrays, names_of
from clinnlp.core.errors import ArgumentError, instead_of

__all__ = ["COUNT_COLUMNS", "PairCounts", "first_fault"]

COUNT_COLUMNS = ("drug", "event", "a", "n_drug", "n_event", "n")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairCounts:
    """Of each pair the reports with both, with the drug, with the event, and of all reports.

    Parameters
    ----------
    drug, event : array of str, shape (n_pairs,)
        A pair stands there once.
    a, n_drug, n_event : array of int64, shape (n_pairs,)
        Reports with both, with the drug, with the event.
    n : array of int64, shape (n_pairs,)
        All reports: one number.

    Raises
    ------
    ArgumentError
        A count that cannot be; names its row from 0.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"drug": ["statin"], "event": ["myalgia"], "a": [20], "n_drug": [100]}
    >>> PairCounts.from_table(pd.DataFrame(row | {"n_event": [38], "n": [1000]}))
    PairCounts(1 pairs of 1 drugs and 1 events in 1000 reports)
    """

    drug: Array
    event: Array
    a: Ints
    n_drug: Ints
    n_event: Ints
    n: Ints

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in COUNT_COLUMNS}
        fault = first_fault(columns)
        if fault is not None:
            raise ArgumentError(f"row {fault[0]} of counts: {fault[1]}, got another value")

    def __len__(self) -> int:
        return len(self.drug)

    def __repr__(self) -> str:
        n_drugs, n_events = (len(set(side.tolist())) for side in (self.drug, self.event))
        return (
            f"PairCounts({len(self)} pairs of {n_drugs} drugs and {n_events} events in "
            f"{self.n_reports} reports)"
        )

    @property
    def n_reports(self) -> int:
        """All reports; 0 where there is no pair."""
        return int(self.n[0]) if len(self.n) else 0

    @classmethod
    def from_table(cls, table: Any, columns: Mapping[str, str] | None = None) -> "PairCounts":
        """Return the counts of a DataFrame or another table.

        Parameters
        ----------
        table : DataFrame, or a table with the Arrow interface
        columns : mapping of str to str, optional
            How a column is called, such as ``{"n_drug": "reports with the drug"}``.

        Raises
        ------
        ArgumentError
            A column is missing, or a count that cannot be.
        """
        called = {name: (columns or {}).get(name, name) for name in COUNT_COLUMNS}
        absent = sorted({*called.values()} - {*names_of(table)})
        if absent:
            raise ArgumentError(f"counts must have the columns {', '.join(called.values())}, "
                                f"got none named {', '.join(absent)}")  # fmt: skip
        arrays = column_arrays(table, list(called.values()))
        made: dict[str, Any] = dict(zip(called, arrays, strict=True))
        for name in COUNT_COLUMNS[2:]:
            made[name] = _whole(made[name], name)
        for name in COUNT_COLUMNS[:2]:
            made[name] = np.asarray(made[name], object)
        return cls(**made)


def first_fault(columns: Mapping[str, Array]) -> tuple[int, str] | None:
    """Return the first row of counts that cannot be, and what must be so; None where all can."""
    drug, event, a, n_drug, n_event, n = (columns[name] for name in COUNT_COLUMNS)
    if not len(n):
        return None
    drugs, events = _codes(drug), _codes(event)
    laws: tuple[tuple[str, Bools], ...] = (
        ("drug and event must be names", _named(drug) & _named(event)),
        ("a count must be at least 0", np.min([a, n_drug, n_event, n], axis=0) >= 0),
        ("a must be at most n_drug", a <= n_drug),
        ("a must be at most n_event", a <= n_event),
        ("n_drug must be at most n", n_drug <= n),
        ("n_event must be at most n", n_event <= n),
        ("n_drug + n_event - a must be at most n", n_drug - a <= n - n_event),
        ("n must be one number in all rows", n == n[0]),
        ("n_drug must be one number in all rows of a drug", _constant(drugs, n_drug)),
        ("n_event must be one number in all rows of an event", _constant(events, n_event)),
        ("a pair of drug and event must stand there once", _first(drugs, events)),
    )
    faults = [(int(np.argmin(right)), said) for said, right in laws if not right.all()]
    return min(faults, key=lambda fault: fault[0], default=None)


def _codes(names: Array) -> Ints:
    places: dict[Any, int] = {}
    return np.fromiter((places.setdefault(x, len(places)) for x in names), np.int64, len(names))


def _named(names: Array) -> Bools:
    held = (isinstance(name, str) and bool(name.strip()) for name in names)
    return np.fromiter(held, bool, len(names))


def _constant(codes: Ints, values: Ints) -> Bools:
    """Return where a value is that of the first row of the same code."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.asarray(values == values[first][inverse], bool)


def _first(drugs: Ints, events: Ints) -> Bools:
    """Return which rows are the first of their pair."""
    found = np.zeros(len(drugs), bool)
    found[np.unique(drugs * (int(events.max()) + 1) + events, return_index=True)[1]] = True
    return found


def _whole(values: Array, name: str) -> Ints:
    refusal = ArgumentError(f"{name} of counts must hold whole numbers, got another value")
    with instead_of((ValueError, TypeError, OverflowError), refusal):
        numbers = np.asarray(values, np.float64) if values.dtype == object else values
        if numbers.dtype.kind not in "iuf" or (numbers != np.floor(numbers)).any():
            raise TypeError
        return numbers.astype(np.int64)
