from datetime import datetime

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.risk.splits import (
    Split,
    check_fitted_on,
    check_folds,
    check_splits,
    patient_folds,
    split_by_time,
    splits_by_site,
)

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
    with pytest.raises(LeakageError, match=r"1 patients in several.* in row 2"):
        check_folds(np.array(["a", "b", "a"]), [0, 1, 1])


def test_a_transformer_fitted_on_a_test_patient_is_leakage():
    rows = Columns(patients=np.array(["a", "b", "c"]), values={"x": np.array([1.0, 2.0, 3.0])})
    features = ColumnFeatures(min_patients=1).fit(rows.take(np.array([0, 1])))
    check_fitted_on(features, np.array(["c"]))
    with pytest.raises(LeakageError, match="got 1 test patients"):
        check_fitted_on(features, np.array(["b", "c"]))
    with pytest.raises(ArgumentError, match="fit it first"):
        check_fitted_on(ColumnFeatures(), np.array(["c"]))


DAYS = np.array(["2023-01-01", "2023-05-20", "2023-07-01", "2023-02-01"], "datetime64[s]")
WHO = np.array(["a", "b", "c", "c"])


def test_by_time_trains_on_what_had_ended_and_leaves_tested_patients_out():
    [split] = split_by_time(WHO, DAYS, cut="2023-06-01", horizon_days=30)
    assert split.test.tolist() == [False, False, True, False]
    assert split.train.tolist() == [True, False, False, False]  # b had not ended, c is tested
    [later] = split_by_time(WHO, DAYS, cut="2023-06-01")
    assert later.train.tolist() == [True, True, False, False]
    check_splits(WHO, [split])
    with pytest.raises(ArgumentError, match="both sides"):
        split_by_time(WHO, DAYS, cut="2022-01-01")


@pytest.mark.parametrize(
    "cut", ["2023-06-30T22:00:00-02:00", datetime.fromisoformat("2023-07-01T05:30:00+05:30"),
            "2023-07", np.datetime64("2023-07-01"), datetime(2023, 7, 1)],
)  # fmt: skip
def test_a_cut_with_a_zone_becomes_utc_as_index_times_do(cut):
    [split] = split_by_time(WHO, DAYS, cut=cut)
    assert split.test.tolist() == [False, False, True, False]
    assert split.name == "from 2023-07-01"


def test_a_cut_that_is_no_time_is_refused():
    with pytest.raises(ArgumentError, match="cut must be a time in ISO 8601"):
        split_by_time(WHO, DAYS, cut="soon")


def test_by_site_tests_each_site_once_without_its_patients():
    splits = splits_by_site(WHO, ["n", "n", "s", "n"])
    assert [s.name for s in splits] == ["site n", "site s"]
    assert splits[0].train.tolist() == [False] * 4  # c was seen at both
    assert splits[1].train.tolist() == [True, True, False, False]
    check_splits(WHO, splits)
    for sites in (["n"] * 4, ["n", None, "s", "s"], ["n"]):
        with pytest.raises(ArgumentError, match="site"):
            splits_by_site(WHO, sites)


def test_splits_that_leak_or_overlap_are_refused():
    last = np.array([False, False, False, True])
    both = Split(name="bad", train=~last, test=last)
    with pytest.raises(LeakageError, match=r"1 in 'bad' \(first: tested row 3\)"):
        check_splits(WHO, [both])
    once = split_by_time(WHO, DAYS, cut="2023-06-01")
    with pytest.raises(ArgumentError, match="tested once"):
        check_splits(WHO, once * 2)
    with pytest.raises(ArgumentError, match="at least 1"):
        check_splits(WHO, [])
    short = Split(name="short", train=np.array([True]), test=np.array([False]))
    with pytest.raises(ArgumentError, match="one value per row"):
        check_splits(WHO, [short])
    assert repr(once[0]) == "Split('from 2023-06-01', 2 to train, 1 to test)"


def test_an_outcome_that_ends_at_the_cut_has_ended_and_one_a_second_later_has_not():
    index = np.array(
        ["2023-05-02T00:00:00", "2023-05-02T00:00:01", "2023-06-01T00:00:00"], "datetime64[s]"
    )
    (split,) = split_by_time(np.array(["a", "b", "c"]), index, cut="2023-06-01", horizon_days=30)
    assert split.train.tolist() == [True, False, False]
    assert split.test.tolist() == [False, False, True]


def test_as_many_folds_as_patients_are_allowed():
    assert sorted(patient_folds(np.array(["a", "b", "c"]), n_folds=3)) == [0, 1, 2]
