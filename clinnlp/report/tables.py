"""Every block that holds numbers, as one plain table: what Markdown and CSV are made from."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clinnlp.report.blocks import (
    BarPlot,
    Block,
    Column,
    CurvePlot,
    Examples,
    Facts,
    ForestPlot,
    NetworkPlot,
    ScatterPlot,
    TableBlock,
    Verdicts,
)
from clinnlp.report.highlight import mention_table

__all__ = ["table_of"]


def table_of(block: Block) -> TableBlock | None:
    """Return the numbers of a block as a table; ``None`` for words and sections."""
    made = _TABLE.get(type(block))
    return None if made is None else made(block)


def _facts(block: Facts) -> TableBlock:
    rows = tuple({"fact": name, "value": value} for name, value in block.pairs)
    return TableBlock(title=block.title, rows=rows, caption=block.caption)


def _curve(block: CurvePlot) -> TableBlock:
    def points() -> Iterator[dict[str, Any]]:
        for series in block.series:
            x, y = np.asarray(series.x).tolist(), np.asarray(series.y).tolist()
            low, high = (
                [None] * len(x) if end is None else np.asarray(end).tolist()
                for end in (series.low, series.high)
            )
            for values in zip(x, y, low, high, strict=True):
                row = dict(zip(("x", "y", "y_low", "y_high"), values, strict=True))
                bare = {k: v for k, v in row.items() if series.low is not None or k in ("x", "y")}
                yield {"series": series.name} | bare

    errors = any(series.low is not None for series in block.series)
    ends = ("y_low", "y_high") if errors else ("", "")
    columns = (
        Column(key="series"),
        Column(key="x", title=block.x_label),
        Column(key="y", title=block.y_label, low=ends[0], high=ends[1]),
    )
    return TableBlock(
        title=block.title, rows=tuple(points()), columns=columns, caption=block.caption
    )


def _forest(block: ForestPlot) -> TableBlock:
    return _named(block.title, block.rows, block.x_label, block.caption)


def _scatter(block: ScatterPlot) -> TableBlock:
    values = (block.x, block.y, block.marked)
    rows = tuple(
        {"name": name, "x": x, "y": y, "marked": bool(is_marked)}
        for name, x, y, is_marked in zip(
            block.names, *(np.asarray(v).tolist() for v in values), strict=True
        )
    )
    columns = (
        Column(key="name"),
        Column(key="x", title=block.x_label),
        Column(key="y", title=block.y_label),
        Column(key="marked", title=block.marked_label),
    )
    return TableBlock(title=block.title, rows=rows, columns=columns, caption=block.caption)


def _network(block: NetworkPlot) -> TableBlock:
    keys = ("one", "two", "joined_by", "weight")
    rows = tuple(dict(zip(keys, edge, strict=True)) for edge in block.edges)
    columns = (*keys[:2], Column(key="joined_by", title="joined by"),
               Column(key="weight", title=block.weight_label))  # fmt: skip
    return TableBlock(title=block.title, rows=rows, columns=columns, caption=block.caption)


def _bars(block: BarPlot) -> TableBlock:
    return _named(block.title, block.bars, block.x_label, block.caption)


def _named(
    title: str, pairs: tuple[tuple[str, Any], ...], value_title: str, caption: str
) -> TableBlock:
    rows = tuple({"name": name, "value": value} for name, value in pairs)
    columns = (Column(key="name"), Column(key="value", title=value_title))
    return TableBlock(title=title, rows=rows, columns=columns, caption=caption)


def _examples(block: Examples) -> TableBlock:
    columns, rows = mention_table(block)
    return TableBlock(title=block.title, rows=rows, columns=columns, caption=block.caption)


def _verdicts(block: Verdicts) -> TableBlock:
    rows = tuple(
        {"right": v.right, "what": v.name, "truth": v.truth, "found": v.found, "detail": v.detail}
        for v in block.rows
    )
    return TableBlock(title=block.title, rows=rows, caption=block.caption)


_TABLE: dict[type, Callable[[Any], TableBlock]] = {
    TableBlock: lambda block: block,
    Facts: _facts,
    CurvePlot: _curve,
    ForestPlot: _forest,
    ScatterPlot: _scatter,
    NetworkPlot: _network,
    BarPlot: _bars,
    Examples: _examples,
    Verdicts: _verdicts,
}
