"""Sentences of clinical text: prose, wrapped lines, list lines, headings, flattened newlines.

One regular expression finds every place where a sentence may end: a stop mark, a line end, a
comma that stands for a lost line end (``.,PLAN:``, ``,2. ``). Each place is then judged by what
stands on both sides. A stop does not end a sentence after an abbreviation, an initial or a list
marker, inside de-identification brackets, or before a lower-case word. A line end does not where
the next word would not have fitted on the line (a wrapped line) or begins in lower case. Where
the note has sections, each heading is a sentence of its own.

Abbreviations are a table; nothing here belongs to one language.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.text.tables import language_path, read_table

__all__ = ["Sentences"]

MIN_WIDTH = 50  # characters; where no line of a note is longer, its lines are not wrapped ones
MAX_WIDTH = 140  # characters; where some line is longer, the note is not wrapped at all
_LOOK_BACK = 24  # characters in which the word before a stop is sought

_PLACE = re.compile(  # begins with one set of characters (fast) and is possessive (linear)
    r"[.!?\n\r,\[*](?:"
    r"(?<=[.!?])(?<![.!?]{2})(?P<stop>[.!?]*+[\"')\]”’]*+)(?=[\s,]|\Z)"
    r"|(?<=[\n\r])(?P<line>\s*+)"
    r"|(?<=,)(?P<comma>(?<=[.:!?;],)(?=\s*\S)|(?=\d{1,2}\.\s))"
    r"|(?<=\[)\*\*[^\[\]\n]{0,200}\*\*\]"
    r"|(?<=\*)\*[A-Z]+\[[^\[\]\n]{0,200}\])"
)
_ITEM = re.compile(r"(?:[-*•·–+>]|\(?\d{1,2}[.)]|\(?[A-Za-z][.)])\s")
_HEAD = re.compile(r"[^\W\d_][\w /&'()-]{1,50}:")
_SPLIT = re.compile(r"[(\[,;:/\"]")
_NEXT = re.compile(r"[\s,]*")
_WORD = re.compile(r"[^\W\d_]+")
_BLANKS = " \t\r\n\v\f,"


class Sentences:
    r"""Pipe that sets the sentences of a note.

    Every character other than blanks and separating commas lies in exactly one sentence.

    Parameters
    ----------
    abbreviations : path, optional
        TSV with columns ``abbreviation`` (with its stops) and ``kind``:
        ``never`` before the end of a sentence, none before a ``digit``; words that begin
        sentences (``starter``) tell "vitamin D. He" from "D. Hill". In place of the language's own.
    language : str
        Whose table: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> note = Sentences()(Note(id="n", text="Seen by Dr. B. Lee.\n1. Aspirin 81 mg p.o. daily"))
    >>> [note[s] for s in note.sentences]
    ['Seen by Dr. B. Lee.', '1. Aspirin 81 mg p.o. daily']
    """

    def __init__(self, abbreviations: str | Path | None = None, *, language: str = "en") -> None:
        path = abbreviations or language_path("abbreviations", language)
        self._kinds = {
            word.rstrip(".").casefold(): kind
            for _, (word, kind) in read_table(path, ("abbreviation", "kind"))
        }

    def __call__(self, note: Note, /) -> Note:
        """Return the note with its sentences set anew."""
        text = note.text
        breaks = set(self._breaks(text))
        for section in note.sections or ():
            breaks.add(section.span.start)
            if section.heading is not None:
                breaks.add(section.heading.end)
        return note.with_(sentences=tuple(_trimmed(text, sorted(breaks))))

    def _breaks(self, text: str) -> Iterator[int]:
        width = _wrap_width(text)
        line_start = 0
        for place in _PLACE.finditer(text):
            kind, start, end = place.lastgroup, place.start(), place.end()
            if kind == "stop" and self._ends(text, place):
                yield end
            elif kind == "comma":
                if text[start - 1] != "." or self._ends_word(text, start - 1, end):
                    yield end
            elif kind == "line":
                if _line_ends(text, line_start, place, width):
                    yield end
                line_start = end

    def _ends(self, text: str, place: re.Match[str]) -> bool:
        start, end = place.start(), place.end()
        following = _NEXT.match(text, end)
        after = following.end() if following else end
        if after >= len(text):
            return True
        if text[start] != ".":
            return start > 0 and not text[start - 1].isspace() and not text[after].islower()
        return self._ends_word(text, start, after)

    def _ends_word(self, text: str, stop: int, after: int) -> bool:
        """Return whether the full stop at `stop` ends a sentence that `after` would follow."""
        word_start, word = _word_before(text, stop)
        kind = self._kinds.get(word.casefold())
        head = text[after] if after < len(text) else "A"
        if head.islower() or kind == "never" or (kind == "digit" and head.isdigit()):
            return False
        if _is_marker(word) and _at_item_start(text, word_start):
            return False
        if len(word) == 1 and word.isupper() and head.isupper():  # an initial, or "hepatitis C."
            following = _WORD.match(text, after)
            return self._kinds.get(following[0].casefold() if following else "") == "starter"
        return True


def _trimmed(text: str, breaks: list[int]) -> Iterator[Span]:
    start = 0
    for end in (*breaks, len(text)):
        piece = text[start:end]
        body = piece.strip(_BLANKS).strip()
        if body:
            first = start + piece.index(body)
            yield Span(first, first + len(body))
        start = end


def _wrap_width(text: str) -> int:
    """Return at how many characters the lines of a text are wrapped, 0 where they are not."""
    longest = max((len(line) for line in text.splitlines()), default=0)
    return longest if MIN_WIDTH <= longest <= MAX_WIDTH else 0


def _line_ends(text: str, line_start: int, place: re.Match[str], width: int) -> bool:
    """Return whether a line end is the end of a sentence rather than a wrapped line's."""
    line = text[line_start : place.start()].rstrip()
    gap, after = place.group(), place.end()
    if after >= len(text) or not line or line[-1] == ":":
        return True
    if gap.count("\n") > 1 or gap.replace("\r\n", "\n").count("\r") > 1:
        return True
    if _ITEM.match(text, after) or _HEAD.match(text, after):
        return True
    if text[after].islower():
        return False
    word = text[after : after + _LOOK_BACK].split(None, 1)[0]
    return not (width and len(line) + 1 + len(word) > 0.9 * width)


def _word_before(text: str, stop: int) -> tuple[int, str]:
    piece = text[max(0, stop - _LOOK_BACK) : stop]
    parts = piece.split()
    word = parts[-1] if parts and not piece[-1].isspace() else ""
    word = _SPLIT.split(word)[-1]
    return stop - len(word), word


def _is_marker(word: str) -> bool:
    return (word.isdigit() and len(word) <= 2) or (len(word) == 1 and word.isalpha())


def _at_item_start(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return start == 0 or not before or before[-1] in "\n\r.,:;"
