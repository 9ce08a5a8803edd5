r"""Label Studio's JSON and JSON-MIN: tasks with the regions that people marked in their text.

::

    [{"id": 1, "data": {"text": "💊 for fever."}, "annotations": [{"id": 7, "result": [
       {"id": "a1", "from_name": "label", "to_name": "text", "type": "labels",
        "value": {"start": 6, "end": 11, "text": "fever", "labels": ["Problem"]}},
       {"type": "relation", "from_id": "a1", "to_id": "b2", "direction": "right", "labels": []}]}],
      "predictions": []}]

    [{"id": 1, "text": "💊 for fever.", "annotation_id": 7,
      "label": [{"start": 6, "end": 11, "text": "fever", "labels": ["Problem"]}]}]

================================== ========================================================
in the file                        in the note
================================== ========================================================
``id`` of a task                   id; where several people annotated it, one note each:
                                   ``<task>/<annotation>``
``data.text``                      text; else the only text of ``data``
region of type ``labels``          entity, one for each of its labels
other types of a region            attribute of the mention, called as the control
                                   (``from_name``)
``relation``                       relations ``R1``, ..., one for each of its labels; roles
                                   ``from`` and ``to``, as the arrow points; one of a region that
                                   is no mention is left out and counted
``choices`` of the text            ``labels``
``data``                           ``patient``, ``encounter``, ``time``, ``known``, ``kind``
predictions                        where nobody annotated: mentions with ``score`` and relations,
                                   their ``source`` the model; else left out and counted
annotations that were cancelled,   left out and counted (`Notes.n_excluded`)
other results of the text
regions of HTML, audio, images     refused: they do not stand in a text
================================== ========================================================

Offsets count code points (before 1.4, of 2021, units of UTF-16: read those with repair). Each
region says its text, which is checked. The writer gives one annotation to a task, the mention's
label as control ``label`` over the object ``text``; discontinuous mentions have no place.

References
----------
https://labelstud.io/guide/export and https://labelstud.io/guide/task_format
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.io.files.json_stream import json_object
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.tools.tasks import (
    META,
    Json,
    check_links,
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

__all__ = ["LABEL_STUDIO"]

_ANNOTATIONS = ("annotations", "completions")  # as they were called up to 0.9
_PREDICTIONS = "predictions"
_SPAN = {"start", "end", "labels"}
_ROLES = ("from", "to")
_CANCELLED = "annotation that was cancelled in Label Studio"
_BESIDE = "prediction beside an annotation in Label Studio"
_SHOWN = ("labels", "choices", "taxonomy", "rating", "number", "text", "datetime")


def _is_label_studio(path: Path, encoding: str) -> bool:
    task = first_task(path, encoding)
    if isinstance(task.get("data"), dict):
        return bool(task.keys() & {*_ANNOTATIONS, _PREDICTIONS})
    return isinstance(task.get("text"), str) and "annotation_id" in task


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give each annotation of each task; a task that nobody annotated once."""
    for document in split_tasks(source):
        try:
            made = [document._replace(data=part) for part in _parts(json_object(document))]
            failure = None
        except DataError as error:
            made, failure = [], error
        except (TypeError, AttributeError):
            made, failure = [], document.wrong("a task must have the form of Label Studio")
        if failure is not None:
            made = [document._replace(data=failure)]
        yield from made


def _parts(task: Json) -> list[Json]:
    """Return the task with one annotation at a time, the one its only result."""
    if not isinstance(task.get("data"), dict):
        return [{**task, "one": None}]
    listed = [each for key in _ANNOTATIONS for each in task.get(key) or ()]
    kept = [one for one in listed if not one.get("was_cancelled")]
    guesses = task.get(_PREDICTIONS) or []
    about = {_CANCELLED: len(listed) - len(kept), _BESIDE: len(guesses) * bool(kept)}
    found = kept or guesses or [{"result": []}]
    said = {"several": len(found) > 1, "guessed": found is guesses}
    parts: list[Json] = [{**task, **said, "one": one, "about": {}} for one in found]
    return [{**parts[0], "about": about}, *parts[1:]]


def _build(document: Document, task: Json) -> Note:
    if task["one"] is None:
        return _small_form(document, task)
    for reason, n in task["about"].items():
        for _ in range(n):
            document.leave_out(reason)
    one, data = task["one"], task["data"]
    text, name = _text(data, one["result"], document), _name(task.get("id"), document)
    source = str(one.get("model_version") or "prediction") if task["guessed"] else None
    note = Note(
        id=f"{name}/{_name(one.get('id'), document)}" if task["several"] else name,
        text=text,
        **meta_of(data),
    )
    return _with_results(note, list(one["result"]), document, source)


def _name(value: Any, document: Document) -> str:
    return document.name if value is None else name_of(value)


def _text(data: Json, results: list[Json], document: Document) -> str:
    """Return the text of a task; of several the one in which all that regions quote stands."""
    if isinstance(data.get("text"), str):
        return str(data["text"])
    texts = [v for key, v in data.items() if isinstance(v, str) and key not in META]
    if len(texts) > 1:
        quoted = [one["value"] for one in results if "text" in one.get("value", {})]
        texts = [
            text for text in texts if quoted and all(_stands(v, text) for v in quoted)
        ] or texts
    if len(texts) != 1:
        raise document.wrong(
            "data of a task must have the key 'text', or one text alone that holds what its "
            f"regions quote, got {len(texts)}"
        )
    return texts[0]


def _stands(region: Json, text: str) -> bool:
    """Return whether what a region quotes stands at its offsets."""
    start, end = region.get("start"), region.get("end")
    is_placed = isinstance(start, int) and isinstance(end, int)
    return is_placed and text[start:end] == region["text"]


def _with_results(note: Note, results: list[Json], document: Document, source: str | None) -> Note:
    """Return the note with the regions, what is said of each, relations and choices."""
    by_kind: dict[str, list[Json]] = {"labels": [], "relation": [], "choices": [], "other": []}
    for one in results:
        by_kind[_kind(one)].append(one)
    entities: dict[str, list[Entity]] = {}
    for k, one in enumerate(by_kind["labels"], 1):
        made = _entities(one, k, note.text, document, source)
        entities.setdefault(made[0].id, []).extend(made)
    for one in by_kind["other"]:
        _add_other(one, entities, document)
    chosen = chain.from_iterable(one["value"]["choices"] for one in by_kind["choices"])
    others = {str(one.get("id")) for one in by_kind["other"]} - entities.keys()
    links = [r for link in by_kind["relation"] for r in _relations(link, source)]
    whole = note.with_(
        entities=tuple(chain.from_iterable(entities.values())),
        relations=_kept(links, others, document),
        labels=tuple(map(name_of, chosen)),
    )
    return check_links(whole, document)


def _kind(one: Json) -> str:
    """Return what a result is: a region, a relation, choices of the text, or another."""
    kind = one.get("type")
    if kind == "choices" and "start" not in one["value"]:
        return "choices"
    return str(kind) if kind in ("labels", "relation") else "other"


def _entities(
    one: Json, position: int, text: str, document: Document, source: str | None
) -> list[Entity]:
    value = one["value"]
    if "startOffset" in value or not {"start", "end"} <= value.keys():
        raise document.wrong("a region must stand in a text, got one of HTML or another object")
    name = _name(one.get("id"), document._replace(name=f"T{position}"))
    score = one.get("score")
    span = span_of(document, text, value["start"], value["end"], value.get("text"))
    return [
        Entity(
            id=name if k == 1 else f"{name}#{k}",
            span=span,
            label=name_of(label),
            score=None if score is None else float(score),
            source=source,
        )
        for k, label in enumerate(value.get("labels") or [""], 1)
    ]


def _add_other(one: Json, entities: dict[str, list[Entity]], document: Document) -> None:
    """Add what is said of a region to its mentions, or count it where it is of no mention."""
    name, value = str(one.get("id") or ""), one["value"]
    said = next((value[key] for key in _SHOWN if key in value), None)
    if name not in entities or said is None:
        document.leave_out("result in Label Studio that is of no mention")
        return
    flat = [str(each) for each in said] if isinstance(said, list) else [str(said)]
    added = {name_of(one.get("from_name") or one["type"]): "; ".join(flat)}
    entities[name] = [
        replace(entity, attributes={**entity.attributes, **added}) for entity in entities[name]
    ]


def _relations(link: Json, source: str | None) -> Iterator[Relation]:
    """Yield a relation for each label of an arrow."""
    first, second = name_of(link["from_id"]), name_of(link["to_id"])
    if link.get("direction") == "left":
        first, second = second, first
    for label in link.get("labels") or [""]:
        yield Relation(
            id="",
            label=name_of(label),
            roles={"from": (first,), "to": (second,)},
            attributes={"direction": "bi"} if link.get("direction") == "bi" else {},
            source=source,
        )


def _kept(links: list[Relation], others: set[str], document: Document) -> tuple[Relation, ...]:
    """Return relations R1, R2, ...; those of regions that are no mentions are counted."""
    kept = [r for r in links if others.isdisjoint(chain.from_iterable(r.roles.values()))]
    for _ in range(len(links) - len(kept)):
        document.leave_out("relation in Label Studio of a region that is no mention")
    return tuple(replace(r, id=f"R{k}") for k, r in enumerate(kept, 1))


def _small_form(document: Document, task: Json) -> Note:
    """Return the note of a task of JSON-MIN, whose keys are called as the controls."""
    regions = [
        (key, one)
        for key, value in task.items()
        for one in (value if isinstance(value, list) else ())
        if isinstance(one, dict) and one.keys() >= _SPAN
    ]
    if "annotation_id" not in task and not regions:
        raise document.wrong("a task of Label Studio must have data, or an annotation_id, got none")
    name, text = _name(task.get("id"), document), text_of(task["text"])
    note = Note(id=name, text=text, **meta_of(task))
    results = [{"type": "labels", "value": one, "from_name": key} for key, one in regions]
    return _with_results(note, results, document, None)


# --- writing -------------------------------------------------------------------------------


def _task(note: Note) -> Json:
    results: list[Json] = [_region(note, entity) for entity in note.entities]
    ids = {entity.id for entity in note.entities}
    results += [_link(note, relation, k, ids) for k, relation in enumerate(note.relations, 1)]
    if note.labels:
        choices = {"choices": list(note.labels)}
        results.append(
            {"type": "choices", "from_name": "class", "to_name": "text"} | {"value": choices}
        )
    annotation = {"result": results, "was_cancelled": False}
    data = {"text": note.text, **meta_from(note)}
    return {"id": note.id, "data": data, "annotations": [annotation], "predictions": []}


def _region(note: Note, entity: Entity) -> Json:
    if not entity.id:
        raise refusal("Label Studio", note, "mentions with an id", "one without")
    start, end = entity.span
    value = {"start": start, "end": end, "text": note[entity.span], "labels": [entity.label]}
    made = {"id": entity.id, "from_name": "label", "to_name": "text", "type": "labels"}
    score = {} if entity.score is None else {"score": entity.score}
    return {**made, "value": value, **score}


def _link(note: Note, relation: Relation, position: int, ids: set[str]) -> Json:
    ends = ends_of(relation, _ROLES, ids)
    if ends is None or relation.id != f"R{position}":
        raise refusal(
            "Label Studio", note, "relations R1, R2, ... from mention to mention", "others"
        )
    made = {"type": "relation", "from_id": ends[0], "to_id": ends[1], "direction": "right"}
    return {**made, "labels": [relation.label]}


def _encode(note: Note) -> str:
    return json.dumps(_task(note), ensure_ascii=False)


_write: Callable[..., int] = file_writer(_encode, head="[\n", between=",\n", tail="\n]\n")

LABEL_STUDIO = Format(
    suffixes=(".label-studio.json",),
    looks=dict.fromkeys((".json", ".jsonl"), _is_label_studio),
    split=_split,
    parse=partial(shaped, build=_build),
    write=_write,
    holds=frozenset({"entities", "entity.score", "relations", "labels", *META}),
)
