"""One way into every route of the review server: who asks, whether he may, what he sends.

A route says which role it needs and whether it shows text; without these it cannot be made. The
work of a route is a plain function, which runs beside the loop, since it waits for a database.
"""

import asyncio
import hmac
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clinnlp.core.errors import ArgumentError
from clinnlp.review.database import Conflict, Connection, Database
from clinnlp.review.people import User
from clinnlp.review.projects import Project, find_project
from clinnlp.review.sessions import Session, session_of
from clinnlp.service.bodies import Body
from clinnlp.service.refusals import Refused, parsed
from clinnlp.service.review_settings import ReviewSettings
from clinnlp.service.review_teaching import Teacher

__all__ = [
    "CHANGING",
    "Answer",
    "Call",
    "Needs",
    "Review",
    "json_response",
    "review_of",
    "route",
    "take_body",
]

M = TypeVar("M", bound=BaseModel)

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_TOLD_IN = "docs/review.md"
_MOST_NUMBER = 1 << 31  # of a row in either database
_PARTS = 20_000  # objects and lists of a body
_COOKIES = {True: "__Host-clinnlp-review", False: "clinnlp-review"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the routes share.

    Parameters
    ----------
    database : Database
    settings : ReviewSettings
    teacher : Teacher
        Starts the processes that learn.
    say : callable
        Takes a line of the log.
    """

    database: Database
    settings: ReviewSettings
    teacher: Teacher
    say: Callable[[str], None] = lambda _: None
    studies: dict[int, Any] = field(default_factory=dict)  # by project, the rules mined last
    logins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @property
    def cookie(self) -> str:
        """The name of the cookie; by TLS one that no other host and no plain page can set."""
        return _COOKIES[self.settings.is_secure]


def review_of(
    database: Database, settings: ReviewSettings, *, say: Callable[[str], None] = lambda _: None
) -> Review:
    """Return what the routes share, with a teacher as the settings say.

    Parameters
    ----------
    database : Database
    settings : ReviewSettings
    say : callable
        Takes a line of the log.
    """
    teacher = Teacher(database, encoder=settings.encoder, epochs=settings.epochs)
    return Review(database=database, settings=settings, teacher=teacher, say=say)


class Needs(NamedTuple):
    """What a route asks of a person: a role at least, and the right to see text."""

    role: str
    text: bool = False


class Answer(NamedTuple):
    """A value of JSON and a status."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a person who is logged in."""

    review: Review
    session: Session
    numbers: Mapping[str, int]
    words: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes

    @property
    def user(self) -> User:
        """Who asks."""
        return self.session.user

    @property
    def database(self) -> Database:
        """The store."""
        return self.review.database

    def body(self, kind: type[M]) -> M:
        """Return what the body holds, or refuse it."""
        return parsed(kind, self.raw, most=_PARTS, told_in=_TOLD_IN)

    def project(self, connection: Connection) -> Project:
        """Return the project that the path names, or refuse."""
        found = find_project(connection, self.numbers["project"])
        if found is None:
            raise Refused(404, "no such project")
        return found


def route(
    review: Review,
    method: str,
    path: str,
    needs: Needs,
    work: Callable[[Call], Any],
    *,
    most: int = 4096,
) -> Route:
    """Return a route that only who is logged in and may reaches.

    Parameters
    ----------
    review : Review
    method : {"GET", "POST"}
    path : str
    needs : Needs
    work : callable
        From a call to a value of JSON, or an `Answer`.
    most : int
        Bytes of a body.
    """

    async def endpoint(request: Request) -> Response:
        cookie = request.cookies.get(review.cookie)
        session = await asyncio.to_thread(session_of, review.database, cookie)
        if session is None:
            raise Refused(401, "a person must be logged in, and nobody is")
        if method in CHANGING:
            _check_word(request, session)
        _check_may(session.user, needs)
        numbers = {k: v for k, v in request.path_params.items() if isinstance(v, int)}
        if any(number >= _MOST_NUMBER for number in numbers.values()):
            raise Refused(404, "no such number")
        raw = await take_body(request, review, most) if method in CHANGING else b""
        call = Call(
            review=review,
            session=session,
            numbers=numbers,
            words={k: v for k, v in request.path_params.items() if isinstance(v, str)},
            query=request.query_params,
            raw=raw,
        )
        answer = await asyncio.to_thread(_worked, work, call)
        return json_response(*(answer if isinstance(answer, Answer) else (answer,)))

    endpoint.needs = needs  # type: ignore[attr-defined]
    return Route(path, endpoint, methods=[method], name=f"{method} {path}")


async def take_body(request: Request, review: Review, most: int) -> bytes:
    """Return the body of a request, which must be JSON and no longer than `most` bytes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # what a form of another page cannot send
        raise Refused(415, "a body must be application/json, got another type")
    body = Body(request.receive, slow_s=review.settings.slow_s)
    return await body.whole(most, Refused(413, f"a body must be of at most {most} bytes, got more"))


def json_response(value: Any, status: int = 200) -> Response:
    """Return a value as JSON in ASCII, in which no sign begins a tag; without value, no body."""
    if value is None:
        return Response(status_code=204 if status == 200 else status)
    text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Response(text.encode(), status, media_type="application/json")


def _worked(work: Callable[[Call], Any], call: Call) -> Any:
    """Return what a route answers; what it refuses for our reasons becomes a refusal of HTTP."""
    try:
        return work(call)
    except Conflict as error:
        refused = Refused(409, str(error))
    except ArgumentError as error:
        refused = Refused(422, str(error))
    raise refused


def _check_word(request: Request, session: Session) -> None:
    word = request.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(word.encode("latin-1", "replace"), session.csrf.encode()):
        raise Refused(403, "a change must bring the word of its session (X-CSRF-Token)")


def _check_may(user: User, needs: Needs) -> None:
    if not user.is_at_least(needs.role):
        raise Refused(403, f"this needs the role {needs.role}")
    if needs.text and not user.may_see_text:
        raise Refused(403, "this needs the right to see text")


def _finite(value: Any) -> Any:
    """Return a value with None for numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
