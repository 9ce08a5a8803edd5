"""One spelling for each term, in baskets of every source."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.core.vocab import fold_term, squeeze
from clinnlp.features.baskets import baskets, event_baskets, frame_baskets
from clinnlp.features.exposure import exposure_baskets


def events(*codes, patients=None, **columns):
    n = len(codes)
    patients = patients or [f"p{k}" for k in range(n)]
    return EventTable({"patient": patients, "code": codes, "kind": ["outcome"] * n, **columns})


def test_one_outcome_in_many_spellings():
    table = events(
        "Angioedema", "angioedema ", "ANGIOEDEMA", "Angioedema", "Sj\u00f6gren", "sjo\u0308gren"
    )
    made = event_baskets(table, unit="patient")
    assert made.items == ("Angioedema", "Sj\u00f6gren")
    assert made.matrix.sum(axis=0).tolist() == [[4, 2]]
    assert made.n_folded == {"spellings": 3, "rows": 3}
    apart = event_baskets(table, unit="patient", fold_terms=False)
    assert len(apart.items) == 5
    assert apart.n_folded == {}
    assert made.events is table  # evidence shows what was written


def test_blanks_alone_are_no_code_and_blanks_around_are_not_shown():
    made = event_baskets(events("  ", "rash ", "a\u00a0\n b"), unit="patient")
    assert made.items == ("a b", "rash")
    assert made.n_excluded["no_code"] == 1
    assert made.n_folded == {"spellings": 0, "rows": 0}


def test_codes_stay_as_they_are_written():
    made = event_baskets(events("C09AA05", "C09AA05", "c09aa05"), unit="patient")
    assert made.items == ("C09AA05",)


def test_a_code_of_the_terminology_is_written_as_there():
    above = Ancestors({"C09AA05": ["C09AA"], "g30.": ["g3"], "G30.": ["g3"]})
    table = events("c09aa05", "c09aa05 ", "C09AA05", "g30.", "G30.", "other", "OTHER")
    made = event_baskets(table, unit="patient", roll_up=RollUp(ancestors=above, to=["C09AA"]))
    assert made.items == ("C09AA", "G30.", "OTHER", "g30.")  # case tells two codes of it apart
    assert made.n_rolled_up == {"counted as an ancestor": 3, "below none": 4}


def test_what_too_few_patients_wrote_is_not_shown():
    table = events("RASH", "RASH", "RASH", "Rash", "rash", patients=["p", "p", "p", "q", "r"])
    assert event_baskets(table, unit="patient").items == ("RASH",)
    assert event_baskets(table, unit="patient", spelling_patients=2).items == ("rash",)
    many = events("RASH", "RASH", "Rash", "rash", patients=["p", "q", "p", "q"])
    assert event_baskets(many, unit="patient", spelling_patients=2).items == ("RASH",)


def test_exposures_fold_a_drug_into_one_row_of_episodes():
    table = EventTable(
        {
            "patient": ["p"] * 3, "code": ["Iron", "iron ", "iron"], "kind": ["drug"] * 3,
            "start": ["2024-01-01", "2024-01-04", "2024-01-07"],
            "end": ["2024-01-03", "2024-01-06", "2024-01-09"],
        }
    )  # fmt: skip
    made = exposure_baskets(table)
    assert (made.ids.tolist(), made.items) == (["p/1"], ("iron",))
    assert made.n_folded == {"spellings": 2, "rows": 2}
    assert len(exposure_baskets(table, fold_terms=False)) == 3


def test_mentions_fold_but_concepts_do_not():
    columns = {
        "start": [0] * 4,
        "end": [1] * 4,
        "n_concepts": [0, 0, 1, 1],
        "patient": list("abcd"),
    }
    columns |= {"text": ["Sj\u00f6gren", "SJO\u0308GREN", "x", "x"]}
    columns |= {"concept": [None, None, "D1", "d1"]}
    table = EntityTable(columns)
    made = baskets(table)
    assert made.items == ("D1", "d1", "sj\u00f6gren")
    assert made.n_folded == {"spellings": 2, "rows": 2}
    assert "Sj\u00f6gren" in baskets(table, fold_terms=False).items


def test_columns_of_a_wide_table_that_are_one_item():
    frame = pd.DataFrame({"Rash": [1, 0, 0], "fall": [0, 0, 1], "rash ": [1, 1, 0], "b": [0, 0, 0]})
    made = frame_baskets(frame, kinds={"RASH": "outcome"})
    assert made.items == ("rash", "fall", "b")  # most baskets hold the second spelling
    assert made.kinds == ("outcome", "item", "item")
    assert made.matrix.toarray().tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert made.n_folded == {"spellings": 2, "rows": 3}
    apart = frame_baskets(frame, fold_terms=False)
    assert apart.items == ("Rash", "fall", "rash ", "b")


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table])
def test_long_tables_of_any_program_fold(make):
    columns = {"case": [1.0, 1.0, 2.0, float("nan")], "drug": ["Iron", "zinc", "iron", "iron"]}
    made = frame_baskets(make(columns), item="drug", unit="case")
    assert made.items == ("Iron", "zinc")
    assert made.ids.tolist() == ["1", "2"]
    assert made.n_excluded == {"no_unit": 1, "no_item": 0}


@given(st.text(max_size=12))
def test_folding_again_changes_nothing(text):
    assert fold_term(fold_term(text)) == fold_term(text)
    assert squeeze(squeeze(text)) == squeeze(text)
    assert fold_term(squeeze(text)) == fold_term(text)


@given(
    st.lists(st.text(alphabet="aA\u00e4\u00c4\u0308 \u00df", min_size=1, max_size=3), min_size=1)
)
def test_two_names_are_one_where_their_folded_form_is(codes):
    made = event_baskets(events(*codes), unit="patient", spelling_patients=1)
    there = {fold_term(code) for code in codes if squeeze(code)}
    assert sorted(map(fold_term, made.items)) == sorted(there)
    assert len(made.evidence) == sum(1 for code in codes if squeeze(code))


def test_folded_terms_are_few_objects():
    table = events(*(["Rash", "rash"] * 500))
    names = event_baskets(table, unit="patient").items
    assert names == ("Rash",)
    assert np.unique(table.coded("code").codes).tolist() == [0, 1]
