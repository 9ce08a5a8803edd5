"""Replication on a held-out half: no patient in both, counts of the second half alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.replicate import halves, replicate
from clinnlp.mine.rule_mining import mine_rules


def world(seed=0, n=1500):
    rng = np.random.default_rng(seed)
    a = rng.random(n) < 0.3
    frame = pd.DataFrame({"a": a, "b": rng.random(n) < 0.2 + 0.3 * a, "c": rng.random(n) < 0.3})
    return frame_baskets(frame)


def test_no_patient_stands_in_both_halves():
    patients = [f"p{k // 3}" for k in range(len(world()))]
    baskets = replace(world(), patients=np.array(patients, object))
    one, two = halves(baskets, patients=patients, seed=3)
    owner = dict(zip(baskets.ids.tolist(), patients, strict=True))
    assert not {owner[i] for i in one.ids} & {owner[i] for i in two.ids}
    assert one.patients.tolist() == [owner[i] for i in one.ids]
    assert len(one) + len(two) == len(baskets)
    assert (one.matrix.sum() + two.matrix.sum()) == baskets.matrix.sum()


def test_a_true_rule_replicates_with_its_own_counts():
    one, two = halves(world())
    rules = mine_rules(one)
    found = replicate(rules, two)
    assert len(found) == int(rules.significant.sum()) >= 2
    assert found.replicated.all()
    frame = pd.DataFrame(two.matrix.toarray().astype(bool), columns=list(two.items))
    for i, (a, c) in enumerate(zip(found.antecedents, found.consequents, strict=True)):
        both = frame[list(a | c)].all(axis=1).sum()
        assert found.second.n_ab[i] == both
    np.testing.assert_array_equal(found.p_fisher, fisher_p(found.second))
    assert found.to_pandas()["replicated"].all()


def test_what_luck_called_does_not_replicate():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.random((800, 12)) < 0.3)
    one, two = halves(frame_baskets(frame.rename(columns=str)))
    rules = mine_rules(one, alpha=1.0)  # everything
    assert len(rules) > 100
    strict = replicate(rules, two)
    assert (strict.q_bh < 0.05).sum() <= 2


def test_the_mined_baskets_are_refused():
    baskets = world()
    with pytest.raises(ArgumentError, match="must not hold"):
        replicate(mine_rules(baskets), baskets)
    with pytest.raises(ArgumentError, match="patients"):
        halves(baskets, patients=["p"])
    with pytest.raises(ArgumentError, match="share"):
        halves(baskets, share=2)
