"""Every estimator of the library, under scikit-learn's own checks; one that is new must be entered.

`ColumnFeatures` takes the arrays of the checks as they are. `PatientFeatures` takes cases and says
so in its tags, for which scikit-learn would check nothing; here each array becomes cases, one
fact for each of its numbers, so that all the checks run on what it does with them.
"""

import pkgutil
from importlib import import_module

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import clinnlp
from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.events import Cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.crossfit import cross_fit
from clinnlp.risk.forest import Forest
from clinnlp.risk.indicators import BestColumns, Dense, Indicators, KernelColumns
from clinnlp.risk.models import (
    BoostingSettings,
    NaiveBayesSettings,
    chosen_settings,
    make_model,
)
from clinnlp.risk.network import Network
from clinnlp.risk.splits import splits_of_folds


def cases_of(array):
    """Return a case for each row, with one fact known a day before for each of its numbers."""
    n, k = array.shape
    return Cases(
        patients=np.arange(n).astype(str),
        index=np.full(n, "2024-01-01", "datetime64[s]"),
        age_years=np.full(n, np.nan),
        sex=np.full(n, None, object),
        case=np.repeat(np.arange(n), k),
        code=np.tile(np.arange(k), n),
        days=np.full(n * k, -1.0),
        value=array.ravel(),
        codes=tuple(f"x{j}" for j in range(k)),
        concepts=tuple(f"x{j}" for j in range(k)),
        n_excluded={},
        row=np.arange(n * k),
        of_note=np.zeros(n * k, bool),
    )


class OfArrays(PatientFeatures):
    """`PatientFeatures` of the cases that an array is."""

    def fit(self, X, y=None):
        return super().fit(cases_of(validate_data(self, X, dtype=np.float64)))

    def transform(self, X):
        check_is_fitted(self)
        return super().transform(cases_of(validate_data(self, X, dtype=np.float64, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.no_validation = True, False
        return tags


ESTIMATORS = [
    ColumnFeatures(min_patients=1),
    ColumnFeatures(),
    OfArrays(min_patients=1),
    OfArrays(min_patients=1, recency=True, demographics=False),
    Indicators(),
    Dense(),
    BestColumns(),
    KernelColumns(n_landmarks=5),
    Network(n_hidden=4, penalty=0.1),
    Forest(5, n_jobs=2, random_state=0),
    GroupCalibrated(LogisticRegression(), n_folds=2),
    GroupCalibrated(HistGradientBoostingClassifier(max_iter=5), n_folds=2, independent_rows=True),
    GroupCalibrated(make_model(NaiveBayesSettings()), method="isotonic", n_folds=2),
    GroupCalibrated(make_model(BoostingSettings(n_rounds=3)), n_folds=2),
]
OF_COLUMNS = [
    e for e in ESTIMATORS if hasattr(e, "transform") and not isinstance(e, PatientFeatures)
]

_COPIES = (
    "a row that is there twice counts as two patients, which may lie in two inner folds; with "
    "groups they do not, and then weights are copies (tests/unit/risk/test_calibrate.py)"
)


_DRAWN = "rows are drawn, and copies of a row apart, as in scikit-learn's own forest"


def failing(estimator):
    """Return the checks that must fail, with the reason."""
    reason = {GroupCalibrated: _COPIES, Forest: _DRAWN}.get(type(estimator))
    name = "check_sample_weight_equivalence_on"
    return dict.fromkeys([f"{name}_dense_data", f"{name}_sparse_data"], reason) if reason else {}


@pytest.mark.filterwarnings("ignore:GroupCalibrated was fitted without groups")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=failing)
def test_an_estimator_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_every_estimator_of_the_library_is_checked():
    found = set()
    for _, name, _ in pkgutil.walk_packages(clinnlp.__path__, "clinnlp."):
        if name.startswith(("clinnlp.features", "clinnlp.risk", "clinnlp.metrics")):
            values = vars(import_module(name)).values()
            found |= {v for v in values if isinstance(v, type) and issubclass(v, BaseEstimator)}
    ours = {v for v in found if v.__module__.startswith("clinnlp.")}
    assert ours <= {cls for e in ESTIMATORS for cls in type(e).__mro__}
    assert len(ours) == 9


# ---- names and frames --------------------------------------------------------------------------

# scikit-learn runs these for its own estimators alone
NAMED = [
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_get_feature_names_out_error,
    estimator_checks.check_set_output_transform,
]
FRAMED = [
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_global_output_transform_pandas,
]


def by_class(estimator):
    return type(estimator).__name__


@pytest.mark.parametrize("check", NAMED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", OF_COLUMNS, ids=by_class)
def test_every_transformer_names_what_it_gives(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("check", FRAMED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", [Dense(), BestColumns(), KernelColumns()], ids=by_class)
def test_a_transformer_of_dense_rows_passes_the_checks_of_frames(estimator, check):
    """Those that give sparse rows stand below: the checks make their frames of rows as they are."""
    check(type(estimator).__name__, estimator)


def numbers(n=30):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.poisson(1.0, (n, 4)).astype(float), columns=list("abcd"))
    X.index = [f"r{k}" for k in range(n)]
    return X, (np.arange(n) % 3 == 0).astype(int)


@pytest.mark.parametrize("estimator", OF_COLUMNS, ids=by_class)
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_frame_asked_for_holds_the_same_numbers_under_their_names(estimator, everywhere):
    X, y = numbers()
    given = clone(estimator).fit(X, y)
    plain = given.transform(X)
    wanted = clone(estimator)
    if everywhere:
        with config_context(transform_output="pandas"):
            made = wanted.fit(X, y).transform(X)
    else:
        made = wanted.set_output(transform="pandas").fit_transform(X, y)
    assert isinstance(made, pd.DataFrame)
    assert made.columns.tolist() == given.get_feature_names_out().tolist()
    assert made.index.tolist() == X.index.tolist()
    dense = plain.toarray() if sparse.issparse(plain) else plain
    np.testing.assert_array_equal(made.to_numpy(), dense)
    sparse_in = sparse.csr_matrix(X.to_numpy())
    if get_tags(estimator).input_tags.sparse:
        again = clone(estimator).set_output(transform="pandas").fit_transform(sparse_in, y)
        np.testing.assert_array_equal(again.to_numpy(), dense)


def test_the_names_follow_the_columns_through_a_pipeline():
    X, y = numbers()
    made = make_pipeline(Indicators(n_bins=2), BestColumns(n_columns=2), Dense()).fit(X, y)
    names = made[:-1].get_feature_names_out()
    assert names.tolist() == made.get_feature_names_out().tolist()
    assert set(names) <= set(Indicators(n_bins=2).fit(X).get_feature_names_out())
    kernel = KernelColumns(n_landmarks=2).fit(X)
    assert kernel.get_feature_names_out().tolist() == ["kernelcolumns0", "kernelcolumns1"]


def mixed():
    return pd.DataFrame(
        {
            "age": [60.0, np.nan, 70.0, 65.0],
            "n": pd.array([1, 2, None, 4], dtype="Int64"),
            "ward": ["a", "b", None, "a"],
            "sex": pd.Categorical(["F", "M", "F", "F"]),
            "flag": [True, False, True, True],
        },
        index=[5, 6, 7, 8],
    )


def test_a_frame_of_words_and_numbers_is_the_table_of_its_columns():
    frame = mixed()
    features = ColumnFeatures(min_patients=1)
    made = features.fit_transform(frame)
    columns = Columns(
        patients=np.arange(4).astype(str),
        values={
            "age": frame["age"].to_numpy(),
            "n": np.array([1, 2, np.nan, 4]),
            "ward": np.array(["a", "b", None, "a"], object),
            "sex": np.array(["F", "M", "F", "F"], object),
            "flag": np.array([1.0, 0, 1, 1]),
        },
    )
    table = ColumnFeatures(min_patients=1)
    assert made.toarray().tolist() == table.fit_transform(columns).toarray().tolist()
    assert features.feature_names_out_ == table.feature_names_out_
    assert features.feature_names_in_.tolist() == frame.columns.tolist()
    assert (features.n_features_in_, features.n_patients_) == (5, 4)
    with pytest.raises(ValueError, match="feature names should match"):
        features.transform(frame[["n", "age", "ward", "sex", "flag"]])
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        features.get_feature_names_out(["u", "v", "w", "x", "y"])


def test_within_a_column_transformer_and_a_pipeline():
    frame, y = pd.concat([mixed()] * 6, ignore_index=True), np.arange(24) % 2
    columns = ColumnTransformer(
        [
            ("words", ColumnFeatures(min_patients=1), ["ward", "sex", "age"]),
            ("bins", Indicators(n_bins=2), ["flag"]),
        ]
    ).set_output(transform="pandas")
    made = columns.fit_transform(frame)
    assert made.columns.tolist() == [
        *("words__ward=a", "words__ward=b", "words__sex=F", "words__sex=M"),
        *("words__age", "words__age missing", "bins__flag"),
    ]
    model = make_pipeline(clone(columns), GroupCalibrated(LogisticRegression()))
    groups = np.arange(24) // 2
    model.fit(frame, y, groupcalibrated__groups=groups.astype(str))
    assert model.predict_proba(frame).shape == (24, 2)


def test_a_table_of_arrow_or_polars_is_a_frame():
    frame = mixed()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    of_frame, of_table = (ColumnFeatures(min_patients=1).fit(given) for given in (frame, table))
    assert of_table.feature_names_out_ == of_frame.feature_names_out_
    found = of_table.transform(table).toarray()
    np.testing.assert_array_equal(found, of_frame.transform(frame).toarray())


def test_what_was_fitted_on_columns_knows_those_of_a_frame_by_name():
    """Whatever their order, and though a frame keeps missing booleans and numbers otherwise."""
    frame = pd.DataFrame(
        {
            "age": pd.array([60, None, 70, 80], dtype="Int64"),
            "smokes": pd.array([True, False, None, True], dtype="boolean"),
            "ward": pd.Categorical(["a", "b", None, "a"]),
        }
    )
    rows = clinnlp.rows_of_table(frame, outcome=[0, 1, 0, 1], groups=np.arange(4)).rows
    features = ColumnFeatures(min_patients=1).fit(rows)
    wanted = features.transform(rows).toarray()
    assert wanted.any(axis=0).all()
    np.testing.assert_array_equal(
        features.transform(frame[["ward", "smokes", "age"]]).toarray(), wanted
    )
    with pytest.raises(ArgumentError, match="columns must include ward, which the table lacks"):
        features.transform(frame[["age", "smokes"]])
    with pytest.raises(ArgumentError, match="'age' must hold finite numbers, got infinity"):
        features.transform(frame.assign(age=[np.inf, 1.0, 2.0, 3.0]))


def test_an_array_of_words_is_refused_without_quoting_one():
    with pytest.raises(ArgumentError, match="an array must hold numbers, got words") as caught:
        ColumnFeatures().fit(np.array([["secret", 1.0]], object))
    assert caught.value.__context__ is None


def test_a_whole_number_is_one_category_however_it_is_held():
    column = pd.Series([1, 1.0, "1", "x", 2.5], dtype=object)
    features = ColumnFeatures(min_patients=1).fit(pd.DataFrame({"m": column}))
    assert features.feature_names_out_ == ("m=1", "m=2.5", "m=x")


def test_what_a_frame_may_not_hold_is_said_without_its_words():
    frame = mixed()
    with pytest.raises(ArgumentError, match=r"numbers or categories, got datetime64.* column 0"):
        ColumnFeatures().fit(pd.DataFrame({"day": pd.to_datetime(["2024-01-01"])}))
    with pytest.raises(ArgumentError, match="must have at least 1 row"):
        ColumnFeatures().fit(frame.iloc[:0])
    with pytest.raises(ArgumentError, match="finite or missing, got infinity"):
        ColumnFeatures().fit(frame.assign(age=np.inf))
    for given in (
        frame.assign(age=1e200),
        frame[["age"]].assign(age=1e200),
        np.full((3, 1), 1e200),
    ):
        with pytest.raises(ArgumentError, match=r"finite or missing, got one beyond 1e\+100 in"):
            ColumnFeatures().fit(given)
    fitted = ColumnFeatures(min_patients=1).fit(frame)
    with pytest.raises(ArgumentError, match="column 'age' must hold numbers") as caught:
        fitted.transform(frame.assign(age="secret"))
    assert "secret" not in str(caught.value)


def test_the_setting_of_scikit_learn_for_frames_leaves_a_study_as_it_is():
    X, y = numbers(60)
    rows = Columns(
        patients=np.arange(60).astype(str), values={c: X[c].to_numpy() for c in X.columns}
    )
    splits = splits_of_folds(rows.patients, np.arange(60) % 2)
    found = []
    for output in ("default", "pandas"):
        with config_context(transform_output=output):
            made = cross_fit(
                rows, y, splits, features=ColumnFeatures(min_patients=1),
                models=chosen_settings(["naive_bayes"]), n_top=0,
            )  # fmt: skip
            found.append(made["naive_bayes"].p.tolist())
    assert found[0] == found[1]


def test_patient_features_go_through_a_pipeline_and_into_a_frame():
    cases = cases_of(numbers()[0].to_numpy())
    features = PatientFeatures(min_patients=1, demographics=False)
    made = clone(features).set_output(transform="pandas").fit_transform(cases)
    plain = features.fit_transform(cases)
    assert made.columns.tolist() == features.get_feature_names_out().tolist()
    np.testing.assert_array_equal(made.to_numpy(), plain.toarray())
    model = Pipeline([("features", features), ("model", LogisticRegression())])
    p = model.fit(cases, numbers()[1]).predict_proba(cases)
    assert p.shape == (30, 2)


def test_an_array_is_the_table_of_its_columns():
    array = np.array([[60.0, 1.0], [np.nan, 0.0], [70.0, 1.0]])
    table = Columns(
        patients=np.array(["a", "b", "c"]), values={"x0": array[:, 0], "x1": array[:, 1]}
    )
    of_array, of_table = ColumnFeatures(min_patients=1), ColumnFeatures(min_patients=1)
    made = of_array.fit_transform(array).toarray()
    assert made.tolist() == of_table.fit_transform(table).toarray().tolist()
    assert of_array.feature_names_out_ == of_table.feature_names_out_ == ("x0", "x0 missing", "x1")
    assert of_array.n_patients_ == of_table.n_patients_ == 3


def test_the_rows_of_an_array_name_no_patient_even_after_an_earlier_fit():
    table = Columns(patients=np.array(["a"]), values={"x0": np.array([1.0])})
    features = ColumnFeatures(min_patients=1).fit(table)
    assert len(features.fitted_on_) == 1
    features.fit(np.array([[1.0], [2.0]]))
    assert not hasattr(features, "fitted_on_")


def test_patient_features_say_what_they_take():
    tags = get_tags(PatientFeatures())
    assert (tags.input_tags.two_d_array, tags.no_validation) == (False, True)
    with pytest.raises(ArgumentError, match="X of PatientFeatures must be Cases, got ndarray"):
        PatientFeatures().fit(np.zeros((2, 2)))
    fitted = PatientFeatures(min_patients=1).fit(cases_of(np.zeros((2, 2))))
    with pytest.raises(ArgumentError, match="X of PatientFeatures must be Cases, got list"):
        fitted.transform([[0.0, 0.0]])
