"""A note as values that JSON can hold, and back: the one spelling of all that a `Note` holds.

Keys are absent where a value is empty or ``None``; offsets are half-open code points into
``text``. `io.notes.jsonl` shows the keys in a table.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import (
    AXES,
    Assertion,
    Coverage,
    Entity,
    Note,
    Relation,
    Section,
    check_note,
)
from clinnlp.core.spans import Span
from clinnlp.io.notes.foreign import hint_of, named_keys

__all__ = ["NOTE_KEYS", "note_from_record", "note_to_record"]

# dicts: their order for messages, their views to compare keys quickly
_META = ("id", "text", "patient", "encounter", "time", "known", "kind", "labels")
_LAYERS = ("tokens", "sections", "sentences", "entities", "relations", "coverage", "new")
_NOTE = dict.fromkeys((*_META, *_LAYERS))
_PLACE = ("id", "start", "end", "label", "parts")
_ENTITY = dict.fromkeys((*_PLACE, "concepts", "assertion", "attributes", "score", "source"))
_RELATION = dict.fromkeys(["id", "label", "roles", "attributes", "score", "source"])
_SECTION = dict.fromkeys(["start", "end", "kind", "heading"])
_NEW = dict.fromkeys(["tokens", "pairs", "unlike"])
_ASSERTION = dict.fromkeys((*AXES, "cues"))
NOTE_KEYS = frozenset(_NOTE)
_MOST_TOKENS = 1 << 63  # as Arrow holds them
_NAMES = {str: "text", int: "a whole number", dict: "an object", list: "a list", bool: "true/false"}

Json = Mapping[str, Any]


def note_from_record(record: Json) -> Note:
    """Return the note of a parsed JSON object.

    Raises
    ------
    DataError
        Unknown keys or a value of the wrong type; `OffsetError` for a span outside the text.

    Examples
    --------
    >>> note_from_record({"id": "n1", "text": "No cough.", "sentences": [[0, 9]]})
    Note(id='n1', n_chars=9, n_entities=0, n_relations=0)
    """
    _check_keys(record, _NOTE, "a note")
    coverage = _coverage(record)
    entities = _typed(record, "entities", list) or ()
    relations = _typed(record, "relations", list) or ()
    sections = _typed(record, "sections", list)
    note = Note(
        id=_needed(record, "id", "a note"),
        text=_needed(record, "text", "a note"),
        patient=_typed(record, "patient", str),
        encounter=_typed(record, "encounter", str),
        time=_time(record, "time"),
        known=_time(record, "known"),
        kind=_typed(record, "kind", str),
        tokens=_spans(record, "tokens"),
        sections=None if sections is None else tuple(_section(s) for s in sections),
        sentences=_spans(record, "sentences"),
        entities=tuple(_entity(e, k) for k, e in enumerate(entities, 1)),
        relations=tuple(_relation(r, k) for k, r in enumerate(relations, 1)),
        labels=_texts(record, "labels"),
        coverage=coverage,
    )
    return check_note(note)


def note_to_record(note: Note) -> dict[str, Any]:
    """Return a note as values that JSON can hold; the inverse of `note_from_record`.

    Examples
    --------
    >>> note_to_record(Note(id="n1", text="No cough.", labels=("respiratory",)))
    {'id': 'n1', 'text': 'No cough.', 'labels': ['respiratory']}
    """
    record: dict[str, Any] = {"id": note.id, "text": note.text}
    _put(record, "patient", note.patient)
    _put(record, "encounter", note.encounter)
    _put(record, "time", _iso(note.time))
    _put(record, "known", _iso(note.known))
    _put(record, "kind", note.kind)
    if note.labels:
        record["labels"] = list(note.labels)
    _put(record, "tokens", _pairs(note.tokens))
    if note.sections is not None:
        record["sections"] = [_section_record(s) for s in note.sections]
    _put(record, "sentences", _pairs(note.sentences))
    if note.entities:
        record["entities"] = [_entity_record(e) for e in note.entities]
    if note.relations:
        record["relations"] = [_relation_record(r) for r in note.relations]
    if note.coverage is not None:
        record["coverage"] = [note.coverage.n_seen, note.coverage.n_total]
        if note.coverage.n_new is not None:
            record["new"] = {
                "tokens": note.coverage.n_new,
                "pairs": note.coverage.n_new_pairs,
                "unlike": note.coverage.unlike,
            }
    return record


# --- from JSON -----------------------------------------------------------------------------


def _entity(record: Json, position: int) -> Entity:
    _check_keys(record, _ENTITY, "an entity")
    parts = _spans(record, "parts") or ()
    return Entity(
        id=_typed(record, "id", str) or f"T{position}",
        span=_span([record.get("start"), record.get("end")], "an entity"),
        label=_needed(record, "label", "an entity"),
        parts=parts,
        concepts=_texts(record, "concepts"),
        assertion=_assertion(record["assertion"]) if "assertion" in record else Assertion(),
        attributes=_attributes(record),
        score=_score(record),
        source=_typed(record, "source", str),
    )


def _relation(record: Json, position: int) -> Relation:
    _check_keys(record, _RELATION, "a relation")
    roles = _typed(record, "roles", dict) or {}
    return Relation(
        id=_typed(record, "id", str) or f"R{position}",
        label=_needed(record, "label", "a relation"),
        roles={role: _texts(roles, role) for role in roles},
        attributes=_attributes(record),
        score=_score(record),
        source=_typed(record, "source", str),
    )


def _section(record: Json) -> Section:
    _check_keys(record, _SECTION, "a section")
    heading = record.get("heading")
    return Section(
        span=_span([record.get("start"), record.get("end")], "a section"),
        kind=_needed(record, "kind", "a section"),
        heading=None if heading is None else _span(heading, "a heading"),
    )


def _coverage(record: Json) -> Coverage | None:
    counts = _typed(record, "coverage", list)
    if counts is None:
        return None
    new: Json = _typed(record, "new", dict) or {}
    _check_keys(new, _NEW, "what is new of a note")
    each = [*counts, *(new.get(key) or 0 for key in ("tokens", "pairs"))]
    if [type(x) for x in each] != [int] * 4 or not all(0 <= x < _MOST_TOKENS for x in each):
        raise DataError("coverage of a note must be two whole numbers, got another form")
    return Coverage(
        n_seen=counts[0],
        n_total=counts[1],
        n_new=new.get("tokens"),
        n_new_pairs=new.get("pairs"),
        unlike=_typed(new, "unlike", bool),
    )


def _assertion(record: Json) -> Assertion:
    _check_keys(record, _ASSERTION, "an assertion")
    cues = _typed(record, "cues", dict) or {}
    if not set(cues) <= set(AXES):
        raise DataError(f"cues of an assertion must be among {', '.join(AXES)}, got another key")
    axes = {axis: _typed(record, axis, bool) for axis in AXES}
    return Assertion(**axes, cues={axis: _span(cue, "a cue") for axis, cue in cues.items()})


def _check_keys(record: Any, known: dict[str, None], whose: str) -> None:
    if type(record) is not dict:
        raise DataError(f"{whose} must be a JSON object, got {type(record).__name__}")
    if not record.keys() <= known.keys():
        other = [key for key in record if key not in known]
        said = f"keys of {whose} must be among {', '.join(known)}, got {named_keys(other)}"
        without = [key for key in ("text", "id") if record.get(key) is None]
        raise DataError(said + (hint_of(other, without=without) if known is _NOTE else ""))


def _typed(record: Json, key: str, kind: type) -> Any:
    value = record.get(key)
    if value is not None and type(value) is not kind:
        raise DataError(f"{key!r} must be {_NAMES[kind]}, got {type(value).__name__}")
    return value


def _needed(record: Json, key: str, whose: str) -> str:
    value = record.get(key)
    if type(value) is not str:
        raise DataError(f"{key!r} of {whose} must be text, got {type(value).__name__}")
    return value


def _texts(record: Json, key: str) -> tuple[str, ...]:
    values = _typed(record, key, list)
    if not values:
        return ()
    if any(type(value) is not str for value in values):
        raise DataError("a list of labels, concepts or ids must hold text only, got another type")
    return tuple(values)


def _span(value: Any, whose: str) -> Span:
    if type(value) is list and len(value) == 2:
        start, end = value
        if type(start) is int and type(end) is int:
            return Span(start, end)
    raise DataError(f"start and end of {whose} must be two whole numbers, got another form")


def _spans(record: Json, key: str) -> tuple[Span, ...] | None:
    values = _typed(record, key, list)
    return None if values is None else tuple(_span(value, key) for value in values)


def _attributes(record: Json) -> dict[str, Any]:
    values = _typed(record, "attributes", dict)
    if not values:
        return {}
    if any(type(v) not in (str, int, float, bool, type(None)) for v in values.values()):
        raise DataError("values of attributes must be text, numbers, true, false or null")
    return dict(values)


def _score(record: Json) -> float | None:
    value = record.get("score")
    if value is not None and type(value) not in (int, float):
        raise DataError(f"'score' must be a number, got {type(value).__name__}")
    return None if value is None else float(value)


def _time(record: Json, key: str) -> datetime | None:
    value = _typed(record, key, str)
    if value is None:
        return None
    refusal = DataError(f"{key!r} must be an ISO 8601 time such as 2024-03-01T08:00:00")
    with instead_of(ValueError, refusal):
        return datetime.fromisoformat(value)


# --- to JSON -------------------------------------------------------------------------------


def _put(record: dict[str, Any], key: str, value: Any) -> None:
    if value is not None:
        record[key] = value


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _pairs(spans: tuple[Span, ...] | None) -> list[list[int]] | None:
    return None if spans is None else [list(span) for span in spans]


def _entity_record(entity: Entity) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": entity.id,
        "start": entity.span.start,
        "end": entity.span.end,
        "label": entity.label,
    }
    if entity.parts:
        record["parts"] = [list(part) for part in entity.parts]
    if entity.concepts:
        record["concepts"] = list(entity.concepts)
    assertion = _assertion_record(entity.assertion)
    if assertion:
        record["assertion"] = assertion
    if entity.attributes:
        record["attributes"] = dict(entity.attributes)
    _put(record, "score", entity.score)
    _put(record, "source", entity.source)
    return record


def _assertion_record(assertion: Assertion) -> dict[str, Any]:
    record: dict[str, Any] = {
        axis: value for axis, value in zip(AXES, assertion.axes, strict=True) if value is not None
    }
    if assertion.cues:
        record["cues"] = {axis: list(cue) for axis, cue in assertion.cues.items()}
    return record


def _relation_record(relation: Relation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": relation.id,
        "label": relation.label,
        "roles": {role: list(ids) for role, ids in relation.roles.items()},
    }
    if relation.attributes:
        record["attributes"] = dict(relation.attributes)
    _put(record, "score", relation.score)
    _put(record, "source", relation.source)
    return record


def _section_record(section: Section) -> dict[str, Any]:
    record: dict[str, Any] = {
        "start": section.span.start,
        "end": section.span.end,
        "kind": section.kind,
    }
    _put(record, "heading", None if section.heading is None else list(section.heading))
    return record
