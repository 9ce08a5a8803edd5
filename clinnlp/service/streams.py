"""A stream of notes: lines in, lines out in their order, and memory that does not grow.

So many lines are read ahead and no more; who does not take his answers is not read from either.
A line that is wrong is answered by a line that says so, and the others go on. Before the first
answer, and whenever another model takes over, a line says what makes those behind it; the last
line counts, so that a stream that was cut is known, or says why the rest was not read.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi.requests import Request
from fastapi.responses import Response

from clinnlp.core.errors import PipeError
from clinnlp.service.batches import Read
from clinnlp.service.bodies import Body
from clinnlp.service.gate import too_large
from clinnlp.service.refusals import Refused, parsed
from clinnlp.service.requests import FAULT, NoteIn, note_of, record_of
from clinnlp.service.shared import Service
from clinnlp.study.answering import Answerer

__all__ = ["STREAM_TYPE", "NoteStream"]

STREAM_TYPE = "application/x-ndjson"
_AHEAD = 2  # batches that are read ahead
_AHEAD_BYTES = 1 << 20  # and no further line while these wait


class NoteStream(Response):
    """An answer that is written while its request is read."""

    def __init__(self, request: Request, service: Service) -> None:
        super().__init__(media_type=STREAM_TYPE)
        del self.headers["content-length"]  # nobody knows it
        self._service = service
        self._body = Body(request.receive, slow_s=service.settings.slow_s)
        ahead = _AHEAD * service.settings.batch_notes
        self._waiting: asyncio.Queue[tuple[asyncio.Task[Any], int] | None] = asyncio.Queue(ahead)
        self._n_bytes, self._is_taken = 0, asyncio.Event()  # of lines that wait for their answer
        self._is_begun = False

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        reading = asyncio.ensure_future(self._read())
        counts = {"n_notes": 0, "n_failed": 0}
        answerer = None
        try:
            while (one := await self._waiting.get()) is not None:
                task, n_bytes = one
                maker, line = await task
                if maker is not None and maker is not answerer:
                    answerer = maker
                    await self._write(send, {"made_by": dict(maker.made_by)})
                counts["n_notes" if "note" in line else "n_failed"] += 1
                await self._write(send, line)
                self._n_bytes -= n_bytes
                self._is_taken.set()
            await self._write(send, await self._last(reading, counts))
            await send({"type": "http.response.body", "body": b""})
        finally:
            reading.cancel()
            while not self._waiting.empty():
                if (one := self._waiting.get_nowait()) is not None:
                    one[0].cancel()

    async def _last(self, reading: "asyncio.Task[None]", counts: dict[str, int]) -> dict[str, Any]:
        """Return the last line: what was done, or why the others were not read."""
        try:
            await reading
        except Refused as refused:
            if not self._is_begun:
                raise
            return {"error": str(refused)}
        return {"done": counts}

    async def _write(self, send: Callable[[Any], Any], line: dict[str, Any]) -> None:
        if not self._is_begun:
            self._is_begun = True
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
        raw = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        await send({"type": "http.response.body", "body": raw, "more_body": True})

    async def _read(self) -> None:
        """Put a task for each line, and None at the end."""
        settings = self._service.settings
        refusal = too_large(settings)
        position = 0
        try:
            async for line in self._body.lines(settings.body_bytes, refusal):
                self._n_bytes += len(line)
                task = asyncio.ensure_future(self._answered(line, position))
                await self._waiting.put((task, len(line)))
                position += 1
                while self._n_bytes > _AHEAD_BYTES:
                    self._is_taken.clear()
                    await self._is_taken.wait()
        finally:
            await self._waiting.put(None)

    async def _answered(self, line: bytes, position: int) -> tuple[Answerer | None, dict[str, Any]]:
        """Return what answers a line, and by whom."""
        service = self._service
        try:
            what = f"line {position}"
            form = parsed(NoteIn, line, what)
            note = note_of(form, position, note_chars=service.settings.note_chars, what=what)
            async with asyncio.timeout(service.settings.time_s):
                answered: tuple[Answerer, dict[str, Any]] = await service.batches.read(
                    service.models.current, [note], self._finish(), is_patient=True
                )
                return answered
        except Refused as refused:
            said = str(refused)
        except TimeoutError:
            said = "an answer took too long"
        service.metrics.failed.inc()
        return None, {"failed": {"position": position, "error": said}}

    def _finish(self) -> Callable[[Read], tuple[Answerer, dict[str, Any]]]:
        metrics = self._service.metrics

        def finish(read: Read) -> tuple[Answerer, dict[str, Any]]:
            (note,) = read.notes
            if isinstance(note, PipeError):
                raise Refused(500, FAULT)
            metrics.notes.inc()
            metrics.mentions.inc(len(note.entities))
            return read.answerer, {"note": record_of(note, texts=False)}

        return finish
