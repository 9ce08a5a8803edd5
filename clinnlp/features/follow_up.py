"""Time to event from a table: when the outcome came, when its patient died, how long it was seen.

What is known of a row decides what ended it: the outcome at `time`, else death, else the end of
follow-up. A row of which none is known has no follow-up, and is left out and counted, never
guessed. Times that contradict each other are refused. What is a mere day lasts to its end, but for
the day of an index or of an outcome, which is its beginning: an outcome on the index day is not
after index.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.follow_up import DEATH, END, OUTCOME, UNKNOWN, Dying, FollowUp
from clinnlp.core.tables import Outcome
from clinnlp.core.times import is_day, known_from, read_time, to_second
from clinnlp.features.outcomes import REPEATED, OutcomeRead, Whom, id_of, is_missing, truth_of

__all__ = [
    "COLUMNS",
    "UNKNOWN_THERE",
    "FollowUpRead",
    "FollowUpRows",
    "follow_up_from_columns",
    "outcome_at",
]

COLUMNS = ("patient", "index_time", "outcome", "time", "follow_up_end", "death")
UNKNOWN_THERE = "not_followed_to_the_horizon"
_REASONS = (
    "patient_missing", "index_missing", "outcome_missing", "outcome_before_index",
    "outcome_without_its_time", "follow_up_end_missing",
)  # fmt: skip
_DAY = np.timedelta64(86_400, "s")
_LATER = {  # what must not lie before what
    ("follow_up_end", "index_time"): "follow_up_end must not lie before index_time, got a negative "
    "follow-up",
    ("death", "index_time"): "death must not lie before index_time, got an earlier one",
    ("death", "time"): "death must not lie before the time of the outcome, got an earlier one; "
    "where the outcome is death, leave the column death away",
    ("follow_up_end", "time"): "the time of an outcome must not lie after follow_up_end, when "
    "nobody looked any more, got a later one",
}


class FollowUpRead(NamedTuple):
    """A follow-up, and how many rows of its source were left out, by reason."""

    follow_up: FollowUp
    n_excluded: Mapping[str, int]


class FollowUpRows:
    """Rows of a table of time to event, taken one by one, so that a wrong one can be left out.

    Parameters
    ----------
    seen_days : float, optional
        How long a row counts as seen whose outcome is 0 and which does not say until when.
    """

    def __init__(self, seen_days: float | None = None) -> None:
        self._seen = None if seen_days is None else np.timedelta64(round(seen_days * 86_400), "s")
        self.n_excluded = dict.fromkeys(_REASONS, 0)
        self._kept: dict[Whom, tuple[np.timedelta64, int]] = {}
        self._zoned: bool | None = None

    def add(self, row: Mapping[str, Any], line: int | None = None) -> None:
        """Take a row: cells by their names in `COLUMNS`; without ``outcome``, a time says it.

        Raises
        ------
        DataError
            A cell that is neither valid nor missing, times that contradict each other, times with
            a zone beside times without, or another end of the same patient and index time.
        """
        reason = next((r for r in ("patient", "index") if is_missing(row.get(_NAME[r]))), None)
        if reason is not None:
            self.n_excluded[f"{reason}_missing"] += 1
            return
        self._check_zone(row, line)
        times: _Times = {name: _time(name, row.get(name), line) for name in _TIMES}
        truth = None if is_missing(row.get("outcome")) else truth_of(row["outcome"], line)
        if truth == 0 and times["time"] is not None:
            raise DataError(
                "time must be that of the outcome, got one where the outcome is 0; until when "
                "somebody was seen is follow_up_end",
                line=line,
            )
        if truth == 0 and times["follow_up_end"] is None and self._seen is not None:
            times["follow_up_end"] = times["index_time"] + self._seen
        reason, ended = _ended(times, "outcome" in row, truth, line)
        if reason:
            self.n_excluded[reason] += 1
        else:
            self._keep((id_of(row["patient"]), times["index_time"]), ended, line)

    def read(self) -> FollowUpRead:
        """Return what was taken."""
        whom, ended = list(self._kept), list(self._kept.values())
        follow_up = FollowUp(
            patients=np.array([who for who, _ in whom], dtype=object),
            index=np.array([index for _, index in whom], dtype="datetime64[s]"),
            days=np.array([seen / _DAY for seen, _ in ended], dtype=np.float64),
            event=np.array([what for _, what in ended], dtype=np.int8),
        )
        return FollowUpRead(follow_up, dict(self.n_excluded))

    def _keep(self, whom: Whom, ended: tuple[np.timedelta64, int], line: int | None) -> None:
        if whom not in self._kept:
            self._kept[whom] = ended
        elif self._kept[whom] == ended:
            self.n_excluded[REPEATED] = self.n_excluded.get(REPEATED, 0) + 1
        else:
            raise DataError(
                "rows of one patient and index time must have the same follow-up, got another; "
                "keep one of them",
                line=line,
            )

    def _check_zone(self, row: Mapping[str, Any], line: int | None) -> None:
        for name in _TIMES:
            zoned = _has_zone(row.get(name))
            if zoned is None:
                continue
            if self._zoned is not None and self._zoned != zoned:
                raise DataError(
                    "times of one table must all have a zone or all have none, got both: those "
                    "without one would count as UTC",
                    line=line,
                )
            self._zoned = zoned


def follow_up_from_columns(
    patients: Sequence[Any],
    index: Sequence[Any],
    *,
    times: Sequence[Any] | None = None,
    follow_up_end: Sequence[Any] | None = None,
    death: Sequence[Any] | None = None,
    outcome: Sequence[Any] | None = None,
) -> FollowUpRead:
    """Return the follow-up in equally long columns.

    Parameters
    ----------
    patients, index : sequence
        Whom to predict for, and from when.
    times : sequence, optional
        When the outcome came; missing where it did not. Where it came at or before index, the row
        is left out and counted.
    follow_up_end, death : sequence, optional
        Until when somebody was seen, and when they died; missing where it is not known.
    outcome : sequence of 0 and 1, optional
        Whether the outcome came; else it came where it has a time.

    Returns
    -------
    FollowUpRead
        The follow-up, and how many rows were left out, by reason.

    Raises
    ------
    DataError
        As `FollowUpRows.add`; its line counts a header as line 1.

    Examples
    --------
    >>> read = follow_up_from_columns(
    ...     ["a", "b", "c"], ["2024-01-01"] * 3, times=["2024-01-11", None, None],
    ...     follow_up_end=["2024-03-01", "2024-03-01", None],
    ... )
    >>> read.follow_up, read.n_excluded["follow_up_end_missing"]
    (FollowUp(2 rows, 1 with the outcome, 0 died first), 1)
    """
    given = (patients, index, outcome, times, follow_up_end, death)
    columns = {n: column for n, column in zip(COLUMNS, given, strict=True) if column is not None}
    rows = FollowUpRows()
    for line, cells in enumerate(zip(*columns.values(), strict=True), start=2):
        rows.add(dict(zip(columns, cells, strict=True)), line)
    return rows.read()


def outcome_at(
    read: FollowUpRead, horizon_days: float, *, death: Dying = "competing"
) -> OutcomeRead:
    """Return the outcome of the rows of which it is known at a horizon, the others counted.

    Parameters
    ----------
    read : FollowUpRead
    horizon_days : float
        Days after index, above 0.
    death : {"competing", "unknown"}
        As in `FollowUp.at`.

    Returns
    -------
    OutcomeRead
        Of the known rows; those that are not are counted among the left out.

    Raises
    ------
    ArgumentError
        As `FollowUp.at`.

    Examples
    --------
    >>> read = follow_up_from_columns(
    ...     ["a", "b"], ["2024-01-01"] * 2, times=["2024-01-11", None],
    ...     follow_up_end=[None, "2024-01-20"],
    ... )
    >>> found = outcome_at(read, 30)
    >>> found.outcome.values.tolist(), found.n_excluded[UNKNOWN_THERE]
    ([1], 1)
    """
    seen = read.follow_up
    values = seen.at(horizon_days, death=death)
    known = values != UNKNOWN
    outcome = Outcome(patients=seen.patients[known], index=seen.index[known], values=values[known])
    return OutcomeRead(outcome, {**read.n_excluded, UNKNOWN_THERE: int(np.sum(~known))})


_NAME = {"patient": "patient", "index": "index_time"}
_TIMES = ("index_time", "time", "follow_up_end", "death")
_Times = dict[str, Any]  # datetime64[s] or None, by column


def _ended(
    times: _Times,
    told: bool,  # noqa: FBT001
    truth: int | None,
    line: int | None,
) -> tuple[str, tuple[np.timedelta64, int]]:
    """Return why a row is left out, or else after how long it ended and by what."""
    index, came, end, died = (times[n] for n in ("index_time", "time", "follow_up_end", "death"))
    nothing = (np.timedelta64(0, "s"), END)
    if told and truth is None:
        return "outcome_missing", nothing
    if came is not None and came <= index:
        return "outcome_before_index", nothing
    for (later, earlier), said in _LATER.items():
        both = times[later], times[earlier]
        if None not in both and both[0] < both[1]:
            raise DataError(said, line=line)
    if came is not None:
        return "", (came - index, OUTCOME)
    if truth:
        return "outcome_without_its_time", nothing
    if died is not None and (end is None or died <= end):
        return "", (died - index, DEATH)
    if end is not None:
        return "", (end - index, END)
    return "follow_up_end_missing", nothing


def _time(name: str, cell: Any, line: int | None) -> np.datetime64 | None:
    if is_missing(cell):
        return None

    def refusal(_: Exception) -> DataError:
        return DataError(f"{name} must be a time in ISO 8601, got another form", line=line)

    with instead_of(ValueError, refusal):  # which quotes the cell
        return known_from(cell) if name in ("follow_up_end", "death") else to_second(cell)


def _has_zone(cell: Any) -> bool | None:
    """Return whether a time has a zone; None where it is a mere day, missing, or no time."""
    if isinstance(cell, str):
        if is_missing(cell) or is_day(cell):
            return None
        try:
            cell = read_time(cell)
        except ValueError:
            return None
    return cell.tzinfo is not None if isinstance(cell, datetime) and cell == cell else None
