"""Plots of many findings as inline SVG: named points in a frame, and pairs on a circle."""

import math

import numpy as np

from clinnlp.core.arrays import Bools, Floats, Ints32
from clinnlp.report.blocks import CurvePlot, NetworkPlot, ScatterPlot, Series
from clinnlp.report.markup import Svg, element
from clinnlp.report.svg import HEIGHT, N_COLOURS, WIDTH, Frame, axes, axis_range, canvas

__all__ = ["N_LABELLED", "joins", "network_svg", "scatter_svg"]

N_LABELLED = 6  # marked points that get their name
_SIZE, _MIDDLE, _RADIUS = 560, 280, 150  # of the network's view box, centre and circle
_MOST_NODES = 40
_LETTERS = 24  # of a name beside a point
_PART = 1 << 20  # points of a scatter that are placed at a time
_WIDE = 4 * (WIDTH + HEIGHT)  # more half pixels than there are in a column


def scatter_svg(plot: ScatterPlot) -> Svg:
    """Return the SVG of a `ScatterPlot`: marked points above the others, the highest named."""
    x, y = (np.asarray(v, np.float64) for v in (plot.x, plot.y))
    marked = np.asarray(plot.marked, bool)
    drawn = np.isfinite(x) & np.isfinite(y)
    ends = Series(name="", x=_ends(x[drawn]), y=_ends(y[drawn]))
    frame_of = CurvePlot(
        title=plot.title, series=(ends,), x_label=plot.x_label, y_label=plot.y_label
    )
    frame = Frame(axis_range(frame_of, "x"), axis_range(frame_of, "y"))
    parts = [*axes(frame_of, frame), *_guides(plot, frame)]
    pixels = _half_pixels(frame, x, y, drawn)
    for chosen, colour, radius in ((drawn & ~marked, 6, 1.6), (drawn & marked, 1, 2.8)):
        parts += [
            element("circle", class_=f"s{colour}", cx=f"{a:g}", cy=f"{b:g}", r=radius)
            for a, b in map(_place, np.unique(pixels[chosen]).tolist())
        ]
    for k in _highest(y, drawn & marked):
        a, b = _place(int(pixels[k]))
        side, shift = ("end", -5) if a > WIDTH / 2 else ("start", 5)
        at = {"x": f"{a + shift:g}", "y": f"{b + 3:g}"}
        parts.append(element("text", _short(plot.names[k]), **at, font_size=7, text_anchor=side))
    label = f"{plot.title}: {plot.y_label} against {plot.x_label}"
    return canvas(parts, width=WIDTH, height=HEIGHT, label=label)


def network_svg(plot: NetworkPlot) -> Svg:
    """Return the SVG of a `NetworkPlot`: names around a circle, a line for each edge."""
    names = _nodes(plot)
    angle = {name: 2 * math.pi * k / max(len(names), 1) for k, name in enumerate(names)}
    colours = {kind: k % N_COLOURS for k, kind in enumerate(joins(plot))}
    top = max((weight for *_, weight in plot.edges), default=1.0)
    parts = []
    for one, two, kind, weight in sorted(plot.edges, key=lambda edge: edge[3]):
        if one in angle and two in angle:
            (x1, y1), (x2, y2) = (_point(angle[name], _RADIUS) for name in (one, two))
            thickness = f"{1 + 3.5 * max(weight, 0) / top:.1f}"
            parts.append(
                element(
                    "path",
                    [element("title", f"{one} + {two} → {kind}: {weight:.3g}")],
                    class_=f"line s{colours[kind]}",
                    style=f"stroke-width:{thickness};stroke-dasharray:none",
                    d=f"M{x1:.1f} {y1:.1f} Q{_MIDDLE} {_MIDDLE} {x2:.1f} {y2:.1f}",
                )
            )
    for name in names:
        parts += _node(name, angle[name])
    label = f"{plot.title}: {len(names)} names, {len(plot.edges)} pairs"
    return canvas(parts, width=_SIZE, height=_SIZE, label=label)


def joins(plot: NetworkPlot) -> list[str]:
    """Return what joins the pairs, in order of first appearance: one colour each."""
    return list(dict.fromkeys(kind for _, _, kind, _ in plot.edges))


def _guides(plot: ScatterPlot, frame: Frame) -> list[Svg]:
    (left, right), (low, high) = frame.x(frame.x_range), frame.y(frame.y_range)
    parts = []
    if plot.x_level is not None and frame.x_range[0] <= plot.x_level <= frame.x_range[1]:
        at = f"{float(frame.x(plot.x_level)):.1f}"
        parts.append(element("line", class_="guide", x1=at, x2=at, y1=low, y2=high))
    if plot.y_level is not None and frame.y_range[0] <= plot.y_level <= frame.y_range[1]:
        at = f"{float(frame.y(plot.y_level)):.1f}"
        parts.append(element("line", class_="guide", x1=left, x2=right, y1=at, y2=at))
    return parts


def _highest(y: np.ndarray, chosen: np.ndarray) -> list[int]:
    rows = np.flatnonzero(chosen)
    order: list[int] = rows[np.argsort(-y[rows], kind="stable")][:N_LABELLED].tolist()
    return order


def _ends(values: Floats) -> Floats:
    """Return the least and the greatest of some values, where there are any."""
    return np.array([values.min(), values.max()]) if len(values) else values


def _half_pixels(frame: Frame, x: Floats, y: Floats, drawn: Bools) -> Ints32:
    """Return the half pixel of each point as one number, some points at a time; 0 if not drawn."""
    out = np.zeros(len(x), np.int32)
    for start in range(0, len(x), _PART):
        part = slice(start, start + _PART)
        kept = drawn[part]
        across, up = frame.x(x[part][kept]), frame.y(y[part][kept])
        out[part][kept] = np.round(2 * across) * _WIDE + np.round(2 * up)
    return out


def _place(pixel: int) -> tuple[float, float]:
    return pixel // _WIDE / 2, pixel % _WIDE / 2


def _nodes(plot: NetworkPlot) -> list[str]:
    """Return the names around the circle: those of one connected part side by side."""
    near: dict[str, list[str]] = {}
    for one, two, _, _ in plot.edges:
        near.setdefault(one, []).append(two)
        near.setdefault(two, []).append(one)
    order: list[str] = []
    for start in sorted(near, key=lambda name: -len(near[name])):
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name not in order:
                order.append(name)
                waiting += near[name]
    return order[:_MOST_NODES]


def _node(name: str, angle: float) -> list[Svg]:
    x, y = _point(angle, _RADIUS)
    tx, ty = _point(angle, _RADIUS + 12)
    side = "start" if math.cos(angle) > 0.1 else "end" if math.cos(angle) < -0.1 else "middle"
    at = {"x": f"{tx:.1f}", "y": f"{ty + 4:.1f}"}
    return [
        element("circle", class_="point s6", cx=f"{x:.1f}", cy=f"{y:.1f}", r=5),
        element("text", _short(name), **at, text_anchor=side),
    ]


def _point(angle: float, radius: float) -> tuple[float, float]:
    return _MIDDLE + radius * math.cos(angle), _MIDDLE + radius * math.sin(angle)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
