"""Bytes to lines and back: UTF-8, compressed or not, every error with file and line.

Lines end at ``\\n`` only and keep their ends, so that ``\\r`` and exotic separators inside a text
survive; a byte-order mark at the head is dropped. Errors are raised outside ``except`` blocks,
because a ``UnicodeDecodeError`` carries the text it failed on.
"""

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError
from clinnlp.core.files import atomic_write

__all__ = ["add_id", "byte_lines", "encode", "open_bytes", "read_lines", "write_bytes"]

_BOM = b"\xef\xbb\xbf"
_COMPRESSED = {".gz": gzip.open, ".xz": lzma.open}
_BROKEN = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


def open_bytes(path: str | Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked where its name ends in ``.gz`` or ``.xz``.

    Raises
    ------
    DataError
        No such file, or a folder.
    """
    path = check_file(path)
    opener = _COMPRESSED.get(path.suffix.lower())
    if opener is None or path.stat().st_size == 0:
        return path.open("rb")
    handle: IO[bytes] = opener(path, "rb")  # type: ignore[operator]
    return handle


def byte_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line number from 1, line with its end)`` of a file, without a byte-order mark.

    Raises
    ------
    DataError
        No such file, or compressed data that break off.
    """
    number, whole = 0, True
    with open_bytes(path) as handle:
        while True:
            try:
                line = handle.readline()
            except _BROKEN:
                whole = False
            if not whole or not line:
                break
            number += 1
            yield number, line.removeprefix(_BOM) if number == 1 else line
    if not whole:
        raise DataError(
            "compressed data must be whole, got a damaged file", path=path, line=number + 1
        )


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number from 1, line with its end)`` of a UTF-8 file.

    Raises
    ------
    DataError
        A line is not UTF-8; nothing of it is quoted.
    """
    for number, raw in byte_lines(path):
        yield number, decode(raw, path, number)


def decode(raw: bytes, path: str | Path, number: int) -> str:
    """Return one line as text, or raise `DataError` naming the line."""
    line: str | None
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, at = None, error.start
    if line is None:
        raise DataError(
            f"text must be UTF-8, got other bytes at byte {at} of the line; convert the file",
            path=path,
            line=number,
        )
    return line


def encode(text: str, *, note: str) -> bytes:
    """Return UTF-8, or raise `DataError` for a lone surrogate, which no UTF-8 file can hold."""
    raw: bytes | None
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raw = None
    if raw is None:
        raise DataError("text must be valid Unicode, got a lone surrogate", note=note)
    return raw


@contextmanager
def write_bytes(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when whole; packed for ``.gz`` and ``.xz``."""
    path = Path(path)
    with atomic_write(path, "wb") as handle:
        packed: Any = handle
        if path.suffix.lower() == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0)
        elif path.suffix.lower() == ".xz":
            packed = lzma.LZMAFile(handle, "wb")  # noqa: SIM115
        yield packed
        if packed is not handle:
            packed.close()


def add_id(seen: set[str], id: str, path: str | Path, line: int | None = None) -> None:
    """Add a note id to those seen, or raise `DataError` where it stands there already."""
    if id in seen:
        raise DataError(
            f"ids of notes must be unique, got {id!r} a second time", path=path, line=line
        )
    seen.add(id)


def joined(lines: Iterable[tuple[int, str]]) -> str:
    """Return numbered lines as one text."""
    return "".join(line for _, line in lines)
