"""Files in, tables and a report out: rules with signals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clinnlp.core.config import settings_to
from clinnlp.core.files import check_writable
from clinnlp.mine.rules import Rules, mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.report.blocks import Report, Section
from clinnlp.report.csvs import write_frame
from clinnlp.report.write import provenance, write_report
from clinnlp.study.sections import drug_events_section, rules_section, signals_section
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets
from clinnlp.study.suppress import without_small_cells

__all__ = ["mine_flow", "origin", "write_pages"]

_SIGNALS: tuple[tuple[str, Callable[..., Signals], Callable[[Signals], Section]], ...] = (
    ("drug_events", mine_signals, drug_events_section),
    ("signals", mine_interactions, signals_section),
)


def mine_flow(source: str | Path, *, out: Path, settings: MineSettings) -> str:
    """Mine rules, and signals where drugs and outcomes stand, from any source of baskets.

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
    lost = [f"{reason} {n:,}" for reason, n in sets.n_excluded.items() if n]
    said = [str(sets), f"left out: {', '.join(lost) or 'nothing'}", str(rules)]
    rules, n_withheld = without_small_cells(rules, settings.min_cell)
    sections: list[Section] = [rules_section(rules)]
    write_frame(_plain(rules), out / "rules.csv")
    if {settings.drug_kind, settings.outcome_kind} <= set(sets.kinds):
        for name, mine, section in _SIGNALS:
            signals = mine(
                sets,
                drug_kind=settings.drug_kind,
                outcome_kind=settings.outcome_kind,
                alpha=settings.alpha,
            )
            said.append(f"{name.replace('_', ' ')}: {signals}")
            signals, n_more = without_small_cells(signals, settings.min_cell)
            n_withheld += n_more
            sections.append(section(signals))
            write_frame(signals.to_pandas(), out / f"{name}.csv")
    if settings.min_cell:
        said.append(f"withheld: {n_withheld:,} rows with a cell of 1 to {settings.min_cell - 1}")
    report = Report(
        title="Drug rules and interaction signals",
        summary=tuple(said),
        blocks=tuple(sections),
        provenance=origin(settings, source),
    )
    write_pages(report, out)
    return "\n".join((*said, f"report: {out / 'report.html'}"))


def origin(settings: Any, *inputs: str | Path) -> dict[str, Any]:
    """Return versions, settings and the hashes of the input files, those of a folder each."""
    paths = [Path(p) for p in inputs]
    listed = [f for p in paths for f in (sorted(p.glob("*")) if p.is_dir() else [p])]
    return provenance(settings=settings_to(settings), inputs=[f for f in listed if f.is_file()])


def write_pages(report: Report, out: Path) -> None:
    """Write report.html and report.md into a folder."""
    for name in ("report.html", "report.md"):
        write_report(report, out / name)


def _plain(rules: Rules | Signals) -> Any:
    frame = rules.to_pandas()
    for name in ("antecedents", "consequents"):
        if name in frame:
            frame[name] = ["; ".join(sorted(items)) for items in frame[name]]
    return frame
