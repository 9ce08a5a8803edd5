"""What the JSON of annotation tools has in common: tasks of one text each, with spans in it.

A file is an array of objects, or one object a line; either is read a task at a time. What a tool
says beside the text, under the names of `META`, becomes what the note says of itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import chain
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, OffsetError, instead_of
from clinnlp.core.notes import Note, Relation, check_note
from clinnlp.core.spans import Span
from clinnlp.io.files.json_stream import json_items, json_object, json_value
from clinnlp.io.files.lines import UTF_8, byte_chunks, byte_lines, decode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import id_of
from clinnlp.io.notes.offsets import from_utf16, place, to_utf16
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = [
    "META",
    "Json",
    "check_links",
    "ends_of",
    "first_task",
    "formed",
    "is_array",
    "meta_from",
    "meta_of",
    "name_of",
    "number_of",
    "placed",
    "shaped",
    "span_of",
    "split_tasks",
    "text_of",
    "utf16",
]

Json = dict[str, Any]

META = ("patient", "encounter", "time", "known", "kind")
_OTHER_FORM = "an object must have the form of its format, got another"
_FOREIGN = (KeyError, TypeError, ValueError, AttributeError, IndexError)
_NUMBERED = re.compile(r"[1-9][0-9]{0,17}")


# --- files ---------------------------------------------------------------------------------


def is_array(path: Path, encoding: str = UTF_8) -> bool:
    """Return whether a file of JSON begins with a bracket: an array, and not an object a line."""
    for chunk in byte_chunks(path, encoding):
        if chunk.strip():
            return chunk.lstrip().startswith(b"[")
    return False


def split_tasks(source: Source) -> Iterator[Document]:
    """Give each object of an array, or of the lines of a file, as it stands there."""
    path, encoding = source.path, source.encoding
    if is_array(path, encoding):
        found = json_items(path, None, encoding)
    else:
        found = ((n, raw) for n, raw in byte_lines(path, encoding) if raw.strip())
    for k, (number, raw) in enumerate(found):
        yield Document(path, number, raw, id_of(path, k))


def first_task(path: Path, encoding: str) -> Json:
    """Return the first object of a file, or an empty one where it has none."""
    try:
        document = next(split_tasks(Source(path, encoding)), None)
        value = None if document is None else json_value(decode(document.data, path, 1))
    except DataError:
        return {}
    return value if isinstance(value, dict) else {}


# --- one task ------------------------------------------------------------------------------


def shaped(document: Document, build: Callable[[Document, Json], Note]) -> Note:
    """Return what `build` makes of the object, or raise `DataError` for one of another form."""
    record = document.data if isinstance(document.data, dict) else json_object(document)
    with formed(document):
        return check_note(build(document, record))


def formed(document: Document) -> instead_of:
    """Return a block in which a value of another type is said of the document."""

    def refusal(error: Exception) -> DataError:
        if isinstance(error, DataError):
            return error.at(document.path, document.line)
        return document.wrong(_OTHER_FORM)

    return instead_of(_FOREIGN, refusal)


def name_of(value: Any) -> str:
    """Return an id, which tools write as a number or as text.

    Raises
    ------
    TypeError
        Another type.
    """
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise TypeError
    return value


def text_of(value: Any) -> str:
    """Return the text of a task.

    Raises
    ------
    TypeError
        Another type.
    """
    if type(value) is not str:
        raise TypeError
    return value


def meta_of(record: Mapping[str, Any]) -> Json:
    """Return the fields of a note that a tool keeps beside its text."""
    found = {key: record[key] for key in META if record.get(key) is not None}
    said = {key: name_of(value) if type(value) is int else value for key, value in found.items()}
    note = note_from_record({"id": "", "text": "", **said})
    return {key: getattr(note, key) for key in said}


def meta_from(note: Note) -> Json:
    """Return what a note says of itself as values of JSON; `meta_of` gives it back."""
    record = note_to_record(note.with_(entities=(), relations=()))
    return {key: record[key] for key in META if key in record}


def ends_of(relation: Relation, roles: tuple[str, str], ids: Set[str]) -> tuple[str, str] | None:
    """Return the mentions, of these ids, at both ends of a relation; None where others are."""
    ends = [relation.roles.get(role, ()) for role in roles]
    if len(relation.roles) != len(roles) or any(len(end) != 1 for end in ends):
        return None
    (first,), (second,) = ends
    return (first, second) if {first, second} <= ids else None


def check_links(note: Note, document: Document, others: Set[str] = frozenset()) -> Note:
    """Return a note whose relations all end in its mentions.

    Raises
    ------
    DataError
        A relation with another end; `others` are ids that need no mention.
    """
    known = {entity.id for entity in note.entities} | others
    if not all(known.issuperset(ends) for r in note.relations for ends in r.roles.values()):
        raise document.wrong("each end of a relation must be a mention of its text, got another id")
    return note


def number_of(id: str, letter: str) -> int | None:
    """Return the number of an id such as ``T3``, for tools whose ids are numbers, or None.

    Examples
    --------
    >>> number_of("T3", "T"), number_of("T03", "T"), number_of("x", "T")
    (3, None, None)
    """
    digits = id.removeprefix(letter)
    return int(digits) if digits != id and _NUMBERED.fullmatch(digits) else None


# --- offsets -------------------------------------------------------------------------------


def span_of(document: Document, text: str, start: Any, end: Any, mention: Any = None) -> Span:
    """Return where a mention stands whose offsets count code points; see `offsets.place`."""
    return placed(document, text, [(start, end)], mention)[0]


def placed(
    document: Document, text: str, bounds: Sequence[tuple[Any, Any]], mention: Any = None
) -> tuple[Span, ...]:
    """Return the pieces of a mention whose offsets count code points; see `offsets.place`.

    Raises
    ------
    TypeError
        An offset is no whole number.
    OffsetError
        See `offsets.place`.
    """
    if not all(type(at) is int for at in chain.from_iterable(bounds)):
        raise TypeError
    said = mention if isinstance(mention, str) and mention else None
    return place(document, text, bounds, said)


def utf16(document: Document, text: str, start: Any, end: Any) -> Span:
    """Return where a mention stands whose offsets count units of UTF-16.

    Raises
    ------
    TypeError
        An offset is no whole number.
    OffsetError
        It lies outside the text, or inside a character: then they count something else.
    """
    if type(start) is not int or type(end) is not int:
        raise TypeError
    if text.isascii() or not 0 <= start < end:
        return span_of(document, text, start, end)
    bounds = from_utf16(text, start), from_utf16(text, end)
    if tuple(to_utf16(text, at) for at in bounds) != (start, end):
        raise OffsetError(
            "offsets must count units of UTF-16 and stand inside the text, between characters, "
            f"got {start}-{end}",
            path=document.path,
            line=document.line,
        )
    return span_of(document, text, *bounds)
