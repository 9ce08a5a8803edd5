"""What each block shows, as plain values for the template of its kind.

A view holds words, flags and class names, and `Svg` where something is drawn; it writes no HTML
and escapes nothing, since the template does. Templates know a view as ``it``, and the block it
was made from as ``it.block``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from types import SimpleNamespace
from typing import Any, NamedTuple

from clinnlp.core.counts import Estimate
from clinnlp.core.notes import Note
from clinnlp.report.blocks import (
    BarPlot,
    Block,
    Column,
    CurvePlot,
    Examples,
    Facts,
    ForestPlot,
    NetworkPlot,
    Paragraph,
    Report,
    ReportSection,
    ScatterPlot,
    TableBlock,
    TableRow,
    Verdicts,
)
from clinnlp.report.cells import (
    cell_parts,
    estimate_parts,
    is_number,
    plain,
    sort_key,
    value_text,
)
from clinnlp.report.highlight import BADGES, badges, mention_table, note_pieces
from clinnlp.report.markup import Svg
from clinnlp.report.plots import joins, network_svg, scatter_svg
from clinnlp.report.svg import (
    N_COLOURS,
    bar_svg,
    curve_svg,
    forest_axis_svg,
    forest_ends,
    forest_row_svg,
)

__all__ = ["Cell", "Group", "Part", "groups", "parts"]

View = SimpleNamespace

_SHORT, _SHORT_CODE = 28, 15  # characters of a table cell that stay on one line; code is wider
_FLAGS = ("no", "yes")


class Group(NamedTuple):
    """Neighbouring blocks: plots stand side by side, all else under one another."""

    side_by_side: bool
    blocks: list[View]


class Part(NamedTuple):
    """A part of the page: what the contents link to, its heading, and its blocks."""

    id: str
    title: str
    groups: list[Group]


class Cell(NamedTuple):
    """One cell of a table: ``kind`` is "yes", "no", "code" or "", ``style`` its class."""

    words: str
    interval: str
    kind: str
    style: str
    sort: str
    hint: str


def parts(report: Report) -> list[Part]:
    """Return the parts of the page, provenance last, each with an id of its own."""
    titled = [*_sections(report.blocks)]
    if report.provenance:
        titled.append(("Provenance", [Group(False, [_provenance(report.provenance)])]))
    ids = _ids(title for title, _ in titled)
    return [Part(id_, title, made) for id_, (title, made) in zip(ids, titled, strict=True)]


def groups(blocks: Iterable[Block], *, level: int = 3) -> list[Group]:
    """Return the views of blocks whose sections get headings of this level."""
    return [
        Group(beside, [_view(block, level) for block in group])
        for beside, group in groupby(
            blocks, key=lambda b: isinstance(b, CurvePlot | ScatterPlot | NetworkPlot)
        )
    ]


def _sections(blocks: tuple[Block, ...]) -> Iterator[tuple[str, list[Group]]]:
    """Top sections by title; loose blocks between them are gathered under one."""
    for is_section, group in groupby(blocks, key=lambda b: isinstance(b, ReportSection)):
        if not is_section:
            yield "Overview", groups(group, level=3)
            continue
        for block in group:
            if isinstance(block, ReportSection):
                yield block.title, groups(block.blocks, level=3)


def _ids(titles: Iterable[str]) -> list[str]:
    made: list[str] = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-") or "part"
        name, k = slug, 2
        while name in [*made, "main"]:
            name, k = f"{slug}-{k}", k + 1
        made.append(name)
    return made


def _view(block: Block, level: int) -> View:
    if isinstance(block, ReportSection):
        inner = groups(block.blocks, level=level + 1)
        return View(template="section.html", block=block, level=min(level, 4), groups=inner)
    if isinstance(block, Examples) and not block.show_text:
        block = _without_text(block)
    template, values = _KINDS[type(block)]
    return View(template=template, block=block, **values(block))


def _facts(block: Facts) -> dict[str, Any]:
    tiles = []
    for name, value in block.pairs:
        shown, interval = (
            estimate_parts(value) if isinstance(value, Estimate) else (value_text(value), None)
        )
        wordy = not is_number(value) and len(str(value)) > 10
        tiles.append(View(name=name, value=shown, interval=interval, wordy=wordy))
    return {"tiles": tiles}


def _table(block: TableBlock) -> dict[str, Any]:
    rows = block.rows[: block.max_rows]
    shown = [(column, _is_numeric(column, block.rows)) for column in block.shown]
    return {
        "columns": [
            View(heading=column.heading, help=column.help, numeric=numeric)
            for column, numeric in shown
        ],
        "rows": ([_cell(row, c, numeric=numeric) for c, numeric in shown] for row in rows),
        "cut": len(rows) < block.n_all,
        "n_shown": value_text(len(rows)),
        "n_rows": value_text(block.n_all),
    }


def _is_numeric(column: Column, rows: tuple[TableRow, ...]) -> bool:
    """Return whether a column has numbers and nothing but numbers."""
    if column.kind in ("text", "code"):
        return False
    values = [value for row in rows if (value := row.get(column.key)) is not None]
    return bool(values) and all(map(is_number, values))


def _cell(row: TableRow, column: Column, *, numeric: bool) -> Cell:
    value = plain(row.get(column.key))
    words, interval = cell_parts(row, column)
    hint = value.method if isinstance(value, Estimate) else ""
    kind = _FLAGS[value] if isinstance(value, bool) else "code" if column.kind == "code" else ""
    if numeric:
        return Cell(words, interval, kind, "n", sort_key(value), hint)
    longest = _SHORT_CODE if kind == "code" else _SHORT
    style = "short" if not interval and len(words) <= longest else ""
    return Cell(words, interval, kind, style, "", hint)


def _curve(block: CurvePlot) -> dict[str, Any]:
    return _plot(curve_svg(block), [series.name for series in block.series])


def _network(block: NetworkPlot) -> dict[str, Any]:
    return _plot(network_svg(block), joins(block))


def _plot(picture: Svg, names: list[str]) -> dict[str, Any]:
    """Return a picture and what each of its colours stands for, where that has a name."""
    legend = [(k % N_COLOURS, name) for k, name in enumerate(names) if name]
    return {"picture": picture, "legend": legend}


def _scatter(block: ScatterPlot) -> dict[str, Any]:
    return {"picture": scatter_svg(block)}


def _forest(block: ForestPlot) -> dict[str, Any]:
    ends = forest_ends(block.rows, log=block.log, reference=block.reference)
    rows = []
    for name, estimate in block.rows:
        value, interval = estimate_parts(estimate)
        drawn = forest_row_svg(estimate, ends, log=block.log, reference=block.reference)
        rows.append(View(name=name, drawn=drawn, value=value, interval=interval))
    return {"rows": rows, "axis": forest_axis_svg(ends, log=block.log, label=block.x_label)}


def _bars(block: BarPlot) -> dict[str, Any]:
    top = max((value for _, value in block.bars if value == value), default=0)
    rows = [
        View(name=name, drawn=bar_svg(value, top), value=value_text(value), interval=None)
        for name, value in block.bars
    ]
    return {"rows": rows}


def _without_text(block: Examples) -> TableBlock:
    columns, rows = mention_table(block)
    caption = (
        f"{block.caption} Note text is not shown; mentions are given by note and offsets "
        "(code points)."
    )
    return TableBlock(title=block.title, rows=rows, columns=columns, caption=caption.strip())


def _examples(block: Examples) -> dict[str, Any]:
    labels = block.shown_labels
    used = {badge for note in block.notes for entity in note.entities for badge in badges(entity)}
    return {
        "labels": [View(name=label, colour=k % N_COLOURS) for k, label in enumerate(labels)],
        "badges": [badge for badge in BADGES.values() if badge in used],
        "notes": [
            View(
                id=note.id,
                facts=_about(note, block.max_chars),
                pieces=note_pieces(note, labels, max_chars=block.max_chars),
            )
            for note in block.notes
        ],
    }


def _about(note: Note, max_chars: int) -> list[str]:
    facts = [note.kind] if note.kind else []
    n = len(note.entities)
    facts.append(f"{n:,} mention" + "s" * (n != 1))
    rest = len(note.text) - max_chars
    return facts + ([f"{rest:,} more characters not shown"] if rest > 0 else [])


def _verdicts(block: Verdicts) -> dict[str, Any]:
    return {"n_right": sum(verdict.right for verdict in block.rows)}


def _provenance(values: Mapping[str, Any]) -> View:
    """Return loose values first, then every nested mapping under its name."""
    loose = {k: v for k, v in values.items() if not isinstance(v, Mapping)}
    named = [(k, v) for k, v in values.items() if isinstance(v, Mapping)]
    made = [
        View(title=title, pairs=[(k, value_text(v, kind="code")) for k, v in group.items()])
        for title, group in [(None, loose), *named]
        if group
    ]
    return View(template="provenance.html", groups=made)


_KINDS: dict[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    Paragraph: ("paragraph.html", lambda _: {}),
    Facts: ("facts.html", _facts),
    TableBlock: ("table.html", _table),
    CurvePlot: ("plot.html", _curve),
    ForestPlot: ("forest.html", _forest),
    ScatterPlot: ("scatter.html", _scatter),
    NetworkPlot: ("plot.html", _network),
    BarPlot: ("bars.html", _bars),
    Examples: ("examples.html", _examples),
    Verdicts: ("verdicts.html", _verdicts),
}
