"""Work on several processes, with answers in the order of the tasks.

Each process is started anew (``spawn``), gets the work once, and is then handed one task after the
other; each has one more at hand, so that none waits. A process that dies, whatever ended it, is
replaced, and its task is handed out again. A task on which processes die twice is cut into its
pieces; a piece that does so twice is lost, and the work goes on without it. So one bad note costs
four processes, and never the run.

What a process says of a failure is an error of ours or a type's name: never text.
"""

import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from clinnlp.core.errors import ArgumentError, ClinnlpError, PipeError, RunError, where_raised

__all__ = ["Workers", "all_memory", "n_cores", "peak_memory"]

T = TypeVar("T")
R = TypeVar("R")

_TRIES = 2  # of a task, and of each of its pieces: one death may be anybody's fault
_AT_HAND = 2  # tasks of a process: one at work, one that waits
_STARTS = 3  # processes in a row that die before they are ready
_DEATHS = 50  # processes in a row that die with no answer in between
_LEAVE = 5.0  # seconds that a process has to leave
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
_UP, _READY, _DONE, _FAILED = "up", "ready", "done", "failed"


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def all_memory() -> int:
    """Return the bytes of memory of this machine; 0 where nobody says so."""
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0


def peak_memory() -> int:
    """Return the bytes of memory that this process has held at most; 0 where nobody says so."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/status", encoding="ascii", errors="replace") as handle:
            told = next((line for line in handle if line.startswith("VmHWM:")), "")
        return int(told.split()[1]) * 1024
    return 0


class Workers(Generic[T, R]):
    """Processes that answer tasks.

    Parameters
    ----------
    work : callable
        Gives the answer to a task; what it is made of is sent to each process once.
    n : int
        Processes, >= 1. No more are started than there are tasks.
    pieces : callable
        Gives the pieces of a task on which processes have died, one or more.
    lost : callable
        Gives the answer to a piece on which processes have died, or raises an error of ours.
    threads : int
        Threads that libraries may use in each process, >= 1, unless the environment says so.

    Attributes
    ----------
    n_most, n_died : int
        Processes at once, and those that died.
    peak : int
        Bytes of memory that a process held at most.

    Notes
    -----
    The file that a program was started with is read again by each process: one that uses this
    outside a function needs ``if __name__ == "__main__":``.
    """

    def __init__(
        self,
        work: Callable[[T], R],
        n: int,
        *,
        pieces: Callable[[T], Sequence[T]],
        lost: Callable[[T], R],
        threads: int = 1,
    ) -> None:
        if n < 1:
            raise ArgumentError(f"workers must be at least 1, got {n}")
        self._n, self._pieces, self._lost, self._threads = n, pieces, lost, threads
        self._work = _pickled(work)
        self._all: list[_Worker[T, R]] = []
        self._bad_starts = self._deaths = 0
        self.n_most = self.n_died = self.peak = 0

    def answers(self, tasks: Iterable[T]) -> Generator[R]:
        """Yield the answer to each task, or those to its pieces, in order.

        Some tasks are read ahead: a few for each process.

        Raises
        ------
        ClinnlpError
            Of a task, where its answer would stand.
        RunError
            Processes die over and over.
        """
        ahead = _ahead(tasks)
        order: deque[_Job[T, R]] = deque()
        try:
            while True:
                order += islice(ahead, max(0, (_AT_HAND + 1) * self._n - len(order)))
                if not order:
                    return
                self._hand_out([job for job in order if job.waits])
                if order[0].is_done:
                    yield order.popleft().result()
                else:
                    self._hear(order)
        finally:
            self._end()

    def _hand_out(self, jobs: list["_Job[T, R]"]) -> None:
        """Give waiting tasks to processes that have room for them, starting some where needed."""
        n_free = sum(not worker.jobs for worker in self._all)
        for _ in range(min(self._n - len(self._all), len(jobs) - n_free)):
            self._all.append(_Worker(self._threads))
        self.n_most = max(self.n_most, len(self._all))
        for depth in range(_AT_HAND):
            for worker in self._all:
                if jobs and worker.is_ready and len(worker.jobs) == depth:
                    worker.give(jobs.pop(0))

    def _hear(self, order: "deque[_Job[T, R]]") -> None:
        """Wait until a process says something, or dies."""
        by_pipe = {worker.pipe: worker for worker in self._all}
        for pipe in wait(list(by_pipe)):
            worker = by_pipe[pipe]  # type: ignore[index]
            try:
                kind, told, peak = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker, order)
                continue
            self.peak = max(self.peak, peak)
            if kind == _UP:
                worker.send_bytes(self._work)
            elif kind == _READY:
                worker.is_ready, self._bad_starts = True, 0
            elif not worker.is_ready:  # the work could not be read there
                raise told
            else:
                worker.jobs.popleft().answer(told, failed=kind == _FAILED)
                self._deaths = 0

    def _bury(self, worker: "_Worker[T, R]", order: "deque[_Job[T, R]]") -> None:
        """Take what a process that died had to do back, and blame what it was at."""
        self._all.remove(worker)
        code = worker.end()
        self.n_died += 1
        self._deaths += 1
        self._bad_starts += not worker.is_ready
        if self._bad_starts >= _STARTS or self._deaths >= _DEATHS:
            raise RunError(
                f"worker processes ended over and over{_of_signal(code)}, as where memory is "
                "short; try fewer workers"
            )
        for job in worker.jobs:
            job.waits = True
        if worker.jobs:
            self._blame(worker.jobs[0], order)

    def _blame(self, job: "_Job[T, R]", order: "deque[_Job[T, R]]") -> None:
        job.n_deaths += 1
        if job.n_deaths < _TRIES:
            return
        if job.is_piece:
            try:
                job.answer(self._lost(job.task), failed=False)
            except ClinnlpError as error:  # told where its answer would stand
                job.answer(error, failed=True)
            return
        at = order.index(job)
        order.rotate(-at)
        order.popleft()
        order.extendleft(_Job(task, is_piece=True) for task in reversed(self._pieces(job.task)))
        order.rotate(at)

    def _end(self) -> None:
        for worker in self._all:
            worker.pipe.close()  # on which the process leaves
        for worker in self._all:
            worker.end()
        self._all.clear()


@dataclass(slots=True, eq=False)
class _Job(Generic[T, R]):
    """A task, and its answer where there is one."""

    task: T
    is_piece: bool = False
    waits: bool = True
    is_done: bool = False
    n_deaths: int = 0
    told: Any = None
    failed: bool = False

    def answer(self, told: Any, *, failed: bool) -> None:
        self.told, self.failed, self.is_done, self.waits = told, failed, True, False

    def result(self) -> R:
        if self.failed:
            raise self.told
        answer: R = self.told
        return answer


def _ahead(tasks: Iterable[T]) -> "Iterator[_Job[T, Any]]":
    """Yield tasks to do; an error of their source is told where its task would stand."""
    try:
        yield from map(_Job, tasks)
    except ClinnlpError as error:
        failed = error
    else:
        return
    last: _Job[Any, Any] = _Job(None)
    last.answer(failed, failed=True)
    yield last


@dataclass(slots=True, eq=False)
class _Worker(Generic[T, R]):
    """A process, the pipe to it, and what it has to do; the first is at work."""

    threads: int
    pipe: "Connection[Any, Any]" = field(init=False)
    process: BaseProcess = field(init=False)
    jobs: deque[_Job[T, R]] = field(default_factory=deque)
    is_ready: bool = False

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.threads), daemon=True)
        try:
            with _deaf_to_keys():
                self.process.start()
        finally:
            theirs.close()  # else its end would not be heard

    def give(self, job: _Job[T, R]) -> None:
        job.waits = False
        self.jobs.append(job)
        self.send_bytes(bytes(ForkingPickler.dumps(job.task)))

    def send_bytes(self, sent: bytes) -> None:
        with suppress(OSError):  # it has died, which is heard next
            self.pipe.send_bytes(sent)

    def end(self) -> int | None:
        """End the process and return its exit code."""
        self.pipe.close()
        self.process.join(_LEAVE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        code = self.process.exitcode
        self.process.close()
        return code


@contextmanager
def _deaf_to_keys() -> Iterator[None]:
    """Let what is started inside never hear of Ctrl-C, which is for who started it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which would take the block away, when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: "Connection[Any, Any]", threads: int) -> None:
    """Answer tasks until the pipe ends; runs in the process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _THREADS:
        os.environ.setdefault(name, str(threads))
    given: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, given), daemon=True).start()
    with suppress(OSError):  # nobody listens any more
        pipe.send((_UP, None, 0))
        try:
            work = ForkingPickler.loads(given.get())
        except Exception as error:
            pipe.send((_FAILED, _unread(error), 0))
            return
        pipe.send((_READY, None, peak_memory()))
        while True:
            kind, told = _answered(work, given.get())
            pipe.send((kind, told, peak_memory()))


def _listen(pipe: "Connection[Any, Any]", given: "queue.SimpleQueue[bytes]") -> None:
    """Take what is sent, so that the sender never waits; when there is no sender, leave at once."""
    try:
        while True:
            given.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _answered(work: Callable[[Any], Any], task: bytes) -> tuple[str, Any]:
    try:
        return _DONE, work(ForkingPickler.loads(task))
    except ClinnlpError as error:
        error.__cause__ = error.__context__ = None
        return _FAILED, error
    except Exception as error:  # its words may quote a note
        said = f"a worker process failed ({type(error).__name__}){where_raised(error)}"
        return _FAILED, PipeError(said)


def _pickled(work: Any) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(work))
    except Exception as error:
        kind = type(error).__name__
    raise ArgumentError(
        f"what is sent to worker processes must be pickled, got what cannot be ({kind}); give "
        "functions of a module, or work without workers"
    )


def _unread(error: Exception) -> ClinnlpError:
    if isinstance(error, ClinnlpError):
        return error
    return RunError(
        f"a worker process must read the pipeline that it is sent, got {type(error).__name__}; "
        "pipes of your own must stand in a module that it can import"
    )


def _of_signal(code: int | None) -> str:
    return f" (signal {-code})" if code is not None and code < 0 else ""
