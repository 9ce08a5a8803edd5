"""The adjusted additive null: the crude one where nothing confounds, right where something does."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.mine.measures.additive import additive_null, additive_p
from clinnlp.mine.signals.adjust import AdditiveModel, Asked
from clinnlp.mine.signals.shared_solve import SharedSolve
from clinnlp.mine.signals.triplets import candidates, count_triplets
from tests.unit.mine.signals import additive_oracle


def draw(rng, p):
    return rng.random(len(p)) < p


def adjusted_null(drugs, others, pair, outcome, beside=()):
    y = sparse.csc_matrix(np.asarray(outcome)[:, None])
    model = AdditiveModel(sparse.csr_matrix(drugs), sparse.csr_matrix(others), y)
    return model.nulls([Asked(pair=pair, outcome=0, beside=beside)])


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
    none = sparse.csr_matrix((4000, 0))
    adjusted, crude = adjusted_null(drugs, none, (0, 1), outcome), crude_null(drugs, outcome)
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
        adjusted += additive_p(adjusted_null(drugs, ill[:, None], (0, 1), outcome))[0] < 0.05
    assert crude > 0.25 * n_runs  # the case is a real one
    assert adjusted / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_the_shadow_of_a_stronger_pair_goes_with_its_term():
    """Drug 2 is often taken with drug 1; only 0 + 1 interact, 0 + 2 looks as if it did."""
    rng = np.random.default_rng(2)
    drugs = rng.random((20000, 3)) < [0.1, 0.1, 0.05]
    drugs[:, 2] |= drugs[:, 1] & (rng.random(20000) < 0.5)
    outcome = draw(rng, 0.01 + 0.3 * (drugs[:, 0] & drugs[:, 1]))
    none = sparse.csr_matrix((20000, 0))
    assert additive_p(adjusted_null(drugs, none, (0, 2), outcome))[0] < 0.001
    assert additive_p(adjusted_null(drugs, none, (0, 2), outcome, [(0, 1)]))[0] > 0.05
    assert additive_p(adjusted_null(drugs, none, (0, 1), outcome, [(0, 2)]))[0] < 0.001


def test_a_term_that_nothing_can_tell_does_no_harm():
    drugs = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]] * 20, bool)
    outcome, none = np.array([1, 0, 0, 0] * 20, bool), sparse.csr_matrix((80, 0))
    beside = [(0, 2), (1, 2)]  # drug 2 only with both
    null = adjusted_null(drugs, none, (0, 1), outcome, beside)
    assert np.isfinite([null.mean, null.variance]).all()
    assert additive_p(null)[0] < 0.001


def drawn_baskets(seed, *, alike):
    """Draw common and rare drugs, some of which only ever stand together, two pairs that harm."""
    rng = np.random.default_rng([3, seed])
    n, n_drugs = int(rng.integers(300, 2500)), int(rng.integers(10, 50))
    drugs = rng.random((n, n_drugs)) < rng.choice([0.3, 0.1, 0.02, 0.003], n_drugs)
    if alike:
        drugs[:, 3] = drugs[:, 4]
        drugs[:, 5] &= drugs[:, 6]
    others = rng.random((n, 3)) < 0.2
    harm = drugs[:, :1] & drugs[:, 1:2] | drugs[:, 1:2] & drugs[:, 2:3]
    outcomes = rng.random((n, 4)) < 0.02 + 0.1 * drugs[:, :1] + 0.1 * others[:, :1] + 0.3 * harm
    return rng, drugs, others, outcomes


def asked_of(rng, drugs, n):
    """Draw candidates, some beside other pairs."""
    both = drugs.T.astype(int) @ drugs
    alone = np.minimum(np.diag(both)[:, None], np.diag(both)) - both
    pairs = [*zip(*np.nonzero(np.triu((both >= 3) & (alone >= 3), 1)), strict=True)]
    for _ in range(n):
        pair, *beside = rng.permutation(len(pairs))[: rng.integers(1, 6)]
        yield Asked(
            pair=tuple(map(int, pairs[pair])),
            outcome=int(rng.integers(4)),
            beside=[tuple(map(int, pairs[k])) for k in beside],
        )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n", [2, 30])  # few are factorized, many share an inverse
@pytest.mark.parametrize(("alike", "within"), [(False, 1e-9), (True, 1e-7)])
def test_many_at_once_are_each_alone(seed, n, alike, within):
    """Where only the ridge tells drugs apart the last digits are rounding, of either way."""
    rng, drugs, others, outcomes = drawn_baskets(seed, alike=alike)
    drugs, others = sparse.csr_matrix(drugs), sparse.csr_matrix(others)
    asked = [*asked_of(rng, drugs.toarray(), n)]
    nulls = AdditiveModel(drugs, others, sparse.csc_matrix(outcomes)).nulls(asked)
    oracle = additive_oracle.AdditiveModel(drugs, others)
    for i, one in enumerate(asked):
        null = oracle.null(one.pair, outcomes[:, one.outcome].astype(float), one.beside)
        for name in ("n_joint", "n_pair", "expected", "mean", "variance"):
            expected = getattr(null, name)[0]
            assert getattr(nulls, name)[i] == pytest.approx(expected, rel=within, abs=within), name


def n_solved(monkeypatch, model, asked):
    """Return how many right sides are solved for some candidates."""
    sides, solve = [], SharedSolve.solve

    def counted(self, left, b, *more):
        sides.extend(one.shape[1] for one in b)
        return solve(self, left, b, *more)

    with monkeypatch.context() as patched:
        patched.setattr(SharedSolve, "solve", counted)
        model.nulls(asked)
    return sum(sides)


def test_work_grows_with_candidates_and_not_with_their_squares(monkeypatch):
    rng, drugs, others, outcomes = drawn_baskets(0, alike=False)
    drugs, others = sparse.csr_matrix(drugs), sparse.csr_matrix(others)
    model = AdditiveModel(drugs, others, sparse.csc_matrix(outcomes))
    pairs = list(dict.fromkeys(one.pair for one in asked_of(rng, drugs.toarray(), 20)))
    beside = [
        Asked(pair=pair, outcome=0, beside=[of for of in pairs if of != pair]) for pair in pairs
    ]
    assert len(pairs) > 8
    assert n_solved(monkeypatch, model, beside) == 2 * len(pairs)
    of_one_pair = [Asked(pair=pairs[0], outcome=k) for k in range(4)]
    assert n_solved(monkeypatch, model, of_one_pair) == 1 + 4
