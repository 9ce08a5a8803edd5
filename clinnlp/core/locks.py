"""One writer at a time, across processes: a lock that the death of its holder releases.

The lock is the operating system's, on a file of no content that is removed when it is given up.
What a killed process leaves behind is such a file without a lock, which the next one takes over. A
forked child (a worker that loads data) does not hold the lock of its parent, so that it cannot keep
it beyond the parent's death.

Some network file systems have no locks. There the work goes on after a `RuntimeWarning`, and two
writers at once are not noticed.

References
----------
flock(2); https://learn.microsoft.com/cpp/c-runtime-library/reference/locking
"""

import errno
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from clinnlp.core.errors import RunError
from clinnlp.core.modes import make_folder

__all__ = ["FileLock"]

_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_STOPS = {getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)}
_TRIES = 100  # of a file that others remove each time before it is locked
_HELD: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


class FileLock:
    """A lock that one process at a time can hold, refused at once to every other.

    Parameters
    ----------
    path : str or Path
        The file that is locked; its folder is made where there is none.
    what : str
        What it protects, for messages: ``"the folder out"``.
    doing : str
        What fails where the lock cannot be taken, for messages.
    warn : bool
        Warn of a file system without locks.

    Attributes
    ----------
    is_sure : bool
        Nobody else can hold it now: it was taken, on a file system that has locks.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, ".lock")
    >>> with FileLock(path, what="the folder") as lock:
    ...     path.exists(), lock.is_held
    (True, True)
    >>> path.exists(), lock.is_held
    (False, False)
    >>> folder.cleanup()
    """

    def __init__(
        self, path: str | Path, *, what: str, doing: str = "locking", warn: bool = True
    ) -> None:
        self._fd = -1
        self._doing, self._warn = doing, warn
        self.path = Path(path)
        self.what = what
        self.is_sure = False

    def __repr__(self) -> str:
        return f"FileLock({str(self.path)!r}, {'held' if self.is_held else 'free'})"

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.free()

    def __del__(self) -> None:
        self.free()

    @property
    def is_held(self) -> bool:
        """Whether this process has taken it and not given it up."""
        return self._fd >= 0

    def take(self) -> None:
        """Take the lock or raise, at once; nothing happens where it is held already.

        Raises
        ------
        RunError
            Another process, or another part of this one, holds it; or the file cannot be made.
        """
        with _undisturbed():
            self._take()

    def _take(self) -> None:
        for _ in range(_TRIES):
            if self.is_held:
                return
            fd = self._opened()
            try:
                self._lock(fd)
            except BaseException:
                os.close(fd)
                raise
            if _is_at(fd, self.path):
                self._fd = fd
                _watch_forks()
                _HELD.add(self)
            else:  # the holder before removed the file between our opening and locking it
                os.close(fd)
        if not self.is_held:
            raise self._refused("its file changes all the time")

    def check(self) -> None:
        """Return where the lock still protects its place.

        Raises
        ------
        RunError
            It is not held, or its file was removed or replaced, and the folder perhaps with it.
        """
        if not self.is_held or not _is_at(self._fd, self.path):
            raise RunError(
                f"{self.what} must stay where it is while it is written, got one that was "
                "removed or replaced; nothing half-written was left: run it again, alone"
            )

    def free(self) -> None:
        """Give the lock up and remove its file; nothing happens where it is not held."""
        if self.is_held:
            with _undisturbed():
                self._free()

    def _free(self) -> None:
        fd, self._fd, self.is_sure = self._fd, -1, False
        _HELD.discard(self)
        ours = _is_at(fd, self.path)
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(fd)
        if ours:
            with suppress(OSError):
                self.path.unlink()
        if sys.platform != "win32":
            os.close(fd)

    def _opened(self) -> int:
        why: str | None = None
        try:
            make_folder(self.path.parent)
        except OSError as error:
            why = error.strerror
        for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY) if why is None else ():
            try:  # for reading alone where it is the file of another user who was killed
                return os.open(self.path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
            except OSError as error:
                why = why or error.strerror
        raise self._refused(why)

    def _lock(self, fd: int) -> None:
        try:
            _lock_now(fd)
            self.is_sure = True
            return
        except OSError as error:
            number, why = error.errno, error.strerror
        if number in _TAKEN:
            raise RunError(
                f"{self.what} is being written by another process; wait until that has ended, or "
                "name another place"
            )
        if number not in _NO_LOCKS:
            raise self._refused(why)
        if self._warn:
            warnings.warn(
                f"{self.what} lies on a file system without locks; take care that nobody else "
                "writes there now",
                RuntimeWarning,
                stacklevel=5,
            )

    def _refused(self, why: str | None) -> RunError:
        return RunError(
            f"{self._doing} {self.what} failed: {why or 'input/output'}; name another place"
        )


if sys.platform == "win32":
    import msvcrt

    def _lock_now(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a signal wait until the block has ended, which else could leave a lock's file behind.

    The mask is that of this thread; a signal that another thread takes is answered in the main one
    all the same, so its handlers wait too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        with _waiting_handlers():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _waiting_handlers() -> Iterator[None]:
    """Call the handlers of signals that are heard in the block when it has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    handlers = {number: h for number in _STOPS if callable(h := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in heard[:1]:
            signal.raise_signal(number)  # waits under the mask, which ends right after


def _is_at(fd: int, path: Path) -> bool:
    """Return whether the open file is the one that has this name now."""
    try:
        there = path.stat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(fd), there)


@cache
def _watch_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    """Close, in a forked child, the files of its parent's locks; the parent keeps them."""
    for lock in list(_HELD):
        os.close(lock._fd)
        lock._fd, lock.is_sure = -1, False
    _HELD.clear()
