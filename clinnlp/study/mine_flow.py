"""Files in, rules and signals as values, tables and a report: mining."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clinnlp.core.places import one_writer
from clinnlp.core.tables import Baskets
from clinnlp.mine.rules import Rules, mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.report.blocks import Report, ReportSection
from clinnlp.study.outputs import PAGE, check_folder, origin, rule_frame, write_pages, write_tables
from clinnlp.study.report_sections import drug_events_section, rules_section, signals_section
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets
from clinnlp.study.suppress import without_small_cells

__all__ = ["MineResult", "mine_flow"]

_SIGNALS: Mapping[str, tuple[Callable[..., Signals], Callable[[Signals], ReportSection]]] = {
    "drug_events": (mine_signals, drug_events_section),
    "signals": (mine_interactions, signals_section),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MineResult:
    """What was mined, and where it was written.

    Parameters
    ----------
    baskets : Baskets
    rules : Rules
        Without those withheld for a small cell, as `signals`.
    signals : mapping of str to Signals
        ``"drug_events"`` and ``"signals"`` (interactions), where drugs and outcomes stand.
    n_withheld : int
    report : Report
    folder : path
        Holds a CSV of the rules and of each kind of signals, and the report.
    """

    baskets: Baskets
    rules: Rules
    signals: Mapping[str, Signals]
    n_withheld: int
    report: Report
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: the findings, and where the report is."""
        return (*self.report.findings, f"report: {self.folder / PAGE}")


def mine_flow(source: str | Path, *, out: Path, settings: MineSettings) -> MineResult:
    """Mine rules, and signals where drugs and outcomes stand, from any source of baskets.

    Parameters
    ----------
    source : path
        Of mentions, events, FAERS quarters, MIMIC-III tables or a wide table.
    out : path
        Folder for the tables and the report.

    Raises
    ------
    DataError
        A file that cannot be read.
    ArgumentError
        A file that would be written is one that is read.
    RunError
        Another process writes into the folder, or nobody may.
    """
    check_folder(out, ("rules", *_SIGNALS), [source])
    with one_writer(out, inside=True):
        return _mined(source, out, settings)


def _mined(source: str | Path, out: Path, settings: MineSettings) -> MineResult:
    sets = read_baskets(source, settings)
    all_rules = mine_rules(
        sets, min_count=settings.min_count, max_len=settings.max_len, alpha=settings.alpha
    )
    all_signals = _mine_signals(sets, settings)
    rules, n_withheld = without_small_cells(all_rules, settings.min_cell)
    signals: dict[str, Signals] = {}
    for name, mined_signals in all_signals.items():
        signals[name], n_more = without_small_cells(mined_signals, settings.min_cell)
        n_withheld += n_more
    sections = [_SIGNALS[name][1](shown) for name, shown in signals.items()]
    report = Report(
        title="Drug rules and interaction signals",
        # the counts are those of all that was mined: what is withheld was tested with the others
        summary=_summary(sets, all_rules, all_signals, n_withheld, settings.min_cell),
        blocks=(rules_section(rules), *sections),
        provenance=origin(settings, source),
    )
    frames = {name: shown.to_pandas() for name, shown in signals.items()}
    write_tables({"rules": rule_frame(rules), **frames}, out)
    write_pages(report, out)
    return MineResult(
        baskets=sets, rules=rules, signals=signals, n_withheld=n_withheld, report=report, folder=out
    )


def _mine_signals(sets: Baskets, settings: MineSettings) -> dict[str, Signals]:
    if not {settings.drug_kind, settings.outcome_kind} <= set(sets.kinds):
        return {}
    return {
        name: mine(
            sets,
            drug_kind=settings.drug_kind,
            outcome_kind=settings.outcome_kind,
            alpha=settings.alpha,
        )
        for name, (mine, _) in _SIGNALS.items()
    }


def _summary(
    sets: Baskets, rules: Rules, signals: Mapping[str, Signals], n_withheld: int, min_cell: int
) -> tuple[str, ...]:
    lost = [f"{reason} {n:,}" for reason, n in sets.n_excluded.items() if n]
    lines = [str(sets), f"left out: {', '.join(lost) or 'nothing'}", str(rules)]
    lines += [f"{name.replace('_', ' ')}: {mined}" for name, mined in signals.items()]
    if min_cell:
        lines.append(f"withheld: {n_withheld:,} rows with a cell of 1 to {min_cell - 1}")
    return tuple(lines)
