"""What was judged, as notes: the decision of adjudicators, else what the annotators agree on."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, select

from clinnlp.core.notes import Note
from clinnlp.review.database import Database
from clinnlp.review.disputes import first_readings, joined
from clinnlp.review.forms import note_from
from clinnlp.review.judging import reading_of
from clinnlp.review.people import person_id
from clinnlp.review.projects import Project
from clinnlp.review.readings import Reading
from clinnlp.review.tables import notes, tasks, users
from clinnlp.review.verdicts import corrections_of

__all__ = ["Judged", "TaskReading", "judged_notes", "note_of", "pair_of", "task_readings"]

_BARE, _ONE, _OPEN = (
    "not judged yet",
    "judged by one of two annotators",
    "two annotators differ, and nobody has decided",
)


class Judged(NamedTuple):
    """Notes with what was judged in them, and how many were left out, by reason."""

    notes: list[Note]
    n_excluded: Mapping[str, int]


class TaskReading(NamedTuple):
    """A task that is done: by whom, of which kind, and what came of it."""

    who: str
    task: RowMapping
    reading: Reading


def judged_notes(database: Database, project: Project, *, who: str | None = None) -> Judged:
    """Return the notes of a project as they were judged, in its order.

    Mentions that were called none under a rule are taken away from what was decided.

    Parameters
    ----------
    database : Database
    project : Project
    who : str, optional
        Return what one person judged, instead of what was decided.

    Raises
    ------
    ArgumentError
        There is no such person.
    """
    with database.reading() as connection:
        if who is not None:
            person_id(connection, who)
        wrong = corrections_of(connection, project) if who is None else None
        by_note: dict[int, list[TaskReading]] = {}
        for one in task_readings(connection, project):
            by_note.setdefault(one.task["note"], []).append(one)
        mine = select(notes.c.id).where(notes.c.project == project.id)
        order = connection.scalars(mine.order_by(notes.c.position, notes.c.id)).all()
    left: Counter[str] = Counter()
    made = []
    for note in order:
        found = _decided(by_note.get(note, []), project.rules.n_annotators, who)
        if isinstance(found, str):
            left[found] += 1
        else:
            note = note_of(found)
            made.append(note if wrong is None else wrong.applied(note))
    return Judged(made, dict(left))


def task_readings(connection: Connection, project: Project) -> Iterator[TaskReading]:
    """Yield all tasks of a project that are done, the first that was given out first."""
    query = (
        select(tasks, notes.c.record, notes.c.sha256.label("text_sha256"), users.c.name)
        .join(notes, notes.c.id == tasks.c.note)
        .join(users, users.c.id == tasks.c.user, isouter=True)
        .where(tasks.c.project == project.id, tasks.c.state == "done")
        .order_by(tasks.c.id)
    )
    for row in connection.execute(query).mappings().all():
        yield TaskReading(row["name"] or "", row, reading_of(connection, row))


def pair_of(connection: Connection, task: int) -> tuple[Note, Note]:
    """Return the two readings that a task for adjudicators is about, the one called A first."""
    note = connection.scalar(select(tasks.c.note).where(tasks.c.id == task))
    rows = first_readings(connection, note or 0)
    first, second = (note_of(TaskReading("", row, reading_of(connection, row))) for row in rows[:2])
    return first, second


def note_of(one: TaskReading) -> Note:
    """Return a note with what was judged in it, as gold: without scores and sources."""
    reading = one.reading
    return note_from(
        one.task["record"],
        entities=reading.entities(),
        relations=reading.links(),
        labels=reading.labels,
    )


def _decided(found: list[TaskReading], n_annotators: int, who: str | None) -> TaskReading | str:
    """Return the reading that counts, or why there is none."""
    firsts = [one for one in found if one.task["kind"] == "first"]
    if who is not None:
        return next((one for one in firsts if one.who == who), _BARE)
    by_judge = [one for one in found if one.task["kind"] == "adjudication"]
    if by_judge:
        return by_judge[0]
    if len(firsts) < n_annotators:
        return _ONE if firsts else _BARE
    return firsts[0] if n_annotators == 1 or _agree(firsts) else _OPEN


def _agree(firsts: list[TaskReading]) -> bool:
    return joined(firsts[0].reading, firsts[1].reading) is None
