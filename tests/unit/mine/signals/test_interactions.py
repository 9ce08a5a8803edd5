"""Signals in a small world: planted interactions are found, look-alikes are not."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets, frame_baskets
from clinnlp.mine.signals.interactions import COLUMNS, mine_interactions

N = 12_000
DRUGS = tuple("abcdefghij")
KINDS = dict.fromkeys(DRUGS, "drug") | {"x": "outcome", "y": "outcome", "ill": "condition"}


def world(seed, *, interaction=0.3):
    """a + b interact on x; c alone harms x; d is a shadow of b; e, f and x share an illness."""
    rng = np.random.default_rng(seed)
    ill = rng.random(N) < 0.15
    held = {name: rng.random(N) < 0.1 for name in DRUGS}
    held["d"] |= held["b"] & (rng.random(N) < 0.7)
    held["c"] |= held["a"] & (rng.random(N) < 0.3)
    for name in "ef":
        held[name] = rng.random(N) < np.where(ill, 0.4, 0.08)
    risk_x = 0.01 + interaction * (held["a"] & held["b"]) + 0.1 * held["c"] + 0.3 * ill
    held["x"] = rng.random(N) < risk_x
    held["y"] = rng.random(N) < 0.02 + 0.05 * held["g"] + 0.05 * held["h"]
    return frame_baskets(pd.DataFrame(held | {"ill": ill}), kinds=KINDS)


def called(signals):
    names = ("drug_1", "drug_2", "outcome")
    rows = zip(*(signals[name][signals["signal"]] for name in names), strict=True)
    return {"".join(row) for row in rows}


def test_only_the_planted_interaction_is_called():
    found = [called(mine_interactions(world(seed))) for seed in range(12)]
    assert sum("abx" in names for names in found) >= 11
    assert sum(len(names - {"abx"}) > 0 for names in found) <= 1


def test_the_plain_counts_alone_would_call_the_look_alikes():
    found = [called(mine_interactions(world(seed), adjust=False)) for seed in range(6)]
    assert sum("adx" in names for names in found) >= 4
    assert any("efx" in names for names in found)


def test_nothing_planted_nothing_called():
    n_runs = 30
    wrong = sum(bool(called(mine_interactions(world(s, interaction=0)))) for s in range(n_runs))
    assert wrong / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_counts_are_those_of_the_baskets():
    baskets = world(0)
    signals = mine_interactions(baskets)
    frame = pd.DataFrame(baskets.matrix.toarray().astype(bool), columns=list(baskets.items))
    assert list(signals.to_pandas().columns) == list(COLUMNS)
    for i in range(0, len(signals), 7):
        one, two, end = (frame[signals[name][i]] for name in ("drug_1", "drug_2", "outcome"))
        for bits in ("111", "110", "101", "100", "011", "010", "001", "000"):
            a, b, y = (int(bit) for bit in bits)
            expected = int(((one == a) & (two == b) & (end == y)).sum())
            assert signals[f"n_{bits}"][i] == expected
    assert signals.m == 45 * 2
    assert signals["n_111"].min() >= 3


def test_crude_values_follow_the_definitions():
    signals = mine_interactions(world(0), adjust=False)
    assert np.isnan(signals["expected_adjusted"]).all()
    np.testing.assert_array_equal(signals["p_additive"], signals["p_crude"])
    f = {
        k: signals[f"n_{k}1"] / (signals[f"n_{k}1"] + signals[f"n_{k}0"])
        for k in ("00", "10", "01")
    }
    o = {k: v / (1 - v) for k, v in f.items()}
    joint = np.maximum(o["00"], o["10"]) + np.maximum(o["00"], o["01"]) - o["00"]
    expected = (signals["n_111"] + signals["n_110"]) * joint / (1 + joint)
    np.testing.assert_allclose(signals["expected"], expected)
    omega = np.log2((signals["n_111"] + 0.5) / (expected + 0.5))
    np.testing.assert_allclose(signals["omega"], omega)
    assert (signals["omega025"] < signals["omega"]).all()


def test_adjusting_only_ever_raises_p():
    signals = mine_interactions(world(1))
    assert (signals["p_additive"] >= signals["p_crude"]).all()
    assert np.isfinite(signals["expected_adjusted"][signals["signal"]]).all()
    assert (signals["signal"] == (signals["q_bh"] < 0.05)).all()
    assert (np.diff(signals["q_bh"]) >= 0).all()


def test_strata_by_item_or_by_number():
    baskets = world(2)
    column = baskets.items.index("ill")
    numbers = baskets.matrix[:, [column]].toarray().ravel().astype(np.int64)
    by_item = mine_interactions(baskets, strata=["ill"], adjust=False)
    by_number = mine_interactions(baskets, strata=numbers * 5, adjust=False)
    np.testing.assert_array_equal(by_item["expected"], by_number["expected"])
    plain = mine_interactions(baskets, adjust=False)

    def expected(signals):
        at = (signals["drug_1"] == "e") & (signals["drug_2"] == "f") & (signals["outcome"] == "x")
        return signals["expected"][at][0]

    assert expected(by_item) > 1.2 * expected(plain)


@pytest.mark.parametrize(
    "strata", [np.zeros(3, int), np.zeros(N), np.full(N, -1), ["no such item"]]
)
def test_bad_strata_are_refused(strata):
    with pytest.raises(ArgumentError, match="strata"):
        mine_interactions(world(0), strata=strata)


@pytest.mark.parametrize(
    "arguments",
    [{"min_count": 0}, {"min_margin": 0}, {"alpha": -1}, {"drug_kind": "Drug"}],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ArgumentError):
        mine_interactions(world(0), **arguments)


def test_an_unknown_column_and_a_plain_table_without_evidence():
    signals = mine_interactions(world(0))
    with pytest.raises(ArgumentError, match="column of signals"):
        signals["omega99"]
    with pytest.raises(ArgumentError, match="mentions or events"):
        signals.evidence(0)


def test_too_few_baskets_give_no_signals():
    frame = pd.DataFrame({"a": [1, 0], "b": [1, 1], "x": [1, 0]})
    signals = mine_interactions(frame_baskets(frame, kinds=KINDS))
    assert (len(signals), signals.m, len(signals.to_pandas())) == (0, 0, 0)
    assert repr(signals) == "Signals(0 with q < 0.05 of m=0 candidates, unit='row')"


def test_evidence_leads_to_the_events():
    rows = [("e1", "a"), ("e1", "b"), ("e1", "x"), ("e1", "c"), ("e2", "a"), ("e3", "b")]
    events = EventTable(
        {
            "patient": ["p"] * 6,
            "encounter": [stay for stay, _ in rows],
            "code": [code for _, code in rows],
            "kind": [KINDS[code] for _, code in rows],
            "source_id": [str(k) for k in range(6)],
        }
    )
    signals = mine_interactions(event_baskets(events), min_count=1, min_margin=1)
    assert signals["n_111"].tolist() == [1]
    assert signals.evidence(0)["source_id"].tolist() == ["0", "1", "2"]
