"""Shapes as PNG, drawn by matplotlib, which comes with mlxtend.

Nothing of matplotlib's own settings is read or changed: a figure of the size of the picture, one
pair of axes that fills it, and each shape at its place.
"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

from clinnlp.core.errors import MissingExtra, instead_of
from clinnlp.report.shapes import Shape

__all__ = ["png_of"]

_DPI = 100  # one unit of a picture is a hundredth of an inch
_POINTS = 72 / _DPI


def png_of(shapes: Iterable[Shape], *, width: float, height: float, scale: float) -> bytes:
    """Return a PNG of `scale` pixels to a unit.

    Raises
    ------
    MissingExtra
        matplotlib is not installed.
    """
    with instead_of(ImportError, MissingExtra("matplotlib", extra="png")):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI * scale, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    for order, shape in enumerate(shapes):
        if shape.name == "text":
            _text(axes, shape, order)
        else:
            axes.add_artist(_ARTISTS[shape.name](shape, _style(shape.style, order)))
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _style(style: Mapping[str, str], order: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "edgecolor": style.get("stroke", "none"),
        "facecolor": style.get("fill", "none"),
        "linewidth": float(style.get("stroke_width", "1")) * _POINTS,
        "alpha": float(style.get("opacity", "1")),
        "zorder": order + 1,
    }
    if dash := style.get("stroke_dasharray"):
        made["linestyle"] = (0, tuple(float(d) * _POINTS / made["linewidth"] for d in dash.split()))
    return made


def _text(axes: Any, shape: Shape, order: int) -> None:
    side = {"middle": "center", "end": "right"}.get(shape.style.get("text_anchor", ""), "left")
    axes.text(
        shape.at["x"],
        shape.at["y"],
        shape.words,
        color=shape.style["fill"],
        fontsize=float(shape.style["font_size"]) * _POINTS,
        fontweight=shape.style.get("font_weight", "normal"),
        fontfamily="DejaVu Sans",
        ha=side,
        va="baseline",
        rotation=-shape.at.get("angle", 0.0),
        rotation_mode="anchor",
        parse_math=False,
        zorder=order + 1,
    )


def _path(shape: Shape, style: dict[str, Any]) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    curved = shape.name == "path"
    codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3] if curved else None
    return PathPatch(Path(shape.points, codes), **style | {"facecolor": "none"})


def _line(shape: Shape, style: dict[str, Any]) -> Any:
    at = shape.at
    ends = ((at["x1"], at["y1"]), (at["x2"], at["y2"]))
    return _path(Shape(name="polyline", at={}, style={}, points=ends), style)


def _circle(shape: Shape, style: dict[str, Any]) -> Any:
    from matplotlib.patches import Circle

    return Circle((shape.at["cx"], shape.at["cy"]), shape.at["r"], **style)


def _rect(shape: Shape, style: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    at = shape.at
    return Rectangle((at["x"], at["y"]), at["width"], at["height"], **style)


_ARTISTS: Mapping[str, Callable[[Shape, dict[str, Any]], Any]] = {
    "path": _path,
    "polyline": _path,
    "line": _line,
    "circle": _circle,
    "rect": _rect,
}
