"""Where a mention stands: offsets checked against its text, and repaired only on request.

A file that gives a mention its text lets offsets be checked. Where they do not hold, one of a few
known ways of counting may explain it; a repair is counted under its name, and nothing is searched
for: a mention whose text stands elsewhere stays refused. Of a discontinuous mention all pieces may
be wrong, or one.

================== ==========================================================================
repair             offsets of the file
================== ==========================================================================
bytes              count bytes of UTF-8
UTF-16             count units of UTF-16 (Java, JavaScript, .NET): an emoji is two
CRLF as one        count ``\\r\\n`` as one character
CRLF for LF        count each ``\\n`` as two, because the file had ``\\r\\n`` once
end included       end with the last character, not behind it
one too late       begin and end one too late (the first character is 1)
one too early      begin and end one too early
================== ==========================================================================
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from clinnlp.core.arrays import Ints
from clinnlp.core.errors import OffsetError
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document

__all__ = ["REPAIRS", "from_utf16", "is_offset", "place", "to_utf16"]

Bounds = Sequence[tuple[int, int]]
_SPACE = re.compile(r"\s")
_MOST_DIGITS = 18  # of an offset: no text is longer
_MOST_PIECES = 16  # of a mention of which one piece alone is moved
_SHOWN = 3  # pieces in a message
_ASTRAL, _WIDE, _NOT_ASCII = 0x10000, 0x800, 0x80  # from where UTF-8 takes 4, 3 and 2 bytes


def is_offset(text: str) -> bool:
    """Return whether a text is a whole number that an offset can be, to be given to `int`.

    Examples
    --------
    >>> is_offset("17"), is_offset("-1"), is_offset("9" * 5_000)
    (True, False, False)
    """
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def from_utf16(text: str, at: int) -> int:
    """Return the code point that an offset in UTF-16 units stands before.

    Examples
    --------
    >>> from_utf16("💊 fever", 3)
    2
    """
    return _whole(_ends(text, "utf-16"), at)


def to_utf16(text: str, at: int) -> int:
    """Return how many UTF-16 units stand before a code point; the inverse of `from_utf16`.

    Examples
    --------
    >>> to_utf16("💊 fever", 2)
    3
    """
    return at if text.isascii() or not 0 < at <= len(text) else int(_ends(text, "utf-16")[at - 1])


def place(
    document: Document,
    text: str,
    bounds: Bounds,
    mention: str | None,
    *,
    line: int | None = None,
    any_case: bool = False,
) -> tuple[Span, ...]:
    """Return the pieces of a mention in text order, where they are its text but for white space.

    Corpora join the pieces of a discontinuous mention with a blank or without.

    Parameters
    ----------
    document : Document
        Named in errors; counts repairs where these are wanted.
    text : str
        The whole text.
    bounds : sequence of (int, int)
        Start and end of each piece, as the file gives them.
    mention : str or None
        What the file says the mention is; ``None``: not said, so that it is not checked.
    any_case : bool
        Whether small and capital letters of the mention are the same.

    Raises
    ------
    OffsetError
        The offsets lie outside the text, or the text there is another.
    """
    if _inside(bounds, len(text)) and _is_text(text, bounds, mention):
        return tuple(Span(a, b) for a, b in sorted(bounds))
    if any_case and mention is not None and (text, mention) != (_small(text), _small(mention)):
        return place(document, _small(text), bounds, _small(mention), line=line)
    name, moved = _explained(text, bounds, mention)
    if moved and document.repairs is not None:
        document.repairs[name] += 1
        return tuple(Span(a, b) for a, b in sorted(moved))
    where = ";".join([f"{a}-{b}" for a, b in bounds[:_SHOWN]] + ["..."] * (len(bounds) > _SHOWN))
    message = f"the mention must be the text at {where}, got another text"
    if not _inside(bounds, len(text)):
        message = f"offsets must lie inside the text of {len(text)} characters, got {where}"
    if moved:
        message += f"; it would be by the rule {name!r}: read with repair"
    raise OffsetError(message, path=document.path, line=document.line if line is None else line)


def _is_text(text: str, bounds: Bounds, mention: str | None) -> bool:
    """Return whether the mention is the text but for white space, of any kind between pieces."""
    if mention is None:
        return True
    found = [word for a, b in bounds for word in text[a:b].split()]
    words = mention.split()
    return found == words or (len(bounds) > 1 and "".join(found) == "".join(words))


def _inside(bounds: Bounds, n_chars: int) -> bool:
    return all(0 <= start < end <= n_chars for start, end in bounds)


def _explained(text: str, bounds: Bounds, mention: str | None) -> tuple[str, list[tuple[int, int]]]:
    """Return the repair under which the mention is the text there, and the bounds it gives."""
    if mention is None or not mention.strip():
        return "", []
    between = "" if len(bounds) > 1 else " "
    wanted = _SPACE.sub(between, mention)
    for name, moved in _moves(text, bounds):
        if _inside(moved, len(text)) and not _spaced(text, moved):
            found = "".join(text[a:b] for a, b in moved)
            if _SPACE.sub(between, found) == wanted:
                return name, moved
    return "", []


def _moves(text: str, bounds: Bounds) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield each repair with the bounds it gives: of all pieces, then of one of them alone."""
    for name, moved_by in REPAIRS.items():
        whole = moved_by(text, bounds)
        yield name, whole
        for k in range(len(bounds) if len(bounds) <= _MOST_PIECES else 0):
            yield name, [*bounds[:k], whole[k], *bounds[k + 1 :]]


def _spaced(text: str, bounds: Bounds) -> bool:
    """Return whether a piece of several begins or ends with white space."""
    ends = (at for a, b in bounds for at in (a, b - 1))
    return len(bounds) > 1 and any(text[at].isspace() for at in ends)


def _each(point: Callable[[str, int], int]) -> Callable[[str, Bounds], list[tuple[int, int]]]:
    return lambda text, bounds: [(point(text, a), point(text, b)) for a, b in bounds]


def _from_units(encoding: str) -> Callable[[str, int], int]:
    return lambda text, at: _whole(_ends(text, encoding), at)


def _whole(ends: Ints, at: int) -> int:
    """Return how many code points end within `at` units; an offset outside the text stays one."""
    outside = at < 0 or not len(ends) or at > ends[-1]
    return at if outside else int(np.searchsorted(ends, at, side="right"))


# Each is asked for once for all mentions of a text.


@lru_cache(maxsize=2)
def _small(text: str) -> str:
    """Return text in small letters, character by character, so that it is as long."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@lru_cache(maxsize=2)
def _ends(text: str, encoding: str) -> Ints:
    """Return where each code point ends, in units of an encoding."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    widths = 1 + (points >= _ASTRAL).astype(np.int64)
    if encoding == "utf-8":
        widths += (points >= _WIDE).astype(np.int64) + (points >= _NOT_ASCII)
    return np.cumsum(widths)


@lru_cache(maxsize=1)
def _short_breaks(text: str) -> Ints:
    """Return where each CRLF begins where those before count as one character."""
    starts = np.array([found.start() for found in re.finditer("\r\n", text)], np.int64)
    return starts - np.arange(len(starts))


@lru_cache(maxsize=1)
def _long_breaks(text: str) -> Ints:
    """Return where each LF ends where those before count as two characters."""
    ends = np.array([found.end() for found in re.finditer("\n", text)], np.int64)
    return ends + np.arange(len(ends))


def _from_short_breaks(text: str, at: int) -> int:
    return at + int(np.searchsorted(_short_breaks(text), at))


def _from_long_breaks(text: str, at: int) -> int:
    return at - int(np.searchsorted(_long_breaks(text), at))


REPAIRS: dict[str, Callable[[str, Bounds], list[tuple[int, int]]]] = {
    "bytes": _each(_from_units("utf-8")),
    "UTF-16": _each(_from_units("utf-16")),
    "CRLF as one": _each(_from_short_breaks),
    "CRLF for LF": _each(_from_long_breaks),
    "end included": lambda _, bounds: [(a, b + 1) for a, b in bounds],
    "one too late": lambda _, bounds: [(a - 1, b - 1) for a, b in bounds],
    "one too early": lambda _, bounds: [(a + 1, b + 1) for a, b in bounds],
}
