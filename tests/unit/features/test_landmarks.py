"""Risk again at each visit: one row more for each at which follow-up still went on."""

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import FollowUp
from clinnlp.features.landmarks import landmarks


def times(*days):
    return np.array(days, "datetime64[s]")


SEEN = FollowUp(
    patients=np.array(["a", "b"], dtype=object),
    index=times("2024-01-01", "2024-01-01"),
    days=np.array([100.0, 20.0]),
    event=np.array([1, 0], np.int8),
)


def test_each_visit_before_the_end_is_a_row_with_what_is_left():
    visits = times("2024-01-31", "2024-01-11", "2024-01-11", "2024-01-21")
    again = landmarks(SEEN, np.array(["a", "a", "a", "b"]), visits).follow_up
    assert again.patients.tolist() == ["a", "a", "a", "b"]
    assert again.days.tolist() == [100, 90, 70, 20]  # b's visit was at the end
    assert again.event.tolist() == [1, 1, 1, 0]
    ends = again.index + (again.days * 86_400).astype("timedelta64[s]")
    assert ends[:3].tolist() == [ends[0].item()] * 3  # the outcome comes when it came
    assert again.at(80).tolist() == [0, 0, 1, -1]


def test_other_visits_are_counted_by_reason():
    visits = times("2023-12-31", "2024-01-01", "2024-04-10", "2024-01-05")
    found = landmarks(SEEN, np.array(["a", "b", "a", "z"]), visits)
    assert len(found.follow_up) == 2
    assert found.n_excluded == {
        "visits_of_other_patients": 1,
        "visits_at_or_before_index": 1,  # that at index is the row itself
        "visits_at_or_after_the_end": 1,
    }
    with pytest.raises(ArgumentError, match="equally long"):
        landmarks(SEEN, np.array(["a"]), visits)
