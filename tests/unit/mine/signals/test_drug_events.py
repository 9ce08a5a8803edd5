"""Drug → outcome signals: counts and measures as defined, look-alikes adjusted away."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from clinnlp.core.baskets import Baskets
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures import stratified
from clinnlp.mine.measures.gps import ebgm, fit_gamma_mixture
from clinnlp.mine.signals import drug_events
from clinnlp.mine.signals.drug_events import DRUG_EVENT_COLUMNS, mine_signals

N = 6000
KINDS = dict.fromkeys("abcd", "drug") | {"x": "outcome", "y": "outcome", "ill": "condition"}


def world(seed, effect=0.15):
    """a harms (x); b is taken with a; c is for an illness that harms; d is idle."""
    rng = np.random.default_rng(seed)
    ill = rng.random(N) < 0.2
    a = rng.random(N) < 0.15
    held = {
        "a": a,
        "b": rng.random(N) < np.where(a, 0.6, 0.1),
        "c": rng.random(N) < np.where(ill, 0.6, 0.1),
        "d": rng.random(N) < 0.2,
    }
    held["x"] = rng.random(N) < 0.02 + effect * a + 0.2 * ill
    held["y"] = rng.random(N) < 0.05
    return frame_baskets(pd.DataFrame(held | {"ill": ill}), kinds=KINDS)


def called(signals):
    at = signals["signal"]
    return {f"{a}{b}" for a, b in zip(signals["drug"][at], signals["outcome"][at], strict=True)}


def test_adjusting_leaves_the_guilty_drug_alone():
    baskets = world(0)
    assert called(mine_signals(baskets)) >= {"ax", "bx", "cx"}
    adjusted = mine_signals(baskets, adjust=True)
    assert called(adjusted) == {"ax"}
    assert (adjusted["p"] >= adjusted["p_fisher"]).all()
    at = np.flatnonzero((adjusted["drug"] == "a") & (adjusted["outcome"] == "x"))[0]
    low, value, high = (adjusted[f"odds_ratio_adjusted{end}"][at] for end in ("_low", "", "_high"))
    assert 1 < low < value < high


def test_nothing_planted_nothing_called():
    n_runs = 12
    wrong = 0
    for seed in range(n_runs):
        rng = np.random.default_rng([9, seed])
        held = {name: rng.random(1000) < 0.15 for name in KINDS}
        signals = mine_signals(frame_baskets(pd.DataFrame(held), kinds=KINDS))
        wrong += bool(called(signals))
    assert wrong / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_counts_and_measures_are_those_of_the_baskets():
    baskets = world(1)
    signals = mine_signals(baskets, min_count=1)
    frame = pd.DataFrame(baskets.matrix.toarray().astype(bool), columns=list(baskets.items))
    assert list(signals.to_pandas().columns) == list(DRUG_EVENT_COLUMNS)
    assert signals.m == len(signals) == 8
    t = Table2x2(
        n_ab=signals["n_both"], n_a=signals["n_drug"], n_b=signals["n_outcome"], n=signals["n"]
    )
    for i in range(len(signals)):
        a, b = frame[signals["drug"][i]], frame[signals["outcome"][i]]
        assert (int((a & b).sum()), int(a.sum()), int(b.sum()), N) == (
            t.n_ab[i], t.n_a[i], t.n_b[i], t.n[i],
        )  # fmt: skip
    for name in ("prr", "ror", "rrr", "bcpnn", "ic", "chi2_yates", "expected"):
        np.testing.assert_allclose(signals[name], getattr(dp, name)(t))
    for name in ("prr", "ror", "rrr", "bcpnn", "ic"):
        low, high = getattr(dp, f"{name}_interval")(t)
        np.testing.assert_allclose(signals[f"{name}_low"], low)
        np.testing.assert_allclose(signals[f"{name}_high"], high)
    prior = fit_gamma_mixture(t.n_ab, dp.expected(t))
    np.testing.assert_allclose(signals["ebgm"], ebgm(t.n_ab, dp.expected(t), prior), rtol=1e-3)
    assert (signals["eb05"] < signals["ebgm"]).all()
    assert (signals["ebgm"] < signals["eb95"]).all()
    np.testing.assert_allclose(signals["mh_odds_ratio"], signals["ror"])


def test_strata_change_the_expectation():
    baskets = world(2)
    ill = baskets.matrix[:, [baskets.items.index("ill")]].toarray().ravel().astype(np.int64)
    by_item = mine_signals(baskets, strata=["ill"])
    by_number = mine_signals(baskets, strata=ill)
    np.testing.assert_array_equal(by_item["mh_odds_ratio"], by_number["mh_odds_ratio"])
    at = np.flatnonzero((by_item["drug"] == "c") & (by_item["outcome"] == "x"))[0]
    assert by_item["ror"][at] > 2
    assert by_item["mh_odds_ratio_low"][at] < 1 < by_item["mh_odds_ratio_high"][at]
    assert by_item["ic"][at] < 0.3
    frame = pd.DataFrame(baskets.matrix.toarray(), columns=list(baskets.items))
    parts = [frame[frame["ill"] == k] for k in (0, 1)]
    t = Table2x2(**{
        name: np.array([[int(part[list(items)].all(axis=1).sum())] for part in parts])
        for name, items in (("n_ab", ("c", "x")), ("n_a", ("c",)), ("n_b", ("x",)), ("n", ()))
    })  # fmt: skip
    assert by_item["mh_odds_ratio"][at] == pytest.approx(float(stratified.mh_odds_ratio(t)[0]))


def test_simpsons_reversal_is_flagged():
    small = [(1, 1)] * 81 + [(1, 0)] * 6 + [(0, 1)] * 234 + [(0, 0)] * 36
    large = [(1, 1)] * 192 + [(1, 0)] * 71 + [(0, 1)] * 55 + [(0, 0)] * 25
    frame = pd.DataFrame(small + large, columns=["open", "success"])
    kinds = {"open": "drug", "success": "outcome"}
    strata = np.repeat([0, 1], [len(small), len(large)])
    signals = mine_signals(frame_baskets(frame, kinds=kinds), strata=strata)
    assert signals["simpson"].tolist() == [True]


@pytest.mark.parametrize(
    "arguments",
    [{"min_count": 0}, {"min_margin": 0}, {"alpha": 2}, {"drug_kind": "Drug"}, {"level": 95}],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ArgumentError):
        mine_signals(world(0), **arguments)


def test_too_few_baskets_give_no_signals():
    frame = pd.DataFrame({"a": [1, 0], "x": [1, 0]})
    signals = mine_signals(frame_baskets(frame, kinds=KINDS))
    assert (len(signals), signals.m) == (0, 0)


@pytest.mark.parametrize(
    ("least", "size"),
    [({}, (1, 1)), ({"min_count": 4}, (0, 1)), ({"min_margin": 6}, (0, 0))],
)
def test_a_count_that_is_just_reached_is_enough(least, size):
    held = [(1, 1)] * 3 + [(1, 0)] * 2 + [(0, 1)] * 2 + [(0, 0)] * 93
    baskets = frame_baskets(pd.DataFrame(held, columns=["a", "x"]), kinds=KINDS)
    signals = mine_signals(baskets, **{"min_count": 3, "min_margin": 5} | least)
    assert (len(signals), signals.m) == size


def test_a_q_of_just_alpha_is_no_signal():
    baskets = world(0)
    q = mine_signals(baskets)["q_bh"]
    limit = float(q[(q > 0) & (q < 1)].max())
    made = mine_signals(baskets, alpha=limit)
    np.testing.assert_array_equal(made["signal"], made["q_bh"] < limit)
    assert not made["signal"].all()


def test_the_prior_and_how_sure_it_is_stand_beside_the_signals():
    baskets = world(2)
    signals = mine_signals(baskets, min_count=1)
    again = fit_gamma_mixture(signals["n_both"], signals["expected"])
    assert signals.prior.weight == pytest.approx(again.weight)
    assert (signals.prior.fitted_by, signals.prior.n_pairs) == ("penalised", signals.m)
    assert signals.prior.flat  # of 8 pairs
    other = mine_signals(baskets, min_count=1, prior="openebgm")
    assert other.prior.fitted_by == "openebgm"
    assert other.prior.log_likelihood != pytest.approx(signals.prior.log_likelihood)
    np.testing.assert_allclose(other["ebgm"], ebgm(other["n_both"], other["expected"], other.prior))
    with pytest.raises(ArgumentError, match="prior"):
        mine_signals(baskets, prior="other")


def test_without_a_row_there_is_no_prior():
    assert mine_signals(world(3), min_count=N).prior is None


@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_drugs_give_what_all_at_once_do(seed, monkeypatch):
    rng = np.random.default_rng([11, seed])
    held = rng.random((2000, 170)) < 0.6 / np.arange(1, 171) ** 0.8
    kinds = {f"i{k}": "drug" if k % 2 else "outcome" for k in range(170)}
    baskets = frame_baskets(pd.DataFrame(held, columns=list(kinds)), kinds=kinds)
    numbers = rng.integers(0, 3, 2000)
    for strata in (None, numbers):
        whole = mine_signals(baskets, min_count=1, min_margin=1, strata=strata)
        with monkeypatch.context() as patch:
            patch.setattr(drug_events, "_BLOCK", 300)
            parts = mine_signals(baskets, min_count=1, min_margin=1, strata=strata)
        assert whole.m == parts.m > 5000  # so that pairs are taken together
        for name in ("drug", "outcome", "n_both", "n_drug", "n_outcome", "n"):
            assert (whole[name] == parts[name]).all()
        for name in ("expected", "ebgm", "eb05", "eb95", "ic", "p"):
            np.testing.assert_allclose(whole[name], parts[name], rtol=1e-6)


def test_every_candidate_needs_no_memory_at_once(caplog):
    n_items = 2000
    rng = np.random.default_rng(13)
    columns = np.concatenate([np.arange(2 * n_items), rng.integers(0, 2 * n_items, 20_000)])
    rows = np.concatenate([np.arange(2 * n_items) % n_items, rng.integers(0, n_items, 20_000)])
    matrix = sparse.csr_matrix((np.ones(len(rows), np.int8), (rows, columns)))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    baskets = Baskets(
        matrix=matrix, ids=np.arange(n_items).astype(object),
        items=tuple(f"i{k}" for k in range(2 * n_items)),
        kinds=("drug",) * n_items + ("outcome",) * n_items, unit="row",
        evidence=np.empty((0, 3), np.int64), entities=None, n_excluded={}, n_unassessed={},
    )  # fmt: skip
    mine_signals(world(0))  # what is compiled and imported does not count
    caplog.set_level("INFO")
    tracemalloc.start()
    signals = mine_signals(baskets, min_margin=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert signals.m == n_items**2
    assert peak < 40 * signals.m  # four counts of eight bytes alone would be 32
    assert f"{signals.m} candidates" in caplog.text
