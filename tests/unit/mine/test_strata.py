"""Strata by items or by numbers."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.strata import strata_of

BASKETS = frame_baskets(pd.DataFrame({"a": [1, 0, 1, 0], "b": [1, 1, 0, 0]}))


def test_combinations_of_items():
    groups = strata_of(BASKETS, ["a", "b"])
    assert len(set(groups.tolist())) == 4
    assert strata_of(BASKETS, ["a"]).tolist() == [1, 0, 1, 0]
    assert strata_of(BASKETS, None).tolist() == [0, 0, 0, 0]


def test_numbers_become_dense():
    assert strata_of(BASKETS, np.array([7, 2, 7, 9])).tolist() == [1, 0, 1, 2]


@pytest.mark.parametrize("bad", [np.zeros(3, int), np.zeros(4), np.full(4, -1), ["c"]])
def test_others_are_refused(bad):
    with pytest.raises(ArgumentError, match="strata"):
        strata_of(BASKETS, bad)
