"""How many had come by when, where not all were followed: Kaplan–Meier, Aalen–Johansen, weights.

At each distinct time t of n rows, Y are still seen, d₁ have the outcome, d₂ die before it, and c
are seen for the last time, those after the others of the same time:

    Kaplan–Meier      S(t)  = Π (1 - d₁ / Y)             death ends follow-up
    Aalen–Johansen    F(t)  = Σ S₁₂(t-) d₁ / Y           S₁₂(t) = Π (1 - (d₁ + d₂) / Y)
    followed          G(t)  = Π (1 - c / (Y - d₁ - d₂))
    weight at h       1 / G(T-) where something came by h, 1 / G(h-) where nothing had,
                      0 where follow-up ended before

The weights of all rows sum to n, and the weighted share of outcomes is F(h). They, and both curves,
take it that who is lost to follow-up is at the same risk as who is not.

References
----------
Kaplan and Meier, JASA 1958; Aalen and Johansen, Scand J Stat 1978; Graf et al., Stat Med 1999.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.checks import check_level
from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import DEATH, END, OUTCOME, check_horizon
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval

__all__ = [
    "IncidenceCurve",
    "Timed",
    "aalen_johansen",
    "check_followed",
    "check_times",
    "horizon_weights",
    "kaplan_meier",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncidenceCurve:
    """A step function of days, with its interval; arrays of one shape.

    Parameters
    ----------
    days : array of float64
        Rising; from each on, the value holds until the next.
    value, low, high : array of float64
        Of Kaplan–Meier the share still without the outcome, of Aalen–Johansen the share with it.
    n_at_risk, n_outcomes : array of int64
        Rows still seen on the day, and outcomes up to it.
    method : str
        How the interval was made.
    """

    days: Floats
    value: Floats
    low: Floats
    high: Floats
    n_at_risk: Counts
    n_outcomes: Counts
    method: str

    def __repr__(self) -> str:
        return f"IncidenceCurve({len(self.days)} days)"


class Timed:
    """Rows sorted once by time, so that each reweighting is three counts.

    Parameters
    ----------
    days : array of float64, shape (n,)
    event : array of int8, shape (n,)
        As in `FollowUp`.
    """

    def __init__(self, days: Floats, event: Array) -> None:
        self.days, self._tie = np.unique(days, return_inverse=True)  # (n_times,) rising, (n,)
        self._of = [np.flatnonzero(event == what) for what in (END, OUTCOME, DEATH)]

    def weigh(self, weights: Floats) -> tuple[Floats, list[Floats]]:
        """Return the weight still seen at each time, and of what ended then: end, outcome, death.

        Each of shape (n_times,).
        """
        ended = [
            np.bincount(self._tie[of], weights[of], minlength=len(self.days)).astype(np.float64)
            for of in self._of
        ]
        seen: Floats = np.cumsum((ended[0] + ended[1] + ended[2])[::-1])[::-1]
        return seen, ended

    def survival(self, weights: Floats) -> Floats:
        """Return Kaplan and Meier's share without the outcome, shape (n_times,)."""
        seen, (_, outcome, _) = self.weigh(weights)
        made: Floats = np.cumprod(1 - _share(outcome, seen), dtype=np.float64)
        return made

    def incidence(self, weights: Floats) -> Floats:
        """Return Aalen and Johansen's share with the outcome, shape (n_times,)."""
        seen, (_, outcome, death) = self.weigh(weights)
        free = np.cumprod(1 - _share(outcome + death, seen))
        before = np.concatenate([[1.0], free[:-1]])
        made: Floats = np.cumsum(before * _share(outcome, seen))
        return made

    def followed(self, weights: Floats) -> Floats:
        """Return the share followed up to each time, and after the last, shape (n_times + 1,)."""
        seen, (end, outcome, death) = self.weigh(weights)
        return np.concatenate([[1.0], np.cumprod(1 - _share(end, seen - outcome - death))])

    def at(self, curve: Floats, days: ArrayLike, *, start: float) -> Floats:
        """Return the values of a curve of shape (n_times,) on some days; `start` before the first.

        After the last time at which somebody was seen they are those of that time.
        """
        place = np.searchsorted(self.days, days, side="right")
        made: Floats = np.concatenate([[start], curve])[place]
        return made

    def weights(self, weights: Floats, horizon_days: float, known: Bools, soon: Bools) -> Floats:
        """Return weights times those of follow-up to the horizon, ``nan`` where nobody reached it.

        `known` are rows whose outcome is known there, `soon` those of them who had come by then.
        """
        followed = self.followed(weights)
        of_horizon = followed[np.searchsorted(self.days, horizon_days, side="left")]
        if of_horizon == 0:
            return np.full(len(weights), np.nan)
        share = np.where(known, np.where(soon, followed[self._tie], of_horizon), 1.0)
        # Rows that were not drawn may have no share
        made: Floats = np.where(known & (weights > 0), weights / np.maximum(share, 1e-300), 0.0)
        return made


def kaplan_meier(
    days: ArrayLike,
    event: ArrayLike,
    *,
    at: ArrayLike | None = None,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> IncidenceCurve:
    """Return the share of rows still without the outcome; death ends follow-up.

    Parameters
    ----------
    days : array of float, shape (n,)
        From index to what came, at least 0.
    event : array of int, shape (n,)
        1 the outcome, 2 death before it, 0 the end of follow-up.
    at : array of float, optional
        Days to give the share on; those of outcomes by default.
    groups : sequence of length n, optional
        Patient of each row, drawn together in the bootstrap.
    n_boot : int
        Resamples; 0 gives no intervals.
    level : float
        Coverage of the intervals.
    seed : int
        Of the resampling.

    Returns
    -------
    IncidenceCurve
        Days, shares, and the ends of their intervals.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, a negative time, or another event.

    Examples
    --------
    >>> kaplan_meier([1, 2, 2, 3], [1, 1, 0, 1], n_boot=0).value.tolist()
    [0.75, 0.5, 0.0]

    References
    ----------
    Kaplan and Meier, Journal of the American Statistical Association 53, 1958.
    """
    return _curve(days, event, at, groups, n_boot, level, seed, dying=False)


def aalen_johansen(
    days: ArrayLike,
    event: ArrayLike,
    *,
    at: ArrayLike | None = None,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> IncidenceCurve:
    """Return the share of rows that have had the outcome, death before it being another end.

    Parameters
    ----------
    days, event, at, groups, n_boot, level, seed
        As in `kaplan_meier`.

    Returns
    -------
    IncidenceCurve
        Days, shares, and the ends of their intervals.

    Raises
    ------
    ArgumentError
        As `kaplan_meier`.

    Examples
    --------
    >>> aalen_johansen([1, 2, 2, 3], [1, 2, 0, 1], n_boot=0).value.tolist()
    [0.25, 0.75]

    References
    ----------
    Aalen and Johansen, Scandinavian Journal of Statistics 5, 1978.
    """
    return _curve(days, event, at, groups, n_boot, level, seed, dying=True)


def horizon_weights(days: ArrayLike, event: ArrayLike, *, horizon_days: float) -> Floats:
    """Return the weight of each row at a horizon, 0 where its outcome is not known there.

    Raises
    ------
    ArgumentError
        As `kaplan_meier`, or nobody was followed to the horizon.

    Examples
    --------
    >>> horizon_weights([1, 2, 3, 9], [1, 0, 1, 0], horizon_days=5).round(6).tolist()
    [1.0, 0.0, 1.5, 1.5]
    """
    days, event = check_times(days, event)
    check_horizon(horizon_days)
    timed = Timed(days, event)
    soon = (days <= horizon_days) & (event != END)
    whole = timed.weights(np.ones(len(days)), horizon_days, soon | (days >= horizon_days), soon)
    check_followed(whole, days, horizon_days)
    return whole


def check_followed(weights: Floats, days: Floats, horizon_days: float) -> None:
    """Raise `ArgumentError` where nobody was followed to a horizon, so that weights are undefined.

    Raises
    ------
    ArgumentError
        Then.
    """
    if np.isnan(weights).any():
        raise ArgumentError(
            f"somebody must be followed to the horizon of {horizon_days:g} days, got nobody: the "
            f"longest follow-up has {float(np.max(days)):.0f} days; take a shorter horizon"
        )


def check_times(days: ArrayLike, event: ArrayLike) -> tuple[Floats, Array]:
    """Return days as float64 and events as int8 where both are usable.

    Raises
    ------
    ArgumentError
        See `kaplan_meier`.
    """
    times, ends = np.asarray(days, np.float64), np.asarray(event)
    if times.ndim != 1 or times.shape != ends.shape or not len(times):
        raise ArgumentError(
            "days and event must be equally long, one-dimensional and not empty, "
            f"got shapes {times.shape} and {ends.shape}"
        )
    if not (np.isfinite(times) & (times >= 0)).all():
        raise ArgumentError("days must be 0 or more, got another number")
    if not np.isin(ends, (END, OUTCOME, DEATH)).all():
        raise ArgumentError(
            "event must be 0 (end of follow-up), 1 (outcome) or 2 (death), got another value"
        )
    return times, ends.astype(np.int8)


def _curve(
    days: ArrayLike,
    event: ArrayLike,
    at: ArrayLike | None,
    groups: Sequence[Any] | Array | None,
    n_boot: int,
    level: float,
    seed: int,
    *,
    dying: bool,
) -> IncidenceCurve:
    check_level(level)
    days, event = check_times(days, event)
    codes, n_groups = cluster_codes(groups, len(days))
    timed = Timed(days, event)
    shown = np.unique(days[event == OUTCOME]) if at is None else np.asarray(at, np.float64)

    def made(weights: Floats) -> Floats:
        curve = timed.incidence(weights) if dying else timed.survival(weights)
        return timed.at(curve, shown, start=0.0 if dying else 1.0)

    value = made(np.ones(len(days)))
    draws = bootstrap_draws(lambda w: made(w[codes]), n_groups, n_boot=n_boot, seed=seed)
    unit = "row" if groups is None else "group"
    ends = [
        percentile_interval(v, draws[:, k] if len(draws) else (), level=level, unit=unit)
        for k, v in enumerate(value.tolist())
    ]
    return IncidenceCurve(
        days=shown,
        value=value,
        low=np.array([e.low for e in ends]),
        high=np.array([e.high for e in ends]),
        n_at_risk=len(days) - np.searchsorted(np.sort(days), shown, side="left"),
        n_outcomes=np.searchsorted(np.sort(days[event == OUTCOME]), shown, side="right"),
        method=ends[0].method if ends else "no interval",
    )


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
