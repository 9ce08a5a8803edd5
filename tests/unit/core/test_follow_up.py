"""What a row is at a horizon: 0, 1 or unknown, by how long it was seen and what ended that."""

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import FollowUp


def seen(days, event):
    n = len(days)
    return FollowUp(
        patients=np.array([f"p{k}" for k in range(n)], dtype=object),
        index=np.full(n, "2024-01-01", "datetime64[s]"),
        days=np.array(days, float),
        event=np.array(event, np.int8),
    )


@pytest.mark.parametrize(
    ("days", "event", "competing", "unknown"),
    [
        (900, 1, 0, 0),  # an outcome 900 days later is none within 30
        (30, 1, 1, 1),
        (29, 0, -1, -1),
        (30, 0, 0, 0),
        (10, 2, 0, -1),  # who died can no longer have it, or nobody knows
        (31, 2, 0, 0),
        (0, 0, -1, -1),
    ],
)
def test_a_row_at_thirty_days(days, event, competing, unknown):
    row = seen([days], [event])
    assert row.at(30).tolist() == [competing]
    assert row.at(30, death="unknown").tolist() == [unknown]


def test_rows_are_taken_together():
    some = seen([1, 2, 3], [0, 1, 2]).take(np.array([2, 0]))
    assert (some.patients.tolist(), some.days.tolist(), some.event.tolist()) == (
        ["p2", "p0"], [3.0, 1.0], [2, 0],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: seen([-1], [0]), "days of a follow-up must be 0 or more"),
        (lambda: seen([np.nan], [0]), "days of a follow-up must be 0 or more"),
        (lambda: seen([1], [3]), "event must be 0"),
        (lambda: seen([1, 2], [1]), "equally long"),
        (lambda: seen([1], [1]).at(0), "horizon_days must be days above 0"),
        (lambda: seen([1], [1]).at(float("nan")), "horizon_days must be days above 0"),
        (lambda: seen([1], [1]).at(30, death="no"), "death must be one of"),
    ],
)
def test_what_is_no_follow_up_is_refused(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
