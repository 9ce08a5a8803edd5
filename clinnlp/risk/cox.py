"""Cox's model of proportional hazards, by statsmodels, and risks at a horizon from it.

    hazard of a row     h(t) exp(x b)           b by the partial likelihood, ties as Efron's
    risk at a horizon   Σ S(t-) h₁(t) / (h₁(t) + h₂(t)) (1 - exp(-h₁(t) - h₂(t)))   over t ≤ horizon
                        S(t) = exp(-H₁(t) - H₂(t))

with h₁ of the outcome and h₂ of death before it, each a Cox model of its own; where nobody died,
this is 1 - exp(-H₁). The baseline hazards are Breslow's. A penalty p adds p/2 Σ b² to what is
minimised, so that there may be more columns than outcomes; without one, b and its error are those
of statsmodels, the error robust within patients where they are given.

References
----------
Cox, JRSS B 1972; Breslow, JRSS B 1972; Efron, JASA 1977; Lin and Wei, JASA 1989 (robust errors);
Prentice et al., Biometrics 1978 (competing risks).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, MissingExtra, instead_of
from clinnlp.core.follow_up import DEATH, OUTCOME, check_horizon
from clinnlp.metrics.incidence import Timed, check_times
from clinnlp.metrics.intervals import cluster_codes

__all__ = [
    "CoxModel",
    "HorizonRisk",
    "fit_cox",
    "fit_horizon_risk",
    "likelihood_of",
    "needs_statsmodels",
]

_CELLS = 2**22  # rows × times at once
_STEEPEST = 50.0  # |x b| beyond which a fit has no end: a column tells who has the outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoxModel:
    """A fitted model of one kind of event.

    Parameters
    ----------
    coefficients : array of float64, shape (p,)
        Log hazard ratios.
    errors : array of float64, shape (p,)
        Their standard errors; ``nan`` with a penalty, under which they have none.
    days, hazard : array of float64, shape (k,)
        When the event came, and the baseline hazard on that day: that of a row of zeros.
    log_likelihood : float
        The partial one, without the penalty.
    n_events : int
    """

    coefficients: Floats
    errors: Floats
    days: Floats
    hazard: Floats
    log_likelihood: float
    n_events: int

    def __repr__(self) -> str:
        return f"CoxModel({len(self.coefficients)} columns, {self.n_events} events)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HorizonRisk:
    """Cox models of the outcome, and of death before it where somebody died: risks at a horizon."""

    outcome: CoxModel
    death: CoxModel | None

    def at(self, X: ArrayLike, horizon_days: float) -> Floats:
        """Return the probability of the outcome by the horizon, death before it being another end.

        Parameters
        ----------
        X : array of float, shape (n, p)
        horizon_days : float
            Above 0; beyond the last event of the training nothing more comes.
        """
        check_horizon(horizon_days)
        X = np.asarray(X, np.float64)
        models = [self.outcome, *([] if self.death is None else [self.death])]
        days = np.unique(np.concatenate([m.days for m in models]))
        days = days[days <= horizon_days]
        steps = [_on(m, days) for m in models]  # (k,) each
        risks = np.zeros(len(X))
        n = max(1, _CELLS // max(1, len(days)))
        for first in range(0, len(X) if len(days) else 0, n):
            rows = X[first : first + n]
            hazards = [
                np.exp(rows @ m.coefficients)[:, None] * step
                for m, step in zip(models, steps, strict=True)
            ]  # (n, k) each
            both = hazards[0] if len(hazards) == 1 else hazards[0] + hazards[1]
            before = np.exp(both - np.cumsum(both, axis=1))
            part = np.divide(hazards[0], both, out=np.zeros_like(both), where=both > 0)
            risks[first : first + n] = np.sum(before * -np.expm1(-both) * part, axis=1)
        return risks


def fit_horizon_risk(
    X: ArrayLike, days: ArrayLike, event: ArrayLike, *, penalty: float = 0.0
) -> HorizonRisk:
    """Return Cox models of the outcome and, where somebody died before it, of death.

    Parameters
    ----------
    X, days, event, penalty
        As in `fit_cox`.

    Raises
    ------
    ArgumentError, MissingExtra
        As `fit_cox`.
    """
    died = bool(np.any(np.asarray(event) == DEATH))
    return HorizonRisk(
        outcome=fit_cox(X, days, event, penalty=penalty),
        death=fit_cox(X, days, event, cause=DEATH, penalty=penalty) if died else None,
    )


def fit_cox(
    X: ArrayLike,
    days: ArrayLike,
    event: ArrayLike,
    *,
    cause: int = OUTCOME,
    groups: Sequence[Any] | Array | None = None,
    penalty: float = 0.0,
) -> CoxModel:
    """Return Cox's model of one kind of event; the other kinds end follow-up.

    Parameters
    ----------
    X : array of float, shape (n, p)
        Without a constant.
    days, event : array, shape (n,)
        As in `FollowUp`.
    cause : int
        1 the outcome, 2 death before it.
    groups : sequence of length n, optional
        Patient of each row: the errors are then robust within patients.
    penalty : float
        Of the squared coefficients, at least 0.

    Returns
    -------
    CoxModel
        Coefficients with their errors, and the baseline hazard.

    Raises
    ------
    ArgumentError
        Another shape, a number that is not finite, no event, or without a penalty a fit that has
        no end, as where a column alone tells who has the event.
    MissingExtra
        statsmodels is not installed.

    Examples
    --------
    >>> model = fit_cox([[0.0], [1.0], [0.0], [1.0]], [1, 2, 3, 4], [1, 1, 1, 0])
    >>> model.n_events, model.days.tolist()
    (3, [1.0, 2.0, 3.0])
    """
    needs_statsmodels()
    days, event = check_times(days, event)
    check_at_least(penalty, 0, name="penalty")
    X = np.asarray(X, np.float64)
    if X.ndim != 2 or len(X) != len(days) or not X.shape[1] or not np.isfinite(X).all():
        raise ArgumentError(
            f"X must have a row for each of {len(days)} times, a column and finite numbers only, "
            f"got shape {X.shape}"
        )
    has = event == cause
    if not has.any():
        raise ArgumentError("somebody must have the event before follow-up ends, got nobody")
    centre = X.mean(axis=0)
    fit = _penalised if penalty else _plain
    coefficients, errors, likelihood = fit(X - centre, days, has, groups, penalty)
    timed = Timed(days, has.astype(np.int8))
    seen, _ = timed.weigh(np.exp((X - centre) @ coefficients))
    _, (_, came, _) = timed.weigh(np.ones(len(days)))
    at = came > 0
    return CoxModel(
        coefficients=coefficients,
        errors=errors,
        days=timed.days[at],
        hazard=came[at] / seen[at] * np.exp(-centre @ coefficients),
        log_likelihood=likelihood,
        n_events=int(has.sum()),
    )


def likelihood_of(
    model: CoxModel, X: Floats, days: Floats, event: Array, *, cause: int = OUTCOME
) -> float:
    """Return the log of the partial likelihood of rows by a fitted model."""
    return float(_of_statsmodels(X, days, event == cause).loglike(model.coefficients))


def needs_statsmodels() -> None:
    """Raise `MissingExtra` where statsmodels is not installed.

    Raises
    ------
    MissingExtra
        With the line that installs it.
    """
    with instead_of(ImportError, MissingExtra("statsmodels", extra="survival")):
        import statsmodels.duration.hazard_regression  # noqa: F401


def _of_statsmodels(X: Floats, days: Floats, has: Array) -> Any:
    from statsmodels.duration.hazard_regression import PHReg

    return PHReg(days, X, has.astype(np.float64), ties="efron")


_Fit = tuple[Floats, Floats, float]


def _plain(X: Floats, days: Floats, has: Array, groups: Any, penalty: float) -> _Fit:  # noqa: ARG001
    """Return coefficients, errors and likelihood of the largest partial likelihood."""
    model = _of_statsmodels(X, days, has)
    whose = None if groups is None else cluster_codes(groups, len(days))[0]
    no_end = ArgumentError(
        "the fit must come to an end, got none: a column may tell alone who has the event, or be "
        "the sum of others; leave it out, or give a penalty"
    )
    ends = (np.linalg.LinAlgError, FloatingPointError, UserWarning)  # a warning: not converged
    with instead_of(ends, no_end), np.errstate(over="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.fit(groups=whose, disp=0)
    made = np.asarray(found.params, np.float64)
    if not np.isfinite(made).all() or np.abs(X @ made).max() > _STEEPEST:
        raise no_end
    return made, np.asarray(found.bse, np.float64), float(found.llf)


def _penalised(X: Floats, days: Floats, has: Array, groups: Any, penalty: float) -> _Fit:  # noqa: ARG001
    """Return the same with p/2 Σ b² taken off the likelihood, without errors."""
    model = _of_statsmodels(X, days, has)

    def cost(b: Floats) -> tuple[float, Floats]:
        return penalty / 2 * b @ b - model.loglike(b), penalty * b - model.score(b)

    found = minimize(cost, np.zeros(X.shape[1]), jac=True, method="L-BFGS-B",
                     options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-6})  # fmt: skip
    made = np.asarray(found.x, np.float64)
    return made, np.full(len(made), np.nan), float(model.loglike(made))


def _on(model: CoxModel, days: Floats) -> Floats:
    """Return the baseline hazard on some days, all of the model's up to the last among them."""
    steps = np.zeros(len(days))
    its = model.days[model.days <= (days[-1] if len(days) else -1)]
    steps[np.searchsorted(days, its)] = model.hazard[: len(its)]
    return steps
