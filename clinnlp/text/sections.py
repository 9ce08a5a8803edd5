"""Sections: the parts of a note under their headings, with canonical kinds from a table.

A heading is looked for at the start of a line, after a comma that stands for a lost line end
(``...worse.,MEDICATIONS: , Her only``), and after a full stop. The words up to a colon or the
line's end are looked up in a table of headings. A known heading counts

- with a colon, at the start of a line, after such a comma or a stop;
- with a colon, in capitals, after any comma; with a capital, behind another heading of its line;
- before a dash with blanks, beginning with a capital, at the start of a line;
- without a mark, alone on its line, with capitals on its words; in small letters only where the
  line before it is empty or ends in a mark, or where it has two words or more.

Signs of Markdown and HTML around a heading, and words in brackets behind it ("(home)"), are passed
over.

An unknown heading in capitals with a colon at the start of a line also ends the section before
it; its kind is ``other``. Directly under a heading of allergies that is alone on its line, such
lines are its rows ("PENICILLIN: hives"), up to a line that is none. Subheadings (``HEENT``) take
the kind of the section around them where the table says so: the same word stands in examinations
and in reviews of systems.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import Note, Section
from clinnlp.core.spans import Span
from clinnlp.core.vocab import fold
from clinnlp.text.plain import reads_plain
from clinnlp.text.tables import language_path, read_table

__all__ = ["Sections"]

OTHER = "other"
_LISTED = "allergies"  # its rows look like headings
_LONGEST_ROW = 80
_LOOK_BACK = 16  # characters in which the end of the line before is sought
N_SHORT = 3  # an unknown heading in capitals needs more letters than this

_B = r"[ \t]"  # a blank inside a line
_SIGN = r"(?:[*_#>=~|]{1,6}|</?[a-zA-Z][^<>\n]{0,40}>)"  # of Markdown, of HTML
_REST = r"(?:(?<!<)[*_#>=~|]{0,5}|(?<=<)/?[a-zA-Z][^<>\n]{0,40}>)"  # of one behind its first sign
_CANDIDATE = re.compile(  # begins with one set of characters (fast) and is possessive (linear)
    rf"(?P<left>[,.!?;\n\r](?:(?<=,)\s*+|(?<=[.!?;])\s++|(?<=[\n\r]){_B}*+(?=\S)))"
    rf"(?:[*_#>=~|<](?:{_REST}{_B}*)(?:{_SIGN}{_B}*){{0,3}}(?P<sign>)|)"
    rf"(?:[\dIVX](?:(?<=\d)\d?|(?<=[IVX])[IVX]{{0,3}})[.)]{_B}*(?P<number>)|)"
    rf"(?P<head>[^\W\d_][^\s:,.;!?]*+(?:{_B}{{1,2}}[^\s:,.;!?]++){{0,9}}+)"
    rf"(?P<right>{_B}*+:|(?={_B}*+(?:[\n\r,]|\Z)))"
)
_DASHES = (" - ", " – ", " — ")
_LONGEST = 60  # characters of a heading before a dash
_FURTHER = re.compile(rf"[ \t|]([A-Z][^\s:,.;!?]*+(?:{_B}[^\s:,.;!?]++){{0,4}}){_B}*:")
_SIGNS = re.compile(r"[*_#~=|]+|<[^<>]*>|\([^()]*\)| [-–—]+\Z")
_LINE = re.compile(r"[^\n\r]{0,200}")
_WORD = re.compile(r"[^\W\d_]\S*")
_BLANKS = re.compile(rf"{_B}*+")
_AMOUNT = re.compile(r"(?<!\w)\d[\d.,/]*\s?[A-Z%]{1,3}\Z")  # "ENALAPRIL 20 MG: one daily"


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

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with its sections set anew."""
        text = "\n" + note.text  # so that the first line begins like all others
        return note.with_(sections=tuple(_sections(text, self._headings(text))))

    def _headings(self, text: str) -> list[_Heading]:
        """Return the headings of a text."""
        found = sorted([*self._marked(text), *self._dashed(text)])
        return sorted([*found, *self._further(text, found)])

    def _marked(self, text: str) -> Iterator[_Heading]:
        """Yield the headings with a colon, and those alone on their line."""
        for match in _CANDIDATE.finditer(text):
            colon = match["right"]
            at_line = _at_line_start(text, match)
            if not (colon or at_line):
                continue
            raw = match["head"]
            start = match.start("head")
            row = self._row(raw)
            if row is None:
                if colon and at_line and _is_capital(raw):
                    yield _Heading(start, match.end("right"), OTHER, frozenset())
            elif _is_heading(text, match, raw, at_line=at_line):
                end = match.end("right") if colon else start + len(raw)
                yield _Heading(start, end, row.kind, row.within)

    def _dashed(self, text: str) -> Iterator[_Heading]:
        """Yield the headings with a capital before a dash at the start of a line."""
        for dash in _DASHES:
            at = text.find(dash)
            while at >= 0:
                start = 1 + max(text.rfind(end, max(0, at - _LONGEST), at) for end in "\n\r")
                raw = text[start:at].strip() if start else ""
                row = self._row(raw) if raw[:1].isupper() else None
                if row is not None and row.kind:
                    yield _Heading(text.index(raw, start), at + 2, row.kind, row.within)
                at = text.find(dash, at + 1)

    def _further(self, text: str, found: Sequence[_Heading]) -> Iterator[_Heading]:
        """Yield the headings behind another one of their line ("PMH: gout FH: gout")."""
        starts = [*(heading.start for heading in found), len(text)][1:]
        for heading, limit in zip(found, starts, strict=True):
            end = heading.end
            if text[end - 1] in ":-–—" and text.find(":", end, limit) >= 0:
                line = _LINE.match(text, end, limit)
                for match in _FURTHER.finditer(text, end, line.end() if line else end):
                    if further := self._last_words(match):
                        yield further

    def _last_words(self, match: re.Match[str]) -> _Heading | None:
        """Return the longest heading that the words before a colon end with."""
        for word in _WORD.finditer(match[1]):
            row = self._row(match[1][word.start() :])
            if row is not None:
                is_one = row.kind and word[0][0].isupper()
                start = match.start(1) + word.start()
                return _Heading(start, match.end(), row.kind, row.within) if is_one else None
        return None

    def _row(self, raw: str) -> _HeadingRow | None:
        """Return the row of a heading, signs of markup and words in brackets passed over."""
        row = self._rows.get(fold(raw))
        if row is None and _SIGNS.search(raw):
            row = self._rows.get(fold(_SIGNS.sub(" ", raw)))
        return row


def _is_heading(text: str, match: re.Match[str], raw: str, *, at_line: bool) -> bool:
    """Return whether a known heading's place and letters make it one."""
    if match["right"]:
        after_stop = match["left"][0] in ".!?;" and len(raw) > 1
        return at_line or after_stop or raw.isupper()
    if not at_line:
        return False
    following = _following(text, match)
    if following == ",":
        return raw.isupper()
    return following in ("", "\n", "\r") and (_is_titled(raw) or _is_set_off(text, match, raw))


def _at_line_start(text: str, match: re.Match[str]) -> bool:
    """Return whether the candidate begins a line, or follows a comma that stands for its end."""
    left, start = match["left"], match.start()
    if "\n" in left or "\r" in left:
        return True
    if left[0] != ",":
        return False
    return left == "," or text[start - 1] in ".:;!?)" or match["number"] is not None


def _following(text: str, match: re.Match[str]) -> str:
    """Return the first character after a candidate that is not a blank, "" at the end."""
    blanks = _BLANKS.match(text, match.end())
    end = blanks.end() if blanks else match.end()
    return text[end : end + 1]


def _is_set_off(text: str, match: re.Match[str], raw: str) -> bool:
    """Return whether what stands around a heading in small letters tells it from a wrapped word."""
    before = text[max(0, match.start() - _LOOK_BACK) : match.start("head")].rstrip(" \t\r")
    before = before.removesuffix("\n").rstrip(" \t\r")
    return match["sign"] is not None or before[-1:] in ("", *"\n.:;!?)") or len(raw.split()) > 1


def _is_titled(raw: str) -> bool:
    words = [word for word in re.split(r"[\s/-]+", raw) if len(word) > 3]
    return raw.isupper() or (bool(words) and all(word[0].isupper() for word in words))


def _is_capital(raw: str) -> bool:
    """Return whether unknown words are a heading by their capitals."""
    n_letters = sum(char.isalpha() for char in raw)
    return raw.isupper() and n_letters > N_SHORT and _AMOUNT.search(raw) is None


def _is_row(gap: str, *, in_rows: bool) -> bool:
    """Return whether a line stands directly under a heading alone on its line, or under a row."""
    is_next = len(gap.splitlines()) == 2 - gap.endswith(("\n", "\r")) and len(gap) <= _LONGEST_ROW
    return is_next and (in_rows or not gap.strip())


def _sections(text: str, found: list[_Heading]) -> Iterator[Section]:
    """Yield the sections between headings, subheadings in the kind of their main section.

    `text` has one character more at its start than the note.
    """
    kept: list[_Heading] = []
    main, above, in_rows = "", 0, False
    for heading in found:
        gap, above = text[above : heading.start], heading.end
        is_listed = heading.kind == OTHER and main == _LISTED
        in_rows = is_listed and _is_row(gap, in_rows=in_rows)
        if in_rows:
            continue
        if main in heading.within:
            kept.append(heading._replace(kind=main))
        elif heading.kind:
            main = heading.kind
            kept.append(heading)
    ends = [heading.start for heading in kept[1:]] + [len(text)] * bool(kept)
    for heading, end in zip(kept, ends, strict=True):
        body = text[heading.start : end].rstrip(" \t\r\n\v\f,")
        yield Section(
            span=Span(heading.start - 1, max(heading.start + len(body), heading.end) - 1),
            kind=heading.kind,
            heading=Span(heading.start - 1, heading.end - 1),
        )
