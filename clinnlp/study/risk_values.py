"""What a risk study gives back: models scored on the same rows, and their differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.counts import Estimate
from clinnlp.core.display import display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.compare import Subgroup, compare_risks
from clinnlp.metrics.risk import SCORES, CalibrationCurve, PrCurve, RiskScores, RocCurve
from clinnlp.metrics.sample_size import SampleSize
from clinnlp.risk.crossfit import Importance
from clinnlp.risk.explain import Points
from clinnlp.risk.models import Grid, ModelSettings
from clinnlp.study.reporting import Reported

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ModelRisk", "RiskStudy", "notes_gain"]

_N_SHOWN = len(SCORES)  # scores on a notebook's page
_COLUMNS = ("model", "score", "value", "low", "high", "level", "method")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelRisk:
    """One model of a study.

    Parameters
    ----------
    name : str
    settings : tuple of ModelSettings
        What was to be tried.
    chosen : tuple of ModelSettings
        What was used, per split.
    p : array of float64, shape (n,)
        Calibrated probabilities of rows the model was not trained on.
    scores : RiskScores
        Of these probabilities, with intervals by patient; the AUROC within splits.
    auroc_folds : tuple of float
        AUROC within each split.
    top_features : tuple of Importance
        Permutation importance of concepts on tested rows, largest first.
    points : tuple of Points
        Of naive Bayes, largest spread first.
    subgroups : tuple of Subgroup
    n_features : tuple of int
        Per split.
    roc, pr, calibration : curves of the probabilities
    reported : Reported
        Alerts at thresholds, decision curve, smooth calibration, differences between groups.
    seconds : float
        Choosing, fitting and predicting in all splits.
    """

    name: str
    settings: Grid
    chosen: tuple[ModelSettings, ...]
    p: Floats
    scores: RiskScores
    auroc_folds: tuple[float, ...]
    top_features: tuple[Importance, ...]
    points: tuple[Points, ...]
    subgroups: tuple[Subgroup, ...]
    n_features: tuple[int, ...]
    roc: RocCurve
    pr: PrCurve
    calibration: CalibrationCurve
    reported: Reported
    seconds: float

    @property
    def auroc_mean(self) -> float:
        """Mean of the AUROC within each split, over those with both classes."""
        aurocs = [a for a in self.auroc_folds if a == a]
        return float(np.mean(aurocs)) if aurocs else float("nan")

    def __repr__(self) -> str:
        return f"ModelRisk({self.name!r}, AUROC {self.scores.auroc})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskStudy:
    """Models scored on the same rows and splits.

    Parameters
    ----------
    patients : array of str, shape (n,)
        Of the tested rows, as all arrays here.
    y : array of int64, shape (n,)
    folds : array of int64, shape (n,)
        Position of the split in which each row was tested.
    split_names : tuple of str
    models : mapping of str to ModelRisk
        Empty where a class has too few patients for a score: `unscored` then says so.
    differences : mapping of str to mapping of str to Estimate
        Per model but the first: each score minus that of the first, paired by resample.
    reference : str
        The first model.
    n_excluded : mapping of str to int
        Rows of the sources left out, by source and reason.
    flow : tuple of (str, int)
        What came in, what was left out, what was tested: patients and rows, in order.
    cautions : tuple of str
        What a reader has to know, each one sentence.
    permuted : array of float64
        AUROC with outcomes dealt out by chance, one per permutation asked for.
    unscored : str
        Why there is no score; empty where there are scores.
    estimand : str
        What the scores are of, one sentence.
    needed : SampleSize or None
        Patients that such a development needs, by Riley et al.; ``None`` without scores.
    index : array of datetime64[s], shape (n,), or None
        Index times, where there are any.
    provenance : mapping
        Versions, seed, settings, windows and a hash of the rows: plain values for JSON.

    Columns
    -------
    model, score : text
        Name of the model, and of the score.
    value, low, high : float
        The score and the ends of its interval, ``nan`` without resampling.
    level : float
        Coverage of the interval, 0 to 1.
    method : text
        How the interval was made, and over what.

    Examples
    --------
    >>> from clinnlp.study.risk import risk_study
    >>> from clinnlp.study.risk_rows import rows_of_table
    >>> from clinnlp.study.settings import RiskStudySettings
    >>> who, y = np.array([f"p{k}" for k in range(60)]), np.arange(60) > 30
    >>> light = RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0)
    >>> rows = rows_of_table({"age": np.arange(60.0)}, outcome=y, groups=who)
    >>> study = risk_study(rows, light)
    >>> study.to_pandas().columns.tolist()
    ['model', 'score', 'value', 'low', 'high', 'level', 'method']
    """

    patients: Array
    y: Counts
    folds: Counts
    split_names: tuple[str, ...]
    models: Mapping[str, ModelRisk]
    differences: Mapping[str, Mapping[str, Estimate]]
    reference: str
    n_excluded: Mapping[str, int]
    flow: tuple[tuple[str, int], ...]
    cautions: tuple[str, ...]
    permuted: Floats
    unscored: str
    provenance: Mapping[str, Any]
    estimand: str = ""
    needed: SampleSize | None = None
    index: Array | None = None

    def __repr__(self) -> str:
        n, n_positive = len(self.y), int(self.y.sum())
        return f"RiskStudy({n} rows, {n_positive} positive, {len(self.models)} models)"

    def _repr_html_(self) -> str:
        scores = list(dict.fromkeys(row["score"] for row in self.rows()))[:_N_SHOWN]
        found = {(row["model"], row["score"]): row for row in self.rows()}
        columns: dict[str, Any] = {"model": list(self.models)}
        columns |= {s: [_with_interval(found.get((m, s))) for m in self.models] for s in scores}
        return display_html(
            "RiskStudy",
            facts={
                "rows": len(self.y),
                "positive": int(self.y.sum()),
                "patients": len(np.unique(self.patients.astype(str))),
                "splits": len(self.split_names),
            },
            columns=columns,
            n_rows=len(self.models),
            notes=[*filter(None, [self.unscored, self.estimand]), *self.cautions],
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and score: model, score, value, low, high, ..."""
        return [
            {"model": m.name} | row
            for m in self.models.values()
            for row in (*m.scores.rows(), *m.reported.rows())
        ]

    def to_pandas(self) -> "pd.DataFrame":
        """Return `rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=_COLUMNS)

    def to_arrow(self) -> "pa.Table":
        """Return `rows` as a pyarrow Table."""
        return columns_to_arrow({name: [row[name] for row in self.rows()] for name in _COLUMNS})

    def threshold_rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and threshold: alerts, sensitivity, PPV, net benefit."""
        return [
            {"model": m.name} | at.row()
            for m in self.models.values()
            for at in m.reported.thresholds
        ]

    def group_rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model, group and score: the group less the largest one."""
        return [
            {"model": m.name, "attribute": g.attribute, "value": g.value, "against": g.against}
            | {"score": score, "difference": e.value}
            | {"difference_low": e.low, "difference_high": e.high}
            for m in self.models.values()
            for g in m.reported.groups
            for score, e in g.differences.items()
        ]

    def difference_rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and score: model, minus, score, value, low, high."""
        return [
            {"model": name, "minus": self.reference, "score": score}
            | {"value": e.value, "low": e.low, "high": e.high}
            for name, scores in self.differences.items()
            for score, e in scores.items()
        ]

    def subgroup_rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and subgroup, scores empty where it is too small."""
        rows = []
        for model in self.models.values():
            for s in model.subgroups:
                row: dict[str, Any] = {"model": model.name, "attribute": s.attribute}
                row |= {"value": s.value, "patients": s.n_patients, "positive": s.n_positive}
                for name in ("auroc", "calibration_slope", "calibration_intercept"):
                    e = None if s.scores is None else getattr(s.scores, name)
                    ends = (None,) * 3 if e is None else (e.value, e.low, e.high)
                    row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
                rows.append(row)
        return rows


def _with_interval(row: Mapping[str, Any] | None) -> str | None:
    if row is None or row["value"] != row["value"]:
        return None
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def notes_gain(
    with_notes: RiskStudy, without: RiskStudy, *, n_boot: int = 1000, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """Return what the first study scores beyond the second, per model and score, paired.

    Parameters
    ----------
    with_notes, without : RiskStudy
        Of the same rows in the same splits; models are compared by name.
    n_boot : int
        Resamples of patients, at least 0.
    seed : int
        Of the resampling.

    Returns
    -------
    mapping of model to mapping of score to Estimate
        Score with notes less score without, its interval from the same resamples of patients.

    Raises
    ------
    ArgumentError
        Other rows, other splits, or no model in common.

    Examples
    --------
    >>> from clinnlp.study.risk import risk_study
    >>> from clinnlp.study.risk_rows import rows_of_table
    >>> from clinnlp.study.settings import RiskStudySettings
    >>> who, y = np.array([f"p{k}" for k in range(60)]), np.arange(60) > 30
    >>> light = RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0)
    >>> age, marker = np.tile(np.arange(6.0), 10), y.astype(float)
    >>> without = risk_study(rows_of_table({"age": age}, outcome=y, groups=who), light)
    >>> table = {"age": age, "marker": marker}
    >>> with_notes = risk_study(rows_of_table(table, outcome=y, groups=who), light)
    >>> notes_gain(with_notes, without, n_boot=20)["naive_bayes"]["auroc"].value > 0.2
    True
    """
    same = all(
        np.array_equal(getattr(with_notes, name), getattr(without, name))
        for name in ("patients", "y", "folds")
    )
    common = [name for name in with_notes.models if name in without.models]
    if not same or not common:
        raise ArgumentError(
            "two studies can be compared where they test the same rows in the same splits with "
            f"models in common, got {'no such models' if same else 'other rows or splits'}"
        )
    return {
        name: compare_risks(
            with_notes.y,
            with_notes.models[name].p,
            without.models[name].p,
            groups=with_notes.patients,
            strata=with_notes.folds,
            n_boot=n_boot,
            seed=seed,
        )
        for name in common
    }
