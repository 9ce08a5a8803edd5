"""Who may read what is written: the user alone, or also the group where that is asked for.

Outputs hold text of notes, ids of patients, and models that remember them. So each new file has
the mode 0600 and each new folder 0700. Inside `group_readable` they are 0660 and 0770, less the
bits of the umask; others may never read them. What is there already and is replaced gets the mode
of a new one; a folder that is only written into keeps its own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

__all__ = ["file_mode", "folder_mode", "group_readable", "make_folder", "set_modes"]

_GROUP = ContextVar("the group may read what is written", default=False)


@contextmanager
def group_readable(yes: bool = True) -> Iterator[None]:  # noqa: FBT001  (as `bool` reads)
    """Let the group read what is written inside the block, as far as the umask does.

    Examples
    --------
    >>> oct(file_mode())
    '0o600'
    >>> with group_readable():
    ...     oct(file_mode())
    '0o660'
    """
    before = _GROUP.set(yes)
    try:
        yield
    finally:
        _GROUP.reset(before)


def file_mode() -> int:
    """Return the mode to create a file with; the system takes the umask off."""
    return 0o660 if _GROUP.get() else 0o600


def folder_mode() -> int:
    """Return the mode to create a folder with; the system takes the umask off."""
    return 0o770 if _GROUP.get() else 0o700


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where there are none, each with the mode of a new one.

    Raises
    ------
    OSError
        It cannot be made, or is no folder.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=folder_mode(), exist_ok=True)


def set_modes(folder: Path) -> None:
    """Give all that others wrote into a new folder the mode that the folder has.

    Some file systems know no modes; there they stay as they are.
    """
    mode = folder.stat().st_mode & 0o777
    with suppress(OSError):
        _set_below(folder, mode)


def _set_below(folder: str | Path, mode: int) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, mode)  # noqa: PTH101  (of each file of a corpus: be quick)
                _set_below(entry.path, mode)
            elif not entry.is_symlink():
                os.chmod(entry.path, mode & 0o666)  # noqa: PTH101
