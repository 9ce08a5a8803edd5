"""What a journal asks of a risk study, as tables and as blocks of its report."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clinnlp.metrics.thresholds import AT_THRESHOLD
from clinnlp.report.blocks import Block, Column, CurvePlot, Facts, Series, TableBlock
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.tripod import tripod_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["JOURNAL", "journal_blocks", "journal_tables"]

_SHOWN = ("auroc", "calibration_slope", "calibration_intercept")  # differences in a report
_EACH = 4  # points of a smooth curve between two bars of its band
_RATIOS = {"n_to_evaluate": "number needed to evaluate", "ppv": "PPV"}


def journal_tables(study: RiskStudy) -> "dict[str, pd.DataFrame]":
    """Return the tables beside scores and predictions, by the name of their file."""
    import pandas as pd

    return {name: pd.DataFrame(rows(study)) for name, rows in JOURNAL.items()}


def journal_blocks(study: RiskStudy, features: str) -> list[Block]:
    """Return alerts, decision curve, smooth calibration, groups, sample size and checklist."""
    return [
        *_sample_size(study),
        _smooth(study, features),
        _calibration(study, features),
        _decision(study, features),
        _thresholds(study, features),
        *_groups(study, features),
        _tripod(study),
    ]


def _decision_rows(study: RiskStudy) -> list[dict[str, Any]]:
    return [
        {"model": m.name} | at.row() for m in study.models.values() for at in m.reported.decision
    ]


JOURNAL: Mapping[str, Callable[[RiskStudy], list[dict[str, Any]]]] = {
    "thresholds": RiskStudy.threshold_rows,
    "decision": _decision_rows,
    "groups": RiskStudy.group_rows,
    "tripod": lambda study: [dict(row) for row in tripod_rows(study)],
}


def _sample_size(study: RiskStudy) -> list[Block]:
    if study.needed is None:
        return []
    needed = study.needed
    pairs = (
        ("for a shrinkage of 0.9", needed.n_shrinkage),
        ("for an optimism of 0.05", needed.n_optimism),
        ("for the overall risk within 0.05", needed.n_overall),
        ("outcomes among the largest of them", needed.n_events),
    )
    caption = (
        f"By Riley et al. 2019, where a Cox-Snell R² of {needed.r2:.3f} is expected, 15 % of its "
        "largest, and every feature is a candidate."
    )
    return [Facts(title="Patients that a development needs", pairs=pairs, caption=caption)]


def _smooth(study: RiskStudy, features: str) -> Block:
    series = []
    for m in study.models.values():
        s = m.reported.smooth
        at = slice(None, None, _EACH)
        series.append(
            Series(name=m.name, x=s.predicted[at], y=s.observed[at], low=s.low[at], high=s.high[at])
        )
    return CurvePlot(
        title=f"Smooth calibration, {features}",
        series=tuple(series),
        x_label="predicted risk",
        y_label="observed risk",
        diagonal=True,
        caption="A logistic regression of the outcome on a restricted cubic spline of the log odds "
        "predicted; bars are the pointwise band.",
    )


def _calibration(study: RiskStudy, features: str) -> Block:
    rows = tuple(
        {"model": m.name} | row for m in study.models.values() for row in m.reported.rows()
    )
    return TableBlock(
        title=f"Calibration in numbers, {features}",
        rows=rows,
        columns=("model", "score", Column(key="value", low="low", high="high")),
        caption="Expected over observed is 1 where risks are right in the mean. ICI, E50 and E90: "
        "mean, median and 90 % quantile of the distance between risks and the smooth curve.",
    )


def _decision(study: RiskStudy, features: str) -> Block:
    curves = {m.name: m.reported.decision for m in study.models.values()}
    series = [
        Series(
            name=name,
            x=[at.threshold for at in curve],
            y=[at.net_benefit.value for at in curve],
        )
        for name, curve in curves.items()
    ]
    longest = max(curves.values(), key=lambda curve: curve[-1].threshold)
    everybody = [(at.threshold, at.net_benefit_all.value) for at in longest]
    base = float(study.y.mean())
    # below, it is of no interest how much worse than nobody
    shown = [(t, benefit) for t, benefit in everybody if benefit > -base / 2]
    if shown:
        x, y = zip(*shown, strict=True)
        series.append(Series(name="alert everybody", x=x, y=y))
    return CurvePlot(
        title=f"Decision curve, {features}",
        series=tuple(series),
        x_label="threshold",
        y_label="net benefit",
        level=0.0,
        caption="Cases found per patient, less false alerts at the odds of the threshold; the line "
        "is alerting nobody. Intervals are in decision.csv.",
    )


def _thresholds(study: RiskStudy, features: str) -> Block:
    columns = [
        Column(
            key=name,
            title=_RATIOS.get(name, name.replace("_", " ")),
            low=f"{name}_low",
            high=f"{name}_high",
        )
        for name in AT_THRESHOLD
    ]
    return TableBlock(
        title=f"Who acts from a threshold on, {features}",
        rows=tuple(study.threshold_rows()),
        columns=("model", "threshold", *columns),
        caption="Number needed to evaluate: alerts per case found. Net benefit all: of alerting "
        "everybody.",
    )


def _groups(study: RiskStudy, features: str) -> list[Block]:
    rows = [row for row in study.group_rows() if row["score"] in _SHOWN]
    difference = Column(key="difference", low="difference_low", high="difference_high")
    table = TableBlock(
        title=f"Differences between groups, {features}",
        rows=tuple(rows),
        columns=("model", "attribute", "value", "against", "score", difference),
        caption="Each group less the largest one of the same attribute; one resample of patients "
        "scores both.",
    )
    return [table] if rows else []


def _tripod(study: RiskStudy) -> Block:
    return TableBlock(
        title="TRIPOD+AI, as far as it is known here",
        rows=tuple(tripod_rows(study)),
        caption="Collins et al., BMJ 2024, 385:e078378.",
    )
