"""``annotation.conf`` of a BRAT folder: the labels, roles and attributes that stand in it.

BRAT shows and edits only what its configuration names, so a folder without one opens as raw text.

References
----------
https://brat.nlplab.org/configuration.html
"""

from clinnlp.core.notes import AXES, Entity, Note, Relation
from clinnlp.io.notes.brat_lines import brat_letter, is_attribute, plain_label

__all__ = ["Conf"]

_ANY = "<ANY>"


class Conf:
    """Gathers what notes use; `text` is the configuration."""

    def __init__(self) -> None:
        self._entities: set[str] = set()
        self._links: dict[str, dict[str, set[str]]] = {"R": {}, "*": {}, "E": {}}
        self._attributes: dict[str, set[str]] = {}

    def add(self, note: Note) -> None:
        """Take in the labels of one note."""
        for entity in note.entities:
            self._entities.add(plain_label(entity.label))
        for relation in note.relations:
            known = self._links[brat_letter(relation)]
            known.setdefault(plain_label(relation.label), set()).update(relation.roles)
        things: list[Entity | Relation] = [*note.entities, *note.relations]
        for thing in things:
            for name, value in thing.attributes.items():
                if is_attribute(name, value):
                    values = {value} if isinstance(value, str) else set()
                    self._attributes.setdefault(name, set()).update(values)
            if isinstance(thing, Entity):
                for axis, truth in zip(AXES, thing.assertion.axes, strict=True):
                    if truth is not None:
                        self._attributes.setdefault(axis, set()).update(("false", "true"))

    @property
    def text(self) -> str:
        """The four sections of the file; a section without lines is needed too."""
        events = {
            label: ", ".join(f"{role}*:{_ANY}" for role in sorted(roles - {"trigger"}))
            for label, roles in self._links["E"].items()
        }
        links = {
            label: ", ".join(f"{role}:{_ANY}" for role in sorted(roles))
            for label, roles in self._links["R"].items()
        }
        same = "Arg1:<ANY>, Arg2:<ANY>, <REL-TYPE>:symmetric-transitive"
        links |= dict.fromkeys(self._links["*"], same)
        attributes = {
            name: f"Arg:{_ANY}" + (f", Value:{'|'.join(sorted(values))}" if values else "")
            for name, values in self._attributes.items()
        }
        parts = {
            "entities": dict.fromkeys(self._entities, ""),
            "relations": links,
            "events": events,
            "attributes": attributes,
        }
        return "\n".join(_section(name, lines) for name, lines in parts.items())


def _section(name: str, lines: dict[str, str]) -> str:
    listed = (f"{label}\t{rest}" if rest else label for label, rest in sorted(lines.items()))
    return "\n".join([f"[{name}]", *listed, ""])
