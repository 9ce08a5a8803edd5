"""One connection, which is cut where the other side does not get on.

uvicorn waits for ever for the rest of a head that has begun, for a reader who does not read, and
for the end of a body that nobody wants any more. Here each of these waits ends after so many
seconds. What the route itself waits for, a body that it reads, it bounds itself.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["connection_class"]

_SAID = b'{"error": "too many connections at a time; come back"}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_SAID), _SAID)
)


def connection_class(*, slow_s: float, connections: int) -> type[H11Protocol]:
    """Return the protocol with these bounds; uvicorn makes one of it for each connection."""

    class Connection(_Bounded):
        slow = slow_s
        most = connections

    return Connection


class _Bounded(H11Protocol):
    """A connection that is looked at after every event: for what does it wait."""

    slow = 8.0
    most = 512
    _wait: str | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(_FULL)
            transport.close()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._look()

    def shutdown(self) -> None:
        super().shutdown()
        self._look()

    def _look(self) -> None:
        """Begin to count where the connection waits for something else than before."""
        wait = self._waits_for()
        if wait == self._wait:
            return
        self._stop()
        self._wait = wait
        if wait is not None:
            self._timer = self.loop.call_later(self.slow, self._cut, wait)

    def _waits_for(self) -> str | None:
        if self.transport.is_closing():
            return "end"
        if self.flow.write_paused:
            return "reader"
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return self._between(cycle)
        return None  # a request is being answered, which has bounds of its own

    def _between(self, cycle: Any) -> str | None:
        """Return what it waits for when nothing is being answered."""
        if cycle is not None and self.conn.their_state is h11.SEND_BODY:
            return "rest"  # of a body that nobody reads
        if self.transport.get_write_buffer_size():
            return "reader"
        if cycle is None or self.conn.trailing_data[0]:
            return "head"
        # uvicorn ends connections that rest, but not where the end of a body came after the answer
        return "next" if self.timeout_keep_alive_task is None else None

    def _cut(self, wait: str) -> None:
        if self._waits_for() == wait:
            self.transport.abort()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._wait = None
