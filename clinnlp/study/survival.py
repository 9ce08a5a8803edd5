"""A study of time to event: rows and their follow-up → splits → Cox models → scores at a horizon.

Not all rows are followed to the horizon: those that are count for those that are not, by weights.
Intervals cover the sampling of the tested patients, not retraining.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.display import display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.follow_up import DEATH, END, UNKNOWN, FollowUp
from clinnlp.core.tables import Outcome
from clinnlp.core.versions import package_versions
from clinnlp.features.follow_up import FollowUpRead
from clinnlp.features.outcomes import OutcomeRead
from clinnlp.metrics.incidence import IncidenceCurve, aalen_johansen, kaplan_meier
from clinnlp.metrics.risk import CalibrationCurve
from clinnlp.metrics.survival import SurvivalScores, horizon_calibration, score_survival
from clinnlp.risk.splits import patient_folds, splits_of_folds
from clinnlp.risk.survival import CoxSettings, HazardRatio, cross_fit_survival
from clinnlp.study.cautions import cautions_of, excluded_cautions
from clinnlp.study.risk_rows import RiskRows
from clinnlp.study.settings import SurvivalSettings, plain_settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["SurvivalStudy", "outcome_for_rows", "survival_study"]

_COLUMNS = ("model", "score", "value", "low", "high", "level", "method")
_N_DAYS = 60  # of a curve


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalStudy:
    """Models of time to event scored on the same rows and splits.

    Parameters
    ----------
    follow_up : FollowUp
        Of the rows.
    folds : array of int64, shape (n,)
    risks : mapping of str to array of float64, shape (n,)
        ``cox``, and ``shared``: the one risk of all training rows.
    scores : mapping of str to SurvivalScores
        Of both; empty where too few patients have the outcome, or are seen to be without it.
    calibration : CalibrationCurve or None
        Of ``cox`` at the horizon.
    curves : mapping of str to IncidenceCurve
        ``Aalen–Johansen`` and ``Kaplan–Meier``, both as the share with the outcome.
    ratios : tuple of HazardRatio
    concordance_folds, penalties : tuple of float
        Per split.
    horizon_days : float
    n_excluded : mapping of str to int
    flow : tuple of (str, int)
    cautions : tuple of str
    provenance : mapping

    Columns
    -------
    model, score : text
        Name of the model, and of the score.
    value, low, high : float
        The score and the ends of its interval by patient.
    level : float
        Coverage of the interval, 0 to 1.
    method : text
        How the interval was made.

    Examples
    --------
    >>> from clinnlp.study.risk_rows import rows_of_table
    >>> came, who = np.arange(1.0, 91), np.array([f"p{k}" for k in range(90)], dtype=object)
    >>> seen = FollowUp(patients=who, index=np.full(90, "2024-01-01", "datetime64[s]"),
    ...                 days=came, event=(np.arange(90) % 4 > 0).astype(np.int8))
    >>> rows = rows_of_table({"x": came % 7}, outcome=seen.at(60) == 1, groups=who)
    >>> how = SurvivalSettings(horizon_days=60, n_boot=0, n_folds=2, penalties=(1.0,))
    >>> survival_study(rows, seen, how)
    SurvivalStudy(90 rows, horizon 60 days)
    """

    follow_up: FollowUp
    folds: Counts
    risks: Mapping[str, Floats]
    scores: Mapping[str, SurvivalScores]
    calibration: CalibrationCurve | None
    curves: Mapping[str, IncidenceCurve]
    ratios: tuple[HazardRatio, ...]
    concordance_folds: tuple[float, ...]
    penalties: tuple[float, ...]
    horizon_days: float
    n_excluded: Mapping[str, int]
    flow: tuple[tuple[str, int], ...]
    cautions: tuple[str, ...]
    provenance: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"SurvivalStudy({len(self.follow_up)} rows, horizon {self.horizon_days:g} days)"

    def _repr_html_(self) -> str:
        columns: dict[str, Any] = {"model": list(self.scores)}
        for name in ("concordance", "auroc", "brier", "observed_expected"):
            columns[name] = [str(getattr(s, name)) for s in self.scores.values()]
        return display_html(
            "SurvivalStudy",
            facts=dict(self.flow),
            columns=columns,
            n_rows=len(self.scores),
            notes=list(self.cautions),
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and score."""
        return [{"model": m} | row for m, scores in self.scores.items() for row in scores.rows()]

    def to_pandas(self) -> "pd.DataFrame":
        """Return `rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=_COLUMNS)

    def to_arrow(self) -> "pa.Table":
        """Return `rows` as a pyarrow Table."""
        return columns_to_arrow({name: [row[name] for row in self.rows()] for name in _COLUMNS})


def survival_study(
    rows: RiskRows, follow_up: FollowUp, settings: SurvivalSettings | None = None
) -> SurvivalStudy:
    """Train and score models of time to event on what was known before each index time.

    Parameters
    ----------
    rows : RiskRows
        Of `risk_rows` or `rows_of_table`; their outcome is not used.
    follow_up : FollowUp
        Of the same rows, in the same order.
    settings : SurvivalSettings, optional

    Returns
    -------
    SurvivalStudy
        Scores with intervals by patient, risks of the tested rows, curves.

    Raises
    ------
    ArgumentError
        Rows and follow-up differ, or nobody was followed to the horizon.
    LeakageError
        A patient lies on both sides of a split.
    MissingExtra
        statsmodels is not installed.

    Examples
    --------
    >>> from clinnlp.study.risk_rows import rows_of_table
    >>> rng, who = np.random.default_rng(0), np.array([f"p{k}" for k in range(90)], dtype=object)
    >>> sick = np.arange(90) % 2
    >>> came, end = rng.exponential(np.where(sick, 30, 300)), rng.exponential(200, 90)
    >>> seen = FollowUp(patients=who, index=np.full(90, "2024-01-01", "datetime64[s]"),
    ...                 days=np.minimum(came, end), event=(came <= end).astype(np.int8))
    >>> rows = rows_of_table({"sick": sick}, outcome=seen.at(60) == 1, groups=who)
    >>> how = SurvivalSettings(horizon_days=60, n_boot=0, n_folds=2, penalties=(1.0,))
    >>> study = survival_study(rows, seen, how)
    >>> study.scores["cox"].concordance.value > 0.6
    True
    """
    settings = settings or SurvivalSettings()
    whose = rows.rows.patients
    if len(whose) != len(follow_up) or whose.tolist() != follow_up.patients.tolist():
        raise ArgumentError(
            f"rows and follow-up must be of the same patients in the same order, got {len(whose)} "
            f"and {len(follow_up)} rows that are not"
        )
    if settings.death == "unknown":
        follow_up = _ending_at_death(follow_up)
    horizon = settings.horizon_days
    values = follow_up.at(horizon)
    folds = patient_folds(whose, values == 1, n_folds=settings.n_folds, seed=settings.seed)
    fit = cross_fit_survival(
        rows.rows,
        follow_up,
        splits_of_folds(whose, folds),
        features=rows.features,
        horizon_days=horizon,
        settings=CoxSettings(penalties=settings.penalties, n_columns=settings.n_columns),
        seed=settings.seed,
    )
    risks = {"cox": fit.p, "shared": fit.p_shared}
    unscored = _why_unscored(whose, values, settings.min_class)
    named: dict[str, Any] = {"horizon_days": horizon, "groups": whose, "seed": settings.seed}
    times = (follow_up.days, follow_up.event)
    scores = {
        name: score_survival(*times, p, n_boot=settings.n_boot, **named)
        for name, p in (risks.items() if not unscored else ())
    }
    n_draws = min(200, settings.n_boot)
    return SurvivalStudy(
        follow_up=follow_up,
        folds=folds,
        risks=risks,
        scores=scores,
        calibration=None
        if unscored
        else horizon_calibration(*times, fit.p, n_boot=n_draws, **named),
        curves=_curves(follow_up, horizon, settings),
        ratios=fit.ratios,
        concordance_folds=fit.concordance_folds,
        penalties=fit.penalties,
        horizon_days=horizon,
        n_excluded={**rows.n_excluded, "codes_too_rare": fit.n_rare},
        flow=_flow(follow_up, values),
        cautions=_cautions(rows, values, unscored),
        provenance={
            "versions": package_versions(("clinnlp", "numpy", "scipy", "statsmodels")),
            "seed": settings.seed,
            "settings": {**rows.settings, **plain_settings(settings, SurvivalSettings)},
        },
    )


def outcome_for_rows(read: FollowUpRead, horizon_days: float) -> OutcomeRead:
    """Return whom `risk_rows` makes rows of: all rows of a follow-up, the unknown among the 0.

    It says who and when; the values are those of the horizon and are not used.
    """
    seen = read.follow_up
    came = (seen.at(horizon_days) == 1).astype(np.int8)
    outcome = Outcome(patients=seen.patients, index=seen.index, values=came)
    return OutcomeRead(outcome, read.n_excluded)


def _ending_at_death(seen: FollowUp) -> FollowUp:
    event = np.where(seen.event == DEATH, END, seen.event).astype(np.int8)
    return FollowUp(patients=seen.patients, index=seen.index, days=seen.days, event=event)


def _curves(
    seen: FollowUp, horizon: float, settings: SurvivalSettings
) -> dict[str, IncidenceCurve]:
    days = np.linspace(0, horizon, _N_DAYS + 1)
    how: dict[str, Any] = {"at": days, "groups": seen.patients, "seed": settings.seed}
    how["n_boot"] = min(200, settings.n_boot)
    made = {"Aalen–Johansen": aalen_johansen(seen.days, seen.event, **how)}
    if (seen.event == DEATH).any():
        k = kaplan_meier(seen.days, seen.event, **how)
        made["Kaplan–Meier"] = IncidenceCurve(
            days=k.days, value=1 - k.value, low=1 - k.high, high=1 - k.low,
            n_at_risk=k.n_at_risk, n_outcomes=k.n_outcomes, method=k.method,
        )  # fmt: skip
    return made


def _why_unscored(patients: Array, values: Array, min_class: int) -> str:
    least = min(len(set(patients[values == k].tolist())) for k in (0, 1))
    if least >= min_class:
        return ""
    return (
        f"no score is given: {least} patients have the outcome by the horizon, or are seen to it "
        f"without, and at least {min_class} are needed"
    )


def _flow(seen: FollowUp, values: Array) -> tuple[tuple[str, int], ...]:
    return (
        ("rows", len(seen)),
        ("patients", len(set(seen.patients.tolist()))),
        ("outcome by the horizon", int(np.sum(values == 1))),
        ("seen to the horizon without it, or died first", int(np.sum(values == 0))),
        ("follow-up ended before", int(np.sum(values == UNKNOWN))),
    )


def _cautions(rows: RiskRows, values: Array, unscored: str) -> tuple[str, ...]:
    least = rows.features.min_patients
    y = (values == 1).astype(np.int64)
    told = cautions_of(rows.rows, y, min_patients=least, by_time=rows.by_time)
    return (*[unscored] * bool(unscored), *told, *excluded_cautions(rows.n_excluded))
