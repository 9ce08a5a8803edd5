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
from collections.abc import Iterator, Set
from pathlib import Path

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.text.plain import reads_plain
from clinnlp.text.tables import language_path, read_table

__all__ = ["Sentences"]

MIN_WIDTH = 50  # characters; where no line of a note is longer, its lines are not wrapped ones
MAX_WIDTH = 140  # characters; where some line is longer, the note is not wrapped at all
SHORT = 0.6  # of that width: a line so short ends where it ends, unless its words go on
_LOOK_BACK = 24  # characters in which the word before a stop is sought

_PLACE = re.compile(  # begins with one set of characters (fast) and is possessive (linear)
    r"[.!?\n\r,\[*](?:"
    r"(?<=[.!?])(?<![.!?]{2})[.!?]*+[\"')\]”’]*+(?=(?P<stop>[\s,]++|(?=\Z|[A-ZÀ-Þ][a-zß-ÿ])))"
    r"|(?<=[\n\r])(?P<line>\s*+)"
    r"|(?<=,)(?P<comma>(?<=[.:!?;],)(?=\s*\S)|(?=\d{1,2}\.\s))"
    r"|(?<=\[)\*\*[^\[\]\n]{0,200}\*\*\]"
    r"|(?<=\*)\*[A-Z]+\[[^\[\]\n]{0,200}\])"
)
_ITEM = re.compile(
    r"(?:[-*•·–+>]|\(?\d{1,2}[.)]|\(?[A-Za-z][.)]|[ivx]{1,4}[.)])\s|[-•·*#☐☒☑]\S|\[[ xX]?\]"
)
_NUMBERED = re.compile(r"\d(?=\d?[.)]\s)(?<![^\s:;,(]\d)\d?[.)]\s+(?=[^\W\d_])")
_FIRST, _SECOND = (re.compile(rf"{n}(?<![^\s:;,(]{n})[.)]\s+(?=[^\W\d_])") for n in "12")
_LINE_END = re.compile(r"[\n\r]")
_HEAD = re.compile(r"[^\W\d_][\w /&'()-]{1,50}:")
_SPLIT = re.compile(r"[(\[,;:/\"]")
_WORD = re.compile(r"[^\W\d_]+")
_MARKER = re.compile(r"\d{1,2}|[^\W\d_]|[ivx]{2,4}")
_LONGEST_MARKER = 4  # characters
_HOURS = re.compile(r"q?\.?\d+(?:-\d+)?h", re.IGNORECASE)  # "q3-4h. p.o."
_INSIDE = re.compile(r"(?<!\d)\.|\.(?!\d)")  # a stop that is no decimal one
_NONE: Set[str] = frozenset()
_BLANKS = " \t\r\n\v\f,"


class Sentences:
    r"""Pipe that sets the sentences of a note.

    Every character other than blanks and separating commas lies in exactly one sentence.

    Parameters
    ----------
    abbreviations : path, optional
        TSV with columns ``abbreviation`` (with its stops) and ``kind``: ``never`` before the end
        of a sentence; none before a ``digit``; none before a digit or a ``small`` letter. Words
        that begin sentences (``starter``) or come before a letter (``lettered``) tell "vitamin D.
        He" from "D. Hill"; ``joining`` words go on over a line end, ``open`` ones before it alone.
        In place of the language's own.
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
        self._kinds: dict[str, set[str]] = {}  # of words without their last stop
        for _, (word, kind) in read_table(path, ("abbreviation", "kind")):
            self._kinds.setdefault(word.rstrip(".").casefold(), set()).add(kind)

    @reads_plain
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
        items = _numbered(text)
        yield from items
        line_start = begun = 0
        for place in _PLACE.finditer(text):
            kind = place.lastgroup
            start, end = place.span()
            if kind == "stop":
                ends = self._ends(text, start, end, place.end("stop"), items)
            elif kind == "comma":
                ends = text[start - 1] != "." or self._ends_word(text, start - 1, end)
            else:
                ends = kind == "line" and self._line_ends(text, line_start, begun, place, width)
            if ends:
                yield end
                begun = end
            if kind == "line":
                line_start = end

    def _ends(self, text: str, start: int, end: int, after: int, items: Set[int]) -> bool:
        """Return whether the stop marks of a range end a sentence that `after` would follow."""
        if after >= len(text):
            return True
        if text[start] != ".":
            return start > 0 and not text[start - 1].isspace()
        if end - start > 1 and text[end - 1] == ".":  # "so ... and so"
            return after > end and not text[after].islower()
        return self._ends_word(text, start, after, items)

    def _ends_word(self, text: str, stop: int, after: int, items: Set[int] = frozenset()) -> bool:
        """Return whether the full stop at `stop` ends a sentence that `after` would follow."""
        word_start, word = _word_before(text, stop)
        head = text[after] if after < len(text) else "A"
        if word_start in items or self._is_abbreviation(word, head, text, after):
            return False
        if after == stop + 1:  # "fever.Denies", but not "e.Coli"
            return len(word) > 2 and word.isalpha() and word[1:].islower()
        if self._marks_item(text, word_start, word):
            return False
        return not _is_initial(text, word_start, word, head) or self._ends_letter(
            text, word_start, after
        )

    def _is_abbreviation(self, word: str, head: str, text: str, after: int) -> bool:
        """Return whether a word with a stop goes on before a character."""
        kinds = self._kinds.get(word.casefold(), _NONE)
        if not kinds and word.isalpha():
            return False
        if "never" in kinds or (head.isdigit() and not kinds.isdisjoint(("digit", "small"))):
            return True
        if not ("small" in kinds or _INSIDE.search(word) or _HOURS.fullmatch(word)):
            return False
        return head.islower() or (head.isupper() and self._is_capital(text, after))

    def _is_capital(self, text: str, start: int) -> bool:
        """Return whether a word is in capitals that tell of no beginning: "25 MG P.O. BID"."""
        if text[max(0, start - _LOOK_BACK) : start + _LOOK_BACK].isupper():
            return True
        word = text[start : start + _LOOK_BACK].split(maxsplit=1)[0]
        return len(word) > 2 and word.isupper() and not self._is(word, "starter")

    def _is(self, word: str, *kinds: str) -> bool:
        return not self._kinds.get(word.casefold(), set()).isdisjoint(kinds)

    def _ends_letter(self, text: str, start: int, after: int) -> bool:
        """Return whether a single letter is the end of "hepatitis C" rather than an initial."""
        following = _WORD.match(text, after)
        word = following[0] if following else ""
        if word[:1].islower() and self._is(word, "joining"):
            return False
        before = text[max(0, start - _LOOK_BACK) : start].split()[-1:]
        return self._is(word, "starter") or any(self._is(one, "lettered") for one in before)

    def _marks_item(self, text: str, start: int, word: str) -> bool:
        """Return whether a number or letter stands where list items begin."""
        if len(word) > _LONGEST_MARKER or not _MARKER.fullmatch(word):
            return False
        before = text[max(0, start - _LOOK_BACK) : start].rstrip(" \t")
        if start == 0 or not before or before[-1] in "\n\r,:;":
            return True
        _, last = _word_before(before, len(before) - 1)
        return before[-1] == "." and not self._is(last, "never", "digit", "small")  # "tab. 4."

    def _line_ends(
        self, text: str, line_start: int, begun: int, place: re.Match[str], width: int
    ) -> bool:
        """Return whether a line end is the end of a sentence rather than a wrapped line's."""
        line = text[line_start : place.start()].rstrip()
        after = place.end()
        if after >= len(text) or not line or line[-1] == ":" or _is_empty_line(place.group()):
            return True
        if _ITEM.match(text, after) or _HEAD.match(text, after):
            return True
        word = text[after : after + _LOOK_BACK].split(None, 1)[0]
        filled = len(line) + 1 + len(word)
        since, end = max(begun, line_start), place.start()
        if text[after].islower() and self._goes_on(
            text, begun, since, end, word, is_short=filled < SHORT * (width or MIN_WIDTH)
        ):
            return False
        return not (width and filled > 0.9 * width)

    def _goes_on(
        self, text: str, begun: int, since: int, end: int, word: str, *, is_short: bool
    ) -> bool:
        """Return whether what a line ends with goes on with the next line's first, small word.

        The sentence has `begun` before, its last line holds what there is of it `since`.
        """
        last = text[since:end].rsplit(None, 1)[-1:]
        first = _WORD.search(text, begun, end)
        return (
            not last
            or last[0][-1] in ",.;(/&-"
            or first is None
            # else typed in small letters, or a list: lines end where they end
            or (first[0][0].isupper() and not is_short)
            or self._is(last[0], "joining", "open")
            or self._is(word, "joining")
        )


def _numbered(text: str) -> frozenset[int]:
    """Return where the items of lists begin that are numbered from 1 within one line."""
    first = _FIRST.search(text)
    if first is None or _SECOND.search(text, first.end()) is None:
        return frozenset()
    found: list[int] = []
    run: list[int] = []
    end = first.start()
    for match in _NUMBERED.finditer(text, end):
        number = int(match[0].rstrip()[:-1])
        is_apart = run and _LINE_END.search(text, end, match.start())
        end = match.end()
        if number == len(run) + 1 and not is_apart:
            run.append(match.start())
            continue
        found += run[1:] and run
        run = [match.start()] if number == 1 else []
    return frozenset(found + (run[1:] and run))


def _is_initial(text: str, start: int, word: str, head: str) -> bool:
    """Return whether a word may be an initial, by the character that follows."""
    if len(word) != 1 or not word.isalpha() or text[start - 1 : start] == "/":
        return False
    return head.islower() or (word + head).isupper()


def _is_empty_line(gap: str) -> bool:
    return gap.count("\n") > 1 or gap.replace("\r\n", "\n").count("\r") > 1


def _trimmed(text: str, breaks: list[int]) -> Iterator[Span]:
    start = 0
    for end in (*breaks, len(text)):
        body = text[start:end].strip(_BLANKS).strip()
        if body:
            first = text.index(body, start)
            yield Span(first, first + len(body))
        start = end


def _wrap_width(text: str) -> int:
    """Return at how many characters the lines of a text are wrapped, 0 where they are not."""
    longest = max((len(line) for line in text.splitlines()), default=0)
    return longest if MIN_WIDTH <= longest <= MAX_WIDTH else 0


def _word_before(text: str, stop: int) -> tuple[int, str]:
    piece = text[stop - _LOOK_BACK if stop > _LOOK_BACK else 0 : stop]
    word = piece.rsplit(None, 1)[-1] if piece and not piece[-1].isspace() else ""
    if not word.isalpha():
        word = _SPLIT.split(word)[-1]
    return stop - len(word), word
