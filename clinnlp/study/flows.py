"""Files in, a folder with tables and a report out: risk models, and rules with signals."""

from pathlib import Path
from typing import Any

from clinnlp.core.config import settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_write, check_writable
from clinnlp.core.patients import TimeWindow
from clinnlp.core.tables import Baskets, EntityTable
from clinnlp.features.baskets import EVENT_KINDS, baskets, event_baskets
from clinnlp.features.outcomes import OutcomeRead, outcome_from_columns
from clinnlp.io.people import read_patients
from clinnlp.io.rows import column_names, read_rows, told
from clinnlp.io.tabular import read_entity_table, read_events
from clinnlp.mine.rules import Rules, mine_rules
from clinnlp.mine.signals import Signals, mine_interactions
from clinnlp.report.blocks import Report, Section
from clinnlp.report.write import provenance, write_report
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.sections import risk_section, rules_section, signals_section
from clinnlp.study.settings import MineSettings, RiskSettings

__all__ = ["mine_flow", "origin", "risk_flow", "write_frame", "write_pages"]


def risk_flow(
    outcome: str | Path,
    *,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    out: Path,
    settings: RiskSettings,
) -> str:
    """Train and score risk models from files; write scores, predictions and a report.

    Raises
    ------
    DataError
        No source of features, or a file that cannot be read.
    LeakageError
        Something known only after index would be used.
    """
    if events is None and entities is None:
        raise DataError("risk models need events, entities or both, got neither")
    check_writable(out / "report.html")
    study = risk_study(
        read_patients(patients) if patients else (),
        outcome=read_outcome_table(outcome),
        events=read_events(events) if events else None,
        notes=read_entity_table(entities) if entities else None,
        windows=(TimeWindow(start_days=-settings.look_back_days, end_days=0),),
        models=settings.models,
        min_patients=settings.min_patients,
        n_folds=settings.n_folds,
        n_boot=settings.n_boot,
        seed=settings.seed,
    )
    write_frame(study.to_pandas(), out / "scores.csv")
    write_frame(predictions(study), out / "predictions.csv")
    inputs = [p for p in (outcome, events, entities, patients) if p]
    summary = tuple(f"{m.name}: AUROC {m.scores.auroc}" for m in study.models.values())
    write_pages(
        Report(
            title="Risk models",
            summary=summary,
            blocks=(risk_section({"all features": study}),),
            provenance=origin(settings, *inputs) | {"study": dict(study.provenance)},
        ),
        out,
    )
    return "\n".join((*summary, f"report: {out / 'report.html'}"))


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


def read_outcome_table(path: str | Path) -> OutcomeRead:
    """Return the outcome in a CSV, TSV or Parquet file: patient, index_time, outcome.

    Raises
    ------
    DataError
        A column that is missing, or a cell that is neither valid nor empty, by file and line.
    """
    read = list(read_rows(path, ("patient", "index_time", "outcome")))
    columns = list(zip(*(row for _, row in read), strict=True)) or [(), (), ()]
    try:
        return outcome_from_columns(*columns)
    except DataError as error:  # it counts rows from 2, below a header
        message, line = error.message, None if error.line is None else read[error.line - 2][0]
    raise DataError(message, path=path, line=line)


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


def predictions(study: RiskStudy) -> Any:
    """Return one row per case: patient, fold, outcome and each model's probability."""
    import pandas as pd

    columns = {"patient": study.patients, "fold": study.folds, "outcome": study.y}
    return pd.DataFrame(columns | {f"p_{m.name}": m.p for m in study.models.values()})


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
