"""A whole risk study: rows of known facts → splits by patient → models → calibration → scores.

    risk_rows, rows_of_table ─▶ rows (known before index only)
         └▶ splits ─▶ per split: features, choice, model, calibration fitted on training rows
                      ─▶ probabilities of tested rows ─▶ scores by patient bootstrap

The scores are of the model fitted on all rows (`clinnlp.metrics.kept`); where the splits were
given, by time or site, they are of the models of these splits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.core.config import settings_to
from clinnlp.core.counts import Estimate
from clinnlp.core.versions import package_versions
from clinnlp.features.events import Cases
from clinnlp.features.outcomes import REPEATED
from clinnlp.metrics.compare import Subgroup, compare_risks, score_subgroups
from clinnlp.metrics.kept import of_kept_model
from clinnlp.metrics.risk import calibration_curve, pr_curve, roc_curve, score_risk
from clinnlp.risk.blend import blend_fits
from clinnlp.risk.copies import n_copied
from clinnlp.risk.crossfit import CrossFit, cross_fit, permuted_aurocs
from clinnlp.risk.models import Grid, ModelSettings, chosen_settings
from clinnlp.risk.splits import Split, patient_folds, splits_of_folds
from clinnlp.study.cautions import cautions_of, excluded_cautions, level_cautions
from clinnlp.study.outputs import CHRONIC
from clinnlp.study.reporting import (
    KEPT,
    OF_SPLITS,
    needed_size,
    reported,
    size_cautions,
)
from clinnlp.study.risk_rows import RiskRows
from clinnlp.study.risk_values import ModelRisk, RiskStudy
from clinnlp.study.settings import RiskStudySettings, plain_settings

__all__ = ["risk_study"]

_SUBGROUP_DRAWS = 200  # bootstrap draws for a subgroup, at most
_FEW, _FOLDS_OF_FEW, _FOLDS = 500, 10, 5  # patients; folds of fewer, and of others
_OF_ROWS = (
    *("patient_missing", "index_missing", "outcome_missing", "outcome_before_index"),
    REPEATED,
)


def risk_study(
    rows: RiskRows,
    settings: RiskStudySettings | None = None,
    *,
    models: Mapping[str, ModelSettings | Sequence[ModelSettings]] | None = None,
    splits: Sequence[Split] | None = None,
    folds: ArrayLike | None = None,
    subgroups: Mapping[str, Array] | None = None,
) -> RiskStudy:
    """Train and score risk models on what was known before each index time.

    Parameters
    ----------
    rows : RiskRows
        Of `risk_rows` or `rows_of_table`.
    settings : RiskStudySettings, optional
    models : mapping of name to settings, optional
        Models with settings of their own, instead of the names in `settings`. Of several settings,
        one is chosen on inner folds of the training rows.
    splits : sequence of Split, optional
        Of `split_by_time` or `splits_by_site`; else by patient:
    folds : array of int, shape (n,), optional
        Fixed fold ids, else ``n_folds`` by patient from the seed.
    subgroups : mapping of str to array, shape (n,) each
        Attributes to score apart, beside age band, sex and ethnicity where known.

    Returns
    -------
    RiskStudy
        Scores with intervals by patient, probabilities of the tested rows, and what explains them.

    Raises
    ------
    LeakageError
        A patient lies on both sides of a split.
    ArgumentError
        An unknown model, a training fold with too few patients, or no feature is left.

    Examples
    --------
    >>> from clinnlp.core.tables import EventTable, Outcome
    >>> from clinnlp.study.risk_rows import risk_rows, rows_of_table
    >>> who = np.array([f"p{k}" for k in range(60)], dtype=object)
    >>> y = np.arange(60) % 2
    >>> outcome = Outcome(patients=who, index=np.full(60, "2024-01-10", "datetime64[s]"), values=y)
    >>> events = EventTable({
    ...     "patient": who,
    ...     "known": np.full(60, "2024-01-01", "datetime64[s]"),
    ...     "code": ["x" if v else "z" for v in y],
    ...     "kind": ["drug"] * 60,
    ... })
    >>> rows = risk_rows(outcome=outcome, events=events)
    >>> study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), n_boot=0))
    >>> study.models["naive_bayes"].scores.auroc.value
    1.0

    >>> columns = {"age": np.arange(60.0), "sex": np.array(["F", "M", None] * 20, dtype=object)}
    >>> rows = rows_of_table(columns, outcome=np.arange(60) > 30, groups=who)
    >>> study = risk_study(rows, RiskStudySettings(models=("svm",), n_boot=0))
    >>> study.models["svm"].scores.auroc.value > 0.9
    True
    """
    settings = settings or RiskStudySettings()
    grids = chosen_settings(settings.models if models is None else models)
    unscored, given = _why_unscored(rows, settings.min_class), splits is not None
    if unscored:
        splits, fits = (), {}
    else:
        splits = _splits_of(rows, settings, folds) if splits is None else splits
        fits = _fits(rows, splits, grids, settings)
    attributes = {**rows.subgroups, **(subgroups or {})}
    tested = _tested(rows, splits, attributes, by_patient=not given)
    results = {
        name: _scored(name, grids.get(name, ()), fit, tested, settings)
        for name, fit in fits.items()
    }
    n_features = max((max(fit.n_features) for fit in fits.values()), default=0)
    needed = needed_size(n_features, rows.y, rows.rows.patients)
    sized = size_cautions(needed, n_features, rows.rows.patients)
    used = {**rows.settings, **_plain(settings, grids), "splits": [s.name for s in splits]}
    return RiskStudy(
        patients=tested.patients,
        y=tested.y,
        folds=tested.folds,
        split_names=tuple(used["splits"]),
        models=results,
        differences=_differences(results, tested, settings),
        reference=next(iter(results), ""),
        n_excluded={**rows.n_excluded, "codes_too_rare": _n_rare(fits)},
        flow=_flow(rows, tested, splits),
        cautions=(*_cautions(rows, splits, fits, unscored), *sized),
        permuted=_permuted(rows, splits, grids, settings, unscored),
        unscored=unscored,
        provenance=_provenance(used, settings.seed),
        estimand="" if unscored else KEPT if tested.by_patient else OF_SPLITS,
        needed=needed,
        index=rows.rows.index[tested.at] if isinstance(rows.rows, Cases) else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tested:
    """The rows that some split tests; all of them where there is no split."""

    at: Counts  # (n,): their places among all rows
    folds: Counts  # (n,): the split that tests each
    y: Counts
    patients: Array
    attributes: Mapping[str, Array]
    by_patient: bool  # so that scores are of the model fitted on all rows


def _why_unscored(rows: RiskRows, min_class: int) -> str:
    patients = rows.rows.patients
    least = min(len(set(patients[rows.y == k].tolist())) for k in (0, 1))
    if least >= min_class:
        return ""
    return f"no score is given: a class has {least} patients, and at least {min_class} are needed"


def _splits_of(
    rows: RiskRows, settings: RiskStudySettings, folds: ArrayLike | None
) -> Sequence[Split]:
    patients = rows.rows.patients
    if folds is None:
        n = len(set(patients.tolist()))
        n_folds = settings.n_folds or (min(_FOLDS_OF_FEW, n) if n < _FEW else _FOLDS)
        folds = patient_folds(patients, rows.y, n_folds=n_folds, seed=settings.seed)
    return splits_of_folds(patients, folds)


def _fits(
    rows: RiskRows,
    splits: Sequence[Split],
    grids: Mapping[str, Grid],
    settings: RiskStudySettings,
) -> dict[str, CrossFit]:
    fits = cross_fit(
        rows.rows,
        rows.y,
        splits,
        models=grids,
        features=rows.features,
        method=settings.method,
        n_top=settings.n_top,
        seed=settings.seed,
    )
    if settings.blend:
        fits["blend"] = blend_fits(fits, settings.blend, rows.y, splits)
    return fits


def _permuted(
    rows: RiskRows,
    splits: Sequence[Split],
    grids: Mapping[str, Grid],
    settings: RiskStudySettings,
    unscored: str,
) -> Floats:
    """Return the AUROC of the first model on outcomes dealt out by chance."""
    if unscored or not settings.n_permutations:
        return np.empty(0)
    return permuted_aurocs(
        rows.rows,
        rows.y,
        splits,
        features=rows.features,
        settings=next(iter(grids.values()))[0],
        method=settings.method,
        n_permutations=settings.n_permutations,
        seed=settings.seed,
    )


def _tested(
    rows: RiskRows, splits: Sequence[Split], attributes: Mapping[str, Array], *, by_patient: bool
) -> _Tested:
    place = np.full(len(rows.y), -1)
    for k, split in enumerate(splits):
        place[split.test] = k
    at = np.flatnonzero(place >= 0) if splits else np.arange(len(rows.y))
    return _Tested(
        at=at,
        folds=place[at],
        y=rows.y[at],
        patients=rows.rows.patients[at],
        attributes={name: np.asarray(v, dtype=object)[at] for name, v in attributes.items()},
        by_patient=by_patient,
    )


def _scored(
    name: str, grid: Grid, fit: CrossFit, tested: _Tested, settings: RiskStudySettings
) -> ModelRisk:
    p = fit.p[tested.at]
    scores = score_risk(tested.y, p, n_boot=settings.n_boot, **_resampling(tested, settings))
    return ModelRisk(
        name=name,
        settings=grid,
        chosen=fit.chosen,
        p=p,
        scores=of_kept_model(scores) if tested.by_patient else scores,
        auroc_folds=fit.auroc_folds,
        top_features=fit.top,
        points=fit.points,
        subgroups=_subgroups(p, tested, settings),
        n_features=fit.n_features,
        roc=roc_curve(tested.y, p),
        pr=pr_curve(tested.y, p),
        calibration=calibration_curve(tested.y, p, groups=tested.patients),
        reported=reported(
            tested.y,
            p,
            tested.attributes,
            patients=tested.patients,
            folds=tested.folds,
            thresholds=settings.thresholds,
            min_patients=settings.min_class,
            n_boot=settings.n_boot,
            seed=settings.seed,
        ),
        seconds=fit.seconds,
    )


def _subgroups(p: Floats, tested: _Tested, settings: RiskStudySettings) -> tuple[Subgroup, ...]:
    subgroups = score_subgroups(
        tested.y,
        p,
        tested.attributes,
        min_patients=settings.min_class,
        n_boot=min(settings.n_boot, _SUBGROUP_DRAWS),
        **_resampling(tested, settings),
    )
    if not tested.by_patient:
        return tuple(subgroups)
    return tuple(replace(s, scores=s.scores and of_kept_model(s.scores)) for s in subgroups)


def _differences(
    results: Mapping[str, ModelRisk], tested: _Tested, settings: RiskStudySettings
) -> dict[str, dict[str, Estimate]]:
    """Return each model's scores minus those of the first."""
    named = list(results)
    return {
        name: compare_risks(
            tested.y,
            results[name].p,
            results[named[0]].p,
            n_boot=settings.n_boot,
            **_resampling(tested, settings),
        )
        for name in named[1:]
    }


def _resampling(tested: _Tested, settings: RiskStudySettings) -> dict[str, Any]:
    """Return what every score with an interval takes."""
    rate, seed = settings.alert_rate, settings.seed
    how = {"groups": tested.patients, "strata": tested.folds}
    return {**how, "alert_rate": rate, "seed": seed}


def _n_rare(fits: Mapping[str, CrossFit]) -> int:
    return max((fit.n_rare for fit in fits.values()), default=0)


def _cautions(
    rows: RiskRows, splits: Sequence[Split], fits: Mapping[str, CrossFit], unscored: str
) -> tuple[str, ...]:
    copied = n_copied(rows.signed, rows.rows.patients, splits)
    least = rows.features.min_patients
    told = cautions_of(
        rows.rows,
        rows.y,
        n_copied=copied,
        min_patients=least,
        by_time=rows.by_time,
        aurocs={name: float(np.mean(fit.auroc_folds)) for name, fit in fits.items()},
    )
    cautions = (*told, *excluded_cautions(rows.n_excluded), *level_cautions(fits))
    return (unscored, *cautions) if unscored else cautions


def _flow(rows: RiskRows, tested: _Tested, splits: Sequence[Split]) -> tuple[tuple[str, int], ...]:
    """Return what came in, was left out, and was used, in order."""
    patients = rows.rows.patients
    steps = [(reason, n) for reason, n in rows.n_excluded.items() if reason in _OF_ROWS]
    steps += [("rows", len(rows.y)), ("patients", len(set(patients.tolist())))]
    steps += [("positive rows", int(rows.y.sum()))]
    steps += [(CHRONIC, rows.n_chronic)] * bool(rows.n_chronic)
    if splits:
        used = np.any([split.train for split in splits], axis=0)
        used[tested.at] = True
        steps += [("rows tested", len(tested.at))]
        steps += [("rows neither trained on nor tested", int(np.sum(~used)))]
    return tuple(steps)


def _plain(settings: RiskStudySettings, grids: Mapping[str, Grid]) -> dict[str, Any]:
    """Return the settings as plain values, each model with those it was tried with."""
    models = {name: [settings_to(one) for one in grid] for name, grid in grids.items()}
    return plain_settings(settings, RiskStudySettings) | {"models": models}


def _provenance(settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {
        "versions": package_versions(("clinnlp", "numpy", "scipy", "scikit-learn")),
        "seed": seed,
        "settings": dict(settings),
    }
