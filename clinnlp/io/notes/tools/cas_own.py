"""What this library writes into a CAS: a layer of mentions, one of relations, and the rest.

=========================== ===============================================================
type                        features
=========================== ===============================================================
``clinnlp.Mention``         ``label``, ``identifier`` (the first concept); the axes of the
                            assertion as ``true`` or ``false``; ``extras``
``clinnlp.Relation``        ``label``, ``Governor`` and ``Dependent``; ``extras``
``clinnlp.Note``            over the whole text: ``extras``
=========================== ===============================================================

``extras`` is JSON with what has no feature of its own, as `io.notes.records` spells it, so that
everything comes back. What people change in a tool are the features, which are read first.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from clinnlp.core.errors import located
from clinnlp.core.notes import AXES, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.source import Document
from clinnlp.io.notes.offsets import to_utf16
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = [
    "MENTION",
    "NOTE",
    "OWN",
    "RELATION",
    "SENTENCE",
    "TOKEN",
    "TYPES",
    "Made",
    "completed",
    "own_entity",
    "own_relation",
    "structures_of",
]

OWN = "clinnlp."
MENTION, RELATION, NOTE = f"{OWN}Mention", f"{OWN}Relation", f"{OWN}Note"
_SEGMENTATION = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type."
TOKEN, SENTENCE = f"{_SEGMENTATION}Token", f"{_SEGMENTATION}Sentence"
_STRING = "uima.cas.String"
# of each type, its features and what they hold
TYPES: Mapping[str, Mapping[str, str]] = {
    MENTION: dict.fromkeys(("label", "identifier", *AXES, "extras"), _STRING),
    RELATION: {"Governor": MENTION, "Dependent": MENTION, "label": _STRING, "extras": _STRING},
    NOTE: {"extras": _STRING},
    TOKEN: {},
    SENTENCE: {},
}
_ENDS = ("Governor", "Dependent")
_TRUTH = {"true": True, "false": False}

Json = dict[str, Any]


class Made(NamedTuple):
    """A structure to write: its type, features in text, and which others it leads to."""

    id: int
    type: str
    begin: int
    end: int
    features: dict[str, str]
    refs: dict[str, int]


# --- reading -------------------------------------------------------------------------------


def own_entity(features: Mapping[str, str], span: Span, text: str, document: Document) -> Entity:
    """Return the mention of a structure of the own layer."""
    extras = _extras(features, document)
    axes = {axis: _TRUTH[features[axis]] for axis in AXES if features.get(axis) in _TRUTH}
    cues = {"cues": extras.pop("cues")} if "cues" in extras else {}
    concepts = extras.pop("concepts", [features["identifier"]] if "identifier" in features else [])
    record = {
        **extras,
        "start": span.start,
        "end": span.end,
        "label": features.get("label", ""),
        "concepts": concepts,
        "assertion": {**axes, **cues},
    }
    with located(document.path, document.line):
        return note_from_record({"id": "", "text": text, "entities": [record]}).entities[0]


def own_relation(
    features: Mapping[str, str], roles: Mapping[str, tuple[str, ...]], document: Document
) -> Relation:
    """Return the relation of a structure of the own layer."""
    extras = _extras(features, document)
    names = extras.pop("roles", list(roles))
    if not isinstance(names, list) or len(names) != len(roles):
        raise document.wrong("extras must be the JSON that this library wrote")
    ends = {name: list(ids) for name, ids in zip(names, roles.values(), strict=True)}
    record = {**extras, "label": features.get("label", ""), "roles": ends}
    with located(document.path, document.line):
        return note_from_record({"id": "", "text": "", "relations": [record]}).relations[0]


def completed(note: Note, features: Mapping[str, str], document: Document) -> Note:
    """Return a note with what only its own structure holds, relations at their places."""
    extras = _extras(features, document)
    record = note_to_record(note)
    links = record.pop("relations", [])
    for at, link in extras.pop("relations", []):
        links.insert(at, link)
    with located(document.path, document.line):
        return note_from_record({**record, "relations": links, **extras})


def _extras(features: Mapping[str, str], document: Document) -> Json:
    value = json_value(features.get("extras") or "{}")
    if not isinstance(value, dict):
        raise document.wrong("extras must be the JSON that this library wrote")
    return value


# --- writing -------------------------------------------------------------------------------


def structures_of(note: Note, first: int) -> Iterator[Made]:
    """Yield the structures that a note becomes, their ids from `first`."""
    record = note_to_record(note)
    del record["id"], record["text"]
    number = count(first)
    spans = {SENTENCE: ("sentences", note.sentences), TOKEN: ("tokens", note.tokens)}
    for kind, (key, found) in spans.items():
        if found and list(found) == sorted(found):  # in the order that structures have
            del record[key]
            yield from (_made(note, next(number), kind, span) for span in found)
    ids: dict[str, int] = {}
    for entity, said in zip(note.entities, record.pop("entities", []), strict=True):
        ids[entity.id] = next(number)
        yield _made(note, ids[entity.id], MENTION, entity.span, _of_entity(entity, said))
    spans_of = {entity.id: entity.span for entity in note.entities}
    left: list[Any] = []
    for k, (link, said) in enumerate(zip(note.relations, record.pop("relations", []), strict=True)):
        ends = _pair(link, ids)
        if ends:
            refs = {name: ids[end] for name, end in zip(_ENDS, ends, strict=True)}
            features = _of_relation(link, said)
            yield _made(note, next(number), RELATION, spans_of[ends[1]], features, refs)
        else:
            left.append([k, said])
    record |= {"relations": left} if left else {}
    extras = {"extras": _json(record)} if record else {}
    yield Made(next(number), NOTE, 0, to_utf16(note.text, len(note.text)), extras, {})


def _pair(relation: Relation, ids: Mapping[str, int]) -> tuple[str, ...]:
    """Return the two mentions of a relation that joins as many, or nothing."""
    ends = tuple(end for listed in relation.roles.values() for end in listed)
    paired = len(relation.roles) == len(ends) == len(_ENDS)
    return ends if paired and all(end in ids for end in ends) else ()


def _made(
    note: Note,
    number: int,
    kind: str,
    span: Span,
    features: dict[str, str] | None = None,
    refs: dict[str, int] | None = None,
) -> Made:
    begin, end = to_utf16(note.text, span.start), to_utf16(note.text, span.end)
    return Made(number, kind, begin, end, features or {}, refs or {})


def _of_entity(entity: Entity, record: Json) -> dict[str, str]:
    axes = {
        axis: str(value).lower()
        for axis, value in zip(AXES, entity.assertion.axes, strict=True)
        if value is not None
    }
    said = {"label": entity.label, **axes}
    extras = {k: v for k, v in record.items() if k not in ("start", "end", "label", "assertion")}
    if "cues" in record.get("assertion", {}):
        extras["cues"] = record["assertion"]["cues"]
    if len(entity.concepts) == 1:
        said["identifier"] = extras.pop("concepts")[0]
    return {**said, "extras": _json(extras)}


def _of_relation(relation: Relation, record: Json) -> dict[str, str]:
    extras = {k: v for k, v in record.items() if k != "label"}
    return {"label": relation.label, "extras": _json({**extras, "roles": list(relation.roles)})}


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
