"""Files in, models of time to event scored at a horizon, tables and a report out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.places import one_writer
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.report.blocks import (
    Block,
    CurvePlot,
    Facts,
    Paragraph,
    Report,
    ReportSection,
    Series,
    TableBlock,
)
from clinnlp.risk.cox import needs_statsmodels
from clinnlp.study.horizon import read_follow_up, with_landmarks
from clinnlp.study.outputs import (
    check_folder,
    chronic_told,
    lines_told,
    origin,
    write_pages,
    write_tables,
)
from clinnlp.study.reading import TableReading, check_sources, events_of, people_of
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.settings import SurvivalSettings
from clinnlp.study.survival import SurvivalStudy, outcome_for_rows, survival_study
from clinnlp.study.zones import zone_cautions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SurvivalResult", "survival_flow"]

_TABLES = ("scores", "predictions", "curves", "hazard_ratios")
_N_RATIOS = 20  # shown in the report


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalResult:
    """A study of time to event, and where it was written.

    Parameters
    ----------
    study : SurvivalStudy
    report : Report
    folder : path
        Holds scores.csv, predictions.csv, curves.csv, hazard_ratios.csv and the report.
    """

    study: SurvivalStudy
    report: Report
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: the findings, what was left out, where the report is."""
        return lines_told(self.report, self.study.n_excluded, self.folder)


def survival_flow(
    outcome: str | Path,
    *,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    out: Path,
    settings: SurvivalSettings,
    reading: TableReading | None = None,
) -> SurvivalResult:
    """Train and score models of time to event from files; write scores, risks, curves, a report.

    Parameters
    ----------
    outcome : path
        Table with the columns ``patient``, ``index_time``, ``time`` (of the outcome),
        ``follow_up_end``, and perhaps ``death``.

    Raises
    ------
    DataError
        No source of features, or a file that cannot be read.
    ArgumentError
        A file that would be written is one that is read, or nobody was followed to the horizon.
    MissingExtra
        statsmodels is not installed.
    RunError
        Another process writes into the folder, or nobody may.
    """
    needs_statsmodels()
    inputs = [p for p in (outcome, events, entities, patients, settings.landmarks) if p]
    check_folder(out, _TABLES, inputs)
    check_sources(events, entities)
    reading = reading or TableReading()
    with one_writer(out, inside=True):
        read = with_landmarks(read_follow_up(outcome, reading), settings.landmarks, reading)
        table = events_of(events, reading)
        rows = risk_rows(
            people_of(patients, reading),
            outcome=outcome_for_rows(read, settings.horizon_days),
            events=table,
            notes=read_entity_table(entities) if entities else None,
            settings=settings,
        )
        lost = reading.take(() if table is None else table.skipped)
        rows = replace(rows, n_excluded={**rows.n_excluded, **lost})
        study = survival_study(rows, read.follow_up, settings)
        write_tables(_tables(study), out)
        zones = zone_cautions(outcome, events, reading)
        told = (*chronic_told(rows.n_chronic), *zones, *study.cautions)
        made_from = origin(settings, *inputs) | reading.provenance()
        report = Report(
            title="Time to event",
            summary=(*_headlines(study), *told),
            blocks=(_section(study),),
            provenance=made_from | {"study": dict(study.provenance)},
        )
        write_pages(report, out, inputs=inputs)
        return SurvivalResult(study=study, report=report, folder=out)


def _headlines(study: SurvivalStudy) -> list[str]:
    return [
        f"{name}: at {study.horizon_days:g} days concordance {s.concordance}, Brier score "
        f"{s.brier}, observed / expected {s.observed_expected}"
        for name, s in study.scores.items()
    ]


def _tables(study: SurvivalStudy) -> "dict[str, pd.DataFrame]":
    import pandas as pd

    seen = study.follow_up
    predictions: dict[str, Any] = {"patient": seen.patients, "index_time": seen.index}
    predictions |= {"fold": study.folds, "days": seen.days, "event": seen.event}
    predictions |= {f"p_{name}": p for name, p in study.risks.items()}
    curves = [
        {"curve": name, "day": day, "share": value, "low": low, "high": high, "n_at_risk": n}
        for name, c in study.curves.items()
        for day, value, low, high, n in zip(
            c.days, c.value, c.low, c.high, c.n_at_risk, strict=True
        )
    ]
    ratios = [{"indicator": r.name, "ratio": r.ratio, "folds": r.n_folds} for r in study.ratios]
    return {
        "scores": study.to_pandas(),
        "predictions": pd.DataFrame(predictions),
        "curves": pd.DataFrame(curves),
        "hazard_ratios": pd.DataFrame(ratios, columns=["indicator", "ratio", "folds"]),
    }


def _section(study: SurvivalStudy) -> ReportSection:
    blocks: list[Block] = [Paragraph(text=said, tone="warning") for said in study.cautions]
    if study.scores:
        blocks.append(_scores(study))
    series = [
        Series(name=name, x=c.days, y=c.value, low=c.low, high=c.high)
        for name, c in study.curves.items()
    ]
    blocks.append(
        CurvePlot(
            title="Share with the outcome", series=tuple(series), x_label="days after index",
            y_label="share", caption="Kaplan–Meier takes death as the end of follow-up, and is too "
            "high where many die before.",
        )
    )  # fmt: skip
    c = study.calibration
    if c is not None:
        shown = Series(name="cox", x=c.predicted, y=c.observed, low=c.low, high=c.high)
        blocks.append(
            CurvePlot(
                title=f"Calibration at {study.horizon_days:g} days", series=(shown,),
                x_label="predicted risk", y_label="observed share (Aalen–Johansen)", diagonal=True,
            )
        )  # fmt: skip
    ratios = [
        {"indicator": r.name, "hazard ratio": r.ratio, "folds": r.n_folds}
        for r in study.ratios[:_N_RATIOS]
    ]
    blocks.append(
        TableBlock(
            title="What Cox's model leans on", rows=tuple(ratios),
            caption="Hazard with the indicator over that without, geometric mean of the splits. "
            "They are drawn towards 1 by the penalty and are no effects of treatment.",
        )
    )  # fmt: skip
    lost = [{"reason": r.replace("_", " "), "rows": n} for r, n in study.n_excluded.items() if n]
    blocks.append(Facts(title="Who came in, and what became of them", pairs=study.flow))
    if lost:
        blocks.append(TableBlock(title="Left out, and why", rows=tuple(lost)))
    return ReportSection(title="Time to event", blocks=tuple(blocks))


def _scores(study: SurvivalStudy) -> TableBlock:
    rows = [
        {"model": row["model"], "score": row["score"].replace("_", " "), "value": row["value"]}
        | {"low": row["low"], "high": row["high"]}
        for row in study.rows()
        if not np.isnan(row["value"])
    ]
    return TableBlock(
        title=f"Scores of risks at {study.horizon_days:g} days",
        rows=tuple(rows),
        caption="Every patient is predicted by models that never saw that patient. Who was not "
        "followed to the horizon is stood for by those who were (inverse probability of being "
        "followed). Intervals are over patients. Shared is the one risk of all.",
    )
