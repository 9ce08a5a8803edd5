"""A whole risk study: known facts → splits by patient → models → calibration → scores.

    outcome + patients + events + mentions ─▶ cases (known before index only)
         └▶ splits ─▶ per split: features, choice, model, calibration fitted on training rows
                      ─▶ probabilities of tested rows ─▶ scores by patient bootstrap

Intervals cover the sampling of the tested patients, not retraining.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clinnlp.core.checks import check_at_least
from clinnlp.core.config import settings_to
from clinnlp.core.counts import Counts, Estimate
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.core.versions import package_versions
from clinnlp.features.columns import Columns
from clinnlp.features.outcomes import OutcomeRead
from clinnlp.metrics.compare import compare_risks, score_subgroups
from clinnlp.metrics.risk import calibration_curve, pr_curve, roc_curve, score_risk
from clinnlp.risk.blend import blend_fits
from clinnlp.risk.copies import n_copied
from clinnlp.risk.crossfit import CrossFit, cross_fit, permuted_aurocs
from clinnlp.risk.models import DEFAULT_MODELS, Grid, Models, chosen_settings
from clinnlp.risk.splits import Split, patient_folds, splits_of_folds
from clinnlp.study.cautions import cautions_of, level_cautions
from clinnlp.study.risk_rows import LOOK_BACK, RiskRows, risk_rows, rows_of_table
from clinnlp.study.risk_values import ModelRisk, RiskStudy

__all__ = ["risk_study"]

MIN_CLASS = 20  # patients of each class without whom no score is given

_SUBGROUP_DRAWS = 200  # bootstrap draws for a subgroup, at most
_OF_ROWS = ("patient_missing", "index_missing", "outcome_missing", "outcome_before_index")


def risk_study(
    patients: Iterable[Patient] | Columns | Mapping[str, NDArray[Any]] = (),
    *,
    outcome: Outcome | OutcomeRead | ArrayLike,
    events: EventTable | Iterable[EventTable] | None = None,
    notes: EntityTable | Iterable[Note] | None = None,
    groups: NDArray[Any] | None = None,
    windows: Sequence[TimeWindow] = LOOK_BACK,
    models: Models = DEFAULT_MODELS,
    min_patients: int = 5,
    strict: bool = False,
    by_assertion: bool = False,
    by_section: bool = False,
    recency: bool = False,
    blend: Sequence[str] = (),
    method: str = "sigmoid",
    splits: Sequence[Split] | None = None,
    folds: ArrayLike | None = None,
    n_folds: int = 5,
    subgroups: Mapping[str, NDArray[Any]] | None = None,
    alert_rate: float = 0.1,
    n_top: int = 10,
    n_boot: int = 1000,
    n_permutations: int = 0,
    min_class: int = MIN_CLASS,
    seed: int = 0,
) -> RiskStudy:
    """Train and score risk models on what was known before each index time.

    Parameters
    ----------
    patients : iterable of Patient; or Columns, or mapping of str to array
        Birth dates and sex of patients, beside `events` and `notes`. Or a table with one row per
        case: arrays of numbers are numbers, any other array holds categories (str or None). All
        of a table must have been known before index: nobody can check that.
    outcome : Outcome or OutcomeRead; array of 0 and 1, shape (n,), with a table
        Patients, index times, 0 or 1.
    events : EventTable, or parts of one, optional
        Structured events; those without `known`, or known at or after index, are counted out.
    notes : EntityTable or iterable of Note, optional
        Mentions; those negated, uncertain, hypothetical, historical or of another person are
        counted out, and with `strict` those not assessed too.
    groups : array of str, shape (n,)
        Patient of each row of a table; needed unless it is `Columns`.
    windows : sequence of TimeWindow
        Look-back windows in days before index.
    models : sequence of names, or mapping of name to settings
        ``"naive_bayes"``, ``"random_forest"``, ``"svm"``, ``"svm_rbf"``, ``"logistic"``,
        ``"boosting"``. Of several settings, one is chosen on inner folds of the training rows.
    blend : sequence of names
        Models whose mean log odds are tested as one more, ``"blend"``.
    min_patients : int
        A feature needs this many training patients.
    by_assertion, by_section, recency : bool
        More features: what notes deny or tell of the past as facts of their own; the same mention
        in two sections apart; how recent each fact is.
    method : {"sigmoid", "isotonic"}
        Of calibration, on inner folds by patient.
    splits : sequence of Split, optional
        Of `split_by_time` or `splits_by_site`; else by patient:
    folds : array of int, shape (n,), optional
        Fixed fold ids, else `n_folds` by patient from `seed`.
    subgroups : mapping of str to array, shape (n,) each
        Attributes to score apart, beside age band, sex and ethnicity where known.
    alert_rate : float
        Share of rows alerted at for the sensitivity.
    n_top : int
        Concepts per split and model whose permutation importance is measured; 0 skips it.
    n_boot : int
        Resamples of patients for the intervals.
    n_permutations : int
        Times to deal the outcomes out by chance, and score the first model on them.
    min_class : int
        Patients of each class without whom no score is given.

    Raises
    ------
    LeakageError
        A window reaches past index, or a patient lies on both sides of a split.
    ArgumentError
        A table without patients; outcomes other than 0 and 1, or of one class; a training fold
        with too few patients; or no feature is left.

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

    >>> columns = {"age": np.arange(60.0), "sex": np.array(["F", "M", None] * 20, dtype=object)}
    >>> study = risk_study(
    ...     columns, outcome=np.arange(60) > 30, groups=who, models=["svm"], n_boot=0
    ... )
    >>> study.models["svm"].scores.auroc.value > 0.9
    True
    """
    if isinstance(patients, Columns | Mapping):
        given = rows_of_table(patients, outcome, groups, min_patients)
    else:
        given = risk_rows(
            patients,
            outcome=outcome,
            events=events,
            notes=notes,
            windows=windows,
            min_patients=min_patients,
            strict=strict,
            by_assertion=by_assertion,
            by_section=by_section,
            recency=recency,
        )
    plan = _Plan(
        grids=chosen_settings(models),
        blend=tuple(blend),
        method=method,
        alert_rate=alert_rate,
        n_top=n_top,
        n_boot=n_boot,
        n_permutations=n_permutations,
        min_class=min_class,
        seed=seed,
    )
    unscored = _why_unscored(given, min_class)
    if unscored:
        splits = ()
    elif splits is None:
        if folds is None:
            folds = patient_folds(given.rows.patients, given.y, n_folds=n_folds, seed=seed)
        splits = splits_of_folds(given.rows.patients, folds)
    return _study(given, splits, plan, {**given.subgroups, **(subgroups or {})}, unscored)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a study trains and scores."""

    grids: Mapping[str, Grid]
    blend: tuple[str, ...]
    method: str
    alert_rate: float
    n_top: int
    n_boot: int
    n_permutations: int
    min_class: int
    seed: int

    def __post_init__(self) -> None:
        check_at_least(self.seed, 0, name="seed")
        check_at_least(self.n_permutations, 0, name="n_permutations")

    def told(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        grids = {name: [settings_to(s) for s in grid] for name, grid in self.grids.items()}
        named = ("blend", "method", "alert_rate", "n_boot", "n_permutations", "min_class")
        return {"models": grids} | {name: getattr(self, name) for name in named}


def _study(
    given: RiskRows,
    splits: Sequence[Split],
    plan: _Plan,
    attributes: Mapping[str, NDArray[Any]],
    unscored: str,
) -> RiskStudy:
    rows, y, grids = given.rows, given.y, plan.grids
    how: dict[str, Any] = {"features": given.features, "seed": plan.seed}
    fits = {} if unscored else cross_fit(
        rows, y, splits, models=grids, method=plan.method, n_top=plan.n_top, **how
    )  # fmt: skip
    if fits and plan.blend:
        fits["blend"] = blend_fits(fits, plan.blend, y, splits)
    permuted = np.empty(0)
    if plan.n_permutations and not unscored:
        first = next(iter(grids.values()))[0]
        permuted = permuted_aurocs(
            rows, y, splits, settings=first, n_permutations=plan.n_permutations, **how
        )
    place = np.full(len(y), -1)
    for k, split in enumerate(splits):
        place[split.test] = k
    shown = np.flatnonzero(place >= 0) if splits else np.arange(len(y))
    truth, patients = y[shown], rows.patients[shown]
    told = {name: np.asarray(values, dtype=object)[shown] for name, values in attributes.items()}
    results = {
        name: _scored(name, grids.get(name, ()), fit, truth, patients, shown, told, plan)
        for name, fit in fits.items()
    }
    reference = next(iter(results), "")
    n_rare = max((fit.n_rare for fit in fits.values()), default=0)
    copied = n_copied(given.signed, rows.patients, splits)
    cautions = (*cautions_of(rows, y, n_copied=copied), *level_cautions(fits))
    names = tuple(split.name for split in splits)
    used = {**given.settings, **plan.told(), "splits": list(names)}
    return RiskStudy(
        patients=patients,
        y=truth,
        folds=place[shown],
        split_names=names,
        models=results,
        differences=_differences(results, truth, patients, plan),
        reference=reference,
        n_excluded={**given.n_excluded, "codes_too_rare": n_rare},
        flow=_flow(given, place, splits),
        cautions=(unscored, *cautions) if unscored else cautions,
        permuted=permuted,
        unscored=unscored,
        provenance=_provenance(rows.patients, y, used, plan.seed),
    )


def _scored(
    name: str,
    grid: Grid,
    fit: CrossFit,
    y: Counts,
    patients: NDArray[Any],
    shown: Counts,
    attributes: Mapping[str, NDArray[Any]],
    plan: _Plan,
) -> ModelRisk:
    p = fit.p[shown]
    how: dict[str, Any] = {"groups": patients, "alert_rate": plan.alert_rate, "seed": plan.seed}
    few = min(plan.n_boot, _SUBGROUP_DRAWS)
    return ModelRisk(
        name=name,
        settings=grid,
        chosen=fit.chosen,
        p=p,
        scores=score_risk(y, p, n_boot=plan.n_boot, **how),
        auroc_folds=fit.auroc_folds,
        top_features=fit.top,
        points=fit.points,
        subgroups=tuple(
            score_subgroups(y, p, attributes, min_patients=plan.min_class, n_boot=few, **how)
        ),
        n_features=fit.n_features,
        roc=roc_curve(y, p),
        pr=pr_curve(y, p),
        calibration=calibration_curve(y, p, groups=patients),
        seconds=fit.seconds,
    )


def _differences(
    results: Mapping[str, ModelRisk], y: Counts, patients: NDArray[Any], plan: _Plan
) -> dict[str, dict[str, Estimate]]:
    """Return each model's scores minus those of the first."""
    named = list(results)
    return {
        name: compare_risks(
            y,
            results[name].p,
            results[named[0]].p,
            groups=patients,
            alert_rate=plan.alert_rate,
            n_boot=plan.n_boot,
            seed=plan.seed,
        )
        for name in named[1:]
    }


def _why_unscored(given: RiskRows, min_class: int) -> str:
    least = min(len(set(given.rows.patients[given.y == k].tolist())) for k in (0, 1))
    if least >= min_class:
        return ""
    return f"no score is given: a class has {least} patients, and at least {min_class} are needed"


def _flow(given: RiskRows, place: Counts, splits: Sequence[Split]) -> tuple[tuple[str, int], ...]:
    """Return what came in, was left out, and was used, in order."""
    patients = given.rows.patients
    steps = [(reason, n) for reason, n in given.n_excluded.items() if reason in _OF_ROWS]
    steps += [("rows", len(place)), ("patients", len(set(patients.tolist())))]
    steps += [("positive rows", int(given.y.sum()))]
    if splits:
        trained = np.any([split.train for split in splits], axis=0)
        steps += [("rows tested", int(np.sum(place >= 0)))]
        steps += [("rows neither trained on nor tested", int(np.sum(~trained & (place < 0))))]
    return tuple(steps)


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
