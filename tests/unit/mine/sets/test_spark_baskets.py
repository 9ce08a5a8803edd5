"""Baskets on real Spark: itemsets, rules, signals and interactions are those in memory."""

import sys

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, MissingExtra
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.itemsets import mine_itemsets
from clinnlp.mine.sets.spark_baskets import spark_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.small_cells import SmallCells


def rows():
    """Return rows of 1,200 reports in random order, some twice, some that name nothing."""
    draw = np.random.default_rng(7)
    n, sizes = 1_200, draw.integers(1, 8, 1_200)
    report = np.repeat(np.arange(n), sizes)
    drug = draw.random(len(report)) < 0.6
    code = np.where(drug, draw.geometric(0.2, len(report)), draw.geometric(0.25, len(report)))
    names = [f"{'d' if d else 'e'}{k:02d}" for d, k in zip(drug, code, strict=True)]
    made = pd.DataFrame(
        {
            "patient": [f"r{k}" for k in report],
            "code": np.where(code == 9, "both", names),
            "kind": np.where(drug, "drug", "outcome"),
        }
    )
    other = pd.DataFrame(
        {"patient": ["r0", "x1", "x2", None, " "], "code": ["c", None, " ", "d01", "d01"],
         "kind": ["visit", "drug", None, "drug", "drug"]}
    )  # fmt: skip
    return pd.concat([made, made.sample(200, random_state=1), other]).sample(frac=1, random_state=2)


@pytest.fixture(scope="module")
def both(spark):
    made = rows()
    named = ~made["patient"].isin([None, " "])
    plain = made[named & (made["kind"] != "visit") & (made["code"] != " ")]
    held = event_baskets(EventTable.from_pandas(plain.dropna()), unit="patient", fold_terms=False)
    frame = spark.createDataFrame(
        made.astype(object).where(made.notna(), None), "patient string, code string, kind string"
    )
    with spark_baskets(frame, kinds=("drug", "outcome")) as baskets:
        yield held, baskets


def equal(ours, theirs):
    assert (ours.m, len(ours)) == (theirs.m, len(theirs))
    assert len(ours) > 20
    for name, column in theirs.columns.items():
        if column.dtype == object:
            assert ours.columns[name].tolist() == column.tolist(), name
        else:
            np.testing.assert_array_equal(ours.columns[name], column, err_msg=name)


@pytest.mark.slow
def test_what_spark_counts_is_what_is_counted_in_memory(both):
    held, baskets = both
    n_each = held.matrix.sum(axis=0, dtype=int).tolist()[0]
    assert (baskets.items, baskets.kinds) == (held.items, held.kinds)
    assert baskets.n_each.tolist() == n_each
    assert len(baskets) == len(held) + 2  # those that name no item are baskets too
    with pytest.raises(ArgumentError, match="on Spark must be mined without adjust"):
        mine_interactions(baskets)
    with pytest.raises(ArgumentError, match="must stand in the baskets, got nothing"):
        baskets.evidence("nothing")
    with pytest.raises(ArgumentError, match="in memory"):
        SmallCells(baskets, 5)


@pytest.mark.slow
def test_signals_interactions_rules_and_sets_are_those_in_memory(both):
    held, baskets = both
    again = pd.DataFrame({"patient": ["x1", "x2"], "code": "none", "kind": "visit"})
    table = pd.concat([rows().dropna(), again])
    table = table[table["code"] != " "]
    held = event_baskets(
        EventTable.from_pandas(table), unit="patient", fold_terms=False, kinds=("drug", "outcome")
    )
    assert len(held) == len(baskets)
    equal(mine_signals(baskets), mine_signals(held))
    equal(
        mine_interactions(baskets, adjust=False, min_margin=10),
        mine_interactions(held, adjust=False, min_margin=10),
    )
    asked = {"min_count": 4, "max_len": 3, "consequent_kind": "outcome"}
    ours, theirs = mine_rules(baskets, **asked), mine_rules(held, **asked)
    assert len(theirs) > 20
    assert (ours.m, ours.antecedents, ours.q_bh.tolist()) == (
        theirs.m, theirs.antecedents, theirs.q_bh.tolist(),
    )  # fmt: skip
    shape = {"min_count": 3, "kinds": {"drug": 2, "outcome": 1}, "target": "outcome", "max_len": 3}
    assert list(mine_itemsets(baskets, **shape)) == list(mine_itemsets(held, **shape))


@pytest.mark.slow
def test_evidence_is_a_query_for_the_rows(both):
    held, baskets = both
    first = mine_interactions(held, adjust=False, min_margin=10, min_count=3)
    items = [first[key][0] for key in ("drug_1", "drug_2", "outcome")]
    found = baskets.evidence(*items).toPandas()
    holding = held.matrix[:, [held.items.index(name) for name in items]].sum(axis=1) == 3
    assert set(found["unit"]) == set(held.ids[np.asarray(holding).ravel()].tolist())
    assert {f"{row.item} ({row.kind})" if row.item == "both" else row.item
            for row in found.itertuples()} == set(items)  # fmt: skip


def test_columns_are_looked_for_and_the_extra_is_named(monkeypatch):
    class Frame:
        columns = ("patient", "code")

    pytest.importorskip("pyspark", reason="pyspark is not installed")
    with pytest.raises(ArgumentError, match="must have the column 'kind'"):
        spark_baskets(Frame())
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtra, match=r"clinnlp\[spark\]"):
        spark_baskets(Frame())
