"""Drift of notes over time: per period what has moved, with a warning at a stated rate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clinnlp.core.arrays import Array
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.checks import check_fraction, check_one_of
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.notes import Note
from clinnlp.features.note_facts import note_facts
from clinnlp.metrics.periods import moved
from clinnlp.report.csvs import check_csv, write_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["NoteDrift", "check_drift_out", "note_drift", "write_drift"]

_UNITS = {"month": "M", "year": "Y", "week": "W", "day": "D"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoteDrift:
    """What has moved in which period.

    Parameters
    ----------
    columns : mapping of str to array
    alpha : float
        Share of periods that have a warning though nothing has changed.
    reference : str
        The last period of the reference.

    Columns
    -------
    period : text
        Such as 2024-05.
    quantity : text
        As in `clinnlp.features.note_facts`.
    n_notes, n_patients : int
        In the period.
    value, reference : float
        Mean per note in the period, and in the reference.
    low, high : float
        Interval of the difference at the level 1 - alpha.
    p : float
        Two-sided, by patient; nan where fewer than 20 patients have the quantity.
    warned : bool
        Where p is below alpha over the number of quantities looked at in the period.

    Examples
    --------
    >>> from datetime import datetime
    >>> notes = [Note(id=f"{k}", text="cough " * (1 + k % 3),
    ...               time=datetime(2024, 1 + k // 30, 1)) for k in range(90)]
    >>> found = note_drift(notes, reference_to="2024-02")
    >>> found, len(found), found["quantity"].tolist(), found["value"].tolist()
    (NoteDrift(0 of 1 periods warned at 0.01 each), 1, ['words'], [2.0])
    """

    columns: Mapping[str, Array]
    alpha: float
    reference: str

    def __len__(self) -> int:
        return len(self.columns["p"])

    def __repr__(self) -> str:
        return f"NoteDrift({self.summary})"

    @property
    def summary(self) -> str:
        """How many of the later periods have a warning, and at which rate."""
        periods = np.unique(self.columns["period"][self.columns["warned"]])
        n = len(np.unique(self.columns["period"]))
        return f"{len(periods)} of {n} periods warned at {self.alpha:g} each"

    def __getitem__(self, name: str) -> Array:
        """Return a column by its name."""
        if name not in self.columns:
            raise ArgumentError(f"column must be one of {', '.join(self.columns)}, got {name!r}")
        return self.columns[name]

    def lines(self) -> tuple[str, ...]:
        """Return a line for each warning, in order of time."""
        c = self.columns
        return tuple(
            f"{c['period'][k]}: {c['quantity'][k]} {c['value'][k]:.3g} a note, "
            f"{c['reference'][k]:.3g} up to {self.reference} (p {c['p'][k]:.2g})"
            for k in np.flatnonzero(c["warned"])
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return the columns as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns))

    def to_arrow(self) -> "pa.Table":
        """Return the columns as a pyarrow Table."""
        return columns_to_arrow(self.columns)


def note_drift(
    notes: Iterable[Note], *, reference_to: str, every: str = "month", alpha: float = 0.01
) -> NoteDrift:
    """Return how annotated notes of each later period differ from those of the reference.

    Parameters
    ----------
    notes : iterable of Note
        As a pipeline leaves them, each with a time; in any order.
    reference_to : str
        Last period of the reference, such as ``"2024-06"``; all up to it belong to it.
    every : {"month", "year", "week", "day"}
        What a period is.
    alpha : float
        Share of periods that have a warning though nothing has changed.

    Returns
    -------
    NoteDrift
        A row for each period after the reference and each quantity.

    Raises
    ------
    ArgumentError
        An argument out of range, or no note in or after the reference.
    DataError
        A note without a time.

    Examples
    --------
    >>> from datetime import datetime
    >>> notes = [Note(id=f"{k}", text="cough " * (1 + k % 3 + 5 * (k >= 60)),
    ...               time=datetime(2024, 1 + k // 30, 1)) for k in range(120)]
    >>> found = note_drift(notes, reference_to="2024-02")
    >>> found
    NoteDrift(2 of 2 periods warned at 0.01 each)
    >>> found.lines()[0][:23]
    '2024-03: words 7 a note'
    """
    check_one_of(every, tuple(_UNITS), name="every")
    check_fraction(alpha, name="alpha")
    facts = note_facts(notes)
    period = facts.times.astype(f"datetime64[{_UNITS[every]}]")
    wrong = ArgumentError(f"reference_to must be a {every}, such as 2024-06, got {reference_to!r}")
    with instead_of(ValueError, wrong):
        last = np.array([reference_to], f"datetime64[{_UNITS[every]}]")[0]
    if np.isnat(last):
        raise wrong
    of_reference = period <= last
    later = np.unique(period[~of_reference])
    if not of_reference.any() or not len(later):
        raise ArgumentError("there must be notes up to the reference and after it, got none of one")
    parts: list[dict[str, Array]] = []
    for one in later:
        here = period == one
        found = moved(facts.values, facts.patients, here, of_reference, alpha=alpha)
        n = len(facts.quantities)
        parts.append(
            {
                "period": np.full(n, str(one), object),
                "quantity": np.array(facts.quantities, object),
                "n_notes": np.full(n, int(here.sum())),
                "n_patients": np.full(n, len(np.unique(facts.patients[here]))),
                **{name: getattr(found, name) for name in _MOVED},
            }
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return NoteDrift(columns=columns, alpha=alpha, reference=str(last))


def write_drift(found: NoteDrift, path: str | Path) -> None:
    """Write every quantity of every period as CSV, whole or not at all.

    Raises
    ------
    RunError
        It may not be written.
    """
    write_frame(found.to_pandas(), path)


def check_drift_out(path: str | Path, inputs: Iterable[str | Path]) -> None:
    """Check that a table of drift can be written to a path, before hours of work.

    Raises
    ------
    ArgumentError
        Another suffix, or the file is an input.
    RunError
        It may not be written.
    """
    check_csv(path, inputs, what="drift")


_MOVED = ("value", "reference", "low", "high", "p", "warned")
