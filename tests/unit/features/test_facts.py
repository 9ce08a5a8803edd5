import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.facts import mixed_units, unit_spelling
from clinnlp.features.matrix import PatientFeatures

DAY = np.array(["2024-01-10"], "datetime64[s]")
ONE = Outcome(patients=np.array(["p"], dtype=object), index=DAY, values=np.array([1]))


def labs(units, values=None):
    n = len(units)
    return EventTable(
        {
            "patient": ["p"] * n,
            "known": ["2024-01-01"] * n,
            "code": ["creatinine"] * n,
            "kind": ["lab"] * n,
            "vocabulary": ["LOINC"] * n,
            "unit": units,
            "value": [1.0] * n if values is None else values,
        }
    )


def test_a_unit_that_changes_makes_two_features_of_one_concept_and_is_told():
    cases = collect_cases(ONE, events=labs(["mg/dL", "umol/L", None]))
    assert set(cases.codes) == {
        "lab:creatinine [mg/dL]",
        "lab:creatinine [umol/L]",
        "lab:creatinine",
    }
    assert set(cases.concepts) == {"lab:creatinine"}
    assert mixed_units(cases.schema) == {"lab:creatinine": ["(no unit)", "mg/dL", "umol/L"]}
    assert list(cases.schema["vocabulary of lab"]) == ["LOINC"]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("mg/dL", "mg/dl"),
        ("umol/L", "µmol/l"),
        ("umol/L", "\u03bcmol/L"),
        ("10^9/L", "10^9 / l"),
        ("L", "l"),
    ],
)
def test_one_unit_in_two_spellings_is_one_feature(here, there):
    cases = collect_cases(ONE, events=labs([here, there]))
    assert cases.codes == (f"lab:creatinine [{here}]",)
    assert mixed_units(cases.schema) == {}


@pytest.mark.parametrize(("one", "other"), [("mIU/L", "MIU/L"), ("mg", "Mg"), ("mL", "mm")])
def test_units_that_are_two_stay_two(one, other):
    assert unit_spelling(one) != unit_spelling(other)


def test_the_unit_of_an_event_without_a_value_does_not_matter():
    cases = collect_cases(ONE, events=labs(["mg/dL", "umol/L"], values=[np.nan, np.nan]))
    assert cases.codes == ("lab:creatinine",)
    assert mixed_units(cases.schema) == {}


def said(**flags):
    columns = {"note": ["n"] * 3, "patient": ["p"] * 3, "known": ["2024-01-01"] * 3,
               "label": ["Problem"] * 3, "start": [0] * 3, "end": [1] * 3, "n_concepts": [0] * 3,
               "text": ["fever"] * 3, "section": ["plan", "history", None]}  # fmt: skip
    return EntityTable({**columns, **flags})


def test_what_is_denied_becomes_a_fact_of_its_own_where_asked_for():
    table = said(negated=[1, 0, -1], historical=[1, 1, -1])
    told = collect_cases(ONE, entities=table, by_assertion=True)
    names = [told.codes[k] for k in told.code]
    assert sorted(names) == [
        "note:Problem:fever", "note:Problem:fever (historical)", "note:Problem:fever (negated)",
    ]  # fmt: skip
    assert set(told.concepts) == {"note:Problem:fever"}
    filtered = collect_cases(ONE, entities=table)
    assert filtered.codes == ("note:Problem:fever",)
    assert filtered.n_excluded["entities_negated"] == 1
    with pytest.raises(ArgumentError, match="choose one"):
        collect_cases(ONE, entities=table, by_assertion=True, strict=True)


def test_a_stopped_drug_is_left_out_or_a_fact_of_its_own():
    table = said(change=["stop", "hold", "increase"], negated=[-1, 1, -1])
    filtered = collect_cases(ONE, entities=table)
    assert filtered.codes == ("note:Problem:fever",)
    assert filtered.n_excluded["entities_stopped"] == 1
    assert filtered.n_excluded["entities_negated"] == 1
    every = collect_cases(ONE, entities=table, changes=())
    assert len(every.case) == 2
    told = collect_cases(ONE, entities=table, by_assertion=True)
    assert sorted(told.codes[k] for k in told.code) == [
        "note:Problem:fever", "note:Problem:fever (negated)", "note:Problem:fever (stopped)",
    ]  # fmt: skip


def test_sections_tell_mentions_apart_where_asked_for():
    cases = collect_cases(ONE, entities=said(), by_section=True)
    assert set(cases.codes) == {
        "note:Problem:fever in plan", "note:Problem:fever in history", "note:Problem:fever",
    }  # fmt: skip


def test_each_fact_points_to_the_row_it_comes_from():
    table = said(negated=[1, 0, 0])
    cases = collect_cases(ONE, events=labs(["mg/dL"]), entities=table)
    assert cases.row[cases.of_note].tolist() == [1, 2]
    assert cases.row[~cases.of_note].tolist() == [0]
    assert cases.take(np.array([0])).row.tolist() == cases.row.tolist()


def test_events_in_parts_give_the_same_cases_as_in_one_table():
    parts = [labs(["mg/dL"], [1.0]), labs(["umol/L"], [2.0]), labs(["mg/dL"], [3.0])]
    whole = collect_cases(ONE, events=EventTable.concat(parts))
    streamed = collect_cases(ONE, events=iter(parts))
    assert streamed.codes == whole.codes
    assert streamed.row.tolist() == whole.row.tolist() == [0, 1, 2]
    assert streamed.value.tolist() == whole.value.tolist()
    assert streamed.n_excluded == whole.n_excluded


def test_recency_is_of_the_latest_fact_and_falls_with_its_age():
    events = EventTable({"patient": ["p"] * 2, "known": ["2024-01-01T00:00", "2024-01-09T00:00"],
                         "code": ["x", "x"], "kind": ["drug"] * 2})  # fmt: skip
    cases = collect_cases(ONE, events=events)
    features = PatientFeatures(min_patients=1, recency=True, demographics=False).fit(cases)
    assert features.get_feature_names_out().tolist() == [
        "drug:x in -3650d..0d",
        "recency of drug:x",
    ]
    assert features.transform(cases).toarray().tolist() == [[2.0, 0.5]]
    assert features.reference().tolist() == [0.0, 0.0]
    assert features.feature_concepts_ == ("drug:x", "drug:x")


def test_a_chronic_condition_is_no_fact_of_the_past():
    table = said(historical=[1, 1, 0], course=["chronic", "ended", "unknown"], negated=[0, 0, 1])
    cases = collect_cases(ONE, entities=table)
    assert cases.codes == ("note:Problem:fever",)
    assert (cases.n_chronic, cases.n_excluded["entities_historical"]) == (1, 1)
    without = collect_cases(ONE, entities=table, chronic_counts=False)
    assert (len(without.case), without.n_chronic) == (0, 0)
    names = {
        counts: sorted(told.codes[k] for k in told.code)
        for counts in (True, False)
        for told in [collect_cases(ONE, entities=table, by_assertion=True, chronic_counts=counts)]
    }
    plain, then, denied = (
        f"note:Problem:fever{how}" for how in ("", " (historical)", " (negated)")
    )
    assert names == {True: [plain, then, denied], False: [then, then, denied]}
