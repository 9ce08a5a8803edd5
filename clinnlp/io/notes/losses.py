"""What a format cannot hold of a note: named, so that it is refused and never dropped.

A format says in a set `HOLDS` which fields it keeps: fields of a note by their name, of an
entity as ``"entity.concepts"``, of a relation as ``"relation.attributes"``. Id, text, spans,
labels of entities and of relations and roles go with ``"entities"`` and ``"relations"``.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note

__all__ = ["EVERYTHING", "check_kept", "find_losses", "refusal"]

_NOTE = (
    *("patient", "encounter", "time", "known", "kind", "tokens", "sections", "sentences"),
    *("entities", "relations", "labels", "coverage"),
)
_ENTITY = ("parts", "concepts", "assertion", "attributes", "score", "source")
_RELATION = ("attributes", "score", "source")

EVERYTHING = (
    frozenset(_NOTE) | {f"entity.{f}" for f in _ENTITY} | {f"relation.{f}" for f in _RELATION}
)


def refusal(form: str, note: Note, holds: str, got: str) -> DataError:
    """Return the error of a value that a format cannot write.

    Examples
    --------
    >>> str(refusal("CoNLL", Note(id="n1", text=""), "flat mentions", "overlapping ones"))
    "note 'n1': CoNLL holds flat mentions, got overlapping ones; write JSONL"
    """
    return DataError(f"{form} holds {holds}, got {got}; write JSONL", note=note.id)


def find_losses(note: Note, holds: frozenset[str]) -> list[str]:
    """Return the filled fields of `note` that a format holding `holds` would lose.

    Examples
    --------
    >>> find_losses(Note(id="n1", text="", patient="p1"), frozenset({"entities"}))
    ['patient']
    """
    lost = _lost([note], _NOTE, "", holds)
    if "entities" in holds:
        lost += _lost(note.entities, _ENTITY, "entity.", holds)
    if "relations" in holds:
        lost += _lost(note.relations, _RELATION, "relation.", holds)
    return lost


def check_kept(notes: Iterable[Note], holds: frozenset[str], name: str) -> Iterator[Note]:
    """Yield notes, or raise `DataError` at the first that the format `name` would cut."""
    for note in notes:
        lost = find_losses(note, holds) if holds != EVERYTHING else []
        if lost:
            raise DataError(
                f"{name} cannot hold {', '.join(lost)}; write JSONL, keep them in a file beside it "
                "(--on-loss sidecar, on_loss='sidecar'), or first take them out (convert --drop, "
                "note.with_(...))",
                note=note.id,
            )
        yield note


def _lost(
    values: Iterable[Any], fields: tuple[str, ...], prefix: str, holds: frozenset[str]
) -> list[str]:
    candidates = [field for field in fields if prefix + field not in holds]
    if not candidates:
        return []
    values = list(values)
    return [prefix + f for f in candidates if any(_filled(getattr(v, f)) for v in values)]


def _filled(value: Any) -> bool:
    if hasattr(value, "axes"):
        return any(axis is not None for axis in value.axes) or bool(value.cues)
    return value is not None and value != () and value != {}
