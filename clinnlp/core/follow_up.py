"""How long each row was seen from its index time, and what ended that: the noun of time to event.

    index ──────── days ────────▶ outcome (1), death before it (2), or end of follow-up (0)

At a horizon a row is 1 where the outcome had come by then, 0 where it was seen to the horizon
without it, and unknown where follow-up ended before. Who died first cannot have the outcome any
more: 0, a competing event (the risk is then that of Aalen and Johansen), or unknown on request.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Array, Bools, Floats
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError

__all__ = ["DEATH", "END", "OUTCOME", "UNKNOWN", "Dying", "FollowUp", "check_horizon"]

END, OUTCOME, DEATH = 0, 1, 2  # what ended the time in which a row was seen
UNKNOWN = -1  # at a horizon
Dying = Literal["competing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowUp:
    """Rows to predict for, how long each was seen, and what came then.

    Parameters
    ----------
    patients : array of str, shape (n,)
        The cluster for splits and intervals; may repeat where a patient has several rows.
    index : array of datetime64[s], shape (n,)
        Nothing known at or after this time may be used.
    days : array of float64, shape (n,)
        From index to what came, at least 0.
    event : array of int8, shape (n,)
        1 the outcome, 2 death before it, 0 the end of follow-up without either.

    Examples
    --------
    >>> seen = FollowUp(
    ...     patients=np.array(["a", "b", "c"]), index=np.full(3, "2024-01-01", "datetime64[s]"),
    ...     days=np.array([10.0, 40.0, 20.0]), event=np.array([1, 0, 0], np.int8),
    ... )
    >>> seen, seen.at(30).tolist()
    (FollowUp(3 rows, 1 with the outcome, 0 died first), [1, 0, -1])
    """

    patients: Array
    index: Array
    days: Floats
    event: NDArray[np.int8]

    def __post_init__(self) -> None:
        lengths = {len(self.patients), len(self.index), len(self.days), len(self.event)}
        if len(lengths) != 1:
            raise ArgumentError(
                "patients, index, days and event of a follow-up must be equally long, got lengths "
                f"from {min(lengths)} to {max(lengths)}"
            )
        if not np.isin(self.event, (END, OUTCOME, DEATH)).all():
            raise ArgumentError(
                "event must be 0 (end of follow-up), 1 (outcome) or 2 (death), got another number"
            )
        if not (np.isfinite(self.days) & (np.asarray(self.days) >= 0)).all():
            raise ArgumentError("days of a follow-up must be 0 or more, got another number")

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        n, died = (int(np.sum(self.event == what)) for what in (OUTCOME, DEATH))
        return f"FollowUp({len(self)} rows, {n} with the outcome, {died} died first)"

    def take(self, rows: Array) -> "FollowUp":
        """Return the rows at a boolean mask or at integer positions."""
        return FollowUp(
            patients=self.patients[rows],
            index=self.index[rows],
            days=self.days[rows],
            event=self.event[rows],
        )

    def at(self, horizon_days: float, *, death: Dying = "competing") -> NDArray[np.int8]:
        """Return the outcome of each row at a horizon: 0, 1, or -1 where it is not known.

        Parameters
        ----------
        horizon_days : float
            Days after index, above 0.
        death : {"competing", "unknown"}
            What a row is whose patient died before the horizon and the outcome: 0, or unknown.

        Raises
        ------
        ArgumentError
            A horizon that is not above 0, or another word.
        """
        check_horizon(horizon_days)
        check_one_of(death, ("competing", "unknown"), name="death")
        soon: Bools = self.days <= horizon_days
        seen = (self.days >= horizon_days) | ((self.event == DEATH) & (death == "competing"))
        values = np.where((self.event == OUTCOME) & soon, 1, np.where(seen, 0, UNKNOWN))
        return values.astype(np.int8)


def check_horizon(days: float, *, name: str = "horizon_days") -> None:
    """Raise `ArgumentError` where a horizon is not a number of days above 0.

    Examples
    --------
    >>> check_horizon(30)
    """
    if not (np.isfinite(days) and days > 0):
        raise ArgumentError(f"{name} must be days above 0, got {days!r}")
