"""The plants of cohort-mini, checked by a screen written apart from the library."""

import numpy as np
import pytest
from scipy import special, stats

from clinnlp.study.synthetic.interactions import (
    additive_null,
    additive_p,
    plant_truth,
    threshold,
)
from clinnlp.study.synthetic.scenario import drug_codes, outcome_bases, plants
from clinnlp.study.synthetic.simulate import draw_cohort

N_SEEDS = 20
DRUGS, OUTCOMES = drug_codes(), list(outcome_bases())


def screen(taken, befell):
    """Return q, shape (outcomes, pairs), and the drugs of each pair."""
    x = taken.astype(np.float32)
    first, second = np.triu_indices(x.shape[1], 1)
    together = (x.T @ x).astype(float)
    alone = np.diag(together)
    n11 = together[first, second]
    n10, n01 = alone[first] - n11, alone[second] - n11
    n00 = len(x) - n11 - n10 - n01
    p = []
    for y in befell.T:
        k = (x[y].T @ x[y]).astype(float)
        single, k11 = np.diag(k), k[first, second]
        k10, k01 = single[first] - k11, single[second] - k11
        base = n11 / n00 * (y.sum() - k11 - k10 - k01)
        w10, w01 = n11 / np.maximum(n10, 1), n11 / np.maximum(n01, 1)
        mean = np.maximum(base, w10 * (k10 + 1)) + np.maximum(base, w01 * (k01 + 1)) - base
        var = n11 / n00 * base + w10**2 * (k10 + 1) + w01**2 * (k01 + 1)
        tested = (k11 > 0) & (n11 >= 20)
        r = np.where(tested, mean**2 / np.where(tested, var, 1), 1)
        tail = special.betainc(np.maximum(k11, 1), r, mean / (r + mean))  # negative binomial
        p.append(np.where(tested, tail, 1.0))
    return benjamini_hochberg(np.array(p)), (first, second)


def benjamini_hochberg(p):
    return stats.false_discovery_control(p.ravel()).reshape(p.shape)


@pytest.fixture(scope="module")
def truth():
    return plant_truth(draw_cohort(5, 5000), seed=5)


@pytest.fixture(scope="module")
def called():
    """Give for each of some seeds the called (pair, outcome)."""
    found = []
    for seed in range(N_SEEDS):
        cohort = draw_cohort(seed, 5000)
        q, (first, second) = screen(cohort.taken, cohort.befell)
        outcome, pair = np.nonzero(q < 0.05)
        found.append(
            {
                (frozenset((DRUGS[first[j]], DRUGS[second[j]])), OUTCOMES[i])
                for i, j in zip(outcome, pair, strict=True)
            }
        )
    return found


def test_single_guilty_and_confounded_pairs_are_not_called(called):
    for plant in plants():
        if plant.kind != "interaction":
            key = frozenset(plant.drugs), plant.outcome
            assert not any(key in signals for signals in called), plant


def test_no_pair_of_a_guilty_drug_is_called_for_its_outcome(called):
    guilty = {(p.drugs[0], p.outcome) for p in plants() if p.kind == "single_guilty"}
    bad = [key for signals in called for key in signals for d in key[0] if (d, key[1]) in guilty]
    assert len(bad) <= 1  # 4 drugs, 59 partners, 20 cohorts


def test_interactions_are_called_as_often_as_their_power_says(called, truth):
    strong = [plant for plant in truth if plant["must_signal"]]
    weak = [p for p in truth if p["kind"] == "interaction" and not p["must_signal"]]
    assert len(strong) >= 5
    assert len(weak) >= 2
    for plant in (*strong, *weak):
        key = frozenset(plant["drugs"]), plant["outcome"]
        rate = np.mean([key in signals for signals in called])
        assert rate >= 0.9 if plant["must_signal"] else 0.2 <= rate <= 0.95, plant["id"]


def test_few_unplanted_pairs_are_called(called):
    planted = {(frozenset(p.drugs), p.outcome) for p in plants()}
    assert np.mean([len(signals - planted) for signals in called]) <= 1.0


def test_confounded_pairs_look_bad_without_the_null():
    cohort = draw_cohort(3, 5000)
    for plant in plants():
        if plant.kind == "confounded":
            first, second = (cohort.taken[:, DRUGS.index(drug)] for drug in plant.drugs)
            both, y = first & second, cohort.befell[:, OUTCOMES.index(plant.outcome)]
            table = [[(both & y).sum(), (both & ~y).sum()], [(~both & y).sum(), (~both & ~y).sum()]]
            assert stats.fisher_exact(table, alternative="greater").pvalue < 1e-4
            assert y[both].mean() > 2 * y.mean()


def test_truth_says_what_must_and_must_not_be_found(truth):
    assert [plant["kind"] for plant in truth] == [plant.kind for plant in plants()]
    for plant in truth:
        is_interaction = plant["kind"] == "interaction"
        assert plant["must_not_signal"] != is_interaction
        assert plant["must_signal"] == (is_interaction and plant["power"] >= 0.9)
        assert plant["power"] <= 0.02 or is_interaction
        expected = plant["expected"]
        excess = expected["n_both_outcome"] - expected["n_both_outcome_additive"]
        assert excess > 5 if is_interaction else excess < 0.15 * expected["n_both_outcome"]


def test_threshold_counts_all_pairs_and_outcomes():
    found = threshold()
    assert found["n_candidates"] == 60 * 59 // 2 * 12
    assert found["p"] == pytest.approx(0.05 * 5 / found["n_candidates"])


def test_null_is_additive_for_rare_outcomes():
    n = np.array([1e6, 1e6, 1e6, 1e6])
    k = np.array([100.0, 300, 200, 0])
    assert additive_null(n, k) == pytest.approx(400, rel=1e-3)
    assert additive_p(n, np.array([100.0, 300, 200, 400])) == pytest.approx(0.5, abs=0.05)


def test_p_without_joint_stays_is_one():
    assert additive_p(np.array([9.0, 2, 2, 0]), np.array([1.0, 0, 0, 0])) == 1
    assert additive_p(np.array([9.0, 0, 2, 3]), np.array([1.0, 0, 0, 1])) == 1
