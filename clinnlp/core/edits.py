"""Replacing parts of a text, and all that points into it moving along.

Edits are sorted, disjoint replacements. An offset before an edit stays, one behind it is shifted by
the lengths that were added so far, and one inside is moved outwards to the border of what was put
in: a span that cuts into an edit then covers all of it. Nothing is replaced by nothing, so that no
span becomes empty and no annotation is lost.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from clinnlp.core.errors import ArgumentError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note, Section
from clinnlp.core.spans import Span, cover, within

__all__ = ["Edit", "EditMap", "edit_note"]

_WORD = re.compile(r"\S+")


class Edit(NamedTuple):
    """What stands at a span is replaced by a text, which is not empty."""

    span: Span
    text: str


class EditMap:
    """Replacements in one text: the text that they make, and offsets there and back.

    Parameters
    ----------
    text : str
        As it was.
    edits : iterable of Edit
        In any order; no two of them share a character.

    Raises
    ------
    OffsetError
        Edits that overlap, or reach past the text.
    ArgumentError
        An edit that puts nothing in.

    Examples
    --------
    >>> edits = EditMap("Mr Lee has fever", [Edit(Span(3, 6), "Johnson")])
    >>> edits.text
    'Mr Johnson has fever'
    >>> edits.moved(Span(11, 16)), edits.back(Span(15, 20))
    (Span(start=15, end=20), Span(start=11, end=16))
    """

    __slots__ = ("_new", "_old", "text")

    def __init__(self, text: str, edits: Iterable[Edit]) -> None:
        listed = sorted(edits)
        _check(listed, len(text))
        grown = accumulate((len(put) - span.length for span, put in listed), initial=0)
        self._old = [span for span, _ in listed]
        self._new = [
            Span(span.start + by, span.start + by + len(put))
            for (span, put), by in zip(listed, grown, strict=False)
        ]
        pieces, end = [], 0
        for span, put in listed:
            pieces += [text[end : span.start], put]
            end = span.end
        self.text = "".join((*pieces, text[end:]))

    def __len__(self) -> int:
        return len(self._old)

    def __repr__(self) -> str:
        return f"EditMap({len(self)} edits)"

    @property
    def new_spans(self) -> tuple[Span, ...]:
        """Where what was put in stands in the new text, in its order."""
        return tuple(self._new)

    def moved(self, span: Span) -> Span:
        """Return where a span of the old text stands in the new one."""
        return _mapped(span, self._old, self._new)

    def back(self, span: Span) -> Span:
        """Return where a span of the new text stood in the old one."""
        return _mapped(span, self._new, self._old)


def edit_note(note: Note, edits: Iterable[Edit] | EditMap) -> Note:
    """Return a note with replacements in its text; all that points into it moves along.

    Mentions and their parts, cues, sections with their headings, sentences and tokens move; ids,
    labels, relations and attributes stay. Parts of a mention that come to lie in one replacement
    are joined. A replacement is cut into tokens at white space.

    Parameters
    ----------
    note : Note
    edits : iterable of Edit, or EditMap of the text of the note

    Raises
    ------
    OffsetError
        Edits that overlap, or reach past the text.

    Examples
    --------
    >>> note = Note(id="n1", text="Lee: fever", entities=(Entity(id="T1", span=Span(5, 10),
    ...     label="Problem"),))
    >>> made = edit_note(note, [Edit(Span(0, 3), "Johnson")])
    >>> made.text, made.mention(made.entities[0])
    ('Johnson: fever', 'fever')
    """
    made = edits if isinstance(edits, EditMap) else EditMap(note.text, edits)
    if not len(made):
        return note
    return replace(
        note,
        text=made.text,
        tokens=None if note.tokens is None else _tokens(note.tokens, made),
        sections=None
        if note.sections is None
        else tuple(_section(section, made) for section in note.sections),
        sentences=None if note.sentences is None else _in_line(note.sentences, made),
        entities=tuple(_entity(entity, made) for entity in note.entities),
    )


def _check(edits: Sequence[Edit], n_chars: int) -> None:
    for edit in edits:
        within(edit.span, n_chars)
        if not edit.text:
            raise ArgumentError("an edit must put at least one character in, got none")
    if any(a.span.end > b.span.start for a, b in zip(edits, edits[1:], strict=False)):
        raise OffsetError("edits of one text must not overlap, got two that do")


def _mapped(span: Span, there: Sequence[Span], here: Sequence[Span]) -> Span:
    first = bisect_right(there, span.start, key=lambda each: each.end)  # the first that ends behind
    last = bisect_left(there, span.end, key=lambda each: each.start) - 1  # begins before the end
    if first < len(there) and there[first].start < span.start:
        start = here[first].start
    else:
        start = span.start + _by(first - 1, there, here)
    if last >= 0 and there[last].end > span.end:
        end = here[last].end
    else:
        end = span.end + _by(last, there, here)
    return Span(start, end)


def _by(k: int, there: Sequence[Span], here: Sequence[Span]) -> int:
    """Return by how much what stands right behind edit `k` is shifted."""
    return here[k].end - there[k].end if k >= 0 else 0


def _entity(entity: Entity, edits: EditMap) -> Entity:
    parts = _joined([edits.moved(part) for part in entity.parts])
    span = cover(parts) if parts else edits.moved(entity.span)
    assertion = _assertion(entity.assertion, edits)
    if span == entity.span and parts == entity.parts and assertion is entity.assertion:
        return entity
    return replace(entity, span=span, parts=parts if len(parts) > 1 else (), assertion=assertion)


def _joined(parts: Sequence[Span]) -> tuple[Span, ...]:
    """Return parts of which those that overlap are one; those that touch stay two."""
    out: list[Span] = []
    for part in parts:
        if out and part.start < out[-1].end:
            out[-1] = cover((out[-1], part))
        else:
            out.append(part)
    return tuple(out)


def _assertion(assertion: Assertion, edits: EditMap) -> Assertion:
    if not assertion.cues:
        return assertion
    cues = {axis: edits.moved(span) for axis, span in assertion.cues.items()}
    return replace(assertion, cues=cues)


def _section(section: Section, edits: EditMap) -> Section:
    heading = None if section.heading is None else edits.moved(section.heading)
    return replace(section, span=edits.moved(section.span), heading=heading)


def _in_line(spans: Sequence[Span], edits: EditMap) -> tuple[Span, ...]:
    """Return spans moved; of two that were apart and met in an edit, the first has it."""
    out: list[Span] = []
    before: Span | None = None
    for span in spans:
        new = edits.moved(span)
        if before is not None and before.end <= span.start and out[-1].end > new.start:
            if out[-1].end >= new.end:  # all of it lies in what the first has
                continue
            new = Span(out[-1].end, new.end)
        out.append(new)
        before = span
    return tuple(out)


def _tokens(tokens: Sequence[Span], edits: EditMap) -> tuple[Span, ...]:
    """Return tokens moved; those that an edit touches become the words that stand there now."""
    out: list[Span] = []
    for span in _in_line(tokens, edits):
        if _is_touched(span, edits.new_spans):
            words = _WORD.finditer(edits.text, span.start, span.end)
            out += [Span(*word.span()) for word in words] or [span]
        else:
            out.append(span)
    return tuple(out)


def _is_touched(span: Span, edits: Sequence[Span]) -> bool:
    k = bisect_right(edits, span.start, key=lambda each: each.end)
    return k < len(edits) and edits[k].start < span.end
