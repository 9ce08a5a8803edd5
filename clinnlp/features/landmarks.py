"""Risk again at each visit: a follow-up that begins anew at landmarks.

    index ── visit ── visit ───▶ outcome        three rows: from index, and from each visit on

A visit counts where the patient was still followed, without the outcome: what is known then is more
than at index, and what is asked is the same, the outcome within the horizon from then on. Rows of
one patient stay together in splits and intervals.

References
----------
van Houwelingen, Scandinavian Journal of Statistics 34, 2007 (landmarking).
"""

from collections import defaultdict

import numpy as np

from clinnlp.core.arrays import Array
from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import FollowUp
from clinnlp.features.follow_up import FollowUpRead

__all__ = ["landmarks"]

_DAY = np.timedelta64(86_400, "s")
_OTHER, _BEFORE, _AFTER = (
    "visits_of_other_patients", "visits_at_or_before_index", "visits_at_or_after_the_end",
)  # fmt: skip


def landmarks(follow_up: FollowUp, patients: Array, times: Array) -> FollowUpRead:
    """Return the rows of a follow-up, and one more for each visit at which it still went on.

    Parameters
    ----------
    follow_up : FollowUp
    patients : array of str, shape (m,)
        Whose each visit is.
    times : array of datetime64, shape (m,)
        When it was: from then on the risk is asked again.

    Returns
    -------
    FollowUpRead
        Rows in order of the follow-up and of time; counts of visits that are no landmark.

    Raises
    ------
    ArgumentError
        Patients and times are not equally long.

    Examples
    --------
    >>> seen = FollowUp(patients=np.array(["a"]), index=np.array(["2024-01-01"], "datetime64[s]"),
    ...                 days=np.array([50.0]), event=np.array([1], np.int8))
    >>> visits = np.array(["2023-12-01", "2024-01-31", "2024-03-01"], "datetime64[s]")
    >>> again = landmarks(seen, np.array(["a"] * 3), visits)
    >>> again.follow_up.days.tolist(), list(again.n_excluded.values())
    ([50.0, 20.0], [0, 1, 1])
    """
    if len(patients) != len(times):
        raise ArgumentError(
            f"patients and times of visits must be equally long, got {len(patients)} and "
            f"{len(times)}"
        )
    visits: defaultdict[str, set[np.datetime64]] = defaultdict(set)
    for who, when in zip(patients.tolist(), times.astype("datetime64[s]"), strict=True):
        visits[str(who)].add(when)
    whose = follow_up.patients.astype(str)
    begun = set(zip(whose.tolist(), follow_up.index, strict=True))
    used: set[tuple[str, np.datetime64]] = set()
    rows: list[tuple[int, np.datetime64, float]] = []  # row it comes from, index, days left
    for k, (who, index) in enumerate(zip(whose.tolist(), follow_up.index, strict=True)):
        rows.append((k, index, float(follow_up.days[k])))
        for when in sorted(visits.get(who, ())):
            left = float(follow_up.days[k] - (when - index) / _DAY)
            if when > index and left > 0 and (who, when) not in used and (who, when) not in begun:
                used.add((who, when))
                rows.append((k, when, left))
    at = np.array([k for k, _, _ in rows], dtype=np.int64)
    made = FollowUp(
        patients=follow_up.patients[at],
        index=np.array([index for _, index, _ in rows], dtype="datetime64[s]"),
        days=np.array([left for _, _, left in rows], dtype=np.float64),
        event=follow_up.event[at],
    )
    unused = {(who, when) for who, all_ in visits.items() for when in all_} - used - begun
    return FollowUpRead(made, _unused(unused, whose, follow_up.index))


def _unused(visits: set[tuple[str, np.datetime64]], whose: Array, index: Array) -> dict[str, int]:
    """Return how many visits are no landmark, by reason."""
    first: dict[str, np.datetime64] = {}
    for who, begins in zip(whose.tolist(), index, strict=True):
        first[who] = min(first.get(who, begins), begins)
    counts = dict.fromkeys((_OTHER, _BEFORE, _AFTER), 0)
    for who, when in visits:
        reason = _OTHER if who not in first else _BEFORE if when <= first[who] else _AFTER
        counts[reason] += 1
    return counts
