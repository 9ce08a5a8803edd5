"""Counts of given rules by stratum, against pandas."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.tallies import rule_tables


def test_tables_are_pandas():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((300, 4)) < 0.4, columns=list("abcd"))
    groups = rng.integers(0, 3, 300)
    sides = [({"a"}, {"b"}), ({"a", "b"}, {"c"}), ({"d"}, {"a", "b", "c"})]
    t = rule_tables(frame_baskets(frame), [(frozenset(a), frozenset(c)) for a, c in sides], groups)
    for s in range(3):
        part = frame[groups == s]
        for k, (a, c) in enumerate(sides):
            held = [part[list(x)].all(axis=1) for x in (a, c)]
            assert t.n_ab[s, k] == (held[0] & held[1]).sum()
            assert (t.n_a[s, k], t.n_b[s, k], t.n[s, k]) == (
                held[0].sum(), held[1].sum(), len(part),
            )  # fmt: skip


def test_no_rules_and_unknown_items():
    baskets = frame_baskets(pd.DataFrame({"a": [1, 0]}))
    assert rule_tables(baskets, []).n.shape == (1, 0)
    with pytest.raises(ArgumentError, match="stand in the baskets"):
        rule_tables(baskets, [(frozenset("a"), frozenset("z"))])
