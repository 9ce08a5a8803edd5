"""Signals that end a training, held back until it can be left without loss.

A step that is left halfway has changed some weights and not others. Inside `Stop` the first
SIGINT (Ctrl-C), SIGTERM or SIGHUP (a closed terminal) is therefore only noted; who trains looks at
`asked` between steps, keeps what is to be kept and leaves the block, which then does what the
signal would have done. A SIGINT after it does so at once; other signals after it change nothing,
since job systems and terminals that close may send several. Signals that were ignored before stay
ignored; outside the main thread, where Python hears none, nothing is held back.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

__all__ = ["Stop"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

T = TypeVar("T")

Handler = Callable[[int, FrameType | None], Any] | int | None


class Stop:
    """A block in which the first signal to end is held back; it strikes when the block is left.

    Attributes
    ----------
    asked : int or None
        The signal that is held back.

    Examples
    --------
    >>> with Stop() as stop:
    ...     stop.attempt(lambda: 3), stop.asked
    (3, None)
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Handler] = {}
        self._may_leave = False
        self._pid = os.getpid()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                before = signal.getsignal(number)
                if before not in (None, signal.SIG_IGN):  # None: set outside Python
                    self._before[number] = before
                    signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        before = self._before
        self._give_back()
        if self.asked is not None and error is None:
            _strike(self.asked, before[self.asked], None)

    def attempt(self, work: Callable[[], T]) -> T | None:
        """Return ``work()``, or None where a signal was heard before its end; it is left at once.

        It must change nothing.
        """
        done = None
        try:
            self._may_leave = True
            try:
                done = work() if self.asked is None else None
            finally:
                self._may_leave = False
        except _LeftError:
            return None
        return done

    def _hear(self, number: int, frame: FrameType | None) -> None:
        at_once = self.asked is not None and number == signal.SIGINT
        if at_once or os.getpid() != self._pid:  # a forked child trains nothing
            before = self._before[number]
            self._give_back()
            _strike(number, before, frame)
            return
        self.asked = self.asked or number
        if self._may_leave:
            self._may_leave = False
            raise _LeftError

    def _give_back(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}


class _LeftError(BaseException):
    """Raised inside work that may be left."""


def _strike(number: int, handler: Handler, frame: FrameType | None) -> None:
    """Do what a signal does under its handler."""
    if callable(handler):
        handler(number, frame)
    else:
        signal.raise_signal(number)  # the default of the system: the process ends
