"""Writing without ever leaving half a file, and hashes of files.

Work goes to a temporary name in the same folder and is moved into place when whole.
"""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from clinnlp.core.errors import ArgumentError, RunError, instead_of

__all__ = [
    "atomic_folder",
    "atomic_path",
    "atomic_write",
    "check_writable",
    "file_sha256",
    "tree_sha256",
]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary file name beside `path`; move it into place when the block succeeds.

    Raises
    ------
    RunError
        The machine failed (full disk, no permission); the temporary file is removed.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    with instead_of(OSError, lambda error: _run_error(error, path)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, path)
        finally:
            with suppress(OSError):  # where the parent is no folder, there is nothing to remove
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when whole.

    Parameters
    ----------
    path : str or Path
        Target; replaced where it exists.
    mode : {"w", "wb"}
        Text is UTF-8 with ``\\n`` line ends.
    """
    if mode not in ("w", "wb"):
        raise ArgumentError(f"mode must be 'w' or 'wb', got {mode!r}")
    text = {"encoding": "utf-8", "newline": "\n"} if mode == "w" else {}
    with atomic_path(path) as temporary, open(temporary, mode, **text) as handle:  # type: ignore[call-overload]
        yield handle
        handle.flush()
        os.fsync(handle.fileno())


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; move it into place when the block succeeds.

    A folder already at `path` is replaced only then.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    old = path.with_name(f"{temporary.name}.old")
    with instead_of(OSError, lambda error: _run_error(error, path)):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if old.exists() and not path.exists():
                os.replace(old, path)
            shutil.rmtree(old, ignore_errors=True)


def check_writable(path: str | Path) -> Path:
    """Return `path` as a Path where something can be written there; before hours of work.

    Raises
    ------
    RunError
        The nearest parent that exists is a file or may not be written.
    """
    path = Path(path)
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        why = "may not be written" if parent.is_dir() else "is not a folder"
        raise RunError(f"writing {path} would fail: {parent} {why}; name another place")
    return path


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


def _run_error(error: OSError, path: Path) -> RunError:
    why = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or "input/output")
    return RunError(f"writing {path} failed: {why}; nothing half-written was left")
