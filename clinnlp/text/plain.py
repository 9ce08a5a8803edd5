r"""Text as typed, made plain before a pipe reads it: blanks, hyphens, quotes, accents, widths.

Word processors and browsers put other characters where a typist sees the same: no-break blanks,
soft hyphens, accents as characters of their own, letters of full width. Pipes read a plain copy of
such a note, and what they find comes back at the offsets of the text itself, which stays as it is.
Most notes have none of these, and are read directly.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from typing import Any, NamedTuple

from clinnlp.core.notes import Entity, Note, Relation, Section
from clinnlp.core.spans import Span

__all__ = ["PlainText", "plain_characters", "plain_text", "reads_plain"]

_SAME = str.maketrans(  # one character for one
    {
        **dict.fromkeys("\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
                        "\u202f\u205f\u3000", " "),
        **dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u2032\u02b9\u00b4\u0060\uff07", "'"),
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code != 0xFF0D},
        "\u2028": "\n", "\u2029": "\n", "\x85": "\n",
    }
)  # fmt: skip
_SEEN = re.compile(f"[{re.escape(''.join(map(chr, _SAME)))}]")
_UNSEEN = "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f"
_LIGATURES = "\ufb00-\ufb06"
_ODD = re.compile(f"[{_UNSEEN}{_LIGATURES}\u0300-\u036f]")  # in every piece
_PIECE = re.compile(rf"[{_UNSEEN}]+|[{_LIGATURES}]|[^\W\d_][\u0300-\u036f]+")


class PlainText(NamedTuple):
    """A plain copy of a text, and the way back.

    Piece i of the copy begins at `at[i]` and stands for what begins at `origin[i]` of the text;
    odd pieces stand for something else as a whole, even ones for the same characters.
    """

    text: str
    at: list[int]
    origin: list[int]

    def back(self, span: Span) -> Span:
        """Return where a range of the copy stands in the text."""
        return Span(self._back(span.start), self._back(span.end, is_end=True))

    def forth(self, span: Span) -> Span:
        """Return where a range of the text stands in the copy."""
        start = min(self._forth(span.start), len(self.text) - 1)  # of unseen characters alone
        return Span(start, max(start + 1, self._forth(span.end, is_end=True)))

    def copied(self, note: Note) -> Note:
        """Return a note of this text as one of the copy."""
        if not self.at:
            return replace(note, text=self.text)
        sections, sentences = note.sections, note.sentences
        return replace(
            note,
            text=self.text,
            entities=tuple(_moved(entity, self.forth) for entity in note.entities),
            sections=None if sections is None else tuple(_sections(sections, self.forth)),
            sentences=None if sentences is None else tuple(map(self.forth, sentences)),
        )

    def _back(self, offset: int, *, is_end: bool = False) -> int:
        if not self.at:
            return offset
        i = bisect_right(self.at, offset - is_end) - 1
        if i % 2 == 0:
            return self.origin[i] + offset - self.at[i]
        return self.origin[i + is_end]

    def _forth(self, offset: int, *, is_end: bool = False) -> int:
        if not self.at:
            return offset
        i = max(0, bisect_right(self.origin, offset - is_end) - 1)
        if i % 2 == 0:
            return self.at[i] + offset - self.origin[i]
        return self.at[i + is_end]


def plain_characters(text: str) -> str:
    """Return a text with blanks, hyphens, quotes and wide letters as typed; its length stays.

    Examples
    --------
    >>> plain_characters("doesn\\u2019t\\xa0take")
    "doesn't take"
    """
    if text.isascii() and "`" not in text:
        return text
    return text.translate(_SAME) if _SEEN.search(text) else text


def plain_text(text: str) -> PlainText | None:
    """Return a plain copy of a text, or None where it is plain already.

    Examples
    --------
    >>> plain = plain_text("Pa\\xadtient doesn\\u2019t take\\xa0ﬁbrates")
    >>> plain.text, plain.back(Span(21, 28))
    ("Patient doesn't take fibrates", Span(start=22, end=28))
    """
    seen = plain_characters(text)
    if text.isascii() or not (_ODD.search(seen) and _PIECE.search(seen)):
        return None if seen is text else PlainText(seen, [], [])
    pieces: list[str] = []
    at, origin = [0], [0]
    length = last = 0
    for match in _PIECE.finditer(seen):
        kept = seen[last : match.start()]
        made = _made(match[0])
        pieces += [kept, made]
        at += [length + len(kept), length + len(kept) + len(made)]
        origin += [match.start(), match.end()]
        length, last = at[-1], match.end()
    plain = "".join([*pieces, seen[last:]])
    return PlainText(plain, at, origin) if plain else None


def reads_plain(call: Callable[[Any, Note], Note]) -> Callable[[Any, Note], Note]:
    """Let the ``__call__`` of a pipe read a plain copy of notes that are not plain.

    It may set sections and sentences, change or add entities, and add relations that say where
    their words stand; parts of an entity are kept.
    """

    @wraps(call)
    def read(pipe: Any, note: Note, /) -> Note:
        plain = plain_text(note.text)
        if plain is None:
            return call(pipe, note)
        return _restored(note, plain, call(pipe, plain.copied(note)))

    return read


def _made(piece: str) -> str:
    """Return what stands for a piece: composed, written out, or nothing."""
    return "" if piece[0] in _UNSEEN else unicodedata.normalize("NFKC", piece)


def _restored(note: Note, plain: PlainText, done: Note) -> Note:
    """Return the note itself with what a pipe made of its copy."""
    if not plain.at:
        return replace(done, text=note.text)
    own = {entity.id: entity for entity in note.entities}
    ties = {relation.id for relation in note.relations}
    return replace(
        done,
        text=note.text,
        entities=tuple(_own(entity, own.get(entity.id), plain) for entity in done.entities),
        relations=tuple(r if r.id in ties else _told(r, plain) for r in done.relations),
        sections=None if done.sections is None else tuple(_sections(done.sections, plain.back)),
        sentences=None if done.sentences is None else tuple(map(plain.back, done.sentences)),
    )


def _told(relation: Relation, plain: PlainText) -> Relation:
    """Return a relation of the copy with the place of its words in the text."""
    start, end = (relation.attributes.get(name) for name in ("cue_start", "cue_end"))
    if not (isinstance(start, int) and isinstance(end, int)):
        return relation
    cue = plain.back(Span(start, end))
    return replace(
        relation, attributes={**relation.attributes, "cue_start": cue.start, "cue_end": cue.end}
    )


def _own(entity: Entity, own: Entity | None, plain: PlainText) -> Entity:
    """Return an entity at its place in the text, exactly its own where it came with the note."""
    moved = _moved(entity, plain.back)
    return moved if own is None else replace(moved, span=own.span, parts=own.parts)


def _moved(entity: Entity, move: Callable[[Span], Span]) -> Entity:
    said = entity.assertion
    if said.cues:
        said = replace(said, cues={axis: move(cue) for axis, cue in said.cues.items()})
    return replace(
        entity, span=move(entity.span), parts=tuple(map(move, entity.parts)), assertion=said
    )


def _sections(sections: tuple[Section, ...], move: Callable[[Span], Span]) -> Iterator[Section]:
    for section in sections:
        heading = None if section.heading is None else move(section.heading)
        yield replace(section, span=move(section.span), heading=heading)
