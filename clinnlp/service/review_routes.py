"""The routes of judging: log in, take a note, judge it, see where two differ."""

import asyncio
import math
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clinnlp.core.errors import instead_of
from clinnlp.review.database import Conflict
from clinnlp.review.forms import Json
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.people import User
from clinnlp.review.projects import all_projects, find_concepts, find_project, progress
from clinnlp.review.sessions import TooOften, log_in, log_out
from clinnlp.review.shown import shown_task
from clinnlp.review.tasks import adjudications, may_open, queue, task_of
from clinnlp.service.refusals import Refused, parsed
from clinnlp.service.review_calls import Answer, Call, Needs, Review, route, take_body
from clinnlp.service.review_requests import Credentials, Empty, Judgements, Sought

__all__ = ["judging_routes", "login_route"]

_ANYONE = Needs("annotator")
_READER = Needs("annotator", text=True)
_JUDGE = Needs("adjudicator", text=True)
_MOST_JUDGEMENTS = 1 << 20  # bytes


def judging_routes(review: Review) -> list[Route]:
    """Return the routes that need no owner."""
    made = partial(route, review)
    return [
        made("POST", "/api/logout", _ANYONE, _logout),
        made("GET", "/api/me", _ANYONE, _me),
        made("GET", "/api/projects", _ANYONE, _projects),
        made("GET", "/api/projects/{project:int}/queue", _READER, _queue),
        made("GET", "/api/projects/{project:int}/adjudication", _JUDGE, _disputes),
        made("GET", "/api/tasks/{task:int}", _READER, _task),
        made(
            "POST", "/api/tasks/{task:int}/judgements", _READER, _judge, most=_MOST_JUDGEMENTS
        ),
        made("POST", "/api/concepts", _ANYONE, _concepts),
    ]  # fmt: skip


def login_route(review: Review) -> Route:
    """Return the one route of the API that nobody needs to be logged in for."""

    async def login(request: Request) -> Response:
        asked = parsed(Credentials, await take_body(request, review, 4096))
        address = request.client.host if request.client else ""
        cookie = None
        async with review.logins:  # each takes 64 MiB, as it should
            with instead_of(TooOften, _wait):
                cookie = await asyncio.to_thread(
                    log_in,
                    review.database,
                    asked.user,
                    asked.password,
                    address=address,
                    before=request.cookies.get(review.cookie),
                )
        if cookie is None:
            raise Refused(401, "name and password must be those of a person, and are not")
        answer = Response(status_code=204)
        answer.set_cookie(
            review.cookie,
            cookie,
            path="/",
            secure=review.settings.is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    return Route("/api/login", login, methods=["POST"], name="POST /api/login")


def _wait(error: TooOften) -> Refused:
    return Refused(429, str(error), retry_after=max(1, math.ceil(error.seconds)))


def _logout(call: Call) -> None:
    call.body(Empty)
    log_out(call.database, call.session.digest)


def _me(call: Call) -> Json:
    user = call.user
    return {
        "user": user.name,
        "role": user.role,
        "csrf": call.session.csrf,
        "may_see_text": user.may_see_text,
    }


def _projects(call: Call) -> list[Json]:
    with call.database.reading() as connection:
        there = [(one, progress(connection, one)) for one in all_projects(connection)]
    return [
        {
            "id": project.id,
            "name": project.name,
            "labels": project.rules.labels,
            "axes": project.rules.axes,
            "relation_labels": project.rules.relation_labels,
            "relation_roles": project.rules.relation_roles,
            "note_labels": project.rules.note_labels,
            "guideline": project.rules.guideline,
            "n_notes": n_notes,
            "n_done": n_done,
            "annotators": project.rules.n_annotators,
        }
        for project, (n_notes, n_done) in there
    ]


def _queue(call: Call) -> Json:
    with call.database.reading() as connection:
        project = call.project(connection)
    items, n_left = queue(call.database, project, call.user)
    return {"items": [item._asdict() for item in items], "n_left": n_left}


def _disputes(call: Call) -> Json:
    with call.database.reading() as connection:
        found = adjudications(connection, call.project(connection))
    return {"items": [item._asdict() for item in found]}


def _task(call: Call) -> Json:
    return shown_to(call, call.user)


def shown_to(call: Call, user: User) -> Json:
    """Return the task that the path names, where it is one of the person's."""
    with call.database.reading() as connection:
        task = task_of(connection, call.numbers["task"])
        if task is None or not may_open(task, user):
            raise Refused(404, "no such task of yours")
        project = find_project(connection, task["project"])
        assert project is not None  # a foreign key holds it
        return shown_task(connection, project, task, reading_of(connection, task, call.database))


def _judge(call: Call) -> Any:
    asked = call.body(Judgements)
    shown_to(call, call.user)
    try:
        version = judge(
            call.database,
            call.numbers["task"],
            call.user,
            asked.plain(),
            version=asked.version,
            seconds=asked.seconds,
        )
    except Conflict as error:
        said = str(error)
    else:
        return {"version": version}
    return Answer({"error": said, **shown_to(call, call.user)}, 409)


def _concepts(call: Call) -> list[Json]:
    asked = call.body(Sought)  # words of a note have no place in an address
    with call.database.reading() as connection:
        return find_concepts(connection, asked.project, asked.q)
