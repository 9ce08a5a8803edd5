from datetime import date

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.events import collect_cases

INDEX = "2024-02-01T12:00:00"


def outcome(*rows):
    """Rows of (patient, index)."""
    return Outcome(
        patients=np.array([r[0] for r in rows], dtype=object),
        index=np.array([r[1] for r in rows], dtype="datetime64[s]"),
        values=np.zeros(len(rows), np.int8),
    )


def events(*rows, **more):
    """Rows of (patient, known, code)."""
    columns = dict(zip(("patient", "known", "code"), zip(*rows, strict=True), strict=True))
    return EventTable({**columns, **more})


def facts(cases):
    return [
        (str(cases.patients[c]), cases.codes[k], float(d))
        for c, k, d in zip(cases.case, cases.code, cases.days, strict=True)
    ]


def test_only_what_was_known_before_index_is_kept_and_the_rest_is_counted():
    table = events(
        ("p1", "2024-01-31T12:00:00", "a"),
        ("p1", INDEX, "at"),
        ("p1", "2024-02-02", "after"),
        ("p1", None, "unknown"),
        ("p2", "2024-01-01", "stranger"),
        ("p1", "2024-01-01", None),
    )
    cases = collect_cases(outcome(("p1", INDEX)), events=table)
    assert facts(cases) == [("p1", "event:a", -1.0)]
    assert cases.codes == ("event:a",)
    assert cases.n_excluded == {
        "events_other_patient": 1,
        "events_code_missing": 1,
        "events_known_missing": 1,
        "events_known_at_or_after_index": 2,
    }


def test_the_time_of_an_event_does_not_stand_in_for_when_it_was_known():
    late = EventTable(
        {
            "patient": ["p1"],
            "start": ["2020-01-01"],
            "known": ["2024-03-01"],
            "code": ["stroke"],
        }
    )
    assert not facts(collect_cases(outcome(("p1", INDEX)), events=late))
    never = EventTable({"patient": ["p1"], "start": ["2020-01-01"], "code": ["stroke"]})
    assert not facts(collect_cases(outcome(("p1", INDEX)), events=never))


def test_each_row_of_a_patient_sees_its_own_past():
    rows = outcome(("p1", "2024-03-01"), ("p2", "2024-03-01"), ("p1", "2024-01-15"))
    table = events(("p1", "2024-01-01", "a"), ("p1", "2024-02-01", "b"), ("p2", "2023-01-01", "a"))
    cases = collect_cases(rows, events=table)
    assert cases.case.tolist() == [0, 0, 1, 2]
    assert [name for _, name, _ in facts(cases)] == ["event:a", "event:b", "event:a", "event:a"]
    assert cases.n_excluded["events_known_at_or_after_index"] == 1


def test_names_tell_kind_code_and_unit():
    table = EventTable(
        {
            "patient": ["p"] * 4,
            "known": ["2024-01-01"] * 4,
            "code": ["4548-4", "E11", "x", "y"],
            "kind": ["lab", None, None, "drug"],
            "vocabulary": ["LOINC", "ICD10CM", None, None],
            "unit": ["%", None, None, "mg"],
            "value": [6.5, np.nan, np.nan, np.nan],
        }
    )
    cases = collect_cases(outcome(("p", INDEX)), events=table)
    assert cases.codes == ("lab:4548-4 [%]", "ICD10CM:E11", "event:x", "drug:y")


def test_mentions_pass_the_assertion_filter_first():
    table = EntityTable(
        {
            "patient": ["p"] * 3,
            "known": ["2024-01-01"] * 3,
            "label": ["Problem"] * 3,
            "text": ["Fever", "Cough", "Rash"],
            "start": [0] * 3,
            "end": [1] * 3,
            "n_concepts": [0] * 3,
            "negated": [0, 1, -1],
        }
    )
    cases = collect_cases(outcome(("p", INDEX)), entities=table)
    assert cases.codes == ("note:Problem:fever", "note:Problem:rash")
    assert cases.n_excluded["entities_negated"] == 1
    strict = collect_cases(outcome(("p", INDEX)), entities=table, strict=True, axes=("negated",))
    assert strict.codes == ("note:Problem:fever",)
    assert strict.n_excluded["entities_negated_unassessed"] == 1


def test_take_gives_rows_with_their_facts_in_any_order():
    rows = outcome(("p1", INDEX), ("p2", INDEX), ("p3", INDEX))
    table = events(("p1", "2024-01-01", "a"), ("p3", "2024-01-01", "c"), ("p3", "2024-01-02", "d"))
    cases = collect_cases(rows, events=table)
    turned = cases.take(np.array([2, 0]))
    assert [(p, n) for p, n, _ in facts(turned)] == [
        ("p3", "event:c"),
        ("p3", "event:d"),
        ("p1", "event:a"),
    ]
    assert len(cases.take(np.array([False, True, False]))) == 1
    assert not facts(cases.take(np.array([False, True, False])))


def test_age_is_at_index_and_missing_stays_missing():
    people = [Patient(id="p1", birth_date=date(1964, 2, 1), sex="F"), Patient(id="p2")]
    rows = outcome(("p1", INDEX), ("p2", INDEX), ("p3", INDEX))
    cases = collect_cases(rows, people)
    assert cases.age_years[0] == pytest.approx(60, abs=0.01)
    assert np.isnan(cases.age_years[1:]).all()
    assert cases.sex.tolist() == ["F", None, None]


def test_a_birth_after_index_is_a_missing_birth_date_and_counted():
    people = [
        Patient(id="p1", birth_date=date(2150, 2, 1)),
        Patient(id="p2", birth_date=date(2024, 2, 1)),
    ]
    cases = collect_cases(outcome(("p1", INDEX), ("p2", INDEX), ("p1", INDEX)), people)
    assert np.isnan(cases.age_years).tolist() == [True, False, True]
    assert cases.age_years[1] == 0
    assert cases.n_excluded == {"birth_date_after_index": 2}
    assert not collect_cases(outcome(("p2", INDEX)), people).n_excluded


def test_refusals():
    with pytest.raises(ArgumentError, match="index times"):
        collect_cases(outcome(("p1", None)))
    with pytest.raises(ArgumentError, match="described once"):
        collect_cases(outcome(("p1", INDEX)), [Patient(id="a"), Patient(id="a")])


def test_cases_made_by_hand_with_a_fact_from_the_future_are_refused():
    cases = collect_cases(outcome(("p1", INDEX)), events=events(("p1", "2024-01-31T12:00:00", "a")))
    parts = {name: getattr(cases, name) for name in cases.__slots__}
    with pytest.raises(LeakageError, match=r"1 that are not \(first: fact 0 of row 0, \+0.50"):
        type(cases)(**{**parts, "days": np.array([0.5])})


def test_without_events_and_mentions_there_are_no_facts():
    cases = collect_cases(outcome(("p1", INDEX)))
    assert len(cases) == 1
    assert cases.codes == ()
    assert "1 rows" in repr(cases)


def test_a_limit_is_a_fact_without_a_number_and_is_counted():
    """Below the limit of a device is no measurement: it enters no median, and says so."""
    times = np.array(["2024-01-10"] * 2, "datetime64[s]")
    outcome = Outcome(patients=np.array(["p1", "p2"], object), index=times, values=np.array([0, 1]))
    n = 6
    events = EventTable(
        {
            "patient": ["p1", "p1", "p1", "p2", "p2", "p2"],
            "known": ["2024-01-09"] * n,
            "code": ["crp"] * 4 + ["protein"] * 2,
            "kind": ["lab"] * n,
            "unit": ["mg/L"] * 4 + [None] * 2,
            "value": [5.0, 7.0, 1000.0, 5.0, np.nan, np.nan],
            "comparator": ["<", None, ">", "<", None, None],
            "result": [None] * 4 + ["2+", "neg"],
        }
    )
    cases = collect_cases(outcome, events=events)
    assert cases.codes == (
        *("lab:crp [mg/L] (<)", "lab:crp [mg/L]", "lab:crp [mg/L] (>)"),
        *("lab:protein (2+)", "lab:protein (neg)"),
    )
    numbers = {cases.codes[c]: v for c, v in zip(cases.code, cases.value, strict=True)}
    assert {name for name, v in numbers.items() if np.isfinite(v)} == {"lab:crp [mg/L]"}
    assert cases.n_excluded["events_value_is_a_limit"] == 3
    assert set(cases.concepts) == {"lab:crp", "lab:protein"}
    assert len(cases.case) == n, "nothing is lost"
    plain = collect_cases(outcome, events=events.take(np.array([1])))
    assert "events_value_is_a_limit" not in plain.n_excluded
