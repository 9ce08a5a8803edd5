"""Relations as a table: one row for each pair of ends, with what is said of it.

An axis of a row is what the relation itself says (its attribute of that name); a relation that says
nothing of an axis has that of its ends: 1 where it is true of one, 0 where it is false of both. Of
a relation by a rule the ends speak only through its attributes, where the rule has weighed them.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from sys import intern
from typing import Any

from clinnlp.core.checks import check_several
from clinnlp.core.notes import AXES, Entity, Note, Relation
from clinnlp.core.tables import RelationTable
from clinnlp.core.times import naive_utc

__all__ = ["relation_table"]


def relation_table(notes: Iterable[Note]) -> RelationTable:
    """Return one row per pair of ends of each relation, in the order of notes and relations.

    Parameters
    ----------
    notes : iterable of Note
        Read once; only the columns are kept. Times with a zone are turned into UTC.

    Returns
    -------
    RelationTable
        Ends that are relations themselves make no row.

    Raises
    ------
    ArgumentError
        One note, or text, in place of several notes.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Problem"),
    ...         Entity(id="T2", span=Span(12, 23), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> note = Note(id="n", text="Rash due to amoxicillin", entities=ends, relations=(said,))
    >>> table = relation_table([note])
    >>> table["label"].tolist(), table["first_text"].tolist(), table["second_text"].tolist()
    (['causes'], ['amoxicillin'], ['Rash'])
    """
    check_several(notes, name="notes")
    rows = (row for note in notes if note.relations for row in _rows(note))
    return RelationTable.from_rows(rows)


def _rows(note: Note) -> Iterable[dict[str, Any]]:
    entities = {entity.id: entity for entity in note.entities}
    inner = {relation.id for relation in note.relations} - entities.keys()
    head = {
        "note": note.id,
        "patient": note.patient,
        "encounter": note.encounter,
        "time": naive_utc(note.time),
        "known": naive_utc(note.known),
    }
    texts = _texts(note)
    for relation in note.relations:
        said = _said(relation)
        ends = [(role, name) for role, names in relation.roles.items() for name in names]
        for pair in combinations([end for end in ends if end[1] not in inner], 2):
            mentions = [entities[name] for _, name in pair if name in entities]
            row = {**head, **said, **_place(note, mentions), **_flags(relation, mentions)}
            for place, (role, name) in zip(("first", "second"), pair, strict=True):
                entity = entities.get(name)
                row |= _end(place, note, entity) if entity else _concept(place, name, texts)
                row[f"{place}_role"] = intern(role)
            yield row


def _said(relation: Relation) -> dict[str, Any]:
    return {
        "relation": relation.id,
        "label": intern(relation.label),
        "rule": _text(relation.attributes.get("rule")),
        "score": float("nan") if relation.score is None else relation.score,
        "source": relation.source,
    }


def _texts(note: Note) -> dict[str, str]:
    """Return the text of the first mention of each concept."""
    texts: dict[str, str] = {}
    for entity in note.entities:
        for concept in entity.concepts:
            texts.setdefault(concept, note.mention(entity))
    return texts


def _end(place: str, note: Note, entity: Entity) -> dict[str, Any]:
    return {
        place: entity.id,
        f"{place}_label": intern(entity.label),
        f"{place}_text": note.mention(entity),
        f"{place}_concept": intern(entity.concepts[0]) if entity.concepts else None,
    }


def _concept(place: str, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    return {f"{place}_concept": name, f"{place}_text": texts.get(name)}


def _place(note: Note, mentions: list[Entity]) -> dict[str, int]:
    if not mentions:
        return {"start": 0, "end": len(note.text)}
    spans = [mention.span for mention in mentions]
    return {"start": min(s.start for s in spans), "end": max(s.end for s in spans)}


def _flags(relation: Relation, mentions: list[Entity]) -> dict[str, int]:
    flags = {}
    for axis in AXES:
        own = relation.attributes.get(axis)
        if own is None:
            own = _of_ends([getattr(mention.assertion, axis) for mention in mentions])
            own = False if own and "rule" in relation.attributes else own  # it has weighed them
        flags[axis] = -1 if own is None else int(bool(own))
    return flags


def _of_ends(values: list[bool | None]) -> bool | None:
    """Return what ends say: yes where one does, no where all do."""
    if True in values:
        return True
    return False if values and None not in values else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
