"""Mentions of a note: highlighted in its text, or listed by ids and offsets without it.

The text is cut at every boundary of a shown mention or cue; each piece knows the marks of the
mentions that cover it, longest outside. A mention's tag, label and assertion badges, stands
behind its last part.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from clinnlp.core.notes import AXES, AXIS_SIGNS, Entity, Note
from clinnlp.core.spans import Span, contains
from clinnlp.report.blocks import Column, Examples
from clinnlp.report.svg import N_COLOURS

__all__ = ["BADGES", "Badge", "badges", "mention_rows", "mention_table", "note_pieces"]


class Badge(NamedTuple):
    """Short sign of an assertion axis and what it means."""

    sign: str
    meaning: str


class Tag(NamedTuple):
    """What stands behind a mention: its label, the number of its colour, its badges."""

    label: str
    colour: int
    badges: list[Badge]


class Piece(NamedTuple):
    """Text under the same marks: their classes, longest mention first, and the tags behind it.

    ``cue`` names the axes which the text decided, or is empty.
    """

    text: str
    cue: str
    marks: list[str]
    tags: list[Tag]


_TAKEN = ("strength", "dose", "route", "frequency", "duration")
BADGES = {axis: Badge(*words) for axis, words in AXIS_SIGNS.items()}

_COLUMNS = (
    Column(key="note", kind="code"),
    Column(key="entity", kind="code"),
    Column(key="label"),
    Column(key="offsets", kind="code", help="code points, end excluded"),
    Column(key="text"),
    Column(key="assertion"),
    Column(key="change", help="what the note says of how a drug is taken"),
    Column(key="course", help="whether a condition has ended, or lasts"),
    Column(key="taken", help="dose, route, frequency and duration of a drug, and what for"),
    Column(key="concepts"),
    Column(key="score", kind="ratio", help="probability the model gave the mention"),
)


def badges(entity: Entity) -> list[Badge]:
    """Return the badges of the axes that are True, in the order of `AXES`."""
    values = zip(AXES, entity.assertion.axes, strict=True)
    return [BADGES[axis] for axis, value in values if value]


def mention_rows(block: Examples) -> Iterator[dict[str, Any]]:
    """Yield one plain row per shown mention; its text only with `show_text`."""
    for note in block.notes:
        for entity in shown(note, block.shown_labels):
            where = "+".join(f"{p.start}-{p.end}" for p in entity.pieces)
            row: dict[str, Any] = {
                "note": note.id,
                "entity": entity.id,
                "label": entity.label,
                "offsets": where,
            }
            if block.show_text:
                row["text"] = note.mention(entity)
                row["taken"] = _taken(entity)
            row["assertion"] = " ".join(b.sign for b in badges(entity))
            row["change"] = entity.attributes.get("change")
            course = entity.attributes.get("course")
            row["course"] = course if course != "unknown" else None
            yield row | {"concepts": ", ".join(entity.concepts), "score": entity.score}


def _taken(entity: Entity) -> str:
    """Return how a drug is taken: "40 mg, p.o., b.i.d., as needed, for pain"."""
    held = entity.attributes
    said = [str(held[key]) for key in _TAKEN if held.get(key)]
    said += ["as needed"] if held.get("prn") is True else []
    return ", ".join([*said, *(f"for {held[key]}" for key in ("indication",) if held.get(key))])


def mention_table(block: Examples) -> tuple[tuple[Column, ...], tuple[dict[str, Any], ...]]:
    """Return columns and rows of the mentions; columns with nothing in them are left out."""
    rows = tuple(mention_rows(block))
    filled = {key for row in rows for key, value in row.items() if value not in ("", None)}
    return tuple(column for column in _COLUMNS if column.key in filled), rows


def shown(note: Note, labels: Sequence[str]) -> list[Entity]:
    """Return the mentions of these labels in text order."""
    chosen = [e for e in note.entities if e.label in labels]
    return sorted(chosen, key=lambda e: (e.span, e.label, e.id))


def note_pieces(note: Note, labels: Sequence[str], *, max_chars: int) -> list[Piece]:
    """Return the first `max_chars` code points, cut where a mention or cue begins or ends."""
    end = min(len(note.text), max_chars)
    entities = [e for e in shown(note, labels) if e.span.start < end]
    cues = [(cue, axis) for e in entities for axis, cue in e.assertion.cues.items()]
    colours = {label: labels.index(label) % N_COLOURS for label in labels}
    parts = [(part, colours[e.label]) for e in entities for part in e.pieces]
    tags = _tags(entities, colours, end)
    return [
        Piece(note[here], _axes(here, cues), _marks(here, parts), tags.get(here.end, []))
        for here in _cut([span for span, _ in (*parts, *cues)], end)
    ]


def _cut(spans: Sequence[Span], end: int) -> list[Span]:
    """Return the pieces from 0 to `end`, cut where a span begins or ends."""
    cuts = sorted({0, end} | {min(point, end) for span in spans for point in span})
    return [Span(*ends) for ends in pairwise(cuts)]


def _tags(entities: Sequence[Entity], colours: Mapping[str, int], end: int) -> dict[int, list[Tag]]:
    """Return the tags by the place behind which they stand."""
    tags: dict[int, list[Tag]] = {}
    for e in entities:
        # A mention that the cut would split is tagged at the cut.
        place = min(e.span.end, end)
        tags.setdefault(place, []).append(Tag(e.label, colours[e.label], badges(e)))
    return tags


def _axes(here: Span, cues: Sequence[tuple[Span, str]]) -> str:
    return ", ".join(sorted({axis for cue, axis in cues if contains(cue, here)}))


def _marks(here: Span, parts: Sequence[tuple[Span, int]]) -> list[str]:
    """Return the marks of the parts that cover a piece, longest first."""
    covering = [(part, colour) for part, colour in parts if contains(part, here)]
    covering.sort(key=lambda pair: pair[0].length)
    return [_mark(here, part, colour) for part, colour in reversed(covering)]


def _mark(here: Span, part: Span, colour: int) -> str:
    classes = [f"k{colour}"]
    classes += ["open"] * (part.start == here.start) + ["close"] * (part.end == here.end)
    return " ".join(classes)
