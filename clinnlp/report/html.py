"""A report as one self-contained HTML page.

Style and script are inlined, nothing is fetched: a content security policy forbids it, and
allows only the one script whose hash it names, so that not even an escaping fault could run
another. The page is complete without script; with it, tables sort and filter.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

from clinnlp.core.counts import Estimate
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
    ScatterPlot,
    Section,
    TableBlock,
    Verdict,
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
from clinnlp.report.highlight import BADGES, badges, mention_table, note_html
from clinnlp.report.plots import joins, network_svg, scatter_svg
from clinnlp.report.svg import (
    N_COLOURS,
    bar_svg,
    curve_svg,
    forest_axis_svg,
    forest_ends,
    forest_row_svg,
)

__all__ = ["render_html"]

_SHORT = 28  # characters of a table cell that stay on one line

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<div class="layout">
<nav class="toc" aria-label="Contents"><div class="brand"><span>Contents</span></div>
{contents}</nav>
<main id="main">
{hero}
{body}
<footer>Made with clinnlp. Intervals cover the sampling of the data shown, not retraining.</footer>
</main>
</div>
<script>{script}</script>
</body>
</html>
"""


def render_html(report: Report) -> str:
    """Return the report as one HTML page that needs no network and no other file.

    Every string of the report is escaped; note text appears only where an `Examples` block says
    `show_text`.
    """
    sections = [*_sections(report.blocks)]
    if report.provenance:
        sections.append(("Provenance", _provenance(report.provenance)))
    ids = _ids(title for title, _ in sections)
    script = _asset("page.js")
    return _PAGE.format(
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=escape(report.title),
        style=_style(),
        contents=_contents(list(zip(ids, (title for title, _ in sections), strict=True))),
        hero=_hero(report),
        body="\n".join(
            f'<section class="part" id="{id_}">\n<h2>{escape(title)}</h2>\n{inner}\n</section>'
            for id_, (title, inner) in zip(ids, sections, strict=True)
        ),
        script=script,
    )


@cache
def _asset(name: str) -> str:
    return files("clinnlp.report").joinpath(name).read_text(encoding="utf-8")


def _style() -> str:
    dark = _asset("dark.css")
    themes = (
        f"@media (prefers-color-scheme: dark) {{ :root {{\n{dark}}} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark;\n{dark}}}\n"
    )
    light = _asset("page.css").split("{", 1)[1].split("}", 1)[0].replace("light dark", "light")
    themes += f":root[data-theme=light] {{{light}}}\n"
    return _asset("page.css").replace("/* dark: */\n", themes)


def _hero(report: Report) -> str:
    parts = ['<header class="hero">']
    if report.subtitle:
        parts.append(f'<p class="kicker">{escape(report.subtitle)}</p>')
    parts.append(f"<h1>{escape(report.title)}</h1>")
    if report.findings:
        parts.append(f'<p class="lead">{escape(report.findings[0])}</p>')
    if report.findings[1:]:
        items = "".join(f"<li>{escape(line)}</li>" for line in report.findings[1:])
        parts.append(f'<ul class="findings">{items}</ul>')
    return "".join([*parts, "</header>"])


def _sections(blocks: tuple[Block, ...]) -> Iterator[tuple[str, str]]:
    """Top sections as (title, html); loose blocks between them are gathered under one."""
    for is_section, group in groupby(blocks, key=lambda b: isinstance(b, Section)):
        if not is_section:
            yield "Overview", _blocks(tuple(group), level=3)
            continue
        for block in group:
            if isinstance(block, Section):
                yield block.title, _blocks(block.blocks, level=3)


def _ids(titles: Iterator[str]) -> list[str]:
    made: list[str] = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-") or "part"
        name, k = slug, 2
        while name in [*made, "main"]:
            name, k = f"{slug}-{k}", k + 1
        made.append(name)
    return made


def _contents(entries: list[tuple[str, str]]) -> str:
    items = "".join(f'<li><a href="#{id_}">{escape(title)}</a></li>' for id_, title in entries)
    return f"<ol>{items}</ol>"


def _blocks(blocks: tuple[Block, ...], *, level: int) -> str:
    """Blocks one after another; neighbouring curve plots stand side by side."""
    out = []
    for is_curve, group in groupby(
        blocks, key=lambda b: isinstance(b, CurvePlot | ScatterPlot | NetworkPlot)
    ):
        made = [_block(block, level) for block in group]
        out.append(f'<div class="figures">{"".join(made)}</div>' if is_curve else "\n".join(made))
    return "\n".join(out)


def _block(block: Block, level: int) -> str:
    if not isinstance(block, Section):
        return _RENDER[type(block)](block)
    tag = f"h{min(level, 4)}"
    return f"<{tag}>{escape(block.title)}</{tag}>\n{_blocks(block.blocks, level=level + 1)}"


def _paragraph(block: Paragraph) -> str:
    style = "" if block.tone == "plain" else f' class="{block.tone}-box"'
    return f"<p{style}>{escape(block.text)}</p>"


def _figure(title: str, caption: str, inner: str, *, tally: str = "") -> str:
    tally = f'<span class="tally">{escape(tally)}</span>' if tally else ""
    head = f'<p class="title">{escape(title)}{tally}</p>' if title else ""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{head}{words}{inner}</figure>"


def _facts(block: Facts) -> str:
    tiles = []
    for name, value in block.pairs:
        words = "" if is_number(value) or len(str(value)) <= 10 else ' class="words"'
        if isinstance(value, Estimate):
            main, interval = estimate_parts(value)
            shown = f'{escape(main)}<span class="ci">{escape(interval)}</span>'
        else:
            shown = escape(value_text(value))
        tiles.append(f"<div><dt>{escape(name)}</dt><dd{words}>{shown}</dd></div>")
    return _figure(block.title, block.caption, f'<dl class="facts">{"".join(tiles)}</dl>')


def _table(block: TableBlock) -> str:
    columns, rows = block.shown, block.rows[: block.max_rows]
    numeric = {
        c.key: c.kind not in ("text", "code")
        and any(is_number(row.get(c.key)) for row in block.rows)
        and all(is_number(row.get(c.key)) or row.get(c.key) is None for row in block.rows)
        for c in columns
    }
    head = "".join(_heading(c, numeric=numeric[c.key]) for c in columns)
    body = "".join(
        f"<tr>{''.join(_cell(row, c, numeric=numeric[c.key]) for c in columns)}</tr>\n"
        for row in rows
    )
    more = ""
    if len(rows) < len(block.rows):
        more = (
            f'<p class="more">The first {len(rows):,} of {len(block.rows):,} rows; '
            "the CSV table has all.</p>"
        )
    table = (
        '<div class="scroll" tabindex="0"><table class="sortable">'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>{more}"
    )
    return _figure(block.title, block.caption, table)


def _heading(column: Column, *, numeric: bool) -> str:
    style = ' class="n"' if numeric else ""
    hint = f' title="{escape(column.help, quote=True)}"' if column.help else ""
    return f'<th scope="col"{style}{hint}>{escape(column.heading)}</th>'


def _cell(row: Mapping[str, Any], column: Column, *, numeric: bool) -> str:
    value = plain(row.get(column.key))
    main, interval = (escape(part) for part in cell_parts(row, column))
    if interval:
        main += f' <span class="ci">{interval}</span>'
    if isinstance(value, bool):
        main = (
            f'<span class="yes">✓ {main}</span>' if value else f'<span class="no">✗ {main}</span>'
        )
    elif column.kind == "code":
        main = f"<code>{main}</code>"
    style = ' class="short"' if len(main) <= _SHORT else ""
    style = f' class="n" data-v="{sort_key(value)}"' if numeric else style
    hint = ""
    if isinstance(value, Estimate) and value.method:
        hint = f' title="{escape(value.method, quote=True)}"'
    return f"<td{style}{hint}>{main}</td>"


def _curve(block: CurvePlot) -> str:
    legend = _legend([series.name for series in block.series])
    return _figure(block.title, block.caption, curve_svg(block) + legend)


def _legend(names: list[str]) -> str:
    """Return what each colour stands for; nothing where nothing has a name."""
    items = "".join(
        f'<li><svg width="26" height="10" aria-hidden="true"><line class="line s{k % N_COLOURS}" '
        f'x1="0" x2="26" y1="5" y2="5"/></svg><span>{escape(name)}</span></li>'
        for k, name in enumerate(names)
        if name
    )
    return f'<ul class="legend">{items}</ul>' if items else ""


def _scatter(block: ScatterPlot) -> str:
    legend = ""
    if block.marked_label:
        legend = (
            '<ul class="legend"><li><svg width="12" height="12" aria-hidden="true">'
            '<circle class="s1" cx="6" cy="6" r="4"/></svg>'
            f"<span>{escape(block.marked_label)}</span></li></ul>"
        )
    return _figure(block.title, block.caption, scatter_svg(block) + legend)


def _network(block: NetworkPlot) -> str:
    return _figure(block.title, block.caption, network_svg(block) + _legend(joins(block)))


def _forest(block: ForestPlot) -> str:
    ends = forest_ends(block.rows, log=block.log, reference=block.reference)
    cells = []
    for name, estimate in block.rows:
        main, interval = estimate_parts(estimate)
        drawn = forest_row_svg(estimate, ends, log=block.log, reference=block.reference)
        cells.append(
            f'<div class="who">{escape(name)}</div><div class="draw">{drawn}</div>'
            f'<div class="num">{escape(main)} <span class="ci">{escape(interval)}</span></div>'
        )
    axis = forest_axis_svg(ends, log=block.log, label=block.x_label)
    cells.append(f'<div class="axis-cell">{axis}</div>')
    inner = f'<div class="card"><div class="rows">{"".join(cells)}</div></div>'
    return _figure(block.title, block.caption, inner)


def _bars(block: BarPlot) -> str:
    top = max((value for _, value in block.bars if value == value), default=0)
    cells = "".join(
        f'<div class="who">{escape(name)}</div><div class="draw">{bar_svg(value, top)}</div>'
        f'<div class="num">{escape(value_text(value))}</div>'
        for name, value in block.bars
    )
    if block.x_label:
        cells += f'<div class="axis-cell more">{escape(block.x_label)}</div>'
    inner = f'<div class="card"><div class="rows">{cells}</div></div>'
    return _figure(block.title, block.caption, inner)


def _examples(block: Examples) -> str:
    if not block.show_text:
        columns, rows = mention_table(block)
        table = TableBlock(
            title=block.title,
            rows=rows,
            columns=columns,
            caption=f"{block.caption} Note text is not shown; mentions are given by note and "
            "offsets (code points).".strip(),
        )
        return _table(table)
    labels = block.shown_labels
    keys = "".join(
        f'<span class="k{k % N_COLOURS}"><span class="swatch"></span>{escape(label)}</span>'
        for k, label in enumerate(labels)
    )
    used = {b for note in block.notes for e in note.entities for b in badges(e)}
    keys += "".join(
        f'<span><span class="badge">{b.sign}</span>{escape(b.meaning)}</span>'
        for b in BADGES.values()
        if b in used
    )
    notes = []
    for note in block.notes:
        facts = [note.kind or "", _mentions(len(note.entities))]
        rest = len(note.text) - block.max_chars
        facts += [f"{rest:,} more characters not shown"] if rest > 0 else []
        head = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
        text = note_html(note, labels, max_chars=block.max_chars)
        notes.append(
            f'<article class="note card"><header><code>{escape(note.id)}</code>{head}</header>'
            f'<div class="text">{text}</div></article>'
        )
    return _figure(block.title, block.caption, f'<div class="keys">{keys}</div>{"".join(notes)}')


def _mentions(n: int) -> str:
    return f"{n:,} mention" + "s" * (n != 1)


def _verdicts(block: Verdicts) -> str:
    head = (
        '<li class="head"><span></span><span class="who">What</span><span>Planted truth</span>'
        "<span>Found</span></li>"
    )
    right = sum(verdict.right for verdict in block.rows)
    inner = f'<ul class="verdicts">{head}{"".join(map(_verdict, block.rows))}</ul>'
    tally = f"{right} of {len(block.rows)} right"
    return _figure(block.title, block.caption, inner, tally=tally)


def _verdict(v: Verdict) -> str:
    style, sign, word = ("right", "✓", "right") if v.right else ("wrong", "✗", "wrong")
    detail = f"<small>{escape(v.detail)}</small>" if v.detail else ""
    return (
        f'<li class="{style}"><span class="mark" role="img" aria-label="{word}">{sign}</span>'
        f'<span class="who">{escape(v.name)}{detail}</span>'
        f'<span class="as" data-head="planted">{escape(v.truth)}</span>'
        f'<span class="as" data-head="found">{escape(v.found)}</span></li>'
    )


def _provenance(values: Mapping[str, Any]) -> str:
    loose = {k: v for k, v in values.items() if not isinstance(v, Mapping)}
    groups = {k: v for k, v in values.items() if isinstance(v, Mapping)}
    parts = [_pairs(loose)] if loose else []
    parts += [f"<h4>{escape(str(k))}</h4>{_pairs(v)}" for k, v in groups.items() if v]
    return f'<div class="provenance">{"".join(parts)}</div>'


def _pairs(values: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<dt>{escape(str(k))}</dt><dd><code>{escape(value_text(v, kind='code'))}</code></dd>"
        for k, v in values.items()
    )
    return f"<dl>{rows}</dl>"


_RENDER: dict[type, Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Facts: _facts,
    TableBlock: _table,
    CurvePlot: _curve,
    ForestPlot: _forest,
    ScatterPlot: _scatter,
    NetworkPlot: _network,
    BarPlot: _bars,
    Examples: _examples,
    Verdicts: _verdicts,
}
