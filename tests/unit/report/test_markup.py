"""An element escapes what it is given; only what it made itself goes in as it is."""

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

import clinnlp.report
from clinnlp.core.visible import visible
from clinnlp.report.markup import Svg, element, unless_svg

SOURCES = Path(clinnlp.report.__file__).parent


@given(st.text(), st.text())
def test_words_and_attributes_come_out_as_they_went_in_but_for_what_is_hidden(words, label):
    made = element("text", words, aria_label=label)
    written = re.fullmatch(r'<text aria-label="([^"<>]*)">([^"<>]*)</text>', made, re.DOTALL)
    shown = [visible(word.replace("\r\n", "\n"), keep="\n\t") for word in (label, words)]
    assert [unescape(part) for part in written.groups()] == shown


def test_elements_nest_and_close_themselves():
    dot = element("circle", class_="point s1", cx=1.5, r=3)
    assert dot == '<circle class="point s1" cx="1.5" r="3"/>'
    assert (
        element("svg", [dot, dot], viewBox="0 0 9 9") == f'<svg viewBox="0 0 9 9">{dot * 2}</svg>'
    )
    assert element("text", "") == "<text></text>"
    assert element("svg", []) == "<svg></svg>"


@pytest.mark.parametrize("kind", [str, Markup, lambda s: Svg(s) + "", lambda s: f"{Svg(s)}"])
def test_all_but_a_finished_element_is_plain_words(kind):
    words = kind("<b>")
    assert element("text", words) == "<text>&lt;b&gt;</text>"
    assert element("text", [words]) == "<text>&lt;b&gt;</text>"
    assert element("line", x=words) == '<line x="&lt;b&gt;"/>'
    assert type(unless_svg(words)) is str


def test_only_this_module_makes_markup_and_no_template_turns_escaping_off():
    for path in SOURCES.rglob("*.py"):
        if path.name != "markup.py":
            assert not re.search(r"\bMarkup\b|\bSvg\(|__html__", path.read_text("utf-8")), path.name
    for path in (SOURCES / "templates").iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"\bautoescape\b|\|\s*safe\b|{%-?\s*raw\b", text), path.name
        assert not re.search(r"=\s*{{", text), f"{path.name}: an attribute without quotes"
