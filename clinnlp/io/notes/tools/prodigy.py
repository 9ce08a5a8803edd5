r"""Prodigy's JSONL, as ``db-out`` writes it and ``db-in`` reads it.

::

    {"text": "💊 for fever.", "meta": {"id": "n1"}, "answer": "accept",
     "tokens": [{"text": "💊", "start": 0, "end": 1, "id": 0, "ws": true}, ...],
     "spans": [{"start": 6, "end": 11, "token_start": 2, "token_end": 2, "label": "Problem"}],
     "relations": [{"head": 0, "child": 2, "label": "for", "head_span": {...}, ...}]}

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``text``                    text
``meta.id``, else ``id``    id, number or text; without one ``<file>-<n>``; of a named session,
                            for several people answer a text there, ``<id>/<session>``
``tokens``                  ``tokens``
``spans``                   entities ``T1``, ``T2``, ... in file order, their ``kb_id``
                            the concept, ``source`` and ``score`` the same
``relations``               relations ``R1``, ...: roles ``head`` and ``child`` with the mention
                            that stands where ``head_span`` and ``child_span`` do; where none
                            does, one is made of the span and its label
``label`` with an answer    ``labels``: a text that was accepted for one class
``accept``                  ``labels``: the options that were chosen
``meta``                    ``patient``, ``encounter``, ``time``, ``known``, ``kind``
answer ``reject``,          no note: left out and counted (`Notes.n_excluded`)
``ignore``
=========================== ===============================================================

Offsets count code points, as in spaCy. Hashes and what else Prodigy keeps of its own are
read over. Mentions may overlap (``spans.manual``); discontinuous ones have no place. Tokens are
written where the note has them; else Prodigy makes its own.

References
----------
https://prodi.gy/docs/api-interfaces
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.json_stream import json_object
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.tools.tasks import (
    META,
    Json,
    ends_of,
    first_task,
    meta_from,
    meta_of,
    name_of,
    shaped,
    span_of,
    split_tasks,
    text_of,
)

__all__ = ["PRODIGY"]

_MARKS = ("spans", "relations", "answer", "_input_hash", "_task_hash", "accept")
_ROLES = ("head", "child")
_SESSIONS = ("_annotator_id", "_session_id")
_UNNAMED = re.compile(r".*-(?:default|[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}-[0-9]{2}-[0-9]{2})")

_There = dict[tuple[Span, str | None], str]  # ids of mentions by place and label, or place alone


def _is_prodigy(path: Path, encoding: str) -> bool:
    task = first_task(path, encoding)
    if not isinstance(task.get("text"), str) or not isinstance(task.get("spans", []), list):
        return False  # groups of spans are of spaCy
    return bool(task.keys() & {*_MARKS} - {"relations"})


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give the tasks that were accepted, or not judged, and count the others."""
    for document in split_tasks(source):
        try:
            task = json_object(document)
        except DataError:
            task = {}  # to be said where it is parsed
        answer = task.get("answer")
        if answer not in ("reject", "ignore"):
            yield document._replace(data=task) if task else document
        elif source.n_excluded is not None:
            source.n_excluded[f"task of Prodigy with the answer {answer}"] += 1


def _build(document: Document, task: Json) -> Note:
    if not task.keys() & {*_MARKS}:
        raise document.wrong(f"a task of Prodigy must have one of {', '.join(_MARKS)}, got none")
    text, meta = text_of(task["text"]), task.get("meta") or {}
    name, session = meta.get("id", task.get("id")), _session(task)
    entities = [_entity(s, k, text, document) for k, s in enumerate(task.get("spans") or (), 1)]
    links = list(_relations(task.get("relations") or (), text, document, entities))
    tokens = task.get("tokens")
    return Note(
        id=(document.name if name is None else name_of(name)) + (f"/{session}" if session else ""),
        text=text,
        tokens=None if tokens is None else tuple(_tokens(tokens, text, document)),
        entities=tuple(entities),
        relations=tuple(links),
        labels=_labels(task),
        **meta_of(meta),
    )


def _session(task: Json) -> str:
    """Return who answered, where the session was given a name and not the time it began."""
    said = next((task[key] for key in _SESSIONS if isinstance(task.get(key), str)), "")
    return "" if _UNNAMED.fullmatch(said) else said


def _labels(task: Json) -> tuple[str, ...]:
    chosen = [name_of(option) for option in task.get("accept") or ()]
    if isinstance(task.get("label"), str) and task.get("answer") == "accept":
        chosen.append(task["label"])
    return tuple(dict.fromkeys(chosen))


def _tokens(tokens: Any, text: str, document: Document) -> Iterator[Span]:
    for token in tokens:
        yield span_of(document, text, token["start"], token["end"], token.get("text"))


def _entity(one: Json, position: int, text: str, document: Document) -> Entity:
    concept, score, source = one.get("kb_id"), one.get("score"), one.get("source")
    return Entity(
        id=f"T{position}",
        span=span_of(document, text, one["start"], one["end"], one.get("text")),
        label=name_of(one["label"]),
        concepts=(name_of(concept),) if concept else (),
        score=None if score is None else float(score),
        source=None if source is None else name_of(source),
    )


def _relations(
    listed: Iterable[Json], text: str, document: Document, entities: list[Entity]
) -> Iterator[Relation]:
    """Yield the relations, and add the mentions at their ends that are not among the spans."""
    there: _There = {}
    for entity in reversed(entities):  # the first of alike ones counts
        there |= {(entity.span, entity.label): entity.id, (entity.span, None): entity.id}
    for k, link in enumerate(listed, 1):
        spans = [_entity({"label": "", **link[f"{r}_span"]}, 0, text, document) for r in _ROLES]
        ends = [_end(span, entities, there) for span in spans]
        roles = {role: (end,) for role, end in zip(_ROLES, ends, strict=True)}
        yield Relation(id=f"R{k}", label=name_of(link["label"]), roles=roles)


def _end(made: Entity, entities: list[Entity], there: _There) -> str:
    """Return the id of the mention at an end of a relation, which need not be among the spans."""
    known = there.get((made.span, made.label), there.get((made.span, None)))
    if known is None:
        known = f"T{len(entities) + 1}"
        entities.append(replace(made, id=known))
        there |= {(made.span, made.label): known, (made.span, None): known}
    return known


# --- writing -------------------------------------------------------------------------------


def _task(note: Note) -> Json:
    _check(note)
    tokens = note.tokens or ()
    first = {token.start: k for k, token in enumerate(tokens)}
    last = {token.end: k for k, token in enumerate(tokens)}
    spans = [_span(e, first, last) for e in note.entities]
    by_id = {e.id: span for e, span in zip(note.entities, spans, strict=True)}
    task: Json = {"text": note.text, "meta": {"id": note.id, **meta_from(note)}, "spans": spans}
    if note.tokens is not None:
        task["tokens"] = list(_token_records(note, tokens))
    if note.relations:
        task["relations"] = [_link(relation, by_id) for relation in note.relations]
    if note.labels:
        task["accept"] = list(note.labels)
    return {**task, "answer": "accept"}


def _check(note: Note) -> None:
    """Raise `DataError` for mentions and relations that Prodigy has no place for."""
    for k, entity in enumerate(note.entities, 1):
        if entity.id != f"T{k}" or entity.parts:
            raise refusal("Prodigy", note, "mentions T1, T2, ... of one piece, in order", "others")
        if len(entity.concepts) > 1 or "" in entity.concepts:
            raise refusal("Prodigy", note, "one concept of a mention", "several or an empty one")
    if len(set(note.labels)) < len(note.labels):
        raise refusal("Prodigy", note, "labels that differ", "alike ones")
    if note.relations:
        _check_relations(note)


def _check_relations(note: Note) -> None:
    if len({(entity.span, entity.label) for entity in note.entities}) < len(note.entities):
        raise refusal("Prodigy", note, "relations between mentions that differ", "alike ones")
    ids = {entity.id for entity in note.entities}
    for k, relation in enumerate(note.relations, 1):
        if ends_of(relation, _ROLES, ids) is None or relation.id != f"R{k}":
            raise refusal("Prodigy", note, "relations R1, R2, ... from head to child", "others")


def _span(entity: Entity, first: Mapping[int, int], last: Mapping[int, int]) -> Json:
    start, end = entity.span
    made: Json = {"start": start, "end": end, "label": entity.label}
    if start in first and end in last:
        made |= {"token_start": first[start], "token_end": last[end]}
    if entity.concepts:
        made["kb_id"] = entity.concepts[0]
    said = {"score": entity.score, "source": entity.source}
    return made | {key: value for key, value in said.items() if value is not None}


def _token_records(note: Note, tokens: tuple[Span, ...]) -> Iterator[Json]:
    for k, token in enumerate(tokens):
        after = note.text[token.end : token.end + 1] == " "
        yield {"text": note[token], "start": token.start, "end": token.end, "id": k, "ws": after}


def _link(relation: Relation, by_id: Mapping[str, Json]) -> Json:
    made: Json = {"label": relation.label}
    for role in _ROLES:
        span = by_id[relation.roles[role][0]]
        made |= {role: span.get("token_end"), f"{role}_span": span}
    return made


def _encode(note: Note) -> str:
    return json.dumps(_task(note), ensure_ascii=False) + "\n"


PRODIGY = Format(
    suffixes=(".prodigy.jsonl",),
    looks=dict.fromkeys((".jsonl", ".json"), _is_prodigy),
    split=_split,
    parse=partial(shaped, build=_build),
    write=file_writer(_encode),
    holds=frozenset(
        {"entities", "entity.concepts", "entity.score", "entity.source", "tokens"}
        | {"relations", "labels", *META}
    ),
)
