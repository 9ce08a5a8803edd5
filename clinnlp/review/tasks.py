"""Who judges what: a note is a task of one person, given out when he asks for work.

A person gets the first notes, in the project's order, that need one more annotator and that he has
not had; where there is none, those that others hold for too long (`clinnlp.review.releasing`). Some
notes come again as repeats, a while after he has done them; where two are done and differ, the note
is a task for adjudicators.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, Select, and_, delete, func, or_, select

from clinnlp.core.errors import ArgumentError
from clinnlp.review.database import Database
from clinnlp.review.forms import Json, Row, sha256_of
from clinnlp.review.people import User
from clinnlp.review.planted import chance, with_wrong
from clinnlp.review.projects import Project
from clinnlp.review.releasing import n_idle, release_idle
from clinnlp.review.tables import notes, tasks
from clinnlp.review.verdicts import Corrections, corrections_of

__all__ = [
    "QueueItem",
    "add_adjudication",
    "adjudications",
    "drop_adjudication",
    "is_taken",
    "may_open",
    "plan_repeat",
    "queue",
    "task_of",
]

_AHEAD = 10  # notes that a person holds without having begun them
_AHEAD_UNCERTAIN = 3  # where each new model orders anew what nobody holds
_MOST = 500  # tasks of a queue
_GAP = 20  # notes between a note and its repeat


class QueueItem(NamedTuple):
    """A task of a person's queue; whether it is a repeat is not told."""

    task: int
    note: int
    title: str
    state: str


def queue(
    database: Database, project: Project, user: User, *, now: Callable[[], float] = time.time
) -> tuple[list[QueueItem], int]:
    """Return the tasks of a person, and how many notes he has before him, these included.

    Parameters
    ----------
    database : Database
    project : Project
    user : User
    now : callable
        The clock.
    """
    with database.reading() as connection:
        n_open = _n_open(connection, project, user)
        n_free = _n_free(connection, project, user)
        has_more = n_free or n_idle(connection, project, user.id, now=now)
    ahead = _AHEAD_UNCERTAIN if project.rules.uncertain_first else _AHEAD
    if n_open < ahead and has_more:
        with database.writing() as connection:
            if not n_free:
                release_idle(connection, project, user.id, now=now)
            _give_out(connection, project, user, ahead - n_open, now())
    with database.reading() as connection:
        columns = (tasks.c.id, tasks.c.note, notes.c.name, tasks.c.state)
        mine = select(*columns).join(notes, notes.c.id == tasks.c.note).where(_of(project, user))
        rows = connection.execute(mine.order_by(tasks.c.position, tasks.c.id).limit(_MOST)).all()
        n_free = _n_free(connection, project, user)
    items = [QueueItem(*row) for row in rows]
    return items, n_free + sum(item.state != "done" for item in items)


def task_of(connection: Connection, id: int) -> RowMapping | None:
    """Return a task with what its note holds (``record``, ``text_sha256``), or None."""
    query = select(tasks, notes.c.record, notes.c.sha256.label("text_sha256"))
    query = query.join(notes, notes.c.id == tasks.c.note)
    return connection.execute(query.where(tasks.c.id == id)).mappings().first()


def is_taken(connection: Connection, project: Project, task: Row) -> bool:
    """Return whether a task was left, and others have its note by now."""
    if task["state"] != "left":
        return False
    mine = select(func.count()).select_from(tasks).where(_held(task["note"]))
    return (connection.scalar(mine) or 0) >= project.rules.n_annotators


def may_open(task: Row, user: User) -> bool:
    """Return whether a task is one of a person's."""
    if task["kind"] == "adjudication":
        return user.is_at_least("adjudicator")
    return bool(task["user"] == user.id)


def plan_repeat(connection: Connection, project: Project, task: Row) -> None:
    """Give a person a note again, later, where the draw says so."""
    rules = project.rules
    draw = chance(rules.seed, "repeat", task["note"], task["user"])
    twice = and_(
        tasks.c.note == task["note"], tasks.c.user == task["user"], tasks.c.kind == "repeat"
    )
    if task["kind"] != "first" or draw >= rules.repeat_share or _is_there(connection, twice):
        return
    note = connection.execute(_notes().where(notes.c.id == task["note"])).mappings().one()
    person = User(task["user"], "", "annotator", True)
    row = _first(project, person, note, corrections_of(connection, project))
    row |= {"kind": "repeat", "position": task["position"] + _GAP + 0.5}
    if not task["is_bare"]:  # as it was shown before
        row |= {key: task[key] for key in ("given", "given_sha256", "planted", "model", "is_bare")}
    connection.execute(tasks.insert().values(**row))


def add_adjudication(connection: Connection, project: Project, task: Row, given: Json) -> None:
    """Make a task for adjudicators of a note that two read differently."""
    row = _task(project, None, task["note"], task["position"], given, kind="adjudication")
    connection.execute(tasks.insert().values(**row))


def drop_adjudication(connection: Connection, note: int) -> None:
    """Take back the task for adjudicators of a note, which nobody has begun.

    Raises
    ------
    ArgumentError
        Somebody has.
    """
    mine = and_(tasks.c.note == note, tasks.c.kind == "adjudication")
    if _is_there(connection, and_(mine, tasks.c.version > 0)):
        raise ArgumentError("a note that is adjudicated must stay as it was judged, and is begun")
    connection.execute(delete(tasks).where(mine))


def adjudications(connection: Connection, project: Project) -> list[QueueItem]:
    """Return the tasks for adjudicators."""
    columns = (tasks.c.id, tasks.c.note, notes.c.name, tasks.c.state)
    query = select(*columns).join(notes, notes.c.id == tasks.c.note)
    mine = query.where(tasks.c.project == project.id, tasks.c.kind == "adjudication")
    rows = connection.execute(mine.order_by(tasks.c.position, tasks.c.id))
    return [QueueItem(*row) for row in rows]


def _of(project: Project, user: User) -> Any:
    return and_(
        *(tasks.c.project == project.id, tasks.c.user == user.id, tasks.c.state != "left"),
        tasks.c.kind != "adjudication",
    )


def _held(note: Any) -> Any:
    """Return what tells the tasks of a note that somebody has, or has done."""
    return and_(tasks.c.note == note, tasks.c.kind == "first", tasks.c.state != "left")


def _give_out(connection: Connection, project: Project, user: User, n: int, at: float) -> None:
    """Give a person `n` notes more; those that he had left first are as he left them."""
    wrong = corrections_of(connection, project)
    for note in connection.execute(_free(project, user).limit(n)).mappings().all():
        mine = and_(tasks.c.note == note["id"], tasks.c.user == user.id, tasks.c.kind == "first")
        was = connection.execute(select(tasks.c.version).where(mine)).first()
        row = _first(project, user, note, wrong) | {"held": at}
        if was is None:
            connection.execute(tasks.insert().values(**row))
        elif was.version:
            again = {"state": "begun", "held": at}
            connection.execute(tasks.update().where(mine).values(**again))
        else:
            connection.execute(tasks.update().where(mine).values(**row))


def _n_open(connection: Connection, project: Project, user: User) -> int:
    mine = select(func.count()).select_from(tasks)
    return connection.scalar(mine.where(_of(project, user), tasks.c.state == "open")) or 0


def _notes() -> Select[Any]:
    return select(
        *(notes.c.id, notes.c.position, notes.c.record, notes.c.given, notes.c.model, notes.c.name)
    )


def _free(project: Project, user: User) -> Select[Any]:
    """Return the notes that need one more annotator and that a person has not had."""
    firsts = _held(notes.c.id)
    n = select(func.count()).select_from(tasks).where(firsts).scalar_subquery()
    mine = select(tasks.c.id).where(firsts, tasks.c.user == user.id).exists()
    free = _notes().where(notes.c.project == project.id, n < project.rules.n_annotators, ~mine)
    return free.order_by(n.desc(), notes.c.position, notes.c.id)


def _n_free(connection: Connection, project: Project, user: User) -> int:
    free = _free(project, user).order_by(None).subquery()
    return connection.scalar(select(func.count()).select_from(free)) or 0


def _is_there(connection: Connection, where: Any) -> bool:
    return connection.execute(select(tasks.c.id).where(or_(where)).limit(1)).first() is not None


def _first(project: Project, user: User, note: Row, wrong: Corrections) -> Json:
    """Return the task of a note that a person gets for the first time."""
    planted: Json
    rules, seed = project.rules, (project.rules.seed, note["name"], user.id)
    given, planted = wrong.taken_from(note["name"], note["record"]["text"], note["given"]), {}
    is_bare = chance(*seed, "bare") < rules.bare_share
    if is_bare:
        given = {}
    else:
        given, planted = with_wrong(
            given, note["record"]["text"], rules.labels, share=rules.wrong_share, seed=seed
        )
    row = _task(project, user.id, note["id"], note["position"], given, kind="first")
    return row | {"planted": planted, "model": note["model"], "is_bare": is_bare}


def _task(
    project: Project, user: int | None, note: int, position: float, given: Json, *, kind: str
) -> Json:
    return {
        "project": project.id,
        "note": note,
        "user": user,
        "kind": kind,
        "position": position,
        "state": "open",
        "held": time.time(),
        "version": 0,
        "given": given,
        "given_sha256": sha256_of(given),
        "planted": {},
        "model": "",
        "is_bare": False,
    }
