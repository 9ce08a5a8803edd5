"""Episodes and regimens against a loop over days."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EventTable
from clinnlp.features.exposure import drug_episodes, exposure_baskets

ORIGIN = np.datetime64("2024-01-01")
DAYS = 25


def table(rows):
    """Rows of patient, code, kind, first and last day (None: missing) and dose."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(("patient", "code", "kind"))}
    for k, name in ((3, "start"), (4, "end")):
        columns[name] = [None if row[k] is None else str(ORIGIN + row[k]) for row in rows]
    return EventTable(columns | {"dose": [row[5] if len(row) > 5 else None for row in rows]})


def spans(episodes):
    return [
        (
            code,
            *(
                int((episodes[name][k].astype("datetime64[D]") - ORIGIN).astype(int))
                for name in ("start", "end")
            ),
        )
        for k, code in enumerate(episodes["code"])
    ]


PRESCRIBED = st.lists(
    st.tuples(
        st.sampled_from(["p", "q"]), st.sampled_from(["a", "b", "c"]), st.just("drug"),
        st.integers(0, DAYS - 5), st.integers(0, 4),
    ).map(lambda row: (*row[:4], row[3] + row[4])),
    max_size=8,
)  # fmt: skip
HAPPENED = st.lists(
    st.tuples(st.sampled_from(["p", "q"]), st.just("bleed"), st.just("outcome"),
              st.integers(0, DAYS), st.none()),
    max_size=2,
)  # fmt: skip


def on_drug(rows, patient, code, gap):
    """Days on a drug, single gaps of at most `gap` days filled."""
    days = {
        d for p, c, _, low, high in rows if (p, c) == (patient, code) for d in range(low, high + 1)
    }
    filled = set(days)
    for low in sorted(days):
        after = min((d for d in days if d > low), default=None)
        if after is not None and after - low - 1 <= gap:
            filled |= set(range(low, after))
    return filled


@settings(max_examples=150, deadline=None)
@given(PRESCRIBED, HAPPENED, st.integers(0, 3))
def test_regimens_are_the_sets_of_each_day(rows, happened, gap):
    made = exposure_baskets(table([*rows, *happened]), gap_days=gap)
    expected = {}
    for patient in ("p", "q"):
        days = {code: on_drug(rows, patient, code, gap) for code in "abc"}
        seen = {}
        for day in range(DAYS + 1):
            held = frozenset(code for code in "abc" if day in days[code])
            if held:
                bled = any((p, at) == (patient, day) for p, _, _, at, _ in happened)
                seen[held] = seen.get(held, False) or bled
        for k, (held, bled) in enumerate(seen.items()):
            expected[f"{patient}/{k + 1}"] = held | ({"bleed"} if bled else set())
    dense = made.matrix.toarray()
    got = {
        name: {item for item, there in zip(made.items, dense[i], strict=True) if there}
        for i, name in enumerate(made.ids)
    }
    assert got == expected


def test_gaps_doses_and_missing_ends():
    rows = [
        ("p", "a", "drug", 0, 3, "5 mg"),
        ("p", "a", "drug", 6, 9, "5 mg"),
        ("p", "a", "drug", 10, 12, "10 mg"),
        ("p", "b", "drug", 2, None, None),
        ("p", "b", "drug", 8, 7, None),
        ("p", "b", "drug", None, 7, None),
        (None, "b", "drug", 1, 7, None),
        ("p", None, "drug", 1, 7, None),
    ]
    episodes, n_excluded = drug_episodes(table(rows), gap_days=2)
    assert spans(episodes) == [("a", 0, 12)]
    assert episodes["dose"].tolist() == [None]
    assert n_excluded == {
        "no_code": 1, "no_patient": 1, "no_start": 1, "no_end": 1, "end_before_start": 1,
    }  # fmt: skip
    assert spans(drug_episodes(table(rows), gap_days=1)[0]) == [("a", 0, 3), ("a", 6, 12)]
    by_dose, _ = drug_episodes(table(rows), gap_days=2, by_dose=True, default_days=4)
    assert spans(by_dose) == [("a", 0, 9), ("a", 10, 12), ("b", 2, 5)]
    assert by_dose["dose"].tolist() == ["5 mg", "10 mg", None]


def test_outcomes_lag_and_conditions():
    rows = [
        ("p", "a", "drug", 0, 9), ("p", "b", "drug", 5, 9), ("p", "a", "drug", 20, 21),
        ("p", "bleed", "outcome", 12, None), ("p", "fall", "outcome", 3, None),
        ("p", "asthma", "condition", 7, None), ("p", "gout", "condition", 30, None),
        ("q", "bleed", "outcome", 1, None), ("p", "x", "outcome", None, None),
        ("p", "lab", "lab", 1, 1),
    ]  # fmt: skip

    def held(**asked):
        made = exposure_baskets(table(rows), **asked)
        dense = made.matrix.toarray()
        sets = [{n for n, x in zip(made.items, row, strict=True) if x} for row in dense]
        return sets, made

    sets, made = held()
    assert made.patients.tolist() == [i.split("/")[0] for i in made.ids]
    assert sets == [{"a", "fall", "asthma"}, {"a", "b", "asthma"}]
    assert made.unit == "exposure"
    assert made.n_excluded["outcome_unexposed"] == 2
    assert made.n_excluded["condition_later"] == 1
    assert made.n_excluded["other_no_start_or_patient"] == 1
    assert made.n_excluded["kind"] == 1
    assert made.rows_behind(["a", "b"]).tolist() == [0, 1]
    assert held(lag_days=3)[0][1] == {"a", "b", "asthma", "bleed"}
    assert held(lag_days=2)[0] == sets


def test_nothing_and_bad_numbers():
    assert len(exposure_baskets(table([]))) == 0
    for asked in ({"gap_days": -1}, {"lag_days": -1}, {"default_days": 0}):
        with pytest.raises(ArgumentError, match="must be at least"):
            exposure_baskets(table([]), **asked)
