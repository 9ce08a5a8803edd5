"""Volcano and network: every point and pair drawn, names escaped, nothing outside the box."""

import re

import numpy as np

from clinnlp.report.blocks import NetworkPlot, ScatterPlot
from clinnlp.report.plots import N_LABELLED, joins, network_svg, scatter_svg
from clinnlp.report.svg import HEIGHT, WIDTH
from clinnlp.report.tables import table_of


def scatter(x, y, marked, names=None):
    names = tuple(names or (f"p{k}" for k in range(len(x))))
    return ScatterPlot(title="t", names=names, x=x, y=y, marked=marked, x_label="x", y_label="y",
                       x_level=0, y_level=1)  # fmt: skip


def circles(svg):
    return [(float(a), float(b)) for a, b in re.findall(r'cx="([-\d.e]+)" cy="([-\d.e]+)"', svg)]


def test_every_finite_point_is_drawn_inside():
    x, y = [-3.0, 0.0, 2.0, np.nan, np.inf], [0.0, 5.0, 9.0, 1.0, 1.0]
    drawn = circles(scatter_svg(scatter(x, y, [True, False, True, True, False])))
    assert len(drawn) == 3
    assert all(0 <= a <= WIDTH and 0 <= b <= HEIGHT for a, b in drawn)


def test_points_of_one_pixel_are_drawn_once():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1e-6, 5000), [10.0]])
    svg = scatter_svg(scatter(x, x, np.zeros(5001, bool)))
    assert len(circles(svg)) < 10


def test_only_the_highest_marked_points_are_named():
    n = 20
    svg = scatter_svg(scatter(np.arange(n), np.arange(n), np.arange(n) % 2 == 0))
    named = re.findall(r">p(\d+)<", svg)
    assert [int(k) for k in named] == [18, 16, 14, 12, 10, 8][:N_LABELLED]


def test_no_points_is_a_frame():
    assert "<svg" in scatter_svg(scatter([], [], []))
    assert "<svg" in network_svg(NetworkPlot(title="t", edges=()))


def test_every_pair_is_a_line_in_the_colour_of_what_joins_it():
    edges = (("a", "b", "bleed", 3.0), ("b", "c", "fall", 1.0), ("d", "e", "bleed", 2.0))
    plot = NetworkPlot(title="t", edges=edges)
    svg = network_svg(plot)
    assert svg.count("<path") == 3
    assert [svg.count(f'class="line s{k}"') for k in (0, 1)] == [2, 1]
    assert joins(plot) == ["bleed", "fall"]
    assert all(f">{name}</text>" in svg for name in "abcde")
    assert "a + b → bleed: 3" in svg


def test_tables_hold_the_same_numbers():
    table = table_of(scatter([1.0, np.nan], [2.0, 3.0], [True, False]))
    assert [row["name"] for row in table.rows] == ["p0", "p1"]
    assert [row["marked"] for row in table.rows] == [True, False]
    pairs = table_of(NetworkPlot(title="t", edges=(("a", "b", "x", 1.5),)))
    assert pairs.rows == ({"one": "a", "two": "b", "joined_by": "x", "weight": 1.5},)
