"""Benjamini-Hochberg over the true number of candidates."""

import numpy as np
import pytest
from scipy import stats

from clinnlp.core.errors import ArgumentError
from clinnlp.mine.screen import q_values


def test_with_all_candidates_tested_it_is_scipys():
    p = np.random.default_rng(0).uniform(size=200) ** 3
    np.testing.assert_allclose(q_values(p, 200), stats.false_discovery_control(p), rtol=1e-12)


def test_pruned_candidates_enter_with_p_one():
    p = np.random.default_rng(1).uniform(size=50) ** 4
    full = stats.false_discovery_control(np.concatenate([p, np.ones(950)]))
    np.testing.assert_allclose(q_values(p, 1000), full[:50], rtol=1e-12)


def test_by_is_scipys():
    p = np.random.default_rng(2).uniform(size=300) ** 3
    truth = stats.false_discovery_control(p, method="by")
    np.testing.assert_allclose(q_values(p, 300, method="by"), truth, rtol=1e-12)
    with pytest.raises(ArgumentError, match="method"):
        q_values(p, 300, method="holm")


def test_no_test_gives_no_q():
    assert q_values([], 10).shape == (0,)


@pytest.mark.parametrize(
    ("p", "m"), [([0.5, 0.5], 1), ([1.2], 3), ([float("nan")], 3), ([-0.1], 3)]
)
def test_bad_input_is_refused(p, m):
    with pytest.raises(ArgumentError):
        q_values(p, m)
