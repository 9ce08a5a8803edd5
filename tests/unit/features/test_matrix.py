from datetime import date

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.patients import Patient, TimeWindow
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.matrix import PatientFeatures, patient_hashes

INDEX = np.datetime64("2024-02-01", "s")
YEAR = TimeWindow(start_days=-365, end_days=0)
WEEK = TimeWindow(start_days=-7, end_days=0)


def cases_of(rows, people=(), patients=None):
    """Rows of (patient, days before index, code, value)."""
    who = patients or sorted({r[0] for r in rows})
    table = EventTable(
        {
            "patient": [r[0] for r in rows],
            "known": [INDEX - np.timedelta64(round(r[1] * 86400), "s") for r in rows],
            "code": [r[2] for r in rows],
            "kind": ["k"] * len(rows),
            "value": [r[3] if len(r) > 3 else np.nan for r in rows],
        }
    )
    outcome = Outcome(
        patients=np.array(who, dtype=object),
        index=np.full(len(who), INDEX),
        values=np.zeros(len(who), np.int8),
    )
    return collect_cases(outcome, people, events=table)


def table_of(features, cases):
    return dict(
        zip(features.get_feature_names_out(), features.transform(cases).toarray().T, strict=True)
    )


ROWS = [
    ("p1", 1, "a"),
    ("p1", 7, "a"),
    ("p1", 7.5, "a"),
    ("p1", 400, "a"),
    ("p2", 3, "b"),
    ("p3", 3, "b"),
]


def test_counts_per_code_and_half_open_window():
    cases = cases_of(ROWS)
    features = PatientFeatures((YEAR, WEEK), min_patients=1).fit(cases)
    table = table_of(features, cases)
    assert table["k:a in -365d..0d"].tolist() == [3, 0, 0]
    assert table["k:a in -7d..0d"].tolist() == [2, 0, 0]
    assert table["k:b in -7d..0d"].tolist() == [0, 1, 1]


def test_counts_equal_the_definition():
    rng = np.random.default_rng(1)
    rows = [
        (f"p{rng.integers(8)}", float(rng.integers(1, 40)), f"c{rng.integers(5)}")
        for _ in range(300)
    ]
    cases = cases_of(rows)
    window = TimeWindow(start_days=-30, end_days=-3)
    features = PatientFeatures((window,), min_patients=1).fit(cases)
    table = table_of(features, cases)
    for k, patient in enumerate(cases.patients):
        for code in {r[2] for r in rows}:
            n = sum(p == patient and c == code and 3 < d <= 30 for p, d, c in rows)
            assert table[f"k:{code} in {window.name}"][k] == n


def test_a_code_needs_enough_training_patients_not_enough_rows():
    features = PatientFeatures((YEAR,), min_patients=2).fit(cases_of(ROWS))
    assert features.get_feature_names_out().tolist() == ["k:b in -365d..0d"]


def test_the_vocabulary_comes_from_training_patients_alone():
    cases = cases_of(ROWS)
    train, test = cases.take(np.array([0])), cases.take(np.array([1, 2]))
    features = PatientFeatures((YEAR,), min_patients=1).fit(train)
    assert features.get_feature_names_out().tolist() == ["k:a in -365d..0d"]
    assert features.transform(test).toarray().tolist() == [[0.0], [0.0]]
    assert features.fitted_on_.tolist() == patient_hashes(["p1"]).tolist()


def test_names_do_not_depend_on_the_order_of_rows():
    names = [
        PatientFeatures(min_patients=1).fit(cases_of(rows)).get_feature_names_out().tolist()
        for rows in (ROWS, ROWS[::-1])
    ]
    assert names[0] == names[1]


def test_the_last_value_is_taken_from_the_training_median_which_stands_for_a_missing_one():
    rows = [("p1", 9, "lab", 1.0), ("p1", 2, "lab", 5.0), ("p2", 2, "lab", 7.0), ("p3", 1, "x")]
    cases = cases_of(rows)
    features = PatientFeatures((YEAR,), min_patients=1).fit(cases)
    assert table_of(features, cases)["last k:lab"].tolist() == [-1.0, 1.0, 0.0]
    shown = features.matrix(cases)
    column = shown.names.index("last k:lab")
    assert shown.values.toarray()[:, column].tolist() == [5.0, 7.0, 6.0]
    assert features.origins()[column] == 6.0
    assert features.reference()[column] == 0.0
    none = PatientFeatures((YEAR,), min_patients=1, values=False).fit(cases)
    assert "last k:lab" not in none.get_feature_names_out()


def test_a_value_outside_all_windows_is_not_the_last_one():
    rows = [("p1", 9, "lab", 1.0), ("p1", 2, "lab", 5.0)]
    past = TimeWindow(start_days=-30, end_days=-7)
    cases = cases_of(rows)
    shown = PatientFeatures((past,), min_patients=1).fit(cases).matrix(cases)
    assert shown.values.toarray()[0, shown.names.index("last k:lab")] == 1.0


def test_what_was_not_measured_is_not_stored_and_medians_are_those_of_numpy():
    rng = np.random.default_rng(0)
    rows = [(f"p{k % 60}", 1 + k, f"lab{k % 7}", round(rng.normal(), 1)) for k in range(300)]
    cases = cases_of(rows)
    features = PatientFeatures((YEAR,), min_patients=1, demographics=False).fit(cases)
    last = {}
    for patient, _, code, value in sorted(rows, key=lambda row: -row[1]):
        last.setdefault(code, {})[patient] = value
    medians = [np.median(list(last[code].values())) for code in sorted(last)]
    np.testing.assert_allclose(features.medians_, medians)
    known = sum(len(values) for values in last.values())
    assert features.transform(cases)[:, len(last) :].nnz == known < 7 * len(cases)


def test_demographics():
    people = [
        Patient(id="p1", birth_date=date(1964, 2, 1), sex="F"),
        Patient(id="p2", birth_date=date(1984, 2, 1), sex="M"),
        Patient(id="p3"),
    ]
    cases = cases_of(ROWS, people)
    table = table_of(PatientFeatures((YEAR,), min_patients=1).fit(cases), cases)
    assert table["age_years"].round().tolist() == [60, 40, 50]
    assert table["age_missing"].tolist() == [0, 0, 1]
    assert table["sex=F"].tolist() == [1, 0, 0]
    without = PatientFeatures(min_patients=1, demographics=False).fit(cases)
    assert "age_years" not in table_of(without, cases)


def test_a_sex_or_an_age_that_few_patients_have_is_neither_kept_nor_told():
    people = [
        Patient(id="p1", birth_date=date(1964, 2, 1), sex="F"),
        Patient(id="p2", birth_date=date(1984, 2, 1), sex="X"),
        Patient(id="p3", sex="F"),
    ]
    cases = cases_of(ROWS, people)
    cases = cases.take(np.array([0, 1, 1, 1, 2]))  # several rows of a patient are one patient
    features = PatientFeatures((YEAR,), min_patients=2).fit(cases)
    assert features.sexes_ == ["F"]
    assert features.ages_ == ["age_years", "age_missing"]
    features = PatientFeatures((YEAR,), min_patients=3).fit(cases)
    assert (features.sexes_, features.ages_, features.age_median_) == ([], [], 0.0)


def test_an_age_missing_in_test_alone_gets_the_training_median():
    people = [Patient(id="p1", birth_date=date(1964, 2, 1))]
    cases = cases_of(ROWS, people)
    features = PatientFeatures((YEAR,), min_patients=1).fit(cases.take(np.array([0])))
    assert "age_missing" not in features.get_feature_names_out()
    ages = table_of(features, cases)["age_years"]
    assert ages.round().tolist() == [60, 60, 60]


def test_a_window_past_index_is_leakage():
    ahead = TimeWindow(start_days=-30, end_days=1)
    with pytest.raises(LeakageError, match=r"-30d..1d"):
        PatientFeatures((YEAR, ahead)).fit(cases_of(ROWS))


def test_it_behaves_as_a_scikit_learn_transformer():
    cases = cases_of(ROWS)
    features = PatientFeatures((WEEK,), min_patients=3, values=False)
    assert clone(features).get_params() == features.get_params()
    with pytest.raises(NotFittedError):
        features.transform(cases)
    with pytest.raises(NotFittedError):
        features.get_feature_names_out()
    before = dict(vars(features))
    fitted = features.set_params(min_patients=1).fit(cases)
    assert fitted is features
    assert set(vars(fitted)) - set(before) == {n for n in vars(fitted) if n.endswith("_")}
    again = clone(features).fit_transform(cases)
    assert (again != fitted.transform(cases)).nnz == 0
    with pytest.raises(ArgumentError, match="min_patients"):
        PatientFeatures(min_patients=0).fit(cases)


def test_matrix_gives_names_patients_and_exclusions():
    cases = cases_of([*ROWS, ("p1", -1, "future")])
    matrix = PatientFeatures((YEAR,), min_patients=1).fit(cases).matrix(cases)
    assert matrix.names == ("k:a in -365d..0d", "k:b in -365d..0d")
    assert matrix.patients.tolist() == ["p1", "p2", "p3"]
    assert matrix.n_excluded["events_known_at_or_after_index"] == 1


def test_no_facts_at_all_give_no_columns():
    cases = cases_of([("p1", 1, "a")], patients=["p9"])
    assert PatientFeatures().fit_transform(cases).shape == (1, 0)
