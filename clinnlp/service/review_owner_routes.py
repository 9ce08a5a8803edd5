"""The routes of adjudicators and owners: where two differ, how far people agree."""

from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.routing import Route

from clinnlp.core.notes import Entity
from clinnlp.review.agreement import agreement
from clinnlp.review.corpus import note_of, task_readings
from clinnlp.review.forms import Json
from clinnlp.review.projects import find_project, names_of
from clinnlp.review.shown import shown_entity
from clinnlp.review.tasks import task_of
from clinnlp.service.refusals import Refused
from clinnlp.service.review_calls import Call, Needs, Review, route
from clinnlp.service.review_routes import shown_to
from clinnlp.study.comparison import compare_notes

__all__ = ["owner_routes"]

_JUDGE = Needs("adjudicator", text=True)
_COUNTS = Needs("adjudicator")
_N_BOOT = 1000


def owner_routes(review: Review) -> list[Route]:
    """Return the routes that need more than an annotator."""
    made = partial(route, review)
    return [
        made("GET", "/api/adjudications/{task:int}", _JUDGE, _adjudication),
        made("GET", "/api/projects/{project:int}/agreement", _COUNTS, _agreement),
    ]


def _adjudication(call: Call) -> Json:
    """Return a task for adjudicators, with what the two readings say differently."""
    shown = shown_to(call, call.user)
    if shown["kind"] != "adjudication":
        raise Refused(404, "no such task for adjudicators")
    with call.database.reading() as connection:
        project = find_project(connection, shown["project"])
        task = task_of(connection, shown["task"])
        assert project is not None
        assert task is not None
        mine = [
            note_of(one)
            for one in task_readings(connection, project)
            if one.task["note"] == task["note"] and one.task["kind"] == "first"
        ]
        found = compare_notes(mine[:1], mine[1:2], n_boot=0).differences if len(mine) > 1 else ()
        sides = [side for one in found for side in (one.first, one.second) if side is not None]
        names = names_of(connection, project.id, {c for side in sides for c in side.concepts})

    def side(entity: Entity | None) -> Json | None:
        return None if entity is None else shown_entity(entity, project, names)

    return {
        **shown,
        "differences": [
            {
                "start": min(e.span.start for e in (one.first, one.second) if e is not None),
                "end": max(e.span.end for e in (one.first, one.second) if e is not None),
                "kind": one.kind,
                "left": side(one.first),
                "right": side(one.second),
                "fields": one.fields,
            }
            for one in found
        ],
    }


def _agreement(call: Call) -> Any:
    with call.database.reading() as connection:
        project = call.project(connection)
    return asdict(agreement(call.database, project, n_boot=_N_BOOT))
