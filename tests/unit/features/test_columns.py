import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures, Columns

NONE = None


def columns(**values):
    made = {
        k: v if isinstance(v, np.ndarray) else np.array(v, dtype=object) for k, v in values.items()
    }
    n = len(next(iter(made.values())))
    return Columns(patients=np.array([f"p{k}" for k in range(n)]), values=made)


def test_unseen_and_rare_categories_give_zeros():
    train = columns(drug=["a", "a", "b", None])
    features = ColumnFeatures(min_patients=2).fit(train)
    assert features.get_feature_names_out().tolist() == ["drug=a"]
    test = columns(drug=["a", "b", "new", None])
    assert features.transform(test).toarray().ravel().tolist() == [1, 0, 0, 0]


def test_many_rows_of_one_patient_do_not_make_a_category():
    rows = Columns(
        patients=np.array(["p", "p", "p", "q"]),
        values={"d": np.array(["a", "a", "a", "b"], object)},
    )
    assert not len(ColumnFeatures(min_patients=2).fit(rows).get_feature_names_out())


def test_a_column_of_several_categories_is_any_of_them():
    rows = columns(dx=np.array([["x", "y"], ["y", "y"], [None, "z"]], dtype=object))
    features = ColumnFeatures(min_patients=1).fit(rows)
    assert features.get_feature_names_out().tolist() == ["dx=x", "dx=y", "dx=z"]
    assert features.transform(rows).toarray().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_numbers_keep_their_missingness():
    rows = columns(age=np.array([1.0, np.nan, 5.0]), n=np.array([1, 2, 3]))
    features = ColumnFeatures(min_patients=1).fit(rows)
    assert features.get_feature_names_out().tolist() == ["age", "age missing", "n"]
    assert features.transform(rows).toarray().tolist() == [[1, 0, 1], [3, 1, 2], [5, 0, 3]]


def test_an_all_missing_number_is_no_feature():
    rows = columns(w=np.full(3, np.nan), n=np.array([1, 2, 3]))
    assert ColumnFeatures(min_patients=1).fit(rows).get_feature_names_out().tolist() == ["n"]


def test_it_behaves_as_a_scikit_learn_transformer():
    features = ColumnFeatures(min_patients=3)
    assert clone(features).get_params() == {"min_patients": 3}
    with pytest.raises(NotFittedError):
        features.transform(columns(a=["x"]))


def test_refusals():
    with pytest.raises(ArgumentError, match="'a' must have one value per row"):
        Columns(patients=np.array(["p"]), values={"a": np.array([1, 2])})
    features = ColumnFeatures(min_patients=1).fit(columns(a=["x"], b=["y"]))
    with pytest.raises(ArgumentError, match="must include b"):
        features.transform(columns(a=["x"]))
    with pytest.raises(ArgumentError, match="min_patients"):
        ColumnFeatures(min_patients=0).fit(columns(a=["x"]))
