r"""MedCATtrainer's JSON: projects of documents, with the concepts that people judged.

::

    {"projects": [{"name": "p", "documents": [{"id": 3, "name": "n1", "text": "No 💊 fever.",
      "annotations": [{"id": 9, "start": 5, "end": 10, "value": "fever", "cui": "386661006",
        "validated": true, "correct": true, "deleted": false, "killed": false,
        "meta_anns": {"Presence": {"name": "Presence", "value": "False", "acc": 1}}}],
      "relations": [{"relation": "treats", "start_entity": 8, "end_entity": 9}]}]}]}

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``name``, else ``id``       id; of a document that an earlier project has too, for other people,
                            ``<name>/<k>``, k the position of its project from 1
``text``                    text
annotation                  entity ``Concept``, its id the number of the annotation
``cui``                     ``concepts``
``acc``                     ``score``
``meta_anns``               ``assertion`` by the tasks of the table below, else attributes
``validated`` false,        no mention: left out and counted (`Notes.n_excluded`)
``deleted``, ``killed``,
``irrelevant``
``relations``               relations, roles ``start`` and ``end``
=========================== ===============================================================

========================= ========================= ======================================
task                      value                     axis
========================= ========================= ======================================
Presence, Negation        False, Negated, Yes, ...  ``negated``
Presence                  Hypothetical              ``hypothetical``
Certainty, Status         Suspected, Uncertain      ``uncertain``
Subject, Experiencer      other than Patient        ``experiencer``
Time, Temporality         Past, Historical; Future  ``historical``; ``hypothetical``
========================= ========================= ======================================

Offsets count code points, as in spaCy; the text of each mention is checked. A project is in memory
as a whole. The writer gives one project, of mentions called ``Concept`` with one concept each and
numbers as ids.

References
----------
Kraljevic et al., MedCAT, Artif Intell Med 2021; https://github.com/CogStack/MedCATtrainer
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import AXES, Assertion, Entity, Note, Relation
from clinnlp.io.files.json_stream import json_items, json_object
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer, id_of
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.tools.tasks import Json, ends_of, name_of, shaped, span_of, text_of

__all__ = ["MEDCAT"]

_LABEL = "Concept"
_HEAD = '{"projects": [{"name": "clinnlp", "cuis": "", "tuis": "", "documents": [\n'
# task and value, in small letters, to what they say
_SAID: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("presence", "true"): {"negated": False},
    ("presence", "false"): {"negated": True},
    ("presence", "hypothetical"): {"hypothetical": True},
    ("presence", "not mentioned"): {},
    ("negation", "yes"): {"negated": True},
    ("negation", "no"): {"negated": False},
    ("negation", "negated"): {"negated": True},
    ("negation", "affirmed"): {"negated": False},
    ("certainty", "confirmed"): {"uncertain": False},
    ("certainty", "certain"): {"uncertain": False},
    ("certainty", "suspected"): {"uncertain": True},
    ("certainty", "uncertain"): {"uncertain": True},
    ("status", "confirmed"): {"uncertain": False},
    ("status", "suspected"): {"uncertain": True},
    ("subject", "patient"): {"experiencer": False},
    ("subject", "family"): {"experiencer": True},
    ("subject", "other"): {"experiencer": True},
    ("subject", "relative"): {"experiencer": True},
    ("experiencer", "patient"): {"experiencer": False},
    ("experiencer", "family"): {"experiencer": True},
    ("experiencer", "other"): {"experiencer": True},
    ("time", "recent"): {"historical": False},
    ("time", "present"): {"historical": False},
    ("time", "past"): {"historical": True},
    ("time", "historical"): {"historical": True},
    ("time", "future"): {"hypothetical": True},
    ("temporality", "recent"): {"historical": False},
    ("temporality", "past"): {"historical": True},
    ("temporality", "historical"): {"historical": True},
    ("temporality", "future"): {"hypothetical": True},
}
# how the axes are written: the task, its value where true and where false
_WRITTEN = {
    "negated": ("Presence", "False", "True"),
    "uncertain": ("Certainty", "Suspected", "Confirmed"),
    "hypothetical": ("Hypothetical", "True", "False"),
    "historical": ("Time", "Past", "Recent"),
    "experiencer": ("Subject", "Other", "Patient"),
}
_OWN = {(task.lower(), value.lower()): {axis: value == true}
        for axis, (task, true, false) in _WRITTEN.items() for value in (true, false)}  # fmt: skip
_REASONS = {
    "deleted": "annotation that was deleted in MedCATtrainer",
    "killed": "annotation that was terminated in MedCATtrainer",
    "irrelevant": "annotation that is irrelevant in MedCATtrainer",
}
_NOT_VALIDATED = "annotation that nobody validated in MedCATtrainer"


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give the documents of one project after the other."""
    n, seen = 0, set[str]()
    for k, (number, raw) in enumerate(json_items(source.path, ("projects",), source.encoding), 1):
        project = Document(source.path, number, raw)
        mine: list[str] = []
        for data in _documents(project):
            made = _named(data, seen, k) if k > 1 and isinstance(data, dict) else data
            mine += [str(data.get("name") or data.get("id"))] if isinstance(data, dict) else []
            yield project._replace(data=made, name=id_of(source.path, n))
            n += 1
        seen.update(mine)


def _named(document: Json, seen: set[str], position: int) -> Json:
    """Return a document, called ``<name>/<project>`` where an earlier project has it too."""
    name = document.get("name") or document.get("id")
    if type(name) not in (int, str) or str(name) not in seen:
        return document
    return {**document, "name": f"{name}/{position}"}


def _documents(project: Document) -> list[Any]:
    """Return the documents of a project, or what is wrong with it."""
    try:
        listed = json_object(project).get("documents")
    except DataError as error:
        return [error]
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        return listed
    return [project.wrong("a project of MedCATtrainer must have documents, got another form")]


def _build(document: Document, record: Json) -> Note:
    text, name = text_of(record["text"]), record.get("name") or record.get("id")
    entities = [_entity(one, text, document) for one in _kept(record["annotations"], document)]
    known = {entity.id for entity in entities}
    links: list[Relation] = []
    for k, one in enumerate(record.get("relations") or (), 1):
        ends = (name_of(one["start_entity"]), name_of(one["end_entity"]))
        if known.issuperset(ends):
            roles = {"start": (ends[0],), "end": (ends[1],)}
            links.append(Relation(id=f"R{k}", label=name_of(one["relation"]), roles=roles))
        else:
            document.leave_out("relation of a mention that was left out in MedCATtrainer")
    return Note(
        id=document.name if name is None else name_of(name),
        text=text,
        entities=tuple(entities),
        relations=tuple(links),
    )


def _kept(annotations: list[Json], document: Document) -> Iterator[Json]:
    """Yield what people found right, and count the rest."""
    for one in annotations:
        reason = next((said for key, said in _REASONS.items() if one.get(key)), None)
        if reason is None and one.get("validated") is False:
            reason = _NOT_VALIDATED
        if reason is None:
            yield one
        else:
            document.leave_out(reason)


def _entity(one: Json, text: str, document: Document) -> Entity:
    assertion, attributes = Assertion(), {}
    found = one.get("meta_anns") or {}
    for said in found.values() if isinstance(found, dict) else found:
        task, value = name_of(said["name"]), name_of(said["value"])
        key = (task.lower(), value.lower())
        axes = _SAID.get(key, _OWN.get(key))
        if axes is None:
            attributes[task] = value
        else:
            assertion = replace(assertion, **axes)
    score, concept = one.get("acc"), one.get("cui")
    return Entity(
        id=name_of(one["id"]) if one.get("id") is not None else f"{one['start']}-{one['end']}",
        span=span_of(document, text, one["start"], one["end"], one.get("value")),
        label=_LABEL,
        concepts=() if concept is None else (name_of(concept),),
        assertion=assertion,
        attributes=attributes,
        score=None if score is None else float(score),
    )


# --- writing -------------------------------------------------------------------------------


def _document(note: Note) -> Json:
    if not note.id:
        raise refusal("MedCATtrainer", note, "a name of each document", "an empty one")
    ids = {entity.id for entity in note.entities}
    return {
        "name": note.id,
        "text": note.text,
        "annotations": [_annotation(note, entity) for entity in note.entities],
        "relations": [
            _link(note, relation, k, ids) for k, relation in enumerate(note.relations, 1)
        ],
    }


def _annotation(note: Note, entity: Entity) -> Json:
    if entity.label != _LABEL or len(entity.concepts) != 1:
        raise refusal("MedCATtrainer", note, f"mentions {_LABEL!r} of one concept each", "others")
    if not entity.id.isdecimal() or str(int(entity.id)) != entity.id:
        raise refusal("MedCATtrainer", note, "numbers as ids of mentions", "others")
    if entity.assertion.cues:
        raise refusal("MedCATtrainer", note, "assertions without their cues", "one with")
    start, end = entity.span
    said = {"validated": True, "correct": True, "deleted": False, "killed": False}
    return {
        "id": int(entity.id),
        "value": note[entity.span],
        "start": start,
        "end": end,
        "cui": entity.concepts[0],
        **said,
        **({} if entity.score is None else {"acc": entity.score}),
        "meta_anns": _tasks(entity.assertion),
    }


def _tasks(assertion: Assertion) -> Json:
    made: Json = {}
    for axis, value in zip(AXES, assertion.axes, strict=True):
        if value is not None:
            task, true, false = _WRITTEN[axis]
            made[task] = {"name": task, "value": true if value else false, "acc": 1}
    return made


def _link(note: Note, relation: Relation, position: int, ids: set[str]) -> Json:
    ends = ends_of(relation, ("start", "end"), ids)
    if ends is None or relation.id != f"R{position}":
        raise refusal("MedCATtrainer", note, "relations R1, R2, ... from start to end", "others")
    first, second = map(int, ends)
    return {"relation": relation.label, "start_entity": first, "end_entity": second}


def _encode(note: Note) -> str:
    return json.dumps(_document(note), ensure_ascii=False)


MEDCAT = Format(
    suffixes=(".medcat.json",),
    looks=dict.fromkeys((".json", ".jsonl"), rb'\A\s*\{\s*"projects"\s*:\s*\['),
    split=_split,
    parse=partial(shaped, build=_build),
    write=file_writer(_encode, head=_HEAD, between=",\n", tail="\n]}]}\n"),
    holds=frozenset({"entities", "entity.concepts", "entity.assertion", "entity.score"})
    | {"relations"},
)
