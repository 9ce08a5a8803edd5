"""What the parts of a BioC tree say, and its relations: to those of a note.

The ends of a relation are nodes, which lead to annotations, relations or concepts of the document,
or infons with concepts: of a pair (BioRED, PubTator 3), or each of them (BC5CDR).
"""

import re
from contextlib import suppress
from typing import Any

from clinnlp.core.notes import Note, Relation
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.source import Document
from clinnlp.io.notes.pubtator import concepts_in
from clinnlp.io.notes.records import note_from_record

__all__ = [
    "EXTRAS",
    "LABELS",
    "PAIR",
    "Tree",
    "check_nodes",
    "extras_of",
    "infons_of",
    "relation_of",
    "typed",
]

Tree = dict[str, Any]

EXTRAS = "clinnlp"
LABELS = ("type", "relation")
PAIR = {"entity1": "Arg1", "entity2": "Arg2"}
FOUND_PAIR = {"role1": "Arg1", "role2": "Arg2"}  # of PubTator 3, whose nodes name no annotation
_KIND_BEFORE = re.compile(r"[A-Za-z]+\|")  # "Chemical|MESH:D000658"


def relation_of(tree: Tree, position: int) -> Relation:
    """Return a relation; one without an id is called by its position."""
    infons = infons_of(tree)
    extras = extras_of(infons)
    label = next((infons[key] for key in LABELS if key in infons), "")
    rest = {k: v for k, v in infons.items() if k not in (*LABELS, EXTRAS)}
    roles: dict[str, list[str]] = {}
    if _is_found_pair(tree):
        roles = _roles_of_found_pair(tree, rest)
        extras = _score_of(rest) | extras
    else:
        for k, node in enumerate(tree.get("nodes", []), 1):
            roles.setdefault(node.get("role") or f"Arg{k}", []).append(str(node["refid"]))
        if not roles and "roles" not in extras:
            roles = _roles_from(rest)
    attributes = {**rest, **extras.pop("attributes", {})}
    record: Tree = {"id": str(tree.get("id") or f"R{position}"), "label": label, "roles": roles}
    record |= {"attributes": attributes, **extras}
    return note_from_record({"id": "", "text": "", "relations": [record]}).relations[0]


def _is_found_pair(tree: Tree) -> bool:
    return FOUND_PAIR.keys() <= {*tree.get("infons", {})}


def _roles_of_found_pair(tree: Tree, infons: dict[str, str]) -> dict[str, list[str]]:
    """Take the concepts that PubTator 3 relates out of its infons, as text or as objects."""
    roles = {}
    for key, role in FOUND_PAIR.items():
        value, said = tree["infons"][key], infons.pop(key)
        code = str(value.get("identifier")) if isinstance(value, dict) else said
        bare = _KIND_BEFORE.sub("", code, count=1) if _KIND_BEFORE.match(code) else code
        roles[role] = list(concepts_in(bare)) or [bare]
    return roles


def _score_of(infons: dict[str, str]) -> Tree:
    """Take the score out of infons where it is a probability."""
    with suppress(ValueError):
        score = float(infons.get("score", ""))
        if 0 <= score <= 1:
            del infons["score"]
            return {"score": score}
    return {}


def check_nodes(links: list[Tree], note: Note, document: Document) -> None:
    """Refuse a node that is no annotation, relation or concept of the document.

    Documents without annotations may relate concepts of elsewhere.

    Raises
    ------
    DataError
        Such a node, with the line of its relation.
    """
    if not note.entities:
        return
    known = {r.id for r in note.relations}
    known |= {end for e in note.entities for end in (e.id, *e.concepts)}
    for link in links:
        if not all(_leads(str(node["refid"]), known) for node in _nodes_of(link)):
            raise document.wrong(
                "each node of a relation must be an annotation, a relation or a concept of its "
                "document, got another id",
                link.get("line"),
            )


def _leads(refid: str, known: set[str]) -> bool:
    return refid in known or known.issuperset(concepts_in(refid) or (refid,))


def _nodes_of(tree: Tree) -> list[Tree]:
    """Return the nodes of a relation that are its ends."""
    return [] if _is_found_pair(tree) else tree.get("nodes", [])


def _roles_from(infons: dict[str, str]) -> dict[str, list[str]]:
    """Take the ends of a relation that has no nodes out of its infons: of a pair, or all."""
    ends = PAIR if PAIR.keys() & infons.keys() else {key: key for key in infons}
    values = {role: infons.pop(key, "") for key, role in ends.items()}
    return {role: list(concepts_in(value)) or [value] for role, value in values.items()}


def infons_of(tree: Tree) -> dict[str, str]:
    """Return the infons of a part, all values as text."""
    infons = typed(tree.get("infons", {}), dict)
    return {key: value if type(value) is str else str(value) for key, value in infons.items()}


def extras_of(infons: Tree) -> Tree:
    """Return what the infon ``clinnlp`` holds."""
    extras: Tree = typed(json_value(infons.get(EXTRAS) or "{}"), dict)
    return extras


def typed(value: Any, kind: type) -> Any:
    """Return a value of just this type, or raise `TypeError`."""
    if type(value) is not kind:
        raise TypeError
    return value
