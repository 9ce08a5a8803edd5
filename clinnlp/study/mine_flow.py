"""Files in, rules and signals as values, tables and a report: mining."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.core.memory import give_back
from clinnlp.core.pair_counts import PairCounts
from clinnlp.core.places import one_writer
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.counts import mine_counts
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.mine.signals.known import disagreements
from clinnlp.mine.small_cells import SmallCells, guarded
from clinnlp.report.blocks import Paragraph, Report, ReportSection
from clinnlp.study.count_source import COUNTS_LACK, alike_told, read_count_source
from clinnlp.study.event_columns import Spelling
from clinnlp.study.extraction_error import read_extraction
from clinnlp.study.known import Known, read_known
from clinnlp.study.mine_stored import STORED_LACK, stored_baskets
from clinnlp.study.mined_tables import Beside
from clinnlp.study.outputs import (
    PAGE,
    check_folder,
    chronic_told,
    forget,
    large_table_told,
    origin,
    tables_told,
    whole_name,
    write_all_mined,
    write_pages,
    write_tables,
)
from clinnlp.study.reading import TableReading
from clinnlp.study.report_sections import drug_events_section, rules_section, signals_section
from clinnlp.study.roll_up import check_level_met, named
from clinnlp.study.settings import MineSettings
from clinnlp.study.signals_file import JudgedSignals, WrittenSignals, write_judged
from clinnlp.study.sources import read_baskets, read_every_item
from clinnlp.study.stated import Stated, read_stated
from clinnlp.study.strata import Strata, read_strata
from clinnlp.study.verdicts import Verdicts, read_verdicts, verdicts_told, without_artefacts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MineResult", "mine_flow"]

_SECTIONS: Mapping[str, Callable[..., ReportSection]] = {
    "drug_events": drug_events_section,
    "signals": signals_section,
}
_BESIDE = ("stated", "disagreements")  # tables of what notes state, and of what was not called


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
    signals : mapping of str to Signals or WrittenSignals
        ``"drug_events"`` and ``"signals"`` (interactions), where drugs and outcomes stand. Of
        baskets that are not in memory the interactions are `WrittenSignals` where they are more
        than 50,000: the first of them, and the file that holds all.
    report : Report
    folder : path
        Holds ``rules.csv``, ``drug_events.csv``, ``signals.csv`` and the report; with relations
        ``stated.csv`` (each statement and where it stands), with tables of what is known
        ``disagreements.csv`` (interactions that could be found and were not). Of a table of more
        than 50,000 rows the CSV holds the called ones (q < alpha), and a Parquet file of that name
        all; the report says so. Beside a CSV without rows the Parquet file says m and alpha.
    """

    baskets: Baskets | BasketCounts
    rules: Rules | None
    signals: Mapping[str, Signals | WrittenSignals]
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
    names = ("rules", *_SECTIONS, *_BESIDE)
    inputs = [source, *_files_beside(settings), settings.verdicts]
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


def _files_beside(settings: MineSettings) -> list[str | None]:
    """Return the files that are read beside the source."""
    terminologies = (settings.ancestors, settings.names, settings.known_names)
    beside = (settings.relations, settings.extraction)
    return [*terminologies, *beside, *(settings.known or ())]


def _mined(
    source: str | Path, out: Path, settings: MineSettings, reading: TableReading
) -> MineResult:
    cells = _cells(source, settings, reading)
    sets = cells.baskets
    beside = _read_beside(sets, settings, reading)
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
    signals = _mine_signals(cells, settings, strata, reading)
    rules, signals = beside.rules(rules), beside.signals(signals)
    frames = beside.frames(signals, is_whole=not cells)
    judged = _read_judged(settings)
    rules, signals, n_left = _without_artefacts(rules, signals, judged)
    mined: dict[str, Rules | Signals] = {"rules": rules, **signals}
    whole = {name: whole_name(name, len(one)) for name, one in mined.items()}
    inputs = () if cells else (source,)  # a hash would confirm a guess at the cells withheld
    report = Report(
        title="Drug rules and interaction signals",
        summary=(
            *_summary(cells, rules, signals, strata),
            *beside.lines(signals),
            *verdicts_told(_verdicts_of(mined, judged), judged, n_left),
            *tables_told(mined),
        ),
        blocks=(
            *_caution(cells),
            rules_section(rules, whole=whole["rules"], judged=judged),
            *(_SECTIONS[name](one, whole=whole[name]) for name, one in signals.items()),
            *beside.sections(mined),
        ),
        provenance=origin(settings, *inputs) | reading.provenance(),
    )
    _write(mined, report, out, inputs, frames, beside=judged.beside)
    return MineResult(baskets=sets, rules=rules, signals=signals, report=report, folder=out)


class _Beside(NamedTuple):
    """What stands beside what was counted: what notes state, and what is known."""

    stated: Stated | None
    known: Known | None

    def rules(self, rules: Rules) -> Rules:
        return rules if self.stated is None else self.stated.pairs.add_to(rules)

    def signals(self, signals: Mapping[str, Signals]) -> dict[str, Signals]:
        found = dict(signals)
        for name, one in signals.items():
            told = one if self.stated is None else self.stated.pairs.add_to(one)
            found[name] = told if self.known is None else self.known.added(told)
        return found

    def lines(self, signals: Mapping[str, Signals]) -> tuple[str, ...]:
        stated = () if self.stated is None else self.stated.lines()
        return (*stated, *(() if self.known is None else self.known.lines(signals)))

    def sections(self, mined: Mapping[str, Rules | Signals]) -> tuple[ReportSection, ...]:
        return () if self.stated is None else (self.stated.section(mined),)

    def frames(
        self, signals: Mapping[str, Signals], *, is_whole: bool
    ) -> "dict[str, pd.DataFrame]":
        """Return the tables beside those of what was mined; what is withheld tells nothing."""
        found = {} if self.stated is None else {"stated": self.stated.frame()}
        if self.known is not None and "signals" in signals and is_whole:
            found["disagreements"] = disagreements(signals["signals"], self.known.knowledge)
        return found


def _read_beside(
    sets: Baskets | BasketCounts, settings: MineSettings, reading: TableReading
) -> _Beside:
    stated = None
    if settings.relations is not None:
        if isinstance(sets, BasketCounts):
            raise ArgumentError(
                "relations need baskets of notes, encounters or patients, got counts without "
                "reports; leave them out"
            )
        stated = read_stated(settings.relations, sets, settings, reading)
    known = None
    if settings.known:
        known = read_known(settings.known, sets, settings, reading.dialect)
    return _Beside(stated, known)


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
    beside = _read_beside(signals.baskets, settings, reading)
    found = beside.signals({"drug_events": signals})
    mined: dict[str, Rules | Signals] = {**found}
    signals = found["drug_events"]
    whole = whole_name("drug_events", len(signals))
    report = Report(
        title="Drug signals of counts",
        summary=(
            str(counts),
            *alike_told(counts),
            f"drug events: {signals}",
            *beside.lines(found),
            *tables_told(mined),
        ),
        blocks=(
            Paragraph(text=COUNTS_LACK, tone="note"),
            drug_events_section(signals, whole=whole),
        ),
        provenance=origin(settings, source) | reading.provenance(),
    )
    _write(mined, report, out, (source,), {})
    return MineResult(
        baskets=signals.baskets,
        rules=None,
        signals=found,
        report=report,
        folder=out,
    )


def _of_stored(source: str, out: Path, settings: MineSettings) -> MineResult:
    """Mine baskets where they lie; what was counted of them is kept, they are not."""
    limits: dict[str, Any] = {"alpha": settings.alpha, **_limits(settings)}
    kinds: dict[str, Any] = {
        "drug_kind": settings.drug_kind, "outcome_kind": settings.outcome_kind,
    }  # fmt: skip
    judged, alone = _read_judged(settings), dict[str, Signals]()
    pairs: JudgedSignals | None = None
    spelling = Spelling(settings)
    with stored_baskets(source, settings, spelling) as sets:
        lost = (_lost(sets.n_excluded), *_folded_told(spelling.n_folded))
        if {*kinds.values()} <= set(sets.kinds):  # first, as rules and signals are then held
            pairs = write_judged(sets, out, judged, **kinds, **limits)
            give_back()
            how: dict[str, Any] = {"prior": settings.prior, "level": settings.coverage}
            alone["drug_events"] = mine_signals(sets, **how, **kinds, **limits)
            give_back()
        rules = mine_rules(sets, max_len=settings.max_len, level=settings.coverage, **limits)
    give_back()
    rules, alone, n_left = _without_artefacts(rules, alone, judged)
    mined: dict[str, Rules | Signals] = {"rules": rules, **alone}
    told, large = _verdicts_of(mined, judged), tuple[str, ...]()
    signals: dict[str, Signals | WrittenSignals] = {**alone}
    if pairs is not None:
        signals["signals"] = pairs.signals
        told, n_left = told + pairs.told, n_left + pairs.n_left
        if isinstance(pairs.signals, Signals):
            mined["signals"] = pairs.signals
        else:
            large = (large_table_told("signals", pairs.signals.n, pairs.signals.n_called),)
    inputs = () if settings.engine == "spark" else (source,)
    report = Report(
        title="Drug rules and interaction signals",
        summary=(
            str(rules.baskets),
            *lost,
            f"rules: {rules}",
            *(f"{name.replace('_', ' ')}: {one}" for name, one in signals.items()),
            *verdicts_told(told, judged, n_left),
            *tables_told(mined),
            *large,
        ),
        blocks=(
            Paragraph(text=STORED_LACK, tone="note"),
            rules_section(rules, whole=whole_name("rules", len(rules)), judged=judged),
            *(
                _SECTIONS[name](one, whole=whole_name(name, len(one)))
                for name, one in signals.items()
            ),
        ),
        provenance=origin(settings, *inputs),
    )
    _write(mined, report, out, inputs, {}, beside=judged.beside, kept=signals)
    return MineResult(
        baskets=rules.baskets, rules=rules, signals=signals, report=report, folder=out
    )


def _read_judged(settings: MineSettings) -> Verdicts:
    return Verdicts.of(()) if settings.verdicts is None else read_verdicts(settings.verdicts)


def _without_artefacts(
    rules: Rules, signals: Mapping[str, Signals], judged: Verdicts
) -> tuple[Rules, dict[str, Signals], int]:
    """Return what was mined without what rests on faults, and how many rows went."""
    rules, n_left = without_artefacts(rules, judged)
    kept = dict[str, Signals]()
    for name, one in signals.items():
        kept[name], n_more = without_artefacts(one, judged)
        n_left += n_more
    return rules, kept, n_left


def _verdicts_of(mined: Mapping[str, Rules | Signals], judged: Verdicts) -> Counter[str]:
    return sum((judged.counts(one) for one in mined.values()), Counter[str]())


def _write(
    mined: Mapping[str, Rules | Signals],
    report: Report,
    out: Path,
    inputs: Sequence[str | Path],
    frames: "Mapping[str, pd.DataFrame]",
    *,
    beside: Beside | None = None,
    kept: Iterable[str] = (),
) -> None:
    for name in {"rules", *_SECTIONS} - {
        *mined,
        *kept,
    }:  # of an earlier run, perhaps with small cells
        forget(out, [f"{name}.csv", f"{name}.parquet"])
    forget(out, [f"{name}.csv" for name in _BESIDE if name not in frames])
    write_all_mined(mined, out, beside=beside)
    write_tables(frames, out)
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
    cells: SmallCells, settings: MineSettings, strata: Strata | None, reading: TableReading
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
    error = settings.extraction and read_extraction(settings.extraction, dialect=reading.dialect)
    of_pairs = (settings.adjust is None and not cells) or bool(settings.adjust)
    return {
        "drug_events": mine_signals(
            cells.baskets,
            prior=settings.prior,
            level=settings.coverage,
            adjust=bool(settings.adjust),
            extraction=error or None,
            **asked,
        ),
        "signals": mine_interactions(cells.baskets, adjust=of_pairs, **asked),
    }


def _limits(settings: MineSettings) -> dict[str, int]:
    """Return the limits that were said; each kind of signal has its own otherwise."""
    limits = {"min_count": settings.min_count, "min_margin": settings.min_margin}
    return {name: least for name, least in limits.items() if least is not None}


def _lost(n_excluded: Mapping[str, int]) -> str:
    lost = [f"{reason} {n:,}" for reason, n in n_excluded.items() if n]
    return f"left out: {', '.join(lost) or 'nothing'}"


def _summary(
    cells: SmallCells, rules: Rules, signals: Mapping[str, Signals], strata: Strata | None
) -> tuple[str, ...]:
    sets = cells.baskets
    lines = [str(sets), _lost(sets.n_excluded)]
    lines += [*chronic_told(sets.n_chronic), *_folded_told(sets.n_folded), str(rules)]
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


def _folded_told(n_folded: Mapping[str, int]) -> tuple[str, ...]:
    """Return the line that says how many spellings count as another one, if any do."""
    if not n_folded.get("spellings"):
        return ()
    spellings, rows = n_folded["spellings"], n_folded["rows"]
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
