"""Sections: the parts of a note under their headings, with canonical kinds from a table.

A heading is looked for at the start of a line, after a comma that stands for a lost line end
(``...worse.,MEDICATIONS: , Her only``), and after a full stop. The words up to a colon or the
line's end are looked up in a table of headings. A known heading counts

- with a colon, beginning with a capital, at the start of a line, after such a comma or a stop;
- with a colon, in capitals, after any comma;
- without a colon, with capitals on its words, where it is alone on its line.

An unknown heading in capitals with a colon at the start of a line also ends the section before
it; its kind is ``other``. Subheadings (``HEENT``) take the kind of the section around them where
the table says so: the same word stands in examinations and in reviews of systems.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import Note, Section
from clinnlp.core.spans import Span
from clinnlp.core.vocab import fold
from clinnlp.text.tables import language_path, read_table

__all__ = ["Sections"]

OTHER = "other"
N_SHORT = 3  # an unknown heading in capitals needs more letters than this

_CANDIDATE = re.compile(  # begins with one set of characters (fast) and is possessive (linear)
    r"(?P<left>[,.!?;\n\r](?:(?<=,)\s*+|(?<=[.!?;])\s++|(?<=[\n\r])[ \t]*+(?=\S)))"
    r"(?P<number>(?:\d{1,2}|[IVX]{1,4})[.)][ \t]*)?"
    r"(?P<head>[^\W\d_][^\s:,.;!?]*+(?:[ \t]{1,2}[^\s:,.;!?]++){0,9}+)"
    r"(?P<right>[ \t]*+:|(?=[ \t]*+(?:[\n\r,]|\Z)))"
)
_BLANKS = re.compile(r"[ \t]*+")


class _HeadingRow(NamedTuple):
    kind: str
    within: frozenset[str]


class _Heading(NamedTuple):
    start: int
    end: int
    kind: str
    within: frozenset[str]


class Sections:
    r"""Pipe that sets the sections of a note.

    A section runs from its heading to the next one; text before the first heading has none.
    Its `heading` includes the colon.

    Parameters
    ----------
    table : path, optional
        TSV with columns ``heading``, ``kind`` and ``within``: kinds of sections (separated by
        blanks) inside which this heading is a subheading and takes their kind. A row with an
        empty kind is a heading only there. In place of the language's own.
    language : str
        Whose table: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> note = Sections()(Note(id="n", text="FAMILY HISTORY: Gout.\nMEDICATIONS\nAspirin"))
    >>> [(s.kind, note[s.heading]) for s in note.sections]
    [('family_history', 'FAMILY HISTORY:'), ('medications', 'MEDICATIONS')]
    """

    def __init__(self, table: str | Path | None = None, *, language: str = "en") -> None:
        path = table or language_path("headings", language)
        self._rows = {
            fold(heading): _HeadingRow(kind, frozenset(within.split()))
            for _, (heading, kind, within) in read_table(path, ("heading", "kind", "within"))
        }

    def __call__(self, note: Note, /) -> Note:
        """Return the note with its sections set anew."""
        found = [h._replace(start=h.start - 1, end=h.end - 1) for h in self._headings(note.text)]
        return note.with_(sections=tuple(_sections(note.text, found)))

    def _headings(self, text: str) -> Iterator[_Heading]:
        """Yield the headings of a text, one character to the right of where they stand."""
        text = "\n" + text  # so that the first line begins like all others
        for match in _CANDIDATE.finditer(text):
            raw = match["head"]
            start = match.start("head")
            row = self._rows.get(fold(raw))
            colon = bool(match["right"])
            at_line = _at_line_start(text, match)
            if row is None:
                if colon and at_line and raw.isupper() and _n_letters(raw) > N_SHORT:
                    yield _Heading(start, match.end("right"), OTHER, frozenset())
            elif raw[0].isupper() and _is_heading(text, match, raw, at_line=at_line):
                end = match.end("right") if colon else start + len(raw)
                yield _Heading(start, end, row.kind, row.within)


def _is_heading(text: str, match: re.Match[str], raw: str, *, at_line: bool) -> bool:
    """Return whether a known heading's place and letters make it one."""
    if match["right"]:
        after_stop = match["left"][0] in ".!?;" and len(raw) > 1
        return at_line or after_stop or raw.isupper()
    if not at_line:
        return False
    following = _following(text, match)
    return (following == "," and raw.isupper()) or (
        following in ("", "\n", "\r") and _is_titled(raw)
    )


def _at_line_start(text: str, match: re.Match[str]) -> bool:
    """Return whether the candidate begins a line, or follows a comma that stands for its end."""
    left, start = match["left"], match.start()
    if "\n" in left or "\r" in left:
        return True
    if left[0] != ",":
        return False
    return left == "," or text[start - 1] in ".:;!?)" or bool(match["number"])


def _following(text: str, match: re.Match[str]) -> str:
    """Return the first character after a candidate that is not a blank, "" at the end."""
    blanks = _BLANKS.match(text, match.end())
    end = blanks.end() if blanks else match.end()
    return text[end : end + 1]


def _is_titled(raw: str) -> bool:
    words = [word for word in re.split(r"[\s/-]+", raw) if len(word) > 3]
    return raw.isupper() or (bool(words) and all(word[0].isupper() for word in words))


def _n_letters(raw: str) -> int:
    return sum(char.isalpha() for char in raw)


def _sections(text: str, found: list[_Heading]) -> Iterator[Section]:
    """Yield the sections between headings, subheadings in the kind of their main section."""
    kept: list[_Heading] = []
    main = ""
    for heading in found:
        if main in heading.within:
            kept.append(heading._replace(kind=main))
        elif heading.kind:
            main = heading.kind
            kept.append(heading)
    ends = [heading.start for heading in kept[1:]] + [len(text)] * bool(kept)
    for heading, end in zip(kept, ends, strict=True):
        body = text[heading.start : end].rstrip(" \t\r\n\v\f,")
        yield Section(
            span=Span(heading.start, max(heading.start + len(body), heading.end)),
            kind=heading.kind,
            heading=Span(heading.start, heading.end),
        )
