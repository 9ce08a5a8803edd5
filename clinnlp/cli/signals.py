"""A command that is told to end cleans up first: SIGTERM and SIGHUP do as SIGINT does.

Only `clinnlp.cli.main` takes these signals, and gives them back when it returns: who uses the
library from his own program keeps his own handlers.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Ended", "ended_by_signals"]

_NAMES = ("SIGTERM", "SIGHUP")


class Ended(KeyboardInterrupt):
    """A signal told the command to end; `code` is its exit code, 128 and the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Ended` in the block on SIGTERM and SIGHUP; nothing in another than the main thread.

    A signal that the caller ignores, as under nohup, stays ignored. After the first one further
    ones are, so that the cleaning up is not broken off: a closed terminal may send two.
    """
    pid = os.getpid()
    before: dict[int, Any] = {}

    def end(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != pid:  # a forked worker ends as if nobody had set a handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)
        raise Ended(number)

    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        before = {n: h for n in numbers if (h := signal.getsignal(n)) == signal.SIG_DFL}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
