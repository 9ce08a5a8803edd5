"""Westfall-Young: right under the null, dependence kept, against an exhaustive permutation."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.measures import association
from clinnlp.mine.permute import westfall_young
from clinnlp.mine.rule_mining import mine_rules

KINDS = {"a": "drug", "b": "drug", "x": "outcome", "y": "outcome"}


def sided(held):
    return mine_rules(
        frame_baskets(pd.DataFrame(held), kinds=KINDS),
        min_count=1,
        antecedent_kind="drug",
        consequent_kind="outcome",
    )


def test_all_orders_of_few_baskets():
    held = {"a": [1, 1, 1, 0, 0, 0], "b": [0, 1, 1, 1, 0, 0], "x": [1, 1, 1, 0, 0, 0],
            "y": [0, 0, 1, 1, 0, 1]}  # fmt: skip
    rules = sided(held)
    x = np.array([held["a"], held["b"]])
    y = np.array([held["x"], held["y"]])
    least = []
    for order in permutations(range(6)):
        joint = x @ y[:, order].T
        t = Table2x2(n_ab=joint, n_a=x.sum(1)[:, None], n_b=y.sum(1)[None], n=np.int64(6))
        least.append(association.fisher_p(t).min())
    exact = [(np.array(least) <= p + 1e-9).mean() for p in rules.p_fisher]
    got = westfall_young(rules, n_permutations=600, seed=1)
    np.testing.assert_allclose(got, exact, atol=4 * np.sqrt(0.25 / 600))


@pytest.mark.slow
def test_family_wise_error_under_the_null():
    n_runs, wrong = 30, 0
    for seed in range(n_runs):
        rng = np.random.default_rng([3, seed])
        a = rng.random(150) < 0.4
        x = rng.random(150) < 0.3
        held = {"a": a, "b": a ^ (rng.random(150) < 0.05), "x": x, "y": rng.random(150) < 0.4}
        rules = sided(held)
        wrong += bool((westfall_young(rules, n_permutations=99, seed=seed) <= 0.05).any())
    assert wrong / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_what_strata_explain_is_not_called():
    rng = np.random.default_rng(4)
    ill = rng.random(1200) < 0.5
    held = {"a": rng.random(1200) < np.where(ill, 0.7, 0.2), "b": rng.random(1200) < 0.3}
    held |= {"x": rng.random(1200) < np.where(ill, 0.6, 0.1), "y": rng.random(1200) < 0.3}
    rules = sided(held)
    at = next(i for i, a in enumerate(rules.antecedents)
              if a == {"a"} and rules.consequents[i] == {"x"})  # fmt: skip
    assert westfall_young(rules, n_permutations=99)[at] == 0.01
    within = westfall_young(rules, n_permutations=99, strata=ill.astype(np.int64))
    assert within[at] > 0.01


def test_longer_sides_are_candidates_too():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.random((80, 4)) < 0.5, columns=list("abcd"))
    rules = mine_rules(frame_baskets(frame), min_count=3, max_len=3)
    p = westfall_young(rules, n_permutations=19)
    assert len(p) == len(rules)
    assert (p >= 0.05).all()
    assert (np.diff(p[np.argsort(rules.p_fisher, kind="stable")]) >= 0).all()


def test_bad_arguments_are_refused():
    rules = sided({name: [1, 0] * 10 for name in KINDS})
    with pytest.raises(ArgumentError, match="n_permutations"):
        westfall_young(rules, n_permutations=0)
