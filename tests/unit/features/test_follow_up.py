"""Time to event from columns: what ends a row, what is left out, what contradicts itself."""

from datetime import UTC, date, datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.features.follow_up import FollowUpRows, follow_up_from_columns, outcome_at

DAY = "2024-01-01"


def read(**cells):
    """Return the follow-up of one row."""
    given = {"index_time": DAY, "patient": "p", **cells}
    rows = FollowUpRows()
    rows.add(given, 7)
    return rows.read()


@pytest.mark.parametrize(
    ("cells", "days", "event"),
    [
        ({"time": "2024-01-11"}, 10, 1),
        ({"time": "2024-01-11", "follow_up_end": "2024-03-01", "death": "2024-02-01"}, 10, 1),
        ({"follow_up_end": "2024-01-11T12:00", "time": ""}, 10.5, 0),
        ({"follow_up_end": "2024-03-01", "death": "2024-01-11T00:00"}, 10, 2),
        ({"follow_up_end": "2024-01-11T00:00", "death": "2024-03-01"}, 10, 0),  # died unseen
        ({"death": "2024-01-11T00:00"}, 10, 2),
        ({"outcome": 1, "time": "2024-01-11"}, 10, 1),
        ({"outcome": "no", "follow_up_end": "2024-01-11T00:00"}, 10, 0),
        ({"index_time": "2024-01-01T01:00+01:00", "time": "2024-01-11T00:00Z"}, 10, 1),
        ({"time": datetime(2024, 1, 11, tzinfo=UTC)}, 10, 1),
    ],
)
def test_what_ends_a_row(cells, days, event):
    found = read(**cells).follow_up
    assert (found.days.tolist(), found.event.tolist()) == ([days], [event])


def test_a_mere_day_of_the_end_lasts_to_its_end_in_text_and_as_a_date():
    for day in ("2024-01-31", date(2024, 1, 31)):
        found = read(follow_up_end=day)
        assert found.follow_up.days[0] > 30
        assert outcome_at(found, 30).outcome.values.tolist() == [0]
    assert read(follow_up_end=DAY).follow_up.days[0] > 0  # seen on the index day itself
    assert read(time="2024-01-05T15:00", death="2024-01-05").follow_up.event.tolist() == [1]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"patient": ""}, "patient_missing"),
        ({"index_time": None}, "index_missing"),
        ({"outcome": "", "follow_up_end": "2024-02-01"}, "outcome_missing"),
        ({"time": DAY, "follow_up_end": "2024-02-01"}, "outcome_before_index"),
        ({"time": "2023-12-01"}, "outcome_before_index"),
        ({"outcome": 1, "follow_up_end": "2024-02-01"}, "outcome_without_its_time"),
        ({"time": None}, "follow_up_end_missing"),
        ({"outcome": 0}, "follow_up_end_missing"),
    ],
)
def test_a_row_without_a_follow_up_is_counted_and_left_out(cells, reason):
    found = read(**cells)
    assert len(found.follow_up) == 0
    assert {k: n for k, n in found.n_excluded.items() if n} == {reason: 1}


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"follow_up_end": "2023-12-31"}, "got a negative follow-up"),
        ({"death": "2023-12-31", "follow_up_end": "2024-02-01"}, "death must not lie before index"),
        ({"time": "2024-02-01", "death": "2024-01-15"}, "death must not lie before the time"),
        ({"time": "2024-02-01", "follow_up_end": "2024-01-15"}, "must not lie after follow_up_end"),
        ({"outcome": 0, "time": "2024-02-01"}, "time must be that of the outcome"),
        ({"outcome": "2", "time": "2024-02-01"}, "outcome must be 0 or 1"),
        ({"time": "soon"}, "time must be a time in ISO 8601"),
        ({"time": "2024-02-01T08:00Z", "index_time": "2024-01-01T08:00"}, "all have a zone or all"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_sentence_with_its_line(cells, says):
    with pytest.raises(DataError, match=says) as caught:
        read(**cells)
    assert caught.value.line == 7
    assert "soon" not in str(caught.value)


def test_days_may_stand_beside_times_with_a_zone():
    found = read(index_time="2024-01-01T00:00Z", follow_up_end="2024-02-01")
    assert len(found.follow_up) == 1


def test_the_same_row_counts_once_and_another_end_is_refused():
    found = follow_up_from_columns(["a", "a"], [DAY] * 2, times=["2024-02-01"] * 2)
    assert (len(found.follow_up), found.n_excluded["outcome row repeated"]) == (1, 1)
    with pytest.raises(DataError, match="must have the same follow-up"):
        follow_up_from_columns(["a", "a"], [DAY] * 2, times=["2024-02-01", "2024-02-02"])


def test_at_a_horizon_the_unknown_are_counted():
    found = outcome_at(
        follow_up_from_columns(
            ["a", "b", "c"], [DAY] * 3, times=["2026-06-19", "2024-01-09", ""],
            follow_up_end=["2026-07-01", "", "2024-01-20"],
        ),
        30,
    )  # fmt: skip
    assert found.outcome.patients.tolist() == ["a", "b"]
    assert found.outcome.values.tolist() == [0, 1]
    assert found.n_excluded["not_followed_to_the_horizon"] == 1
