"""The adjusted additive null: the crude one where nothing confounds, right where something does."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.mine.measures.additive import additive_null, additive_p
from clinnlp.mine.signals.adjust import AdditiveModel
from clinnlp.mine.signals.triplets import candidates, count_triplets


def draw(rng, p):
    return rng.random(len(p)) < p


def crude_null(drugs, outcome):
    d, y = sparse.csr_matrix(drugs), sparse.csr_matrix(outcome[:, None])
    found = candidates(d, y, min_margin=1)
    strata = np.zeros(len(drugs), np.int64)
    _, _, counts = next(count_triplets(d, y, found, min_count=1, strata=strata))
    return additive_null(counts)


def test_two_drugs_alone_give_the_crude_null():
    rng = np.random.default_rng(0)
    drugs = rng.random((4000, 2)) < [0.2, 0.3]
    outcome = draw(rng, 0.02 + 0.05 * drugs[:, 0] + 0.03 * drugs[:, 1])
    model = AdditiveModel(sparse.csr_matrix(drugs), sparse.csr_matrix((4000, 0)))
    adjusted, crude = model.null((0, 1), outcome.astype(float)), crude_null(drugs, outcome)
    assert adjusted.n_joint == crude.n_joint
    assert adjusted.mean == pytest.approx(crude.mean, rel=1e-5)
    assert adjusted.variance == pytest.approx(crude.variance, rel=1e-5)


def confounded(rng, n=6000):
    """Both drugs mostly for the condition, half of it among takers of one; it alone harms."""
    ill = rng.random(n) < 0.15
    drugs = rng.random((n, 2)) < np.where(ill[:, None], 0.45, 0.08)
    return ill, drugs, draw(rng, 0.01 + 0.25 * ill)


def test_confounding_by_indication_is_adjusted_away():
    n_runs, crude, adjusted = 100, 0, 0
    for seed in range(n_runs):
        ill, drugs, outcome = confounded(np.random.default_rng([1, seed]))
        crude += additive_p(crude_null(drugs, outcome))[0] < 0.05
        model = AdditiveModel(sparse.csr_matrix(drugs), sparse.csr_matrix(ill[:, None]))
        adjusted += additive_p(model.null((0, 1), outcome.astype(float)))[0] < 0.05
    assert crude > 0.25 * n_runs  # the case is a real one
    assert adjusted / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_the_shadow_of_a_stronger_pair_goes_with_its_term():
    """Drug 2 is often taken with drug 1; only 0 + 1 interact, 0 + 2 looks as if it did."""
    rng = np.random.default_rng(2)
    drugs = rng.random((20000, 3)) < [0.1, 0.1, 0.05]
    drugs[:, 2] |= drugs[:, 1] & (rng.random(20000) < 0.5)
    outcome = draw(rng, 0.01 + 0.3 * (drugs[:, 0] & drugs[:, 1])).astype(float)
    model = AdditiveModel(sparse.csr_matrix(drugs), sparse.csr_matrix((20000, 0)))
    assert additive_p(model.null((0, 2), outcome))[0] < 0.001
    assert additive_p(model.null((0, 2), outcome, [(0, 1)]))[0] > 0.05
    assert additive_p(model.null((0, 1), outcome, [(0, 2)]))[0] < 0.001


def test_a_term_that_nothing_can_tell_does_no_harm():
    drugs = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]] * 20, bool)
    outcome = np.array([1, 0, 0, 0] * 20, float)
    model = AdditiveModel(sparse.csr_matrix(drugs), sparse.csr_matrix((80, 0)))
    null = model.null((0, 1), outcome, [(0, 2), (1, 2)])  # drug 2 only with both
    assert np.isfinite([null.mean, null.variance]).all()
    assert additive_p(null)[0] < 0.001
