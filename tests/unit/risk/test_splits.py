import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.risk.splits import check_fitted_on, check_folds, patient_folds

PATIENTS = np.array([f"p{k % 200}" for k in range(500)])


def test_all_rows_of_a_patient_lie_in_one_fold():
    folds = patient_folds(PATIENTS, n_folds=5)
    check_folds(PATIENTS, folds)
    assert {len(set(folds[p == PATIENTS])) for p in PATIENTS} == {1}


def test_folds_do_not_depend_on_the_order_of_rows():
    order = np.random.default_rng(0).permutation(len(PATIENTS))
    y = np.array([int(p[1:]) % 7 == 0 for p in PATIENTS])
    folds = patient_folds(PATIENTS, y, n_folds=4)
    assert patient_folds(PATIENTS[order], y[order], n_folds=4).tolist() == folds[order].tolist()


def test_folds_are_the_same_for_ever():
    folds = patient_folds(np.array(["a", "b", "c", "d", "e"]), n_folds=2, seed=7)
    assert folds.tolist() == [1, 0, 0, 1, 0]


def test_the_seed_changes_them():
    assert (patient_folds(PATIENTS, seed=1) != patient_folds(PATIENTS, seed=2)).any()


def test_sizes_and_positive_patients_are_dealt_evenly():
    y = np.array([int(p[1:]) < 21 for p in PATIENTS])
    folds = patient_folds(PATIENTS, y, n_folds=5)
    people = [len(set(PATIENTS[folds == f])) for f in range(5)]
    sick = [len(set(PATIENTS[(folds == f) & y])) for f in range(5)]
    assert max(people) - min(people) <= 1
    assert max(sick) - min(sick) <= 1


def test_refusals():
    with pytest.raises(ArgumentError, match="number of patients 2"):
        patient_folds(np.array(["a", "b", "a"]), n_folds=3)
    with pytest.raises(ArgumentError, match="n_folds"):
        patient_folds(PATIENTS, n_folds=1)
    with pytest.raises(ArgumentError, match="one id per row"):
        check_folds(PATIENTS, [0, 1])


def test_a_patient_in_two_folds_is_leakage():
    with pytest.raises(LeakageError, match=r"1 patients in several.*'a'"):
        check_folds(np.array(["a", "b", "a"]), [0, 1, 1])


def test_a_transformer_fitted_on_a_test_patient_is_leakage():
    rows = Columns(patients=np.array(["a", "b", "c"]), values={"x": np.array([1.0, 2.0, 3.0])})
    features = ColumnFeatures(min_patients=1).fit(rows.take(np.array([0, 1])))
    check_fitted_on(features, np.array(["c"]))
    with pytest.raises(LeakageError, match="got 1 test patients"):
        check_fitted_on(features, np.array(["b", "c"]))
    with pytest.raises(ArgumentError, match="fit it first"):
        check_fitted_on(ColumnFeatures(), np.array(["c"]))
