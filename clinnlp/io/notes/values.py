r"""What every format may put into a note: sound text, finite numbers, times that UTC has.

A reader of one format checks its own form. What could come in through any of them is checked here,
once, where a note leaves its file or goes into one. A NUL is in no text, but in each that is read
by a wrong encoding, and ends a name for some programs; half a surrogate pair can be written to no
file. An infinite score is above every other. A time before the year 1 in UTC has no place among
others.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.times import naive_utc

__all__ = ["WITHOUT_TEXT", "check_values", "is_no_text"]

_WRONG = re.compile("[\0\ud800-\udfff]")
# what programs write where there was no text
_NO_TEXT = frozenset({"", "nan", "NaN", "NAN", "None", "NULL", "null", "<NA>", "NaT"})
WITHOUT_TEXT = (
    "each note must have a text, got an empty or missing one; leave such rows out "
    "(skip_bad, --skip-bad)"
)
_PLAIN = (bool, int, type(None))


def check_values(note: Note) -> Note:
    r"""Return a note whose values are sound.

    Raises
    ------
    DataError
        Text, an id, a label or another name is no text, or holds a NUL or a lone surrogate; a
        number is not finite; a time with a zone lies outside the years 1 to 9999 in UTC.

    Examples
    --------
    >>> check_values(Note(id="n1", text="No cough."))
    Note(id='n1', n_chars=9, n_entities=0, n_relations=0)
    >>> check_values(Note(id="n1", text="No cough.", kind="a\0b"))
    Traceback (most recent call last):
    clinnlp.core.errors.DataError: note 'n1': a name must hold no NUL or lone surrogate, got one
    """
    for time in (note.time, note.known):
        if time is not None and time.tzinfo is not None:
            naive_utc(time)
    fault = _fault(note)
    if fault:
        raise DataError(fault, note=note.id if isinstance(note.id, str) else None)
    return note


def is_no_text(text: str | None) -> bool:
    """Return whether a cell of a table holds no text of a note.

    Examples
    --------
    >>> is_no_text(None), is_no_text(" "), is_no_text("nan"), is_no_text("None of these.")
    (True, True, True, False)
    """
    return text is None or text.strip() in _NO_TEXT


def _fault(note: Note) -> str:
    try:
        names = "".join(_names(note))
    except TypeError:
        return "ids, labels and other names must be text, got another type"
    except ValueError:
        return "numbers in attributes must be finite, got another"
    for text, what in ((note.text, "text"), (names, "a name")):
        if "\0" in text or (not text.isascii() and _WRONG.search(text)):
            return f"{what} must hold no NUL or lone surrogate, got one"
    scores = [*(e.score for e in note.entities), *(r.score for r in note.relations)]
    if not all(map(_is_score, scores)):
        return "a score must be a finite number, got another"
    return ""


def _is_score(score: Any) -> bool:
    return score is None or (isinstance(score, int | float) and isfinite(score))


def _names(note: Note) -> Iterator[Any]:
    yield note.id
    for name in (note.patient, note.encounter, note.kind):
        if name is not None:
            yield name
    yield from note.labels
    for section in note.sections or ():
        yield section.kind
    for entity in note.entities:
        yield from entity.concepts
        yield from _of(entity)
    for relation in note.relations:
        for role, ends in relation.roles.items():
            yield role
            yield from ends
        yield from _of(relation)


def _of(thing: Entity | Relation) -> Iterator[Any]:
    """Yield the names of a mention or relation, and what in its attributes must be one."""
    yield thing.id
    yield thing.label
    if thing.source is not None:
        yield thing.source
    if thing.attributes:
        yield from _attributes(thing.attributes)


def _attributes(attributes: Mapping[str, Any]) -> Iterator[Any]:
    yield from attributes
    for value in attributes.values():
        if isinstance(value, float):
            if not isfinite(value):
                raise ValueError
        elif not isinstance(value, _PLAIN):
            yield value
