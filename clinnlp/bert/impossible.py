"""Spans that no mention can have, whatever the network says of their words.

- A mention does not go over the start of a line that begins a sentence of its own, where the note
  has sentences: "fever" above "chills" are two. Nor over an empty line.
- A letter of "h/o", "s/p", "d/c" and the like is none, nor is "h/o" itself.
- A run of more than 60 letters and digits is none: no name is so long without a mark.
- A drug ends where the digits of its dose begin: "metoprolol" of "metoprolol50mg".
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from clinnlp.core.spans import Span

__all__ = ["possible"]

_LONGEST = 60  # letters and digits in a run
_DRUGS = frozenset(("Drug", "Chemical"))
_RUN = re.compile(rf"[^\W_]{{{_LONGEST + 1},}}")
_SHORT = re.compile(
    r"(?<![\w/])(?:(?P<whole>h/o|s/p|c/o|r/o|p/w|w/o|y/o|i/s/o)|w/u|f/u|d/c|a/p|b/c)(?![\w/])",
    re.IGNORECASE,
)
_INDENT = 16  # characters before the first word of a line
_AROUND = 6  # characters of such a short form beside a letter of it
_GLUED = re.compile(
    r"([^\W\d_]{3,})\d+(?:[.,]\d+)?(?:mg|mgs|mcg|ug|µg|μg|g|gm|ml|iu|units?|u|meq|%)\Z",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[\n\r][ \t]*\Z")
_EMPTY = re.compile(r"(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)\s*")


def possible(text: str, span: Span, label: str, sentences: Sequence[int] = ()) -> Iterator[Span]:
    """Yield what a mention may be of a span, in text order: it, a part, several, or nothing.

    Parameters
    ----------
    text : str
    span : Span
    label : str
    sentences : sequence of int
        Where the sentences of the note begin, in order.

    Examples
    --------
    >>> [tuple(s) for s in possible("fever\\nchills", Span(0, 12), "Problem", [0, 6])]
    [(0, 5), (6, 12)]
    >>> list(possible("h/o gout", Span(0, 1), "Problem"))
    []
    """
    for piece in _pieces(text, span, sentences):
        word = text[piece.start : piece.end]
        if len(word) > _LONGEST and _RUN.search(word):
            continue
        if len(word) <= _AROUND and _is_of_short_form(text, piece):
            continue
        glued = _GLUED.search(word) if label in _DRUGS else None
        yield Span(piece.start, piece.start + glued.end(1)) if glued else piece


def _pieces(text: str, span: Span, sentences: Sequence[int]) -> Iterator[Span]:
    """Yield the pieces of a span that an empty line or the first line of a sentence parts."""
    cuts = [m.end() for m in _EMPTY.finditer(text, span.start, span.end)]
    inside = slice(bisect_right(sentences, span.start), bisect_right(sentences, span.end - 1))
    cuts += [
        begun for begun in sentences[inside] if _BREAK.search(text, max(0, begun - _INDENT), begun)
    ]
    edges = [span.start, *sorted({*cuts}), span.end]
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        body = text[start:end].rstrip()
        if body:
            yield Span(start, start + len(body))


def _is_of_short_form(text: str, piece: Span) -> bool:
    """Return whether a span lies inside a short form such as "h/o"."""
    first = max(0, piece.start - _AROUND)
    return any(
        form.start() <= piece.start
        and piece.end <= form.end()
        and (form["whole"] is not None or form.end() - form.start() > piece.end - piece.start)
        for form in _SHORT.finditer(text, first, piece.end + _AROUND)
    )
