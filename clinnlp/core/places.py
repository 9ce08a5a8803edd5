"""Where an output goes: links are followed, devices written through, one writer at a time.

A link stays, and what it leads to is written, unless another user has put it into a folder that
all may write, as ``/tmp``. What is no regular file (a device, a pipe, an open file of this process
such as ``/dev/stdout``) is never replaced: bytes go through it as they come. Two names of one file
(hard links) are two files once one of them was written, since a whole new file takes the name.

Beside an output ``out`` that is being made lie ``.out.lock`` and ``.out.<random>.part``. Who holds
the lock knows that any other part there is of a run that was killed: it is removed, and the logger
``clinnlp.core.places`` says so.
"""

import logging
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO, NamedTuple

from clinnlp.core.errors import RunError, instead_of
from clinnlp.core.locks import FileLock
from clinnlp.core.modes import make_folder
from clinnlp.core.visible import visible

__all__ = [
    "LOCK",
    "STDOUT",
    "Place",
    "covered",
    "is_stdout",
    "is_stream",
    "leads_to",
    "leftovers",
    "one_writer",
    "open_stream",
    "place_of",
    "remove_leftovers",
]

STDOUT = Path("/dev/stdout")  # also where the system has no such file
LOCK = ".lock"  # in a folder that several files are written into

_OPEN_FILE = re.compile(r"/(?:dev|proc/(\d+)(?:/task/\d+)?)/fd/(\d+)")
_PART = r"[0-9a-f]{8}\.part(\.old)?"
_MOST_LINKS = 40  # as Linux has it
_NONE: frozenset[Path] = frozenset()
_OURS = ContextVar("outputs that are locked", default=_NONE)
_COVERED = ContextVar("folders in which all is locked", default=_NONE)
_log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where the bytes of an output go.

    Parameters
    ----------
    path : Path
        The file or folder that its path leads to, whether it is there or not.
    number : int or None
        Of the open file of this process, where it is one.
    is_stream : bool
        It is written through and never replaced.
    """

    path: Path
    number: int | None
    is_stream: bool


def place_of(path: str | Path) -> Place:
    """Return where a path leads to.

    Raises
    ------
    RunError
        Links that lead round in a ring.

    Examples
    --------
    >>> place_of("/dev/stdout").number
    1
    """
    if Path(path) == STDOUT:
        return Place(STDOUT, 1, is_stream=True)
    last = Path(path)
    for last in _steps(Path(path)):
        found = _OPEN_FILE.fullmatch(last.as_posix())
        if found and found[1] in (None, str(os.getpid())):
            return Place(last, int(found[2]), is_stream=True)
    return Place(last, None, is_stream=_is_special(last))


def is_stream(path: str | Path) -> bool:
    """Return whether a path stands for what is written through: a device, a pipe, an open file."""
    return place_of(path).is_stream


def is_stdout(path: str | Path) -> bool:
    """Return whether what is written to a path goes to standard output."""
    return place_of(path).number == 1


def leads_to(path: str | Path, other: str | Path) -> bool:
    """Return whether what is written to a path is written over the file `other`, or into it."""
    place = place_of(path)
    try:
        here = place.path.stat() if place.number is None else os.fstat(place.number)
        return os.path.samestat(here, Path(other).stat())
    except OSError:  # one of them is not there
        return False


def open_stream(place: Place) -> IO[bytes]:
    """Open a stream for writing; what went through before stays.

    Raises
    ------
    OSError
        It is closed, or may not be written.
    """
    fd = os.open(place.path, os.O_WRONLY) if place.number is None else os.dup(place.number)
    return os.fdopen(fd, "wb")


@contextmanager
def one_writer(path: str | Path, *, inside: bool = False) -> Iterator[Path]:
    """Hold an output while it is made, and give the place that its path leads to.

    In the block it may be written as if nobody held it.

    Parameters
    ----------
    path : str or Path
        A file or folder; nothing is held for a device or a pipe.
    inside : bool
        It is a folder that several files are written into, and the lock lies in it.

    Raises
    ------
    RunError
        Another process, or another part of this one, writes there, or nobody may.
    """
    place, _, stream = place_of(path)
    if stream or place in _OURS.get() or place.parent in _COVERED.get():
        yield place
        return
    new = not place.exists()
    with instead_of(OSError, lambda error: _not_made(error, path)):
        make_folder(place if inside else place.parent)
    try:
        with _lock_of(place, path, inside=inside) as lock:
            if lock.is_sure:
                remove_leftovers(leftovers(place, inside=inside), path)
            with _added(_OURS, place):
                yield place
    finally:
        if inside and new:
            with suppress(OSError):  # it holds what was written
                place.rmdir()


def _lock_of(place: Path, path: str | Path, *, inside: bool) -> FileLock:
    lock = place / LOCK if inside else place.with_name(f".{place.name}{LOCK}")
    return FileLock(lock, what=str(path), doing="writing", warn=inside)


def covered(path: Path) -> AbstractContextManager[None]:
    """Let what lies right in a folder be written in the block without locks of its own.

    For folders in which nobody writes but who holds the lock of the folder.
    """
    return _added(_COVERED, place_of(path).path)


@contextmanager
def _added(held: ContextVar[frozenset[Path]], place: Path) -> Iterator[None]:
    held.set(held.get() | {place})
    try:
        yield
    finally:  # of two generators the first may end first: each takes its own place out
        held.set(held.get() - {place})


def leftovers(place: Path, *, inside: bool = False) -> list[Path]:
    """Return what killed writers left of an output, or of any in a folder; its lock is held.

    In a folder, outputs that others write now are left out: each has a lock of its own. A folder
    that was killed while it was being replaced is put back.
    """
    folder = place if inside else place.parent
    name = "(.+)" if inside else f"({re.escape(place.name)})"
    pattern = re.compile(rf"\.{name}\.{_PART}")
    left = []
    hidden = (entry for entry in os.listdir(folder) if entry.startswith("."))  # noqa: PTH208
    for found in filter(None, map(pattern.fullmatch, sorted(hidden))):
        path = folder / found[0]
        if inside and _is_at_work(folder / found[1]):
            continue
        if found[2] and not (folder / found[1]).exists():
            path.replace(folder / found[1])
        else:
            left.append(path)
    return left


def _is_at_work(place: Path) -> bool:
    try:
        with _lock_of(place, place, inside=False) as lock:
            return not lock.is_sure
    except RunError:
        return True


def remove_leftovers(left: Iterable[Path], where: str | Path) -> None:
    """Remove files and folders that a killed run left, and say so in one line of the log."""
    gone = list(left)
    for path in gone:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if gone:
        names = visible(", ".join(path.name for path in gone))
        _log.warning("clinnlp: removed what a killed run left of %s: %s", where, names)


def _not_made(error: OSError, path: str | Path) -> RunError:
    return RunError(f"writing {path} failed: {error.strerror}; name another place")


def _steps(path: Path) -> Iterator[Path]:
    """Yield a path and what each link leads to; the folder before the last name is real."""
    for _ in range(_MOST_LINKS):
        path = _real_parent(path)
        yield path
        if not path.is_symlink():
            return
        if _is_planted(path):
            raise RunError(
                f"{path} must be a file or folder to write, got a link that another user has put "
                "into a folder that all may write; name another place"
            )
        path = path.parent / path.readlink()
    raise RunError(f"{path} must be a file or folder to write, got links that lead round in a ring")


def _is_planted(link: Path) -> bool:
    """Return whether a link is one that Linux itself would not follow (``protected_symlinks``)."""
    folder, owner = link.parent.stat(), link.lstat().st_uid
    of_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    return bool(of_all) and owner not in (os.geteuid(), folder.st_uid)


def _real_parent(path: Path) -> Path:
    if path.name in ("", ".."):
        return path.resolve()
    return Path(os.path.realpath(path.parent), path.name)


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
