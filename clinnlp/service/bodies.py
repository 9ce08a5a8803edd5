"""Bodies as they come in, from callers who must get on, and answers for callers who wait.

A caller may take so many seconds for each MiB, and for each line of a stream; what we need
ourselves meanwhile does not count.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from clinnlp.core.errors import instead_of
from clinnlp.service.refusals import Refused

__all__ = ["Body", "unless_gone"]

T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_MIB = 1 << 20


class Body:
    """A body in pieces.

    Parameters
    ----------
    receive : callable
        Of ASGI.
    slow_s : float
        Seconds that the caller has.
    """

    def __init__(self, receive: Receive, *, slow_s: float) -> None:
        self._receive, self._slow_s = receive, slow_s
        self._left = slow_s
        self._n_bytes = 0
        self._is_whole = False

    def got_on(self) -> None:
        """Give the caller all his seconds anew."""
        self._left, self._n_bytes = self._slow_s, 0

    async def piece(self) -> bytes | None:
        """Return the next piece; None at the end.

        Raises
        ------
        Refused
            The caller is too slow (408) or has gone (499).
        """
        if self._is_whole:
            return None
        loop = asyncio.get_running_loop()
        begun = loop.time()
        refusal = Refused(408, f"a body must get on in {self._slow_s:g} seconds, and did not")
        with instead_of(TimeoutError, refusal):
            async with asyncio.timeout(max(self._left, 0)):
                message = await self._receive()
        if message["type"] != "http.request":
            raise gone()
        self._left -= loop.time() - begun
        piece: bytes = message.get("body", b"")
        self._is_whole = not message.get("more_body", False)
        self._n_bytes += len(piece)
        if self._n_bytes >= _MIB:
            self.got_on()
        return piece

    async def whole(self, most: int, refusal: Refused) -> bytes:
        """Return the whole body, or raise `refusal` where it is larger than `most` bytes."""
        pieces, n_bytes = [], 0
        while (piece := await self.piece()) is not None:
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > most:
                raise refusal
        return b"".join(pieces)

    async def lines(self, most: int, refusal: Refused) -> AsyncIterator[bytes]:
        """Yield the lines of the body that are not empty, none of more than `most` bytes."""
        rest = bytearray()
        while (piece := await self.piece()) is not None:
            rest += piece
            if b"\n" in piece:
                *lines, last = rest.split(b"\n")
                rest = bytearray(last)
                if any(map(bytes.strip, map(bytes, lines))):  # blank ones are no progress
                    self.got_on()
                for line in lines:
                    if len(line) > most:
                        raise refusal
                    if line.strip():
                        yield bytes(line)
            if len(rest) > most:
                raise refusal
        if rest.strip():
            yield bytes(rest)


async def unless_gone(
    receive: Receive, work: Coroutine[Any, Any, T], *, time_s: float, retry_after: Callable[[], int]
) -> T:
    """Return what `work` gives, unless the caller goes before or it takes too long.

    Raises
    ------
    Refused
        The caller has gone (499), or it took more than `time_s` seconds (503).
    """
    answer: asyncio.Task[T] = asyncio.ensure_future(work)
    left = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({answer, left}, timeout=time_s, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        if left.done():
            raise gone()
        raise Refused(
            503, f"an answer took more than {time_s:g} seconds; send less at a time, or come back",
            retry_after=retry_after(),
        )  # fmt: skip
    finally:
        answer.cancel()
        left.cancel()


def gone() -> Refused:
    """Return what is counted where the caller has gone."""
    return Refused(499, "the caller has gone")
