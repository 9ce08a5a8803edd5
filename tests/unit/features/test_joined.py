"""What is joined to a case, and why the rest is not."""

import numpy as np
import pytest

from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.joined import BEGINS_LATER, DAY_OF_INDEX, SPELLED, spelling

INDEX = "2024-02-01T12:00:00"


def outcome(*patients):
    return Outcome(
        patients=np.array(patients, dtype=object),
        index=np.full(len(patients), INDEX, "datetime64[s]"),
        values=np.zeros(len(patients), np.int8),
    )


def test_what_begins_after_index_is_left_out_though_it_is_said_to_be_known_before():
    table = EventTable(
        {
            "patient": ["p"] * 4,
            "known": ["2024-01-01T08:00"] * 4,
            "start": ["2024-01-01T07:00", INDEX, "2024-02-03", None],
            "code": ["began", "with", "later", "unsaid"],
        }
    )
    cases = collect_cases(outcome("p"), events=table)
    assert sorted(cases.codes) == ["event:began", "event:unsaid", "event:with"]
    assert cases.n_excluded[BEGINS_LATER] == 1
    assert BEGINS_LATER not in collect_cases(outcome("p"), events=table.take([0, 1])).n_excluded


@pytest.mark.parametrize("other", ["P7", " p7", "p7 ", "P7\t"])
def test_an_id_in_another_spelling_is_counted_apart_and_not_used(other):
    table = EventTable({"patient": [other, "x"], "known": ["2024-01-01"] * 2, "code": ["a", "a"]})
    cases = collect_cases(outcome("p7"), events=table)
    assert len(cases.case) == 0
    assert cases.n_excluded[f"events{SPELLED}"] == cases.n_excluded["events_other_patient"] == 1


@pytest.mark.parametrize(
    ("one", "other"), [("007", "7"), ("7.0", "7"), ("A  1", "a 1"), ("0", "00"), (12, "12")]
)
def test_spellings_of_one_id(one, other):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(("one", "other"), [("7.5", "7"), ("1", "10"), ("a1", "a01"), ("p", "q")])
def test_other_ids(one, other):
    assert spelling(one) != spelling(other)


def test_an_id_that_was_asked_for_is_nobody_elses_spelling():
    table = EventTable({"patient": ["a", "A"], "known": ["2024-01-01"] * 2, "code": ["x", "y"]})
    cases = collect_cases(outcome("a", "A"), events=table)
    assert len(cases.case) == 2
    assert f"events{SPELLED}" not in cases.n_excluded


def test_notes_that_have_days_alone_are_not_read_on_the_index_day():
    rows = {"note": ["n", "m"], "label": ["Problem"] * 2, "start": [0, 0], "end": [1, 1],
            "n_concepts": [0, 0], "text": ["a", "b"], "patient": ["p", "p"],
            "known": np.array(["2024-01-31T00:00", "2024-02-01T00:00"], "M8[s]")}  # fmt: skip
    cases = collect_cases(outcome("p"), entities=EntityTable(rows))
    assert cases.codes == ("note:Problem:a",)
    assert cases.n_excluded[f"entities{DAY_OF_INDEX}"] == 1
    hour = np.array(["2024-01-31T00:05", "2024-02-01T00:00"], "M8[s]")
    assert len(collect_cases(outcome("p"), entities=EntityTable({**rows, "known": hour})).case) == 2
