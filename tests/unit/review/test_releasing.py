"""Notes of a person who walks away: an owner gives them back, or time does; nothing is lost."""

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.review.chain import audit
from clinnlp.review.corpus import judged_notes
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.releasing import holdings, release
from clinnlp.review.tasks import queue, task_of

DAY = 86400.0
ACCEPT = {"do": "accept", "mention": "T1"}
END = [ACCEPT, {"do": "accept", "mention": "T2"}, {"do": "done"}]


def tasks_of(world, name, at=0.0):
    items, _ = queue(world.database, world.project, world.users[name], now=lambda: at)
    return {item.title: item for item in items}


def say(world, name, task, actions, *, version=0, at=0.0):
    return judge(world.database, task, world.users[name], actions, version=version, now=lambda: at)


def give_back(world, name):
    with world.database.writing() as connection:
        return release(connection, world.project, name)


def test_notes_that_are_held_are_free_again_once_they_are_given_back(world):
    world = world(n=3)
    held = tasks_of(world, "anna")
    assert set(held) == {"n0", "n1", "n2"}
    assert tasks_of(world, "ben") == {}
    say(world, "anna", held["n0"].task, END)
    say(world, "anna", held["n1"].task, [ACCEPT])
    assert give_back(world, "anna") == 2
    assert set(tasks_of(world, "ben")) == {"n1", "n2"}
    assert set(tasks_of(world, "anna")) == {"n0"}
    assert give_back(world, "anna") == 0


def test_who_comes_back_goes_on_where_nobody_has_the_note(world):
    world = world(n=2)
    held = tasks_of(world, "anna")
    version = say(world, "anna", held["n0"].task, [ACCEPT])
    give_back(world, "anna")
    again = tasks_of(world, "anna")
    assert {title: (item.task, item.state) for title, item in again.items()} == {
        "n0": (held["n0"].task, "begun"), "n1": (held["n1"].task, "open"),
    }  # fmt: skip
    with world.database.reading() as connection:
        reading = reading_of(connection, task_of(connection, held["n0"].task))
    assert reading.mentions["T1"].judged == "accepted"
    say(world, "anna", held["n0"].task, END[1:], version=version)
    assert len(judged_notes(world.database, world.project).notes) == 1


def test_a_window_that_is_still_open_goes_on_until_another_has_the_note(world):
    world = world(n=2)
    held = tasks_of(world, "anna")
    give_back(world, "anna")
    version = say(world, "anna", held["n0"].task, [ACCEPT])
    assert set(tasks_of(world, "ben")) == {"n1"}
    with pytest.raises(ArgumentError, match="another person"):
        say(world, "anna", held["n1"].task, [ACCEPT])
    say(world, "anna", held["n0"].task, END[1:], version=version)


def test_what_was_judged_in_a_note_that_was_left_stays_in_the_log_alone(world):
    world = world(n=1)
    say(world, "anna", tasks_of(world, "anna")["n0"].task, [ACCEPT])
    give_back(world, "anna")
    say(world, "ben", tasks_of(world, "ben")["n0"].task, END)
    assert len(judged_notes(world.database, world.project).notes) == 1
    assert judged_notes(world.database, world.project, who="anna").notes == []
    found = audit(world.database)
    assert (found.n_judgements, found.faults) == (1 + len(END), [])


@pytest.mark.parametrize(
    ("days", "hold", "gone"), [(13, 14, False), (15, 14, True), (99, 0, False)]
)
def test_time_gives_back_what_another_could_do(world, days, hold, gone):
    world = world(n=1, hold_days=float(hold))
    tasks_of(world, "anna", at=DAY)
    assert bool(tasks_of(world, "ben", at=DAY + days * DAY)) == gone


def test_each_step_holds_a_note_anew(world):
    world = world(n=1)
    task = tasks_of(world, "anna")["n0"].task
    say(world, "anna", task, [ACCEPT], at=10 * DAY)
    assert tasks_of(world, "ben", at=20 * DAY) == {}
    assert set(tasks_of(world, "ben", at=25 * DAY)) == {"n0"}


def test_time_gives_nothing_back_while_others_have_notes_of_their_own(world):
    world = world(n=20)
    first = tasks_of(world, "anna")
    second = tasks_of(world, "ben", at=99 * DAY)
    assert not set(first) & set(second)


def test_two_annotators_still_get_the_note_each(world):
    world = world(n=1, n_annotators=2)
    tasks_of(world, "anna")
    tasks_of(world, "ben")
    give_back(world, "anna")
    say(world, "ben", tasks_of(world, "ben")["n0"].task, END)
    assert judged_notes(world.database, world.project).notes == []
    say(world, "anna", tasks_of(world, "anna")["n0"].task, END)
    assert len(judged_notes(world.database, world.project).notes) == 1


def test_who_has_what_is_told_by_name(world):
    world = world(n=3)
    held = tasks_of(world, "anna", at=3 * DAY)
    say(world, "anna", held["n0"].task, END, at=4 * DAY)
    say(world, "anna", held["n1"].task, [ACCEPT], at=5 * DAY)
    with world.database.reading() as connection:
        (one,) = holdings(connection, world.project)
    assert one == ("anna", 1, 1, 1, "1970-01-04")
    give_back(world, "anna")
    with world.database.reading() as connection:
        assert holdings(connection, world.project) == [("anna", 0, 0, 1, None)]
    with pytest.raises(ArgumentError, match="one of the store"):
        give_back(world, "nobody")
