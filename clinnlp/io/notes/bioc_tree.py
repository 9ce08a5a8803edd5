"""The tree of a BioC document, in the form of its JSON, to a note and back; see `bioc`.

What BioC has no place for goes into one infon ``clinnlp``, so that nothing is lost.

The offset of a passage is only a claim, and the gap before it is filled with line breaks. So all
gaps of a document together are bounded: ten times its text, and 1,048,576 characters in any case.
The corpora leave 11 at most; an article of which only some passages are kept leaves as much as the
rest of it, and whole articles are shorter than the bound by far.
"""

import json
from bisect import bisect_right
from collections import Counter

from clinnlp.core.errors import DataError, OffsetError, instead_of
from clinnlp.core.notes import Entity, Note, Relation, Section, check_note
from clinnlp.core.spans import Span, cover
from clinnlp.io.files.source import Document
from clinnlp.io.notes.bioc_relations import (
    EXTRAS,
    FOUND_PAIR,
    LABELS,
    PAIR,
    Tree,
    check_nodes,
    extras_of,
    infons_of,
    relation_of,
    typed,
)
from clinnlp.io.notes.offsets import place
from clinnlp.io.notes.pubtator import concepts_in
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = ["Tree", "note_of_tree", "tree_of_note"]

_TYPE = "type"
_CONCEPTS = ("identifier", "MESH")
_OWN = {*_CONCEPTS, *LABELS, *PAIR, *FOUND_PAIR, EXTRAS}
_ENTITY_EXTRAS = ("concepts", "assertion", "attributes", "score", "source")
_LINK_EXTRAS = ("roles", "attributes", "score", "source")
_LEAST_ROOM = 1 << 20  # characters that the gaps of a document may have together in any case
_ROOM = 10  # for each character of its text


# --- tree to note --------------------------------------------------------------------------


def note_of_tree(tree: Tree, document: Document) -> Note:
    """Return the note of a document in the form of BioC JSON.

    Raises
    ------
    DataError
        A value of another type, passages that overlap, a mention that is not its text.
    """

    def refusal(error: Exception) -> DataError:
        if isinstance(error, DataError):
            return error.at(document.path, document.line)
        return document.wrong("a document must be of the form of BioC, got a value of another type")

    foreign = (TypeError, KeyError, ValueError, AttributeError, RecursionError)
    with instead_of(foreign, refusal):
        return _built(tree, document)


def _built(tree: Tree, document: Document) -> Note:
    passages = typed(tree.get("passages", []), list)
    sentences = [s for p in passages for s in p.get("sentences", [])]
    found = _all(tree, passages, sentences, "annotations")
    links = _all(tree, passages, sentences, "relations")
    text, bounds = _text_of(passages, document)
    before = Counter(document.repairs or {})
    try:
        entities = _entities(found, text, document)
    except OffsetError:
        if document.repairs is None or sentences:
            raise
        document.repairs.subtract(document.repairs - before)  # of the try that failed
        text, bounds = _text_of(_packed(passages), document)
        entities = _entities(found, text, document)
        document.repairs["offset of a passage"] += 1
    note = Note(
        id=typed(tree["id"], str),
        text=text,
        sections=_sections(passages, bounds),
        sentences=_sentence_spans(sentences) if sentences else None,
        entities=entities,
        relations=tuple(relation_of(r, k) for k, r in enumerate(links, 1)),
    )
    check_nodes(links, note, document)
    extras = extras_of(tree.get("infons", {}))
    if extras:
        note = note_from_record({**note_to_record(note), **extras})
    return check_note(note)


def _packed(passages: list[Tree]) -> list[Tree]:
    """Return passages one line break apart, whatever their offsets say."""
    at, made = 0, []
    for passage in passages:
        made.append({**passage, "offset": at})
        at += len(passage.get("text", "")) + 1
    return made


def _sections(passages: list[Tree], bounds: list[Span | None]) -> tuple[Section, ...] | None:
    kinds = [p.get("infons", {}).get(_TYPE) for p in passages]
    if not all(kinds) or not any(bounds):
        return None
    pairs = zip(bounds, kinds, strict=True)
    return tuple(Section(span=span, kind=typed(kind, str)) for span, kind in pairs if span)


def _all(tree: Tree, passages: list[Tree], sentences: list[Tree], kind: str) -> list[Tree]:
    return [one for part in (*passages, *sentences, tree) for one in part.get(kind, [])]


def _text_of(passages: list[Tree], document: Document) -> tuple[str, list[Span | None]]:
    """Return the text, and where each passage stands in it."""
    text = ""
    bounds: list[Span | None] = []
    parts = [p.get("sentences", []) if not _has_text(p) else [p] for p in passages]
    n_held = sum(len(typed(part.get("text", ""), str)) for each in parts for part in each)
    most = room = max(_LEAST_ROOM, _ROOM * n_held)
    for each in parts:
        begins: list[int] = []
        for part in each:
            offset, words = typed(part["offset"], int), part.get("text", "")
            if offset < len(text):
                raise document.wrong(
                    f"passages must follow one another, got one at {offset} behind a text of "
                    f"{len(text)} characters; offsets must count characters"
                )
            gap = offset - len(text)
            room -= gap
            if room < 0:
                raise document.wrong(
                    f"passages of {n_held} characters must leave at most {most} between them, got "
                    "an offset beyond; offsets must count characters of the document"
                )
            text += "\n" * gap + words
            begins.append(offset)
        bounds.append(Span(begins[0], len(text)) if begins and begins[0] < len(text) else None)
    return text, bounds


def _has_text(passage: Tree) -> bool:
    """Return whether a passage has a text of its own; some write an empty one beside sentences."""
    return bool(passage.get("text")) or ("text" in passage and not passage.get("sentences"))


def _sentence_spans(sentences: list[Tree]) -> tuple[Span, ...]:
    return tuple(Span(s["offset"], s["offset"] + len(s["text"])) for s in sentences if s["text"])


def _entities(found: list[Tree], text: str, document: Document) -> tuple[Entity, ...]:
    return tuple(_entity(tree, k, text, document) for k, tree in enumerate(found, 1))


def _entity(tree: Tree, position: int, text: str, document: Document) -> Entity:
    infons = infons_of(tree)
    bounds = [(x["offset"], x["offset"] + x["length"]) for x in tree["locations"]]
    if not bounds:
        raise document.wrong("an annotation must have a location, got none", tree.get("line"))
    mention = tree.get("text")
    pieces = place(document, text, bounds, mention, line=tree.get("line"))
    entity = Entity(
        id=str(tree.get("id") or f"T{position}"),
        span=cover(pieces) if len(pieces) > 1 else pieces[0],
        label=infons.get(_TYPE, ""),
        parts=pieces if len(pieces) > 1 else (),
        concepts=_concepts(infons),
        attributes={k: v for k, v in infons.items() if k not in (_TYPE, *_CONCEPTS, EXTRAS)},
    )
    return entity if EXTRAS not in infons else _completed(entity, extras_of(infons), text)


def _concepts(infons: dict[str, str]) -> tuple[str, ...]:
    filled = (infons[key] for key in _CONCEPTS if infons.get(key))
    return tuple(concept for value in filled for concept in concepts_in(value))


def _completed(entity: Entity, extras: Tree, text: str) -> Entity:
    """Return the entity with the fields that BioC has no place for."""
    extras["attributes"] = {**entity.attributes, **extras.get("attributes", {})}
    bare = Note(id="", text=text, entities=(entity,))
    record = note_to_record(bare)["entities"][0] | extras
    return note_from_record({"id": "", "text": text, "entities": [record]}).entities[0]


# --- note to tree --------------------------------------------------------------------------


def tree_of_note(note: Note) -> Tree:
    """Return a note in the form of BioC JSON; the inverse of `note_of_tree`."""
    record = note_to_record(note)
    entities, links = record.pop("entities", []), record.pop("relations", [])
    cut = _cut(note)
    if cut is not None:
        del record["sections"]
    passages = cut or [(0, len(note.text), None)]
    held = _annotations(note, entities, [start for start, *_ in passages])
    ends = {e.id for e in note.entities} | {r.id for r in note.relations}
    extras = {key: value for key, value in record.items() if key not in ("id", "text")}
    return {
        "id": note.id,
        "infons": _with_extras({}, extras),
        "passages": [_passage(note, p, found) for p, found in zip(passages, held, strict=True)],
        "relations": [_link(ends, r, raw) for r, raw in zip(note.relations, links, strict=True)],
    }


def _annotations(note: Note, records: list[Tree], starts: list[int]) -> list[list[Tree]]:
    """Return the annotations of each passage."""
    held: list[list[Tree]] = [[] for _ in starts]
    for entity, raw in zip(note.entities, records, strict=True):
        held[bisect_right(starts, entity.span.start) - 1].append(_annotation(note, entity, raw))
    return held


def _passage(note: Note, passage: tuple[int, int, str | None], annotations: list[Tree]) -> Tree:
    start, end, kind = passage
    return {
        "offset": start,
        "infons": {} if kind is None else {_TYPE: kind},
        "text": note.text[start:end],
        "annotations": annotations,
    }


def _cut(note: Note) -> list[tuple[int, int, str | None]] | None:
    """Return the passages that the sections are, where nothing but line breaks is between."""
    sections = note.sections
    if not sections or any(s.heading or not s.kind for s in sections):
        return None
    if not _covers(sections, note.text) or not _in_order(sections, note.entities):
        return None
    return [(s.span.start, s.span.end, s.kind) for s in sections]


def _covers(sections: tuple[Section, ...], text: str) -> bool:
    """Return whether sections follow one another to the end, with line breaks between at most."""
    at = 0
    for section in sections:
        if section.span.start < at or text[at : section.span.start].strip("\n"):
            return False
        at = section.span.end
    return at >= len(text)


def _in_order(sections: tuple[Section, ...], entities: tuple[Entity, ...]) -> bool:
    """Return whether each entity begins in a section, and none in one before that of the last."""
    starts = [section.span.start for section in sections]
    where = [bisect_right(starts, e.span.start) - 1 for e in entities]
    inside = (
        k >= 0 and e.span.start < sections[k].span.end for k, e in zip(where, entities, strict=True)
    )
    return where == sorted(where) and all(inside)


def _annotation(note: Note, entity: Entity, record: Tree) -> Tree:
    infons = {_TYPE: entity.label}
    extras = {key: record[key] for key in _ENTITY_EXTRAS if key in record}
    for between in "|,":
        joined = between.join(entity.concepts)
        if entity.concepts and concepts_in(joined) == entity.concepts:
            infons["identifier"] = joined
            extras.pop("concepts", None)
    return {
        "id": entity.id,
        "infons": _with_attributes(infons, extras),
        "locations": [{"offset": p.start, "length": p.length} for p in entity.pieces],
        "text": " ".join(note[piece] for piece in entity.pieces),
    }


def _link(known: set[str], relation: Relation, record: Tree) -> Tree:
    infons = {_TYPE: relation.label}
    extras = {key: record[key] for key in _LINK_EXTRAS if key in record}
    nodes: list[Tree] = []
    if _has_named_ends(relation):
        nodes = _nodes(known, relation)
        if not nodes and tuple(relation.roles) == tuple(PAIR.values()):
            infons |= _concept_pair(relation)
    if nodes or len(infons) > 1:
        del extras["roles"]
    tree = {"id": relation.id, "infons": _with_attributes(infons, extras)}
    return {**tree, "nodes": nodes}


def _has_named_ends(relation: Relation) -> bool:
    """Return whether there are roles, each with a name and an end at least."""
    roles = relation.roles
    return bool(roles) and all(role and ends for role, ends in roles.items())


def _nodes(known: set[str], relation: Relation) -> list[Tree]:
    """Return the ends of a relation as nodes, or none where one is no mention or relation."""
    pairs = [(role, end) for role, ends in relation.roles.items() for end in ends]
    if not all(end in known for _, end in pairs):
        return []
    return [{"refid": end, "role": role} for role, end in pairs]


def _concept_pair(relation: Relation) -> dict[str, str]:
    """Return the infons of a relation between concepts, where they give its ends back."""
    made: dict[str, str] = {}
    for key, role in PAIR.items():
        for between in "|,":
            joined = between.join(relation.roles[role])
            if (concepts_in(joined) or (joined,)) == relation.roles[role]:
                made[key] = joined
    return made if len(made) == len(PAIR) else {}


def _with_attributes(infons: dict[str, str], extras: Tree) -> dict[str, str]:
    """Move attributes that are text into infons, the rest and `extras` into the last one."""
    attributes = extras.pop("attributes", {})
    plain = {k: v for k, v in attributes.items() if type(v) is str and k and k not in _OWN}
    others = {k: v for k, v in attributes.items() if k not in plain}
    if others:
        extras["attributes"] = others
    return _with_extras({**infons, **plain}, extras)


def _with_extras(infons: dict[str, str], extras: Tree) -> dict[str, str]:
    if not extras:
        return infons
    return {**infons, EXTRAS: json.dumps(extras, ensure_ascii=False, separators=(",", ":"))}
