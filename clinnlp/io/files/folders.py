"""Files of a folder that others may have made: none of them is a link out of it.

A link that the user names is followed. One that lies in a folder could bring any file of this
machine into a corpus, and from there into what is sent back to whoever made the folder.
"""

from collections.abc import Iterable
from pathlib import Path

from clinnlp.core.errors import DataError

__all__ = ["files_of", "folders_in"]

_SAID = "a file in a folder must lie in it, got a link out of it; copy the file instead"


def files_of(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Return those paths below a folder that are no folders, in order of their names.

    Raises
    ------
    DataError
        One is a link to a file outside the folder.
    """
    home = folder.resolve()
    files = sorted(path for path in paths if not path.is_dir())
    for path in files:
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise DataError(_SAID, path=path)
    return files


def folders_in(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return those of the named folders that lie in a folder.

    Raises
    ------
    DataError
        One is a link to a folder outside.
    """
    found = [folder / name for name in names if (folder / name).is_dir()]
    for path in found:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DataError(_SAID, path=path)
    return found
