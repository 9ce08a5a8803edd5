import io
import re
import stat
import sys
from importlib import resources
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from PIL import Image

from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError, MissingExtra
from clinnlp.report import raster
from clinnlp.report.blocks import (
    BarPlot,
    CurvePlot,
    ForestPlot,
    NetworkPlot,
    ScatterPlot,
    Series,
)
from clinnlp.report.pictures import Picture
from clinnlp.report.shapes import _STYLES, colour

BAD = "<script>alert(1)</script> & $x_1$ \x1b"
X = np.linspace(0, 1, 11)
PLOTS = {
    "curve": CurvePlot(
        title=BAD, x_label=BAD, y_label=BAD, diagonal=True, level=0.3,
        series=(Series(name=BAD, x=X, y=X), Series(name="b", x=X, y=X, low=X - 0.1, high=X + 0.1)),
    ),
    "scatter": ScatterPlot(
        title=BAD, names=(BAD,) * 11, x=X, y=X, marked=X > 0.5, x_label=BAD, y_label=BAD,
        marked_label=BAD, x_level=0.2, y_level=0.2,
    ),
    "network": NetworkPlot(title=BAD, edges=((BAD, "b", BAD, 2.0), ("b", "c", "d", 1.0))),
    "forest": ForestPlot(
        title=BAD, x_label=BAD, reference=1.0, log=True,
        rows=(
            (BAD, Estimate(value=2, low=1, high=np.inf)),
            ("b", Estimate(value=np.nan, low=np.nan, high=np.nan)),
        ),
    ),
    "bars": BarPlot(title=BAD, bars=((BAD, 1.0), ("b", np.nan), ("c", 4.0))),
    "nothing": CurvePlot(title="", series=(), x_label="", y_label=""),
}  # fmt: skip


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_a_picture_is_one_svg_that_needs_nothing_else(plot):
    made = Picture(plot=plot)._repr_svg_()
    root = fromstring(made)
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags <= {"svg", "rect", "line", "polyline", "path", "circle", "text"}
    for node in root.iter():
        assert not set(node.attrib) & {"class", "style", "href", "onload"}
        if node is not root and node.attrib.get("width") != "100%":
            assert not any("%" in value for value in node.attrib.values())
    assert "var(" not in made
    assert made.count("http") == 1  # the name of the form
    assert "<script" not in made
    assert "\x1b" not in made


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_words_and_shapes_lie_inside_the_picture(plot):
    picture = Picture(plot=plot)
    width, height = picture._size
    for shape in picture._shapes:
        for key, value in shape.at.items():
            if key in ("x", "cx", "x1", "x2"):
                assert -0.01 <= value <= width + 0.01
            if key in ("y", "cy", "y1", "y2"):
                assert -0.01 <= value <= height + 0.01


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_png_has_the_size_of_the_svg_and_something_on_it(plot):
    picture = Picture(plot=plot)
    made = pixels(picture.png(scale=1))
    assert made.shape[:2] == tuple(round(side) for side in reversed(picture._size))
    assert made[0, 0].tolist() == [255, 255, 255]
    assert (made != 255).any()
    assert picture.png(scale=1) == picture.png(scale=1)


def test_a_bar_is_as_long_in_png_as_in_svg():
    picture = Picture(plot=BarPlot(title="", bars=(("a", 1.0), ("b", 4.0))))
    made = pixels(picture.png(scale=2))
    fills = [s for s in picture._shapes if s.style.get("fill") == colour("c0")]
    for shape in fills:
        x, y, width = (2 * shape.at[key] for key in ("x", "y", "width"))
        row = made[round(y + 18)]
        green = np.flatnonzero(row[:, 0] < 100)
        inside = green[(green >= 2 * (12 + 230)) & (green < 2 * (12 + 230 + 260))]
        assert inside.min() == pytest.approx(x, abs=2)
        assert inside.max() == pytest.approx(x + width, abs=2)


def test_saved_as_svg_and_png_readable_by_the_owner_alone(tmp_path):
    picture = Picture(plot=PLOTS["forest"])
    svg, png = picture.save(tmp_path / "a.svg"), picture.save(str(tmp_path / "a.PNG"), scale=1)
    assert svg.read_text(encoding="utf-8") == picture.svg
    assert png.read_bytes() == picture.png(scale=1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (svg, png)} == {0o600}


def test_refusals(tmp_path, monkeypatch):
    picture = Picture(plot=PLOTS["bars"])
    with pytest.raises(ArgumentError, match=r"to \.svg or \.png, got '\.pdf'"):
        picture.save(tmp_path / "a.pdf")
    with pytest.raises(ArgumentError, match=r"between 0\.1 and 10, got 1000"):
        picture.png(scale=1000)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"clinnlp\[png\]"):
        picture.png()
    assert list(tmp_path.iterdir()) == []


def test_the_styles_of_shapes_are_those_of_the_page():
    css = resources.files("clinnlp.report").joinpath("templates/figures.css").read_text("utf-8")
    for name, style in _STYLES.items():
        if name == "title":
            continue
        (rule,) = re.findall(rf"(?:^|\s|text)\.{name} \{{([^}}]*)\}}", css, flags=re.MULTILINE)[:1]
        said = {
            key.replace("-", "_"): value.removeprefix("var(--").rstrip(")").removesuffix("px")
            for key, value in re.findall(r"([\w-]+): ([^;]+);", rule)
        }
        assert {key: said[key] for key in style} == style


def test_every_shape_of_a_plot_can_be_drawn():
    drawn = {s.name for plot in PLOTS.values() for s in Picture(plot=plot)._shapes}
    assert drawn == {*raster._ARTISTS, "text"}
