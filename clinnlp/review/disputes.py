"""Where two people read a note differently: what they agree on stands, the rest is to be decided.

Two mentions are the same where label, place, assertion, concepts and attributes are. The task for
adjudicators begins with those accepted; what stands in one reading only is a suggestion there, its
source ``A`` or ``B``, without names. A relation of one reading bears such a source too, and of the
labels of the note those begin that both gave.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from clinnlp.core.notes import Entity, Relation
from clinnlp.review.forms import Json, Row, canonical, entity_to, relation_to
from clinnlp.review.projects import Project
from clinnlp.review.readings import Reading
from clinnlp.review.tables import notes, tasks
from clinnlp.review.tasks import add_adjudication, drop_adjudication, plan_repeat

__all__ = ["first_readings", "joined", "settle"]

Read = Callable[[Connection, Any], Reading]


def settle(
    connection: Connection,
    project: Project,
    task: Row,
    reading: Reading,
    *,
    read: Read,
) -> None:
    """Do what follows when a note is done or reopened: repeats, and tasks for adjudicators.

    Parameters
    ----------
    connection : Connection
    project : Project
    task : mapping
    reading : Reading
        As it stands now.
    read : callable
        Gives the reading of another task.
    """
    if task["kind"] != "first":
        return
    drop_adjudication(connection, task["note"])
    if not reading.is_done:
        return
    plan_repeat(connection, project, task)
    others = [row for row in first_readings(connection, task["note"]) if row["id"] != task["id"]]
    if others:
        rows = sorted([(task["id"], reading), (others[0]["id"], read(connection, others[0]))],
                      key=lambda row: row[0])  # fmt: skip
        given = joined(rows[0][1], rows[1][1])
        if given is not None:
            add_adjudication(connection, project, task, given)


def first_readings(connection: Connection, note: int) -> list[RowMapping]:
    """Return the tasks of a note that are done, the one that was given out first first."""
    query = select(tasks, notes.c.record, notes.c.sha256.label("text_sha256"))
    query = query.join(notes, notes.c.id == tasks.c.note)
    done = query.where(tasks.c.note == note, tasks.c.kind == "first", tasks.c.state == "done")
    return list(connection.execute(done.order_by(tasks.c.id)).mappings())


def joined(first: Reading, second: Reading) -> Json | None:
    """Return what an adjudicator begins with; None where two readings say the same.

    Parameters
    ----------
    first, second : Reading
        Of one note.
    """
    ours, theirs = _by_key(first), _by_key(second)
    links = [_link_keys(reading) for reading in (first, second)]
    same_labels = set(first.labels) == set(second.labels)
    if ours.keys() == theirs.keys() and links[0].keys() == links[1].keys() and same_labels:
        return None
    every = {**theirs, **ours}
    order = sorted(every, key=lambda key: (every[key].span.start, every[key].span.end, key))
    names = {key: f"M{k}" for k, key in enumerate(order, 1)}  # key of a mention → its new id
    relations = [
        relation_to(
            replace(
                _renamed(link, f"R{k}", reading, names), source=_whose(key in one for one in links)
            )
        )
        for k, (key, (link, reading)) in enumerate(({**links[1], **links[0]}).items(), 1)
    ]
    return {
        "mentions": [_begun(every[key], names[key], (key in ours, key in theirs)) for key in order],
        "relations": relations,
        "labels": [label for label in first.labels if label in second.labels],
    }


def _begun(entity: Entity, name: str, has: Iterable[bool]) -> Json:
    """Return a mention as an adjudicator begins with it: accepted where both have it."""
    source = _whose(has)
    if source is None:
        return entity_to(replace(entity, id=name)) | {"judged": "accepted"}
    return entity_to(replace(entity, id=name, source=source))


def _whose(has: Iterable[bool]) -> str | None:
    """Return which of two readings alone has something, None where both do."""
    ours, theirs = has
    return None if ours and theirs else "A" if ours else "B"


def _key(entity: Entity) -> str:
    return canonical(entity_to(replace(entity, id="", score=None, source=None)) | {"cues": {}})


def _by_key(reading: Reading) -> dict[str, Entity]:
    return {_key(entity): entity for entity in reading.entities()}


def _link_keys(reading: Reading) -> dict[str, tuple[Relation, Reading]]:
    """Return the relations by label and the places of their ends."""
    found = {}
    for link in reading.links():
        ends = {
            role: sorted(_end_key(reading, end) for end in ends)
            for role, ends in link.roles.items()
        }
        found[canonical([link.label, ends])] = (link, reading)
    return found


def _end_key(reading: Reading, end: str) -> str:
    mention = reading.mentions.get(end)
    return end if mention is None else _key(mention.entity)


def _renamed(link: Relation, id: str, reading: Reading, names: Mapping[str, str]) -> Relation:
    roles = {
        role: tuple(names.get(_end_key(reading, end), end) for end in ends)
        for role, ends in link.roles.items()
    }
    return replace(link, id=id, roles=roles)
