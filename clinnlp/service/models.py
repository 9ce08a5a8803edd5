"""The pipeline that answers: tried before it is used, and exchanged while others run.

A new one is loaded beside the old one when its files are others than before, and nobody has
written them for one more look; it takes the place of the old one when it has read a sentence.
Where it cannot be loaded, the old one stays. Put a new model in the place of the old one by a
rename or a link, as `clinnlp fine-tune` does: files that are overwritten while a network reads
them are not what anybody trained.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from clinnlp.core.errors import ClinnlpError, StoreError
from clinnlp.service.refusals import Refused
from clinnlp.study.answering import Answerer

__all__ = ["Models", "in_thread"]

T = TypeVar("T")

Signature = tuple[tuple[str, int, int, int], ...]


class Models:
    """The current pipeline.

    Parameters
    ----------
    make : callable
        Loads it from its files; called again where they are others.
    paths : sequence of path
        These files and folders.
    say : callable
        Takes a line of the log.
    """

    def __init__(
        self,
        make: Callable[[], Answerer],
        *,
        paths: Sequence[str | Path],
        say: Callable[[str], None],
    ) -> None:
        self._make, self._paths, self._say = make, [Path(path) for path in paths], say
        self._current: Answerer | None = None
        self._loaded: Signature = ()
        self._loading = asyncio.Lock()
        self.n_loads = {"done": 0, "failed": 0}

    @property
    def current(self) -> Answerer:
        """The pipeline that answers now.

        Raises
        ------
        Refused
            None has read a sentence yet (503).
        """
        if self._current is None:
            raise Refused(503, "the model is being loaded; come back", retry_after=2)
        return self._current

    @property
    def is_ready(self) -> bool:
        """Whether there is one."""
        return self._current is not None

    async def load(self) -> None:
        """Load the pipeline, try it, and let it answer from now on.

        Raises
        ------
        ClinnlpError
            It cannot be loaded, or its files changed while they were read.
        """
        async with self._loading:
            before = self._signature()
            self._loaded = before  # what fails is not tried again before it is another
            try:
                answerer = await in_thread(self._tried, before)
            except ClinnlpError:
                self.n_loads["failed"] += 1
                raise
            self._current = answerer
            self.n_loads["done"] += 1

    async def reload(self) -> None:
        """Load anew; where that fails, say so and keep what there is."""
        try:
            await self.load()
        except Exception as error:
            why = f": {error}" if isinstance(error, ClinnlpError) else f" ({type(error).__name__})"
            self._say(f"the model was not exchanged{why}")
        else:
            self._say(f"the model is now {named(self.current)}")

    async def watch(self, seconds: float) -> None:
        """Look at the files every so many seconds, and load what is new and whole."""
        last = self._loaded
        while True:
            await asyncio.sleep(seconds)
            now = await in_thread(self._signature)
            if now and now == last and now != self._loaded:
                await self.reload()
            last = now

    def _tried(self, before: Signature) -> Answerer:
        answerer = self._make()
        answerer.try_out()
        if self._signature() != before:
            raise StoreError("files of a model must stay while they are read, and did not")
        return answerer

    def _signature(self) -> Signature:
        """Return names, numbers, sizes and times of all files; nothing where one is missing."""
        found: list[tuple[str, int, int, int]] = []
        with suppress(OSError):
            for path in self._paths:
                files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else []
                for file in files or [path]:
                    said = file.stat()
                    found.append((str(file), said.st_ino, said.st_size, said.st_mtime_ns))
            return tuple(found)
        return ()


def named(answerer: Answerer) -> str:
    """Return the model of a pipeline for the log."""
    return answerer.made_by.get("model", "none, a word list alone")


async def in_thread(function: Callable[..., T], *args: object) -> T:
    """Return what a function returns, run in a thread of its own; the process ends after it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = function(*args)
        except BaseException as error:  # code in Rust panics with a BaseException
            failure = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="clinnlp-loads").start()
    return await future
