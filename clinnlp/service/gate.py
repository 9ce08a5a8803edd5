"""Before each route, and behind it: who may ask, how much, how many at once; one line, and numbers.

A refusal comes before the body is read; what still comes of it is thrown away, so that whoever
sends all before he listens is told too, and not cut off. What fails unforeseen is a 500 that says
nothing of the request; the log gets the type of the error and its place in this library.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple

from clinnlp.core.errors import where_raised
from clinnlp.service.hosts import is_known_host
from clinnlp.service.keys import Keys
from clinnlp.service.refusals import Refused, body_of
from clinnlp.service.settings import ServeSettings
from clinnlp.service.shared import Service

__all__ = ["ROUTES", "Gate", "Route"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ALWAYS = [  # what a note holds is for no cache, and nothing is to be guessed
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
_REST = 4  # times the largest body: what is thrown away of one that is refused
_BODIES = 32  # of the largest size that may be in memory at a time


class Route(NamedTuple):
    """What a path needs: a right, or nothing where it is None; what a body must be."""

    right: str | None
    body: tuple[bytes, ...] = ()
    is_open: bool = False
    is_stream: bool = False


_JSON = (b"application/json",)
ROUTES = {
    "/healthz": Route(None, is_open=True),
    "/readyz": Route(None, is_open=True),
    "/metrics": Route("metrics"),
    "/openapi.json": Route(None),
    "/docs": Route(None),
    "/v1/extract": Route("extract", _JSON),
    "/v1/score-risk": Route("risk", _JSON),
    "/v1/signals": Route("signals", _JSON),
    "/v1/extract:stream": Route(
        "extract", (b"application/x-ndjson", b"application/jsonl"), is_stream=True
    ),
}
_OTHER = Route(None)


class Gate:
    """An application of ASGI in front of another one.

    Parameters
    ----------
    app : callable
    service : Service
    keys : Keys, optional
        Where absent, whoever reaches the service may ask.
    """

    def __init__(self, app: App, *, service: Service, keys: Keys | None) -> None:
        self.app, self.service, self.keys = app, service, keys
        self.settings, self.metrics = service.settings, service.metrics
        self._callers: Counter[object] = Counter()
        self._n_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "HEAD":  # whose answer uvicorn sends without its body
            scope = {**scope, "method": "GET"}
        path = scope["path"]
        route = ROUTES.get(path, _OTHER)
        reply = _Reply(send, lambda: self.service.is_draining)
        begun = time.perf_counter()
        self.metrics.running.inc()
        try:
            await self._answer(scope, receive, reply, route)
        except Exception as error:
            self.service.say(f"unexpected {type(error).__name__}{where_raised(error)}")
            await reply.refuse(Refused(500, "the service failed, and has logged where"))
        finally:
            self.metrics.running.dec()
            name = path if path in ROUTES else "other"
            self.metrics.on_request(name, reply.status, begun)
            if self.settings.log_requests and not route.is_open:
                seconds = time.perf_counter() - begun
                self.service.say(f"{name} {reply.status} {seconds * 1000:.0f} ms")

    async def _answer(self, scope: Scope, receive: Receive, reply: "_Reply", route: Route) -> None:
        headers = dict(scope["headers"])
        try:
            caller = self._admitted(scope, headers, route)
        except Refused as refused:
            await reply.refuse(refused, self._rest(receive, headers))
            return
        n_bytes = self._claimed(headers, route)
        self._callers[caller] += not route.is_open
        self._n_bytes += n_bytes
        try:
            await self.app(scope, receive, reply)
        except Refused as refused:
            await reply.refuse(refused)
        finally:
            self._n_bytes -= n_bytes
            self._callers[caller] -= not route.is_open
            if not self._callers[caller]:
                del self._callers[caller]

    async def _rest(self, receive: Receive, headers: dict[bytes, bytes]) -> None:
        """Throw away what comes of a body that is refused, for so long and so much at most."""
        if b"expect" in headers:  # who waits to be asked for it sends nothing
            return
        left = _REST * self.settings.body_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.slow_s / 4):  # the connection waits as well
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    def _claimed(self, headers: dict[bytes, bytes], route: Route) -> int:
        """Return the bytes of the body that may be in memory: where it says none, the most."""
        if route.is_stream or b"transfer-encoding" not in headers:
            return int(headers.get(b"content-length", 0)) * (not route.is_stream)
        return self.settings.body_bytes

    def _admitted(self, scope: Scope, headers: dict[bytes, bytes], route: Route) -> object:
        """Return who asks, or refuse."""
        if b"transfer-encoding" in headers and b"content-length" in headers:
            raise Refused(400, "a body must have a length or come in chunks, got both")
        client = scope.get("client")
        caller: object = client[0] if client else None
        if route.is_open:
            return caller
        caller = self._known(headers, route) or caller
        if route.body and scope["method"] == "POST":
            self._check_body(headers, route)
        self._check_room(caller)
        return caller

    def _known(self, headers: dict[bytes, bytes], route: Route) -> object:
        """Return the digest of the key, None where there are no keys, or refuse."""
        if self.keys is None:
            self._check_host(headers.get(b"host", b""))
            return None
        caller = self.keys.caller_of(headers.get(b"authorization", b""))
        if caller is None:
            raise Refused(401, "a key must stand in the header Authorization, got none of ours")
        if route.right is not None and route.right not in self.keys.rights[caller]:
            raise Refused(403, f"this key may not ask for {route.right}")
        return caller

    def _check_host(self, host: bytes) -> None:
        """Refuse what a page of the web asks in a browser of this machine, by a name of its own."""
        if not is_known_host(host, self.settings.host, self.settings.host_names):
            raise Refused(
                403, "without a key a host must be asked for as localhost or one of host_names"
            )

    def _check_body(self, headers: dict[bytes, bytes], route: Route) -> None:
        kind, *more = headers.get(b"content-type", b"").lower().split(b";")
        named = (word.replace(b'"', b"").replace(b" ", b"") for word in more)
        charsets = {word.removeprefix(b"charset=") for word in named if word[:8] == b"charset="}
        if kind.strip() not in route.body or not charsets <= {b"utf-8", b"utf8"}:
            wanted = route.body[0].decode()
            raise Refused(415, f"a body must be {wanted} in UTF-8, got another type")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused(415, "a body must come as it is, got one that is packed")
        length = int(headers.get(b"content-length", 0))
        if length > self.settings.body_bytes and not route.is_stream:
            raise too_large(self.settings)

    def _check_room(self, caller: object) -> None:
        settings = self.settings
        if self._callers[caller] >= settings.caller_requests:
            raise Refused(
                429, f"at most {settings.caller_requests} requests at a time are one caller's",
                retry_after=1,
            )  # fmt: skip
        is_full = self._callers.total() >= settings.requests
        if is_full or self._n_bytes > _BODIES * settings.body_bytes:
            raise Refused(503, "too many requests at a time; come back", retry_after=1)


def too_large(settings: ServeSettings) -> Refused:
    """Return the refusal of a body that is too large."""
    return Refused(413, f"a body must be of at most {settings.body_mib} MiB, got more")


class _Reply:
    """Sends an answer, with what every answer says, and remembers its status."""

    def __init__(self, send: Send, is_draining: Callable[[], bool]) -> None:
        self._send, self._is_draining = send, is_draining
        self.status = 0
        self._is_whole = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            close = [(b"connection", b"close")] if self._is_draining() else []
            message["headers"] = [*message.get("headers", []), *_ALWAYS, *close]
        elif message["type"] == "http.response.body":
            self._is_whole = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, refused: Refused, rest: Awaitable[None] | None = None) -> None:
        """Send a refusal, where no answer has begun, and end it when `rest` is over."""
        if self.status:
            if not self._is_whole:  # the caller must see that it broke off
                raise ConnectionAbortedError
            return
        body = body_of(refused)
        told = {**refused.headers, "Content-Type": "application/json"}
        told["Content-Length"] = str(len(body))
        if refused.status in (400, 408):
            told["Connection"] = "close"
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await self({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self({"type": "http.response.body", "body": body, "more_body": rest is not None})
        if rest is not None:
            await rest
            await self({"type": "http.response.body", "body": b""})
