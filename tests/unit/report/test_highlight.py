"""Highlighting changes no character of the text and marks exactly the mentions."""

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.visible import visible
from clinnlp.report.blocks import Examples, Report
from clinnlp.report.highlight import badges, mention_rows, mention_table
from clinnlp.report.html import render_html


def note_html(note, labels, *, max_chars):
    """Return the text of a note as it stands on the page."""
    block = Examples(notes=(note,), labels=tuple(labels), show_text=True, max_chars=max_chars)
    page = render_html(Report(title="r", blocks=(block,)))
    return re.search(r'<div class="text">(.*?)</div>\n</article>', page, re.DOTALL).group(1)


def plain_text(html):
    """Remove the tags behind mentions, then all markup."""
    html = re.sub(r'<span class="badge".*?</span>', "", html)
    html = re.sub(r'<span class="tag [^>]*>[^<]*</span>', "", html)
    return unescape(re.sub(r"<[^>]*>", "", html))


def marked(html):
    """Return the text inside marks, in order, cues and tags removed."""
    html = re.sub(r'<span class="(badge|tag)[^>]*>[^<]*</span>', "", html)
    return [unescape(m) for m in re.findall(r"<mark[^>]*>([^<]*)</mark>", html)]


@st.composite
def annotated(draw):
    text = draw(st.text(st.sampled_from("ab <>&\"'\n\r\té😀"), min_size=1, max_size=40))
    entities = []
    for k in range(draw(st.integers(0, 5))):
        a = draw(st.integers(0, len(text) - 1))
        span = Span(a, draw(st.integers(a + 1, len(text))))
        cue = draw(st.one_of(st.none(), st.just({"negated": Span(0, 1)})))
        entities.append(
            Entity(
                id=f"T{k}",
                span=span,
                label=draw(st.sampled_from(["X", "<Y>"])),
                assertion=Assertion(negated=True, cues=cue or {}),
            )
        )
    return Note(id="n", text=text, entities=tuple(entities))


@given(annotated(), st.integers(0, 45))
def test_the_words_are_the_note_itself(note, max_chars):
    html = note_html(note, ["<Y>", "X"], max_chars=max_chars)
    cut_ends = plain_text(html).replace("\\r\n", "\n")  # a mention may begin between \r and \n
    whole_ends = note.text[:max_chars].replace("\r\n", "\n")
    assert cut_ends == visible(whole_ends, keep="\n\t")
    assert html.count('<span class="tag ') == sum(e.span.start < max_chars for e in note.entities)


def test_parts_are_marked_without_the_gap_and_tagged_once():
    entity = Entity(
        id="T1", span=Span(0, 14), label="X", parts=(Span(0, 4), Span(9, 14)), concepts=("C1",)
    )
    note = Note(id="n", text="left and right arm", entities=(entity,))
    html = note_html(note, ["X"], max_chars=100)
    assert marked(html) == ["left", "right"]
    assert html.count('class="tag') == 1
    (row,) = mention_rows(Examples(notes=(note,), show_text=True))
    assert (row["offsets"], row["text"], row["concepts"]) == ("0-4+9-14", "left right", "C1")


def test_nested_mentions_nest():
    outer = Entity(id="T1", span=Span(0, 10), label="X")
    inner = Entity(id="T2", span=Span(4, 10), label="Y")
    html = note_html(
        Note(id="n", text="left sided", entities=(inner, outer)), ["X", "Y"], max_chars=100
    )
    assert html.startswith('<mark class="k0 open">left</mark>')
    assert '<mark class="k0 close"><mark class="k1 open close"> sided</mark></mark>' in html


def test_labels_choose_mentions_and_empty_columns_vanish():
    entities = tuple(
        Entity(id=f"T{k}", span=Span(k, k + 1), label=label) for k, label in enumerate("ABA")
    )
    block = Examples(notes=(Note(id="n", text="xyz", entities=entities),), labels=("A",))
    columns, rows = mention_table(block)
    assert [row["entity"] for row in rows] == ["T0", "T2"]
    assert [c.key for c in columns] == ["note", "entity", "label", "offsets"]
    assert all("text" not in row for row in rows)


def test_badges_stand_for_true_axes_only():
    assertion = Assertion(negated=True, uncertain=False, historical=True, experiencer=True)
    entity = Entity(id="T", span=Span(0, 1), label="X", assertion=assertion)
    assert [b.sign for b in badges(entity)] == ["NEG", "HX", "FAM"]


def test_how_a_drug_is_taken_is_shown_with_the_text_alone():
    held = {"dose": "40 mg", "route": "p.o.", "frequency": "b.i.d.", "prn": True}
    held |= {"indication": "swelling", "change": "increase"}
    drug = Entity(id="T1", span=Span(0, 5), label="Drug", attributes=held)
    note = Note(id="n", text="Lasix", entities=(drug,))
    (row,) = mention_rows(Examples(notes=(note,), show_text=True))
    assert row["taken"] == "40 mg, p.o., b.i.d., as needed, for swelling"
    (row,) = mention_rows(Examples(notes=(note,), show_text=False))
    assert "taken" not in row
    assert row["change"] == "increase"
