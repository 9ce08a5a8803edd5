"""One small damage to the bytes of a file, by its form where it has one, else anywhere.

A mutator takes the bytes, the dice and the bytes of another file, and returns new bytes, or None
where it does not fit. Those that know a form (JSON, XML, cells, packed data) stay well-formed
where they can, so that what they change is met deep inside a reader and not at its door.
"""

import base64
import re
from collections.abc import Callable
from random import Random

from tests.fuzz.odd import CONTROLS, DATES, ENCODINGS, NUMBERS

__all__ = ["BYTES", "WORDS", "Mutator", "odd_bytes"]

Mutator = Callable[[bytes, Random, bytes], "bytes | None"]

_NUMBER = re.compile(rb"\d+(?:\.\d+)?")
_DATE = re.compile(rb"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d[:\d]*(?:Z|[+-]\d\d:\d\d)?)?|\d{8}")
_WORD = re.compile(rb"[^\s\"'<>,;|$\t{}\[\]:=]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{12,}={0,2}")


def odd_bytes(rng: Random) -> bytes:
    """Return an odd number, date or piece of text."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.choice(NUMBERS).encode()
    return rng.choice(DATES).encode() if kind == 1 else rng.choice(CONTROLS)


def _cut(data: bytes, rng: Random) -> tuple[int, int]:
    """Return the bounds of a piece, mostly a short one."""
    start = rng.randrange(len(data) + 1)
    most = len(data) - start
    return start, start + rng.randrange(1 + rng.choice((min(8, most), min(64, most), most)))


def flip(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Change up to eight bits."""
    if not data:
        return None
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def overwrite(data: bytes, rng: Random, _: bytes) -> bytes:
    """Put as many other bytes in the place of some."""
    start, end = _cut(data, rng)
    return data[:start] + rng.randbytes(end - start) + data[end:]


def truncate(data: bytes, rng: Random, _: bytes) -> bytes:
    """Lose the end."""
    return data[: rng.randrange(len(data) + 1)]


def behead(data: bytes, rng: Random, _: bytes) -> bytes:
    """Lose the beginning."""
    return data[rng.randrange(len(data) + 1) :]


def delete(data: bytes, rng: Random, _: bytes) -> bytes:
    """Lose a piece."""
    start, end = _cut(data, rng)
    return data[:start] + data[end:]


def double(data: bytes, rng: Random, _: bytes) -> bytes:
    """Say a piece twice, or, if it is short, very often."""
    start, end = _cut(data, rng)
    times = rng.choice((2, 2, 3, 1_000 if end - start < 64 else 2))
    return data[:start] + data[start:end] * times + data[end:]


def insert(data: bytes, rng: Random, _: bytes) -> bytes:
    """Put something odd anywhere."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + odd_bytes(rng) + data[at:]


def splice(data: bytes, rng: Random, other: bytes) -> bytes:
    """Put a piece of another file anywhere."""
    start, end = _cut(other, rng)
    at, until = _cut(data, rng)
    return data[:at] + other[start:end] + data[rng.choice((at, until)) :]


def lines(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Say a line twice, lose one, or put two in the other order."""
    made = data.splitlines(keepends=True)
    if len(made) < 2:
        return None
    i, j = rng.randrange(len(made)), rng.randrange(len(made))
    what = rng.randrange(3)
    if what == 0:
        made.insert(i, made[j])
    elif what == 1:
        del made[i]
    else:
        made[i], made[j] = made[j], made[i]
    return b"".join(made)


def line_ends(data: bytes, rng: Random, _: bytes) -> bytes:
    """End lines otherwise."""
    end = rng.choice((b"\r", b"\r\n", b"\n\n", "\u2028".encode(), "\x85".encode(), b"\x0c", b""))
    return data.replace(b"\r\n", b"\n").replace(b"\n", end)


def recode(data: bytes, rng: Random, _: bytes) -> bytes:
    """Write the text in another encoding, or put a mark before it."""
    if rng.randrange(4) == 0:
        return rng.choice(CONTROLS[11:14]) + data
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def empty(data: bytes, rng: Random, _: bytes) -> bytes:
    """Hold nothing, or nothing but blanks."""
    return rng.choice((b"", b"\n", b" ", b"\x00" * 512, b"\xef\xbb\xbf"))


def _replaced(pattern: "re.Pattern[bytes]", data: bytes, rng: Random, new: bytes) -> bytes | None:
    found = [match.span() for match in pattern.finditer(data)]
    if not found:
        return None
    start, end = rng.choice(found)
    return data[:start] + new + data[end:]


def number(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Put an odd number in the place of one."""
    return _replaced(_NUMBER, data, rng, rng.choice(NUMBERS).encode())


def date(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Put an odd date in the place of one."""
    return _replaced(_DATE, data, rng, rng.choice(DATES).encode())


def word(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Put something odd in the place of a word."""
    return _replaced(_WORD, data, rng, odd_bytes(rng))


def swap_words(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Put one word of the file in the place of another."""
    found = _WORD.findall(data)
    return _replaced(_WORD, data, rng, rng.choice(found)) if found else None


def coded(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Put other text in base64, or what is none, in the place of some."""
    inside = rng.choice((b"", b"\xff\xfe\xfd", rng.randbytes(40), b"%PDF-1.4", b"x" * 70_000))
    made = rng.choice((base64.b64encode(inside), b"!!!!", b"A", b"=" * 12, "é".encode() * 12))
    return _replaced(_BASE64, data, rng, made)


BYTES: tuple[Mutator, ...] = (
    *(flip, overwrite, truncate, behead, delete, double, insert, splice, lines, line_ends),
    *(recode, empty),
)
WORDS: tuple[Mutator, ...] = (number, number, date, word, swap_words, coded)
