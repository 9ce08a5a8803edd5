"""What is stated in the screen: a binomial of the others, blame of pairs, weights of mean 1."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.screen import q_values
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.signals.stated_tests import tests_of_stated as stated_tests

KINDS = {"a": "drug", "b": "drug", "c": "drug", "o": "outcome"}
NONE = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def sets():
    rng, n = np.random.default_rng(1), 4000
    held = {name: rng.random(n) < 0.3 for name in "abc"}
    held["o"] = rng.random(n) < 0.1
    return frame_baskets(pd.DataFrame(held), kinds=KINDS)


def holding(sets, present, absent=""):
    x = sets.matrix.toarray().astype(bool)
    mask = np.ones(len(sets), bool)
    for name in present:
        mask &= x[:, sets.items.index(name)]
    for name in absent:
        mask &= ~x[:, sets.items.index(name)]
    return np.flatnonzero(mask)


def test_a_single_drug_is_held_to_what_is_said_of_the_others(sets):
    signals = mine_signals(sets, min_count=1)
    n = dict(zip(signals["drug"], signals["n_both"], strict=True))
    told = {("a", "o"): holding(sets, "ao")[:12], ("b", "o"): holding(sets, "bo")[:2]}
    found = stated_tests(signals, told)
    p = dict(zip(signals["drug"], found["p_stated"], strict=True))
    everywhere = 14 / sum(n.values())
    rate = (2 + everywhere) / (n["b"] + n["c"] + 1)
    assert p["a"] == pytest.approx(stats.binom.sf(11, n["a"], rate))
    assert p["a"] < 1e-4 < p["b"]
    assert p["c"] == 1


def test_baskets_that_state_it_without_holding_both_do_not_count(sets):
    signals = mine_signals(sets, min_count=1)
    elsewhere = np.setdiff1d(np.arange(len(sets)), holding(sets, "ao"))
    found = stated_tests(signals, {("a", "o"): elsewhere})
    assert (found["p_stated"] == 1).all()


def test_no_statement_leaves_q_as_it_is(sets):
    for signals in (mine_signals(sets), mine_interactions(sets, adjust=False)):
        found = stated_tests(signals, {})
        assert (found["p_stated"] == 1).all()
        assert found["q_stated"] == pytest.approx(signals["q_bh"])


def test_weights_have_mean_one_over_all_candidates(sets):
    signals = replace(mine_signals(sets, min_count=1), m=40)
    told = {("a", "o"): holding(sets, "ao")[:12]}
    found = stated_tests(signals, told)
    is_stated = found["p_stated"] < 0.05
    assert is_stated.sum() == 1
    weight = np.where(is_stated, 0.5 * 40 / 1, 0.5 * 40 / 39)
    assert weight[is_stated].sum() + weight[~is_stated][0] * 39 == pytest.approx(40)
    expected = q_values(np.minimum(signals["p"] / weight, 1), 40)
    assert found["q_stated"] == pytest.approx(expected)


@pytest.mark.parametrize("guilty", ["a", "ab"])
def test_drugs_that_are_blamed_alone_too_make_no_stated_pair(sets, guilty):
    """Blame for both of them in a fifth of their outcomes is what the single drugs explain."""
    rng, told = np.random.default_rng(2), {}
    for drug in guilty:
        rows = holding(sets, drug + "o")
        told[drug, "o"] = rows[rng.random(len(rows)) < 0.2]
    signals = mine_interactions(sets, min_count=1, min_margin=1, adjust=False)
    found = stated_tests(signals, told)
    assert (found["p_stated"] > 0.01).all()


def test_blame_of_both_where_both_are_taken_is_a_stated_pair(sets):
    both, told = holding(sets, "abo"), {}
    for drug, part in (("a", slice(0, None, 2)), ("b", slice(1, None, 2))):
        alone = holding(sets, drug + "o", "ab".replace(drug, ""))
        told[drug, "o"] = np.union1d(both[part], alone[:1])
    signals = mine_interactions(sets, min_count=1, min_margin=1, adjust=False)
    found = stated_tests(signals, told)
    pairs = [set(pair) for pair in zip(signals["drug_1"], signals["drug_2"], strict=True)]
    row = pairs.index({"a", "b"})
    assert found["p_stated"][row] < 1e-4
    assert (np.delete(found["p_stated"], row) > 0.01).all()


def test_blame_of_one_drug_alone_is_none_of_the_pair(sets):
    told = {("a", "o"): holding(sets, "abo")}
    signals = mine_interactions(sets, min_count=1, min_margin=1, adjust=False)
    assert (stated_tests(signals, told)["p_stated"] == 1).all()


def test_without_an_effect_few_are_called_whatever_is_stated():
    """Statements at random: the share of runs with a false call stays near alpha."""
    rng, n_calls = np.random.default_rng(5), 0
    for _ in range(30):
        held = {name: rng.random(600) < 0.3 for name in "abc"} | {"o": rng.random(600) < 0.2}
        sets = frame_baskets(pd.DataFrame(held), kinds=KINDS)
        rows = holding(sets, "ao")
        told = {("a", "o"): rows[rng.random(len(rows)) < 0.5]}
        signals = mine_signals(sets, min_count=1)
        n_calls += stated_tests(signals, told)["signal_stated"].any()
    assert n_calls <= stats.binom.ppf(0.999, 30, 0.05)
