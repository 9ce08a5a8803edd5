"""Signals, interactions and rules of published and planted baskets, in blocks and on Spark."""

import io
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from clinnlp.features.baskets import event_baskets, frame_baskets
from clinnlp.io.record.faers import read_faers
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.spark_baskets import spark_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from corpora.generate.planted import draw_planted
from tests.bench.end_to_end import write_reports


def planted(_data_dir):
    return draw_planted(0, 60_000).baskets


def faers(data_dir):
    return event_baskets(read_faers(data_dir("faers_sample")).events, fold_terms=False)


def diabetes(data_dir):
    """Return encounters with the drugs that were given, and whether there was a readmission."""
    with zipfile.ZipFile(data_dir("diabetes130") / "dataset_diabetes.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith("diabetic_data.csv"))
        frame = pd.read_csv(io.BytesIO(packed.read(name)), dtype=str)
    drugs = frame.loc[:, "metformin":"metformin-pioglitazone"] != "No"
    back = pd.get_dummies("readmitted " + frame["readmitted"]).astype(bool)
    kinds = dict.fromkeys(drugs.columns, "drug") | dict.fromkeys(back.columns, "outcome")
    return frame_baskets(pd.concat([drugs, back], axis=1), kinds=kinds)


SOURCES = [(faers, {"min_count": 1, "min_margin": 2}), (diabetes, {}), (planted, {})]


def long_table(baskets, path):
    """Write a row for each item of each basket, and one for a basket without items."""
    held = baskets.matrix.tocoo()
    names = np.array([i.removesuffix(f" ({k})") for i, k in
                      zip(baskets.items, baskets.kinds, strict=True)], object)  # fmt: skip
    kinds = np.array(baskets.kinds, object)
    empty = np.flatnonzero(np.diff(baskets.matrix.indptr) == 0)
    pd.DataFrame(
        {
            "patient": [f"b{k}" for k in np.concatenate([held.row, empty])],
            "code": np.concatenate([names[held.col], np.full(len(empty), None)]),
            "kind": np.concatenate([kinds[held.col], np.full(len(empty), "")]),
        }
    ).to_parquet(path)


def in_order(baskets):
    """Return baskets whose items stand by kind and name, as those that are not in memory."""
    names = [(k, i.removesuffix(f" ({k})")) for i, k in
             zip(baskets.items, baskets.kinds, strict=True)]  # fmt: skip
    there = np.flatnonzero(np.asarray(baskets.matrix.sum(axis=0)).ravel()).tolist()
    order = sorted(there, key=names.__getitem__)
    return replace(
        baskets,
        matrix=baskets.matrix[:, order].tocsr(),
        items=tuple(baskets.items[k] for k in order),
        kinds=tuple(baskets.kinds[k] for k in order),
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        events=None,
    )


def equal(ours, theirs):
    assert (ours.m, len(ours)) == (theirs.m, len(theirs))
    assert len(theirs) > 3
    for name, column in theirs.columns.items():
        if column.dtype == object:
            assert ours.columns[name].tolist() == column.tolist(), name
        else:
            np.testing.assert_array_equal(ours.columns[name], column, err_msg=name)


def alike(stored, held, limits):
    assert (stored.items, len(stored)) == (held.items, len(held))
    equal(mine_signals(stored, **limits), mine_signals(held, **limits))
    ours, theirs = (mine_interactions(one, adjust=False, **limits) for one in (stored, held))
    equal(ours, theirs)
    asked = {"min_count": 20, "max_len": 3, "consequent_kind": "outcome", **limits}
    ours, theirs = mine_rules(stored, **asked), mine_rules(held, **asked)
    assert (ours.m, ours.antecedents, ours.consequents) == (
        theirs.m, theirs.antecedents, theirs.consequents,
    )  # fmt: skip
    assert ours.q_bh.tolist() == theirs.q_bh.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("source", "limits"), SOURCES)
def test_rows_of_blocks_are_those_in_memory(source, limits, data_dir, tmp_path):
    held = in_order(source(data_dir))
    long_table(held, tmp_path / "rows.parquet")
    with basket_blocks(tmp_path / "rows.parquet", rows_per_block=50_000) as blocks:
        alike(blocks, held, limits)


@pytest.mark.long
@pytest.mark.parametrize(("source", "limits"), SOURCES)
def test_rows_of_spark_are_those_in_memory(source, limits, data_dir, tmp_path, spark):
    held = in_order(source(data_dir))
    long_table(held, tmp_path / "rows.parquet")
    with spark_baskets(spark.read.parquet(str(tmp_path / "rows.parquet"))) as baskets:
        alike(baskets, held, limits)


@pytest.mark.long
def test_rows_of_spark_are_those_of_blocks_for_a_million_generated_reports(tmp_path, spark):
    path = write_reports(tmp_path / "reports.parquet", 1_000_000)
    how = {"unit": "report", "kinds": ("drug", "outcome")}
    with (
        basket_blocks(path, **how) as blocks,
        spark_baskets(spark.read.parquet(str(path)), **how) as baskets,
    ):
        assert (baskets.items, len(baskets)) == (blocks.items, 1_000_000)
        for mine in (mine_signals, partial(mine_interactions, adjust=False)):
            ours, theirs = mine(baskets), mine(blocks)
            assert len(theirs) > 100_000
            equal(ours, theirs)
        rules = [mine_rules(one, min_count=500, max_len=3) for one in (baskets, blocks)]
        assert (rules[0].m, rules[0].antecedents) == (rules[1].m, rules[1].antecedents)
        assert rules[0].p_fisher.tolist() == rules[1].p_fisher.tolist()
