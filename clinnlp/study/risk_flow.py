"""Files in, scores, predictions, a kept model and a report out: risk studies, and their models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.errors import DataError
from clinnlp.core.files import check_writable
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.outcomes import OutcomeRead, outcome_from_columns
from clinnlp.io.event_stream import EventStream, stream_events
from clinnlp.io.mimic import read_mimic3
from clinnlp.io.people import read_patients
from clinnlp.io.rows import column_names, read_rows
from clinnlp.io.synthea import read_synthea
from clinnlp.io.tabular import read_entity_table
from clinnlp.io.timelines import table_path
from clinnlp.report.blocks import Report
from clinnlp.report.csvs import write_frame
from clinnlp.risk.splits import Split, split_by_time, splits_by_site
from clinnlp.risk.store import load_risk_model
from clinnlp.study.apply import AppliedRisk, apply_risk_model, keep_risk_model
from clinnlp.study.cohort import readmissions
from clinnlp.study.flows import origin, write_pages
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import RiskRows, risk_rows
from clinnlp.study.risk_section import risk_section
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.settings import RiskSettings

__all__ = ["apply_flow", "predictions", "read_index_table", "read_outcome_table", "risk_flow"]

_STAYS = ("inpatient", "emergency")  # kinds of Synthea's encounters that are stays


class _Sources(NamedTuple):
    """What a study is made from."""

    outcome: OutcomeRead
    patients: list[Patient]
    events: EventTable | EventStream | None
    entities: EntityTable | None


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

    `outcome` is a table, or a folder of MIMIC-III or Synthea tables: then the outcome is a
    return within the horizon after each stay, and events and patients are those of the folder.

    Raises
    ------
    DataError
        No source of features, or a file that cannot be read.
    LeakageError
        Something known only after index would be used.
    """
    check_writable(out / "report.html")
    given = _sources(outcome, events, entities, patients, settings)
    rows_of: dict[str, Any] = {
        "outcome": given.outcome,
        "events": given.events,
        "notes": given.entities,
        "windows": (TimeWindow(start_days=-settings.look_back_days, end_days=0),),
        "min_patients": settings.min_patients,
        "by_assertion": settings.by_assertion,
        "by_section": settings.by_section,
        "recency": settings.recency,
    }
    study = risk_study(
        given.patients,
        **rows_of,
        models=settings.models,
        splits=_splits(given, patients, settings),
        n_folds=settings.n_folds,
        alert_rate=settings.alert_rate,
        n_boot=settings.n_boot,
        n_permutations=settings.n_permutations,
        seed=settings.seed,
    )
    write_frame(study.to_pandas(), out / "scores.csv")
    write_frame(predictions(study), out / "predictions.csv")
    made_from = origin(settings, *(p for p in (outcome, events, entities, patients) if p))
    cautions = study.cautions
    if settings.keep and study.models:
        card = _keep(study, risk_rows(given.patients, **rows_of), out / "model", settings)
        cautions += tuple(card["cautions"])
        made_from["kept model (SHA-256)"] = card["model_sha256"]
    aurocs = tuple(f"{m.name}: AUROC {m.scores.auroc}" for m in study.models.values())
    said = (*aurocs, *cautions)
    write_pages(
        Report(
            title="Risk models",
            summary=said,
            blocks=(risk_section({"all features": study}),),
            provenance=made_from | {"study": dict(study.provenance)},
        ),
        out,
    )
    return "\n".join((*said, f"report: {out / 'report.html'}"))


def apply_flow(
    model: str | Path,
    index: str | Path,
    *,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    out: Path,
    n_reasons: int = 5,
) -> str:
    """Score new patients with a kept model; write their risks and the reasons for them.

    Parameters
    ----------
    model : path
        Folder that `risk_flow` wrote.
    index : path
        Table with the columns ``patient`` and ``index_time``; a time with a zone becomes UTC.

    Raises
    ------
    DataError, StoreError
        A source, unit or vocabulary is not that of the training; the model cannot be read.
    """
    check_writable(out / "risks.csv")
    found = apply_risk_model(
        model,
        read_patients(patients) if patients else (),
        index=read_index_table(index),
        events=stream_events(events) if events else None,
        notes=read_entity_table(entities) if entities else None,
        n_reasons=n_reasons,
    )
    write_frame(found.to_pandas(), out / "risks.csv")
    write_frame(found.reasons_to_pandas(), out / "reasons.csv")
    lost = [f"{reason} {n:,}" for reason, n in found.n_excluded.items() if n]
    return "\n".join(
        (
            _told(found),
            *found.cautions,
            f"left out: {', '.join(lost) or 'nothing'}",
            f"risks: {out}",
        )
    )


def read_outcome_table(path: str | Path) -> OutcomeRead:
    """Return the outcome in a CSV, TSV or Parquet file: patient, index_time, outcome.

    Where there is a column ``time`` (of the outcome), rows whose outcome came at or before their
    index time are left out and counted. A time with a zone becomes UTC; one without stays.

    Raises
    ------
    DataError
        A column that is missing, or a cell that is neither valid nor empty, by file and line.
    """
    names = ["patient", "index_time", "outcome"]
    timed = "time" in column_names(path)
    lines, columns = _columns(path, names + ["time"] * timed)
    return _outcome(path, lines, *columns)


def read_index_table(path: str | Path) -> Outcome:
    """Return whom to score, and from when, in a CSV, TSV or Parquet file: patient, index_time.

    Times are those `read_outcome_table` reads in the same table. Nobody is left out; the values
    are 0.

    Raises
    ------
    DataError
        A column or cell that is missing, or a time of another form, by file and line.
    """
    lines, (whose, index) = _columns(path, ["patient", "index_time"])
    found = _outcome(path, lines, whose, index, [0] * len(lines)).outcome
    if len(found) == len(lines):
        return found
    rows = zip(lines, whose, index, strict=True)
    raise DataError(
        "each row must have a patient and an index_time, got one without",
        path=path,
        line=next(k for k, p, t in rows if not len(outcome_from_columns([p], [t], [0]).outcome)),
    )


def predictions(study: RiskStudy) -> Any:
    """Return one row per tested case: patient, fold, outcome and each model's probability."""
    import pandas as pd

    columns = {"patient": study.patients, "fold": study.folds, "outcome": study.y}
    return pd.DataFrame(columns | {f"p_{m.name}": m.p for m in study.models.values()})


def _keep(
    study: RiskStudy, rows: RiskRows, folder: Path, settings: RiskSettings
) -> Mapping[str, Any]:
    """Write the model to keep and return its card, which holds no hash of a file of patients."""
    how: dict[str, Any] = {"model": settings.keep, "seed": settings.seed}
    keep_risk_model(study, rows, folder, card=origin(settings), **how)
    return load_risk_model(folder).card


def _sources(
    outcome: str | Path,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    settings: RiskSettings,
) -> _Sources:
    mentions = read_entity_table(entities) if entities else None
    folder = Path(outcome)
    if folder.is_dir():
        if events or patients:
            raise DataError("a folder of tables has its own events and patients", path=folder)
        mimic = table_path(folder, "ADMISSIONS") is not None
        read = read_mimic3(folder) if mimic else read_synthea(folder)
        returned = readmissions(
            read.encounters,
            horizon_days=settings.horizon_days,
            kinds=None if mimic else _STAYS,
            deaths=read.deaths,
        )
        return _Sources(returned, read.patients, read.events, mentions)
    if events is None and entities is None:
        raise DataError("risk models need events, entities or both, got neither")
    people = read_patients(patients) if patients else []
    table = stream_events(events) if events else None
    return _Sources(read_outcome_table(outcome), people, table, mentions)


def _splits(
    given: _Sources, patients: str | Path | None, settings: RiskSettings
) -> list[Split] | None:
    whose, index = given.outcome.outcome.patients, given.outcome.outcome.index
    if settings.split == "time":
        return split_by_time(whose, index, cut=settings.cut, horizon_days=settings.horizon_days)
    if settings.split == "site":
        if patients is None:
            raise DataError("a split by site needs a table of patients with a column site")
        site_of = {str(p): s for _, (p, s) in read_rows(patients, ("patient", "site"))}
        return splits_by_site(whose, [site_of.get(p) or None for p in whose.tolist()])
    return None


def _columns(path: str | Path, names: list[str]) -> tuple[list[int], list[Sequence[Any]]]:
    """Return the line of each row, and the columns."""
    read = list(read_rows(path, names))
    columns: list[Sequence[Any]] = list(zip(*(row for _, row in read), strict=True))
    return [line for line, _ in read], columns or [()] * len(names)


def _outcome(
    path: str | Path,
    lines: Sequence[int],
    patients: Sequence[Any],
    index: Sequence[Any],
    values: Sequence[Any],
    times: Sequence[Any] | None = None,
) -> OutcomeRead:
    try:
        return outcome_from_columns(patients, index, values, times=times)
    except DataError as error:  # it counts rows from 2, below a header
        message, line = error.message, None if error.line is None else lines[error.line - 2]
    raise DataError(message, path=path, line=line)


def _told(found: AppliedRisk) -> str:
    if not len(found.p):
        return "0 cases"
    low, middle, high = np.quantile(found.p, (0, 0.5, 1))
    return f"{len(found.p):,} cases: risk {low:.3f} to {high:.3f}, median {middle:.3f}"
