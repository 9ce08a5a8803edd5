"""Every transformer of the features room, under scikit-learn's own checks.

`ColumnFeatures` takes the arrays of the checks as they are. `PatientFeatures` takes cases and says
so in its tags, for which scikit-learn would check nothing; here each array becomes cases, one
fact for each of its numbers, so that all the checks run on what it does with them.
"""

import numpy as np
import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.events import Cases
from clinnlp.features.matrix import PatientFeatures


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


@parametrize_with_checks(
    [
        ColumnFeatures(min_patients=1),
        ColumnFeatures(),
        OfArrays(min_patients=1),
        OfArrays(min_patients=1, recency=True, demographics=False),
    ],
    expected_failed_checks=lambda _: {},  # name of a check to the reason why it must fail
)
def test_a_transformer_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


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
