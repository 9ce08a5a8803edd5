from datetime import datetime, timedelta

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.patients import Encounter
from clinnlp.study.cohort import readmissions

DAY = datetime(2024, 1, 1)


def stay(number, start, end, patient="p", kind="inpatient"):
    return Encounter(
        id=str(number),
        patient=patient,
        start=None if start is None else DAY + timedelta(days=start),
        end=None if end is None else DAY + timedelta(days=end),
        kind=kind,
    )


def test_a_return_within_the_horizon_is_positive_and_a_later_one_is_not():
    read = readmissions([stay(3, 80, 81), stay(1, 0, 5), stay(2, 35, 40)], horizon_days=30)
    assert read.outcome.values.tolist() == [1, 0, 0]
    assert read.outcome.index[0] == DAY + timedelta(days=5)
    assert set(read.n_excluded.values()) == {0}


def test_whoever_dies_in_a_stay_is_left_out_but_the_stay_is_a_return():
    deaths = {"p": DAY + timedelta(days=12)}
    read = readmissions([stay(1, 0, 5), stay(2, 10, 12)], deaths=deaths)
    assert read.outcome.values.tolist() == [1]
    assert read.n_excluded["died_in_the_stay"] == 1


@pytest.mark.parametrize(
    ("stays", "more", "reason"),
    [
        ([stay(1, None, 5)], {}, "stay_without_times"),
        ([stay(1, 5, 0)], {}, "stay_ends_before_it_begins"),
        ([stay(1, 0, 5, kind="wellness")], {"kinds": ["inpatient"]}, "other_kind_of_stay"),
        ([stay(1, 0, 5)], {"deaths": {"p": DAY + timedelta(9)}}, "not_followed_to_the_horizon"),
        ([stay(1, 0, 5)], {"last_day": DAY + timedelta(9)}, "not_followed_to_the_horizon"),
        ([stay(1, 0, 9), stay(2, 3, 30)], {}, "next_stay_begins_before_index"),
    ],
)
def test_what_cannot_be_an_index_is_counted(stays, more, reason):
    read = readmissions(stays, **more)
    assert read.n_excluded[reason] == 1
    assert len(read.outcome) == len(stays) - 1


def test_patients_do_not_mix_and_a_horizon_must_be_there():
    read = readmissions([stay(1, 0, 5, "a"), stay(2, 6, 7, "b")])
    assert read.outcome.values.tolist() == [0, 0]
    with pytest.raises(ArgumentError, match="horizon_days"):
        readmissions([], horizon_days=0)
