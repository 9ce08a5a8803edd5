"""Plots as pictures of their own, which a notebook displays and which can be saved.

A picture is what a page shows of the plot, with its title and its legend inside, in the light
colours on white: one file that needs no style sheet, no script and no network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_write
from clinnlp.report.blocks import BarPlot, CurvePlot, ForestPlot, NetworkPlot, ScatterPlot
from clinnlp.report.cells import estimate_parts, value_text
from clinnlp.report.markup import Svg, element
from clinnlp.report.plots import joins, network_svg, scatter_svg
from clinnlp.report.raster import png_of
from clinnlp.report.shapes import Place, Shape, colour, shape_svg, shapes_of
from clinnlp.report.svg import (
    HEIGHT,
    N_COLOURS,
    WIDTH,
    bar_svg,
    curve_svg,
    forest_axis_svg,
    forest_ends,
    forest_row_svg,
)

__all__ = ["Picture", "Plot"]

Plot = CurvePlot | ScatterPlot | NetworkPlot | ForestPlot | BarPlot

_MARGIN, _TITLE, _LINE = 12, 30, 18  # around, of the title, of a line of the legend
_NETWORK = 560  # the view box of `network_svg`
_NAME, _DRAWN, _VALUE = 230, 260, 150  # the three columns of a forest plot
_LETTERS = 32  # of a name in the first
_SCALES = (0.1, 10)
_ON_SCREEN = 1.5  # pixels to a unit
_FONT = "ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


class _Part(NamedTuple):
    """A drawing and where it stands."""

    drawing: Svg
    place: Place
    height: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Picture:
    """A plot that displays itself in a notebook and can be saved.

    Parameters
    ----------
    plot : CurvePlot, ScatterPlot, NetworkPlot, ForestPlot or BarPlot

    Examples
    --------
    >>> picture = Picture(plot=BarPlot(title="Mentions", bars=(("Drug", 12), ("Problem", 30))))
    >>> picture
    Picture('Mentions')
    >>> picture.svg.startswith("<svg xmlns=")
    True
    """

    plot: Plot

    def __repr__(self) -> str:
        return f"Picture({self.title!r})"

    @property
    def title(self) -> str:
        """Title of the plot."""
        return self.plot.title

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        width, height = self._size
        ground = element("rect", width="100%", height="100%", fill=colour("panel"))
        return element(
            "svg",
            [ground, *map(shape_svg, self._shapes)],
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width:g} {height:g}",
            width=f"{width * _ON_SCREEN:g}",
            height=f"{height * _ON_SCREEN:g}",
            role="img",
            aria_label=self.title,
            font_family=_FONT,
        )

    def png(self, *, scale: float = 2.0) -> bytes:
        """Return the picture as PNG, `scale` pixels to a unit of the SVG, 0.1 to 10.

        Raises
        ------
        ArgumentError
            Another scale.
        MissingExtra
            matplotlib is not installed.
        """
        if not _SCALES[0] <= scale <= _SCALES[1]:
            raise ArgumentError(f"scale must be between 0.1 and 10, got {scale}")
        width, height = self._size
        return png_of(self._shapes, width=width, height=height, scale=scale)

    def save(self, path: str | Path, *, scale: float = 2.0) -> Path:
        """Write the picture as ``.svg`` or ``.png`` and return its path.

        Raises
        ------
        ArgumentError
            Another suffix.
        RunError
            The machine failed, for example a full disk.
        """
        path = Path(path)
        if path.suffix.lower() not in (".svg", ".png"):
            raise ArgumentError(f"a plot must be written to .svg or .png, got {path.suffix!r}")
        made = self.svg.encode() if path.suffix.lower() == ".svg" else self.png(scale=scale)
        with atomic_write(path, "wb") as handle:
            handle.write(made)
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    @cached_property
    def _parts(self) -> list[_Part]:
        return [*_titled(self.plot)]

    @cached_property
    def _shapes(self) -> list[Shape]:
        return [s for part in self._parts for s in shapes_of(part.drawing, part.place)]

    @property
    def _size(self) -> tuple[float, float]:
        right = max(part.place.x + part.place.width for part in self._parts)
        return right + _MARGIN, max(p.place.y + p.height for p in self._parts) + _MARGIN


def _titled(plot: Plot) -> Iterator[_Part]:
    top = float(_MARGIN)
    if plot.title:
        title = element("text", plot.title, class_="title", x=0, y=14)
        yield _Part(_drawn(title), Place(x=_MARGIN, y=top), _TITLE)
        top += _TITLE
    if isinstance(plot, ForestPlot):
        yield from _forest(plot, top)
    elif isinstance(plot, BarPlot):
        yield from _bars(plot, top)
    else:
        yield from _framed(plot, top)


def _framed(plot: CurvePlot | ScatterPlot | NetworkPlot, top: float) -> Iterator[_Part]:
    """Yield a picture in its own frame, and under it what each colour stands for."""
    if isinstance(plot, NetworkPlot):
        drawing, width, height = network_svg(plot), _NETWORK, _NETWORK
        names = list(enumerate(joins(plot)))
    elif isinstance(plot, ScatterPlot):
        drawing, width, height = scatter_svg(plot), WIDTH, HEIGHT
        names = [(1, plot.marked_label)]
    else:
        drawing, width, height = curve_svg(plot), WIDTH, HEIGHT
        names = list(enumerate(series.name for series in plot.series))
    yield _Part(drawing, Place(x=_MARGIN, y=top, width=width), height)
    top += height + 6
    for k, name in ((k, name) for k, name in names if name):
        if isinstance(plot, ScatterPlot):
            sign = element("circle", class_=f"s{k}", cx=13, cy=9, r=4)
        else:
            sign = element("line", class_=f"line s{k % N_COLOURS}", x1=0, x2=26, y1=9, y2=9)
        words = element("text", name, x=34, y=13)
        yield _Part(_drawn(sign, words), Place(x=_MARGIN, y=top, width=width), _LINE)
        top += _LINE


def _forest(plot: ForestPlot, top: float) -> Iterator[_Part]:
    ends = forest_ends(plot.rows, log=plot.log, reference=plot.reference)
    for name, estimate in plot.rows:
        words = " ".join(filter(None, estimate_parts(estimate)))
        drawn = forest_row_svg(estimate, ends, log=plot.log, reference=plot.reference)
        yield from _row(name, drawn, words, top, 28)
        top += 28
    yield from _row("", forest_axis_svg(ends, log=plot.log, label=plot.x_label), "", top, 40)


def _bars(plot: BarPlot, top: float) -> Iterator[_Part]:
    highest = max((value for _, value in plot.bars if value == value), default=0)
    for name, value in plot.bars:
        yield from _row(name, bar_svg(value, highest), value_text(value), top, 24)
        top += 24


def _row(name: str, drawn: Svg, value: str, top: float, height: int) -> Iterator[_Part]:
    """Yield the three columns of a row: whom, the drawing, the number."""
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    for words, left, width in ((short, 0, _NAME), (value, _NAME + _DRAWN + 14, _VALUE)):
        text = element("text", words, class_="name", x=0, y=18)
        yield _Part(_drawn(text), Place(x=_MARGIN + left, y=top, width=width), height)
    yield _Part(drawn, Place(x=_MARGIN + _NAME, y=top, width=_DRAWN), height)


def _drawn(*shapes: Svg) -> Svg:
    return element("svg", shapes)
