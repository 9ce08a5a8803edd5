"""Signals that come in parts are those of one call, cell for cell."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.signals import blocks as blocks_module
from clinnlp.mine.signals import crude, ranked
from clinnlp.mine.signals.interaction_parts import interaction_parts
from clinnlp.mine.signals.interactions import mine_interactions

LIMITS = {"drug_kind": "drug", "outcome_kind": "outcome", "min_count": 2, "min_margin": 4,
          "alpha": 0.9}  # fmt: skip


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(11)
    rows = [
        (f"r{k}", f"{kind[0]}{draw.geometric(0.2)}", kind)
        for k in range(1_200)
        for kind in ("drug", "drug", "drug", "outcome", "outcome")
    ]
    return pd.DataFrame(rows, columns=["patient", "code", "kind"])


@pytest.fixture
def blocks(frame, tmp_path, monkeypatch):
    """Give blocks, files of outcomes, pieces and parts that are tiny."""
    monkeypatch.setattr(blocks_module, "_FILE_ROWS", 300)
    monkeypatch.setattr(crude, "_AT_ONCE", 9)
    monkeypatch.setattr(ranked, "_AT_ONCE", 50)
    frame.to_parquet(tmp_path / "rows.parquet")
    with basket_blocks(tmp_path / "rows.parquet", rows_per_block=500) as made:
        yield made


def test_parts_are_the_rows_of_one_call(frame, blocks):
    held = event_baskets(EventTable.from_pandas(frame), unit="patient", fold_terms=False)
    expected = mine_interactions(held, adjust=False, **LIMITS)
    assert len(expected) > 300
    with interaction_parts(blocks, max_memory_gb=1, **LIMITS) as found:
        parts = list(found.parts)
        assert (found.n, found.m, found.n_called) == (
            len(expected), expected.m, int(expected["signal"].sum()),
        )  # fmt: skip
    assert [len(part) for part in parts[:-1]] == [50] * (len(expected) // 50)
    assert {part.m for part in parts} == {expected.m}
    for name, column in expected.columns.items():
        ours = np.concatenate([part.columns[name] for part in parts])
        if column.dtype == object:
            assert ours.tolist() == column.tolist(), name
        else:
            np.testing.assert_array_equal(ours, column, err_msg=name)


def test_where_nothing_meets_there_is_one_part_without_rows(blocks):
    limits = {**LIMITS, "min_count": 5_000}
    with interaction_parts(blocks, max_memory_gb=1, **limits) as found:
        (part,) = found.parts
    assert (len(part), found.n, part.m) == (0, 0, found.m)
    assert found.m > 0


def test_baskets_in_memory_are_told_the_other_function(frame):
    held = event_baskets(EventTable.from_pandas(frame), unit="patient", fold_terms=False)
    with (
        pytest.raises(ArgumentError, match=r"got Baskets; use clinnlp\.mine_interactions"),
        interaction_parts(held, max_memory_gb=1, **LIMITS),
    ):
        pass
