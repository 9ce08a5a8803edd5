"""A kept model on new cases whose outcomes are known: an external validation.

The risks are scored as they are, and after three ways to bring the model to its new place, each
fitted on some patients and scored on others (folds by patient): *intercept*, one number added to
the log odds; *slope*, ``a + b logit p``, b never below 0; *refit*, the same kind of model with the
same settings trained on the new cases. Where a refit alone is good, other facts carry the risk
there; where an intercept is enough, only the base rate is other.

References
----------
Steyerberg, Clinical Prediction Models, 2nd ed. 2019, ch. 20; Van Calster et al., BMC Medicine 2019.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Bools, Counts, Floats
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.config import settings_from
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError, ClinnlpError
from clinnlp.metrics.risk import CalibrationCurve, RiskScores, calibration_curve, score_risk
from clinnlp.risk.crossfit import cross_fit
from clinnlp.risk.models import MODELS
from clinnlp.risk.splits import patient_folds, splits_of_folds
from clinnlp.risk.update import new_intercept, new_line, updated
from clinnlp.study.apply import AppliedRisk, RiskModel

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ExternalValidation", "validate_risk_model"]

_COLUMNS = ("version", "score", "value", "low", "high", "level", "method")
AS_IT_IS = "as it is"
_N_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExternalValidation:
    """Scores of a kept model on new cases, as it is and brought to its new place.

    Parameters
    ----------
    versions : mapping of str to RiskScores
        ``as it is``, ``intercept``, ``slope`` and ``refit``; empty where a class has too few
        patients, and without ``refit`` where it could not be made.
    calibration : CalibrationCurve or None
        Of the risks as they are.
    intercept : float
        What to add to the log odds, fitted on all these cases.
    line : tuple of float
        a and b of ``a + b logit p``, fitted on all these cases.
    n, n_positive : int
        Cases with a risk and an outcome.
    n_left_out : mapping of str to int
        Cases without a risk or without an outcome.
    notes : tuple of str
        What was not done, and why; and whether scores are too good to be of new patients.

    Columns
    -------
    version, score : text
        Which risks, and the name of the score.
    value, low, high : float
        The score and the ends of its interval by patient.
    level : float
        Coverage of the interval, 0 to 1.
    method : text
        How the interval was made.

    Examples
    --------
    >>> ExternalValidation(
    ...     versions={}, calibration=None, intercept=0.0, line=(0.0, 1.0), n=9, n_positive=2,
    ...     n_left_out={"without an outcome": 1}, notes=(),
    ... ).lines()
    ('validated on 9 cases, 2 with the outcome (left out: without an outcome 1)',)
    """

    versions: Mapping[str, RiskScores]
    calibration: CalibrationCurve | None
    intercept: float
    line: tuple[float, float]
    n: int
    n_positive: int
    n_left_out: Mapping[str, int]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ExternalValidation({self.n} cases, {self.n_positive} positive)"

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per version and score."""
        return [
            {"version": name} | row for name, scores in self.versions.items()
            for row in scores.rows()
        ]  # fmt: skip

    def to_pandas(self) -> "pd.DataFrame":
        """Return `rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=_COLUMNS)

    def to_arrow(self) -> "pa.Table":
        """Return `rows` as a pyarrow Table."""
        return columns_to_arrow({name: [row[name] for row in self.rows()] for name in _COLUMNS})

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told."""
        lost = ", ".join(f"{why} {n:,}" for why, n in self.n_left_out.items() if n)
        head = f"validated on {self.n:,} cases, {self.n_positive:,} with the outcome"
        said = [head + (f" (left out: {lost})" if lost else ""), *self.notes]
        for name, scores in self.versions.items():
            said.append(
                f"{name}: AUROC {scores.auroc}, calibration slope {scores.calibration_slope}, "
                f"intercept {scores.calibration_intercept}, Brier {scores.brier}"
            )
        return tuple(said)


def validate_risk_model(
    model: RiskModel,
    applied: AppliedRisk,
    outcomes: ArrayLike,
    *,
    alert_rate: float = 0.1,
    n_boot: int = 1000,
    min_class: int = 20,
    seed: int = 0,
) -> ExternalValidation:
    """Return how a kept model does on new cases whose outcomes are known.

    Parameters
    ----------
    model : RiskModel
    applied : AppliedRisk
        What it gave for them.
    outcomes : array of float, shape (n,)
        0, 1, or ``nan`` where it is not known, per case.
    alert_rate, n_boot, seed
        As in `score_risk`.
    min_class : int
        Patients of each class without whom no score is given.

    Returns
    -------
    ExternalValidation
        Scores of the risks as they are, by a new intercept, by a new slope, and of a refit.

    Raises
    ------
    ArgumentError
        Outcomes are not one per case, or other than 0, 1 and ``nan``.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.core.tables import EventTable, Outcome
    >>> from clinnlp.study.apply import keep_risk_model
    >>> from clinnlp.study.risk import risk_study
    >>> from clinnlp.study.risk_rows import risk_rows
    >>> from clinnlp.study.settings import RiskStudySettings
    >>> who = np.array([f"p{k}" for k in range(60)], dtype=object)
    >>> y, index = np.arange(60) % 2, np.full(60, "2024-01-10", "datetime64[s]")
    >>> events = EventTable({
    ...     "patient": who, "known": np.full(60, "2024-01-01", "datetime64[s]"),
    ...     "code": ["x" if v else "z" for v in y], "kind": ["drug"] * 60,
    ... })
    >>> rows = risk_rows(outcome=Outcome(patients=who, index=index, values=y), events=events)
    >>> folder = tempfile.TemporaryDirectory()
    >>> study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0))
    >>> _ = keep_risk_model(study, rows, f"{folder.name}/model", model="naive_bayes")
    >>> model = RiskModel.load(f"{folder.name}/model")
    >>> new = model.apply(index={"patient": who, "index_time": index}, events=events)
    >>> found = validate_risk_model(model, new, y, n_boot=0)
    >>> list(found.versions), found.versions["refit"].auroc.value
    (['as it is', 'intercept', 'slope', 'refit'], 1.0)
    >>> folder.cleanup()
    """
    truth = np.asarray(outcomes, np.float64)
    if truth.shape != applied.p.shape or not np.isin(truth[np.isfinite(truth)], (0, 1)).all():
        raise ArgumentError(
            "outcomes must be 0, 1 or nan and one per case, got another number or shape "
            f"{truth.shape} for {len(applied.p)} cases"
        )
    used = np.isfinite(truth) & np.isfinite(applied.p)
    y, p = truth[used].astype(np.int64), applied.p[used]
    patients = applied.cases.patients[used].astype(str)
    made = partial(
        ExternalValidation,
        n=len(y),
        n_positive=int(y.sum()),
        n_left_out={
            "without an outcome": int(np.isnan(truth).sum()),
            "without a risk": int(np.sum(np.isfinite(truth) & ~used)),
        },
    )
    least = min(len(set(patients[y == k].tolist())) for k in (0, 1))
    if least < max(2, min_class):
        said = (
            f"no score is given: a class has {least} patients, and at least {min_class} are needed"
        )
        nothing = (np.nan, np.nan)
        return made(versions={}, calibration=None, intercept=np.nan, line=nothing, notes=(said,))
    folds = patient_folds(patients, y, n_folds=min(_N_FOLDS, least), seed=seed)
    risks = {AS_IT_IS: p, **updated(y, p, folds)}
    refit, notes = _refit(model, applied, used, y, folds, seed)
    risks |= refit
    score = partial(score_risk, y, groups=patients, alert_rate=alert_rate, n_boot=n_boot, seed=seed)
    versions = {name: score(each) for name, each in risks.items()}
    return made(
        versions=versions,
        calibration=calibration_curve(y, p, groups=patients),
        intercept=new_intercept(y, p),
        line=new_line(y, p),
        notes=(*_too_good(model.card, versions[AS_IT_IS].auroc), *notes),
    )


def _too_good(card: Mapping[str, Any], found: Estimate) -> tuple[str, ...]:
    """Return what to say of a model that tells new patients apart far better than its study did.

    It names no patient of its training, so that nothing but its score tells that some are here.
    """
    scores = card.get("scores")
    rows = scores if isinstance(scores, list | tuple) else []
    known = next((r for r in rows if isinstance(r, Mapping) and r.get("score") == "auroc"), {})
    stated = [known.get(name) for name in ("value", "low", "high")]
    value, low, high = (v if isinstance(v, float) else np.nan for v in stated)
    if not found.low > high:
        return ()
    was = f"{value:.3f} [{low:.3f}, {high:.3f}]"
    said = (
        f"the AUROC {found} lies above the {was} of the study, beyond both intervals: patients of "
        "the training may be among these, whom a kept model does not name; leave them out, or "
        "score patients of a later time"
    )
    return (said,)


def _refit(
    model: RiskModel, applied: AppliedRisk, used: Bools, y: Counts, folds: Counts, seed: int
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Return the risks of such a model trained on the other folds, or why there is none."""
    name, settings = str(model.card.get("model")), _settings_of(model.card)
    if settings is None:
        return {}, ("no refit is given: the card does not say the settings of the model",)
    cases = applied.cases.take(used)
    try:
        fits = cross_fit(
            cases,
            y,
            splits_of_folds(cases.patients, folds),
            features=model.kept.model.named_steps["features"],  # which is cloned, unfitted
            models={name: settings},
            method=_method_of(model.card),
            n_top=0,
            seed=seed,
        )
    except ClinnlpError as error:
        return {}, (f"no refit is given: {error}",)
    return {"refit": fits[name].p}, ()


def _settings_of(card: Mapping[str, Any]) -> Any:
    """Return the settings that a model was chosen among, or None where the card does not say."""
    name = str(card.get("model"))
    listed = _in(card, "study", "settings", "models").get(name)
    kind: Callable[..., Any] | None = MODELS.get(name)
    if kind is None or not isinstance(listed, list) or not listed:
        return None
    try:
        return tuple(settings_from(MODELS[name], each) for each in listed)
    except (ClinnlpError, TypeError, AttributeError):
        return None


def _method_of(card: Mapping[str, Any]) -> str:
    return str(_in(card, "study", "settings").get("method", "sigmoid"))


def _in(card: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = card
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
