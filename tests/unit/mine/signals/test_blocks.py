"""Baskets in blocks on the disk: the same signals and interactions, cell for cell."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.sets.pairs import pair_counts
from clinnlp.mine.signals import blocks as blocks_module
from clinnlp.mine.signals.blocks import block_triplets, count_block_triplets, pairs_of_blocks
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions


@pytest.fixture(scope="module")
def rows():
    """Give rows of 3,000 reports in random order, some twice, and some of another kind."""
    draw = np.random.default_rng(7)
    n, sizes = 3_000, draw.integers(1, 7, 3_000)
    report = np.repeat(np.arange(n), sizes)
    drug = draw.random(len(report)) < 0.6
    code = np.where(drug, draw.geometric(0.15, len(report)), draw.geometric(0.2, len(report)))
    made = pd.DataFrame(
        {
            "patient": [f"r{k}" for k in report],
            "code": [
                f"{'d' if is_drug else 'e'}{k:02d}" for is_drug, k in zip(drug, code, strict=True)
            ],
            "kind": np.where(drug, "drug", "outcome"),
        }
    )
    other = pd.DataFrame({"patient": ["r0", "x1"], "code": "c", "kind": "visit"})
    made = pd.concat([made, made.sample(300, random_state=1), other])
    return made.sample(frac=1, random_state=2).reset_index(drop=True)


@pytest.fixture(scope="module")
def both(rows, tmp_path_factory):
    """Give the baskets in memory, and in blocks of a few hundred rows."""
    folder = tmp_path_factory.mktemp("rows")
    half = len(rows) // 2
    for k, part in enumerate((rows[:half], rows[half:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), folder / f"{k}.parquet")
    held = event_baskets(EventTable.from_pandas(rows), unit="patient", fold_terms=False)
    with basket_blocks(folder, kinds=("drug", "outcome"), rows_per_block=1_500) as blocks:
        assert blocks.n_blocks > 5
        yield held, blocks


def equal(ours, theirs):
    assert (ours.m, len(ours)) == (theirs.m, len(theirs))
    assert len(ours) > 20
    assert ours.columns.keys() == theirs.columns.keys()
    for name, column in theirs.columns.items():
        if column.dtype == object:
            assert ours.columns[name].tolist() == column.tolist(), name
        else:
            np.testing.assert_array_equal(ours.columns[name], column, err_msg=name)


def test_blocks_hold_the_baskets_in_memory(both):
    held, blocks = both
    assert (blocks.items, blocks.kinds, len(blocks)) == (held.items, held.kinds, len(held))
    assert blocks.n_each.tolist() == held.matrix.sum(axis=0, dtype=int).tolist()[0]
    rows = sorted(tuple(row) for block in blocks for row in block.toarray().tolist())
    assert rows == sorted(map(tuple, held.matrix.toarray().tolist()))
    assert (repr(blocks.counts()), blocks.unit) == (
        f"BasketCounts({len(held)} x {len(held.items)} items, unit='patient')", "patient",
    )  # fmt: skip


def test_signals_of_blocks_are_those_in_memory(both):
    held, blocks = both
    for options in ({}, {"min_count": 1, "min_margin": 1}, {"prior": "openebgm", "level": 0.9}):
        equal(mine_signals(blocks, **options), mine_signals(held, **options))


def test_interactions_of_blocks_are_those_in_memory(both, monkeypatch):
    held, blocks = both
    monkeypatch.setattr(blocks_module, "_FILE_ROWS", 500)
    for options in ({"min_margin": 10}, {"min_count": 1, "min_margin": 3}):
        ours = mine_interactions(blocks, adjust=False, **options)
        equal(ours, mine_interactions(held, adjust=False, **options))


def test_files_of_outcomes_do_not_change_what_is_counted(both):
    _, blocks = both
    is_drug, is_outcome = (np.array(blocks.kinds) == kind for kind in ("drug", "outcome"))
    found, whole = block_triplets(
        blocks, is_drug, is_outcome, min_count=2, min_margin=5, max_memory_gb=1
    )
    met = pairs_of_blocks(blocks, is_drug, min_count=5)
    few = count_block_triplets(
        blocks, found, is_drug, is_outcome, met, min_count=2, max_memory_gb=1, file_rows=200
    )
    told = [
        np.concatenate([np.stack([t, p, c.y11[0], c.n10[0]]) for t, p, c in counted], axis=1)
        for counted in (whole, few)
    ]
    assert told[0].shape[1] > 50
    assert np.array_equal(*told)


def test_pairs_of_blocks_are_those_in_memory(both):
    held, blocks = both
    is_drug = np.array(held.kinds) == "drug"
    ours = pairs_of_blocks(blocks, is_drug, min_count=4)
    theirs = pair_counts(held.matrix[:, is_drug], min_count=4)
    assert (ours != theirs).nnz == 0


def test_what_needs_baskets_in_memory_is_refused(both):
    held, blocks = both
    with pytest.raises(ArgumentError, match="must be mined without adjust, got it"):
        mine_interactions(blocks)
    with pytest.raises(ArgumentError, match="without strata"):
        mine_signals(blocks, strata=["d01"])
    with pytest.raises(ArgumentError, match="kind 'food'"):
        mine_signals(blocks, drug_kind="food")
    assert len(held) == len(blocks)


def test_blocks_are_gone_after_their_with_statement(tmp_path):
    pq.write_table(
        pa.table({"patient": [1, 1], "code": ["a", "b"], "kind": ["drug", "outcome"]}),
        tmp_path / "a.parquet",
    )
    with basket_blocks(tmp_path / "a.parquet") as blocks:
        assert [block.toarray().tolist() for block in blocks] == [[[1, 1]]]
        folder = blocks.folder
    assert not folder.exists()
    with pytest.raises(ArgumentError, match="inside the with statement"):
        list(blocks)
