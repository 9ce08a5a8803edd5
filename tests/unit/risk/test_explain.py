import numpy as np
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.events import Cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.explain import (
    explain_cases,
    naive_bayes_points,
    permutation_importance,
    screened_features,
)
from clinnlp.risk.models import (
    BoostingSettings,
    MlpSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    SvmSettings,
    make_model,
)

SETTINGS = [
    NaiveBayesSettings(),
    NaiveBayesSettings(kind="complement"),
    RandomForestSettings(n_trees=10, max_samples=1.0, max_features=1.0),
    SvmSettings(),
    MlpSettings(n_hidden=4),
]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = (rng.random((400, 5)) < 0.4).astype(float)
    X[:, 4] = rng.normal(size=400)
    y = (X[:, 2] + 0.5 * rng.normal(size=400) > 0.5).astype(int)
    return sparse.csr_matrix(X), y


@pytest.fixture
def cases_with_sex():
    n = 5
    return Cases(
        patients=np.array([f"p{k}" for k in range(n)], object),
        index=np.full(n, "2024-01-01", "datetime64[s]"),
        age_years=np.array([40.0, 50, 60, 70, 80]),
        sex=np.array(["F", "M", "F", None, "F"], object),
        case=np.array([0, 1]), code=np.array([0, 0]), days=np.array([-1.0, -2]),
        value=np.full(2, np.nan), codes=("drug:x",), concepts=("drug:x",), n_excluded={},
        row=np.arange(2), of_note=np.zeros(2, bool),
    )  # fmt: skip


def test_points_and_prior_add_up_to_the_log_odds(data):
    X, y = data
    model = make_model(NaiveBayesSettings()).fit(X, y)
    names = [f"x{j}" for j in range(5)]
    points = {p.name: p for p in naive_bayes_points(model, names)}
    indicators = model[0].transform(X).toarray()
    told = model[0].get_feature_names_out(np.array(names, dtype=object))
    sums = np.full(X.shape[0], np.log(y.mean() / (1 - y.mean())))
    for column, name in zip(indicators.T, told, strict=True):
        sums += np.where(column > 0, points[name].present, points[name].absent)
    log_p = model.predict_log_proba(X)
    np.testing.assert_allclose(sums, log_p[:, 1] - log_p[:, 0])


@pytest.mark.parametrize("kind", ["bernoulli", "complement"])
def test_the_strongest_comes_first_and_points_upwards(data, kind):
    X, y = data
    model = make_model(NaiveBayesSettings(kind=kind)).fit(X, y)
    first = naive_bayes_points(model, list("abcde"))[0]
    assert first.name == "c"
    assert first.present > 0 >= first.absent


def test_points_need_naive_bayes(data):
    with pytest.raises(ArgumentError, match="got LinearSVC"):
        naive_bayes_points(make_model(SvmSettings()).fit(*data), list("abcde"))


@pytest.mark.parametrize("settings", SETTINGS)
def test_importance_finds_the_column_that_tells(data, settings):
    X, y = data
    model = GroupCalibrated(make_model(settings), independent_rows=True).fit(X[:200], y[:200])
    columns = screened_features(model, X[:200], 3)
    assert columns[0] == 2
    assert len(columns) == 3
    falls = permutation_importance(model, X[200:], y[200:], columns, seed=1)
    assert falls[0] > 0.2
    assert np.abs(falls[1:]).max() < 0.1
    assert (
        falls.tolist() == permutation_importance(model, X[200:], y[200:], columns, seed=1).tolist()
    )


def test_shuffling_many_columns_at_once_gives_what_one_by_one_gives(data, monkeypatch):
    X, y = data
    model = GroupCalibrated(make_model(NaiveBayesSettings()), independent_rows=True).fit(X, y)
    found = [permutation_importance(model, X, y, [2, np.array([0, 1])])]
    monkeypatch.setattr("clinnlp.risk.explain._ROWS_AT_ONCE", 1)
    found.append(permutation_importance(model, X, y, [2, np.array([0, 1])]))
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize(
    "settings", [RandomForestSettings(n_trees=10), BoostingSettings(n_rounds=9)]
)
def test_base_line_reasons_and_others_add_up_to_the_risk(table, settings):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=settings)
    at = np.arange(20)
    p = model.predict_proba(rows.take(at))[:, 1]
    for told, risk in zip(explain_cases(model, rows, at, n=1), p, strict=True):
        total = told.base + told.reasons[0].log_odds + told.others
        assert total == pytest.approx(np.log(risk / (1 - risk)), abs=1e-6)
    whole = explain_cases(model, rows, at)
    assert {reason.concept for told in whole for reason in told.reasons} <= set(rows.values)
    assert sum(told.reasons[0].concept != "noise" for told in whole) > 15
    for k in (-1, len(rows)):
        with pytest.raises(ArgumentError, match="from 0 to 299"):
            explain_cases(model, rows, [k])


def test_a_first_reason_that_is_clear_is_first_with_other_seeds_too(table):
    rows, y = table
    at = np.arange(60)
    told = [
        explain_cases(
            fit_risk_model(
                rows, y, features=ColumnFeatures(),
                settings=RandomForestSettings(n_trees=30), seed=seed,
            ),
            rows, at, n=1,
        )
        for seed in range(6)
    ]  # fmt: skip
    same = [
        one.reasons[0].concept == other.reasons[0].concept
        for first in told
        for second in told
        if first is not second
        for one, other in zip(first, second, strict=True)
        if one.is_clear
    ]
    assert len(same) > 0.3 * 60 * 30  # not all are left open
    assert np.mean(same) >= 0.95


def test_the_base_line_is_a_patient_who_could_be():
    """As if somebody had filled in each column: one sex, a number that is known."""
    values = {"sex": np.array(["F", "F", "M", None] * 10, object), "age": np.arange(40.0),
              "codes": np.array([["a", "b"], ["a", None]] * 20, object)}  # fmt: skip
    rows = Columns(patients=np.arange(40).astype(str), values=values)
    features = ColumnFeatures(min_patients=1).fit(rows)
    told = dict(zip(features.get_feature_names_out(), features.reference(), strict=True))
    assert told == {"sex=F": 1, "sex=M": 0, "age": 19.5, "codes=a": 0, "codes=b": 0}
    none = ColumnFeatures().fit(rows.take(np.arange(4)))
    assert none.reference().tolist() == []


def test_a_base_line_of_cases_has_the_usual_sex_and_the_middle_age(cases_with_sex):
    features = PatientFeatures(min_patients=1).fit(cases_with_sex)
    told = dict(zip(features.get_feature_names_out(), features.reference(), strict=True))
    assert told["sex=F"] == 1
    assert told["sex=M"] == 0
    assert told["age_years"] == 60
    assert not any(value for name, value in told.items() if "drug" in name)
