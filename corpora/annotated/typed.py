"""``typed-notes`` and ``typed-train``: notes as people type them, with their mentions in the text.

A note begins at a line ``== name``; ``{chest pain|P}`` is a mention, and the braces are no text.
"""

import re
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

__all__ = ["TYPED", "TYPED_TRAIN", "read_typed"]

TYPED, TYPED_TRAIN = (
    Path(__file__).parents[1] / name / "notes.txt" for name in ("typed-notes", "typed-train")
)

_LABELS = {"P": "Problem", "D": "Drug", "T": "Test", "R": "Procedure", "A": "Anatomy"}
_HEAD = re.compile(r"^== (\S+)\n", re.MULTILINE)
_MENTION = re.compile(r"\{([^{}|]+)\|([PDTRA])\}")


def read_typed(path: Path = TYPED) -> list[Note]:
    """Return the notes with their mentions.

    Raises
    ------
    DataError
        A brace that belongs to no mention.

    Examples
    --------
    >>> notes = read_typed()
    >>> len(notes), notes[0].id, notes[0][notes[0].entities[0].span]
    (30, 'ed-chest-pain', 'cp')
    """
    _, *parts = _HEAD.split(check_file(path).read_text(encoding="utf-8"))
    return [_note(name, marked, path) for name, marked in zip(parts[::2], parts[1::2], strict=True)]


def _note(name: str, marked: str, path: Path) -> Note:
    text, entities, at = "", list[Entity](), 0
    for found in _MENTION.finditer(marked):
        text += marked[at : found.start()]
        span = Span(len(text), len(text) + len(found[1]))
        made = Entity(id=f"T{len(entities) + 1}", span=span, label=_LABELS[found[2]])
        entities.append(made)
        text, at = text + found[1], found.end()
    text += marked[at:]
    if set("{}") & set(text):
        raise DataError(f"braces of {name} must stand around mentions, and do not all", path=path)
    return Note(id=name, text=text.rstrip("\n"), entities=tuple(entities))
