"""Bytes to lines and back: UTF-8, compressed or not, every error with file and line.

Lines end at ``\\n`` only and keep their ends, so that ``\\r`` and exotic separators inside a text
survive; a byte-order mark at the head is dropped. UTF-8 and UTF-16 are known by their mark,
whatever encoding is named; any other must be named, because bytes do not say which it is. All
becomes UTF-8 while it is read. Errors are raised outside ``except`` blocks, because a
``UnicodeDecodeError`` carries the text it failed on.

What a packed file holds is only claimed by its bytes: 100 kB of gzip may be 100 MB of blanks. So it
may unpack to 200 times its size, and to 64 MiB in any case; notes unpack to about five times, and
tables that are nearly empty to a hundred times. What goes beyond is refused when it gets there, so
that a file of any size still streams.
"""

import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_write
from clinnlp.io.files.packing import packing

__all__ = [
    "BROKEN",
    "UTF_8",
    "Bounded",
    "Opener",
    "OversizedError",
    "byte_chunks",
    "byte_lines",
    "check_encoding",
    "decode",
    "encode",
    "first_lines",
    "joined",
    "most_unpacked",
    "open_bytes",
    "open_utf8",
    "read_lines",
    "read_text",
    "unpacking_fault",
    "write_bytes",
]

UTF_8 = "utf-8"

_BOM = b"\xef\xbb\xbf"
_CHUNK = 8192  # bytes of another encoding that are read at a time
_LARGE = 1 << 16
_N_LOOKED_AT = 50  # lines, to know a format by
_OPENERS = {".gz": gzip.open, ".xz": lzma.open}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LEAST_UNPACKED = 1 << 26  # bytes that a packed file may hold in any case
_MOST_RATIO = 200  # bytes that it may hold for each of its own
BROKEN = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


Opener = Callable[[Any], AbstractContextManager[IO[bytes]]]  # of a path


def check_encoding(name: str) -> str:
    """Return the usual name of an encoding of text, or raise `ArgumentError` for an unknown one.

    Examples
    --------
    >>> check_encoding("latin1")
    'iso8859-1'
    """
    try:
        known = codecs.lookup(name).name
        "".encode(known)  # refuses the codecs that are no encoding of text
    except LookupError:
        known = ""
    if not known:
        raise ArgumentError(f"encoding must be one that Python knows, got {name!r}")
    return known


def open_bytes(path: str | Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked where its name ends in ``.gz`` or ``.xz``.

    Raises
    ------
    DataError
        No such file, or a folder.
    """
    path = check_file(path)
    opener = _OPENERS.get(packing(path))
    if opener is None or path.stat().st_size == 0:
        return path.open("rb")
    packed: IO[bytes] = opener(path, "rb")  # type: ignore[operator]
    return io.BufferedReader(Bounded(packed, most_unpacked(path)), _LARGE)


@contextmanager
def open_utf8(path: str | Path, encoding: str = UTF_8) -> Iterator[IO[bytes]]:
    """Open a file of text as bytes of UTF-8, unpacked; reading raises what decoding raises.

    Raises
    ------
    DataError
        No such file, or a folder.
    """
    with open_bytes(path) as packed:
        yield _as_utf8(packed, encoding)


def most_unpacked(path: Path) -> int:
    """Return how many bytes a packed file may hold."""
    return max(_LEAST_UNPACKED, _MOST_RATIO * path.stat().st_size)


def unpacking_fault(error: Exception) -> str:
    """Return what to say of a packed file that raised one of `BROKEN`."""
    if isinstance(error, OversizedError):
        return (
            f"packed data must hold at most {_LEAST_UNPACKED >> 20} MiB or {_MOST_RATIO} times "
            "their size, got more; unpack the file first if it is to be trusted"
        )
    return "compressed data must be whole, got a damaged file"


class OversizedError(EOFError):
    """A packed file holds more than it may."""


class Bounded(io.RawIOBase):
    """What is unpacked from a file, up to a number of bytes."""

    def __init__(self, handle: IO[bytes], most: int) -> None:
        self._handle = handle
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raw = self._handle.read1(len(buffer))  # type: ignore[attr-defined]
        self._left -= len(raw)
        if self._left < 0:
            raise OversizedError
        buffer[: len(raw)] = raw
        return len(raw)

    def close(self) -> None:
        self._handle.close()
        super().close()


def byte_lines(
    path: str | Path, encoding: str = UTF_8, *, opened: Opener = open_bytes
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line number from 1, line with its end)`` of a file, as UTF-8 without a mark.

    Raises
    ------
    DataError
        No such file, compressed data that break off, bytes of another encoding.
    """
    return enumerate(_pieces(path, encoding, None, opened), 1)


def byte_chunks(
    path: str | Path, encoding: str = UTF_8, *, opened: Opener = open_bytes
) -> Iterator[bytes]:
    """Yield a file in pieces of up to 64 kB, as UTF-8 without a mark; raises as `byte_lines`."""
    return _pieces(path, encoding, _LARGE, opened)


def _pieces(path: str | Path, encoding: str, size: int | None, opened: Opener) -> Iterator[bytes]:
    n, n_lines, failure, of_encoding = 0, 0, "", False
    with opened(path) as packed:
        handle: IO[bytes] = packed
        while True:
            try:
                if n == 0:
                    handle = _as_utf8(packed, encoding)
                piece = handle.readline() if size is None else handle.read(size)
            except BROKEN as error:
                failure = unpacking_fault(error)
            except UnicodeDecodeError as error:
                failure = f"text must be {error.encoding}, got other bytes; name its encoding "
                failure += "(--encoding)"
                of_encoding = True
            if failure or not piece:
                break
            n += 1
            n_lines += 1 if size is None else piece.count(b"\n")
            yield piece.removeprefix(_BOM) if n == 1 else piece
    if failure:
        raise DataError(failure, path=path, line=n_lines + 1, of_encoding=of_encoding)


def _as_utf8(handle: IO[bytes], encoding: str) -> IO[bytes]:
    """Return a handle on the same text in UTF-8; the same handle where it is that already."""
    head: bytes = handle.peek(4)[:4]  # type: ignore[attr-defined]
    if head.startswith(_BOM):
        return handle
    is_marked = head.startswith(_UTF_16) and not _is_utf_32(encoding)
    if encoding == UTF_8 and not is_marked:
        return handle
    wanted = "utf-16" if is_marked else encoding
    return io.BufferedReader(_Recoded(handle, codecs.getincrementaldecoder(wanted)()))


def _is_utf_32(encoding: str) -> bool:
    """Return whether an encoding is the one whose mark begins as that of UTF-16."""
    return codecs.lookup(encoding).name.startswith("utf-32")


class _Recoded(io.RawIOBase):
    """Bytes of one encoding as bytes of UTF-8, some at a time."""

    def __init__(self, handle: IO[bytes], decoder: codecs.IncrementalDecoder) -> None:
        self._handle = handle
        self._decoder = decoder
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            raw = self._handle.read(_CHUNK)
            self._ready = self._decoder.decode(raw, final=not raw).encode("utf-8")
            if not raw:
                break
        n = min(len(buffer), len(self._ready))
        buffer[:n], self._ready = self._ready[:n], self._ready[n:]
        return n


def read_text(path: str | Path, encoding: str = UTF_8) -> str:
    """Return a whole file as text, its line ends as they are."""
    return joined(read_lines(path, encoding))


def first_lines(path: str | Path, encoding: str = UTF_8) -> list[str]:
    """Return some of the first lines of a file to look at, whatever bytes they are of."""
    lines: list[str] = []
    try:
        for _, raw in byte_lines(path, encoding):
            lines.append(raw.decode(UTF_8, "replace"))
            if len(lines) == _N_LOOKED_AT:
                break
    except DataError:
        return lines
    return lines


def read_lines(path: str | Path, encoding: str = UTF_8) -> Iterator[tuple[int, str]]:
    """Yield ``(line number from 1, line with its end)`` of a file.

    Raises
    ------
    DataError
        A line is of another encoding; nothing of it is quoted.
    """
    for number, raw in byte_lines(path, encoding):
        yield number, decode(raw, path, number)


def decode(raw: bytes, path: str | Path, number: int) -> str:
    """Return a line, or several from line `number` on, as text.

    Raises
    ------
    DataError
        Other bytes than UTF-8, or a NUL, which is in no text but in that of another encoding;
        names the line.
    """
    line, at = None, raw.find(b"\0")
    what = "a NUL"
    if at < 0:
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            at, what = error.start, "other bytes"
    if line is None:
        at_line = number + raw.count(b"\n", 0, at)
        at -= raw.rfind(b"\n", 0, at) + 1
        raise DataError(
            f"text must be UTF-8, got {what} at byte {at} of the line; name its encoding "
            "(--encoding)",
            path=path,
            line=at_line,
            of_encoding=True,
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
        if packing(path) == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0)
        elif packing(path) == ".xz":
            packed = lzma.LZMAFile(handle, "wb")  # noqa: SIM115
        yield packed
        if packed is not handle:
            packed.close()


def joined(lines: Iterable[tuple[int, str]]) -> str:
    """Return numbered lines as one text."""
    return "".join(line for _, line in lines)
