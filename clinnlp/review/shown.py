"""A task as a page shows it: the note, what stands in it, and which version that is."""

from collections.abc import Mapping

from sqlalchemy import Connection

from clinnlp.core.notes import Entity, Relation
from clinnlp.review.forms import Json, Row, relation_to
from clinnlp.review.projects import Project, names_of
from clinnlp.review.readings import Reading

__all__ = ["shown_entity", "shown_relation", "shown_task"]

_RELATION = ("id", "label", "roles", "score", "source")
_NOTE = ("id", "text", "patient", "kind", "time")


def shown_task(connection: Connection, project: Project, task: Row, reading: Reading) -> Json:
    """Return what a page needs of a task; which suggestions are wrong on purpose is not told.

    Parameters
    ----------
    connection : Connection
    project : Project
    task : mapping
        A row of `clinnlp.review.tasks.task_of`.
    reading : Reading
    """
    sides = ((one.entity, one.given or one.entity) for one in reading.mentions.values())
    ids = (code for pair in sides for entity in pair for code in entity.concepts)
    names = names_of(connection, project.id, ids)
    mentions = []
    for mention in reading.mentions.values():
        made = {**shown_entity(mention.entity, project, names), "judged": mention.judged}
        if mention.judged == "changed" and mention.given is not None:
            made["given"] = shown_entity(mention.given, project, names)  # what a reset leads to
        mentions.append(made)
    return {
        "task": task["id"],
        "project": project.id,
        "version": task["version"],
        "is_done": reading.is_done,
        "kind": "adjudication" if task["kind"] == "adjudication" else "note",
        "note": {name: task["record"].get(name) for name in _NOTE}
        | {"sha256": task["text_sha256"]},
        "mentions": sorted(mentions, key=lambda made: (made["start"], made["end"], made["id"])),
        "relations": [shown_relation(one) for one in reading.relations.values()],
        "note_labels": list(reading.labels),
        "comment": reading.comment,
    }


def shown_relation(relation: Relation) -> Json:
    """Return a relation as a page shows it; one that a model suggests with its score.

    Parameters
    ----------
    relation : Relation
    """
    made = relation_to(relation)
    return {
        name: made[name] for name in ("id", "label", "roles", "score", "source") if name in made
    }


def shown_entity(entity: Entity, project: Project, names: Mapping[str, Json]) -> Json:
    """Return a mention as a page shows it.

    Parameters
    ----------
    entity : Entity
    project : Project
    names : mapping
        Vocabulary and name of concepts, by id.
    """
    cues = {axis: [cue.start, cue.end] for axis, cue in entity.assertion.cues.items()}
    unknown: Json = {"vocabulary": None, "name": None}
    return {
        "id": entity.id,
        "start": entity.span.start,
        "end": entity.span.end,
        "parts": [[part.start, part.end] for part in entity.parts],
        "label": entity.label,
        "score": entity.score,
        "source": entity.source,
        "axes": {axis: getattr(entity.assertion, axis) for axis in project.rules.axes},
        "cues": cues,
        "cue": next(iter(cues.values()), None),
        "attributes": dict(entity.attributes),
        "concepts": [{"id": code, **names.get(code, unknown)} for code in entity.concepts],
    }
