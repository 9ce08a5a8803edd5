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

from clinnlp.core.errors import OffsetError
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document

__all__ = ["REPAIRS", "is_offset", "place"]

Bounds = Sequence[tuple[int, int]]
_SPACE = re.compile(r"\s")
_MOST_DIGITS = 18  # of an offset: no text is longer


def is_offset(text: str) -> bool:
    """Return whether a text is a whole number that an offset can be, to be given to `int`.

    Examples
    --------
    >>> is_offset("17"), is_offset("-1"), is_offset("9" * 5_000)
    (True, False, False)
    """
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def place(
    document: Document, text: str, bounds: Bounds, mention: str | None, *, line: int | None = None
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

    Raises
    ------
    OffsetError
        The offsets lie outside the text, or the text there is another.
    """
    if _inside(bounds, len(text)) and _is_text(text, bounds, mention):
        return tuple(Span(a, b) for a, b in sorted(bounds))
    name, moved = _explained(text, bounds, mention)
    if moved and document.repairs is not None:
        document.repairs[name] += 1
        return tuple(Span(a, b) for a, b in sorted(moved))
    where = ";".join(f"{a}-{b}" for a, b in bounds)
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
        for k in range(len(bounds)):
            yield name, [*bounds[:k], whole[k], *bounds[k + 1 :]]


def _spaced(text: str, bounds: Bounds) -> bool:
    """Return whether a piece of several begins or ends with white space."""
    ends = (at for a, b in bounds for at in (a, b - 1))
    return len(bounds) > 1 and any(text[at].isspace() for at in ends)


def _each(point: Callable[[str, int], int]) -> Callable[[str, Bounds], list[tuple[int, int]]]:
    return lambda text, bounds: [(point(text, a), point(text, b)) for a, b in bounds]


def _from_units(encoding: str, width: int) -> Callable[[str, int], int]:
    def point(text: str, at: int) -> int:
        raw = text.encode(encoding, "surrogatepass")[: at * width]
        return len(raw.decode(encoding, "ignore"))

    return point


def _from_short_breaks(text: str, at: int) -> int:
    for found in re.finditer("\r\n", text):
        if found.start() >= at:
            break
        at += 1
    return at


def _from_long_breaks(text: str, at: int) -> int:
    n_before = 0
    for found in re.finditer("\n", text):
        if at <= found.end() + n_before:
            break
        n_before += 1
    return at - n_before


REPAIRS: dict[str, Callable[[str, Bounds], list[tuple[int, int]]]] = {
    "bytes": _each(_from_units("utf-8", 1)),
    "UTF-16": _each(_from_units("utf-16-le", 2)),
    "CRLF as one": _each(_from_short_breaks),
    "CRLF for LF": _each(_from_long_breaks),
    "end included": lambda _, bounds: [(a, b + 1) for a, b in bounds],
    "one too late": lambda _, bounds: [(a - 1, b - 1) for a, b in bounds],
    "one too early": lambda _, bounds: [(a + 1, b + 1) for a, b in bounds],
}
