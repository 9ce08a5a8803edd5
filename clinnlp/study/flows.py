"""Files in, a folder with tables and a report out: rules with signals."""

from pathlib import Path
from typing import Any

from clinnlp.core.config import settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_write, check_writable
from clinnlp.core.tables import Baskets, EntityTable
from clinnlp.features.baskets import EVENT_KINDS, baskets, event_baskets
from clinnlp.io.rows import column_names, told
from clinnlp.io.tabular import read_entity_table, read_events
from clinnlp.mine.rules import Rules, mine_rules
from clinnlp.mine.signals import Signals, mine_interactions
from clinnlp.report.blocks import Report, Section
from clinnlp.report.write import provenance, write_report
from clinnlp.study.sections import rules_section, signals_section
from clinnlp.study.settings import MineSettings

__all__ = ["mine_flow", "origin", "write_frame", "write_pages"]


def mine_flow(source: str | Path, *, out: Path, settings: MineSettings) -> str:
    """Mine rules, and signals where drugs and outcomes stand, from a table of mentions or events.

    Raises
    ------
    DataError
        A file that cannot be read.
    """
    check_writable(out / "report.html")
    sets = read_baskets(source, settings)
    rules = mine_rules(
        sets, min_count=settings.min_count, max_len=settings.max_len, alpha=settings.alpha
    )
    sections: list[Section] = [rules_section(rules)]
    write_frame(_plain(rules), out / "rules.csv")
    lost = [f"{reason} {n:,}" for reason, n in sets.n_excluded.items() if n]
    said = [str(sets), f"left out: {', '.join(lost) or 'nothing'}", str(rules)]
    if {settings.drug_kind, settings.outcome_kind} <= set(sets.kinds):
        signals = mine_interactions(
            sets,
            drug_kind=settings.drug_kind,
            outcome_kind=settings.outcome_kind,
            alpha=settings.alpha,
        )
        sections.append(signals_section(signals))
        write_frame(signals.to_pandas(), out / "signals.csv")
        said.append(str(signals))
    report = Report(
        title="Drug rules and interaction signals",
        summary=tuple(said),
        blocks=tuple(sections),
        provenance=origin(settings, source),
    )
    write_pages(report, out)
    return "\n".join((*said, f"report: {out / 'report.html'}"))


def read_baskets(source: str | Path, settings: MineSettings) -> Baskets:
    """Return the baskets of a file or folder of mentions or of events, told by its columns.

    Raises
    ------
    DataError
        The columns are those of neither.
    ArgumentError
        A label, or `strict`, with events: both speak of mentions.
    """
    path = Path(source)
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    names = column_names(parts[0]) if parts else ["entity"]  # extracted from no notes
    if "entity" in names:
        table: EntityTable = read_entity_table(path)
        return baskets(table, label=settings.label, unit=settings.unit, strict=settings.strict)
    if names and not {"patient", "code"} <= set(names):
        raise DataError(
            "a table to mine must have the columns of mentions (note, entity, ...) or of events "
            f"(patient, code, ...), got neither; {told(names)}",
            path=path,
        )
    if settings.label or settings.strict:
        raise ArgumentError(
            "label and strict choose mentions, got a table of events; leave them out"
        )
    kinds = (*EVENT_KINDS, settings.drug_kind, settings.outcome_kind)
    return event_baskets(read_events(path), unit=settings.unit, kinds=kinds)


def origin(settings: Any, *inputs: str | Path) -> dict[str, Any]:
    """Return versions, settings and the hashes of the input files, those of a folder each."""
    paths = [Path(p) for p in inputs]
    listed = [f for p in paths for f in (sorted(p.glob("*")) if p.is_dir() else [p])]
    return provenance(settings=settings_to(settings), inputs=[f for f in listed if f.is_file()])


def write_pages(report: Report, out: Path) -> None:
    """Write report.html and report.md into a folder."""
    for name in ("report.html", "report.md"):
        write_report(report, out / name)


def write_frame(frame: Any, path: Path) -> None:
    """Write a DataFrame as CSV, whole or not at all."""
    with atomic_write(path) as handle:
        frame.to_csv(handle, index=False)


def _plain(rules: Rules | Signals) -> Any:
    frame = rules.to_pandas()
    for name in ("antecedents", "consequents"):
        if name in frame:
            frame[name] = ["; ".join(sorted(items)) for items in frame[name]]
    return frame
