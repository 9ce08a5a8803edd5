"""The review server as one application: its page, its routes, and what every answer says.

Every answer forbids what a page does not need (CSP), caches, frames and guesses of types. A log
line names the route, never the path, which holds numbers of notes.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from clinnlp.core.errors import where_raised
from clinnlp.review.database import Unreachable
from clinnlp.service.hosts import is_known_host
from clinnlp.service.refusals import Refused, body_of
from clinnlp.service.review_calls import CHANGING, Review
from clinnlp.service.review_learning_routes import learning_routes
from clinnlp.service.review_owner_routes import owner_routes
from clinnlp.service.review_page import Page, page_files
from clinnlp.service.review_routes import judging_routes, login_route
from clinnlp.service.review_rules_routes import rules_routes

__all__ = ["ReviewGate", "review_application", "review_routes"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_NO_STORE = "no-store"
_FAILED = "the server failed, and has logged where"
_NO_ANSWER = "the store cannot be read or written now, and the server has logged why; try again"


def review_application(review: Review) -> "ReviewGate":
    """Return the application that a server runs."""

    async def unforeseen(_: Request, error: Exception) -> Response:
        review.say(f"unexpected {type(error).__name__}{where_raised(error)}")
        return _told(Refused(500, _FAILED))

    async def unreachable(_: Request, error: Exception) -> Response:
        review.say(str(error))
        return _told(Refused(503, _NO_ANSWER))

    handlers: dict[Any, Any] = {Refused: _refused, HTTPException: _of_http}
    handlers |= {Unreachable: unreachable, Exception: unforeseen}
    app = Starlette(routes=review_routes(review), exception_handlers=handlers)
    app.router.redirect_slashes = False
    return ReviewGate(app, review)


def review_routes(review: Review) -> list[Route]:
    """Return all routes; those of the API but the login say what they need."""
    page = Page(page_files())
    return [
        Route("/", page.index, methods=["GET"], name="GET /"),
        Route("/static/{name:path}", page.static, methods=["GET"], name="GET /static"),
        login_route(review),
        *judging_routes(review),
        *owner_routes(review),
        *learning_routes(review),
        *rules_routes(review),
    ]


class ReviewGate:
    """What stands before the routes: names of the host, foreign pages, headers, the log.

    Parameters
    ----------
    app : Starlette
    review : Review
    """

    def __init__(self, app: Starlette, review: Review) -> None:
        self.app, self.review = app, review

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun, reply = time.perf_counter(), _Reply(send)
        try:
            headers = dict(scope["headers"])
            self._check(scope["method"], headers)
            await self.app(scope, receive, reply)
        except Refused as refused:
            await _told(refused)(scope, receive, reply)
        except Exception as error:  # told already, but for what fails behind an answer
            if not reply.status:
                self.review.say(f"unexpected {type(error).__name__}{where_raised(error)}")
                await _told(Refused(500, _FAILED))(scope, receive, reply)
        if self.review.settings.log_requests:
            seconds = time.perf_counter() - begun
            self.review.say(f"{self._name(scope)} {reply.status} {seconds * 1000:.0f} ms")

    def _check(self, method: str, headers: dict[bytes, bytes]) -> None:
        """Refuse what a page of another site asks for in the browser of a person."""
        settings = self.review.settings
        host = headers.get(b"host", b"")
        if not is_known_host(host, settings.host, settings.host_names):
            raise Refused(403, "a host must be asked for as localhost or one of host_names")
        if method not in CHANGING:
            return
        origin = headers.get(b"origin")
        site = headers.get(b"sec-fetch-site", b"same-origin")
        is_ours = origin is None or origin.partition(b"://")[2] == host
        if not is_ours or site not in (b"same-origin", b"none"):
            raise Refused(403, "a change must come from a page of this server, got another")

    def _name(self, scope: Scope) -> str:
        """Return the name of the route of a request; what it names is not told."""
        for one in self.app.routes:
            if one.matches(scope)[0] is Match.FULL:
                return str(getattr(one, "name", "other"))
        return "other"


class _Reply:
    """Sends an answer with what every answer says, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            there = {name for name, _ in message["headers"]}
            more = {**_ALWAYS, "cache-control": _NO_STORE}
            message["headers"] = [
                *message["headers"],
                *((k.encode(), v.encode()) for k, v in more.items() if k.encode() not in there),
            ]
        await self._send(message)


def _told(refused: Refused) -> Response:
    headers = {k: v for k, v in refused.headers.items() if k != "WWW-Authenticate"}
    return Response(
        body_of(refused), refused.status, headers=headers, media_type="application/json"
    )


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _told(error)


async def _of_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "no such path", 405: "no such method here"}
    return _told(Refused(status, said.get(status, "the request is not understood")))
