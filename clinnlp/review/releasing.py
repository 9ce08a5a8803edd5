"""Notes that a person holds and does not judge go back to all: an owner says so, or time does.

A task that goes back is *left*. Nothing of it is lost: its judgements stay where they are, and its
person goes on with it as long as nobody else has the note. Where another has it by then, he is
told.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from clinnlp.review.forms import Json
from clinnlp.review.people import person_id
from clinnlp.review.projects import Project
from clinnlp.review.tables import tasks, users

__all__ = ["Holding", "holdings", "n_idle", "release", "release_idle"]

_DAY_S = 86400.0
_HELD = ("open", "begun")


class Holding(NamedTuple):
    """What a person has of a project: notes not begun, begun, done; since when without a step."""

    person: str
    n_open: int
    n_begun: int
    n_done: int
    since: str | None


def holdings(connection: Connection, project: Project) -> list[Holding]:
    """Return what each person who was given notes of a project has of them, by name.

    Repeats are not counted: they are given to nobody else.
    """
    columns = (users.c.name, tasks.c.state, func.count(), func.min(tasks.c.held))
    query = select(*columns).join(users, users.c.id == tasks.c.user)
    mine = query.where(tasks.c.project == project.id, tasks.c.kind == "first")
    found: dict[str, Json] = {}
    for name, state, n, held in connection.execute(mine.group_by(users.c.name, tasks.c.state)):
        row = found.setdefault(name, {})
        row[state] = n
        if state in _HELD:
            row["since"] = min(held, row.get("since", held))
    return [
        Holding(
            person=name,
            n_open=row.get("open", 0),
            n_begun=row.get("begun", 0),
            n_done=row.get("done", 0),
            since=_date(row["since"]) if "since" in row else None,
        )
        for name, row in sorted(found.items())
    ]


def release(connection: Connection, project: Project, person: str) -> int:
    """Give back all notes of a project that a person has not done, and return how many.

    Parameters
    ----------
    connection : Connection
    project : Project
    person : str
        By name.

    Raises
    ------
    ArgumentError
        There is no such person.
    """
    user = person_id(connection, person)
    return _left(connection, _held_in(project), tasks.c.user == user)


def n_idle(
    connection: Connection, project: Project, user: int, *, now: Callable[[], float] = time.time
) -> int:
    """Return how many notes others than `user` hold longer than the project lets them."""
    mine = select(func.count()).select_from(tasks)
    return connection.scalar(mine.where(*_idle_in(project, user, now))) or 0


def release_idle(
    connection: Connection, project: Project, user: int, *, now: Callable[[], float] = time.time
) -> int:
    """Give back the notes that others hold longer than the project lets them; return how many."""
    return _left(connection, *_idle_in(project, user, now))


def _idle_in(project: Project, user: int, now: Callable[[], float]) -> tuple[Any, ...]:
    days = project.rules.hold_days
    long_ago = now() - days * _DAY_S if days else 0.0
    return _held_in(project), tasks.c.user != user, tasks.c.held < long_ago


def _held_in(project: Project) -> Any:
    held = tasks.c.state.in_(_HELD) & (tasks.c.kind == "first")
    return held & (tasks.c.project == project.id)


def _left(connection: Connection, *where: Any) -> int:
    return connection.execute(tasks.update().where(*where).values(state="left")).rowcount


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
