"""Mentions of a note: highlighted in its text, or listed by ids and offsets without it.

The text is cut at every boundary of a shown mention or cue; each piece is escaped and wrapped in
the marks of the mentions that cover it, longest outside. A mention's tag, label and assertion
badges, stands behind its last part.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span, contains
from clinnlp.report.blocks import Column, Examples
from clinnlp.report.svg import N_COLOURS

__all__ = ["BADGES", "Badge", "badges", "mention_rows", "mention_table", "note_html"]


class Badge(NamedTuple):
    """Short sign of an assertion axis and what it means."""

    sign: str
    meaning: str


BADGES: dict[str, Badge] = {
    "negated": Badge("NEG", "negated: the note says it is absent"),
    "uncertain": Badge("UNC", "uncertain: possible, not established"),
    "hypothetical": Badge("HYP", "hypothetical: conditional or planned"),
    "historical": Badge("HX", "historical: in the past"),
    "experiencer": Badge("FAM", "about someone other than the patient"),
}

_COLUMNS = (
    Column(key="note", kind="code"),
    Column(key="entity", kind="code"),
    Column(key="label"),
    Column(key="offsets", kind="code", help="code points, end excluded"),
    Column(key="text"),
    Column(key="assertion"),
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
            row = {"note": note.id, "entity": entity.id, "label": entity.label, "offsets": where}
            if block.show_text:
                row["text"] = note.mention(entity)
            row["assertion"] = " ".join(b.sign for b in badges(entity))
            yield row | {"concepts": ", ".join(entity.concepts), "score": entity.score}


def mention_table(block: Examples) -> tuple[tuple[Column, ...], tuple[dict[str, Any], ...]]:
    """Return columns and rows of the mentions; columns with nothing in them are left out."""
    rows = tuple(mention_rows(block))
    filled = {key for row in rows for key, value in row.items() if value not in ("", None)}
    return tuple(column for column in _COLUMNS if column.key in filled), rows


def shown(note: Note, labels: Sequence[str]) -> list[Entity]:
    """Return the mentions of these labels in text order."""
    chosen = [e for e in note.entities if e.label in labels]
    return sorted(chosen, key=lambda e: (e.span, e.label, e.id))


def note_html(note: Note, labels: Sequence[str], *, max_chars: int) -> str:
    """Return the first `max_chars` code points of a note as HTML with highlighted mentions."""
    end = min(len(note.text), max_chars)
    entities = [e for e in shown(note, labels) if e.span.start < end]
    cues = [(cue, axis) for e in entities for axis, cue in e.assertion.cues.items()]
    pieces = [(piece, e) for e in entities for piece in e.pieces]
    # A mention that the cut would split is tagged at the cut.
    tag_at = {id(e): min(e.span.end, end) for e in entities}
    spans = [span for span, _ in pieces] + [span for span, _ in cues]
    cuts = sorted({0, end} | {min(point, end) for span in spans for point in span})
    out: list[str] = []
    for start, stop in zip(cuts, cuts[1:], strict=False):
        here = Span(start, stop)
        html = escape(note[here])
        html = _cue(html, here, cues)
        covering = [(piece, e) for piece, e in pieces if contains(piece, here)]
        for piece, entity in sorted(covering, key=lambda pair: pair[0].length):
            html = _mark(html, here, piece, labels.index(entity.label))
        out.append(html)
        out += [_tag(e, labels.index(e.label)) for e in entities if tag_at[id(e)] == stop]
    return "".join(out)


def _mark(html: str, here: Span, piece: Span, colour: int) -> str:
    classes = [f"k{colour % N_COLOURS}"]
    classes += ["open"] * (piece.start == here.start) + ["close"] * (piece.end == here.end)
    return f'<mark class="{" ".join(classes)}">{html}</mark>'


def _cue(html: str, here: Span, cues: Sequence[tuple[Span, str]]) -> str:
    axes = sorted({axis for cue, axis in cues if contains(cue, here)})
    if not axes:
        return html
    return f'<span class="cue" title="cue: {escape(", ".join(axes), quote=True)}">{html}</span>'


def _tag(entity: Entity, colour: int) -> str:
    signs = "".join(
        f'<span class="badge" title="{escape(b.meaning, quote=True)}">{b.sign}</span>'
        for b in badges(entity)
    )
    return f'<span class="tag k{colour % N_COLOURS}">{escape(entity.label)}{signs}</span>'
