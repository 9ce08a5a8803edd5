"""A whole risk study: known facts → folds by patient → models → calibration → scores.

    outcome + patients + events + mentions ─▶ cases (known before index only)
         └▶ folds by patient ─▶ per fold: features, model, calibration fitted on training rows
                                 ─▶ out-of-fold probabilities ─▶ scores by patient bootstrap

Intervals cover the sampling of the test patients, not retraining.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clinnlp.core.checks import check_at_least
from clinnlp.core.config import settings_to
from clinnlp.core.counts import Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.core.versions import package_versions
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.entities import entity_table
from clinnlp.features.events import Cases, collect_cases
from clinnlp.features.matrix import PatientFeatures, check_windows, n_outside
from clinnlp.features.outcomes import OutcomeRead
from clinnlp.metrics.risk import (
    CalibrationCurve,
    PrCurve,
    RiskScores,
    RocCurve,
    calibration_curve,
    pr_curve,
    roc_curve,
    score_risk,
)
from clinnlp.risk.crossfit import CrossFit, Importance, cross_fit
from clinnlp.risk.models import MODELS, ModelSettings, default_settings
from clinnlp.risk.splits import patient_folds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelRisk", "RiskStudy", "risk_study", "risk_study_table"]

Models = Sequence[str] | Mapping[str, ModelSettings]

_LOOK_BACK = (TimeWindow(start_days=-3650, end_days=0),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelRisk:
    """One model of a study.

    Parameters
    ----------
    name : str
    settings : ModelSettings
    p : array of float64, shape (n,)
        Calibrated out-of-fold probabilities.
    scores : RiskScores
        Of all out-of-fold probabilities together, with intervals by patient.
    auroc_folds : tuple of float
        AUROC within each fold.
    top_features : tuple of Importance
        Permutation importance on held-out folds, largest first.
    n_features : tuple of int
        Per fold.
    roc, pr, calibration : curves of the out-of-fold probabilities
    seconds : float
        Fitting and predicting in all folds.
    """

    name: str
    settings: ModelSettings
    p: Floats
    scores: RiskScores
    auroc_folds: tuple[float, ...]
    top_features: tuple[Importance, ...]
    n_features: tuple[int, ...]
    roc: RocCurve
    pr: PrCurve
    calibration: CalibrationCurve
    seconds: float

    def __repr__(self) -> str:
        return f"ModelRisk({self.name!r}, AUROC {self.scores.auroc})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskStudy:
    """Models scored on the same rows and folds.

    Parameters
    ----------
    patients : array of str, shape (n,)
    y : array of int64, shape (n,)
    folds : array of int64, shape (n,)
    models : mapping of str to ModelRisk
    n_excluded : mapping of str to int
        Rows of the sources left out, by source and reason.
    provenance : mapping
        Versions, seed, settings, windows and a hash of the rows: plain values for JSON.
    """

    patients: NDArray[Any]
    y: Counts
    folds: Counts
    models: Mapping[str, ModelRisk]
    n_excluded: Mapping[str, int]
    provenance: Mapping[str, Any]

    def __repr__(self) -> str:
        n, n_positive = len(self.y), int(self.y.sum())
        return f"RiskStudy({n} rows, {n_positive} positive, {len(self.models)} models)"

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per model and score: model, score, value, low, high, ..."""
        return [{"model": m.name} | row for m in self.models.values() for row in m.scores.rows()]

    def to_pandas(self) -> "pd.DataFrame":
        """Return `rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows())


def risk_study(
    patients: Iterable[Patient] = (),
    *,
    outcome: Outcome | OutcomeRead,
    events: EventTable | None = None,
    notes: EntityTable | Iterable[Note] | None = None,
    windows: Sequence[TimeWindow] = _LOOK_BACK,
    models: Models = tuple(MODELS),
    min_patients: int = 5,
    strict: bool = False,
    method: str = "sigmoid",
    folds: ArrayLike | None = None,
    n_folds: int = 5,
    n_top: int = 10,
    n_boot: int = 1000,
    seed: int = 0,
) -> RiskStudy:
    """Train and score risk models on what was known before each index time.

    Parameters
    ----------
    patients : iterable of Patient
        Birth dates and sex.
    outcome : Outcome or OutcomeRead
        Patients, index times, 0 or 1.
    events : EventTable, optional
        Structured events; those without `known`, or known at or after index, are counted out.
    notes : EntityTable or iterable of Note, optional
        Mentions; those negated, uncertain, hypothetical, historical or of another person are
        counted out, and with `strict` those not assessed too.
    windows : sequence of TimeWindow
        Look-back windows in days before index.
    models : sequence of names, or mapping of name to settings
        ``"naive_bayes"``, ``"random_forest"``, ``"svm"``.
    min_patients : int
        A feature needs this many training patients.
    method : {"sigmoid", "isotonic"}
        Of calibration, on inner folds by patient.
    folds : array of int, shape (n,), optional
        Fixed fold ids, else `n_folds` by patient from `seed`.
    n_top : int
        Features per fold and model whose permutation importance is measured; 0 skips it.
    n_boot : int
        Resamples of patients for the intervals.

    Raises
    ------
    LeakageError
        A window reaches past index, or a patient lies in two folds.
    ArgumentError
        A class, or a training fold, has too few patients; or no feature is left.

    Examples
    --------
    >>> who = np.array([f"p{k}" for k in range(60)], dtype=object)
    >>> y = np.arange(60) % 2
    >>> outcome = Outcome(patients=who, index=np.full(60, "2024-01-10", "datetime64[s]"), values=y)
    >>> events = EventTable({
    ...     "patient": who,
    ...     "known": np.full(60, "2024-01-01", "datetime64[s]"),
    ...     "code": ["x" if v else "z" for v in y],
    ...     "kind": ["drug"] * 60,
    ... })
    >>> study = risk_study(outcome=outcome, events=events, models=["naive_bayes"], n_boot=0)
    >>> study.models["naive_bayes"].scores.auroc.value
    1.0
    """
    check_windows(windows)
    outcome, n_missing = (
        (outcome.outcome, dict(outcome.n_excluded))
        if isinstance(outcome, OutcomeRead)
        else (outcome, {})
    )
    mentions = notes if notes is None or isinstance(notes, EntityTable) else entity_table(notes)
    cases = collect_cases(outcome, patients, events=events, entities=mentions, strict=strict)
    _check_facts(cases)
    features = PatientFeatures(tuple(windows), min_patients=min_patients)
    return _study(
        cases,
        outcome.values,
        features=features,
        models=models,
        method=method,
        folds=folds,
        n_folds=n_folds,
        n_top=n_top,
        n_boot=n_boot,
        seed=seed,
        n_excluded={
            **n_missing,
            **cases.n_excluded,
            "facts_outside_windows": n_outside(cases, windows),
        },
        settings={"windows": [w.name for w in windows], "strict": strict},
    )


def risk_study_table(
    X: Columns | Mapping[str, NDArray[Any]],
    y: ArrayLike,
    groups: NDArray[Any] | None = None,
    *,
    models: Models = tuple(MODELS),
    min_patients: int = 5,
    method: str = "sigmoid",
    folds: ArrayLike | None = None,
    n_folds: int = 5,
    n_top: int = 10,
    n_boot: int = 1000,
    seed: int = 0,
) -> RiskStudy:
    """Train and score risk models on a table with one row per case.

    Parameters
    ----------
    X : Columns, or mapping of str to array
        Arrays of numbers are numbers; any other array holds categories (str or None). All must
        have been known before index: nobody can check that for a plain table.
    y : array of 0 and 1, shape (n,)
    groups : array of str, shape (n,)
        Patient of each row; needed unless X is `Columns`.

    Other parameters are those of `risk_study`.

    Raises
    ------
    ArgumentError
        No `groups`, unequal lengths, or outcomes other than 0 and 1.
    LeakageError
        A patient lies in two folds.

    Examples
    --------
    >>> columns = {"age": np.arange(60.0), "sex": np.array(["F", "M", None] * 20, dtype=object)}
    >>> patients = np.arange(60).astype(str)
    >>> study = risk_study_table(
    ...     columns, np.arange(60) > 30, patients, models=["svm"], n_boot=0
    ... )
    >>> study.models["svm"].scores.auroc.value > 0.9
    True
    """
    if not isinstance(X, Columns):
        if groups is None:
            raise ArgumentError("groups must give the patient of each row, got none")
        X = Columns(patients=np.asarray(groups), values=X)
    return _study(
        X,
        y,
        features=ColumnFeatures(min_patients=min_patients),
        models=models,
        method=method,
        folds=folds,
        n_folds=n_folds,
        n_top=n_top,
        n_boot=n_boot,
        seed=seed,
        n_excluded=dict(X.n_excluded),
        settings={},
    )


def _study(
    rows: Cases | Columns,
    y: ArrayLike,
    *,
    features: PatientFeatures | ColumnFeatures,
    models: Models,
    method: str,
    folds: ArrayLike | None,
    n_folds: int,
    n_top: int,
    n_boot: int,
    seed: int,
    n_excluded: Mapping[str, int],
    settings: Mapping[str, Any],
) -> RiskStudy:
    check_at_least(seed, 0, name="seed")
    truth = _check_outcome(y, len(rows))
    named = [models] if isinstance(models, str) else models
    chosen = dict(named) if isinstance(named, Mapping) else default_settings(named)
    dealt = (
        patient_folds(rows.patients, truth, n_folds=n_folds, seed=seed)
        if folds is None
        else np.asarray(folds)
    )
    fits = cross_fit(
        rows,
        truth,
        dealt,
        features=features,
        models=chosen,
        method=method,
        n_top=n_top,
        seed=seed,
    )
    results = {
        name: _scored(name, chosen[name], fit, truth, rows.patients, n_boot=n_boot, seed=seed)
        for name, fit in fits.items()
    }
    used = {
        **settings,
        "models": {name: settings_to(given) for name, given in chosen.items()},
        "method": method,
        "min_patients": features.min_patients,
        "n_folds": len(np.unique(dealt)),
        "n_boot": n_boot,
    }
    return RiskStudy(
        patients=rows.patients,
        y=truth,
        folds=dealt,
        models=results,
        n_excluded=n_excluded,
        provenance=_provenance(rows.patients, truth, used, seed),
    )


def _scored(
    name: str,
    settings: ModelSettings,
    fit: CrossFit,
    y: Counts,
    patients: NDArray[Any],
    *,
    n_boot: int,
    seed: int,
) -> ModelRisk:
    return ModelRisk(
        name=name,
        settings=settings,
        p=fit.p,
        scores=score_risk(y, fit.p, groups=patients, n_boot=n_boot, seed=seed),
        auroc_folds=fit.auroc_folds,
        top_features=fit.top,
        n_features=fit.n_features,
        roc=roc_curve(y, fit.p),
        pr=pr_curve(y, fit.p),
        calibration=calibration_curve(y, fit.p, groups=patients),
        seconds=fit.seconds,
    )


def _check_facts(cases: Cases) -> None:
    """Refuse cases of which nothing at all is known, naming why the facts were left out."""
    if not len(cases) or len(cases.case) or any(cases.sex) or np.isfinite(cases.age_years).any():
        return
    lost = [f"{reason} {n}" for reason, n in cases.n_excluded.items() if n]
    raise ArgumentError(
        "some fact of a patient must be known before the index time, got none; left out: "
        f"{', '.join(lost) or 'nothing, the sources are empty'}"
    )


def _check_outcome(y: ArrayLike, n: int) -> Counts:
    values = np.asarray(y)
    if values.shape != (n,):
        raise ArgumentError(f"outcomes must be one per row, got shape {values.shape} for {n} rows")
    if not np.isin(values, (0, 1)).all():
        raise ArgumentError("outcomes must be 0 or 1, got another value")
    if len(np.unique(values)) < 2:
        got = "one class only" if len(values) else "no row"
        raise ArgumentError(f"a risk study needs both outcomes, got {got}")
    return values.astype(np.int64)


def _provenance(
    patients: NDArray[Any], y: Counts, settings: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    digest = hashlib.sha256("\x1f".join(map(str, patients)).encode())
    digest.update(y.astype(np.int8).tobytes())
    return {
        "versions": package_versions(("clinnlp", "numpy", "scipy", "scikit-learn")),
        "seed": seed,
        "settings": dict(settings),
        "rows_sha256": digest.hexdigest(),
    }
