"""Plots: axes, thinning, and what cannot be drawn."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import CurvePlot, Series
from clinnlp.report.svg import (
    bar_svg,
    curve_svg,
    forest_axis_svg,
    forest_ends,
    forest_row_svg,
    log_ticks,
    scale,
    thin,
    ticks,
)


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
)
def test_ticks_are_few_inside_and_evenly_spaced(low, width):
    made = ticks(low, low + width)
    assert 2 <= len(made) <= 11
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in made)
    steps = np.diff(made)
    assert np.allclose(steps, steps[0], rtol=1e-6)


@given(st.floats(1e-6, 1e3), st.floats(1.05, 1e8))
def test_log_ticks_are_few_and_inside(low, factor):
    made = log_ticks((low, low * factor))
    assert len(made) <= 9
    assert all(low * 0.999 <= t <= low * factor * 1.001 for t in made)


def test_scale_holds_values_inside_and_keeps_nan():
    assert scale(5, (0, 10), log=False) == 50
    assert scale(99, (0, 10), log=False) == 100
    assert scale(-math.inf, (0, 10), log=False) == 0
    assert scale(10, (1, 100), log=True) == 50
    assert scale(0, (1, 100), log=True) == 0
    assert math.isnan(scale(math.nan, (0, 1), log=False))


def test_thinning_keeps_the_shape_of_a_long_curve():
    x = np.linspace(0, 300, 100_000)
    y = 300 * (x / 300) ** 2
    points = np.array(thin(x, y))
    assert len(points) < 1200
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [300, 300]
    assert np.abs(np.interp(x, points[:, 0], points[:, 1]) - y).max() < 1
    assert len(thin(np.linspace(0, 9, 50), np.zeros(50))) == 2


def test_undefined_points_are_left_out():
    series = Series(name="a", x=[0, np.nan, 1], y=[0, 0.5, 1])
    svg = curve_svg(CurvePlot(title="t", series=(series,), x_label="x", y_label="y"))
    assert "nan" not in svg
    assert svg.count("<polyline") == 1
    bars = Series(name="a", x=[0, 1], y=[0.5, 0.6], low=[np.nan, 0.5], high=[np.nan, 0.7])
    svg = curve_svg(CurvePlot(title="t", series=(bars,), x_label="x", y_label="y", level=np.nan))
    assert "nan" not in svg
    assert svg.count('class="whisker') == 1
    assert svg.count("<circle") == 2


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5], [np.nan]])
def test_degenerate_curves_are_drawn(values):
    series = (Series(name="a", x=values, y=values),)
    svg = curve_svg(CurvePlot(title="t", series=series, x_label="x", y_label="y"))
    assert svg.startswith("<svg")
    assert "nan" not in svg


@pytest.mark.parametrize("log", [False, True])
def test_forest_rows_survive_limits(log):
    def row(value, low, high):
        return ("r", Estimate(value=value, low=low, high=high))

    rows = [row(2, 1, math.inf), row(math.nan, math.nan, math.nan), row(0, 0, 3)]
    ends = forest_ends(rows, log=log, reference=1)
    assert 0 < ends[1] < 10
    for _, estimate in rows:
        svg = forest_row_svg(estimate, ends, log=log, reference=1)
        assert "nan" not in svg
        assert "inf" not in svg
    assert forest_row_svg(rows[0][1], ends, log=log, reference=None).count("whisker") == 2
    axis = forest_axis_svg(ends, log=log, label="odds <ratio>")
    assert "odds &lt;ratio&gt;" in axis
    assert axis.count("<text") >= 3
    low, high = forest_ends([], log=log, reference=None)
    assert low < high


def test_bars_share_one_axis():
    widths = [re.search(r'fill" width="([\d.]+)%', bar_svg(v, 8)).group(1) for v in (8, 2, 0)]
    assert widths == ["100.00", "25.00", "0.00"]
    assert 'width="0.00%"' in bar_svg(math.nan, 8)
    assert 'width="0.00%"' in bar_svg(0, 0)
