"""Notes of all callers, read together: a queue, and one thread that takes what waits.

The thread never waits for a batch to fill: it takes what is there, so that a caller alone is
answered at once, and many callers share the cost of a batch. Every request has its share of a
batch; one of a thousand notes does not keep the others waiting, nor do many of long ones. A request
is read whole by the pipeline that was current when it came.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinnlp.core.errors import PipeError
from clinnlp.core.notes import Note
from clinnlp.service.refusals import Refused
from clinnlp.study.answering import Answerer

__all__ = ["Batches", "Read"]

_BATCH_CHARS = 100_000  # of notes that are read beside the one whose turn it is
_MOST_SECONDS = 60  # that a caller is told to stay away
_SMOOTH = 0.2  # weight of the newest batch in the rate


@dataclass(slots=True)
class Read:
    """Notes of one request as they were read, and by what."""

    answerer: Answerer
    notes: list[Note | PipeError]


@dataclass(slots=True, eq=False)
class _Job:
    answerer: Answerer
    waiting: deque[Note]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Read]"
    finish: Callable[[Read], Any]
    n_open: int
    done: list[Note | PipeError] = field(default_factory=list)
    is_dropped: bool = False


class Batches:
    """The queue and its thread.

    Parameters
    ----------
    batch_notes : int
        Notes read together.
    queue_notes : int
        Notes that may wait when one more request is taken.
    on_batch : callable
        Called in the thread with the number of notes and the seconds of each batch.
    """

    def __init__(
        self, *, batch_notes: int, queue_notes: int, on_batch: Callable[[int, float], None]
    ) -> None:
        self._batch_notes, self._queue_notes = batch_notes, queue_notes
        self._on_batch = on_batch
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._is_ended = False
        self._rate = 0.0  # notes in a second
        self._thread = threading.Thread(target=self._run, name="clinnlp-batches", daemon=True)
        self._thread.start()

    @property
    def n_waiting(self) -> int:
        """Notes that wait."""
        with self._change:
            return sum(len(job.waiting) for job in self._jobs)

    async def read(
        self,
        answerer: Answerer,
        notes: Sequence[Note],
        finish: Callable[[Read], Any],
        *,
        is_patient: bool = False,
    ) -> Any:
        """Return what `finish` makes, in the thread, of the notes as they were read.

        Raises
        ------
        Refused
            Too many notes wait (503), and the caller is not patient.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        job = _Job(answerer, deque(notes), loop, future, finish, len(notes))
        with self._change:
            n_waiting = sum(len(other.waiting) for other in self._jobs)
            if n_waiting >= self._queue_notes and not is_patient:
                raise Refused(
                    503, "too many notes wait already; come back", retry_after=self._wait(n_waiting)
                )
            self._jobs.append(job)
            self._change.notify()
        try:
            return await future
        finally:
            job.is_dropped = True  # where the caller has gone, nothing more is read for him

    def retry_after(self) -> int:
        """Return the seconds after which what waits now is done."""
        return self._wait(self.n_waiting)

    def end(self) -> None:
        """End the thread when the queue is empty, and wait for that."""
        with self._change:
            self._is_ended = True
            self._change.notify()
        self._thread.join()

    def _wait(self, n_waiting: int) -> int:
        seconds = n_waiting / self._rate if self._rate else 1.0
        return max(1, min(_MOST_SECONDS, math.ceil(seconds)))

    def _run(self) -> None:
        while batch := self._next():
            begun = time.perf_counter()
            read = batch[0][0].answerer([note for _, note in batch])
            seconds = time.perf_counter() - begun
            self._note_rate(len(batch) / max(seconds, 1e-6))
            self._on_batch(len(batch), seconds)
            for (job, _), note in zip(batch, read, strict=True):
                job.done.append(note)
                if len(job.done) == job.n_open:
                    _settle(job)

    def _note_rate(self, rate: float) -> None:
        with self._change:
            self._rate += (rate - self._rate) * (_SMOOTH if self._rate else 1.0)

    def _next(self) -> list[tuple[_Job, Note]]:
        """Return the next notes to read together, when there are any; none at the end."""
        with self._change:
            while True:
                for job in [job for job in self._jobs if job.is_dropped]:
                    self._jobs.remove(job)
                if self._jobs or self._is_ended:
                    return self._taken()
                self._change.wait()

    def _taken(self) -> list[tuple[_Job, Note]]:
        """Return a share of what each request has waiting, of the first ones' pipeline.

        Whose turn it is gives a note of any length; beside it notes are taken that together are
        not too long. Who gave none is first the next time.
        """
        if not self._jobs:
            return []
        jobs = [job for job in self._jobs if job.answerer is self._jobs[0].answerer]
        batch = [(jobs[0], jobs[0].waiting.popleft())]
        room, n_before = _BATCH_CHARS, 0
        while n_before < len(batch):
            n_before = len(batch)
            for job in filter(_waits, [*jobs[1:], jobs[0]]):
                n_chars = len(job.waiting[0].text)
                if n_chars <= room and len(batch) < self._batch_notes:
                    batch.append((job, job.waiting.popleft()))
                    room -= n_chars
        gave = {id(job) for job, _ in batch}
        left = filter(_waits, self._jobs)
        self._jobs = deque(sorted(left, key=lambda job: id(job) in gave))
        return batch


def _waits(job: _Job) -> bool:
    return bool(job.waiting)


def _settle(job: _Job) -> None:
    """Give a request its answer, in the thread of its loop."""
    result: Any
    try:
        result = job.finish(Read(job.answerer, job.done))
    except Exception as error:
        result = error

    def tell() -> None:
        if job.future.done():
            return
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)

    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(tell)
