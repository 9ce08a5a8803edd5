"""Notes, mentions and relations as JSON, in one spelling, so that equal things have equal hashes.

A mention is ``{id, start, end, label, parts, concepts, axes, cues, attributes, score, source}``,
where keys of nothing are absent; `canonical` sorts keys and writes ASCII alone, since neither
database takes every character that a text may hold.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from clinnlp.core.notes import AXES, Assertion, Entity, Note, Relation, Section
from clinnlp.core.spans import Span

__all__ = [
    "Json",
    "Row",
    "canonical",
    "entity_from",
    "entity_to",
    "note_from",
    "note_to",
    "relation_from",
    "relation_to",
    "sha256_of",
    "text_sha256",
]

Json = dict[str, Any]
Row = Mapping[Any, Any]  # of the database, by the names of its columns
_PLAIN = ("patient", "encounter", "kind")
_TIMES = ("time", "known")


def canonical(value: Any) -> str:
    """Return a value of JSON in its one spelling.

    Examples
    --------
    >>> canonical({"b": 1, "a": "é"})
    '{"a":"\\\\u00e9","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of a value of JSON, as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text; lone surrogates count as they stand."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def entity_to(entity: Entity) -> Json:
    """Return a mention as JSON.

    Examples
    --------
    >>> entity_to(Entity(id="T1", span=Span(0, 4), label="Drug"))
    {'id': 'T1', 'start': 0, 'end': 4, 'label': 'Drug'}
    """
    said = entity.assertion
    made: Json = {
        "id": entity.id,
        "start": entity.span.start,
        "end": entity.span.end,
        "label": entity.label,
        "parts": [[part.start, part.end] for part in entity.parts],
        "concepts": list(entity.concepts),
        "axes": {axis: getattr(said, axis) for axis in AXES if getattr(said, axis) is not None},
        "cues": {axis: [cue.start, cue.end] for axis, cue in said.cues.items()},
        "attributes": dict(entity.attributes),
    }
    made = {key: value for key, value in made.items() if value not in ([], {})}
    return made | _said(score=entity.score, source=entity.source)


def entity_from(made: Mapping[str, Any]) -> Entity:
    """Return the mention of its JSON; the inverse of `entity_to`."""
    cues = {axis: Span(*ends) for axis, ends in made.get("cues", {}).items()}
    return Entity(
        id=made["id"],
        span=Span(made["start"], made["end"]),
        label=made["label"],
        parts=tuple(Span(*ends) for ends in made.get("parts", ())),
        concepts=tuple(made.get("concepts", ())),
        assertion=Assertion(**made.get("axes", {}), cues=cues),
        attributes=made.get("attributes", {}),
        score=made.get("score"),
        source=made.get("source"),
    )


def relation_to(relation: Relation) -> Json:
    """Return a relation as JSON."""
    made: Json = {
        "id": relation.id,
        "label": relation.label,
        "roles": {role: list(ends) for role, ends in relation.roles.items()},
    }
    made |= {"attributes": dict(relation.attributes)} if relation.attributes else {}
    return made | _said(score=relation.score, source=relation.source)


def relation_from(made: Mapping[str, Any]) -> Relation:
    """Return the relation of its JSON; the inverse of `relation_to`."""
    return Relation(
        id=made["id"],
        label=made["label"],
        roles={role: tuple(ends) for role, ends in made["roles"].items()},
        attributes=made.get("attributes", {}),
        score=made.get("score"),
        source=made.get("source"),
    )


def note_to(note: Note) -> Json:
    """Return a note as JSON, without its mentions, relations and labels, which are judged."""
    made: Json = {"id": note.id, "text": note.text}
    made |= _said(**{name: getattr(note, name) for name in _PLAIN})
    times = {name: getattr(note, name) for name in _TIMES}
    made |= {name: time.isoformat() for name, time in times.items() if time is not None}
    made |= _said(tokens=_pairs(note.tokens), sentences=_pairs(note.sentences))
    if note.sections is not None:
        made["sections"] = [_section_to(section) for section in note.sections]
    return made


def note_from(
    made: Mapping[str, Any],
    *,
    entities: Iterable[Entity] = (),
    relations: Iterable[Relation] = (),
    labels: Iterable[str] = (),
) -> Note:
    """Return the note of its JSON, with what was judged in it."""
    sections = made.get("sections")
    plain: Json = {name: made.get(name) for name in _PLAIN}
    plain |= {name: datetime.fromisoformat(made[name]) for name in _TIMES if name in made}
    return Note(
        id=made["id"],
        text=made["text"],
        **plain,
        tokens=_spans(made.get("tokens")),
        sentences=_spans(made.get("sentences")),
        sections=None if sections is None else tuple(map(_section_from, sections)),
        entities=tuple(entities),
        relations=tuple(relations),
        labels=tuple(labels),
    )


def _said(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _pairs(spans: Iterable[Span] | None) -> list[list[int]] | None:
    return None if spans is None else [[span.start, span.end] for span in spans]


def _spans(pairs: Iterable[tuple[int, int]] | None) -> tuple[Span, ...] | None:
    return None if pairs is None else tuple(Span(*pair) for pair in pairs)


def _section_to(section: Section) -> Json:
    made: Json = {"start": section.span.start, "end": section.span.end, "kind": section.kind}
    if section.heading is not None:
        made["heading"] = [section.heading.start, section.heading.end]
    return made


def _section_from(made: Mapping[str, Any]) -> Section:
    heading = made.get("heading")
    return Section(
        span=Span(made["start"], made["end"]),
        kind=made["kind"],
        heading=None if heading is None else Span(*heading),
    )
