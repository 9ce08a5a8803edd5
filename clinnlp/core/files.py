"""Writing without ever leaving half a file, and hashes of files.

Work goes to a temporary name in the same folder and is moved into place when whole. Only the user
may read it (`core.modes`); where it goes, and what becomes of leftovers, is told in `core.places`.
"""

import errno
import hashlib
import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from clinnlp.core.errors import ArgumentError, RunError, instead_of
from clinnlp.core.locks import FileLock
from clinnlp.core.modes import file_mode, folder_mode, set_modes
from clinnlp.core.places import (
    LOCK,
    covered,
    is_stream,
    one_writer,
    open_stream,
    place_of,
    remove_leftovers,
)

__all__ = [
    "atomic_folder",
    "atomic_path",
    "atomic_write",
    "check_apart",
    "check_replaceable",
    "check_writable",
    "file_sha256",
    "scratch_folder",
    "tree_sha256",
]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary file beside `path`; move it into place when the block succeeds.

    Where `path` stands for a device or a pipe, what was written goes through it then.

    Raises
    ------
    RunError
        The machine failed (full disk, no permission), or somebody else writes there; the temporary
        file is removed.
    BrokenPipeError
        It is a pipe that nobody reads any more.
    """
    place = place_of(path)
    if not place.is_stream:
        with _whole(path) as temporary:
            yield temporary
        return
    with _unless_hung_up(path), scratch_folder() as folder, open_stream(place) as out:
        yield folder / "made"
        with open(folder / "made", "rb") as made:
            shutil.copyfileobj(made, out)


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when whole.

    A device or a pipe is written through, a link is followed and stays (see `core.places`).

    Parameters
    ----------
    path : str or Path
        Target; replaced where it exists.
    mode : {"w", "wb"}
        Text is UTF-8 with ``\\n`` line ends.

    Raises
    ------
    RunError
        As `atomic_path`.
    """
    if mode not in ("w", "wb"):
        raise ArgumentError(f"mode must be 'w' or 'wb', got {mode!r}")
    text = {"encoding": "utf-8", "newline": "\n"} if mode == "w" else {}
    place = place_of(path)
    if not place.is_stream:
        with _whole(path) as temporary, open(temporary, mode, **text) as handle:  # type: ignore[call-overload]
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        return
    with _unless_hung_up(path), open_stream(place) as raw:
        through: IO[Any] = io.TextIOWrapper(raw, **text) if text else raw  # type: ignore[arg-type]
        yield through
        through.flush()


@contextmanager
def atomic_folder(path: str | Path, *, own: Collection[str] | None = None) -> Iterator[Path]:
    """Give a temporary folder beside `path`; move it into place when the block succeeds.

    A folder already at `path` is replaced only then. Where the path is a link, the link stays.

    Parameters
    ----------
    path : str or Path
    own : collection of str, optional
        Names of files of which a folder must hold one to be replaced, unless it is empty; without
        them any folder is.

    Raises
    ------
    ArgumentError
        The folder holds something else, or is a device or a pipe.
    RunError
        As `atomic_path`.
    """
    if is_stream(path):
        raise ArgumentError(f"{path} must be a folder to write, got a device or a pipe")
    check_replaceable(path, own)
    with _failures(path), one_writer(path) as place:
        temporary = _beside(place)
        old = place.with_name(f"{temporary.name}.old")
        try:
            temporary.mkdir(mode=folder_mode())
            yield temporary
            set_modes(temporary)
            if place.exists():
                os.replace(place, old)
            os.replace(temporary, place)
        finally:
            if old.exists() and not place.exists():
                os.replace(old, place)
            for left in (temporary, old):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for what need not last, which nobody else may read; removed after the block.

    It lies where the system keeps temporary files. What runs that were killed left there is removed
    first.

    Examples
    --------
    >>> with scratch_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    base = Path(tempfile.gettempdir())
    _remove_scratch(base)
    place = base / f"clinnlp-{uuid.uuid4().hex}"
    with FileLock(place.with_suffix(LOCK), what=f"the folder {place}", warn=False):
        try:
            place.mkdir(mode=0o700)
            with covered(place):
                yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def check_apart(outputs: Iterable[str | Path], inputs: Iterable[str | Path | None]) -> None:
    """Raise where writing would take away what is read.

    Parameters
    ----------
    outputs : iterable of path
        Files or folders that are replaced.
    inputs : iterable of path or None
        What is read; nothing is read where there is None.

    Raises
    ------
    ArgumentError
        An output is an input, or a folder that holds one.
    """
    places = {place_of(path).path for path in outputs}
    for path in inputs:
        place = None if path is None else place_of(path).path
        if place is not None and not places.isdisjoint((place, *place.parents)):
            raise ArgumentError(
                f"an output must be another file or folder than what is read, got {path} in it; "
                "name another place"
            )


def check_writable(path: str | Path) -> Path:
    """Return `path` as a Path where something can be written there; before hours of work.

    Raises
    ------
    RunError
        The nearest parent that exists is a file or may not be written.
    """
    path, place = Path(path), place_of(path)
    if place.is_stream:
        return path
    parent = next(p for p in place.path.parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        why = "may not be written" if parent.is_dir() else "is not a folder"
        raise RunError(f"writing {path} would fail: {parent} {why}; name another place")
    return path


def check_replaceable(path: str | Path, own: Collection[str] | None) -> None:
    """Return where a folder may be replaced whole: there is none, or it is empty or `own`.

    Raises
    ------
    ArgumentError
        It holds other things, which would be lost, or is a file.
    """
    place = place_of(path).path
    if place.is_file():
        raise ArgumentError(f"{path} must be a folder to write, got a file of that name")
    if own is None or not place.is_dir() or not any(place.iterdir()):
        return
    if not any((place / name).exists() for name in own):
        raise ArgumentError(
            f"a folder to write must be new, empty, or hold {' or '.join(sorted(own))} of an "
            f"earlier run, got {path} with other files; name another place"
        )


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def tree_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files of a folder."""
    path = Path(path)
    if not path.is_dir():
        return file_sha256(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    lines = [f"{p.relative_to(path).as_posix()}\0{file_sha256(p)}\n" for p in files]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary file beside `path`, which is no stream, and move it into place after."""
    with _failures(path), one_writer(path) as place:
        temporary = _beside(place)
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode()))
            yield temporary
            os.replace(temporary, place)
        finally:
            with suppress(OSError):  # where its folder is gone, there is nothing to remove
                temporary.unlink(missing_ok=True)


@contextmanager
def _unless_hung_up(path: str | Path) -> Iterator[None]:
    """Tell failures of a stream, but let pass that nobody reads it any more: `head` does so."""
    hung_up = False
    with _failures(path):
        try:
            yield
        except BrokenPipeError:
            hung_up = True
    if hung_up:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _failures(path: str | Path) -> instead_of:
    return instead_of(OSError, lambda error: _run_error(error, path))


def _run_error(error: OSError, path: str | Path) -> RunError:
    why = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or "input/output")
    left = (
        "what went before has gone through" if is_stream(path) else "nothing half-written was left"
    )
    return RunError(f"writing {path} failed: {why}; {left}")


def _beside(place: Path) -> Path:
    """Return a new hidden name in the same folder; `core.places.leftovers` knows its form."""
    return place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}.part")


def _remove_scratch(base: Path) -> None:
    """Remove the scratch folders of this user that no living run holds."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    name = "clinnlp-" + "[0-9a-f]" * 32
    for path in (*base.glob(name), *base.glob(f"{name}{LOCK}")):
        with suppress(OSError, RunError):
            if path.is_symlink() or path.stat().st_uid != user:
                continue
            place = path.with_suffix("")
            with FileLock(place.with_suffix(LOCK), what=str(place), warn=False) as lock:
                remove_leftovers([place] if lock.is_sure and place.exists() else [], base)
