"""Cohen's kappa beside scikit-learn and at its limits."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from clinnlp.metrics.agreement import cohen_kappa


def test_kappa_equals_scikit_learn_and_lies_in_its_interval():
    rng = np.random.default_rng(0)
    a = rng.choice(["x", "y", "z"], 200)
    b = np.where(rng.random(200) < 0.6, a, rng.choice(["x", "y", "z"], 200))
    kappa = cohen_kappa(a.tolist(), b.tolist())
    assert kappa.value == pytest.approx(cohen_kappa_score(a, b))
    assert kappa.low < kappa.value < kappa.high
    assert 0.1 < kappa.high - kappa.low < 0.25


def test_limits():
    assert cohen_kappa(["a", "b"], ["a", "b"], n_boot=0).value == 1
    assert cohen_kappa(["a", "b"], ["b", "a"], n_boot=0).value == -1
    assert np.isnan(cohen_kappa(["a", "a"], ["a", "a"]).value)
