"""What is no baskets of drugs and outcomes is refused with the way to what was meant."""

import pandas as pd
import pyarrow as pa
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.pair_counts import PairCounts
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions


@pytest.mark.parametrize("mine", [mine_signals, mine_interactions])
@pytest.mark.parametrize("make", [pd.DataFrame, pa.Table.from_pandas, PairCounts.from_table])
def test_who_gives_counts_for_reports_is_shown_the_way(mine, make):
    row = {"drug": ["x"], "event": ["y"], "a": [2], "n_drug": [5], "n_event": [4], "n": [90]}
    with pytest.raises(ArgumentError, match=r"clinnlp\.mine_counts"):
        mine(make(pd.DataFrame(row)))


@pytest.mark.parametrize("mine", [mine_signals, mine_interactions])
@pytest.mark.parametrize("data", [None, [["a", "b"]], pd.DataFrame({"drug": ["x"], "n": [1]})])
def test_who_gives_anything_else_is_told_of_baskets(mine, data):
    with pytest.raises(ArgumentError, match=r"clinnlp\.frame_baskets") as caught:
        mine(data)
    assert "mine_counts" not in str(caught.value)
