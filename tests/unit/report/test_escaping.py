"""Whatever stands in a report stands on the page as words: in every slot of every kind of block.

The blocks are made by walking the fields of their dataclasses, so that a new block or a new field
is tested without being told.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from numpy.typing import ArrayLike

from clinnlp.core.counts import Estimate
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.visible import visible
from clinnlp.report.blocks import Block, Column, Examples, Report, ReportSection, TableBlock
from clinnlp.report.html import render_html

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}{% raw %}"
KINDS = get_args(Block)
# words that are not for the page: a column's name in other formats, how a row was estimated
ELSEWHERE = {"NetworkPlot.weight_label", "Estimate.method"}
LONGEST = 23  # letters of a name beside a point of a plot


class Maker:
    """Makes values by their type; every string is the word with a number, kept with its slot."""

    def __init__(self, word):
        self.word, self.slots, self.n = word, {}, 0

    def number(self):
        self.n += 1
        return self.n

    def words(self, slot):
        made = type(self.word)(f"{self.number()}§{self.word!s}§")
        self.slots[made] = slot
        return made

    def value(self, kind, slot):
        if kind in LAWFUL:
            return LAWFUL[kind](self)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            names = [f"{kind.__name__}.{f.name}" for f in fields(kind)]
            return kind(**{n.split(".")[1]: self.value(hints[n.split(".")[1]], n) for n in names})
        if kind in (str, Any):
            return self.words(slot)
        if kind in (bool, int, float):
            return True if kind is bool else kind(self.number())
        return self.compound(kind, slot)

    def compound(self, kind, slot):
        origin, args = get_origin(kind), get_args(kind)
        if set(get_args(ArrayLike)) <= set(args):
            return [float(self.number()), float(self.number())]
        if origin is tuple and args[0] == Block:
            return tuple(self.value(k, slot) for k in KINDS if k is not ReportSection)
        if origin is tuple:
            return tuple(self.value(k, slot) for k in (args * 2 if args[1] is ... else args)
                         if k is not ...)  # fmt: skip
        if origin is Sequence:
            return tuple(self.value(k, slot) for k in args * 2)
        if origin is Literal:
            return args[-1]
        if origin in (Union, UnionType):
            return self.value(next(k for k in reversed(args) if k is not type(None)), slot)
        assert slot == "Report.provenance", f"{slot} has a type that is not made here: {kind}"
        return {self.words(slot): self.words(slot), self.words(slot): {self.words(slot): 1}}


def make_note(maker):
    mention = maker.words("Note.text")
    entity = Entity(
        id="T1",
        span=Span(7, 7 + len(mention)),
        label=maker.words("Entity.label"),
        assertion=Assertion(negated=True, cues={"negated": Span(0, 6)}),
        concepts=("C1",),
    )
    return Note(
        id=maker.words("Note.id"),
        text=f"Denies {mention} today",
        kind=maker.words("Note.kind"),
        entities=(entity,),
    )


def make_examples(maker):
    title, caption = maker.words("Examples.title"), maker.words("Examples.caption")
    return Examples(notes=(make_note(maker),), title=title, caption=caption, show_text=True)


def make_table(maker):
    """Return cells of words, flags, estimates, numbers and fixed width."""
    keys = [maker.words("Column.key") for _ in range(4)]
    rows = [
        {
            keys[0]: maker.words("cell"),
            keys[1]: flag,
            keys[2]: Estimate(value=2, low=1, high=3, method=maker.words("cell")),
            keys[3]: 1,
            "code": maker.words("cell"),
        }
        for flag in (True, False)
    ]
    titled = Column(
        key="code", title=maker.words("Column.title"), help=maker.words("Column.help"), kind="code"
    )
    return TableBlock(
        title=maker.words("TableBlock.title"),
        caption=maker.words("TableBlock.caption"),
        rows=tuple(rows),
        columns=(*keys, titled),
    )


LAWFUL = {Examples: make_examples, TableBlock: make_table}


def make_report(word):
    """Return a report of every kind of block, and the slots of its words."""
    maker = Maker(word)
    report, section = maker.value(Report, ""), maker.value(ReportSection, "")
    hidden = replace(make_examples(Maker(word)), show_text=False)
    inner = ReportSection(title=maker.words("Section.title"), blocks=(hidden,))
    section = replace(section, blocks=(*section.blocks, inner))
    return replace(report, blocks=(*report.blocks, section)), maker.slots


class Page(HTMLParser):
    """Keeps tags with the names of their attributes apart from words and values."""

    def __init__(self, text):
        super().__init__()
        self.markup, self.words, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.markup.append((tag, *(name for name, _ in attrs)))
        self.words += [value for _, value in attrs]

    def handle_endtag(self, tag):
        self.markup.append(tag)

    def handle_data(self, data):
        self.text += data


def shows(page, word):
    """Return whether a word stands on the page as it is, or cut short beside a point."""
    whole, cut = (
        visible(words.replace("\r\n", "\n"), keep="\n\t") for words in (word, word[:LONGEST] + "…")
    )
    return any(whole in text or cut in text for text in (page.text, *page.words))


@pytest.fixture(scope="module")
def hostile():
    report, slots = make_report(HOSTILE)
    return render_html(report), slots


def test_every_word_stands_on_the_page_as_it_is(hostile):
    html, slots = hostile
    page = Page(html)
    absent = {slot for word, slot in slots.items() if not shows(page, word)}
    assert absent == ELSEWHERE
    assert {kind.__name__ for kind in KINDS} <= {slot.split(".")[0] for slot in slots.values()}


def test_no_word_becomes_markup_or_is_run_as_a_template(hostile):
    html, slots = hostile
    assert html.count("<script") == 1
    assert "alert(1)</script>" not in html
    assert html.count("{{7*7}}") >= len(slots)


ANY = st.sampled_from("<>&\"'{}%#/=`\n\r ") | st.characters(exclude_categories=["Cs"])


@settings(max_examples=40)
@given(st.text(ANY, max_size=40))
def test_the_markup_is_the_same_whatever_the_words_are(word):
    plain, _ = make_report("x" * len(word))
    report, slots = make_report(word)
    page = Page(render_html(report))
    assert page.markup == Page(render_html(plain)).markup
    unchanged = [w for w, slot in slots.items() if slot not in {*ELSEWHERE, "Column.key"}]
    assert all(shows(page, words) for words in unchanged)  # a key is made readable


def test_a_string_that_calls_itself_safe_is_escaped_too():
    trusting, _ = make_report(Markup(HOSTILE))
    report, _ = make_report(HOSTILE)
    assert render_html(trusting) == render_html(report)
