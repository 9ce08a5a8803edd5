"""People: names, roles, passwords, sessions, and who must wait."""

import pytest
from sqlalchemy import select

from clinnlp.core.errors import ArgumentError
from clinnlp.review import people
from clinnlp.review.people import add_user, find_user, set_password, verified
from clinnlp.review.sessions import TooOften, log_in, log_out, session_of
from clinnlp.review.tables import sessions, users
from tests.unit.review.conftest import PASSWORD


class Clock:
    def __init__(self):
        self.t = 1000.0

    def __call__(self):
        return self.t


def test_passwords_are_kept_as_argon2id_and_told_apart(world):
    world = world()
    with world.database.reading() as connection:
        kept = connection.scalar(select(users.c.password))
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert verified(kept, PASSWORD)
    assert not verified(kept, PASSWORD + " ")
    assert not verified(None, PASSWORD)
    assert not verified("broken", PASSWORD)


def test_the_real_parameters_are_those_of_the_standard():
    from argon2 import PasswordHasher, Type

    hasher = PasswordHasher()
    assert hasher.type is Type.ID
    assert hasher.memory_cost >= 65536 // 1
    assert hasher.time_cost >= 3


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [
        ("", PASSWORD, "owner"),
        (" x", PASSWORD, "owner"),
        ("a\nb", PASSWORD, "owner"),
        ("x" * 65, PASSWORD, "owner"),
        ("anna", PASSWORD, "owner"),
        ("carl", "short", "owner"),
        ("carl", PASSWORD, "king"),
    ],
)
def test_odd_people_are_refused(world, name, password, role):
    world = world()
    with pytest.raises(ArgumentError), world.database.writing() as connection:
        add_user(connection, name, password, role=role)


def test_roles_are_ranks(world):
    world = world()
    with world.database.reading() as connection:
        judge = find_user(connection, "judge")
    assert [judge.is_at_least(role) for role in people.ROLES] == [True, True, False]


def test_a_session_begins_and_ends(world):
    world, clock = world(), Clock()
    cookie = log_in(world.database, "anna", PASSWORD, now=clock)
    session = session_of(world.database, cookie, now=clock)
    assert session.user.name == "anna"
    assert len(session.csrf) > 30
    with world.database.reading() as connection:
        assert cookie not in str(connection.execute(select(sessions)).all())
    log_out(world.database, session.digest)
    assert session_of(world.database, cookie, now=clock) is None
    assert session_of(world.database, None) is session_of(world.database, "x") is None


def test_a_session_that_rests_or_is_old_ends(world):
    world, clock = world(), Clock()
    cookie = log_in(world.database, "anna", PASSWORD, now=clock)
    clock.t += 7 * 3600
    assert session_of(world.database, cookie, now=clock)
    clock.t += 7 * 3600
    assert session_of(world.database, cookie, now=clock)
    clock.t += 9 * 3600
    assert session_of(world.database, cookie, now=clock) is None
    cookie = log_in(world.database, "anna", PASSWORD, now=clock)
    for _ in range(5):
        clock.t += 5 * 3600
        last = session_of(world.database, cookie, now=clock)
    assert last is None


def test_a_login_ends_the_session_that_the_browser_had(world):
    world = world()
    first = log_in(world.database, "anna", PASSWORD)
    second = log_in(world.database, "anna", PASSWORD, before=first)
    assert first != second
    assert session_of(world.database, first) is None
    assert session_of(world.database, second)


def test_another_password_ends_all_sessions(world):
    world = world()
    cookie = log_in(world.database, "anna", PASSWORD)
    with world.database.writing() as connection:
        set_password(connection, "anna", "another one!")
    assert session_of(world.database, cookie) is None
    assert log_in(world.database, "anna", PASSWORD) is None
    assert log_in(world.database, "anna", "another one!")


def test_who_fails_often_waits_longer_each_time(world):
    world, clock = world(), Clock()

    def failed():
        return log_in(world.database, "anna", "wrong password", address="a", now=clock)

    for _ in range(5):
        assert failed() is None
    waits = []
    for _ in range(12):
        with pytest.raises(TooOften) as caught:
            log_in(world.database, "anna", PASSWORD, address="b", now=clock)
        waits.append(caught.value.seconds)
        clock.t += caught.value.seconds
        assert failed() is None
    assert waits == sorted(waits)
    assert waits[0] == 1.0
    assert waits[-1] == 900.0
    assert log_in(world.database, "ben", PASSWORD, address="c", now=clock)
    clock.t += 900
    assert log_in(world.database, "anna", PASSWORD, address="a", now=clock)
    assert failed() is None


def test_an_address_that_tries_many_names_waits(world):
    world, clock = world(), Clock()
    with pytest.raises(TooOften):
        for k in range(60):
            log_in(world.database, f"name{k}", "wrong password", address="a", now=clock)
    assert log_in(world.database, "anna", PASSWORD, address="b", now=clock)
