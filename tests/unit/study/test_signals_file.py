"""Interactions written to a file: what is read again is what one call gives."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.signals import ranked
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.study.mined_tables import read_signals, write_mined
from clinnlp.study.signals_file import write_interactions

LIMITS = {"min_count": 1, "min_margin": 5, "alpha": 0.9}


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(ranked, "_AT_ONCE", 40)
    draw = np.random.default_rng(12)
    rows = [
        (k, f"{kind[0]}{draw.integers(7)}", kind)
        for k in range(600)
        for kind in ("drug", "drug", "outcome")
    ]
    pd.DataFrame(rows, columns=["patient", "code", "kind"]).to_parquet(tmp_path / "rows.parquet")
    with basket_blocks(tmp_path / "rows.parquet") as made:
        yield made


def test_the_file_holds_the_rows_of_one_call(blocks, tmp_path):
    written = write_interactions(blocks, tmp_path / "ours.parquet", n_first=55, **LIMITS)
    whole = mine_interactions(blocks, adjust=False, **LIMITS)
    write_mined(whole, tmp_path / "theirs.parquet")
    ours, theirs = (pd.read_parquet(tmp_path / f"{k}.parquet") for k in ("ours", "theirs"))
    assert len(ours) > 100
    pd.testing.assert_frame_equal(ours, theirs)
    again = read_signals(written.path)
    assert (again.m, again.alpha, len(again.baskets)) == (whole.m, 0.9, 600)
    assert (len(written), written.m, written.n_called) == (
        len(whole), whole.m, int(whole["signal"].sum()),
    )  # fmt: skip
    pd.testing.assert_frame_equal(written.first.to_pandas(), whole.to_pandas().head(55))
    assert repr(written).startswith(
        f"WrittenSignals({written.n_called} with q < 0.9 of {len(whole)} "
    )


def test_without_rows_the_file_says_m(blocks, tmp_path):
    limits = {**LIMITS, "min_count": 500}
    written = write_interactions(blocks, tmp_path / "none.parquet", n_first=0, **limits)
    again = read_signals(tmp_path / "none.parquet")
    assert (len(written), len(again), len(written.first)) == (0, 0, 0)
    assert again.m == written.m > 0


def test_another_suffix_is_refused_before_any_work(blocks, tmp_path):
    with pytest.raises(ArgumentError, match=r"must be written to \.parquet"):
        write_interactions(blocks, tmp_path / "signals.csv")
    with pytest.raises(ArgumentError, match="n_first"):
        write_interactions(blocks, tmp_path / "signals.parquet", n_first=-1)
