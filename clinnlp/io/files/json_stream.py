"""The objects of one long array in a JSON file, one at a time.

A file such as ``{"source": ..., "documents": [{...}, {...}]}`` is cut by its brackets alone, so
that one broken object neither hides the others nor makes anything be read ahead; what stands in
an object is parsed by who asked for it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.io.files.lines import UTF_8, byte_chunks, decode
from clinnlp.io.files.source import Document

__all__ = ["json_items", "json_object"]

_SKIP = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_BAD = object()


def json_items(
    path: Path, keys: tuple[str, ...] | None, encoding: str = UTF_8
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line it begins on, bytes)`` of each object in an array.

    Parameters
    ----------
    path : Path
    keys : tuple of str or None
        The array is the value of one of these keys of the outermost object; ``None``: it is the
        file.
    encoding : str

    Raises
    ------
    DataError
        No such array, something else than objects in it, or a file that breaks off.
    """
    cutter = _Cutter(keys)
    for chunk in byte_chunks(path, encoding):
        yield from cutter.items(chunk)
        if cutter.fault:
            break
    if cutter.fault or cutter.depth or not cutter.closed:
        what = "an array of objects" if keys is None else f"an object with {' or '.join(keys)}"
        said = f"a JSON file must be {what} and whole, got another form"
        raise DataError(said, path=path, line=cutter.line_now)


def json_object(document: Document) -> dict[str, Any]:
    """Return the JSON object that a document is.

    Raises
    ------
    DataError
        Broken JSON, or another value.
    """
    text = decode(document.data, document.path, document.line or 1)
    try:
        value = json.loads(text, parse_constant=lambda _: _BAD)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise document.wrong("a document must be one JSON object, got broken JSON")
    return value


class _Cutter:
    """Follows brackets from chunk to chunk; gives what stands between those of an item."""

    def __init__(self, keys: tuple[str, ...] | None) -> None:
        self._keys = None if keys is None else {f'"{key}"'.encode() for key in keys}
        self._level = 1 if keys is None else 2  # depth of what stands in the array
        self._buffer = b""
        self._at = 0  # behind the last bracket
        self._start = -1  # of the item
        self._inside = False
        self._n_items = 0
        self.depth = 0
        self.line = 1  # of the first byte of the buffer
        self.closed = False
        self.fault = False

    @property
    def line_now(self) -> int:
        """The line that has been come to."""
        return self.line + self._buffer.count(b"\n", 0, self._at)

    def items(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        self._buffer += chunk
        while not self.fault:
            end = _SKIP.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if end == len(self._buffer) or self._buffer[end : end + 1] == b'"':
                break  # a text that goes on in the next chunk
            bracket, before = self._buffer[end : end + 1], self._buffer[self._at : end]
            if bracket in b"[{":
                self._open(bracket, before, end)
            elif self._close(before):
                line = self.line + self._buffer.count(b"\n", 0, self._start)
                yield line, self._buffer[self._start : end + 1]
                self._start = -1
            self._at = end + 1
        self._forget()

    def _open(self, bracket: bytes, before: bytes, end: int) -> None:
        if self._inside and self.depth == self._level:
            self.fault = bracket != b"{" or before.strip() != (b"," if self._n_items else b"")
            self._start, self._n_items = end, self._n_items + 1
        elif not self.closed and self.depth == self._level - 1 and bracket == b"[":
            name = before.rstrip().removesuffix(b":").rstrip()
            known = self._keys is None or any(name.endswith(key) for key in self._keys)
            self._inside = known
        self.depth += 1

    def _close(self, before: bytes) -> bool:
        """Return whether an item ends here."""
        self.depth -= 1
        if self._inside and self.depth == self._level - 1:
            self.fault = bool(before.strip())
            self._inside, self.closed = False, True
        self.fault = self.fault or self.depth < 0
        return self._inside and self.depth == self._level

    def _forget(self) -> None:
        keep = self._at if self._start < 0 else self._start
        self.line += self._buffer.count(b"\n", 0, keep)
        self._buffer = self._buffer[keep:]
        self._at -= keep
        self._start = -1 if self._start < 0 else 0
