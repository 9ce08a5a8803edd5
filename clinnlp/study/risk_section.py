"""The risk section of a report: scores, differences, curves, subgroups, reasons, exclusions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import (
    Block,
    Column,
    CurvePlot,
    Facts,
    ForestPlot,
    Paragraph,
    ReportSection,
    Series,
    TableBlock,
)
from clinnlp.study.journal import journal_blocks
from clinnlp.study.risk_values import RiskStudy

__all__ = ["risk_plots", "risk_section"]

_N_POINTS = 20  # points of naive Bayes shown


def risk_section(studies: Mapping[str, RiskStudy]) -> ReportSection:
    """Return what studies found, one per set of features; curves and tables of the last."""
    last, study = list(studies.items())[-1]
    blocks: list[Block] = [
        Paragraph(text=caution, tone="warning") for s in studies.values() for caution in s.cautions
    ]
    scored = {name: s for name, s in studies.items() if s.models}
    if scored:
        blocks += [_scores(scored), _aurocs(scored)]
    if study.models:
        blocks += [*_differences(study, last), *_curves(study, last), *_subgroups(study, last)]
        blocks += journal_blocks(study, last)
        blocks += [_importance(study, last), *_points(study, last), *_permuted(study)]
    blocks += [_flow(studies), *_excluded(studies)]
    return ReportSection(title="Risk models", blocks=tuple(blocks))


def risk_plots(study: RiskStudy) -> list[CurvePlot | ForestPlot]:
    """Return the plots of a study: AUROC with intervals, ROC, precision and recall, calibration."""
    if not study.models:
        return []
    rows = tuple((model.name, model.scores.auroc) for model in study.models.values())
    forest = ForestPlot(title="AUROC", rows=rows, x_label="AUROC", reference=0.5)
    return [forest, *_curves(study, "")]


def _scores(studies: Mapping[str, RiskStudy]) -> Block:
    rows = []
    for features, study in studies.items():
        for model in study.models.values():
            row: dict[str, Any] = {"features": features, "model": model.name}
            for score in model.scores.rows():
                ends = (("", "value"), ("_low", "low"), ("_high", "high"))
                row |= {f"{score['score']}{end}": score[key] for end, key in ends}
            rows.append(row)
    rate = next(iter(next(iter(studies.values())).models.values())).scores.alert_rate
    return TableBlock(
        title="Scores of out-of-fold, calibrated probabilities",
        rows=tuple(rows),
        caption="Every patient is predicted by models that never saw that patient. The "
        f"{next(iter(studies.values())).estimand}. Sensitivity is at an alert for {rate:.0%} of "
        "the rows.",
    )


def _aurocs(studies: Mapping[str, RiskStudy]) -> Block:
    rows: list[tuple[str, Estimate]] = [
        (f"{model.name}, {features}", model.scores.auroc)
        for features, study in studies.items()
        for model in study.models.values()
    ]
    return ForestPlot(title="AUROC", rows=tuple(rows), x_label="AUROC", reference=0.5)


def _differences(study: RiskStudy, features: str) -> list[Block]:
    rows = [row for row in study.difference_rows() if row["score"] != "log_loss"]
    difference = Column(key="value", title="difference", low="low", high="high")
    columns = ("model", "minus", "score", difference)
    return _unless_empty(
        TableBlock(
            title=f"Each model against {study.reference}, {features}",
            rows=tuple(rows),
            columns=columns,
            caption="Paired: every resample of patients scores both models.",
        )
    )


def _curves(study: RiskStudy, features: str) -> list[CurvePlot]:
    of = f", {features}" if features else ""
    models = study.models.values()
    base = float(np.mean(study.y))
    return [
        CurvePlot(
            title=f"ROC{of}",
            series=tuple(Series(name=m.name, x=m.roc.fpr, y=m.roc.tpr) for m in models),
            x_label="false-positive rate", y_label="sensitivity", diagonal=True,
        ),
        CurvePlot(
            title=f"Precision and recall{of}",
            series=tuple(Series(name=m.name, x=m.pr.recall, y=m.pr.precision) for m in models),
            x_label="recall", y_label="precision", level=base,
            caption=f"The line is the base rate, {base:.3f}.",
        ),
        CurvePlot(
            title=f"Calibration{of}",
            series=tuple(
                Series(
                    name=m.name, x=m.calibration.predicted, y=m.calibration.observed,
                    low=m.calibration.low, high=m.calibration.high,
                )
                for m in models
            ),
            x_label="predicted risk", y_label="observed share", diagonal=True,
        ),
    ]  # fmt: skip


def _subgroups(study: RiskStudy, features: str) -> list[Block]:
    rows = [row for row in study.subgroup_rows() if row["patients"] is not None]
    columns: tuple[Column | str, ...] = (
        "model", "attribute", "value", Column(key="patients", kind="count"),
        Column(key="positive", title="positive rows", kind="count"),
        Column(key="auroc", title="AUROC", low="auroc_low", high="auroc_high"),
        *(
            Column(key=key, title=key.replace("_", " "), low=f"{key}_low", high=f"{key}_high")
            for key in ("calibration_slope", "calibration_intercept")
        ),
    )  # fmt: skip
    return _unless_empty(
        TableBlock(
            title=f"Subgroups, {features}",
            rows=tuple(rows),
            columns=columns,
            caption="No score where a class has too few patients; no row where the subgroup has.",
        )
    )


def _importance(study: RiskStudy, features: str) -> Block:
    rows = [
        {"model": m.name, "concept": f.name, "fall in AUROC": f.fall, "folds": f.n_folds}
        for m in study.models.values()
        for f in m.top_features
    ]
    return TableBlock(
        title=f"What the models lean on, {features}",
        rows=tuple(rows),
        caption="Fall in AUROC on held-out folds when all features of a concept are shuffled.",
    )


def _points(study: RiskStudy, features: str) -> list[Block]:
    rows = [
        {"model": m.name, "feature": p.name, "present": p.present, "absent": p.absent}
        for m in study.models.values()
        for p in m.points[:_N_POINTS]
    ]
    return _unless_empty(
        TableBlock(
            title=f"Points of naive Bayes, {features}",
            rows=tuple(rows),
            caption="Added to the log odds where a feature is present, and where it is absent, "
            "before calibration; means over folds.",
        )
    )


def _unless_empty(table: TableBlock) -> list[Block]:
    return [table] if table.rows else []


def _permuted(study: RiskStudy) -> list[Block]:
    n = len(study.permuted)
    if not n:
        return []
    error = float(study.permuted.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    text = (
        f"With outcomes dealt out by chance, {n} times: AUROC {study.permuted.mean():.3f}, "
        f"standard error {error:.3f} ({study.reference}). Far from 0.5, something of tested "
        "patients got into training. It cannot see facts that were known only through the "
        "outcome, nor one patient under two ids: of outcomes by chance these tell nothing."
    )
    return [Paragraph(text=text)]


def _flow(studies: Mapping[str, RiskStudy]) -> Block:
    pairs = tuple((f"{step}, {name}", n) for name, s in studies.items() for step, n in s.flow)
    return Facts(title="Who came in, and who was used", pairs=pairs)


def _excluded(studies: Mapping[str, RiskStudy]) -> list[Block]:
    rows = [
        {"features": name, "reason": reason.replace("_", " "), "rows": n}
        for name, study in studies.items()
        for reason, n in study.n_excluded.items()
    ]
    return [TableBlock(title="Left out, and why", rows=tuple(rows))] if rows else []
