"""By how many days the dates of a patient are moved: one secret number for each.

All dates of a patient move alike, so that intervals and order stay. They move back, so that none
lies in the future. Where weekdays are to stay, by whole weeks; where seasons are, by about whole
years. A patient who is alone in having something on a day may still be known by what lies between
the days: moved dates are no Safe Harbor.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from clinnlp.core.errors import ArgumentError
from clinnlp.study.deidentify.keys import Key

__all__ = ["Offsets", "moved"]

D = TypeVar("D", date, datetime)

_FEWEST = 30  # days; a date is never left so near to where it was
_YEAR = 365.2425
_SEASON = 21  # days by which a season may be missed


class Offsets:
    """The days by which patients are moved.

    Parameters
    ----------
    key : Key
    most_days : int
        At most so many.
    keep_weekday, keep_season : bool

    Raises
    ------
    ArgumentError
        So few days that there would be hardly a choice.

    Examples
    --------
    >>> offsets = Offsets(Key(b"example"), 3650, keep_weekday=True)
    >>> offsets("p1") % 7, offsets("p1") < 0, offsets("p1") == offsets("p1")
    (0, True, True)
    """

    def __init__(
        self,
        key: Key,
        most_days: int,
        *,
        keep_weekday: bool = False,
        keep_season: bool = False,
    ) -> None:
        step = 7 if keep_weekday else 1
        days = range(step * -(-_FEWEST // step), most_days + 1, step)
        self._days = [day for day in days if not keep_season or _is_season(day)]
        if len(self._days) < 20:
            raise ArgumentError(
                f"max_shift_days must leave at least 20 offsets to draw from, got {most_days}, "
                f"which leaves {len(self._days)}"
            )
        self._key = key
        self._drawn = lru_cache(100_000)(self._draw)

    def __call__(self, person: str) -> int:
        """Return by how many days the dates of a person move."""
        return self._drawn(person)

    def _draw(self, person: str) -> int:
        return -self._days[self._key.draw("offset", person) % len(self._days)]


def moved(time: D | None, days: int) -> D | None:
    """Return a time moved by days; None where there is none, or it would be before the year 1."""
    if time is None:
        return None
    try:
        return time + timedelta(days=days)
    except OverflowError:
        return None


def _is_season(day: int) -> bool:
    rest = day % _YEAR
    return min(rest, _YEAR - rest) <= _SEASON and day > _YEAR / 2
