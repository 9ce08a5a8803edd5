"""Rules: counts, candidates, order, evidence, and no false calls under independence."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable
from clinnlp.features.baskets import baskets as entity_baskets
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.measures import association
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import MEASURES


def random_baskets(seed=0, n=120, kinds="item"):
    rng = np.random.default_rng(seed)
    held = rng.random((n, 6)) < [0.5, 0.4, 0.3, 0.2, 0.1, 0.02]
    held[:, 1] |= held[:, 0] & (rng.random(n) < 0.6)
    return frame_baskets(pd.DataFrame(held, columns=list("abcdef")), kinds=kinds)


def count(baskets, names):
    places = [baskets.items.index(name) for name in names]
    return int((baskets.matrix[:, places].toarray().sum(axis=1) == len(places)).sum())


def naive_m(baskets, margin, max_len, left_kind=None, right_kind=None):
    def sides(kind):
        named = [
            name for name, k in zip(baskets.items, baskets.kinds, strict=True) if kind in (None, k)
        ]
        return [
            set(names)
            for size in range(1, max_len)
            for names in combinations(named, size)
            if count(baskets, names) >= margin
        ]

    return sum(
        not (a & c) and len(a) + len(c) <= max_len
        for a in sides(left_kind)
        for c in sides(right_kind)
    )


@pytest.mark.parametrize("max_len", [2, 3, 4])
def test_counts_and_m_are_the_naive_ones(max_len):
    baskets = random_baskets()
    rules = mine_rules(baskets, min_count=5, max_len=max_len)
    assert rules.m == naive_m(baskets, 5, max_len)
    t = rules.table
    for i, (a, c) in enumerate(zip(rules.antecedents, rules.consequents, strict=True)):
        expected = (count(baskets, a | c), count(baskets, a), count(baskets, c), 120)
        assert (t.n_ab[i], t.n_a[i], t.n_b[i], t.n[i]) == expected
        assert not a & c
    pairs = {(a, c) for a, c in zip(rules.antecedents, rules.consequents, strict=True)}
    assert len(pairs) == len(rules)


def test_m_depends_on_margins_not_on_joint_counts():
    baskets = random_baskets()
    m = {mine_rules(baskets, min_count=k, min_margin=10).m for k in (1, 5, 30)}
    assert m == {naive_m(baskets, 10, 2)}


def test_kinds_fix_the_sides():
    baskets = random_baskets(kinds={"a": "drug", "b": "drug", "c": "outcome", "d": "outcome"})
    rules = mine_rules(
        baskets, min_count=1, max_len=3, antecedent_kind="drug", consequent_kind="outcome"
    )
    assert {frozenset("ab")} <= set(rules.antecedents)
    assert all(a <= {"a", "b"} and c <= {"c", "d"} for a, c in rules._sides())
    assert rules.m == naive_m(baskets, 1, 3, "drug", "outcome")
    one_sided = mine_rules(baskets, min_count=1, consequent_kind="outcome")
    assert one_sided.m == naive_m(baskets, 1, 2, None, "outcome")


def test_order_is_by_q_then_by_falling_lift():
    rules = mine_rules(random_baskets(), min_count=1, max_len=3)
    keys = list(zip(rules.q_bh, -rules["lift"], strict=True))
    assert keys == sorted(keys)


def test_pandas_has_mlxtends_columns_first():
    frame = mine_rules(random_baskets()).to_pandas()
    assert list(frame.columns[:14]) == [
        "antecedents",
        "consequents",
        "antecedent support",
        "consequent support",
        "support",
        "confidence",
        "lift",
        "representativity",
        "leverage",
        "conviction",
        "zhangs_metric",
        "jaccard",
        "certainty",
        "kulczynski",
    ]
    assert {"n_both", "n_antecedent", "n_consequent", "n", "p_fisher", "q_bh"} <= set(frame.columns)
    assert (frame["odds_ratio_low"] <= frame["odds_ratio"]).all()


def test_evidence_leads_to_the_mentions():
    texts = ["aspirin", "warfarin", "aspirin", "heparin", "warfarin"]
    table = EntityTable(
        {
            "note": ["n1", "n1", "n2", "n2", "n3"],
            "patient": ["p1", "p1", "p2", "p2", "p3"],
            "start": [0, 20, 5, 30, 7],
            "end": [7, 28, 12, 37, 15],
            "n_concepts": [0] * 5,
            "text": texts,
        }
    )
    rules = mine_rules(entity_baskets(table), min_count=1)
    i = rules.antecedents.index(frozenset({"warfarin"}))
    assert rules.consequents[i] == {"aspirin"}
    behind = rules.evidence(i)
    assert list(zip(behind["note"], behind["start"], strict=True)) == [("n1", 0), ("n1", 20)]
    with pytest.raises(ArgumentError, match="rule must be a row"):
        rules.evidence(len(rules))


def test_evidence_of_a_plain_table_is_refused():
    with pytest.raises(ArgumentError, match="mentions or events"):
        mine_rules(random_baskets(), min_count=1).evidence(0)


def test_no_rules_at_all():
    rules = mine_rules(random_baskets(), min_count=121)
    assert len(rules) == 0
    assert rules.m == 0
    assert len(rules.to_pandas()) == 0


@pytest.mark.parametrize(
    "arguments",
    [{"min_count": 0}, {"max_len": 1}, {"min_margin": 0}, {"alpha": 2}, {"antecedent_kind": "x"}],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ArgumentError):
        mine_rules(random_baskets(), **arguments)
    with pytest.raises(ArgumentError, match="column of rules"):
        mine_rules(random_baskets())["lifts"]


def test_repr_shows_counts_only():
    rules = mine_rules(random_baskets(), min_count=121, min_margin=20)
    assert repr(rules) == f"Rules(0 of m={rules.m} candidates, 0 with q < 0.05, unit='row')"


def test_no_calls_under_independence():
    """Independent Zipf items: the share of runs with any q < 0.05 stays near 0.05 or below."""
    n_runs, calls = 150, 0
    shares = 0.6 / np.arange(1, 21)
    for seed in range(n_runs):
        held = np.random.default_rng([7, seed]).random((250, 20)) < shares
        names = [f"i{k}" for k in range(20)]
        rules = mine_rules(frame_baskets(pd.DataFrame(held, columns=names)), min_count=5)
        calls += bool(rules.significant.any())
    assert calls / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


@pytest.mark.parametrize(("min_count", "longest"), [(4, 2), (1, 3)])
def test_improvement_and_productive_are_the_naive_ones(min_count, longest):
    baskets = random_baskets(3)
    rules = mine_rules(baskets, min_count=min_count, max_len=4)
    assert max(map(len, rules.antecedents)) == longest
    for i, (a, c) in enumerate(zip(rules.antecedents, rules.consequents, strict=True)):
        parts = [frozenset(p) for size in range(len(a)) for p in combinations(sorted(a), size)]
        best = max(count(baskets, p | c) / count(baskets, p) for p in parts)
        confidence = count(baskets, a | c) / count(baskets, a)
        assert rules.improvement[i] == pytest.approx(confidence - best)
        p = 0.0
        for item in a:
            rest = a - {item}
            n, n_a, n_c = count(baskets, rest), count(baskets, a), count(baskets, rest | c)
            both = count(baskets, a | c)
            p = max(p, stats.hypergeom.sf(both - 1, n, n_a, n_c))
        assert rules.p_productive[i] == pytest.approx(p, rel=1e-6, abs=1e-12)
    one_item = np.array([len(a) == 1 for a in rules.antecedents])
    np.testing.assert_allclose(rules.p_productive[one_item], rules.p_fisher[one_item])


def test_a_repeated_rule_is_not_productive():
    """c follows from a; b, independent of both, adds nothing to a."""
    rng = np.random.default_rng(5)
    a, b = rng.random((2, 2000)) < 0.4
    frame = pd.DataFrame({"a": a, "b": b, "c": a & (rng.random(2000) < 0.6)})
    rules = mine_rules(frame_baskets(frame), max_len=3)
    by_sides = {
        (*sorted(x), "→", *sorted(y)): bool(good)
        for x, y, good in zip(rules.antecedents, rules.consequents, rules.productive, strict=True)
    }
    assert by_sides["a", "→", "c"]
    assert not by_sides["a", "b", "→", "c"]


def test_every_column_is_a_measure_of_the_counts():
    rules = mine_rules(random_baskets(), min_count=2, max_len=3)
    t = rules.table
    np.testing.assert_array_equal(rules["p_mid"], association.mid_p(t))
    low, high = association.lift_interval(t)
    np.testing.assert_array_equal(rules["lift_low"], low)
    np.testing.assert_array_equal(rules["lift_high"], high)
    assert (rules.q_by >= rules.q_bh).all()


def test_simpsons_reversal_of_a_rule():
    small = [(1, 1)] * 81 + [(1, 0)] * 6 + [(0, 1)] * 234 + [(0, 0)] * 36
    large = [(1, 1)] * 192 + [(1, 0)] * 71 + [(0, 1)] * 55 + [(0, 0)] * 25
    frame = pd.DataFrame(small + large, columns=["open", "success"])
    frame["large"] = np.repeat([0, 1], [len(small), len(large)])
    rules = mine_rules(frame_baskets(frame))
    flips = rules.simpson(["large"])
    sides = [set(a | c) for a, c in zip(rules.antecedents, rules.consequents, strict=True)]
    assert {frozenset(s) for s, f in zip(sides, flips, strict=True) if f} == {
        frozenset({"open", "success"})
    }


def test_a_threshold_hides_rules_and_changes_no_figure():
    frame = pd.DataFrame(np.random.default_rng(3).random((60, 5)) < 0.5, columns=list("abcde"))
    every = mine_rules(frame, max_len=3)
    table = every.to_pandas()
    for metric in MEASURES:
        least = float(np.nanmedian(table[metric]))
        some = mine_rules(frame, max_len=3, metric=metric, min_threshold=least)
        wanted = table[table[metric] >= least].reset_index(drop=True)
        pd.testing.assert_frame_equal(some.to_pandas(), wanted)
        assert some.m == every.m
    confident = mine_rules(frame, max_len=3, min_threshold=0.5)
    assert (confident["confidence"] >= 0.5).all()
    assert 0 < len(confident) < len(every)


def test_a_fraction_is_the_count_it_stands_for():
    frame = pd.DataFrame(np.random.default_rng(4).random((50, 4)) < 0.5, columns=list("abcd"))
    one, two = mine_rules(frame, min_support=0.14), mine_rules(frame, min_count=7)
    pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas())
    assert one.m == two.m


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"min_support": 0.1, "min_count": 5}, "either min_count or min_support"),
        ({"min_support": 5}, "min_support must lie above 0"),
        ({"min_support": 0}, "min_support must lie above 0"),
        ({"metric": "lift"}, "needs a min_threshold"),
        ({"metric": "q_bh", "min_threshold": 0.5}, "metric must be one of"),
    ],
)
def test_thresholds_that_say_nothing_are_refused(asked, said):
    with pytest.raises(ArgumentError, match=said):
        mine_rules([["a", "b"]] * 6, **asked)
