"""The routes of adjudicators and owners: where two differ, how far people agree, who has what."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.routing import Route

from clinnlp.review.agreement import agreement
from clinnlp.review.corpus import pair_of
from clinnlp.review.forms import Json
from clinnlp.review.projects import Project, find_project, names_of
from clinnlp.review.releasing import holdings, release
from clinnlp.review.shown import shown_entity
from clinnlp.service.refusals import Refused
from clinnlp.service.review_calls import Call, Needs, Review, route
from clinnlp.service.review_requests import Released
from clinnlp.service.review_routes import shown_to
from clinnlp.study.comparison import Difference, compare_notes

__all__ = ["owner_routes"]

_JUDGE = Needs("adjudicator", text=True)
_COUNTS = Needs("adjudicator")
_OWNER = Needs("owner")
_N_BOOT = 1000


def owner_routes(review: Review) -> list[Route]:
    """Return the routes that need more than an annotator."""
    made = partial(route, review)
    return [
        made("GET", "/api/adjudications/{task:int}", _JUDGE, _adjudication),
        made("GET", "/api/projects/{project:int}/agreement", _COUNTS, _agreement),
        made("GET", "/api/projects/{project:int}/people", _OWNER, _people),
        made("POST", "/api/projects/{project:int}/release", _OWNER, _release),
    ]


def _adjudication(call: Call) -> Json:
    """Return a task for adjudicators, with what the two readings say differently."""
    shown = shown_to(call, call.user)
    if shown["kind"] != "adjudication":
        raise Refused(404, "no such task for adjudicators")
    with call.database.reading() as connection:
        project = find_project(connection, shown["project"])
        assert project is not None  # a foreign key holds it
        first, second = pair_of(connection, shown["task"])
        found = compare_notes([first], [second], n_boot=0).differences
        codes = {code for note in (first, second) for e in note.entities for code in e.concepts}
        names = names_of(connection, project.id, codes)
    sides = {"left": list(first.labels), "right": list(second.labels)}
    return {
        **shown,
        "differences": [_difference(one, project, names) for one in found],
        "label_difference": None if set(first.labels) == set(second.labels) else sides,
        "relation_differences": [
            one["id"] for one in shown["relations"] if one.get("source") in ("A", "B")
        ],
    }


def _difference(one: Difference, project: Project, names: Mapping[str, Json]) -> Json:
    sides = [side for side in (one.first, one.second) if side is not None]
    left, right = (
        None if side is None else shown_entity(side, project, names)
        for side in (one.first, one.second)
    )
    return {
        "start": min(side.span.start for side in sides),
        "end": max(side.span.end for side in sides),
        "kind": one.kind,
        "left": left,
        "right": right,
        "fields": one.fields,
    }


def _agreement(call: Call) -> Any:
    with call.database.reading() as connection:
        project = call.project(connection)
    return asdict(agreement(call.database, project, n_boot=_N_BOOT))


def _people(call: Call) -> Json:
    with call.database.reading() as connection:
        found = holdings(connection, call.project(connection))
    return {"items": [one._asdict() for one in found]}


def _release(call: Call) -> Json:
    person = call.body(Released).person
    with call.database.writing() as connection:
        return {"n": release(connection, call.project(connection), person)}
