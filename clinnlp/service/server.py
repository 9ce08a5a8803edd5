"""Listen, answer, and when told to end: close the door, answer what was taken, go.

SIGTERM and SIGINT end the service, SIGHUP loads the model anew. A service that ends cleanly has
done what it should, so that its exit code is 0.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.service.app import gated
from clinnlp.service.connection import connection_class
from clinnlp.service.keys import Keys, read_keys
from clinnlp.service.listening import BACKLOG, listener_of
from clinnlp.service.models import named
from clinnlp.service.settings import ServeSettings
from clinnlp.service.shared import Service
from clinnlp.study.answering import Answerer

__all__ = ["Server", "listener_of", "serve"]

_LAST_WORDS_S = 0.2  # for requests that were under way when the door closed


def serve(
    make: Callable[[], Answerer],
    *,
    settings: ServeSettings,
    paths: Sequence[str | Path] = (),
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Parameters
    ----------
    make : callable
        Loads the pipeline; called again when one of `paths` is another, and on SIGHUP.
    settings : ServeSettings
    paths : sequence of path
        Files and folders of the pipeline.
    say : callable
        Takes each line of the log.

    Raises
    ------
    ArgumentError, DataError, RunError
        The key file, the TLS files or the address cannot be used.
    ClinnlpError
        The pipeline cannot be loaded.
    """
    keys = None if settings.key_file is None else read_keys(settings.key_file)
    listener = listener_of(settings)
    try:
        service = Service(make, settings=settings, paths=paths, say=say)
        asyncio.run(Server(service, listener, keys).serve([listener]))
    finally:
        listener.close()


def _config(service: Service, keys: Keys | None) -> uvicorn.Config:
    settings = service.settings
    return uvicorn.Config(
        gated(service, keys),
        http=connection_class(slow_s=settings.slow_s, connections=settings.connections),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="critical",  # its lines may quote a request; ours never do
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


class Server(uvicorn.Server):
    """uvicorn, which loads a model beside listening, and tells before it closes the door."""

    def __init__(self, service: Service, listener: socket.socket, keys: Keys | None) -> None:
        config = _config(service, keys)
        refusal = ArgumentError("the TLS files must hold a certificate and its key, and do not")
        with instead_of(OSError, refusal):
            config.load()
        super().__init__(config)
        self.service, self._address = service, listener.getsockname()
        self._works: list[asyncio.Task[Any]] = []
        self._failure: BaseException | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._unforeseen)
        try:
            await super().serve(sockets)
        finally:
            for work in self._works:
                work.cancel()
            if not self.force_exit:
                await asyncio.to_thread(self.service.batches.end)
        if self._failure is not None:
            raise self._failure
        self.service.say("ended")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        protocol: Any = self.config.http_protocol_class
        make = partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state={},
        )
        slow_s = self.service.settings.slow_s
        tls: dict[str, Any] = {"ssl": self.config.ssl} if self.config.ssl else {}
        if tls:  # else a handshake may take a minute
            tls |= {"ssl_handshake_timeout": slow_s, "ssl_shutdown_timeout": slow_s}
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(make, sock=one, backlog=BACKLOG, **tls)
            for one in sockets or ()
        ]
        self.started = True
        self._works.append(asyncio.ensure_future(self._load()))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        service = self.service
        service.is_draining = True  # answers from now on end their connections
        if service.settings.notice_s:
            await asyncio.sleep(service.settings.notice_s)
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LAST_WORDS_S)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals while it serves; none is raised again when it has ended."""
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[], Any]] = {
            signal.SIGTERM: partial(self.handle_exit, signal.SIGTERM, None),
            signal.SIGINT: partial(self.handle_exit, signal.SIGINT, None),
            signal.SIGHUP: lambda: self._works.append(
                asyncio.ensure_future(service.models.reload())
            ),
        }
        service = self.service
        if threading.current_thread() is not threading.main_thread():
            handlers = {}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    async def _load(self) -> None:
        """Load the model, say where it answers, and watch its files."""
        service = self.service
        try:
            await service.models.load()
        except asyncio.CancelledError:  # told to end while it loads
            raise
        except BaseException as error:
            self._failure, self.should_exit = error, True
            return
        scheme = "https" if self.config.ssl else "http"
        host, port = self._address[:2]
        host = f"[{host}]" if ":" in host else host
        service.say(f"ready: {scheme}://{host}:{port}, model {named(service.models.current)}")
        if service.settings.watch_s:
            await service.models.watch(service.settings.watch_s)

    def _unforeseen(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say of what no one awaits only its type: asyncio's own line may quote a request."""
        kind = type(context.get("exception")).__name__
        self.service.say(f"unexpected {kind} in a task")
