"""The review server: listens, says where, and ends when it is told to."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.service.connection import connection_class
from clinnlp.service.listening import BACKLOG, listener_of
from clinnlp.service.review_app import review_application
from clinnlp.service.review_calls import Review

__all__ = ["ReviewServer", "serve_review"]


def serve_review(review: Review) -> None:
    """Answer browsers until SIGTERM or SIGINT.

    Parameters
    ----------
    review : Review

    Raises
    ------
    ArgumentError, RunError
        The TLS files or the address cannot be used.
    """
    listener = listener_of(review.settings)
    try:
        server = ReviewServer(review)
        asyncio.run(server.serve([listener]))
    finally:
        listener.close()
        review.teacher.end()


class ReviewServer(uvicorn.Server):
    """uvicorn, whose connections must get on, and whose own lines are not said.

    Parameters
    ----------
    review : Review
    """

    def __init__(self, review: Review) -> None:
        self.review = review
        settings = review.settings
        config = uvicorn.Config(
            review_application(review),
            http=connection_class(slow_s=settings.slow_s, connections=settings.connections),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(settings.drain_s)),
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        refusal = ArgumentError("the TLS files must hold a certificate and its key, and do not")
        with instead_of(OSError, refusal):
            config.load()
        super().__init__(config)

    async def startup(self, sockets: list[Any] | None = None) -> None:
        protocol: Any = self.config.http_protocol_class
        make = partial(protocol, config=self.config, server_state=self.server_state, app_state={})
        slow_s = self.review.settings.slow_s
        tls: dict[str, Any] = {"ssl": self.config.ssl} if self.config.ssl else {}
        if tls:
            tls |= {"ssl_handshake_timeout": slow_s, "ssl_shutdown_timeout": slow_s}
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unforeseen)
        self.servers = [
            await loop.create_server(make, sock=one, backlog=BACKLOG, **tls)
            for one in sockets or ()
        ]
        self.started = True
        for one in sockets or ():
            host, port = one.getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            self.review.say(f"ready: http{'s' if tls else ''}://{host}:{port}/")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals while it serves; none is raised again when it has ended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[], Any]] = {
            number: partial(self.handle_exit, number, None)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _unforeseen(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say of what no one awaits only its type: asyncio's own line may quote a request."""
        self.review.say(f"unexpected {type(context.get('exception')).__name__} in a task")
