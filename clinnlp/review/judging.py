"""Judging: actions are appended, each with who, when, what stood there before, and its hash.

Nothing is overwritten. Who judges says which version of the task he saw; where another one has
come meanwhile nothing is written and `Conflict` is raised, so that he can look again.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from clinnlp.core.errors import ArgumentError
from clinnlp.review.chain import hash_of, head_of, set_head
from clinnlp.review.database import Conflict, Database
from clinnlp.review.disputes import settle
from clinnlp.review.forms import Json, Row
from clinnlp.review.people import User
from clinnlp.review.projects import Project, find_project
from clinnlp.review.readings import Reading, applied, begun, check_action
from clinnlp.review.tables import judgements, tasks
from clinnlp.review.tasks import is_taken, may_open, task_of

__all__ = ["judge", "reading_of"]

_CACHED = 256  # readings in memory
_MOST_SECONDS = 86400.0


def judge(
    database: Database,
    task: int,
    user: User,
    actions: Sequence[Json],
    *,
    version: int,
    seconds: float = 0.0,
    now: Callable[[], float] = time.time,
) -> int:
    """Append actions to a task, all or none, and return its version then.

    Parameters
    ----------
    database : Database
    task : int
    user : User
    actions : sequence of dict
        See `clinnlp.review.readings`; each is one version more.
    version : int
        Which one they are about.
    seconds : float
        Spent on them, 0 to a day.
    now : callable
        The clock.

    Raises
    ------
    Conflict
        The task has another version by now.
    ArgumentError
        No such task of this person, or an action that does not go with it.
    """
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ArgumentError("seconds must be from 0 to those of a day, got another number")
    with database.writing() as connection:
        row = task_of(connection, task)
        if row is None or not may_open(row, user):
            raise ArgumentError("a task must be one of yours, got another")
        if row["version"] != version:
            raise Conflict("the note was judged meanwhile, in another window or by another person")
        project = find_project(connection, row["project"])
        assert project is not None  # a foreign key holds it
        if is_taken(connection, project, row):
            raise ArgumentError("the note has gone to another person, since it was given back")
        was = reading = reading_of(connection, row, database)
        at = datetime.fromtimestamp(now(), UTC).isoformat(timespec="milliseconds")
        for k, action in enumerate(actions):
            check_action(reading, action, project.rules.words)
            step = applied(reading, action)
            spent = round(float(seconds), 3) if k == len(actions) - 1 else 0.0
            version += 1
            _append(
                connection,
                row,
                user,
                {
                    "version": version,
                    "at": at,
                    "seconds": spent,
                    "action": dict(action),
                    "before": step.before,
                    "after": step.after,
                },
            )
            reading = step.reading
        _end(connection, project, row, was, reading, version, now())
    _keep(database, row, version, reading)
    return version


def reading_of(connection: Connection, task: Row, database: Database | None = None) -> Reading:
    """Return a task as it stands: its suggestions, and all that was judged since.

    Parameters
    ----------
    connection : Connection
    task : mapping
        A row of `task_of`.
    database : Database, optional
        Whose readings in memory may be used.
    """
    known = None if database is None else database.cache.get(_cache_key(task, task["version"]))
    if isinstance(known, Reading):
        return known
    reading = begun(task["given"], len(task["record"]["text"]))
    mine = select(judgements.c.action).where(judgements.c.task == task["id"])
    for (action,) in connection.execute(mine.order_by(judgements.c.version)):
        reading = applied(reading, action).reading
    return reading


def _append(connection: Connection, task: Row, user: User, said: Json) -> None:
    seq, previous = head_of(connection)
    row = {
        "seq": seq + 1,
        "task": task["id"],
        "user": user.id,
        "who": user.name,
        "note_sha256": task["text_sha256"],
        "given_sha256": task["given_sha256"],
        "model": task["model"],
        "previous": previous,
        **said,
    }
    row["hash"] = hash_of(row)
    connection.execute(judgements.insert().values(**row))
    set_head(connection, row["seq"], row["hash"])


def _end(
    connection: Connection,
    project: Project,
    task: Row,
    was: Reading,
    reading: Reading,
    version: int,
    at: float,
) -> None:
    """Write the state of the task, and what follows from it."""
    state = "done" if reading.is_done else "begun" if version else "open"
    mine = tasks.update().where(tasks.c.id == task["id"])
    connection.execute(mine.values(version=version, state=state, held=at))
    if was.is_done != reading.is_done:
        settle(connection, project, task, reading, read=reading_of)


def _cache_key(task: Row, version: int) -> tuple[Any, ...]:
    return task["id"], version, task["given_sha256"]


def _keep(database: Database, task: Row, version: int, reading: Reading) -> None:
    """Keep a reading in memory in place of the one before it."""
    cache = database.cache
    cache.pop(_cache_key(task, task["version"]), None)
    cache[_cache_key(task, version)] = reading
    while len(cache) > _CACHED:
        cache.popitem(last=False)
