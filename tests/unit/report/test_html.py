"""The HTML page: whole, self-contained, escaped, silent about note text unless asked."""

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from jinja2 import UndefinedError

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import (
    BarPlot,
    Column,
    CurvePlot,
    Examples,
    Facts,
    ForestPlot,
    Report,
    ReportSection,
    TableBlock,
    Verdicts,
)
from clinnlp.report.html import _templates, render_html

VOID = {"meta", "input", "img", "br"}
SELF_CLOSED = {"line", "rect", "circle", "polyline"}
ESTIMATE = Estimate(value=0.8, low=0.7, high=0.9)


class Page(HTMLParser):
    """Collects tags, attributes and words; fails where tags do not balance."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SELF_CLOSED
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def test_nothing_in_a_report_becomes_markup(samples):
    page = Page(render_html(samples.report(samples.EVIL)))
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count("onerror=") > 50  # it stands there, as words


def test_the_page_fetches_nothing_and_runs_only_its_own_script(samples):
    page = render_html(samples.report("plain"))
    assert not re.search(r"https?://|@import|url\(|\bsrc=|<link", page)
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page
    assert "innerHTML" not in script


@pytest.mark.parametrize("show_text", [False, True])
def test_note_text_appears_only_on_request(samples, show_text):
    page = render_html(samples.report("plain", show_text=show_text))
    assert ("Zebracanary" in page) == show_text
    assert ("Denies" in page) == show_text


def test_examples_show_tags_badges_cues_and_what_is_cut(samples):
    page = render_html(
        Report(
            title="r",
            blocks=(Examples(notes=(samples.note("pain"),), show_text=True, max_chars=12),),
        )
    )
    assert '<span class="tag k0">pain<span class="badge" title="negated: the note' in page
    assert '<span class="cue" title="cue: negated">Denies</span>' in page
    assert "19 more characters not shown" in page
    assert "1 mention<" in page


def test_sections_become_contents_with_unique_targets():
    parts = tuple(ReportSection(title=t, blocks=()) for t in ("Risk", "Risk", "Ω", "Ω", "main"))
    page = Page(render_html(Report(title="r", blocks=parts, provenance={"seed": 1})))
    targets = [value[1:] for name, value in page.attributes if name == "href"]
    ids = [value for name, value in page.attributes if name == "id"]
    assert targets[1:] == ["risk", "risk-2", "part", "part-2", "main-2", "provenance"]
    assert sorted(ids) == sorted(set(ids))
    assert set(targets) == set(ids)


def test_cells_carry_what_they_sort_by():
    rows = (
        {"name": "a", "n_ab": 12345, "q": 3e-9, "lift": np.float64(np.inf), "e": ESTIMATE},
        {"name": "b", "n_ab": 2, "q": float("nan"), "lift": 1.0, "e": None},
    )
    page = render_html(Report(title="r", blocks=(TableBlock(title="t", rows=rows),)))
    assert '<td class="n" data-v="12345">12,345</td>' in page
    assert '<td class="n" data-v="3e-09">3.0e-9</td>' in page
    assert '<td class="n" data-v="">–</td>' in page
    assert '<td class="n" data-v="inf">∞</td>' in page
    assert '0.800 <span class="ci">[0.700, 0.900]</span>' in page


@pytest.mark.parametrize(
    ("value", "kind", "short"),
    [
        ("x" * 28, "auto", True),
        ("x" * 29, "auto", False),
        ("<'&'>" * 5, "auto", True),  # words count as they are seen, not as they are escaped
        ("x" * 15, "code", True),
        ("x" * 16, "code", False),
        (True, "auto", True),
        (False, "auto", True),
    ],
)
def test_short_words_stay_on_one_line(value, kind, short):
    column = Column(key="name", kind=kind)
    table = TableBlock(title="t", rows=({"name": value},), columns=(column,))
    page = Page(render_html(Report(title="r", blocks=(table,))))
    assert (("class", "short") in page.attributes) == short


def test_long_tables_are_cut_and_say_so():
    rows = tuple({"i": i} for i in range(30))
    page = render_html(Report(title="r", blocks=(TableBlock(title="t", rows=rows, max_rows=7),)))
    assert page.count("<tr>") == 8
    assert "The first 7 of 30 rows" in page


def test_neighbouring_curves_stand_side_by_side(samples):
    curve = samples.every_block("plain")[4]
    page = Page(
        render_html(Report(title="r", blocks=(ReportSection(title="s", blocks=(curve,) * 3),)))
    )
    assert page.attributes.count(("class", "figures")) == 1
    assert page.attributes.count(("class", "curve")) == 3


def test_an_empty_report_is_still_a_page():
    page = Page(render_html(Report(title="")))
    assert "h1" in page.tags
    empty = (TableBlock(title="t", rows=()), Facts(pairs=()), BarPlot(title="b", bars=()))
    empty += (ForestPlot(title="f", rows=()), Verdicts(title="v", rows=()), Examples(notes=()))
    empty += (CurvePlot(title="c", series=(), x_label="x", y_label="y"),)
    assert "0 of 0 right" in Page(render_html(Report(title="r", blocks=empty))).text


def test_both_themes_are_there():
    page = render_html(Report(title="r"))
    assert "prefers-color-scheme: dark" in page
    for theme in ("dark", "light"):
        style = re.search(rf":root\[data-theme={theme}\] {{(.*?)}}", page, re.DOTALL).group(1)
        for name in ("paper", "ink", "c0", "c7"):
            assert f"--{name}: #" in style


def test_a_template_that_asks_for_what_it_is_not_given_fails():
    with pytest.raises(UndefinedError, match="titel"):
        _templates().from_string("{{ report.titel }}").render(report=Report(title="r"))


def test_the_template_engine_is_loaded_by_the_first_page_only():
    child = (
        "import sys; from clinnlp.report.html import render_html; "
        "from clinnlp.report.blocks import Report; assert 'jinja2' not in sys.modules; "
        "render_html(Report(title='r')); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", child], check=True)
