"""A report with one of every block, all its strings being one given word."""

from types import SimpleNamespace

import pytest

from clinnlp.core.counts import Estimate
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.report.blocks import (
    BarPlot,
    Column,
    CurvePlot,
    Examples,
    Facts,
    ForestPlot,
    NetworkPlot,
    Paragraph,
    Report,
    ReportSection,
    ScatterPlot,
    Series,
    TableBlock,
    Verdict,
    Verdicts,
)

EVIL = "</td><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;"


@pytest.fixture
def samples():
    """Give the makers below."""
    return SimpleNamespace(EVIL=EVIL, note=note, every_block=every_block, report=report)


def note(word=EVIL):
    text = f"Denies {word} today. Zebracanary."
    span = Span(7, 7 + len(word))
    negated = Assertion(negated=True, cues={"negated": Span(0, 6)})
    return Note(
        id=f"n{word}",
        text=text,
        kind=word,
        entities=(Entity(id="T1", span=span, label=word, assertion=negated),),
    )


def every_block(word=EVIL, *, show_text=True):
    estimate = Estimate(value=0.8, low=0.7, high=0.9, method=word)
    rows = ({word: word, "e": estimate, "flag": True}, {word: "b", "e": None, "flag": False})
    series = Series(name=word, x=[0, 1], y=[0, 1], low=[0, 0], high=[1, 1])
    return (
        Paragraph(text=word, tone="warning"),
        Facts(pairs=((word, word), ("n", 12345), ("e", estimate)), title=word, caption=word),
        TableBlock(title=word, rows=rows, caption=word),
        TableBlock(
            title="t", rows=rows, columns=(Column(key=word, title=word, help=word, kind="code"),)
        ),
        CurvePlot(
            title=word, series=(series,), x_label=word, y_label=word, caption=word, diagonal=True
        ),
        ForestPlot(title=word, rows=((word, estimate),), x_label=word, caption=word, reference=1),
        BarPlot(title=word, bars=((word, 2.0), ("b", 1.0)), x_label=word, caption=word),
        Examples(title=word, notes=(note(word),), show_text=show_text, caption=word),
        Verdicts(
            title=word,
            rows=(
                Verdict(name=word, truth=word, found=word, right=True, detail=word),
                Verdict(name="b", truth="t", found="f", right=False),
            ),
            caption=word,
        ),
        ScatterPlot(
            title=word,
            names=(word, "b"),
            x=[0.5, 2],
            y=[1, 3],
            marked=[True, False],
            x_label=word,
            y_label=word,
            marked_label=word,
            x_level=1,
            y_level=2,
            caption=word,
        ),
        NetworkPlot(
            title=word,
            edges=((word, "b", word, 2.0), ("b", "c", "x", 1.0)),
            weight_label=word,
            caption=word,
        ),
    )


def report(word=EVIL, *, show_text=True):
    blocks = every_block(word, show_text=show_text)
    return Report(
        title=word,
        subtitle=word,
        summary=(word, word),
        blocks=(
            *blocks,
            ReportSection(title=word, blocks=(*blocks, ReportSection(title=word, blocks=blocks))),
        ),
        provenance={word: word, "group": {word: word}},
    )
