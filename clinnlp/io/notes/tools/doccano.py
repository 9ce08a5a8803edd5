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
``annotations`` here. Other files of 1.2 to 1.4, and projects that count grapheme clusters, cannot
be told from those; where their texts have emoji, `clinnlp inspect` counts mentions that cut words.
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
from itertools import chain
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import to_utf16
from clinnlp.io.notes.tools.tasks import (
    META,
    Json,
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

__all__ = ["DOCCANO"]

_SPANS = ("label", "labels", "entities", "annotations")
_OLD = "annotations"
_NAMES = ("label", "labels", "cats")
_ROLES = ("from", "to")


def _is_doccano(path: Path, encoding: str) -> bool:
    """Return whether the first object of a file has spans or comments as doccano writes them."""
    task = first_task(path, encoding)
    listed = [found for key in _SPANS if isinstance(found := task.get(key), list)]
    if not isinstance(task.get("text"), str) or not listed:
        return False
    first = next(chain.from_iterable(listed), None)
    if isinstance(first, dict):
        return "start_offset" in first
    return isinstance(first, list) or "Comments" in task or (first is None and "label" in task)


# --- reading -------------------------------------------------------------------------------


def _build(document: Document, task: Json) -> Note:
    text = text_of(task["text"] if "text" in task else task["data"])
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
            count = span_of if key == _OLD else utf16
            entities.append(_entity(one, len(entities) + 1, partial(count, document, text)))
    for _ in (*_listed(task, "Comments"), *_listed(task, "comments")):
        document.leave_out("comment in doccano")
    return Note(
        id=name_of(task["id"]) if task.get("id") is not None else document.name,
        text=text,
        entities=tuple(entities),
        relations=tuple(_relation(r, k) for k, r in enumerate(_listed(task, "relations"), 1)),
        labels=tuple(labels),
        **meta_of(task),
    )


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


DOCCANO = Format(
    suffixes=(".doccano.jsonl",),
    looks=dict.fromkeys((".jsonl", ".json"), _is_doccano),
    split=split_tasks,
    parse=partial(shaped, build=_build),
    write=file_writer(_encode),
    holds=frozenset({"entities", "relations", "labels", *META}),
)
