"""How a table of text is written, found by looking at it.

- The separator is the mark by which the header has several fields and the rows as many. Where the
  first line says ``sep=;``, as Excel reads it, it is that one, and the line is no row.
- The encoding is UTF-8 unless the first text beyond ASCII, in the first 64 MiB, is none. Then it is
  Windows-1252 (of which Latin-1 is the part in use) where that gives words of western Europe: its
  accented letters stand among letters, not its signs, and are not most of the text. Bytes of
  another code page give signs inside words, and stay refused until their encoding is named.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.checks import check_file
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import UTF_8, byte_chunks, open_bytes

__all__ = ["Look", "encoding_of", "look_at"]

_MARKS = (",", ";", "\t", "|")
_N_RECORDS = 50
_MOST_CHUNKS = 1 << 10  # of 64 kB
_SAID = re.compile(r'"?sep=(.)"?\r?\n')
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WESTERN = "cp1252"
_LETTERS = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ"
_SMALL = "a-zß-öø-ÿœšž"
# between small letters stand none but small ones, and marks that join words
_STRANGE = re.compile(rf"(?<=[{_SMALL}])[^\x00-\x7f{_SMALL}’´–—…·\xa0\xad](?=[{_SMALL}])")
_BOTH = re.compile(rb"[\xc2\xc3][\x80-\xbf]")  # a letter of UTF-8: other bytes are a fault
_MOST_ACCENTED = 0.35  # of all letters
_MOST_STRANGE = 0.02  # of all that are accented


class Look(NamedTuple):
    """What a table was found to be written in; `n_before` lines stand above its header."""

    sep: str
    encoding: str
    n_before: int


def look_at(path: Path, usual: str, dialect: Dialect) -> Look:
    """Return separator and encoding of a table, those of the dialect where it says them.

    Parameters
    ----------
    path : Path
    usual : str
        The separator where nothing is set apart by another.
    dialect : Dialect

    Raises
    ------
    DataError
        The file cannot be unpacked, or is not of the encoding.
    """
    encoding = dialect.encoding or encoding_of(path)
    raw = next(byte_chunks(path, encoding), b"")
    head = raw.decode(UTF_8, "replace")
    said = _SAID.match(head)
    if said is not None:
        return Look(dialect.sep or said[1], encoding, 1)
    return Look(dialect.sep or _separator(head, usual), encoding, 0)


def encoding_of(path: str | Path) -> str:
    """Return ``"utf-8"`` or, where the text is none, ``"cp1252"`` if it gives western words.

    A file that is neither is said to be UTF-8, so that its reader refuses it by line.

    Raises
    ------
    DataError
        The file cannot be unpacked.
    """
    path = check_file(path)
    with open_bytes(path) as handle:
        if handle.peek(2)[:2] in _UTF_16:  # type: ignore[attr-defined]
            return UTF_8  # known by its mark
    decoder = codecs.getincrementaldecoder(UTF_8)()
    for chunk in islice(byte_chunks(path), _MOST_CHUNKS):
        try:
            if not decoder.decode(chunk).isascii():
                return UTF_8
        except UnicodeDecodeError:
            return _WESTERN if _is_western(chunk) else UTF_8
    return UTF_8


def _is_western(raw: bytes) -> bool:
    if _BOTH.search(raw):
        return False
    try:
        text = raw.decode(_WESTERN)
    except UnicodeDecodeError:
        return False
    letters = re.findall(f"[{_LETTERS}]", text)
    n_accented = sum(not letter.isascii() for letter in letters)
    n_strange = len(_STRANGE.findall(text))
    return n_accented <= _MOST_ACCENTED * len(letters) and n_strange <= _MOST_STRANGE * n_accented


def _separator(head: str, usual: str) -> str:
    found = {}
    for mark in _MARKS:
        n, share = _fit(head, mark)
        if n > 1:
            words = mark + " " in head.partition("\n")[0]  # as a comma has a blank behind it
            found[mark] = (share, not words, mark == usual, n)
    return max(found, key=found.__getitem__) if found else usual


def _fit(head: str, mark: str) -> tuple[int, float]:
    """Return how many fields a separator gives the header, and the share of rows with as many."""
    rows = list(_records(head, mark))
    if not rows:
        return 0, 0.0
    n = len(rows[0])
    alike = [len(row) == n or (len(row) == n + 1 and not row[-1]) for row in rows]
    return n, sum(alike) / len(rows)


def _records(head: str, mark: str) -> Iterator[list[str]]:
    """Yield the first rows, but for the last of them, which may be cut off."""
    reader = csv.reader(io.StringIO(head, newline="\n"), delimiter=mark)
    before: list[str] = []
    try:
        for n, row in enumerate(reader):
            if before:
                yield before
            before = row
            if n == _N_RECORDS:
                return
    except csv.Error:
        return
    if before and (head.endswith("\n") or reader.line_num == 1):
        yield before
