"""Itemsets and rules of baskets in blocks: the same sets and counts as in memory."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets import block_sets
from clinnlp.mine.sets.itemsets import mine_itemsets


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Give 600 baskets of up to nine of 25 items in memory, and in blocks of some rows."""
    draw = np.random.default_rng(3)
    rows = [
        (f"b{k}", f"{'d' if item < 15 else 'e'}{item:02d}")
        for k in range(600)
        for item in np.unique(draw.geometric(0.12, draw.integers(0, 10)) % 25)
    ]
    unit, code = zip(*rows, strict=True)
    kind = ["drug" if name[0] == "d" else "outcome" for name in code]
    table = pa.table({"patient": unit, "code": code, "kind": kind})
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(table, path)
    held = event_baskets(EventTable.from_pandas(table.to_pandas()), unit="patient")
    with basket_blocks(path, rows_per_block=500) as blocks:
        assert blocks.n_blocks > 4
        yield held, blocks


ASKED = (
    {"min_count": 1, "max_len": 1},
    {"min_count": 3, "max_len": 3},
    {"min_count": 10},
    {"min_support": 0.03, "max_len": 4},
    {"min_count": 4, "kinds": {"drug": 2, "outcome": 1}, "target": "outcome"},
    {"min_count": 8, "kinds": ("drug",)},
    {"min_count": 5, "target": ["d03", "e20"], "max_len": 3},
    {"min_count": 12, "closed": True},
    {"min_count": 12, "maximal": True},
    {"min_count": 601},
)


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("most_rows", [50, 400, 10**6])
def test_sets_of_blocks_are_those_in_memory(both, asked, most_rows, monkeypatch):
    held, blocks = both
    monkeypatch.setattr(
        block_sets.mine_blocks,
        "__kwdefaults__",
        {**block_sets.mine_blocks.__kwdefaults__, "most_rows": most_rows},
    )
    ours, theirs = (mine_itemsets(one, threads=1, **asked) for one in (blocks, held))
    assert ours.members == theirs.members
    assert ours.counts.tolist() == theirs.counts.tolist()
    assert ours.baskets.items == theirs.baskets.items


def test_rules_of_blocks_are_those_in_memory(both):
    held, blocks = both
    for asked in (
        {"min_count": 3},
        {"min_count": 4, "max_len": 3, "antecedent_kind": "drug", "consequent_kind": "outcome"},
        {"min_count": 6, "min_margin": 20, "metric": "lift", "min_threshold": 1.1},
    ):
        ours, theirs = (mine_rules(one, **asked) for one in (blocks, held))
        assert len(theirs) > 10
        assert (ours.m, ours.antecedents, ours.consequents) == (
            theirs.m, theirs.antecedents, theirs.consequents,
        )  # fmt: skip
        for name in ("p_fisher", "p_mid", "q_bh", "q_by", "improvement", "p_productive"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
        assert ours.table.n_ab.tolist() == theirs.table.n_ab.tolist()


def test_more_sets_than_memory_allows_are_refused(both):
    with pytest.raises(ArgumentError, match="max_memory_gb"):
        mine_itemsets(both[1], min_count=1, max_memory_gb=1e-6)


def test_nothing_is_left_on_the_disk(both, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    mine_itemsets(both[1], min_count=5, max_len=2)
    assert not list(tmp_path.iterdir())
