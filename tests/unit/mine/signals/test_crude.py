"""What counts alone decide does not depend on how many rows are measured at once."""

import numpy as np

from clinnlp.mine.measures.additive import CELLS, PairCounts
from clinnlp.mine.signals import crude
from clinnlp.mine.signals.crude import COUNTS, crude_rows, joined_rows
from clinnlp.mine.signals.triplets import Candidates


def counted(n):
    draw = np.random.default_rng(3)
    totals = draw.integers(30, 900, (4, 1, n))
    cells = (*(draw.random((4, 1, n)) * totals).astype(np.int64), *totals)
    counts = PairCounts(**dict(zip(CELLS, cells, strict=True)))
    return np.arange(n) % 3, np.arange(n) % 5, counts


def test_rows_measured_in_pieces_are_those_measured_at_once(monkeypatch):
    found = Candidates(
        first=np.zeros(5, np.int64), second=np.arange(1, 6), outcomes=np.arange(3, dtype=np.int64)
    )
    whole = joined_rows(crude_rows(found, [counted(50)]))
    monkeypatch.setattr(crude, "_AT_ONCE", 8)
    parts = list(crude_rows(found, [counted(50)]))
    assert [len(part["target"]) for part in parts] == [8] * 6 + [2]
    again = joined_rows(parts)
    assert again.keys() == whole.keys()
    for name, column in whole.items():
        np.testing.assert_array_equal(again[name], column, err_msg=name)
    assert whole["second"].tolist() == [k % 5 + 1 for k in range(50)]
    assert (sum(whole[name] for name in COUNTS) > 0).all()


def test_without_parts_there_are_columns_without_rows():
    none = joined_rows([])
    assert {len(column) for column in none.values()} == {0}
    assert {*COUNTS, "omega025", "p_additive"} <= none.keys()
