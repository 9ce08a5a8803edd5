"""Files in a zip file that nobody vouches for: whole, named once, no larger than they may be.

A file is read where it lies, so that no name in the archive becomes a path on this machine.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, instead_of
from clinnlp.io.files.lines import (
    BROKEN,
    Bounded,
    OversizedError,
    most_unpacked,
    open_bytes,
    unpacking_fault,
)

__all__ = ["open_either", "open_in_zip", "paths_in_zip", "zip_names"]

_DAMAGED = "a zip file must be whole, got a damaged or another file"
# what zipfile raises besides: encrypted, packed by a method that Python lacks, a name not there
_UNREADABLE = (RuntimeError, NotImplementedError, KeyError)
_FOREIGN = (zipfile.BadZipFile, *BROKEN, *_UNREADABLE, ValueError, OSError)


def zip_names(path: Path) -> dict[str, int]:
    """Return the names of the files in a zip file, with the size that each is said to have.

    Raises
    ------
    DataError
        No zip file, or two files of one name: which of them is meant, nobody can say.
    """
    check_file(path)
    with instead_of(_FOREIGN, DataError(_DAMAGED, path=path)), zipfile.ZipFile(path) as packed:
        members = [info for info in packed.infolist() if not info.is_dir()]
    names = {info.filename: info.file_size for info in members}
    if len(names) < len(members):
        said = "files in a zip file must have one name each, got a repeated one"
        raise DataError(said, path=path)
    return names


@contextmanager
def open_in_zip(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open one file in a zip file for reading bytes.

    Raises
    ------
    DataError
        Also while it is read: it is damaged, encrypted, packed by an unknown method, or larger
        than `lines.most_unpacked`.
    """
    refusal = partial(_refusal, path / name)
    with ExitStack() as opened:
        with instead_of(_FOREIGN, refusal):
            packed = opened.enter_context(zipfile.ZipFile(path))
            member = opened.enter_context(packed.open(name))
        yield io.BufferedReader(_Member(member, most_unpacked(path), refusal))


def paths_in_zip(path: Path) -> list[Path]:
    """Return what `open_either` takes for the files in a zip file, in order of their names.

    Raises
    ------
    DataError
        As `zip_names`; or a name leads out of the zip file, or is spelled oddly.
    """
    names = sorted(zip_names(path))
    if not all(map(_is_plain, names)):
        said = "a name in a zip file must be one of a file in it, got one that leads out of it"
        raise DataError(said, path=path)
    return [path / name for name in names]


def _is_plain(name: str) -> bool:
    parts = PureWindowsPath(name)  # which takes / and \\ alike
    leads_out = bool(parts.anchor) or ".." in parts.parts
    return not leads_out and PurePosixPath(name).as_posix() == name


@contextmanager
def open_either(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, or one in a zip file, whose path is that of the zip file and its name there.

    Raises
    ------
    DataError
        As `open_bytes` or `open_in_zip`.
    """
    home = next((p for p in path.parents if p.suffix.lower() == ".zip" and p.is_file()), None)
    opened = open_bytes(path) if home is None else open_in_zip(home, _name_in(path, home))
    with opened as handle:
        yield handle


def _name_in(path: Path, home: Path) -> str:
    return path.relative_to(home).as_posix()


class _Member(Bounded):
    def __init__(self, handle: IO[bytes], most: int, refusal: Callable[[Exception], DataError]):
        super().__init__(handle, most)
        self._refusal = refusal

    def readinto(self, buffer: Any) -> int:
        with instead_of(_FOREIGN, self._refusal):
            return super().readinto(buffer)


def _refusal(path: Path, error: Exception) -> DataError:
    if isinstance(error, OversizedError):
        return DataError(unpacking_fault(error), path=path)
    if isinstance(error, _UNREADABLE):
        said = "a file in a zip file must be packed plainly, got an encrypted or unknown one"
        return DataError(said, path=path)
    return DataError(_DAMAGED, path=path)
