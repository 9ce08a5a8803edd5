"""When a trial goes on: while it is not behind the best beyond chance, and there is time."""

from dataclasses import replace

import pytest

from clinnlp.bert.job import Tried
from clinnlp.bert.selection import Score
from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.study.tune_store import Running, TrialRecord
from clinnlp.study.tune_watch import Watch, expected_seconds, leader_of

SHARES = [0.02, -0.02, 0.01, -0.01]
BEST = TrialRecord(changed={}, score=0.8, shares=SHARES, given_up=False, n_epochs=4, seconds=8.0,
                   marks={1: (0.5, SHARES), 2: (0.7, SHARES), 3: (0.8, SHARES)})  # fmt: skip


class Kept:
    """Keeps what a search is told to write."""

    def __init__(self):
        self.seconds = 0.0

    def keep(self, running, spent):
        self.seconds += spent


def watch(leader=BEST, left=1e9, marks=None):
    return Watch(Kept(), Running(number=1, marks=marks or {}), leader, left)


def score(value, shares=SHARES):
    return Score(value, shares)


def test_one_that_lies_behind_beyond_chance_is_given_up_at_the_quarter():
    ours = watch()
    assert ours(score(0.0), 0.1)  # before the first quarter nothing is compared
    assert not ours(score(0.3), 0.25)
    assert ours.is_behind
    assert not ours.is_late
    assert ours.record(Tried(score(0.3), 5), {}).given_up


def test_one_within_chance_goes_on():
    apart = [0.3, -0.3, 0.2, -0.2]  # the notes differ so much that 0.2 say nothing
    assert watch()(score(0.3, apart), 0.25)
    assert not watch()(score(0.3), 0.25)


def test_it_is_the_first_epoch_at_or_beyond_a_quarter_that_counts():
    ours = watch()
    assert ours(score(0.5), 1 / 3)
    assert ours(score(0.0), 0.49)  # the quarter was passed
    assert not ours(score(0.0), 0.5)


def test_a_verdict_is_the_same_after_a_kill():
    behind = {1: (0.1, SHARES)}
    assert not watch(marks=behind)(score(0.6), 0.3)


def test_the_end_is_never_cut():
    ours = watch(left=-1)
    assert ours(score(0.0), 1.0)
    assert (ours.is_late, ours.is_behind) == (False, False)


def test_the_first_trial_has_all_the_time():
    ours = watch(leader=None, left=-1)
    assert ours(score(0.0), 0.5)
    assert not watch(left=-1)(score(1.0), 0.5)


def test_a_quarter_that_the_best_never_saw_decides_nothing():
    assert watch(leader=replace(BEST, marks={3: (0.8, SHARES)}))(score(0.0), 0.25)


def test_the_leader_is_the_best_that_reached_its_end_and_of_equal_ones_the_first():
    first, second = replace(BEST, score=0.7), replace(BEST, score=0.7, seconds=1.0)
    cut, none = replace(BEST, score=0.9, given_up=True), replace(BEST, score=None)
    assert leader_of([none, first, cut, second]) is first
    assert leader_of([first, BEST]) is BEST
    assert leader_of([replace(BEST, score=0.0), none]).score == 0.0


def test_time_is_expected_by_epochs():
    done = [BEST, replace(BEST, repeats=True, seconds=0.0), replace(BEST, n_epochs=0)]
    assert expected_seconds(done, TaggerSettings(epochs=10)) == 20
    assert expected_seconds(done[2:], TaggerSettings(epochs=10)) == 0
    assert expected_seconds(done, ClassifierSettings(epochs=10)) == 0
    assert expected_seconds(done, ClassifierSettings(epochs=10, tune_encoder=True)) == 20


def test_what_was_no_number_has_no_score():
    record = watch().record(Tried(None, 0), {"swap": 0.1})
    assert (record.score, record.shares, record.given_up) == (None, [], False)
    assert record.changed == {"swap": 0.1}


@pytest.mark.parametrize("share", [1 / 4, 2 / 4, 3 / 4, 3 / 12, 7 / 28, 15 / 20])
def test_marks_are_quarters(share):
    ours = watch(leader=None)
    ours(score(0.5), share)
    assert list(ours.record(Tried(score(0.5), 1), {}).marks) == [round(share * 4)]
