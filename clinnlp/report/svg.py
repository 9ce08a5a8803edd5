"""Plots as inline SVG, drawn by hand: curves in a frame, forest rows, bars.

Colours come from the page's style sheet (classes ``s0`` to ``s7``), so that a plot follows the
light or dark theme. Curves have a fixed view box and scale as a whole; forest rows and bars use
percentages, so that their words keep their size on a small screen. All of it is made by `element`,
which escapes.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Floats
from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import CurvePlot, Series
from clinnlp.report.markup import Svg, element

__all__ = [
    "N_COLOURS",
    "Frame",
    "axes",
    "axis_range",
    "bar_svg",
    "canvas",
    "curve_svg",
    "forest_axis_svg",
    "forest_ends",
    "forest_row_svg",
    "scale",
    "ticks",
]

N_COLOURS = 8
WIDTH, HEIGHT = 320, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 8, 42  # margins of the frame
_LOG_TICKS = 7  # at most
_BARS_UP_TO = 40  # points of a series that get a dot


def curve_svg(plot: CurvePlot) -> Svg:
    """Return the SVG of a `CurvePlot`."""
    x_range, y_range = axis_range(plot, "x"), axis_range(plot, "y")
    frame = Frame(x_range, y_range)
    parts = axes(plot, frame)
    if plot.diagonal:
        ends = max(x_range[0], y_range[0]), min(x_range[1], y_range[1])
        parts.append(_guide(frame, (ends[0], ends[1]), (ends[0], ends[1])))
    if plot.level is not None and math.isfinite(plot.level):
        parts.append(_guide(frame, x_range, (plot.level, plot.level)))
    for k, series in enumerate(plot.series):
        parts += _series(series, frame, k % N_COLOURS)
    label = f"{plot.title}: {plot.y_label} against {plot.x_label}"
    return canvas(parts, width=WIDTH, height=HEIGHT, label=label)


def canvas(parts: Iterable[Svg], *, width: int, height: int, label: str) -> Svg:
    """Return a picture that scales as a whole, with the words that stand for it when read out."""
    box = f"0 0 {width} {height}"
    return element("svg", parts, class_="curve", viewBox=box, role="img", aria_label=label)


def forest_row_svg(
    estimate: Estimate, ends: tuple[float, float], *, log: bool, reference: float | None
) -> Svg:
    """Return one row of a forest plot: interval, point, and the reference line."""
    value, low, high = (
        scale(v, ends, log=log) for v in (estimate.value, estimate.low, estimate.high)
    )
    parts = []
    if reference is not None:
        at = scale(reference, ends, log=log)
        parts.append(_percent_line("guide", (at, at), (0, 28)))
    if not math.isnan(low) and not math.isnan(high):
        parts.append(_percent_line("whisker", (low, high), (14, 14)))
        parts += [
            _percent_line("whisker", (end, end), (9, 19))
            for end, raw in ((low, estimate.low), (high, estimate.high))
            if math.isfinite(raw)
        ]
    if not math.isnan(value):
        parts.append(element("circle", class_="point", cx=f"{value}%", cy=14, r=5))
    return _strip("forest", parts, height=28)


def forest_axis_svg(ends: tuple[float, float], *, log: bool, label: str) -> Svg:
    """Return the axis under the rows of a forest plot."""
    parts = [element("line", class_="frame", x1=0, x2="100%", y1=1, y2=1)]
    for tick in log_ticks(ends) if log else ticks(*ends, n=4):
        at = scale(tick, ends, log=log)
        anchor = "start" if at < 4 else "end" if at > 96 else "middle"
        parts.append(_percent_line("frame", (at, at), (1, 6)))
        parts.append(element("text", _tick(tick), x=f"{at}%", y=19, text_anchor=anchor))
    if label:
        parts.append(element("text", label, class_="name", x="50%", y=36, text_anchor="middle"))
    return _strip("axis", parts, height=40)


def bar_svg(value: float, top: float) -> Svg:
    """Return one horizontal bar of `value` on an axis from 0 to `top`."""
    share = 0.0 if not top or not math.isfinite(value) else max(0.0, 100 * value / top)
    bars = [
        element("rect", class_=name, width=width, height=18, rx=3)
        for name, width in (("track", "100%"), ("fill", f"{share:.2f}%"))
    ]
    return _strip("bar", bars, height=18)


def _strip(name: str, parts: Iterable[Svg], *, height: int) -> Svg:
    """Return a picture as wide as its place; its words stand beside it."""
    return element("svg", parts, class_=name, width="100%", height=height, role="presentation")


def _percent_line(name: str, x: tuple[float, float], y: tuple[int, int]) -> Svg:
    return element("line", class_=name, x1=f"{x[0]}%", x2=f"{x[1]}%", y1=y[0], y2=y[1])


def forest_ends(
    rows: Sequence[tuple[str, Estimate]], *, log: bool, reference: float | None
) -> tuple[float, float]:
    """Return both ends of the axis that holds all finite ends of `rows`, with a little air."""
    values = [v for _, e in rows for v in (e.value, e.low, e.high)]
    values += [] if reference is None else [reference]
    usable = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
    if not usable:
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = min(usable), max(usable)
    if log:
        air = max((high / low) ** 0.05, 1.05)
        return low / air, high * air
    air = 0.05 * (high - low) or 0.5
    return low - air, high + air


def scale(value: float, ends: tuple[float, float], *, log: bool) -> float:
    """Return where `value` stands between `ends`, in percent, held inside 0 and 100."""
    if math.isnan(value):
        return math.nan
    low, high = ends
    if log:
        low, high = math.log(low), math.log(high)
        value = math.log(value) if value > 0 else -math.inf
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def ticks(low: float, high: float, *, n: int = 5) -> list[float]:
    """Return about `n` round numbers between `low` and `high`.

    Examples
    --------
    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3, 47)
    [10.0, 20.0, 30.0, 40.0]
    """
    raw = (high - low) / n
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def log_ticks(ends: tuple[float, float]) -> list[float]:
    """Return round numbers between `ends` at even steps of a logarithmic axis, 1 among them.

    Examples
    --------
    >>> log_ticks((0.4, 60))
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    >>> log_ticks((1e-6, 1e6))
    [1e-06, 0.001, 1.0, 1000.0, 1000000.0]
    """
    first, last = math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1]))
    made: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        steps = [_times_power(m, k) for k in range(first, last + 1) for m in factors]
        made = [tick for tick in steps if ends[0] <= tick <= ends[1]]
        if len(made) <= _LOG_TICKS:
            return made if len(made) > 1 else [t for t in ticks(*ends, n=4) if t > 0]
    stride = math.ceil(len(made) / _LOG_TICKS) + 1
    return [tick for tick in made if round(math.log10(tick)) % stride == 0]


def _times_power(factor: int, power: int) -> float:
    """Return the factor times 10 to the power, as near as a float comes."""
    return factor * 10.0**power if power >= 0 else factor / 10.0**-power


class Frame:
    """Data to view-box coordinates, held inside the frame."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x_range, self.y_range = x, y
        self.right, self.bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(self, value: ArrayLike) -> Floats:
        low, high = self.x_range
        return LEFT + (np.clip(np.asarray(value, np.float64), low, high) - low) / (high - low) * (
            self.right - LEFT
        )

    def y(self, value: ArrayLike) -> Floats:
        low, high = self.y_range
        return self.bottom - (np.clip(np.asarray(value, np.float64), low, high) - low) / (
            high - low
        ) * (self.bottom - TOP)


def axis_range(plot: CurvePlot, axis: str) -> tuple[float, float]:
    """Return both ends of an axis: as given, or those of the data."""
    given = plot.x_range if axis == "x" else plot.y_range
    if given is not None:
        return given
    names = ("x",) if axis == "x" else ("y", "low", "high")
    given_values = [getattr(s, name) for s in plot.series for name in names]
    arrays = [np.asarray(v, np.float64).ravel() for v in given_values if v is not None]
    flat = np.concatenate([np.empty(0), *arrays])
    flat = flat[np.isfinite(flat)]
    if not len(flat):
        return 0.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def axes(plot: CurvePlot, frame: Frame) -> list[Svg]:
    """Return the frame, its grid and the names of its axes."""
    right, bottom = frame.right, frame.bottom
    size = {"width": right - LEFT, "height": bottom - TOP}
    parts = [element("rect", class_="plot", x=LEFT, y=TOP, **size)]
    for tick in ticks(*frame.x_range):
        x = round(float(frame.x(tick)), 1)
        parts.append(element("line", class_="grid", x1=x, x2=x, y1=TOP, y2=bottom))
        parts.append(element("text", _tick(tick), x=x, y=bottom + 16, text_anchor="middle"))
    for tick in ticks(*frame.y_range):
        y = round(float(frame.y(tick)), 1)
        parts.append(element("line", class_="grid", x1=LEFT, x2=right, y1=y, y2=y))
        parts.append(element("text", _tick(tick), x=LEFT - 7, y=y + 4, text_anchor="end"))
    across, up = (LEFT + right) / 2, (TOP + bottom) / 2
    name = {"class_": "name", "text_anchor": "middle"}
    upright = f"translate(12 {up}) rotate(-90)"
    return [
        *parts,
        element("text", plot.x_label, x=across, y=HEIGHT - 8, **name),
        element("text", plot.y_label, transform=upright, **name),
    ]


def _series(series: Series, frame: Frame, colour: int) -> list[Svg]:
    x, y = np.asarray(series.x, np.float64), np.asarray(series.y, np.float64)
    kept = np.isfinite(x) & np.isfinite(y)
    px, py = frame.x(x[kept]), frame.y(y[kept])
    parts = []
    if len(px) > 1:
        path = " ".join(f"{a:g},{b:g}" for a, b in thin(px, py))
        parts.append(element("polyline", class_=f"line s{colour}", points=path))
    if series.low is not None and series.high is not None:
        low = frame.y(np.asarray(series.low, np.float64)[kept])
        high = frame.y(np.asarray(series.high, np.float64)[kept])
        parts += [
            _line(f"whisker s{colour}", (a, a), (b, c))
            for a, b, c in zip(px, low, high, strict=True)
            if math.isfinite(b) and math.isfinite(c)
        ]
    if len(px) == 1 or (series.low is not None and len(px) <= _BARS_UP_TO):
        parts += [
            element("circle", class_=f"point s{colour}", cx=f"{a:.1f}", cy=f"{b:.1f}", r=3.4)
            for a, b in zip(px, py, strict=True)
        ]
    return parts


def thin(x: Floats, y: Floats) -> Sequence[tuple[float, float]]:
    """Return the points at half-pixel resolution without those on a straight run."""
    points = np.round(np.stack([x, y], axis=1) * 2) / 2
    moved = np.ones(len(points), bool)
    moved[1:] = (points[1:] != points[:-1]).any(axis=1)
    points = points[moved]
    if len(points) > 2:
        before, after = points[1:-1] - points[:-2], points[2:] - points[1:-1]
        turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        back = (before * after).sum(axis=1) < 0
        points = points[np.concatenate([[True], (turn != 0) | back, [True]])]
    return [(float(a), float(b)) for a, b in points]


def _guide(frame: Frame, x: tuple[float, float], y: tuple[float, float]) -> Svg:
    return _line("guide", frame.x(x), frame.y(y))


def _line(name: str, x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> Svg:
    (x1, x2), (y1, y2) = ([f"{end:.1f}" for end in ends] for ends in (x, y))
    return element("line", class_=name, x1=x1, x2=x2, y1=y1, y2=y2)


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")
