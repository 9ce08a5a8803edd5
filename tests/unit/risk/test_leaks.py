"""What tells the outcome by itself is found, by code, presence and group; findings are not."""

from dataclasses import replace

import numpy as np
import pytest

from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.columns import Columns
from clinnlp.features.events import collect_cases
from clinnlp.risk.leaks import suspects

N = 400
WHO = np.array([f"p{k}" for k in range(N)], dtype=object)
Y = (np.arange(N) % 4 == 0).astype(np.int64)  # a quarter
INDEX = np.full(N, "2024-02-01", "datetime64[s]")


def cases_of(rows, y=Y):
    """Rows of (patient number, code, kind, value), all known before index."""
    rng = np.random.default_rng(0)
    noise = [(k, f"n{j}", "lab", float(rng.normal())) for k in range(N) for j in range(5)
             if rng.random() < 0.6]  # fmt: skip
    rows = [*noise, *rows]
    who, code, kind, value = zip(*rows, strict=True)
    table = EventTable(
        {
            "patient": WHO[list(who)],
            "known": np.datetime64("2024-01-01T08:00", "s") + np.arange(len(rows)),
            "code": list(code),
            "kind": list(kind),
            "value": list(value),
        }
    )
    return collect_cases(Outcome(patients=WHO, index=INDEX, values=y), events=table)


def found(rows, y=Y):
    return [(s.name, s.sort) for s in suspects(cases_of(rows), y)]


def test_facts_that_tell_nothing_are_not_named():
    assert found([]) == []
    common = [(k, "common", "drug", np.nan) for k in range(N) if k % 5]
    assert found(common) == []


def test_a_strong_finding_is_not_named():
    """Nine of ten cases have it, and two of ten others: an AUROC of 0.85."""
    rows = [
        (k, "strong", "drug", np.nan) for k in range(N) if (k // 4 % 10 < 9 if Y[k] else k % 5 == 1)
    ]
    assert found(rows) == []


def test_the_outcomes_own_code_and_prevalent_cases_are_named():
    own = [(k, "I63.9", "condition", np.nan) for k in np.flatnonzero(Y)]
    assert found(own) == [("condition:I63.9", "presence")]
    prevalent = own[:40]  # two in five of the cases: an AUROC of 0.7
    [one] = suspects(cases_of(prevalent), Y)
    assert (one.name, one.n, one.n_positive) == ("condition:I63.9", 40, 40)
    assert (one.n_others, one.n_others_positive) == (N - 40, Y.sum() - 40)
    assert "I63" not in repr(one)


def test_an_outcome_in_codes_that_are_rare_each_is_named_by_its_group():
    rows = [(k, f"E11.{j % 9}", "condition", np.nan) for j, k in enumerate(np.flatnonzero(Y)[:90])]
    assert found(rows) == [("condition:E11...", "presence")]
    units = [(k, "x", "lab", float(j)) for j, k in enumerate(np.flatnonzero(Y)[:60])]
    assert found(units)[0][0] == "lab:x"


def test_a_measurement_that_only_cases_have_is_named_whatever_its_values():
    rng = np.random.default_rng(1)
    rows = [(k, "troponin", "lab", float(rng.normal())) for k in np.flatnonzero(Y)[:70]]
    assert found(rows) == [("lab:troponin", "presence")]


def test_a_value_that_tells_the_outcome_among_those_who_have_it_is_named():
    rows = [(k, "score", "lab", float(Y[k]) + k / 1000) for k in range(0, N, 2)]
    assert found(rows) == [("lab:score", "value")]


def test_what_nobody_with_the_outcome_has_is_named_too():
    rows = [(k, "followed up", "visit", np.nan) for k in np.flatnonzero(Y == 0)]
    [one] = suspects(cases_of(rows), Y)
    assert (one.name, one.n_positive, one.auroc) == ("visit:followed up", 0, 1.0)


def test_how_often_a_code_stands_there_is_a_number():
    """All have it: cases six times, the others once."""
    rows = [(k, "visit", "stay", np.nan) for k in range(N) for _ in range(6 if Y[k] else 1)]
    assert found(rows) == [("stay:visit", "count")]
    even = [(k, "visit", "stay", np.nan) for k in range(N) for _ in range(1 + k % 3)]
    assert found(even) == []


def test_how_long_ago_a_code_was_known_is_one_where_a_model_sees_it():
    cases = cases_of([(k, "gas", "lab", np.nan) for k in range(N)])
    days = np.where(Y[cases.case] == 1, -0.1, -300.0)
    days[cases.code != cases.codes.index("lab:gas")] = -20.0
    cases = replace(cases, days=days)
    assert suspects(cases, Y) == []
    [one] = suspects(cases, Y, by_time=True)
    assert (one.name, one.sort, one.auroc) == ("lab:gas", "recency", 1.0)


def test_an_index_time_that_tells_the_outcome_is_named():
    cases = cases_of([])
    year = np.where(Y == 1, np.datetime64("2024-02-01"), np.datetime64("2023-02-01"))
    [one] = suspects(replace(cases, index=year.astype("datetime64[s]")), Y)
    assert (one.name, one.sort) == ("index time", "index")


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ({"sex": np.where(Y == 1, "f", "m")}, {"sex=f"}),
        ({"sex": np.where(Y == 1, "f", None)}, {"sex (any value)"}),
        ({"age_years": np.where(Y == 1, np.nan, 50.0)}, {"age (any value)"}),
        ({"age_years": 50.0 + 9 * Y}, {"age"}),
        ({"sex": np.where(np.arange(N) % 3 == 0, "f", "m")}, set()),
    ],
)
def test_sex_and_age_that_tell_the_outcome_are_named(how, names):
    made = {name: v.astype(object if name == "sex" else float) for name, v in how.items()}
    told = suspects(replace(cases_of([]), **made), Y)
    assert {s.name for s in told} == names


def test_few_patients_are_not_named():
    rows = [(k, "rare", "drug", np.nan) for k in np.flatnonzero(Y)[:19]]
    assert found(rows) == []


def test_many_rows_of_few_patients_are_few_patients():
    who = np.repeat(WHO[:40], 10)
    y = np.repeat(np.arange(40) % 4 == 0, 10).astype(np.int64)
    assert suspects(Columns(patients=who, values={"x": y * 1.0}), y) == []


def table(**columns):
    return [(s.name, s.sort) for s in suspects(Columns(patients=WHO, values=columns), Y)]


def test_presence_and_categories_of_columns():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=N)
    some = np.where((Y == 1) & (np.arange(N) % 8 == 0), noise, np.nan)
    assert table(lab=some, age=noise) == [("lab (any value)", "presence")]
    ward = np.where((Y == 1) & (np.arange(N) % 8 == 0), "hospice", "home").astype(object)
    assert table(ward=ward) == [("ward=hospice", "presence")]
    words = np.where(np.isfinite(some), "x", None).astype(object)
    assert table(word=words) == [("word (any value)", "presence")]
    several = np.column_stack([ward, np.full(N, "a", object)])
    assert table(several=several) == [("several=hospice", "presence")]
    assert table(age=noise, sex=np.array(["F", "M"] * (N // 2), dtype=object)) == []


def test_a_high_auroc_is_one_where_nothing_else_comes_near():
    def of(auroc, seed):
        """Return values with about this AUROC."""
        from scipy.stats import norm

        rng = np.random.default_rng(seed)
        return rng.normal(size=N) + Y * np.sqrt(2) * norm.ppf(auroc)

    assert [name for name, _ in table(leak=of(0.97, 0), age=of(0.6, 1))] == ["leak"]
    company = {f"x{k}": of(a, k) for k, a in enumerate((0.97, 0.94, 0.9, 0.87, 0.8))}
    assert table(**company) == []


def test_one_class_and_no_rows_are_no_error():
    nobody = Columns(patients=WHO[:0], values={})
    assert suspects(nobody, Y[:0]) == []
    assert suspects(Columns(patients=WHO, values={"x": Y * 1.0}), Y * 0) == []
    assert suspects(Columns(patients=WHO, values={"x": Y * 1.0}), Y * 0 + 1) == []


@pytest.mark.parametrize("share", [0.85, 0.95])
def test_where_nearly_all_have_the_outcome_that_only_cases_have_a_thing_is_no_wonder(share):
    y = (np.arange(N) >= (1 - share) * N).astype(np.int64)
    rows = [(k, "common", "drug", np.nan) for k in range(N - 100, N)]
    assert [s.name for s in suspects(cases_of(rows, y), y)] == []
