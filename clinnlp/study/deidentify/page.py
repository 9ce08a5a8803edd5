"""The report of a de-identification: what was found, what may be left, and what it is not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from clinnlp.core.config import settings_to
from clinnlp.metrics.leak_bound import LeakBound
from clinnlp.report.blocks import Block, Facts, Paragraph, Report, TableBlock
from clinnlp.report.write import provenance
from clinnlp.study.deidentify.summary import DeidentifySummary
from clinnlp.study.deidentify.tables import CopiedTables
from clinnlp.study.deidentify.tagged import UsedModel
from clinnlp.study.settings import DeidentifySettings

__all__ = ["bound_report", "deidentify_report"]

_WARNING = {
    "shift": "Dates were moved, not removed. That is not the Safe Harbor of HIPAA, which asks for "
    "all elements of dates but the year to go: whether these notes may be given on is a matter of "
    "expert determination, 45 CFR 164.514(b)(1).",
    "year": "Of dates the year is left, as the Safe Harbor of HIPAA allows. Whether anything else "
    "is left only a review can say.",
    "mask": "Dates were taken out. Whether anything else is left only a review can say.",
}
_UNREVIEWED = (
    "Nobody has reviewed a sample: how much is left is not known. Draw one (--audit) and have it "
    "read."
)


def deidentify_report(
    summary: DeidentifySummary,
    settings: DeidentifySettings,
    *,
    tables: Mapping[str, CopiedTables] | None = None,
    groups: tuple[int, int] | None = None,
    bound: LeakBound | None = None,
    model: UsedModel | None = None,
) -> Report:
    """Return the report of a run; it names no note and quotes none.

    Parameters
    ----------
    summary : DeidentifySummary
    settings : DeidentifySettings
    tables : mapping of str to CopiedTables, optional
        What was written of tables, by the name of their source.
    groups : (int, int), optional
        From `smallest_group`: how many patients share the rarest values of what others may know,
        and how many are in groups as small.
    bound : LeakBound, optional
        From a review.
    model : UsedModel, optional
        The tagger that was asked too.

    Examples
    --------
    >>> report = deidentify_report(DeidentifySummary(n_notes=2), DeidentifySettings())
    >>> report.findings[1][:50]
    'Nobody has reviewed a sample: how much is left is '
    """
    done = (
        f"{summary.n_notes:,} notes with {summary.found.total():,} identifiers replaced; "
        f"{summary.n_failed:,} could not be done and are not in the output."
    )
    left = _UNREVIEWED if bound is None else f"{str(bound)[:1].upper()}{str(bound)[1:]}."
    findings = [done, left]
    if groups is not None:
        findings.append(
            f"By birth year, sex and ethnicity the smallest group has {groups[0]:,} patients; "
            f"{groups[1]:,} patients are in groups as small."
        )
    blocks: list[Block] = [
        Paragraph(text=_WARNING[settings.dates], tone="warning"),
        _facts(summary),
        *([Paragraph(text=f"{model}.")] if model else []),
        _by_finder(summary.found),
        _found(summary.found),
        *_failed(summary),
        *_tables(tables or {}),
    ]
    return Report(
        title="De-identified notes",
        summary=tuple(findings),
        blocks=tuple(blocks),
        provenance=provenance(
            settings=settings_to(settings), packages=("clinnlp", "faker", "numpy")
        ),
    )


def bound_report(bound: LeakBound) -> Report:
    """Return the report of a review.

    Examples
    --------
    >>> from clinnlp.metrics.leak_bound import ReviewedStratum, leak_bound
    >>> bound = leak_bound([ReviewedStratum(n_notes=2, leaked=[0, 9])], n_words=50)
    >>> bound_report(bound).findings[0][:19]
    'At most 50 % of not'
    """
    told = str(bound)
    rows = (
        {"of": "notes that hold an identifier, share", "value": bound.share},
        {"of": "characters in 10,000 words", "value": bound.per_10k_words},
    )
    pairs = (("notes reviewed", bound.n_reviewed), ("with something left", bound.n_leaking))
    return Report(
        title="What may be left",
        summary=(f"{told[:1].upper()}{told[1:]}.",),
        blocks=(
            Facts(pairs=pairs),
            TableBlock(title="Bounds", rows=rows, caption="The upper end is the bound."),
        ),
        provenance=provenance(packages=("clinnlp", "numpy")),
    )


def _facts(summary: DeidentifySummary) -> Block:
    pairs = {
        "notes": summary.n_notes,
        "words": summary.n_words,
        "identifiers": summary.found.total(),
        "left as an earlier run had made them": summary.n_sealed,
        "dates masked": summary.n_masked_dates,
        "notes without a patient": summary.n_without_patient,
        "not in the output": summary.n_failed,
    }
    return Facts(title="Notes", pairs=tuple(pairs.items()))


def _found(found: Counter[tuple[str, str]]) -> Block:
    rows = tuple(
        {"label": label, "finder": finder, "n": n} for (label, finder), n in found.most_common()
    )
    return TableBlock(
        title="What was found, and by what",
        rows=rows,
        columns=("label", "finder", "n"),
        caption="A find of the finder 'again' is a name or number of the same note, found there "
        "before.",
    )


def _by_finder(found: Counter[tuple[str, str]]) -> Block:
    """Return how many were found by rules, lists, the record, a model, and again in their note."""
    by: Counter[str] = Counter()
    for (_, finder), n in found.items():
        by[finder.partition(":")[0]] += n
    rows = tuple({"finder": finder, "n": n} for finder, n in by.most_common())
    return TableBlock(title="Kinds of finders", rows=rows, columns=("finder", "n"))


def _failed(summary: DeidentifySummary) -> Sequence[Block]:
    reasons: Counter[str] = Counter(summary.failed.values())
    if summary.unreadable:
        reasons["no note could be read"] = len(summary.unreadable)
    rows = tuple({"reason": reason, "n": n} for reason, n in reasons.most_common())
    return [TableBlock(title="Not in the output", rows=rows)] if rows else []


def _tables(tables: Mapping[str, CopiedTables]) -> Sequence[Block]:
    rows: list[dict[str, Any]] = [
        {"table": name, "n": n} for done in tables.values() for name, n in done.rows.items()
    ]
    emptied = [name for done in tables.values() for name in done.emptied]
    away = [name for done in tables.values() for name in done.not_copied]
    if not tables:
        return []
    return [
        TableBlock(title="Tables", rows=tuple(rows), columns=("table", "n")),
        Paragraph(text=f"Columns emptied: {', '.join(emptied) or 'none'}."),
        Paragraph(text=f"Not copied: {', '.join(away) or 'none'}."),
    ]
