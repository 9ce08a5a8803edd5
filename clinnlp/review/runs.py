"""Learning from what was judged, as the store keeps it: how far a run is, what came of it.

========== ================================================================================
state      means
========== ================================================================================
waiting    nobody has begun it
running    a process learns
stopped    it was cancelled or killed, and can go on
failed     it cannot go on; ``why`` says why, without text
done       the new model stands beside the old one
used       the new model suggests; it can be rolled back
========== ================================================================================

To use a model is to put its suggestions in place of those of the notes; who has begun a note keeps
what he was shown. What stood there before is kept, so that rolling back gives it again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.review.database import Conflict, new_id
from clinnlp.review.forms import Json
from clinnlp.review.projects import Project, given_of
from clinnlp.review.tables import notes, projects, runs, suggestions

__all__ = [
    "Run",
    "add_run",
    "find_run",
    "keep_suggestions",
    "resume_run",
    "roll_back",
    "runs_of",
    "set_run",
    "use_run",
]


class Run(NamedTuple):
    """One learning of a project."""

    id: int
    project: int
    state: str
    done: int
    total: int
    result: Json


def add_run(connection: Connection, project: Project) -> Run:
    """Return a new run of a project, which waits.

    Raises
    ------
    Conflict
        Another one is under way.
    """
    _check_free(connection, project.id)
    row = {"project": project.id, "state": "waiting", "done": 0, "total": 0, "result": {}}
    made = connection.execute(runs.insert().values(**row))
    return Run(new_id(made), project.id, "waiting", 0, 0, {})


def resume_run(connection: Connection, run: Run) -> None:
    """Let a run that was stopped wait for a process.

    Raises
    ------
    Conflict
        It is not stopped, or another one is under way.
    """
    if run.state != "stopped":
        raise Conflict("a run must be stopped to go on, and is not")
    _check_free(connection, run.project)
    set_run(connection, run.id, state="waiting")


def find_run(connection: Connection, id: int) -> Run | None:
    """Return the run of a number, or None."""
    row = connection.execute(_query().where(runs.c.id == id)).first()
    return None if row is None else Run(*row)


def runs_of(connection: Connection, project: int) -> list[Run]:
    """Return the runs of a project, the newest first."""
    query = _query().where(runs.c.project == project).order_by(runs.c.id.desc())
    return [Run(*row) for row in connection.execute(query)]


def set_run(connection: Connection, run: int, **values: Any) -> None:
    """Write how far a run is: ``state``, ``done``, ``total``, ``result``."""
    connection.execute(runs.update().where(runs.c.id == run).values(**values))


def keep_suggestions(
    connection: Connection, run: Run, found: Iterable[Note], *, order: Sequence[str] = ()
) -> None:
    """Keep what a new model suggests for the notes of a project, in place of an earlier try.

    Parameters
    ----------
    connection : Connection
    run : Run
    found : iterable of Note
    order : sequence of str
        Ids of notes in the order that the new model asks for; the others stay where they are.
    """
    places = {name: float(k) for k, name in enumerate(order)}
    connection.execute(suggestions.delete().where(suggestions.c.run == run.id))
    mine = select(notes.c.id, notes.c.name).where(notes.c.project == run.project)
    ids = {row.name: row.id for row in connection.execute(mine)}
    rows = [
        {
            "run": run.id,
            "note": ids[note.id],
            "new": given_of(note),
            "position": places.get(note.id),
        }
        for note in found
    ]
    if rows:
        connection.execute(suggestions.insert(), rows)


def use_run(connection: Connection, project: Project, run: Run, *, model: str, folder: str) -> None:
    """Let the new model suggest from now on.

    Parameters
    ----------
    connection : Connection
    project : Project
    run : Run
        Which is done.
    model : str
        The SHA-256 of the new model.
    folder : str
        Where it lies.

    Raises
    ------
    ArgumentError
        The run is not done.
    """
    if run.state != "done":
        raise ArgumentError("a run must be done before it is used, and is not")
    rows = connection.execute(select(suggestions).where(suggestions.c.run == run.id)).all()
    for row in rows:
        note = notes.c.id == row.note
        columns = (notes.c.given, notes.c.model, notes.c.position)
        was = connection.execute(select(*columns).where(note)).one()
        mine = suggestions.update().where(
            suggestions.c.run == run.id, suggestions.c.note == row.note
        )
        old = {"old": was.given, "old_model": was.model, "old_position": was.position}
        connection.execute(mine.values(**old))
        place = was.position if row.position is None else row.position
        new = {"given": row.new, "model": model, "position": place}
        connection.execute(notes.update().where(note).values(**new))
    before = {"model": project.model, "folder": project.folder}
    set_run(connection, run.id, state="used", before=before)
    mine = projects.update().where(projects.c.id == project.id)
    connection.execute(mine.values(model=model, folder=folder))


def roll_back(connection: Connection, project: Project, run: Run) -> None:
    """Let suggest again what suggested before a run was used.

    Raises
    ------
    ArgumentError
        The run is not used, or a later one is.
    """
    later = [one.id for one in runs_of(connection, project.id) if one.state == "used"]
    if run.state != "used" or later[0] != run.id:
        raise ArgumentError("the run that is used last must be rolled back first, got another")
    rows = connection.execute(select(suggestions).where(suggestions.c.run == run.id)).all()
    for row in rows:
        mine = notes.update().where(notes.c.id == row.note)
        old = {"given": row.old, "model": row.old_model, "position": row.old_position}
        connection.execute(mine.values(**old))
    before = connection.scalar(select(runs.c.before).where(runs.c.id == run.id)) or {}
    own = projects.update().where(projects.c.id == project.id)
    connection.execute(own.values(model=before.get("model", ""), folder=before.get("folder")))
    set_run(connection, run.id, state="done")


def _check_free(connection: Connection, project: int) -> None:
    if any(run.state in ("waiting", "running") for run in runs_of(connection, project)):
        raise Conflict("a project must learn once at a time, and does so already")


def _query() -> Any:
    columns = (runs.c.id, runs.c.project, runs.c.state, runs.c.done, runs.c.total, runs.c.result)
    return select(*columns)
