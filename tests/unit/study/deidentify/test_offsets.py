"""The days by which patients are moved: one for each, back, never few, weekday or season kept."""

from datetime import datetime

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.offsets import Offsets, moved

KEY = Key(b"k")
WHO = [f"p{k}" for k in range(300)]


def test_each_has_his_own():
    offsets = Offsets(KEY, 3650)
    days = [offsets(who) for who in WHO]
    assert all(-3650 <= day <= -30 for day in days)
    assert len(set(days)) > 250
    assert days == [Offsets(KEY, 3650)(who) for who in WHO]
    assert days != [Offsets(Key(b"other"), 3650)(who) for who in WHO]


def test_weekday_and_season_stay_on_wish():
    assert all(Offsets(KEY, 3650, keep_weekday=True)(who) % 7 == 0 for who in WHO)
    both = Offsets(KEY, 3650, keep_weekday=True, keep_season=True)
    days = {both(who) for who in WHO}
    assert all(day % 7 == 0 and min(-day % 365.2425, 365.2425 - -day % 365.2425) <= 21
               for day in days)  # fmt: skip
    assert len(days) > 40


def test_hardly_a_choice_is_refused():
    with pytest.raises(ArgumentError, match="at least 20 offsets to draw from, got 60, which"):
        Offsets(KEY, 60, keep_weekday=True)


def test_a_time_that_would_be_before_all_times_is_missing():
    assert moved(datetime(1, 1, 5), -30) is None
    assert moved(None, -30) is None
    assert moved(datetime(2019, 3, 1, 8), -31) == datetime(2019, 1, 29, 8)
