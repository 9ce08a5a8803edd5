"""A report as Markdown with pipe tables (GitHub's flavour), for readers in a terminal or a wiki.

Plots become tables; a curve with many points is told only by its name, since its numbers stand
in the CSV. All text is escaped, so that a note can smuggle in neither markup nor HTML, not even an
address, of which GitHub makes a link without being asked; hidden characters are written out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from clinnlp.core.visible import visible
from clinnlp.report.blocks import (
    Block,
    CurvePlot,
    Examples,
    Paragraph,
    Report,
    ReportSection,
    ScatterPlot,
    TableBlock,
)
from clinnlp.report.cells import cell_text, is_number, value_text
from clinnlp.report.tables import table_of

__all__ = ["render_markdown"]

_CURVE_POINTS = 40
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!@])")
_LINK = re.compile(r"(?i)(\bwww|\b(?:https?|ftp|mailto|xmpp))([.:])")  # what becomes one unasked
_OPENING = re.compile(
    r"^(\d*)([-+.)](?=\s|$)|[-=](?=[-=\s]*$))"
)  # of a list, a line across, a heading underlined


def render_markdown(report: Report) -> str:
    """Return the report as Markdown.

    Every string is escaped; note text appears only where an `Examples` block says `show_text`.
    """
    parts = [f"# {_escape(report.title)}"]
    parts += [f"_{_escape(report.subtitle)}_"] if report.subtitle else []
    parts += [_escape(line) for line in report.findings[:1]]
    parts += ["\n".join(f"- {_escape(line)}" for line in report.findings[1:])]
    parts += _blocks(report.blocks, level=2)
    if report.provenance:
        parts += ["## Provenance", *_provenance(report.provenance)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _blocks(blocks: tuple[Block, ...], *, level: int) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, ReportSection):
            yield f"{'#' * min(level, 6)} {_escape(block.title)}"
            yield from _blocks(block.blocks, level=level + 1)
        elif isinstance(block, Paragraph):
            yield ("" if block.tone == "plain" else "> ") + _escape(block.text)
        else:
            yield from _numbers(block, level)


def _numbers(block: Block, level: int) -> Iterator[str]:
    # A scatter is told in words: the table of its points would be made for nothing
    table = block if isinstance(block, ScatterPlot) else table_of(block)
    if table is None:
        return
    if table.title:
        yield f"{'#' * min(level, 6)} {_escape(table.title)}"
    if table.caption:
        yield _escape(table.caption)
    if isinstance(block, Examples) and not block.show_text:
        yield "Note text is not shown; mentions are given by note and offsets (code points)."
    yield _points(block, table)


def _points(block: Block, table: TableBlock | ScatterPlot) -> str:
    """Return the table of a block, or what it would show where it has too many points."""
    if isinstance(table, ScatterPlot):
        n, n_marked = len(table.names), int(np.sum(np.asarray(table.marked, bool)))
        against = f"{_escape(table.y_label)} against {_escape(table.x_label)}"
        return f"{against}: {n} points, {n_marked} marked."
    if isinstance(block, CurvePlot) and len(table.rows) > _CURVE_POINTS:
        names = ", ".join(_escape(series.name) for series in block.series)
        return f"{_escape(block.y_label)} against {_escape(block.x_label)}: {names}."
    return _table(table)


def _table(table: TableBlock) -> str:
    columns = table.shown
    if not columns:
        return "(no rows)"
    numeric = [any(is_number(row.get(c.key)) for row in table.rows) for c in columns]
    lines = [
        [_escape(c.heading) for c in columns],
        ["---:" if right else "---" for right in numeric],
        *(
            [_escape(cell_text(row, column)) for column in columns]
            for row in table.rows[: table.max_rows]
        ),
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    n_shown = min(len(table.rows), table.max_rows)
    if table.n_all > n_shown:
        said = f"The first {n_shown:,} of {table.n_all:,} rows; {_escape(table.whole)} has all."
        text += f"\n\n{said}"
    return text


def _provenance(values: Mapping[str, Any]) -> Iterator[str]:
    loose = [(k, v) for k, v in values.items() if not isinstance(v, Mapping)]
    if loose:
        yield "\n".join(
            f"- {_escape(str(k))}: {_escape(value_text(v, kind='code'))}" for k, v in loose
        )
    for key, group in values.items():
        if isinstance(group, Mapping) and group:
            yield f"### {_escape(str(key))}"
            yield from _provenance({k: value_text(v, kind="code") for k, v in group.items()})


def _escape(text: str) -> str:
    text = visible(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    if ":" in text or "w." in text.lower():
        text = _LINK.sub(r"\1\\\2", text)
    return _OPENING.sub(r"\1\\\2", text)
