"""The drawings of a page as plain shapes, which need no style sheet: for files of their own.

On a page a plot takes its colours from the style sheet and the width of its strips (percentages)
from its place. In a file it has neither: here each shape gets absolute numbers and its colours, the
light ones.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from clinnlp.report.markup import Svg, element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Place", "Shape", "colour", "shape_svg", "shapes_of"]

_ACROSS, _DOWN = ("x", "x1", "x2", "cx"), ("y", "y1", "y2", "cy")
_STYLES: Mapping[str, Mapping[str, str]] = {  # class to what figures.css says of it
    "plot": {"fill": "none", "stroke": "rule"},
    "frame": {"stroke": "faint"},
    "grid": {"stroke": "rule", "stroke_width": "0.7"},
    "guide": {"stroke": "faint", "stroke_dasharray": "4 4"},
    "line": {"fill": "none", "stroke_width": "2"},
    "whisker": {"stroke": "accent", "stroke_width": "1.6"},
    "point": {"fill": "accent", "stroke": "panel", "stroke_width": "1.2"},
    "track": {"fill": "sunk"},
    "fill": {"fill": "c0", "opacity": "0.85"},
    "name": {"font_size": "12", "fill": "ink"},
    "title": {"font_size": "13", "fill": "ink", "font_weight": "bold"},
}
_DASHES = {"s1": "7 3", "s2": "2 2.5", "s3": "9 3 2 3"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a drawing stands in a picture, and how wide it is there."""

    x: float = 0.0
    y: float = 0.0
    width: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape: numbers in the units of the picture, style, points of a line, words of a text."""

    name: str
    at: Mapping[str, float]
    style: Mapping[str, str]
    points: tuple[tuple[float, float], ...] = ()
    words: str = ""


@cache
def colour(name: str) -> str:
    """Return a colour of the light theme, such as ``#0b7a75`` for ``c0``."""
    css = resources.files("clinnlp.report").joinpath("templates/light.css").read_text("utf-8")
    named: dict[str, str] = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    return named.get(name, name)


def shapes_of(drawing: Svg, place: Place) -> Iterator[Shape]:
    """Yield the shapes of a drawing that `element` made.

    Examples
    --------
    >>> line = element("svg", [element("line", class_="grid", x1="50%", x2=40, y1=0, y2=9)])
    >>> (shape,) = shapes_of(line, Place(x=100, y=10, width=200))
    >>> dict(shape.at), shape.style["stroke"]
    ({'x1': 200.0, 'x2': 140.0, 'y1': 10.0, 'y2': 19.0}, '#e2ded5')
    """
    from xml.etree.ElementTree import fromstring

    for node in fromstring(drawing):  # noqa: S314  (made by `element`, which escapes)
        yield _shape(node, place)


def _shape(node: "Element", place: Place) -> Shape:
    moved = {"x": place.x, "y": place.y} if node.tag == "rect" else {}
    moved |= {k: _moved(k, node.attrib[k], place) for k in node.attrib if k in _GEOMETRY}
    if turn := node.get("transform"):  # translate(x y) rotate(angle)
        x, y, angle = (float(number) for number in _NUMBER.findall(turn))
        moved |= {"x": x + place.x, "y": y + place.y, "angle": angle}
    given = [float(n) for n in _NUMBER.findall(node.get("points", "") or node.get("d", ""))]
    pairs = zip(given[::2], given[1::2], strict=True)
    return Shape(
        name=node.tag,
        at=moved,
        style=_style(node),
        points=tuple((x + place.x, y + place.y) for x, y in pairs),
        words=(node.text or "") if node.tag == "text" else "",
    )


_GEOMETRY = frozenset((*_ACROSS, *_DOWN, "r", "width", "height"))


def _moved(key: str, value: str, place: Place) -> float:
    number = float(value.rstrip("%")) * (place.width / 100 if value.endswith("%") else 1)
    return number + place.x * (key in _ACROSS) + place.y * (key in _DOWN)


def _style(node: "Element") -> dict[str, str]:
    """Return the style of a shape: by its classes, then what it says itself."""
    classes = (node.get("class") or "").split()
    style = {"font_size": "11", "fill": "soft"} if node.tag == "text" else {}
    for name in classes:
        style |= _STYLES.get(name, {})
        if re.fullmatch(r"s\d", name):
            style |= _of_series(name, node.tag, classes)
    for key in ("text-anchor", "rx"):
        style |= {key.replace("-", "_"): node.attrib[key]} if key in node.attrib else {}
    for said in filter(None, node.get("style", "").split(";")):
        key, _, value = said.partition(":")
        style[key.replace("-", "_")] = value
    return {key: colour(value) for key, value in style.items() if value != "none" or key == "fill"}


def _of_series(name: str, tag: str, classes: list[str]) -> dict[str, str]:
    own = f"c{name[1:]}"
    if tag == "circle":
        return {"fill": own} | ({} if "point" in classes else {"stroke": own})
    dash = {"stroke_dasharray": _DASHES[name]} if "line" in classes and name in _DASHES else {}
    return {"stroke": own, **dash}


def shape_svg(shape: Shape) -> Svg:
    """Return a shape as SVG that carries its own style."""
    at: dict[str, object] = {k: f"{v:g}" for k, v in shape.at.items() if k != "angle"}
    if "angle" in shape.at:
        at["transform"] = f"rotate({shape.at['angle']:g} {at['x']} {at['y']})"
    if shape.name == "polyline":
        at["points"] = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
    if shape.name == "path":
        (x, y), *rest = shape.points
        at["d"] = f"M{x:g} {y:g} Q" + " ".join(f"{a:g} {b:g}" for a, b in rest)
    return element(shape.name, shape.words or None, **at, **shape.style)
