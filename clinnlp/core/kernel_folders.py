"""Where compiled kernels are kept between two processes, and who could have written there.

Machine code that is found again is run, so it must come from the user's own hand. In this order:

1. the folder that the environment variable ``CLINNLP_CACHE`` names; empty, kernels are kept nowhere
   and each process compiles them;
2. the folder that ``NUMBA_CACHE_DIR`` names, numba's own variable, as it is;
3. ``__pycache__`` beside the code, where it can be written and Python keeps its own compiled code;
4. ``$XDG_CACHE_HOME/clinnlp``, by default ``~/.cache/clinnlp``.

Of 1 and 4 a folder is made for the user alone (mode 0700), one for each version of the code, of
Python, numba and llvmlite; numba tells processors apart. It is used only where the folder and what
is in it, and every folder above it, belong to the user or to root and can be written by nobody
else (above it the sticky bit is enough, as of ``/tmp``). Where the folder that was asked for by 1
keeps nothing, that is told once. All of it may be deleted at any time.
"""

import hashlib
import logging
import os
import stat
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["CACHE", "kernel_folder", "kernel_key", "own_folder", "tell_unkept"]

CACHE = "CLINNLP_CACHE"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ANY = stat.S_IRWXG | stat.S_IRWXO
_OWN = "belong to you or to root and be closed to the writing of others, as all above it"

_log = logging.getLogger(__name__)


def kernel_folder(source: Path) -> Path | None:
    """Return the folder for the kernels of a source file; none where none is to be used."""
    named, of_numba = os.environ.get(CACHE), os.environ.get("NUMBA_CACHE_DIR")
    if named == "":
        return None
    name = f"{source.parent.name}-{kernel_key(source)[:16]}"
    if named:
        folder = own_folder(Path(named) / "kernels" / name)
        if folder is None:
            _tell(named, f"be a folder that can be made, {_OWN}")
        return folder
    if of_numba:
        return Path(of_numba) / name
    beside = source.parent / "__pycache__"
    if not sys.dont_write_bytecode and _writable(beside):
        return beside
    root = _user_folder()
    return None if root is None else own_folder(root / "clinnlp" / "kernels" / name)


def tell_unkept() -> None:
    """Tell once that kernels cannot be written into the folder that was asked for, if one was."""
    if os.environ.get(CACHE):
        _tell(os.environ[CACHE], "be a folder that can be written, on a disk with room")


@cache
def _tell(named: str, must: str) -> None:
    _log.warning(
        "clinnlp: the folder that %s names must %s, got %s; compiled kernels are not kept there: "
        "mend it, name another, or leave %s empty to keep none", CACHE, must, named, CACHE,
    )  # fmt: skip


@cache
def kernel_key(source: Path) -> str:
    """Return what must be alike for a kernel of a source file to be used again, as a hash."""
    parts = [sys.version, *(f"{name} {version(name)}" for name in ("numba", "llvmlite"))]
    digest = hashlib.sha256("\n".join(parts).encode())
    # A kernel calls those of its folder, and what `compiled` has for all
    for path in [*sorted(source.parent.glob("*.py")), Path(__file__).with_name("compiled.py")]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def own_folder(path: Path) -> Path | None:
    """Return a folder that nobody else can write, made where it is missing; none if there is none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = own_folder(Path(folder) / "kernels")
    ...     open_to_all = Path(folder) / "shared"
    ...     open_to_all.mkdir()
    ...     open_to_all.chmod(0o777)
    ...     made is not None, own_folder(open_to_all)
    (True, None)
    """
    if not hasattr(os, "geteuid"):  # no owners to tell apart
        return None
    try:
        folder = path.expanduser().resolve()
        if not _safe_above(folder):
            return None
        _make(folder)
        state = folder.lstat()
        if not _owned(state) or state.st_mode & _OTHERS:
            return None
        # Where others cannot even look, the modes of the files say nothing
        closed = not state.st_mode & _ANY
        return folder if closed or all(map(_safe_file, folder.iterdir())) else None
    except (OSError, RuntimeError):  # a home that is not known is a RuntimeError
        return None


def _make(folder: Path) -> None:
    """Make the folder and those above it that are missing, each for the user alone."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _safe_above(folder: Path) -> bool:
    """Tell whether nobody else can put another folder in the place of one of those above."""
    states = [one.lstat() for one in folder.parents if one.exists()]
    return all(
        _owned(state) and (not state.st_mode & _OTHERS or state.st_mode & stat.S_ISVTX)
        for state in states
    )


def _safe_file(path: Path) -> bool:
    state = path.lstat()
    return stat.S_ISREG(state.st_mode) and _owned(state) and not state.st_mode & _OTHERS


def _owned(state: os.stat_result) -> bool:
    return state.st_uid in (0, os.geteuid())


def _writable(folder: Path) -> bool:
    return os.access(folder if folder.is_dir() else folder.parent, os.W_OK)


def _user_folder() -> Path | None:
    """Return the user's folder for what can be made again, as the XDG base directories say."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None
