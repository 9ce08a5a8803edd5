"""Files in, rules and signals as values, tables and a report: mining."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.pair_counts import PairCounts
from clinnlp.core.places import one_writer
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.counts import mine_counts
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.mine.small_cells import SmallCells, guarded
from clinnlp.report.blocks import Paragraph, Report, ReportSection
from clinnlp.study.count_source import COUNTS_LACK, alike_told, read_count_source
from clinnlp.study.mine_stored import STORED_LACK, stored_baskets
from clinnlp.study.mined_tables import Beside
from clinnlp.study.outputs import (
    PAGE,
    check_folder,
    chronic_told,
    forget,
    origin,
    tables_told,
    whole_name,
    write_all_mined,
    write_pages,
)
from clinnlp.study.reading import TableReading
from clinnlp.study.report_sections import drug_events_section, rules_section, signals_section
from clinnlp.study.roll_up import check_level_met, named
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets, read_every_item
from clinnlp.study.strata import Strata, read_strata
from clinnlp.study.verdicts import Verdicts, read_verdicts, verdicts_told, without_artefacts

__all__ = ["MineResult", "mine_flow"]

_SECTIONS: Mapping[str, Callable[..., ReportSection]] = {
    "drug_events": drug_events_section,
    "signals": signals_section,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MineResult:
    """What was mined, and where it was written.

    Parameters
    ----------
    baskets : Baskets or BasketCounts
        With `min_cell`, of the items alone that may be shown, and without evidence; of a table of
        counts what it says of all reports.
    rules : Rules, optional
        Without those from which a small cell follows, as `signals`; None of a table of counts.
    signals : mapping of str to Signals
        ``"drug_events"`` and ``"signals"`` (interactions), where drugs and outcomes stand.
    report : Report
    folder : path
        Holds ``rules.csv``, ``drug_events.csv``, ``signals.csv`` and the report. Of a table of more
        than 50,000 rows the CSV holds the called ones (q < alpha), and a Parquet file of that name
        all; the report says so. Beside a CSV without rows the Parquet file says m and alpha.
    """

    baskets: Baskets | BasketCounts
    rules: Rules | None
    signals: Mapping[str, Signals]
    report: Report
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: the findings, and where the report is."""
        return (*self.report.findings, f"report: {self.folder / PAGE}")


def mine_flow(
    source: str | Path, *, out: Path, settings: MineSettings, reading: TableReading | None = None
) -> MineResult:
    """Mine rules, and signals where drugs and outcomes stand, from any source of baskets.

    Parameters
    ----------
    source : path
        Of mentions, events, FAERS quarters, MIMIC or OMOP tables, a wide table, or counts of drug
        and event without reports.
    out : path
        Folder for the tables and the report.
    reading : TableReading, optional
        How a table is written, and whether rows that are wrong are left out.

    Raises
    ------
    DataError
        A file that cannot be read.
    ArgumentError
        A file that would be written is one that is read.
    RunError
        Another process writes into the folder, or nobody may.
    """
    names = ("rules", *_SECTIONS)
    inputs = [source, settings.ancestors, settings.names, settings.verdicts]
    check_folder(out, names, inputs, suffixes=(".csv", ".parquet"))
    reading = reading or TableReading()
    with one_writer(out, inside=True):
        if settings.engine != "memory":
            reading.check_unsaid(f"a table for engine {settings.engine}")
            return _of_stored(str(source), out, settings)
        counts = read_count_source(source, settings, reading)
        if counts is not None:
            return _of_counts(counts, source, out, settings, reading)
        return _mined(source, out, settings, reading)


def _mined(
    source: str | Path, out: Path, settings: MineSettings, reading: TableReading
) -> MineResult:
    cells = _cells(source, settings, reading)
    sets = cells.baskets
    rules = mine_rules(
        sets,
        min_count=settings.min_count,
        max_len=settings.max_len,
        alpha=settings.alpha,
        cells=cells,
        min_margin=settings.min_margin,
        level=settings.coverage,
    )
    strata = read_strata(source, settings, sets, reading)
    signals = _mine_signals(cells, settings, strata)
    rules, signals, judged, n_left = _judged(rules, signals, settings)
    mined: dict[str, Rules | Signals] = {"rules": rules, **signals}
    whole = {name: whole_name(name, len(one)) for name, one in mined.items()}
    inputs = () if cells else (source,)  # a hash would confirm a guess at the cells withheld
    report = Report(
        title="Drug rules and interaction signals",
        summary=(
            *_summary(cells, rules, signals, strata),
            *verdicts_told(mined, judged, n_left),
            *tables_told(mined),
        ),
        blocks=(
            *_caution(cells),
            rules_section(rules, whole=whole["rules"], judged=judged),
            *(_SECTIONS[name](one, whole=whole[name]) for name, one in signals.items()),
        ),
        provenance=origin(settings, *inputs) | reading.provenance(),
    )
    _write(mined, report, out, inputs, beside=judged.beside)
    return MineResult(baskets=sets, rules=rules, signals=signals, report=report, folder=out)


def _of_counts(
    counts: PairCounts, source: str | Path, out: Path, settings: MineSettings, reading: TableReading
) -> MineResult:
    """Mine the signals of single drugs, which is all that counts without reports give."""
    signals = mine_counts(
        counts,
        alpha=settings.alpha,
        level=settings.coverage,
        prior=settings.prior,
        **_limits(settings),
    )
    mined: dict[str, Rules | Signals] = {"drug_events": signals}
    whole = whole_name("drug_events", len(signals))
    report = Report(
        title="Drug signals of counts",
        summary=(
            str(counts),
            *alike_told(counts),
            f"drug events: {signals}",
            *tables_told(mined),
        ),
        blocks=(
            Paragraph(text=COUNTS_LACK, tone="note"),
            drug_events_section(signals, whole=whole),
        ),
        provenance=origin(settings, source) | reading.provenance(),
    )
    _write(mined, report, out, (source,))
    return MineResult(
        baskets=signals.baskets,
        rules=None,
        signals={"drug_events": signals},
        report=report,
        folder=out,
    )


def _of_stored(source: str, out: Path, settings: MineSettings) -> MineResult:
    """Mine baskets where they lie; what was counted of them is kept, they are not."""
    limits: dict[str, Any] = {"alpha": settings.alpha, **_limits(settings)}
    asked: dict[str, Any] = {
        "drug_kind": settings.drug_kind,
        "outcome_kind": settings.outcome_kind,
        **limits,
    }
    with stored_baskets(source, settings) as sets:
        rules = mine_rules(sets, max_len=settings.max_len, level=settings.coverage, **limits)
        signals: dict[str, Signals] = {}
        if {settings.drug_kind, settings.outcome_kind} <= set(sets.kinds):
            signals["drug_events"] = mine_signals(
                sets, prior=settings.prior, level=settings.coverage, **asked
            )
            signals["signals"] = mine_interactions(sets, adjust=False, **asked)
    rules, signals, judged, n_left = _judged(rules, signals, settings)
    mined: dict[str, Rules | Signals] = {"rules": rules, **signals}
    whole = {name: whole_name(name, len(one)) for name, one in mined.items()}
    inputs = () if settings.engine == "spark" else (source,)
    report = Report(
        title="Drug rules and interaction signals",
        summary=(
            str(rules.baskets),
            *(f"{name.replace('_', ' ')}: {one}" for name, one in mined.items()),
            *verdicts_told(mined, judged, n_left),
            *tables_told(mined),
        ),
        blocks=(
            Paragraph(text=STORED_LACK, tone="note"),
            rules_section(rules, whole=whole["rules"], judged=judged),
            *(_SECTIONS[name](one, whole=whole[name]) for name, one in signals.items()),
        ),
        provenance=origin(settings, *inputs),
    )
    _write(mined, report, out, inputs, beside=judged.beside)
    return MineResult(
        baskets=rules.baskets, rules=rules, signals=signals, report=report, folder=out
    )


def _judged(
    rules: Rules, signals: Mapping[str, Signals], settings: MineSettings
) -> tuple[Rules, dict[str, Signals], Verdicts, int]:
    """Return what was mined without what rests on faults, the verdicts, and how many went."""
    judged = Verdicts.of(()) if settings.verdicts is None else read_verdicts(settings.verdicts)
    rules, n_left = without_artefacts(rules, judged)
    kept = dict[str, Signals]()
    for name, one in signals.items():
        kept[name], n_more = without_artefacts(one, judged)
        n_left += n_more
    return rules, kept, judged, n_left


def _write(
    mined: Mapping[str, Rules | Signals],
    report: Report,
    out: Path,
    inputs: Sequence[str | Path],
    *,
    beside: Beside | None = None,
) -> None:
    for name in {"rules", *_SECTIONS} - {*mined}:  # of an earlier run, perhaps with small cells
        forget(out, [f"{name}.csv", f"{name}.parquet"])
    write_all_mined(mined, out, beside=beside)
    write_pages(report, out, inputs=inputs)


def _cells(source: str | Path, settings: MineSettings, reading: TableReading) -> SmallCells:
    """Return the baskets to mine, with what of them may be shown."""
    sets = read_baskets(source, settings, reading)
    check_level_met(sets, settings)
    if not SmallCells(sets, settings.min_cell):
        return SmallCells(named(sets, settings), 0)
    # What may be shown must not depend on the items that this run looks at
    every = read_every_item(source, settings, sets, reading)
    beside = None if every is sets else guarded(every, settings.min_cell)
    shown = named(guarded(sets, settings.min_cell), settings)
    return SmallCells(shown, settings.min_cell, beside=beside)


def _mine_signals(
    cells: SmallCells, settings: MineSettings, strata: Strata | None
) -> dict[str, Signals]:
    if not {settings.drug_kind, settings.outcome_kind} <= set(cells.baskets.kinds):
        return {}
    asked: dict[str, Any] = {
        "drug_kind": settings.drug_kind,
        "outcome_kind": settings.outcome_kind,
        "alpha": settings.alpha,
        "cells": cells,
        "strata": None if strata is None else strata.groups,
        **_limits(settings),
    }
    of_pairs = (settings.adjust is None and not cells) or bool(settings.adjust)
    return {
        "drug_events": mine_signals(
            cells.baskets,
            prior=settings.prior,
            level=settings.coverage,
            adjust=bool(settings.adjust),
            **asked,
        ),
        "signals": mine_interactions(cells.baskets, adjust=of_pairs, **asked),
    }


def _limits(settings: MineSettings) -> dict[str, int]:
    """Return the limits that were said; each kind of signal has its own otherwise."""
    limits = {"min_count": settings.min_count, "min_margin": settings.min_margin}
    return {name: least for name, least in limits.items() if least is not None}


def _summary(
    cells: SmallCells, rules: Rules, signals: Mapping[str, Signals], strata: Strata | None
) -> tuple[str, ...]:
    sets = cells.baskets
    lost = [f"{reason} {n:,}" for reason, n in sets.n_excluded.items() if n]
    lines = [str(sets), f"left out: {', '.join(lost) or 'nothing'}"]
    lines += [*chronic_told(sets.n_chronic), *_folded_told(sets), str(rules)]
    if sets.n_rolled_up:
        lines.append(f"rolled up: {', '.join(f'{k} {n:,}' for k, n in sets.n_rolled_up.items())}")
    lines += [f"signals stratified by {strata}"] if strata is not None and signals else []
    lines += [f"{name.replace('_', ' ')}: {mined}" for name, mined in signals.items()]
    if cells:
        lines.append(
            f"withheld: items and rows from which a count of fewer than {cells.min_cell} patients "
            f"follows; {_who_counts(sets)}"
        )
    return tuple(lines)


def _folded_told(sets: Baskets) -> tuple[str, ...]:
    """Return the line that says how many spellings count as another one, if any do."""
    if not sets.n_folded.get("spellings"):
        return ()
    spellings, rows = sets.n_folded["spellings"], sets.n_folded["rows"]
    return (f"spelled alike: {spellings:,} spellings in {rows:,} rows count as another spelling",)


def _who_counts(sets: Baskets) -> str:
    """Return who is counted in a cell, in words."""
    owners = () if sets.patients is None else sets.patients.tolist()
    if not any(owners):
        return f"no patient stands beside a basket, so each {sets.unit} counts as a patient"
    if not all(owners):
        return f"each {sets.unit} without a patient counts as one and the same patient's"
    return "different patients are counted"


def _caution(cells: SmallCells) -> tuple[Paragraph, ...]:
    """Return what a reader of a guarded report may rely on, and what its sender must not do."""
    if not cells:
        return ()
    text = (
        f"Small cells: what is shown, m and q included, depends only on tables in which each cell "
        f"holds at least {cells.min_cell} patients ({_who_counts(cells.baskets)}). Numbers of "
        f"what was left out are rounded up to multiples of {cells.min_cell}; evidence and hashes "
        "of the input are not shown, and interactions are not adjusted for other drugs and "
        "conditions. Runs with other limits, items or labels may be published beside this one. A "
        "run with another unit, or another meaning of an item (strict, with_stopped, "
        "chronic_counts, roles, absent, days), must not: the difference of two such tables can be "
        "a single patient."
    )
    return (Paragraph(text=text, tone="note"),)
