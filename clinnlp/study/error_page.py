"""An evaluation of predicted mentions on one page: how good, where not, and how sure.

Notes are named by id and offsets, never quoted.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.metrics.mentions import (
    SpanError,
    compare_spans,
    list_errors,
    mention_length,
    score_confidence,
    score_groups,
    seen_in,
)
from clinnlp.metrics.relations import (
    RelationError,
    compare_relations,
    list_relation_errors,
    score_relations,
)
from clinnlp.metrics.spans import SpanScores, score_spans
from clinnlp.report.blocks import Paragraph, Report, ReportSection, TableBlock

__all__ = ["error_report"]

_MEANING = {
    "type": "the right span under another label",
    "boundary": "the right label on a span that overlaps",
    "missed": "a gold mention with no counterpart",
    "invented": "a prediction with no counterpart",
}
_MEANING_OF_RELATIONS = {
    "direction": "the right label on the right ends in other roles",
    "type": "the right ends under another label",
    "end": "the right label with one end right, or overlapping ends",
    "missed": "a gold relation with no counterpart",
    "invented": "a predicted relation with no counterpart",
}


def error_report(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    *,
    train: Iterable[Note] | None = None,
    against: Iterable[Note] | None = None,
    n_boot: int = 1000,
) -> Report:
    """Return a page on predicted mentions: scores, groups, confidence, and each error.

    Parameters
    ----------
    gold, predicted : re-iterable of Note
        Paired by id.
    train : re-iterable of Note, optional
        What the model learned from: mentions are then split into seen and unseen ones.
    against : re-iterable of Note, optional
        Another prediction of the same notes, to compare with.
    n_boot : int
        Resamples of documents.

    Raises
    ------
    ArgumentError
        One of the notes is a one-shot iterator.
    DataError
        Notes that cannot be paired.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> gold = [Note(id="n", text="chest pain", entities=(
    ...     Entity(id="T1", span=Span(0, 10), label="Problem"),))]
    >>> report = error_report(gold, gold, n_boot=0)
    >>> report.findings[0]
    'Strict micro F1 1.000 over 1 notes.'
    """
    sources = {"gold": gold, "predicted": predicted, "train": train, "against": against}
    for name, notes in sources.items():
        if notes is not None and iter(notes) is notes:
            raise ArgumentError(f"{name} must be re-iterable, got a one-shot iterator")
    strict, relaxed = (
        score_spans(gold, predicted, match=match, n_boot=n_boot) for match in ("strict", "relaxed")
    )
    errors = list_errors(gold, predicted)
    f1 = strict.f1 if n_boot else f"{strict.f1.value:.3f}"
    findings = [f"Strict micro F1 {f1} over {strict.n_notes} notes."]
    groups: list[tuple[str, Callable[[Note, Entity], str]]] = [
        ("Words of a mention", mention_length)
    ]
    if train is not None:
        groups.insert(0, ("Seen in training", seen_in(train)))
    blocks = [_scores(strict, relaxed), *(_group(gold, predicted, *group) for group in groups)]
    findings += [] if train is None else _seen_told(blocks[1])
    if against is not None:
        comparison = compare_spans(gold, predicted, against, n_boot=max(1, n_boot))
        findings.append(
            f"Strict micro F1 less that of the other prediction: {comparison.difference}, "
            f"p {comparison.p:.3g} "
            "(predictions swapped at random within notes)."
        )
    if any(entity.score is not None for note in predicted for entity in note.entities):
        sure = score_confidence(gold, predicted)
        findings.append(f"Scores of mentions are off by {sure.ece:.3f} on average (ECE).")
        blocks.append(TableBlock(
            title="Confidence", rows=sure.rows,
            caption="Bins of equal size: the mean score should be the share that is right.",
        ))  # fmt: skip
    sections = [
        ReportSection(title="Scores", blocks=tuple(blocks)),
        ReportSection(title="Errors", blocks=_errors(errors)),
    ]
    if _are_linked(gold) or _are_linked(predicted):
        sections.append(_relations(gold, predicted, against, findings, n_boot=n_boot))
    return Report(title="Errors of extraction", summary=tuple(findings), blocks=tuple(sections))


def _seen_told(groups: TableBlock) -> list[str]:
    said = "Strict F1 of mentions {group} in training {f1:.3f} (gold: {n_gold})."
    return [said.format(**row) for row in groups.rows]


def _are_linked(notes: Iterable[Note]) -> bool:
    return any(note.relations for note in notes)


def _relations(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    against: Iterable[Note] | None,
    findings: list[str],
    *,
    n_boot: int,
) -> ReportSection:
    """Return scores and errors of relations, and add what they come to."""
    strict = score_relations(gold, predicted, n_boot=n_boot)
    relaxed = score_relations(gold, predicted, match="relaxed", n_boot=n_boot)
    shared = score_relations(gold, predicted, ends="shared", n_boot=n_boot)
    f1 = strict.f1 if n_boot else f"{strict.f1.value:.3f}"
    findings.append(f"Strict micro F1 of relations {f1}.")
    if against is not None:
        links = compare_relations(gold, predicted, against, n_boot=max(1, n_boot))
        findings.append(
            f"Strict micro F1 of relations less that of the other prediction: "
            f"{links.difference}, p {links.p:.3g}."
        )
    named = (("strict", strict), ("relaxed", relaxed), ("strict, ends in both", shared))
    rows = tuple({"match": name, **row} for name, s in named for row in s.rows())
    errors = list_relation_errors(gold, predicted)
    return ReportSection(
        title="Relations",
        blocks=(
            TableBlock(title="Relations by label", rows=rows),
            *_relation_errors(errors),
        ),
    )


def _relation_errors(errors: list[RelationError]) -> tuple[Paragraph | TableBlock, ...]:
    if not errors:
        return (Paragraph(text="No relation is wrong."),)
    counts = Counter((e.kind, e.gold_label or "", e.label or "") for e in errors)
    kinds = tuple(
        {"kind": kind, "gold_label": gold, "label": found, "n": n,
         "meaning": _MEANING_OF_RELATIONS[kind]}
        for (kind, gold, found), n in counts.most_common()
    )  # fmt: skip
    rows = tuple(
        {
            "note": e.note,
            "kind": e.kind,
            "gold_label": e.gold_label or "",
            "gold": _ends(e.gold_ends),
            "label": e.label or "",
            "predicted": _ends(e.ends),
        }
        for e in errors
    )
    caption = "Ends by offsets, concepts by id; the text stays where it is."
    return (
        TableBlock(title="Kinds of error of relations", rows=kinds),
        TableBlock(title="Each error of a relation", rows=rows, caption=caption),
    )


def _ends(ends: tuple[Any, ...] | None) -> str:
    return ", ".join(e if isinstance(e, str) else _offsets(e) for e in ends or ())


def _scores(strict: SpanScores, relaxed: SpanScores) -> TableBlock:
    rows = [{"match": s.match, **row} for s in (strict, relaxed) for row in s.rows()]
    return TableBlock(title="Scores by label", rows=tuple(rows))


def _group(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    title: str,
    group: Callable[[Note, Entity], str],
) -> TableBlock:
    counts = score_groups(gold, predicted, group)
    return TableBlock(title=title, rows=tuple(_row(name, prf) for name, prf in counts.items()))


def _row(name: str, prf: PRF) -> dict[str, Any]:
    return {
        "group": name,
        "n_gold": prf.tp + prf.fn,
        "n_predicted": prf.tp + prf.fp,
        "precision": prf.precision,
        "recall": prf.recall,
        "f1": prf.f1,
    }


def _errors(errors: list[SpanError]) -> tuple[Paragraph | TableBlock, ...]:
    if not errors:
        return (Paragraph(text="There is none."),)
    counts = Counter((e.kind, e.gold_label or "", e.label or "") for e in errors)
    kinds = tuple(
        {"kind": kind, "gold_label": gold, "label": found, "n": n, "meaning": _MEANING[kind]}
        for (kind, gold, found), n in counts.most_common()
    )
    rows = tuple(
        {
            "note": e.note,
            "kind": e.kind,
            "gold_label": e.gold_label or "",
            "gold": _offsets(e.gold_span),
            "label": e.label or "",
            "predicted": _offsets(e.span),
        }
        for e in errors
    )
    caption = "By note id and offsets; the text stays where it is."
    return (
        TableBlock(title="Kinds of error", rows=kinds),
        TableBlock(title="Each error", rows=rows, caption=caption),
    )


def _offsets(span: Any) -> str:
    return "" if span is None else f"{span.start}-{span.end}"
