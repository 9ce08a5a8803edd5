"""Baskets: which rows of a source stand behind their items."""

import numpy as np
from scipy import sparse

from clinnlp.core.baskets import Baskets


def test_rows_behind_are_mentions_in_baskets_that_hold_all_items():
    # basket 0: a (rows 0, 1), b (row 2); basket 1: a (row 3) only
    baskets = Baskets(
        matrix=sparse.csr_matrix(np.array([[1, 1], [1, 0]], np.int8)),
        ids=np.array(["p1", "p2"], object), items=("a", "b"), kinds=("drug", "drug"),
        unit="patient", evidence=np.array([[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 0, 3]]),
        entities=None, n_excluded={}, n_unassessed={},
    )  # fmt: skip
    assert baskets.rows_behind(["a", "b"]).tolist() == [0, 1, 2]
    assert baskets.rows_behind(["a"]).tolist() == [0, 1, 3]
    assert baskets.rows_behind([]).tolist() == []
