"""Cox's model against R's printed values, and against its definition.

The 50 rows and the values of ``coxph(Surv(time, status) ~ exog, ties="efron")`` and of
``survfit(..., type="aalen")`` in R are those of statsmodels' own tests (files
survival_data_50_2.csv, survival.R and survival_r_results.py in statsmodels/duration/tests/results,
BSD licence).
"""

import numpy as np
import pytest
from scipy.optimize import minimize

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.incidence import aalen_johansen
from clinnlp.risk.cox import fit_cox, fit_horizon_risk

ROWS = """
1 1 -0.38315 -1.11646; 0.3 1 -2.16263 0.6779; 1.5 1 1.33121 -0.43045
0.7 1 0.84117 -0.63001; 0.2 1 -0.9578 -0.8206; 0.9 1 -1.08477 -0.0612
0.4 0 -1.76866 -0.04241; 0.5 1 -0.26914 -1.53422; 0.9 0 -0.81154 -0.36088
0.6 0 0.33186 0.65154; 0.7 0 0.92204 0.25643; 1.2 1 -0.43982 0.31456
0.9 0 -1.04665 -2.21337; 0.6 0 -2.42939 0.1891; 1.2 1 -0.29619 0.26199
0.8 0 0.85841 0.88421; 0.8 1 -0.36353 0.26827; 0.7 1 -1.9599 -0.44759
1.1 0 0.88427 -1.96625; 0.2 1 0.64777 -0.36391; 0.1 1 -0.64523 0.51863
1.1 1 2.43561 0.44143; 1 0 1.51211 -1.71867; 1.3 1 -0.4904 -0.02378
0.4 1 0.08828 -0.7083; 0.5 0 1.64139 -0.0756; 1.9 1 0.2291 -0.06035
0.6 0 -0.6176 -0.84216; 1.5 0 -0.31742 -0.50461; 0.2 0 0.01778 -0.613
2.7 1 0.46799 -1.2013; 0.2 0 -0.57452 0.07641; 1 0 0.10882 -1.29716
1.4 0 1.7821 -0.98747; 0.3 1 -0.52481 -0.00631; 1.5 0 -0.15558 -0.41401
0.6 0 1.91513 0.84025; 2.9 0 0.83216 0.05158; 0.2 1 -0.15508 2.57765
0.2 1 -0.43017 -0.19378; 0.1 1 -2.09826 1.82889; 1 0 -0.15255 -0.78868
0.1 0 2.05096 -0.00273; 0.7 0 -1.11553 -0.37599; 0.7 0 0.20011 -1.63279
0.7 1 1.04118 0.07873; 0.4 1 -1.70869 -0.94676; 1.2 0 0.21795 -2.65967
1.1 0 1.10303 2.21828; 0.2 0 1.50321 0.88795
"""
DAYS, EVENT, *X = np.array(ROWS.replace(";", " ").split(), float).reshape(50, 4).T
X = np.array(X).T
EVENT = EVENT.astype(int)
R_COEFFICIENTS, R_ERRORS = [-0.6107485, 0.5309737], [0.2177713, 0.2440535]
R_HAZARD = {0.1: 0.02610571, 0.5: 0.19933, 1: 0.4706978, 1.5: 1.13186, 2.7: 2.472615}


def log_likelihood(b, X, days, has):
    """Return Efron's partial log likelihood by its definition."""
    risk, total = np.exp(X @ b), 0.0
    for t in np.unique(days[has]):
        tied, at_risk = has & (days == t), risk[days >= t].sum()
        total += np.sum(X[tied] @ b)
        m = tied.sum()
        total -= sum(np.log(at_risk - k / m * risk[tied].sum()) for k in range(m))
    return total


@pytest.fixture(scope="module")
def model():
    return fit_cox(X, DAYS, EVENT)


def test_coefficients_and_errors_are_those_that_r_prints(model):
    assert model.coefficients == pytest.approx(R_COEFFICIENTS, abs=1e-6)
    assert model.errors == pytest.approx(R_ERRORS, abs=1e-6)


def test_so_is_the_hazard_at_the_means(model):
    total = np.cumsum(model.hazard * np.exp(X.mean(axis=0) @ model.coefficients))
    for day, value in R_HAZARD.items():
        assert total[np.searchsorted(model.days, day, side="right") - 1] == pytest.approx(
            value, abs=1e-6
        )


def test_coefficients_are_those_of_the_definition(model):
    has = EVENT == 1
    found = minimize(lambda b: -log_likelihood(b, X, DAYS, has), np.zeros(2), method="BFGS",
                     options={"gtol": 1e-7})  # fmt: skip
    assert model.coefficients == pytest.approx(found.x, abs=1e-6)
    assert model.log_likelihood == pytest.approx(-found.fun, abs=1e-9)


def test_a_penalty_is_that_of_the_definition_and_shrinks(model):
    has = EVENT == 1
    drawn = fit_cox(X, DAYS, EVENT, penalty=5.0)
    found = minimize(lambda b: 2.5 * b @ b - log_likelihood(b, X, DAYS, has), np.zeros(2),
                     method="BFGS", options={"gtol": 1e-7})  # fmt: skip
    assert drawn.coefficients == pytest.approx(found.x, abs=1e-5)
    assert np.all(np.abs(drawn.coefficients) < np.abs(model.coefficients))
    assert np.isnan(drawn.errors).all()


def test_errors_are_robust_within_patients(model):
    twice = [np.concatenate([v, v]) for v in (X, DAYS, EVENT)]
    naive = fit_cox(*twice)
    robust = fit_cox(*twice, groups=np.tile(np.arange(50), 2))
    assert robust.coefficients == pytest.approx(naive.coefficients)
    assert np.all(robust.errors > 1.2 * naive.errors)  # each patient twice tells nothing more


def test_risks_at_a_horizon_are_one_less_survival_and_with_deaths_less(model):
    alone = fit_horizon_risk(X, DAYS, EVENT)
    eta = np.exp(X @ model.coefficients)
    total = model.hazard[model.days <= 1].sum()
    assert alone.at(X, 1) == pytest.approx(-np.expm1(-total * eta))
    dying = np.where((EVENT == 0) & (np.arange(50) % 2 == 0), 2, EVENT)
    beside = fit_horizon_risk(X, DAYS, dying)
    assert beside.death.n_events == np.sum(dying == 2)
    assert np.all(beside.at(X, 1) < alone.at(X, 1))
    assert np.all(np.diff([beside.at(X, h) for h in (0.05, 0.5, 1, 9)], axis=0) >= 0)
    assert beside.at(X, 0.05).tolist() == [0.0] * 50
    mean, observed = beside.at(X, 1).mean(), aalen_johansen(DAYS, dying, at=[1], n_boot=0).value[0]
    assert mean == pytest.approx(observed, abs=0.05)


@pytest.mark.parametrize(
    ("X_", "event", "says"),
    [
        (X[:3], EVENT, "X must have a row for each of 50 times"),
        (X * np.nan, EVENT, "finite numbers only"),
        (X, np.zeros(50), "somebody must have the event"),
        (np.c_[X, X[:, 0]], EVENT, "the fit must come to an end|leave it out"),
        (np.c_[np.where(EVENT == 1, -DAYS, -99.0)], EVENT, "the fit must come to an end"),
    ],
)
def test_what_cannot_be_fitted_is_refused(X_, event, says):
    with pytest.raises(ArgumentError, match=says):
        fit_cox(X_, DAYS, event)
