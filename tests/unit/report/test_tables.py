"""Cells, Markdown and CSV: what is written, and what is made harmless."""

import csv
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError
from clinnlp.core.formulas import unguarded
from clinnlp.report.blocks import (
    BarPlot,
    Column,
    CurvePlot,
    Paragraph,
    Report,
    ReportSection,
    Series,
    TableBlock,
    columns_of,
)
from clinnlp.report.cells import value_text
from clinnlp.report.csvs import csv_tables, render_csv
from clinnlp.report.markdown import render_markdown


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (None, "auto", "–"),
        (float("nan"), "ratio", "–"),
        (math.inf, "auto", "∞"),
        (-math.inf, "auto", "−∞"),
        (True, "auto", "yes"),
        (1234567, "auto", "1,234,567"),
        (1234.0, "count", "1,234"),
        (-0.25, "auto", "−0.250"),
        (0.00012, "auto", "1.20e-4"),
        (123456.7, "auto", "1.23e5"),
        (0.1234, "percent", "12.3 %"),
        (0.04999, "p", "0.0500"),
        (0, "p", "0"),
        (("a", "b"), "auto", "a, b"),
        ({"k": 1}, "auto", "k: 1"),
        (3e-4, "code", "0.0003"),
        (Estimate(value=0.5, low=math.nan, high=math.nan), "auto", "0.500"),
        (Estimate(value=math.nan, low=0, high=1), "auto", "–"),
        (Estimate(value=2, low=1, high=math.inf), "auto", "2.000 [1.000, ∞]"),
    ],
)
def test_how_values_are_written(value, kind, words):
    assert value_text(value, kind=kind) == words


def test_columns_join_intervals_and_know_counts_and_tests():
    made = columns_of([{"n_ab": 1, "or_low": 1, "or": 2, "or_high": 3}, {"fisher_p": 0.1}])
    assert [(c.key, c.kind, c.low) for c in made] == [
        ("n_ab", "count", ""),
        ("or", "auto", "or_low"),
        ("fisher_p", "p", ""),
    ]
    assert Column(key="label_f1").heading == "Label F1"
    assert Column(key="q").heading == "q"


def test_a_column_that_no_row_has_is_refused():
    with pytest.raises(ArgumentError, match="table 't' must be keys of its rows, got liftt"):
        TableBlock(title="t", rows=({"lift": 1},), columns=("liftt",))
    assert TableBlock(title="t", rows=(), columns=("anything",)).shown[0].key == "anything"


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_spreads_estimates_and_keeps_numbers_whole():
    rows = (
        {"a": 1 / 3, "e": Estimate(value=1, low=0.5, high=math.inf), "x": -1, "n": None},
        {"a": float("nan"), "e": None, "x": 2, "n": ("p", "q")},
    )
    assert read(render_csv(TableBlock(title="t", rows=rows))) == [
        ["a", "e", "e_low", "e_high", "x", "n"],
        ["0.3333333333333333", "1", "0.5", "inf", "-1", ""],
        ["", "", "", "", "2", "p, q"],
    ]


def test_csv_holds_all_rows_and_only_the_chosen_columns():
    rows = tuple({"i": i, "secret": "s", "v": i, "v_low": 0, "v_high": 9} for i in range(300))
    table = TableBlock(
        title="t", rows=rows, columns=("i", Column(key="v", low="v_low", high="v_high"))
    )
    made = read(render_csv(table))
    assert len(made) == 301
    assert made[0] == ["i", "v", "v_low", "v_high"]


@given(st.text(max_size=12), st.text(min_size=1, max_size=12))
def test_no_text_cell_is_a_formula_and_none_is_lost(name, key):
    made = read(render_csv(TableBlock(title="t", rows=({key: name},))))
    for ours, raw in zip((made[0][0], made[1][0]), (key, name), strict=True):
        assert not ours.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert unguarded(ours) == raw


def test_every_block_with_numbers_has_a_csv(samples):
    made = dict(csv_tables(Report(title="r", blocks=samples.every_block("plain"))))
    assert render_csv(Paragraph(text="words")) == ""
    assert sum(1 for _ in csv_tables(samples.report("plain"))) == 10 * 3
    assert all(len(read(text)) > 1 for text in made.values())


def test_untitled_tables_are_named_after_their_section():
    table = BarPlot(title="", bars=(("a", 1.0),))
    blocks = (ReportSection(title="Corpus", blocks=(table,)), table)
    assert [t for t, _ in csv_tables(Report(title="r", blocks=blocks))] == ["Corpus", "table"]


@pytest.mark.parametrize("show_text", [False, True])
def test_note_text_is_written_only_on_request(samples, show_text):
    report = samples.report("plain", show_text=show_text)
    examples = samples.every_block("mentioned", show_text=show_text)[7]
    for made in (render_markdown(report), *(text for _, text in csv_tables(report))):
        assert "Zebracanary" not in made
    hidden = render_csv(examples).replace("nmentioned,T1,mentioned", "")
    assert ("mentioned" in hidden) == show_text


def test_markdown_is_escaped_and_its_tables_are_whole(samples):
    text = render_markdown(samples.report(f"# *b* | [l](u) `c` ![i](s)\n- {samples.EVIL}"))
    assert not re.search(r"<[a-z/]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().splitlines()}
        assert len(pipes) == 1


def test_markdown_reads_well():
    rows = ({"label": "Drug", "f1": 0.9, "f1_low": 0.8, "f1_high": 0.95},)
    long = Series(name="forest", x=list(range(99)), y=list(range(99)))
    report = Report(
        title="Drugs",
        summary=("First.", "Second."),
        blocks=(
            ReportSection(
                title="Scores",
                blocks=(
                    TableBlock(title="Strict", rows=rows, caption="By document."),
                    CurvePlot(title="ROC", series=(long,), x_label="fpr", y_label="tpr"),
                ),
            ),
        ),
        provenance={"seed": 1, "versions": {"python": "3.12"}},
    )
    assert render_markdown(report) == (
        "# Drugs\n\nFirst.\n\n- Second.\n\n## Scores\n\n### Strict\n\nBy document.\n\n"
        "| Label | F1 |\n| --- | ---: |\n| Drug | 0.900 \\[0.800, 0.950\\] |\n\n"
        "### ROC\n\ntpr against fpr: forest.\n\n"
        "## Provenance\n\n- seed: 1\n\n### versions\n\n- python: 3.12\n"
    )


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("1. a", "1\\. a"),
        ("- a", "\\- a"),
        ("---", "\\---"),
        ("- - -", "\\- - -"),
        ("===", "\\==="),
        ("-5 kg", "-5 kg"),
        ("3.5 mg", "3.5 mg"),
        ("see http://x.org", "see http\\://x.org"),
        ("WWW.x.org", "WWW\\.x.org"),
        ("a@b.org", "a\\@b.org"),
        ("a\nb\x1b", "a b\\\\x1b"),
        ("<b>|`x`|[a](b)", "&lt;b&gt;\\|\\`x\\`\\|\\[a\\](b)"),
    ],
)
def test_markdown_makes_no_markup_of_words(words, written):
    report = Report(title="t", blocks=(Paragraph(text=words),))
    assert render_markdown(report) == f"# t\n\n{written}\n"


def test_markdown_cuts_long_tables():
    table = TableBlock(title="t", rows=tuple({"i": i} for i in range(9)), max_rows=2)
    assert "The first 2 of 9 rows; the CSV table has all." in render_markdown(
        Report(title="r", blocks=(table,))
    )
