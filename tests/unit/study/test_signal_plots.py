"""Sections of signals: plots of the rows, tables with every measure, valid pages."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.report.blocks import ForestPlot, NetworkPlot, Report, ScatterPlot, TableBlock
from clinnlp.report.html import render_html
from clinnlp.report.markdown import render_markdown
from clinnlp.study.report_sections import drug_events_section, rules_section, signals_section


@pytest.fixture(scope="module")
def baskets():
    rng = np.random.default_rng(0)
    held = {name: rng.random(5000) < 0.2 for name in ("warfarin", "ibuprofen", "iron")}
    held["bleeding"] = rng.random(5000) < 0.02 + 0.3 * (held["warfarin"] & held["ibuprofen"])
    kinds = dict.fromkeys(("warfarin", "ibuprofen", "iron"), "drug") | {"bleeding": "outcome"}
    return frame_baskets(pd.DataFrame(held), kinds=kinds)


def one_of(section, kind):
    return next(block for block in section.blocks if isinstance(block, kind))


def test_interactions(baskets):
    signals = mine_interactions(baskets)
    section = signals_section(signals)
    volcano, forest = one_of(section, ScatterPlot), one_of(section, ForestPlot)
    assert volcano.names[0] == "ibuprofen + warfarin → bleeding".replace(
        "ibuprofen + warfarin", f"{signals['drug_1'][0]} + {signals['drug_2'][0]}"
    )
    assert len(volcano.names) == len(signals)
    assert forest.rows[0][1].value == signals["omega"][0]
    assert forest.rows[0][1].low == signals["omega025"][0]
    (edge,) = one_of(section, NetworkPlot).edges
    assert set(edge[:2]) == {"warfarin", "ibuprofen"}
    page = render_html(Report(title="r", blocks=(section,)))
    assert page.count("<svg") > 3
    assert "1 marked" in render_markdown(Report(title="r", blocks=(section,)))


def test_drug_events(baskets):
    signals = mine_signals(baskets)
    section = drug_events_section(signals)
    assert one_of(section, ForestPlot).rows[0][1].high == signals["eb95"][0]
    keys = {column.key for column in one_of(section, TableBlock).shown}
    assert {"prr", "ror", "ic", "ebgm", "chi2_yates", "q_bh"} <= keys
    page = render_markdown(Report(title="r", blocks=(section,)))
    assert f"Prior of EBGM: {signals.prior}." in page
    assert "EBGM" in render_html(Report(title="r", blocks=(section,)))


def test_rules(baskets):
    rules = mine_rules(baskets, max_len=3)
    volcano = one_of(rules_section(rules), ScatterPlot)
    assert len(volcano.names) == len(rules)
    np.testing.assert_allclose(2.0 ** np.asarray(volcano.x), rules["lift"])


def test_nothing_found_has_no_plot():
    kinds = {"a": "drug", "b": "drug", "x": "outcome"}
    baskets = frame_baskets(pd.DataFrame({"a": [1, 0], "b": [0, 1], "x": [1, 0]}), kinds=kinds)
    for section in (
        signals_section(mine_interactions(baskets)),
        drug_events_section(mine_signals(baskets)),
        rules_section(mine_rules(baskets)),
    ):
        assert not [b for b in section.blocks if isinstance(b, ScatterPlot | ForestPlot)]
