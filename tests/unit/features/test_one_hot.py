"""Baskets of one-hot tables and of lists: what comes in comes out, with its type."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import frame_baskets
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.itemsets import mine_itemsets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions

HELD = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]], bool)


@pytest.mark.parametrize(
    "make",
    [
        lambda names: pd.DataFrame(HELD, columns=names),
        lambda names: pd.DataFrame(HELD.astype(int), columns=names),
        lambda names: pd.DataFrame(HELD.astype(float), columns=names),
        lambda names: pd.DataFrame(HELD, columns=names).astype(pd.SparseDtype(bool, False)),
        lambda names: pd.DataFrame(HELD, columns=names, index=list("wxyz")).astype(object),
        lambda names: [[names[j] for j in np.flatnonzero(row)] for row in HELD],
        lambda names: ({names[j] for j in np.flatnonzero(row)} for row in HELD),
        lambda names: pd.Series([[names[j] for j in np.flatnonzero(row)] * 2 for row in HELD]),
    ],
)
@pytest.mark.parametrize("names", [("a", "b", "c"), (1, 2, 3), (1.5, 2.5, 3.5)])
def test_items_and_their_types_are_kept(make, names):
    made = as_baskets(make(names))
    assert made.items == names
    assert made.matrix.toarray().tolist() == HELD.astype(int).tolist()
    assert dict(mine_itemsets(make(names), min_count=2)) == {
        frozenset({names[0]}): 2, frozenset({names[2]}): 3, frozenset({names[0], names[2]}): 2,
    }  # fmt: skip


def test_a_table_of_another_program_is_read_like_a_frame():
    made = as_baskets(pa.table({"a": [True, False], "b": [1, 1]}))
    assert (made.items, made.matrix.toarray().tolist()) == (("a", "b"), [[1, 1], [0, 1]])


def test_items_of_several_types_and_pairs_as_items_stay_apart():
    lists = [[1, "1", ("a", "b")], ["1", ("a", "b")], [None, 1]]
    counts = dict(mine_itemsets(lists, min_count=2))
    assert counts == {
        frozenset({1}): 2, frozenset({"1"}): 2, frozenset({("a", "b")}): 2,
        frozenset({"1", ("a", "b")}): 2,
    }  # fmt: skip
    rules = mine_rules(lists, min_count=2)
    assert frozenset({("a", "b")}) in rules.antecedents


def test_baskets_go_to_pandas_and_back():
    frame = pd.DataFrame(HELD, columns=["a", 2, 3.5], index=list("wxyz"))
    made = as_baskets(frame)
    pd.testing.assert_frame_equal(made.to_pandas(), frame)
    thin = made.to_pandas(sparse=True)
    assert all(isinstance(kind, pd.SparseDtype) for kind in thin.dtypes)
    assert as_baskets(thin).matrix.toarray().tolist() == HELD.astype(int).tolist()
    assert as_baskets(made) is made


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame({"a": [0, 2]}), "table > 0 for counts"),
        (pd.DataFrame({"a": [0, np.nan]}), "must hold bool or 0 and 1"),
        (pd.DataFrame({"patient": ["p1"], "drug": ["x"]}), "frame_baskets"),
        (pd.DataFrame({"support": [0.5], "itemsets": [frozenset("a")]}), "not from itemsets"),
        (pd.DataFrame([[1, 0]], columns=["a", "a"]), "unique"),
        (HELD, "an array has no names of items"),
        (sparse.csr_matrix(HELD), "an array has no names of items"),
        (EventTable({"patient": ["p"], "code": ["c"]}), "clinnlp.event_baskets"),
        (EntityTable({"start": [0], "end": [1], "n_concepts": [0]}), "clinnlp.baskets"),
        (["milk", "bread"], "basket 0 of a list must be a list of items"),
        ([["milk"], 3], "basket 1 of a list"),
        ([[["milk"]]], "items must be text"),
        ({"milk": 1}, "got dict"),
        ("milk", "got str"),
        (7, "got int"),
    ],
)
@pytest.mark.parametrize("mine", [mine_rules, mine_itemsets])
def test_what_holds_no_baskets_is_refused_with_the_way(mine, data, said):
    with pytest.raises(ArgumentError, match=said):
        mine(data, min_count=1)


@pytest.mark.parametrize("mine", [mine_signals, mine_interactions])
def test_signals_ask_for_baskets_that_know_drugs(mine):
    with pytest.raises(ArgumentError, match=r"clinnlp\.frame_baskets"):
        mine(pd.DataFrame(HELD))


def test_a_frame_gives_the_same_rules_as_its_baskets():
    frame = pd.DataFrame(np.random.default_rng(0).random((80, 5)) < 0.5, columns=list("abcde"))
    one, two = mine_rules(frame), mine_rules(frame_baskets(frame))
    pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas())
    assert one.m == two.m


def test_no_baskets_give_no_rules():
    assert len(mine_rules([])) == 0
    assert len(mine_rules(pd.DataFrame())) == 0


SPELLED = ["Rash", "rash ", "RASH", "iron", 7]
ROWS = [[1, 0, 0, 1, 0], [1, 1, 0, 0, 1], [0, 0, 1, 0, 1], [1, 0, 0, 1, 1]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame(ROWS, columns=SPELLED),
        lambda: [[item for item, has in zip(SPELLED, row, strict=True) if has] for row in ROWS],
    ],
)
def test_spellings_of_a_term_are_one_item_and_counted(make):
    made = as_baskets(make())
    assert {*made.items} == {"Rash", "iron", 7}
    assert dict(zip(made.items, made.matrix.sum(axis=0).A1, strict=True))["Rash"] == 4
    assert made.n_folded == {"spellings": 2, "rows": 2}
    assert mine_itemsets(make(), min_count=4).to_pandas()["itemsets"].tolist() == [{"Rash"}]
    rules = mine_rules(make(), min_count=2)
    assert frozenset({"Rash"}) in rules.antecedents
    assert rules.baskets.n_folded["spellings"] == 2
    plain = as_baskets(make(), fold_terms=False)
    assert ({*plain.items}, plain.n_folded) == ({*SPELLED}, {})
    assert mine_rules(make(), min_count=2, fold_terms=False).baskets.items == plain.items
    assert mine_itemsets(make(), min_count=4, fold_terms=False).counts.tolist() == []


def test_a_wide_table_folds_alike_wherever_it_goes():
    frame = pd.DataFrame(np.array(ROWS)[:, :4], columns=SPELLED[:4])
    one, two = as_baskets(frame), frame_baskets(frame)
    assert (one.items, one.n_folded) == (two.items, two.n_folded)
    assert one.matrix.toarray().tolist() == two.matrix.toarray().tolist()


def test_an_item_that_is_no_text_is_no_spelling():
    made = as_baskets([[1, "1", "A"], ["1", "a", 2.5], [True, "A"]])
    assert sorted(map(str, made.items)) == ["1", "1", "2.5", "A"]
