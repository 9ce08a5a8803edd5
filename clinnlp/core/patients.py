"""Patients, their stays, and what happened when.

`known` is when a fact could first have been read; an event without it cannot be used for
prediction and is counted as such.
"""

from dataclasses import dataclass
from datetime import date, datetime

from clinnlp.core.errors import ArgumentError

__all__ = ["Encounter", "Patient", "TimeWindow", "TimelineEvent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A person; a missing birth date stays missing."""

    id: str
    birth_date: date | None = None
    sex: str | None = None
    ethnicity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """A stay or visit of one patient."""

    id: str
    patient: str
    start: datetime | None = None
    end: datetime | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """A structured fact about a patient: drug, diagnosis, measurement, outcome."""

    patient: str
    start: datetime | None
    code: str
    end: datetime | None = None
    vocabulary: str = ""
    kind: str = ""
    value: float | None = None
    unit: str | None = None
    dose: str | None = None
    encounter: str | None = None
    known: datetime | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """Days relative to an index time, half-open: ``start_days <= t - index < end_days``.

    A look-back window ends at 0 at the latest.

    Parameters
    ----------
    start_days, end_days : float
        Days after the index time, negative before it; `end_days` is not in the window.

    Examples
    --------
    >>> TimeWindow(start_days=-365, end_days=0).name
    '-365d..0d'
    """

    start_days: float
    end_days: float

    def __post_init__(self) -> None:
        if not self.start_days < self.end_days:
            raise ArgumentError(
                "a time window must have start_days < end_days, "
                f"got {self.start_days} and {self.end_days}"
            )

    @property
    def name(self) -> str:
        """Short form for feature names."""
        return f"{self.start_days:g}d..{self.end_days:g}d"
