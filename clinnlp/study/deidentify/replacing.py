"""One note: what was found in it is replaced, its ids and times too, all else moves along.

What was found is kept as offsets (`Found`), never as text. A name or number that was found is
replaced wherever it stands in its note; mentions, sections and relations keep their ids, and words
of their attributes that hold an identifier get its surrogate.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from clinnlp.core.edits import Edit, EditMap, edit_note
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span, contains, cover, overlaps
from clinnlp.study.deidentify.dates import NOW, day_first_in
from clinnlp.study.deidentify.offsets import Offsets, moved
from clinnlp.study.deidentify.surrogates import Person, Surrogates, kind_of, may_stay
from clinnlp.study.settings import DeidentifySettings

__all__ = ["Found", "Replaced", "Replacing", "found_in", "person_of"]

_MASK = re.compile(r"\[[A-Z][A-Z0-9_]*\]")
_REPEATED = ("person", "institution", "street", "shape", "email", "url", "address", "mask")
_FEWEST = 4  # letters and digits of what is replaced wherever it stands
_SHORTEST = 3  # of what is looked for in attributes


class Found(NamedTuple):
    """An identifier in a note: where, what, and which rule, list or model says so."""

    start: int
    end: int
    label: str
    finder: str = ""
    doubt: float = 0.0


class Replaced(NamedTuple):
    """A note without its identifiers, and what was done."""

    note: Note
    found: tuple[tuple[Span, Found], ...]  # where in the new text each surrogate stands
    n_masked_dates: int


def found_in(note: Note, before: Note, given: Iterable[str] = ()) -> list[Found]:
    """Return what a finder has added to a note, and its mentions with a label of `given`.

    Parameters
    ----------
    note : Note
        As the finder leaves it.
    before : Note
        As the finder got it.
    given : iterable of str
        Labels of mentions of the input that are identifiers.

    Examples
    --------
    >>> before = Note(id="n", text="Mr Lee")
    >>> name = Entity(id="ID1", span=Span(3, 6), label="NAME", source="identifiers")
    >>> found_in(before.with_(entities=(name,)), before)
    [Found(start=3, end=6, label='NAME', finder='identifiers', doubt=0.0)]
    """
    labels = set(given)
    had = {id(entity) for entity in before.entities}
    same = {(e.id, e.span, e.label, e.source) for e in before.entities}
    out = []
    for entity in note.entities:
        is_new = id(entity) not in had and (
            (entity.id, entity.span, entity.label, entity.source) not in same
        )
        if is_new or entity.label in labels:
            out += [Found(*piece, entity.label, *_by(entity)) for piece in entity.pieces]
    return out


def _by(entity: Entity) -> tuple[str, float]:
    """Return what has found a mention, and its doubt."""
    doubt = entity.attributes.get("doubt")
    finder = entity.attributes.get("finder") or entity.source or "given"
    return str(finder), float(doubt) if isinstance(doubt, int | float) else 0.0


def person_of(note: Note) -> str:
    """Return whom a note is about: its patient, or where none is named, one of its own."""
    return f"note {note.id}" if note.patient is None else note.patient


class Replacing:
    """Replaces what was found in notes of one collection.

    Parameters
    ----------
    surrogates : Surrogates
    offsets : Offsets
    settings : DeidentifySettings
    """

    def __init__(
        self, surrogates: Surrogates, offsets: Offsets, settings: DeidentifySettings
    ) -> None:
        self._surrogates, self._offsets, self._settings = surrogates, offsets, settings

    def __call__(self, note: Note, found: Sequence[Found]) -> Replaced:
        """Return the note with surrogates, ids of the collection and times that are moved."""
        # what may stay goes first: it must not cover what may not
        found = [f for f in found if not may_stay(f.label, note.text[f.start : f.end])]
        whole = _without_masks(note.text, _united([*found, *_again(note.text, found)]))
        person = self._person(note, whole)
        puts = [
            (one, self._surrogates.of(one.label, note.text[one.start : one.end], person))
            for one in whole
        ]
        edits = [
            Edit(Span(one.start, one.end), put)
            for one, put in puts
            if put != note.text[one.start : one.end]
        ]
        made = EditMap(note.text, edits)
        words = _Words({note[edit.span]: edit.text for edit in edits})
        return Replaced(
            self._described(edit_note(note, made), words),
            tuple((made.moved(Span(one.start, one.end)), one) for one in whole),
            sum(kind_of(o.label) == "date" and put == f"[{o.label}]" for o, put in puts),
        )

    def time(self, time: datetime | None, person: str) -> datetime | None:
        """Return a time of a person as it is told: moved, its year alone, or not at all."""
        how = self._settings.dates
        if how == "shift":
            return moved(time, self._offsets(person))
        if how == "mask" or time is None:
            return None
        return time.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)

    def _person(self, note: Note, found: Sequence[Found]) -> Person:
        who = person_of(note)
        dates = [note.text[f.start : f.end] for f in found if kind_of(f.label) == "date"]
        near = None if note.time is None else note.time.date()
        ages_at = None
        if near is None:
            near = self._surrogates.latest(dates)
            is_over_89 = any(kind_of(f.label) == "age" for f in found)
            ages_at = NOW if is_over_89 else None  # no year is trusted that makes someone younger
        return Person(
            scope=who if self._settings.scope == "patient" else "",
            days=self._offsets(who),
            near=near,
            day_first=day_first_in(dates),
            ages_at=ages_at,
        )

    def _described(self, note: Note, words: "_Words") -> Note:
        who, ids = person_of(note), self._surrogates.ids
        return replace(
            note,
            id=ids(note.id),
            patient=None if note.patient is None else ids(note.patient),
            encounter=None if note.encounter is None else ids(note.encounter),
            time=self.time(note.time, who),
            known=self.time(note.known, who),
            kind=None if note.kind is None else words.put(note.kind),
            labels=tuple(map(words.put, note.labels)),
            entities=tuple(map(words.entity, note.entities)),
            relations=tuple(map(words.relation, note.relations)),
        )


class _Words:
    """Puts surrogates into what is said of a note beside its text."""

    def __init__(self, made: dict[str, str]) -> None:
        self._made = {was: put for was, put in made.items() if len(was) >= _SHORTEST}

    @cached_property
    def _any(self) -> re.Pattern[str]:
        listed = sorted(map(re.escape, self._made), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)")

    def put(self, text: str) -> str:
        return self._any.sub(lambda m: self._made[m[0]], text) if self._made else text

    def entity(self, entity: Entity) -> Entity:
        changed = self._attributes(entity.attributes)
        return entity if changed is None else replace(entity, attributes=changed)

    def relation(self, relation: Relation) -> Relation:
        changed = self._attributes(relation.attributes)
        return relation if changed is None else replace(relation, attributes=changed)

    def _attributes(self, attributes: Any) -> dict[str, Any] | None:
        if not any(isinstance(value, str) for value in attributes.values()):
            return None
        put = {k: self.put(v) if isinstance(v, str) else v for k, v in attributes.items()}
        return None if put == dict(attributes) else put


def _united(found: Iterable[Found]) -> list[Found]:
    """Return disjoint finds in text order; of those that overlap the longest says the label."""
    out: list[Found] = []
    best: list[int] = []  # characters of the find that says the label
    for one in sorted(found):
        n = one.end - one.start
        if out and one.start < out[-1].end:
            last = out[-1]
            says = one if n > best[-1] else last
            out[-1] = says._replace(start=last.start, end=max(last.end, one.end))
            best[-1] = max(n, best[-1])
        else:
            out.append(one)
            best.append(n)
    return out


def _again(text: str, found: Sequence[Found]) -> list[Found]:
    """Return where else in a text stands what was found in it."""
    known = {
        text[one.start : one.end]: one for one in reversed(found) if kind_of(one.label) in _REPEATED
    }
    known = {word: one for word, one in known.items() if sum(c.isalnum() for c in word) >= _FEWEST}
    taken = {(one.start, one.end) for one in found}
    return [
        one._replace(start=at, end=at + len(word), finder="again")
        for word, one in known.items()
        for at in _whole_words(text, word)
        if (at, at + len(word)) not in taken
    ]


def _whole_words(text: str, word: str) -> Iterator[int]:
    """Yield where a word or words stand in a text on their own; a pattern is not worth making."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (text[max(0, at - 1) : at].isalnum() or text[end : end + 1].isalnum()):
            yield at
        at = text.find(word, end)


def _without_masks(text: str, found: Sequence[Found]) -> list[Found]:
    """Return finds that are not inside a mask of an earlier run; one that cuts a mask covers it."""
    masks = [Span(*m.span()) for m in _MASK.finditer(text)]
    if not masks:
        return list(found)
    out = []
    for one in found:
        span = Span(one.start, one.end)
        met = [mask for mask in masks if overlaps(mask, span)]
        if not any(contains(mask, span) for mask in met):
            wide = cover([span, *met])
            out.append(one._replace(start=wide.start, end=wide.end))
    return _united(out)
