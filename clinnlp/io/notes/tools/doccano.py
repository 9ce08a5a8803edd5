r"""doccano's JSONL, in each of its forms; also its array of JSON.

::

    {"id": 1, "text": "💊 for fever.", "label": [[7, 12, "Problem"]], "Comments": []}
    {"id": 2, "text": "Lithium: tremor.", "Comments": [],
     "entities": [{"id": 1, "label": "Drug", "start_offset": 0, "end_offset": 7},
                  {"id": 2, "label": "Effect", "start_offset": 9, "end_offset": 15}],
     "relations": [{"id": 1, "from_id": 1, "to_id": 2, "type": "Causes"}]}
    {"id": 3, "text": "No cough.", "entities": [[3, 8, "Problem"]], "cats": ["ENT"]}

================================== ========================================================
in the file                        in the note
================================== ========================================================
``id``                             id, number or text; without one ``<file>-<n>``
``text`` or ``data``               text
``label`` or ``labels``: spans     entities ``T1``, ``T2``, ... in file order
``label``, ``labels``, ``cats``:   ``labels``
names
``entities`` of [start, end,       entities as above
label]
``entities`` with an ``id``        entities ``T<id>``
``annotations`` (up to 1.1)        entities
``relations``                      relation ``R<id>``, its label the ``type``; roles ``from``
                                   and ``to``
``patient``, ``encounter``,        the same of the note
``time``, ``known``, ``kind``
a comment                          counted (`Notes.n_excluded`): a note has no place for it
other keys                         what came with the text into doccano: read over
================================== ========================================================

Offsets count units of UTF-16, as the page of doccano does in the browser since 1.5: an emoji is
two. Those inside a character are refused. Before, the page counted code points: so do
``annotations``, and files with ``annotation_approver`` (up to 1.2), here; other files of 1.2 to 1.4
are of the format ``doccano-1.4``, which reads all offsets as code points. Where nobody names one,
the mentions behind an emoji tell: offsets that only one of both can mean, else the reading that
cuts fewer words; nothing told: UTF-16. Projects that count grapheme clusters cannot be told;
`clinnlp inspect` counts mentions that cut words.

Where several people annotated a text, which ``annotations`` say (``user``), each has a note, as in
the other tools: ``<id>/<user>``. Since 1.2 doccano writes a file to each of them, whose ids repeat:
read them one by one, or with `number_repeated`.

The writer gives triples, or entities with ids where there are relations or ids other than ``T1``,
``T2``, ...; doccano has no project for relations and classes of texts together, nor for
discontinuous mentions.

References
----------
https://doccano.github.io/doccano/; Nakayama et al., doccano, 2018.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, OffsetError, instead_of
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.lines import decode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import from_utf16, to_utf16
from clinnlp.io.notes.tools.tasks import (
    META,
    Json,
    check_links,
    ends_of,
    first_task,
    meta_from,
    meta_of,
    name_of,
    number_of,
    shaped,
    span_of,
    split_tasks,
    text_of,
    utf16,
)

__all__ = ["DOCCANO", "DOCCANO_POINTS"]

_SPANS = ("label", "labels", "entities", "annotations")
_OLD = "annotations"
_COUNTED_POINTS = "annotation_approver"  # a key of the releases that counted code points
_POINTS = "doccano-1.4"
_ASTRAL = "\U00010000"  # from where a character is two units of UTF-16
_MOST_LOOKED_AT = 1000  # texts, for one that tells what offsets count
_NAMES = ("label", "labels", "cats")
_ROLES = ("from", "to")


def _is_doccano(path: Path, encoding: str) -> bool:
    """Return whether the first object of a file has spans or comments as doccano writes them."""
    task = first_task(path, encoding)
    listed = [found for key in _SPANS if isinstance(found := task.get(key), list)]
    if not isinstance(_text(task), str) or not listed:
        return False
    first = next(chain.from_iterable(listed), None)
    if isinstance(first, dict):
        return "start_offset" in first
    return isinstance(first, list) or "Comments" in task or (first is None and "label" in task)


def _text(task: Json) -> Any:
    """Return the text of a task, which is called ``data`` from 1.2 to 1.6."""
    return task["text"] if "text" in task else task.get("data")


def _counts_points(path: Path, encoding: str) -> bool:
    """Return whether a file is one of doccano whose offsets tell that they count code points."""
    if not _is_doccano(path, encoding) or _OLD in first_task(path, encoding):
        return False
    n_cut = [0, 0]
    for document in islice(split_tasks(Source(path, encoding)), _MOST_LOOKED_AT):
        for text, start, end in _behind_emoji(document):
            ends = from_utf16(text, start), from_utf16(text, end)
            is_utf16 = tuple(to_utf16(text, at) for at in ends) == (start, end)
            if not is_utf16 or end > len(text):
                return not is_utf16 and end <= len(text)
            n_cut[0] += _n_cut(text, start, end)
            n_cut[1] += _n_cut(text, *ends)
    return n_cut[0] < n_cut[1]


def _behind_emoji(document: Document) -> Iterator[tuple[str, int, int]]:
    """Yield text and bounds of each mention for which code points and UTF-16 differ."""
    task = json_value(decode(document.data, document.path, document.line or 1))
    text = _text(task) if isinstance(task, dict) else None
    if not isinstance(text, str) or text.isascii() or max(text) < _ASTRAL:
        return
    for one in (each for key in _SPANS for each in _lists(task.get(key))):
        start, end = _bounds_of(one)
        if type(start) is int and type(end) is int and 0 <= start < end <= 2 * len(text):
            if from_utf16(text, end) != end:
                yield text, start, end


def _lists(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _bounds_of(one: Any) -> tuple[Any, Any]:
    if isinstance(one, dict):
        return one.get("start_offset"), one.get("end_offset")
    return (one[0], one[1]) if isinstance(one, list) and len(one) == 3 else (None, None)


def _n_cut(text: str, start: int, end: int) -> int:
    """Return how many ends of a mention stand inside a word."""
    inside = (at for at in (start, end) if 0 < at < len(text))
    return sum(text[at - 1].isalnum() and text[at].isalnum() for at in inside)


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give the tasks; one that several people annotated once for each."""
    for document in split_tasks(source):
        raw = document.data
        task = json_value(raw.decode("utf-8", "replace")) if b'"user"' in raw else None
        found = task.get(_OLD) if isinstance(task, dict) else None
        users = {str(one["user"]): one["user"] for one in _lists(found) if _has_user(one)}
        if len(users) < 2 or task is None:
            yield document
            continue
        name = document.name if task.get("id") is None else task["id"]
        for user in users:
            mine = [one for one in _lists(found) if not _has_user(one) or str(one["user"]) == user]
            yield document._replace(data={**task, "id": f"{name}/{user}", _OLD: mine})


def _has_user(one: Any) -> bool:
    return isinstance(one, dict) and type(one.get("user")) in (int, str)


def _build(document: Document, task: Json, *, points: bool = False) -> Note:
    text = text_of(_text(task))
    if not task.keys() & {*_SPANS, "cats"}:
        raise document.wrong(
            "a text of doccano must have one of label, labels, entities, annotations or cats, "
            "got none"
        )
    entities: list[Entity] = []
    labels: list[str] = []
    for key, one in _marks(task):
        if isinstance(one, str):
            labels.append(one)
        else:
            old = points or key == _OLD or _COUNTED_POINTS in task
            count = partial(span_of if old else _utf16, document, text)
            entities.append(_entity(one, len(entities) + 1, count))
    for _ in (*_listed(task, "Comments"), *_listed(task, "comments")):
        document.leave_out("comment in doccano")
    note = Note(
        id=name_of(task["id"]) if task.get("id") is not None else document.name,
        text=text,
        entities=tuple(entities),
        relations=tuple(_relation(r, k) for k, r in enumerate(_listed(task, "relations"), 1)),
        labels=tuple(labels),
        **meta_of(task),
    )
    return check_links(note, document)


def _utf16(document: Document, text: str, start: Any, end: Any) -> Span:
    """Return where a mention stands, or raise `OffsetError` that names the other unit."""

    def refusal(error: Exception) -> OffsetError:
        hint = f"; before 1.5 doccano counted code points: format={_POINTS!r} (--format {_POINTS})"
        said = str(getattr(error, "message", "")) + hint * (0 <= start < end <= len(text))
        return OffsetError(said, path=document.path, line=document.line)

    with instead_of(OffsetError, refusal):
        return utf16(document, text, start, end)


def _marks(task: Json) -> Iterator[tuple[str, Any]]:
    """Yield the spans, and the names of classes where these may stand, each with its key."""
    for key in dict.fromkeys((*_SPANS, *_NAMES)):
        for one in _listed(task, key):
            if isinstance(one, str) and key not in _NAMES:
                raise TypeError
            yield key, one


def _listed(task: Json, key: str) -> list[Any]:
    found = task.get(key)
    if found is not None and type(found) is not list:
        raise TypeError
    return found or []


def _entity(one: Any, position: int, place: Callable[[Any, Any], Span]) -> Entity:
    if isinstance(one, list):
        start, end, label = one
        name = f"T{position}"
    else:
        start, end, label = one["start_offset"], one["end_offset"], one["label"]
        name = f"T{name_of(one['id'])}" if one.get("id") is not None else f"T{position}"
    return Entity(id=name, span=place(start, end), label=name_of(label))


def _relation(one: Json, position: int) -> Relation:
    ends = (one["from_id"], one["to_id"])
    name = one.get("id")
    return Relation(
        id=f"R{position if name is None else name_of(name)}",
        label=name_of(one["type"]),
        roles={role: (f"T{name_of(end)}",) for role, end in zip(_ROLES, ends, strict=True)},
    )


# --- writing -------------------------------------------------------------------------------


def _task(note: Note) -> Json:
    task: Json = {"id": note.id, "text": note.text}
    plain = all(e.id == f"T{k}" for k, e in enumerate(note.entities, 1))
    if note.relations and note.labels:
        raise refusal("doccano", note, "relations or classes of a text", "both")
    if note.relations or not plain:
        task["entities"] = list(_objects(note))
        ids = {entity.id for entity in note.entities}
        task["relations"] = [_link(note, relation, ids) for relation in note.relations]
    else:
        triples = [[*_bounds(note, e), e.label] for e in note.entities]
        task |= {"entities": triples, "cats": list(note.labels)} if note.labels else {}
        task |= {} if note.labels else {"label": triples}
    return {**task, **meta_from(note), "Comments": []}


def _bounds(note: Note, entity: Entity) -> tuple[int, int]:
    return to_utf16(note.text, entity.span.start), to_utf16(note.text, entity.span.end)


def _objects(note: Note) -> Iterator[Json]:
    for entity in note.entities:
        start, end = _bounds(note, entity)
        number = _number(note, entity.id, "T")
        yield {"id": number, "label": entity.label, "start_offset": start, "end_offset": end}


def _number(note: Note, id: str, letter: str) -> int:
    number = number_of(id, letter)
    if number is None:
        raise refusal("doccano", note, f"ids such as {letter}7, whose number it keeps", "another")
    return number


def _link(note: Note, relation: Relation, ids: set[str]) -> Json:
    ends = ends_of(relation, _ROLES, ids)
    if ends is None:
        raise refusal("doccano", note, "relations from one mention to another", "another")
    first, second = (_number(note, end, "T") for end in ends)
    number = _number(note, relation.id, "R")
    return {"id": number, "from_id": first, "to_id": second, "type": relation.label}


def _encode(note: Note) -> str:
    if not note.id:
        raise DataError("doccano holds an id of each text, got an empty one", note=note.id)
    return json.dumps(_task(note), ensure_ascii=False) + "\n"


DOCCANO_POINTS = Format(
    suffixes=(),
    looks=dict.fromkeys((".jsonl", ".json"), _counts_points),
    split=_split,
    parse=partial(shaped, build=partial(_build, points=True)),
)
DOCCANO = Format(
    suffixes=(".doccano.jsonl",),
    looks=dict.fromkeys((".jsonl", ".json"), _is_doccano),
    split=_split,
    parse=partial(shaped, build=_build),
    write=file_writer(_encode),
    holds=frozenset({"entities", "relations", "labels", *META}),
)
