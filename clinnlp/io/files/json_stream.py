"""The objects of one long array in a JSON file, one at a time.

A file such as ``{"source": ..., "documents": [{...}, {...}]}`` is cut by its brackets alone, so
that one broken object neither hides the others nor makes anything be read ahead; what stands in
an object is parsed by who asked for it.
"""

import json
import re
from collections.abc import Iterator
from math import isinf
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.io.files.lines import UTF_8, Opener, byte_chunks, decode, open_bytes
from clinnlp.io.files.source import Document

__all__ = ["json_items", "json_object", "json_value"]

_SKIP = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # of a text that goes on


def json_items(
    path: Path,
    keys: tuple[str, ...] | None,
    encoding: str = UTF_8,
    *,
    rest: list[bytes] | None = None,
    opened: Opener = open_bytes,
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line it begins on, bytes)`` of each object in an array.

    Parameters
    ----------
    path : Path
    keys : tuple of str or None
        The array is the value of one of these keys of the outermost object; ``None``: it is the
        file.
    encoding : str
    rest : list of bytes, optional
        Gets what stands around the objects, in pieces: the outermost object, with an empty array.
        There may then be no array.
    opened : callable
        Opens the file.

    Raises
    ------
    DataError
        No such array, something else than objects in it, or a file that breaks off.
    """
    cutter = _Cutter(keys, rest)
    for chunk in byte_chunks(path, encoding, opened=opened):
        yield from cutter.items(chunk)
        if cutter.fault:
            break
    if rest is not None:
        rest += cutter.last()
    if cutter.fault or cutter.depth or not (cutter.closed or rest):
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
    value = json_value(decode(document.data, document.path, document.line or 1))
    if not isinstance(value, dict):
        raise document.wrong(
            "a document must be one JSON object, got broken JSON or an endless number"
        )
    return value


def json_value(text: str) -> Any:
    """Return the value that a text is in JSON; None where it is broken.

    Numbers too large for a float, and what no JSON has (NaN, Infinity), are broken as well.

    Examples
    --------
    >>> json_value('{"score": 0.5}'), json_value('{"score": 1e999}'), json_value("[" * 100_000)
    ({'score': 0.5}, None, None)
    """
    try:
        return json.loads(text, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _refused(_: str) -> Any:
    raise ValueError


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ValueError
    return value


class _Cutter:
    """Follows brackets from chunk to chunk; gives what stands between those of an item.

    Each byte is looked at once: what a chunk leaves open is kept in pieces, joined when it closes.
    """

    def __init__(self, keys: tuple[str, ...] | None, rest: list[bytes] | None) -> None:
        self._rest = rest
        self._keys = None if keys is None else {f'"{key}"'.encode() for key in keys}
        self._level = 1 if keys is None else 2  # depth of what stands in the array
        self._pieces: list[bytes] = []  # of the item, or outside of items since the last bracket
        self._started = False  # the item
        self._began = 1  # line of the item
        self._in_text = False
        self._escape = b""  # a backslash that ended the chunk
        self._inside = False
        self._n_items = 0
        self._line = 1  # that the chunk begins on
        self.line_now = 1  # of the last bracket
        self.depth = 0
        self.closed = False
        self.fault = False

    def items(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        chunk, self._escape = self._escape + chunk, b""
        kept = counted = 0  # what is not in pieces yet; where lines are counted to
        end, bracket = self._next(chunk, 0)
        while bracket and not self.fault:
            self._line += chunk.count(b"\n", counted, end)
            self.line_now, counted = self._line, end
            if self._started:
                self.depth += 1 if bracket in b"[{" else -1
                if self.depth == self._level:
                    yield self._began, self._taken(chunk[kept : end + 1])
                    self._started, kept = False, end + 1
            else:
                before, kept = self._taken(chunk[kept:end]), end + 1
                if bracket in b"]}":
                    self._close(before)
                elif self._open(bracket, before):
                    kept = end
                if self._rest is not None and not self._started:
                    self._rest += (before, bracket)
            end, bracket = self._next(chunk, end + 1)
        self._line += chunk.count(b"\n", counted)
        self._pieces.append(chunk[kept:end])

    def _next(self, chunk: bytes, at: int) -> tuple[int, bytes]:
        """Return where the next bracket is and which, or where the chunk ends and nothing."""
        if self._in_text:
            at = _REST.match(chunk, at).end()  # type: ignore[union-attr]
            self._in_text = chunk[at : at + 1] != b'"'
            at = at if self._in_text else at + 1
        if not self._in_text:
            at = _SKIP.match(chunk, at).end()  # type: ignore[union-attr]
            self._in_text = chunk[at : at + 1] == b'"'  # it does not end in this chunk
            if not self._in_text:
                return at, chunk[at : at + 1]
            at = _REST.match(chunk, at + 1).end()  # type: ignore[union-attr]
        self._escape = chunk[at:]
        return at, b""

    def last(self) -> list[bytes]:
        """Return what stands behind the last bracket."""
        return self._pieces

    def _taken(self, last: bytes) -> bytes:
        taken, self._pieces = b"".join([*self._pieces, last]), []
        return taken

    def _open(self, bracket: bytes, before: bytes) -> bool:
        """Return whether an item begins here."""
        self._started = self._inside and self.depth == self._level
        if self._started:
            self.fault = bracket != b"{" or before.strip() != (b"," if self._n_items else b"")
            self._began, self._n_items = self._line, self._n_items + 1
        elif not self.closed and self.depth == self._level - 1 and bracket == b"[":
            name = before.rstrip().removesuffix(b":").rstrip()
            self._inside = self._keys is None or any(name.endswith(key) for key in self._keys)
        self.depth += 1
        return self._started

    def _close(self, before: bytes) -> None:
        self.depth -= 1
        if self._inside and self.depth == self._level - 1:
            self.fault = bool(before.strip())
            self._inside, self.closed = False, True
        self.fault = self.fault or self.depth < 0
