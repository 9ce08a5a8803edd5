"""Codes counted as their ancestors: right answers by hand."""

import numpy as np
import pytest

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.baskets import baskets, event_baskets
from clinnlp.features.events import collect_cases

ABOVE = Ancestors(
    {
        "atorva": ["statin"],
        "simva": ["statin"],
        "statin": ["lipid"],
        "lipid": ["statin"],
        "creat": ["kidney"],
    }
)
TO_STATIN = RollUp(ancestors=ABOVE, to=["statin"])
ALL = RollUp(ancestors=ABOVE)


def _events():
    return EventTable(
        {
            "patient": ["p1", "p1", "p2", "p2"],
            "known": ["2024-01-01"] * 4,
            "code": ["atorva", "aspirin", "simva", "creat"],
            "kind": ["drug", "drug", "drug", "lab"],
            "value": [np.nan, np.nan, np.nan, 1.2],
            "unit": [None, None, None, "mg/dL"],
        }
    )


def _outcome():
    index = np.full(2, "2024-02-01", "datetime64[s]")
    who = np.array(["p1", "p2"], object)
    return Outcome(patients=who, index=index, values=np.array([0, 1]))


def _facts(cases):
    rows = zip(cases.case.tolist(), cases.code.tolist(), cases.value.tolist(), strict=True)
    return sorted((k, cases.codes[c], v) for k, c, v in rows)


def test_events_roll_up_to_a_named_ancestor():
    sets = event_baskets(_events(), unit="patient", kinds=["drug"], roll_up=TO_STATIN)
    assert sets.items == ("aspirin", "statin")
    assert sets.matrix.toarray().tolist() == [[1, 1], [0, 1]]
    # Evidence is the row that was there
    assert sets.rows_behind(["statin"]).tolist() == [0, 2]
    assert sets.n_rolled_up == {"counted as an ancestor": 2, "below none": 1}
    assert event_baskets(_events(), unit="patient").n_rolled_up == {}


def test_mentions_roll_up_by_their_concept_alone():
    columns = {"start": [0, 0, 0], "end": [1, 1, 1], "n_concepts": [1, 1, 0]}
    columns |= {"patient": ["p1", "p2", "p2"], "concept": ["atorva", "simva", None]}
    table = EntityTable(columns | {"text": ["a", "b", "simva"], "label": ["Drug"] * 3})
    sets = baskets(table, roll_up=TO_STATIN)
    assert sets.items == ("simva", "statin")
    assert sets.n_rolled_up == {"counted as an ancestor": 2, "below none": 1}


def test_facts_roll_up():
    cases = collect_cases(_outcome(), events=_events(), roll_up=TO_STATIN)
    assert [(k, name) for k, name, _ in _facts(cases)] == [
        (0, "drug:aspirin"), (0, "drug:statin"), (1, "drug:statin"), (1, "lab:creat [mg/dL]"),
    ]  # fmt: skip
    assert cases.n_rolled_up == {"counted as an ancestor": 2, "below none": 2}
    assert cases.n_excluded == collect_cases(_outcome(), events=_events()).n_excluded


def test_all_ancestors_count_beside_a_fact_and_have_no_value():
    cases = collect_cases(_outcome(), events=_events(), roll_up=ALL)
    names = [(k, name) for k, name, _ in _facts(cases)]
    assert names == [
        (0, "drug:aspirin"), (0, "drug:atorva"), (0, "drug:lipid"), (0, "drug:statin"),
        (1, "drug:lipid"), (1, "drug:simva"), (1, "drug:statin"),
        (1, "lab:creat [mg/dL]"), (1, "lab:kidney"),
    ]  # fmt: skip
    values = {name: value for _, name, value in _facts(cases)}
    assert values["lab:creat [mg/dL]"] == 1.2
    assert np.isnan(values["lab:kidney"])
    # Rows stay those of the events, so that reasons point to them
    assert sorted(set(cases.row.tolist())) == [0, 1, 2, 3]
    assert cases.schema["vocabulary of drug"]["(no vocabulary)"] >= {"drug:statin", "drug:atorva"}


def test_a_code_seen_first_as_an_ancestor_is_raised_too():
    events = EventTable({"patient": ["p1", "p1"], "known": ["2024-01-01"] * 2,
                         "code": ["atorva", "statin"], "kind": ["drug"] * 2})  # fmt: skip
    steps = RollUp(ancestors=Ancestors({"atorva": ["statin"], "statin": ["lipid"]}), levels=1)
    cases = collect_cases(_outcome(), events=events, roll_up=steps)
    assert [name for _, name, _ in _facts(cases)] == [
        "drug:atorva", "drug:lipid", "drug:statin", "drug:statin",
    ]  # fmt: skip


def test_what_is_said_of_a_mention_is_said_of_its_ancestor():
    columns = {"start": [0], "end": [1], "n_concepts": [1], "patient": ["p1"], "negated": [1]}
    columns |= {"concept": ["atorva"], "text": ["a"], "label": ["Drug"], "known": ["2024-01-01"]}
    cases = collect_cases(
        _outcome(), entities=EntityTable(columns), by_assertion=True, roll_up=TO_STATIN
    )
    assert cases.codes == ("note:Drug:statin (negated)",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": []}, "must name the codes"),
        ({"to": "statin"}, "must name the codes"),
        ({"levels": 0}, "levels must be at least 1"),
        ({"levels": 1, "to": ["statin"]}, "must have no levels"),
    ],
)
def test_a_roll_up_that_says_nothing_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        RollUp(ancestors=ABOVE, **options)
