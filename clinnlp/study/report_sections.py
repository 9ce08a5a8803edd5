"""From results to the sections of a report: which numbers stand where, and in what words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.notes import AXES, Note
from clinnlp.core.tables import EntityTable
from clinnlp.metrics.spans import SpanScores
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.report.blocks import (
    Block,
    Column,
    Examples,
    Facts,
    ForestPlot,
    Paragraph,
    ReportSection,
    TableBlock,
)
from clinnlp.study.outputs import CHRONIC
from clinnlp.study.signal_plots import (
    drug_event_plots,
    interaction_plots,
    row_names,
    rule_volcano,
)
from clinnlp.study.signals_file import WrittenSignals
from clinnlp.study.verdicts import Verdicts, sides_of

__all__ = [
    "corpus_section",
    "drug_events_section",
    "examples_section",
    "extraction_section",
    "rules_section",
    "signals_section",
    "spans_section",
]

N_ROWS = 200  # rules or signals shown
N_SHOWN = 25  # rules or signals shown with their evidence
N_PLACES = 5  # places shown behind each


def corpus_section(title: str, notes: Iterable[Note]) -> ReportSection:
    """Return what a corpus holds: notes, words, mentions per label, assertion."""
    n_notes = n_words = 0
    labels: Counter[str] = Counter()
    axes: Counter[tuple[str, str]] = Counter()
    for note in notes:
        n_notes += 1
        n_words += len(note.text.split())
        for e in note.entities:
            labels[e.label] += 1
            axes.update((e.label, a) for a, v in zip(AXES, e.assertion.axes, strict=True) if v)
    rows = tuple(
        {"label": label, "mentions": n} | {axis: axes[label, axis] for axis in AXES}
        for label, n in sorted(labels.items())
    )
    facts = Facts(pairs=(("notes", n_notes), ("words", n_words), ("mentions", labels.total())))
    table = TableBlock(title="Mentions and what is said of them", rows=rows)
    return ReportSection(title=title, blocks=(facts, table) if rows else (facts,))


def extraction_section(table: EntityTable, facts: Mapping[str, Any]) -> ReportSection:
    """Return what was extracted, and that nothing was cut."""
    rows = []
    for label in sorted(set(table["label"].tolist())):
        of = table.take(table["label"] == label)
        linked = float(np.mean(of["n_concepts"] > 0))
        row: dict[str, Any] = {"label": label, "mentions": len(of), "linked to a concept": linked}
        rows.append(row | {axis: int((of[axis] == 1).sum()) for axis in AXES})
    columns: tuple[Column | str, ...] = (
        "label", Column(key="mentions", kind="count"),
        Column(key="linked to a concept", kind="percent", digits=1), *AXES,
    )  # fmt: skip
    blocks: list[Block] = [Facts(pairs=tuple(facts.items()))]
    if rows:
        blocks.append(TableBlock(title="Extracted mentions", rows=tuple(rows), columns=columns))
    return ReportSection(title="Extraction", blocks=tuple(blocks))


def spans_section(title: str, scores: Sequence[SpanScores], caption: str) -> ReportSection:
    """Return strict and relaxed scores of mentions, by label, with intervals."""
    rows = [{"match": s.match} | row for s in scores for row in s.rows()]
    forest = [(f"{label}, {s.match}", f1) for s in scores for label, f1 in s.label_f1.items()]
    plot = ForestPlot(title="F1 by label", rows=tuple(forest), x_label="F1", caption=caption)
    return ReportSection(title=title, blocks=(TableBlock(title="Scores", rows=tuple(rows)), plot))


def examples_section(notes: Sequence[Note], *, show_text: bool) -> ReportSection:
    """Return some annotated notes; their text only where it may be shown."""
    block = Examples(notes=tuple(notes), show_text=show_text)
    hidden = Paragraph(text="Text is hidden; ids and offsets only.", tone="note")
    return ReportSection(title="Examples", blocks=(block,) if show_text else (hidden, block))


def rules_section(
    rules: Rules,
    title: str = "Co-occurrence rules",
    *,
    whole: str = "rules.csv",
    judged: Verdicts | None = None,
) -> ReportSection:
    """Return the rules with counts, interval, p and q, and the places behind the first ones.

    `whole` names the file that holds them all; `judged` says what people think of them.
    """
    columns: tuple[Column | str, ...] = (
        Column(key="antecedents", kind="text"), Column(key="consequents", kind="text"),
        Column(key="n_both", title="n both", kind="count"),
        Column(key="n_antecedent", title="n antecedent", kind="count"),
        Column(key="n_consequent", title="n consequent", kind="count"),
        Column(key="support", kind="ratio"), Column(key="confidence", kind="ratio"),
        Column(key="lift", low="lift_low", high="lift_high", kind="ratio", digits=2),
        Column(key="odds_ratio", title="odds ratio", low="odds_ratio_low", high="odds_ratio_high",
               digits=2),
        Column(key="p_fisher", title="Fisher p", kind="p"), Column(key="q_bh", title="q", kind="p"),
    )  # fmt: skip
    summary = (
        f"Unit: {rules.baskets.unit}, {len(rules.baskets):,} baskets. m = {rules.m:,} candidates "
        f"with sufficient margins; {int(rules.significant.sum()):,} of {len(rules):,} rules have "
        f"q < {rules.alpha:g} (Benjamini-Hochberg over all m, one-sided Fisher)."
    )
    blocks: list[Block] = [Paragraph(text=summary), _filters(rules.baskets)]
    if len(rules):
        frame = rules.take(slice(N_ROWS)).to_pandas()
        for side in ("antecedents", "consequents"):
            frame[side] = [
                ", ".join(map(rules.baskets.called, sorted(items))) for items in frame[side]
            ]
        if judged is not None and judged.by_sides:
            frame["verdict"] = [judged.told(*sides) for sides in sides_of(rules)[:N_ROWS]]
            columns = (*columns, Column(key="verdict", kind="text"))
        rows = frame.to_dict("records")
        blocks += rule_volcano(rules)
        columns = (*columns, *_beside(rows))
        blocks.append(_first("Rules", rows, columns, len(rules), whole))
        blocks += _behind(rules, [f"{r['antecedents']} → {r['consequents']}" for r in rows])
    return ReportSection(title=title, blocks=tuple(blocks))


def signals_section(
    signals: Signals | WrittenSignals, *, whole: str = "signals.csv"
) -> ReportSection:
    """Return drug + drug → outcome signals with Ω, its interval, p, q and evidence.

    Of signals in a file the first ones are drawn.
    """
    if isinstance(signals, WrittenSignals):
        first, n, n_called = signals.first, signals.n, signals.n_called
    else:
        first, n, n_called = signals, len(signals), int(signals["signal"].sum())
    summary = (
        f"Unit: {first.baskets.unit}, {len(first.baskets):,} baskets. m = {first.m:,} "
        f"candidate triplets; {n_called:,} have q < {first.alpha:g}. "
        "Ω contrasts the observed count with what the two single drugs explain together "
        "(additive null); p is one-sided against that null."
    )
    if len(first) < n:
        summary += f" The pictures show the first {len(first):,} of {n:,} rows."
    blocks: list[Block] = [Paragraph(text=summary)]
    if len(first):
        rows = _first_called(first)
        blocks += interaction_plots(first)
        columns = (*_signal_columns(), *_beside(rows))
        blocks.append(_first("Signals", rows, columns, n, whole))
        blocks += _behind(first, row_names(first))
    return ReportSection(title="Interaction signals", blocks=tuple(blocks))


def drug_events_section(signals: Signals, *, whole: str = "drug_events.csv") -> ReportSection:
    """Return drug → outcome signals with their disproportionality, p, q and evidence."""
    summary = (
        f"Unit: {signals.baskets.unit}, {len(signals.baskets):,} baskets. m = {signals.m:,} "
        f"candidate pairs; {int(signals['signal'].sum()):,} have q < {signals.alpha:g} "
        "(one-sided Fisher). A drug called here says nothing of a pair of drugs."
    )
    blocks: list[Block] = [Paragraph(text=summary)]
    if signals.prior is not None:
        blocks.append(Paragraph(text=f"Prior of EBGM: {signals.prior}.", tone="note"))
    if len(signals):
        rows = _first_called(signals)
        columns: tuple[Column | str, ...] = (
            "drug", "outcome", Column(key="n_both", title="n both", kind="count"),
            Column(key="n_drug", title="n drug", kind="count"),
            Column(key="n_outcome", title="n outcome", kind="count"),
            Column(key="expected", kind="ratio", digits=1),
            Column(key="prr", title="PRR", low="prr_low", high="prr_high", digits=2),
            Column(key="ror", title="ROR", low="ror_low", high="ror_high", digits=2),
            Column(key="ic", title="IC", low="ic_low", high="ic_high", digits=2),
            Column(key="ebgm", title="EBGM", low="eb05", high="eb95", digits=2),
            Column(key="chi2_yates", title="χ² (Yates)", kind="ratio", digits=1), "simpson",
            Column(key="p", kind="p"), Column(key="q_bh", title="q", kind="p"), *_beside(rows),
        )  # fmt: skip
        blocks += drug_event_plots(signals)
        blocks.append(_first("Drugs and outcomes", rows, columns, len(signals), whole))
        blocks += _behind(signals, row_names(signals))
    return ReportSection(title="Single drugs", blocks=tuple(blocks))


def _first_called(signals: Signals) -> list[dict[str, Any]]:
    """Return the first rows, each item as a reader is told of it."""
    frame = signals.take(slice(N_ROWS)).to_pandas()
    for key in signals.keys:
        frame[key] = [signals.baskets.called(item) for item in frame[key]]
    rows: list[dict[str, Any]] = frame.to_dict("records")
    return rows


def _first(
    title: str,
    rows: Sequence[dict[str, Any]],
    columns: tuple[Column | str, ...],
    n_rows: int,
    whole: str,
) -> TableBlock:
    """Return a table of the first rows that says how many there are, and where."""
    return TableBlock(
        title=title,
        rows=tuple(rows),
        columns=columns,
        max_rows=N_ROWS,
        n_rows=n_rows,
        whole=whole,
    )


def _signal_columns() -> tuple[Column | str, ...]:
    return (
        Column(key="drug_1", title="drug 1"), Column(key="drug_2", title="drug 2"), "outcome",
        Column(key="n_111", title="n both + outcome", kind="count"),
        Column(key="expected", kind="ratio", digits=1),
        Column(key="omega", title="Ω", kind="ratio", digits=2),
        Column(key="omega025", title="Ω025", kind="ratio", digits=2),
        Column(key="p_additive", title="p", kind="p"), Column(key="q_bh", title="q", kind="p"),
    )  # fmt: skip


def _beside(rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Return the columns of what notes state, of mistakes and of what is known, where rows have."""
    columns = (
        Column(key="ror_corrected", title="ROR without mistakes", low="ror_corrected_low",
               high="ror_corrected_high", digits=2),
        Column(key="n_stated", title="n stated", kind="count"),
        Column(key="n_denied", title="n denied", kind="count"),
        Column(key="q_stated", title="q stated", kind="p"),
        Column(key="known", kind="text"),
    )  # fmt: skip
    return tuple(column for column in columns if column.key in rows[0])


def _filters(baskets: Baskets | BasketCounts) -> Block:
    if isinstance(baskets, BasketCounts):
        return Facts(pairs=(("baskets", len(baskets)), ("items", len(baskets.items))))
    pairs = [(f"left out: {name}", n) for name, n in baskets.n_excluded.items()]
    pairs += [(f"not assessed, kept: {name}", n) for name, n in baskets.n_unassessed.items() if n]
    pairs += [(CHRONIC, n) for n in (baskets.n_chronic,) if n]
    return Facts(pairs=(("baskets", len(baskets)), ("items", len(baskets.items)), *pairs))


def _behind(mined: Rules | Signals, names: Sequence[str]) -> list[Block]:
    """Return where the first rows come from: notes and offsets, never text; of events how many.

    Ids of stays are not shown, for they lead to patients: `evidence` of the rows gives them.
    """
    baskets = mined.baskets
    if isinstance(baskets, BasketCounts) or (baskets.entities is None and baskets.events is None):
        return []
    rows = []
    for i, name in enumerate(names[:N_SHOWN]):
        table = mined.evidence(i)
        if isinstance(table, EntityTable):
            first = zip(table["note"], table["start"], table["end"], strict=True)
            places = [f"{note}:{start}-{end}" for note, start, end in first]
            n_places = len(set(table["note"].tolist()))
        else:
            places = []
            n_places = len(set(table["encounter"].tolist()))
        more = " …" if len(places) > N_PLACES else ""
        shown = ", ".join(places[:N_PLACES]) + more
        rows.append({"statement": name, "mentions": len(table), "from": n_places, "places": shown})
    columns = ("statement", "mentions", Column(key="from", title="notes or stays"),
               Column(key="places", kind="code"))  # fmt: skip
    return [TableBlock(title="Evidence", rows=tuple(rows), columns=columns)]
